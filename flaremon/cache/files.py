"""The folder of downloaded files.

Each file has a sidecar, ``NAME.json``, that says what the file must be (size, SHA-256), where
it came from and which record it belongs to, keywords included, since the file has none of its
own. The sidecar is put in place before the file: whatever is interrupted leaves a file that its
sidecar disowns, or none, and both count as absent. Files without a sidecar are not ours and are
never touched, so a cache folder that is somebody's archive by mistake loses nothing.
"""

import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flaremon.cache.sidecar import SUFFIX, Sidecar, sidecar_path, write_sidecar
from flaremon.disk import TEMP_SUFFIX, disk_errors, temp_path
from flaremon.domain import SEGMENT, Record, RecordKey, StoredFile
from flaremon.errors import DownloadIncompleteError, InputError

FRESH_FOR = timedelta(minutes=15)
"""A file that was just written is about to be read: it is never removed."""
TEMP_MAX_AGE = timedelta(hours=1)
"""No download lasts that long, so an older temporary file has lost its writer."""
NOTE = ".export.json"
"""Ends the names of notes about export requests."""
NOTE_MAX_AGE = timedelta(days=7)
"""The JSOC deletes the result of a request after that time."""


class FileCache:
    """A folder of files of records.

    Parameters
    ----------
    folder : Path
        Made when the first file arrives.
    max_bytes : int
        `prune` removes the oldest files above this total, in bytes.
    max_age : timedelta
        `prune` removes files fetched longer ago.
    """

    def __init__(self, folder: Path, *, max_bytes: int, max_age: timedelta) -> None:
        self.folder = folder
        self._max_bytes = max_bytes
        self._max_age = max_age

    def path(self, key: RecordKey, suffix: str = f".{SEGMENT}.fits") -> Path:
        """Return where something of a record is kept, named as the JSOC names exports.

        Raises
        ------
        InputError
            The key would lead out of the folder.
        """
        name = f"{key.file_stem}{suffix}"
        if not re.fullmatch(r"\w[\w.]*", name):
            raise InputError(f"{key} cannot be a file name")
        return self.folder / name

    def get(self, record: Record) -> StoredFile | None:
        """Return the complete and unaltered file of a record, or None.

        A slot that was processed again has a new record number under the same key; the file of
        the old one does not count.
        """
        path = self.path(record.key)
        sidecar = Sidecar.read(path)
        if sidecar is None or not sidecar.is_of(record):
            return None
        stored = sidecar.file
        try:
            if path.stat().st_size != stored.size_bytes:
                return None
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256")
        except OSError:
            return None
        return stored if digest.hexdigest() == stored.sha256 else None

    def put(
        self,
        record: Record,
        chunks: Iterable[bytes],
        *,
        url: str,
        expected_bytes: int | None,
        check: Callable[[Path], None] | None = None,
        now: datetime,
    ) -> StoredFile:
        """Keep a file, complete or not at all, in place of any older one of the same key.

        Parameters
        ----------
        expected_bytes : int or None
            Size that the source announced.
        check
            Looks at the complete temporary file and raises if it must not be kept.

        Raises
        ------
        DownloadIncompleteError
            The size is not the expected one.
        StoreFullError, ConfigurationError
            The folder cannot be written.
        """
        path = self.path(record.key)
        temp = temp_path(path)
        with disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                size_bytes, sha256 = _write(temp, chunks)
                if expected_bytes is not None and size_bytes != expected_bytes:
                    raise DownloadIncompleteError(
                        f"{url} has {size_bytes} bytes, {expected_bytes} announced"
                    )
                if check is not None:
                    check(temp)
                stored = StoredFile(
                    path=path, size_bytes=size_bytes, sha256=sha256, url=url, fetched_at=now
                )
                write_sidecar(record, stored)
                temp.replace(path)
            finally:
                temp.unlink(missing_ok=True)
        return stored

    def prune(self, *, now: datetime, keep: Collection[RecordKey] = ()) -> list[Path]:
        """Remove what is too old or too much, oldest first, and abandoned temporary files.

        Parameters
        ----------
        keep : collection of RecordKey
            Records whose files are in use.

        Returns
        -------
        list of Path
            What was removed, sidecars not counted.

        Raises
        ------
        ConfigurationError, StoreFullError
            A file cannot be removed.
        """
        kept = {self.path(key) for key in keep}
        files = sorted(self._files(), key=lambda file: file.fetched_at)
        total = sum(file.size_bytes for file in files)
        removed = []
        with disk_errors(self.folder):
            for file in files:
                age = now - file.fetched_at
                in_use = file.path in kept or age < FRESH_FOR
                if not in_use and (age > self._max_age or total > self._max_bytes):
                    file.path.unlink(missing_ok=True)
                    sidecar_path(file.path).unlink(missing_ok=True)
                    total -= file.size_bytes
                    removed.append(file.path)
            removed += self._prune_leftovers(now)
        return removed

    def _prune_leftovers(self, now: datetime) -> Iterator[Path]:
        """Remove what interrupted downloads and forgotten export requests left behind."""
        for pattern, max_age in ((f".*{TEMP_SUFFIX}", TEMP_MAX_AGE), (f"*{NOTE}", NOTE_MAX_AGE)):
            for path in self.folder.glob(pattern):
                with contextlib.suppress(FileNotFoundError):  # somebody has just finished with it
                    if now - _modified_at(path) > max_age:
                        path.unlink()
                        yield path

    def _files(self) -> Iterator[StoredFile]:
        """Give the files that have a sidecar, whether they are whole or not."""
        for path in self.folder.glob(f"*.{SEGMENT}.fits{SUFFIX}"):
            sidecar = Sidecar.read(path.with_name(path.name.removesuffix(SUFFIX)))
            if sidecar is not None:
                yield sidecar.file


def _write(temp: Path, chunks: Iterable[bytes]) -> tuple[int, str]:
    """Write chunks to the disk itself; return how many bytes and their SHA-256."""
    digest = hashlib.sha256()
    size_bytes = 0
    with temp.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)
            digest.update(chunk)
            size_bytes += len(chunk)
        file.flush()
        os.fsync(file.fileno())
    return size_bytes, digest.hexdigest()


def _modified_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)
