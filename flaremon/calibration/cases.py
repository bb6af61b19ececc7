"""Hours with a raw probability, a known outcome and what was known of recent activity."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from flaremon.calibration.curves import Basis, Numbers
from flaremon.domain import ActivityLevel, FlareEvent
from flaremon.verify import Forecast
from flaremon.verify.labels import NO, UNKNOWN, YES, FlareList, Times, label

DAY = np.timedelta64(1, "D")
LEVELS = {ActivityLevel.ACTIVE: YES, ActivityLevel.QUIET: NO, ActivityLevel.UNKNOWN: UNKNOWN}
"""How levels stand in arrays: they are labels of "a flare of the class in the last 24 h"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """Cases of one event in the order of their times; all arrays have shape (N,)."""

    times: Times
    raw: Numbers
    labels: NDArray[np.int8]
    """1 or 0."""
    levels: NDArray[np.int8]
    """See `LEVELS`."""

    def __len__(self) -> int:
        return len(self.times)

    def where(self, chosen: NDArray[np.bool_]) -> "Cases":
        """Return some of them."""
        return Cases(
            times=self.times[chosen],
            raw=self.raw[chosen],
            labels=self.labels[chosen],
            levels=self.levels[chosen],
        )

    @property
    def basis(self) -> Basis:
        """Their counts."""
        days = self.times.astype("datetime64[D]")
        return Basis(
            cases=len(self),
            events=int(self.labels.sum()),
            days=len(np.unique(days)),
            event_days=len(np.unique(days[self.labels == 1])),
            quiet_days=len(np.unique(days[self.labels == 0])),
        )


def cases_of(forecast: Forecast, flares: FlareList) -> Cases:
    """Return the hours of a forecast whose outcome is known.

    Parameters
    ----------
    forecast : Forecast
        Raw probabilities.
    flares : FlareList
        What happened, and what had happened before.
    """
    outcome = label(flares, forecast.event, forecast.times)
    known = outcome != UNKNOWN
    times = forecast.times[known]
    return Cases(
        times=times,
        raw=forecast.probabilities[known],
        labels=(outcome[known] == YES).astype(np.int8),
        levels=levels_at(flares, forecast.event, times),
    )


def levels_at(flares: FlareList, event: FlareEvent, times: Times) -> NDArray[np.int8]:
    """Return recent activity at each time as `RecentActivity.level` says it, see `LEVELS`.

    Unknown where the list does not answer for the last 24 h.
    """
    lately = FlareEvent(event.threshold, timedelta(hours=24))
    return label(flares, lately, times - DAY)


def sha256_of_cases(cases: dict[FlareEvent, Cases]) -> str:
    """Return a hash of all that a calibrator is fitted to."""
    digest = hashlib.sha256()
    for event in sorted(cases, key=str):
        item = cases[event]
        digest.update(str(event).encode())
        digest.update(item.times.astype("<i8").tobytes())
        digest.update(item.raw.astype("<f8").tobytes())
        digest.update(item.labels.tobytes())
        digest.update(item.levels.tobytes())
    return digest.hexdigest()
