"""From a flare list and windows to outcomes, with how many flares, the largest, and why not."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from flaremon.domain import (
    EventOutcome,
    FlareClass,
    FlareEvent,
    OutcomeState,
    Window,
    class_of_flux,
)
from flaremon.store import LONGEST_LOCATION
from flaremon.truth.reasons import why_unknown
from flaremon.verify.labels import UNKNOWN, YES, FlareList, Times, label, looked_at
from flaremon.verify.stored import instants


def judge(
    flares: FlareList,
    event: FlareEvent,
    windows: Sequence[Window],
    *,
    as_of: datetime | None,
    now: datetime,
) -> list[EventOutcome]:
    """Say what became of windows that are over.

    Parameters
    ----------
    flares : FlareList
        From `flaremon.verify.stored.stored_flares`, from `LONGEST_FLARE` before the first window
        to the end of the last.
    windows : sequence of Window
        All of the event.
    as_of : datetime or None
        When the list had last been read or changed; None if never.

    Returns
    -------
    list of EventOutcome
        In the order of `windows`, without those that reach beyond the end of the list: they are
        pending.
    """
    if as_of is None or np.isnat(flares.ends):
        return []
    ends = instants(window.end for window in windows)
    over = ends <= flares.ends
    windows = [window for window, is_over in zip(windows, over, strict=True) if is_over]
    if not windows:
        return []
    times = instants(window.start for window in windows)
    verdicts = label(flares, event, times)
    whys = why_unknown(flares, event, times[verdicts == UNKNOWN])
    happened = _Happened(flares, event, times)
    outcomes = []
    for k, (window, verdict) in enumerate(zip(windows, verdicts.tolist(), strict=True)):
        known = verdict != UNKNOWN
        n, largest, location = happened.within(k) if verdict == YES else (0, None, "")
        outcomes.append(
            EventOutcome(
                event=event,
                window=window,
                state=OutcomeState.SCORED if known else OutcomeState.UNKNOWN,
                flare=verdict == YES if known else None,
                flares=n if known else None,
                largest=largest,
                location=location,
                why="" if known else next(whys),
                catalog=flares.catalog,
                catalog_as_of=as_of,
                decided_at=now,
            )
        )
    return outcomes


class _Happened:
    """Flares of an event by window; neighbouring windows hold the same ones, mostly."""

    def __init__(self, flares: FlareList, event: FlareEvent, times: Times) -> None:
        large = flares.at_least(event.threshold)
        self._in_progress = event.horizon is None
        if self._in_progress:
            large &= ~np.isnat(flares.end)
        self._start, self._end = flares.start[large], flares.end[large]
        self._flux = flares.flux_w_m2[large]
        places = flares.location
        self._location = None if places is None else places[large]
        since, self._until = looked_at(event, times)
        if self._in_progress and self._start.size:
            longest = (self._end - self._start).max()
            since = np.minimum(since, times - longest - np.timedelta64(1, "s"))
        self._low = np.searchsorted(self._start, since, side="right")
        self._high = np.searchsorted(self._start, self._until, side="right")
        self._found: dict[bytes, tuple[int, FlareClass, str]] = {}

    def within(self, k: int) -> tuple[int, FlareClass, str]:
        """Return how many flares window `k` saw, and class and position of the largest."""
        chosen = np.arange(self._low[k], self._high[k])
        if self._in_progress:
            chosen = chosen[self._end[chosen] >= self._until[k]]
        key = chosen.tobytes()
        if key not in self._found:
            top = int(chosen[np.argmax(self._flux[chosen])])
            where = "" if self._location is None else str(self._location[top])
            self._found[key] = (
                len(chosen),
                class_of_flux(float(self._flux[top])),
                where if len(where) <= LONGEST_LOCATION else "",
            )
        return self._found[key]
