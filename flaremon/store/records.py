"""Records as they are listed, files as they arrive."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import or_, update
from sqlalchemy.orm import Session

from flaremon.domain import Record, RecordKey, StoredFile
from flaremon.errors import StoreError
from flaremon.schema import RecordRow
from flaremon.store.rows import batched, insert, known_records, storable
from flaremon.times import tai_label_to_utc

_KEY = ("series", "harpnum", "t_rec")
_FIRST_LISTING = frozenset({*_KEY, "slot_at", "run_id"})
"""Columns that a newer record number does not change."""


def add_records(
    session: Session,
    records: Iterable[Record],
    *,
    source: str,
    base_url: str,
    run_id: str,
    listed_at: datetime,
) -> None:
    """Store what a source listed.

    A record that is listed again changes nothing. A higher record number under the same key
    means that JSOC made the record anew: the row then describes the new one, and forgets the
    file of the old one. Of several records under one key the highest number counts.

    Parameters
    ----------
    source, base_url : str
        Name of the source, and where it was.
    run_id : str
        Run that listed them.
    listed_at : datetime
        When.
    """
    newest: dict[RecordKey, Record] = {}
    for record in records:
        other = newest.get(record.key)
        if other is None or record.recnum > other.recnum:
            newest[record.key] = record
    known = known_records(session, newest)
    # In the order of keys, so that two processes cannot wait for each other.
    todo = [
        newest[key]
        for key in sorted(newest)
        if key not in known or newest[key].recnum > known[key].recnum
    ]
    listing = {"source": source, "base_url": base_url, "run_id": run_id, "listed_at": listed_at}
    for batch in batched(todo):
        _upsert(session, [{**_columns(record), **listing} for record in batch])


def add_file(session: Session, key: RecordKey, file: StoredFile) -> None:
    """Store where the file of a listed record came from, its size and its hash.

    The same content again changes nothing.

    Raises
    ------
    StoreError
        If the record was never listed.
    """
    known = known_records(session, [key]).get(key)
    if known is None:
        raise StoreError(f"{key}: its file cannot be stored before the record is listed")
    if known.sha256 == file.sha256:
        return
    session.execute(
        update(RecordRow)
        .where(
            RecordRow.id == known.id,
            or_(RecordRow.sha256.is_(None), RecordRow.sha256 != file.sha256),
        )
        .values(
            file_url=file.url,
            size_bytes=file.size_bytes,
            sha256=file.sha256,
            fetched_at=file.fetched_at,
        )
        .execution_options(synchronize_session=False)
    )


def _upsert(session: Session, rows: list[dict[str, Any]]) -> None:
    statement = insert(session, RecordRow)
    renewed = {
        name: statement.excluded[name] for name in rows[0] if name not in _FIRST_LISTING
    } | dict.fromkeys(("file_url", "size_bytes", "sha256", "fetched_at"))
    session.execute(
        statement.on_conflict_do_update(
            index_elements=_KEY,
            set_=renewed,
            # Somebody else may have listed it since we looked.
            where=statement.excluded.recnum > RecordRow.recnum,
        ),
        rows,
    )


def _columns(record: Record) -> dict[str, Any]:
    key, geometry = record.key, record.geometry
    return {
        "series": key.series,
        "harpnum": key.harpnum,
        "t_rec": key.t_rec,
        "slot_at": tai_label_to_utc(key.t_rec),
        "recnum": record.recnum,
        "calibration": record.calibration.value,
        "quality": record.quality,
        "t_obs": record.t_obs,
        "processed_at": record.processed_at,
        "centre_x_px": geometry and geometry.centre_x_px,
        "centre_y_px": geometry and geometry.centre_y_px,
        "radius_px": geometry and geometry.radius_px,
        "arcsec_per_px": geometry and geometry.arcsec_per_px,
        "roll_deg": geometry and geometry.roll_deg,
        "b0_deg": geometry and geometry.b0_deg,
        "carrington_deg": geometry and geometry.carrington_deg,
        "keywords": {storable(name): storable(value) for name, value in record.keywords.items()},
        "segment_path": record.segment_path,
    }
