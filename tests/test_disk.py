"""Files that are whole or absent, locks, and what a full disk means."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from flaremon.disk import FileLock, disk_errors, write_atomically
from flaremon.errors import ConfigurationError, StoreFullError

HOLDER = """
import sys, time
from pathlib import Path
from flaremon.disk import FileLock
with FileLock(Path(sys.argv[1])).hold(limit_s=10):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_file_is_replaced_as_a_whole_and_leaves_no_temporary_file(tmp_path: Path):
    path = tmp_path / "deep" / "note.json"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert [p.name for p in path.parent.iterdir()] == ["note.json"]


def test_a_full_device_is_said_to_be_full():
    with pytest.raises(StoreFullError, match="free some space"), disk_errors(Path("/dev")):
        Path("/dev/full").write_bytes(b"x")


def test_a_folder_that_is_a_file_is_a_wrong_setting(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="FLAREMON_CACHE__DIR"), disk_errors(tmp_path):
        write_atomically(tmp_path / "file" / "note.json", b"")


def test_a_lock_excludes_other_threads_of_the_process(tmp_path: Path):
    lock = FileLock(tmp_path / "lock")
    inside, worst = 0, 0

    def work() -> None:
        nonlocal inside, worst
        for _ in range(20):
            with FileLock(tmp_path / "lock").hold(limit_s=60):
                inside += 1
                worst = max(worst, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    with lock.hold(limit_s=1):
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join()
    assert worst == 1


def test_a_lock_is_waited_for_no_longer_than_said_and_is_free_again_afterwards(tmp_path: Path):
    lock = FileLock(tmp_path / "lock")
    with (
        lock.hold(limit_s=1),
        pytest.raises(TimeoutError),
        FileLock(tmp_path / "lock").hold(limit_s=0.05),
    ):
        pass
    with lock.hold(limit_s=1):
        pass


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path):
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(TimeoutError), FileLock(path).hold(limit_s=0.05):
            pass
        holder.kill()
        holder.wait()
        with FileLock(path).hold(limit_s=5):
            pass
