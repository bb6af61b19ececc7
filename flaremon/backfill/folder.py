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
from flaremon.batch import FUTURE_TOLERANCE
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
from flaremon.images import read_any
from flaremon.store import Miss, MissReason
from flaremon.times import iso_z, utc_now, utc_to_tai_label

if TYPE_CHECKING:
    from sqlalchemy import Engine

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
    """Files, in a given order; those whose content is decided are passed over undecoded."""

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
        for path in self.paths:
            if stop.is_set():
                return
            try:
                file = _stored(path)
            except OSError as exc:
                key = RecordKey(series=NOBODYS, t_rec=path.name)
                words = f"{path} cannot be read: {exc.strerror or exc}"
                yield Item(miss=Miss(key=key, reason=MissReason.FAILED, detail=words))
                continue
            if insist(lambda sha256=file.sha256: self._decided(sha256)):  # type: ignore[misc]
                yield Item(decided=True)
            else:
                yield Item(file=file)

    def _decided(self, sha256: str) -> bool:
        with session_scope(self.engine) as session:
            key = store.known_hashes(session, [sha256]).get(sha256)
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
    key = magnetogram.key or RecordKey(
        series=f"{SOURCE}.{FORMATS[path.suffix.lower()]}",
        t_rec=utc_to_tai_label(magnetogram.t_obs),
    )
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
