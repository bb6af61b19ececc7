"""One archived frame per step of time, each with its hash and where it comes from."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from flaremon import store
from flaremon.domain import RecordKey
from flaremon.errors import InputError
from flaremon.frames import FrameArchive
from flaremon.store import SlotRange
from flaremon.times import utc_to_tai_label
from flaremon.training.stored.config import Range, StoredConfig

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sqlalchemy.orm import Session

    from flaremon.preprocess import FrameSpec

_FIRST, _LAST = "0001.01.01_00:00:00_TAI", "9999.12.31_00:00:00_TAI"
"""Labels before and after every record."""
_MARGIN = timedelta(minutes=1)
"""A label and the time of observation differ by leap and light seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A frame that is to be used."""

    key: RecordKey
    recnum: int
    t_obs: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A frame that is used."""

    wanted: Wanted
    tenths_sha256: str
    """Of the frame's numbers."""
    source_sha256: str
    """Of the file that the frame was made from."""


def choose_frames(
    session: "Session",
    frames: FrameArchive,
    spec: "FrameSpec",
    config: StoredConfig,
    within: Range,
) -> list[Wanted]:
    """Return the frames to use, oldest first: the first of every step of ``cadence_h``.

    Only frames of records as the database has them now: one that was made anew since, or was
    never scored, does not count.

    Raises
    ------
    InputError
        There is none; the message says which series have frames.
    """
    step_s = config.cadence_h * 3600
    taken: dict[int, Wanted] = {}
    for series in config.series:
        mine: dict[int, Wanted] = {}
        for wanted in _of_series(session, frames, spec, series, within):
            step = int(wanted.t_obs.timestamp() // step_s)
            if step not in mine or wanted.t_obs < mine[step].t_obs:
                mine[step] = wanted
        taken = {**mine, **taken}
    if not taken:
        raise InputError(_none(frames, spec, config, within))
    return sorted(taken.values(), key=lambda wanted: wanted.t_obs)


def read_frames(
    frames: FrameArchive, spec: "FrameSpec", chosen: Sequence[Wanted]
) -> Iterator[tuple[Entry, "NDArray[np.int16]"]]:
    """Yield frames, in order, shape (size_px, size_px) in steps of 0.1 G; damaged ones are not."""
    for wanted in chosen:
        frame = frames.get(wanted.key, spec, recnum=wanted.recnum)
        if frame is not None:
            digest = hashlib.sha256(frame.tenths.tobytes()).hexdigest()
            entry = Entry(wanted=wanted, tenths_sha256=digest, source_sha256=frame.source.sha256)
            yield entry, frame.tenths


def _of_series(
    session: "Session", frames: FrameArchive, spec: "FrameSpec", series: str, within: Range
) -> Iterator[Wanted]:
    low = _FIRST if within.since is None else utc_to_tai_label(within.since - _MARGIN)
    high = _LAST if within.until is None else utc_to_tai_label(within.until + _MARGIN)
    records = store.stored_records(session, SlotRange(series=series, low=low, high=high))
    since = within.since or datetime.min.replace(tzinfo=UTC)
    until = within.until or datetime.max.replace(tzinfo=UTC)
    for key in frames.keys(series, spec, low=low, high=high):
        record = records.get(key.t_rec)
        if record is not None and record.t_obs is not None and since <= record.t_obs < until:
            yield Wanted(key=key, recnum=record.recnum, t_obs=record.t_obs)


def _none(frames: FrameArchive, spec: "FrameSpec", config: StoredConfig, within: Range) -> str:
    there = frames.series(spec)
    span = f"from {within.since or 'the first'} to {within.until or 'the last'}"
    return (
        f"no archived frame of {', '.join(config.series)} {span} in {frames.folder} for frames of "
        f"{spec.size_px} px; there are frames of {', '.join(there) or 'no series at all'}. "
        "`flaremon backfill` makes them (FLAREMON_FRAMES__KEEP), [data] series chooses"
    )
