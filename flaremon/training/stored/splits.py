"""Chronological parts, whole rotations apart, and whether they hold enough."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from flaremon.domain import FlareEvent
from flaremon.errors import InputError
from flaremon.training.dataset import Split, refuse_crossing
from flaremon.training.labels import NO, YES, Times

APART = np.timedelta64(40, "D")
"""Between two parts: more than a rotation, so that no region is seen in both on one passage, and
more than any flare window or memory of recent flares."""
_DAY = np.timedelta64(1, "D")
TRAIN, CHOOSE, REPORT = "train", "choose", "report"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a part must hold to mean anything."""

    days: int
    """With a frame whose outcome is known."""
    event_days: int
    """Of them, with the event after one of its frames."""
    quiet_days: int
    """Of them, without, after all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a part holds."""

    split: Split
    frames: int
    days: int
    event_days: int
    quiet_days: int

    def enough(self, need: Need) -> bool:
        """Tell whether that is what is needed."""
        return (
            self.days >= need.days
            and self.event_days >= need.event_days
            and self.quiet_days >= need.quiet_days
        )


def cut(
    times: Times, shares: Mapping[str, float], events: Sequence[FlareEvent]
) -> tuple[Split, ...]:
    """Cut a span of time into parts, oldest first, `APART` from each other, at midnights.

    Parameters
    ----------
    times : ndarray of datetime64[s]
        Of the frames, ascending.
    shares : mapping
        Name of each part, and its share of the time that is left without the gaps.
    events : sequence of FlareEvent
        Whose windows must not cross from one part into the next.

    Raises
    ------
    InputError
        The span is too short for the gaps alone.
    """
    first = times[0].astype("datetime64[D]").astype("datetime64[s]")
    end = times[-1].astype("datetime64[D]").astype("datetime64[s]") + _DAY
    gaps = APART * (len(shares) - 1)
    left_d = int((end - first - gaps) / _DAY)
    if left_d < len(shares):
        raise InputError(
            f"frames with a known outcome reach from {_day(first)} to {_day(times[-1])}, which is "
            f"{int((end - first) / _DAY)} days; {len(shares)} parts that are "
            f"{int(APART / _DAY)} days apart need {int(gaps / _DAY) + len(shares)} days at the "
            "very least: backfill more history, or import the flares of more of it"
        )
    total = sum(shares.values())
    edges = np.rint(np.cumsum([0.0, *shares.values()]) / total * left_d).astype(int)
    splits = tuple(
        Split(name=name, start=first + low * _DAY + k * APART, end=first + high * _DAY + k * APART)
        for k, (name, (low, high)) in enumerate(zip(shares, pairwise(edges.tolist()), strict=True))
    )
    refuse_crossing(splits, events)
    return splits


def inside(split: Split, times: Times) -> NDArray[np.bool_]:
    """Return which times are in a part."""
    return np.asarray((times >= split.start) & (times < split.end))


def held(split: Split, times: Times, outcome: NDArray[np.int8]) -> Held:
    """Count what a part holds of an event.

    Parameters
    ----------
    times, outcome : ndarray, shape (N,)
        Of all parts.
    """
    here = inside(split, times) & ((outcome == YES) | (outcome == NO))
    days = times[here].astype("datetime64[D]")
    every, with_event = np.unique(days), np.unique(days[outcome[here] == YES])
    return Held(
        split=split,
        frames=int(here.sum()),
        days=len(every),
        event_days=len(with_event),
        quiet_days=len(every) - len(with_event),
    )


def refuse_too_little(parts: Sequence[Held], needs: Mapping[str, Need], event: FlareEvent) -> None:
    """Refuse parts from which nothing could be learned, or said.

    Raises
    ------
    InputError
        Saying for every part what there is and what is needed.
    """
    if all(part.enough(needs[part.split.name]) for part in parts):
        return
    told = "; ".join(
        f"{part.split.name} ({_day(part.split.start)} to {_day(part.split.end - _DAY)}) has "
        f"{part.frames} frames on {part.days} days, {part.event_days} with {event} and "
        f"{part.quiet_days} without (needed: {need.days} days, {need.event_days} and "
        f"{need.quiet_days})"
        for part, need in ((part, needs[part.split.name]) for part in parts)
    )
    raise InputError(
        f"too little in the store: {told}. `flaremon backfill` makes more frames, `flaremon "
        "coverage` shows where there are some, [data] since chooses where to begin"
    )


def _day(time: np.datetime64) -> str:
    return str(time)[:10]
