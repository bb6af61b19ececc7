"""History again, from the archive of frames: no file, no JSOC, no decoding."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flaremon import store
from flaremon.backfill.feed import Item
from flaremon.store import Miss, MissReason, SlotRange

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from flaremon.domain import Record, RecordKey
    from flaremon.frames import FrameArchive
    from flaremon.package import ModelPackage

SLOTS_PER_TRANSACTION = 128
"""A frame takes 10 ms to score, so that is a second."""


@dataclass(frozen=True, kw_only=True)
class FrameFeed:
    """Archived frames that a model has not scored, newest first."""

    frames: "FrameArchive"
    package: "ModelPackage"
    keys: "Sequence[RecordKey]"
    records: "Mapping[str, Record]"
    """By label, as the database has them."""

    def items(self, stop: threading.Event) -> Iterator[Item]:
        """Yield an item per frame; one whose record was made anew, or is not known, is a miss."""
        for key in self.keys:
            if stop.is_set():
                return
            record = self.records.get(key.t_rec)
            frame = None
            if record is not None:
                frame = self.frames.get(key, self.package.frame, recnum=record.recnum)
            if record is None or frame is None:
                why = "not in the database" if record is None else "made anew, or its frame damaged"
                words = f"{key}: the record is {why}; a backfill of its day helps"
                yield Item(miss=Miss(key=key, reason=MissReason.FAILED, detail=words))
            else:
                yield Item(record=record, file=frame.source, frames=(frame.tenths,))


def frames_to_score(
    session: "Session", frames: "FrameArchive", package: "ModelPackage", slots: SlotRange
) -> FrameFeed:
    """Return the archived frames of a range that a model has not scored, nor anybody rejected.

    Raises
    ------
    StoreError
        The database fails.
    """
    predicted = store.predicted_slots(
        session, slots, model=package.id, events=[spec.event for spec in package.events]
    )
    decided = predicted | store.rejected_slots(session, slots).keys()
    keys = [
        key
        for key in frames.keys(slots.series, package.frame, low=slots.low, high=slots.high)
        if key.t_rec not in decided
    ]
    return FrameFeed(
        frames=frames, package=package, keys=keys, records=store.stored_records(session, slots)
    )
