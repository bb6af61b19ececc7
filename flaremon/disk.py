"""Files that are whole or absent, a lock between processes, and what a full disk means."""

import contextlib
import errno
import fcntl
import os
import random
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from flaremon.errors import ConfigurationError, StoreFullError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
_POLL_S = 0.02
"""flock has no time-out of its own, so a waiting process looks this often."""

TEMP_SUFFIX = ".part"
"""Files under this suffix are being written, or were when somebody pulled the plug."""


@contextlib.contextmanager
def disk_errors(folder: Path, *, setting: str = "FLAREMON_CACHE__DIR") -> Iterator[None]:
    """Translate what the operating system says about `folder`, which `setting` chooses.

    Raises
    ------
    StoreFullError
        No space, over quota, or a read-only file system.
    ConfigurationError
        The folder cannot be used for any other reason, e.g. it belongs to somebody else.
    """
    try:
        yield
    except OSError as exc:
        if exc.errno in _FULL:
            raise StoreFullError(
                f"cannot write to {folder}: {exc.strerror}; free some space or choose another "
                f"folder with {setting}"
            ) from exc
        raise ConfigurationError(
            f"cannot use the folder {folder}: {exc.strerror or exc}; choose another one with "
            f"{setting}"
        ) from exc


def temp_path(path: Path) -> Path:
    """Return a name beside `path` that nobody else uses, hidden and ending in `TEMP_SUFFIX`."""
    return path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}{TEMP_SUFFIX}")


def write_atomically(path: Path, content: bytes) -> None:
    """Write a small file so that a reader, or a crash, sees the old content or the new one.

    Raises
    ------
    OSError
        As the operating system says; wrap the call in `disk_errors`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temp = temp_path(path)
    try:
        with temp.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temp.replace(path)
    finally:
        temp.unlink(missing_ok=True)


class FileLock:
    """A lock that excludes the other threads and the other processes of this machine.

    flock belongs to the opened file, not to the process, so two threads that open the file for
    themselves exclude each other as two processes do; the kernel drops it with a process that
    dies. It is released explicitly, since a forked child shares the opened file.
    """

    def __init__(self, path: Path, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.path = path
        self._sleep = sleep

    @contextlib.contextmanager
    def hold(self, *, limit_s: float, shared: bool = False) -> Iterator[TextIO]:
        """Wait for the lock, give its file (readable and writable), release it.

        Parameters
        ----------
        limit_s : float
            How long to wait, s.
        shared : bool
            Hold it together with others who share it, and exclude only who wants it alone.

        Raises
        ------
        TimeoutError
            Somebody else held it for all of `limit_s` seconds.
        StoreFullError, ConfigurationError
            The folder cannot be written.
        """
        with disk_errors(self.path.parent):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644), "r+")
        with file:
            how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
            self._acquire(file.fileno(), how, time.monotonic() + limit_s)
            try:
                yield file
            finally:
                fcntl.flock(file.fileno(), fcntl.LOCK_UN)

    def _acquire(self, descriptor: int, how: int, end: float) -> None:
        while True:
            try:
                fcntl.flock(descriptor, how | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= end:
                    raise TimeoutError(f"{self.path} is held by another process") from None
                self._sleep(_POLL_S * random.uniform(0.5, 1.5))  # noqa: S311 - not a secret
            else:
                return
