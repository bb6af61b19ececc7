"""What people write for a record, to its key; what comes near when it is none."""

import contextlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from flaremon import store
from flaremon.domain import SERIES_CADENCE_S, RecordKey
from flaremon.errors import InputError
from flaremon.times import (
    parse_utc,
    slot_index,
    slot_label,
    tai_label_to_utc,
    utc_to_tai_label,
)

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_SAME_SLOT = timedelta(seconds=22)
"""Less than half a step of the finest series."""


def find_key(session: "Session", text: str) -> RecordKey:
    """Return the key of the stored record that is meant.

    Parameters
    ----------
    text : str
        A key as DRMS writes it (``hmi.M_720s_nrt[2026.02.01_00:00:00_TAI]``, also with a segment
        behind it), or the slot alone, as a label or in UTC, where only one record has it.

    Raises
    ------
    InputError
        It is no key or time, no record has it, or several have; the message names the nearest.
    """
    with contextlib.suppress(InputError):
        key = RecordKey.parse(text.strip().partition("{")[0])
        if store.listed_record(session, key) is not None:
            return key
    series, slot = _parts(text)
    label = _label(slot, SERIES_CADENCE_S.get(series or "", 45.0))
    if series is not None:
        key = RecordKey(series=series, t_rec=label)
        if store.listed_record(session, key) is not None:
            return key
    return _only_one_near(session, text, series, tai_label_to_utc(label))


def _only_one_near(session: "Session", text: str, series: str | None, at: datetime) -> RecordKey:
    """Return the record of a slot whose series was not said; raise if there is not just one."""
    near = store.nearest_keys(session, at, series=series) or store.nearest_keys(session, at)
    same = [
        key for key in near if series is None and abs(tai_label_to_utc(key.t_rec) - at) < _SAME_SLOT
    ]
    if len(same) == 1:
        return same[0]
    listed = ", ".join(map(str, same or near))
    if same:
        raise InputError(f"{text} may be any of {listed}; write the one that is meant")
    if not near:
        raise InputError(f"{text} is not in this database, which holds no record at all")
    raise InputError(f"{text} is not in this database; the nearest are {listed}")


def _parts(text: str) -> tuple[str | None, str]:
    """Split ``series[slot]{segment}`` or a slot alone."""
    text = text.strip()
    if "[" not in text:
        return None, text
    series, _, rest = text.partition("[")
    slot, closing, _ = rest.rpartition("]")
    if not closing or not series:
        raise InputError(f"{text!r} is not a record; write hmi.M_720s[2024.06.28_00:00:00_TAI]")
    return series, slot


def _label(slot: str, cadence_s: float) -> str:
    """Return the label of the slot nearest to a time that may be written in many ways."""
    utc = parse_utc(slot.rpartition("[")[2])
    return slot_label(slot_index(utc_to_tai_label(utc), cadence_s), cadence_s)
