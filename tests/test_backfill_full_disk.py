"""A disk that is really full: a file system of a few megabytes under the cache folder."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select
from support.packages import write_package

from flaremon.database import open_engine, session_scope
from flaremon.replica import Replica
from flaremon.schema import PredictionRow

ROOT = Path(__file__).parent.parent
MOUNT = 'mount -t tmpfs -o size="$2" tmpfs "$1"'
SCRIPT = f"""
{MOUNT} || exit 9
shift 2
"$@" && exit 8
echo "--- $? ---" >&2
mount -o remount,size=200m "$FLAREMON_CACHE__DIR" || exit 9
exec "$@"
"""


def in_a_namespace_of_its_own(script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a shell script that may mount what nobody else sees."""
    return subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def small_disk(tmp_path):
    """A folder to mount a small file system on; skips where that is not allowed."""
    folder = tmp_path / "cache"
    folder.mkdir()
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare on this machine")
    tried = in_a_namespace_of_its_own(MOUNT, str(folder), "1m")
    if tried.returncode:
        pytest.skip(f"file systems cannot be mounted here: {tried.stderr.strip()}")
    return folder


def test_a_full_disk_ends_the_backfill_in_words_and_the_same_command_goes_on_once_there_is_space(
    hmi_archive, small_disk, tmp_path, monkeypatch
):
    file_bytes = max(path.stat().st_size for path in hmi_archive.iterdir())
    url = f"sqlite:///{tmp_path / 'flaremon.db'}"
    write_package(tmp_path / "models")
    with Replica(hmi_archive) as replica:
        for name, value in {
            "JSOC__BASE_URL": replica.base_url,
            "JSOC__MIN_INTERVAL_S": "0",
            "MODELS_DIR": str(tmp_path / "models"),
            "MODEL": "tiny-cnn@0.0.1",
            "DEVICE": "cpu",
            "DATABASE_URL": url,
            "CACHE__DIR": str(small_disk),
            "FRAMES__DIR": str(tmp_path / "frames"),
        }.items():
            monkeypatch.setenv(f"FLAREMON_{name}", value)
        done = in_a_namespace_of_its_own(
            SCRIPT, str(small_disk), str(int(1.5 * file_bytes)),
            sys.executable, "-m", "flaremon", "backfill", "2024.06.27_23:36:00_TAI",
            "2024.06.28_00:12:00_TAI", "--workers", "0",
        )  # fmt: skip
        files = [call.path for call in replica.calls if call.endpoint == "sums"]
    full, _, _ = done.stderr.partition("--- 3 ---")
    assert done.returncode == 0, done.stderr
    assert f"cannot write to {small_disk}: No space left on device" in full
    assert "free some space" in full
    assert "FLAREMON_CACHE__DIR" in full
    assert "Traceback" not in full
    before, after = (line for line in done.stdout.splitlines() if "new rows" in line)
    assert before.startswith("3 slots: 1 predicted, 0 rejected, 0 without a record, 0 failed, 2 no")
    assert after.startswith("2 slots: 2 predicted")
    # The file that did not fit was asked for again, the one before it was not.
    assert len(files) == 4
    assert len(set(files)) == 3
    engine = open_engine(url)
    with session_scope(engine) as session:
        assert session.scalar(select(func.count()).select_from(PredictionRow)) == 6
    engine.dispose()
