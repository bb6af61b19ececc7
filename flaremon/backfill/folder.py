"""A folder of files as a source: FITS, JP2 and JPG, found in any depth.

A FITS file that names its DRMS record is stored under that record's key, and is the same slot as
one from the JSOC. A picture has no record. It is stored as ``file.jpg[T_REC]`` or
``file.jp2[T_REC]``, where T_REC is the time of its observation in TAI to the second: ``file.`` is
no series of the JSOC, so nothing that asks for one ever takes a picture for it, and two formats of
one moment stay two inputs. A FITS file without a series is ``file.fits`` in the same way.
"""

import hashlib
import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from flaremon import store
from flaremon.backfill.decoding import Assignment, Decoded, framed
from flaremon.backfill.feed import Item
from flaremon.backfill.patience import insist
from flaremon.backfill.tally import NOBODYS
from flaremon.batch import FUTURE_TOLERANCE, equal_files
from flaremon.database import session_scope
from flaremon.domain import (
    Calibration,
    Magnetogram,
    Record,
    RecordKey,
    Refusal,
    RejectionReason,
    StoredFile,
)
from flaremon.errors import FitsError, InputError
from flaremon.images import observation_time, read_any
from flaremon.store import Miss, MissReason
from flaremon.times import iso_z, utc_now, utc_to_tai_label

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from flaremon.package import ModelPackage

log = logging.getLogger(__name__)

SOURCE = "file"
"""Name of the source of such records."""
FORMATS = {".fits": "fits", ".fts": "fits", ".jp2": "jp2", ".jpg": "jpg", ".jpeg": "jpg"}
"""What is looked for, and how it is called."""


def find_files(folder: Path, order: Literal["newest", "oldest"] = "newest") -> list[Path]:
    """Return the files of a folder tree, by name, which begins with the time in every archive.

    Raises
    ------
    InputError
        There is no such folder, or nothing in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder")
    found = [path for path in folder.rglob("*") if path.suffix.lower() in FORMATS]
    if not found:
        raise InputError(f"{folder} holds no {', '.join(sorted(FORMATS))} file")
    return sorted(found, key=lambda path: (path.name, str(path)), reverse=order == "newest")


@dataclass(frozen=True, kw_only=True)
class FolderFeed:
    """Files, in a given order; those whose content is decided are passed over undecoded.

    Equal pictures come one after the other, the earliest first, which keeps the picture: what is
    served again under a later time is stale. All are compared before the first is scored. A copy
    that an earlier run has scored, before the genuine picture was there, is rejected as soon as
    that one is scored, see `flaremon.job.keep`.
    """

    paths: Sequence[Path]
    engine: "Engine"
    packages: "Sequence[ModelPackage]"

    def items(self, stop: threading.Event) -> Iterator[Item]:
        """Yield an item per file.

        Raises
        ------
        StoreError
            The database fails for good.
        """
        for path in _originals_first(self.paths):
            if stop.is_set():
                return
            try:
                file = _stored(path)
            except OSError as exc:
                key = RecordKey(series=NOBODYS, t_rec=path.name)
                words = f"{path} cannot be read: {exc.strerror or exc}"
                yield Item(miss=Miss(key=key, reason=MissReason.FAILED, detail=words))
                continue
            if insist(lambda file=file: self._decided(file)):  # type: ignore[misc]
                yield Item(decided=True)
            else:
                yield Item(file=file)

    def decided(self) -> int:
        """Return how many files a run would pass over; reads them all, and decodes none.

        Raises
        ------
        StoreError
            The database fails for good.
        """
        return sum(item.decided for item in self.items(threading.Event()))

    def _decided(self, file: StoredFile) -> bool:
        with session_scope(self.engine) as session:
            holder = store.known_hashes(session, [file.sha256]).get(file.sha256)
            key = holder and _slot(session, file, holder)
            if key is None:
                return False
            record = Record(key=key, quality=0, calibration=Calibration.NEAR_REAL_TIME)
            return not any(
                store.undecided(
                    session,
                    [record],
                    model=package.id,
                    events=[spec.event for spec in package.events],
                )
                for package in self.packages
            )


def _originals_first(paths: Sequence[Path]) -> list[Path]:
    """Put equal pictures together, where the first of them is, the earliest in front.

    Only of pictures, whose name tells the time, can equal ones be of different slots.
    """
    groups = {
        path: sorted(group, key=_time_in_name)
        for group in equal_files(path for path in paths if _is_picture(path))
        for path in group
    }
    return list(dict.fromkeys(one for path in paths for one in groups.get(path, [path])))


def _is_picture(path: Path) -> bool:
    return FORMATS[path.suffix.lower()] != "fits"


def _time_in_name(path: Path) -> datetime:
    """Return when a picture was observed, or, without a time in its name, the end of all times."""
    try:
        return observation_time(path.name)
    except FitsError:
        return datetime.max.replace(tzinfo=UTC)


def _slot(session: "Session", file: StoredFile, holder: RecordKey) -> RecordKey | None:
    """Return the slot of a file whose content is known, without decoding it; None: it must be.

    Equal content under another name is another slot, unless it is FITS and tells its time itself.
    """
    listed = store.listed_record(session, holder)
    same_name = listed is not None and listed.record.keywords.get("FILE") == file.path.name
    if same_name or not _is_picture(file.path):
        return holder
    try:
        return _key_at(file.path, observation_time(file.path.name))
    except FitsError:
        return None


def decode_file(order: Assignment) -> Decoded:
    """Decode a file that must say itself what it is; runs in a worker process."""
    try:
        magnetogram = read_any(order.path)
    except FitsError as exc:
        return Decoded(record=None, unreadable=str(exc))
    record = _record(order.path, magnetogram)
    if magnetogram.t_obs > utc_now() + FUTURE_TOLERANCE:
        words = f"{order.path} says it was observed at {iso_z(magnetogram.t_obs)}, in the future"
        return Decoded(record=record, refusal=Refusal(RejectionReason.FUTURE, words))
    return framed(magnetogram, record, order.specs)


def base_url(folder: Path) -> str:
    """Return where the records of a folder were listed from, for their provenance."""
    return folder.resolve().as_uri()


def _record(path: Path, magnetogram: Magnetogram) -> Record:
    key = magnetogram.key or _key_at(path, magnetogram.t_obs)
    # Nothing in a picture says that it is final.
    final = key.series in {"hmi.M_720s", "hmi.M_45s"}
    return Record(
        key=key,
        quality=magnetogram.quality,
        calibration=Calibration.DEFINITIVE if final else Calibration.NEAR_REAL_TIME,
        t_obs=magnetogram.t_obs,
        geometry=magnetogram.geometry,
        keywords={"FILE": path.name},
    )


def _key_at(path: Path, t_obs: datetime) -> RecordKey:
    """Return the key of a file that names no record."""
    return RecordKey(
        series=f"{SOURCE}.{FORMATS[path.suffix.lower()]}", t_rec=utc_to_tai_label(t_obs)
    )


def _stored(path: Path) -> StoredFile:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    facts = path.stat()
    return StoredFile(
        path=path,
        size_bytes=facts.st_size,
        sha256=digest.hexdigest(),
        url=path.resolve().as_uri(),
        fetched_at=datetime.fromtimestamp(facts.st_mtime, tz=UTC),
    )
