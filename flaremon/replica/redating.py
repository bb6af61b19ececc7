"""Moving an archive in time, as a whole, before it is served."""

from dataclasses import replace
from datetime import datetime, timedelta

from flaremon.replica.archive import Archive, assemble
from flaremon.replica.dating import Dating
from flaremon.replica.records import ArchivedRecord
from flaremon.times import slot_index, tai_label_to_utc, utc_to_tai_label


def pack(archive: Archive) -> Archive:
    """Close the gaps: records keep their order and sit on consecutive slots.

    The newest record keeps its slot.
    """
    moved: list[ArchivedRecord] = []
    for series in archive.series.values():
        slots = sorted({record.slot for record in series.records})
        target = {slot: slots[-1] - (len(slots) - 1 - i) for i, slot in enumerate(slots)}
        moved += [_moved(record, target[record.slot]) for record in series.records]
    return assemble(moved)


def latest_as_now(archive: Archive, *, now: datetime, latency: timedelta) -> Archive:
    """Move each series so that its newest slot is `latency` old, or up to one slot older.

    DATE becomes slot plus `latency` and is never in the future. Done once: the archive does not
    move on with the clock.
    """
    moved: list[ArchivedRecord] = []
    for series in archive.series.values():
        cadence_s = series.definition.cadence_s
        newest = _slot_before(now - latency, cadence_s)
        shift = newest - series.records[-1].slot
        moved += [
            _made(_moved(record, record.slot + shift), now=now, latency=latency)
            for record in series.records
        ]
    return assemble(moved)


def _slot_before(instant: datetime, cadence_s: float) -> int:
    # slot_index rounds to the nearest slot; half a slot earlier it rounds down.
    half = timedelta(seconds=cadence_s / 2)
    return slot_index(utc_to_tai_label(instant - half), cadence_s)


def _moved(record: ArchivedRecord, slot: int) -> ArchivedRecord:
    shift_s = (slot - record.slot) * record.definition.cadence_s
    dating = Dating(record.dating.shift_s + shift_s, record.dating.made_at)
    return replace(record, slot=slot, dating=dating)


def _made(record: ArchivedRecord, *, now: datetime, latency: timedelta) -> ArchivedRecord:
    made_at = min(tai_label_to_utc(record.t_rec) + latency, now)
    return replace(record, dating=replace(record.dating, made_at=made_at))
