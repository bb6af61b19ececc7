"""A forecast in parts: active and quiet hours, flares near the middle and near the limb, ...

The parts by activity are of what happened before, as the list has it now; those by flares of what
a model was told.
"""

import re
from datetime import UTC, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from flaremon.domain import FlareEvent
from flaremon.sun import disk_centre
from flaremon.verify.forecasts import Forecast, only
from flaremon.verify.labels import UNKNOWN, YES, FlareList, Times, label

By = Literal["mode", "model", "activity", "position", "flares"]
LIMB_DEG = 60.0
"""From here on, seen from the middle of the disk, a magnetogram shows little of a region."""
ACTIVE_WITHIN = timedelta(hours=24)


def by_activity(forecast: Forecast, flares: FlareList) -> tuple[dict[str, Forecast], int]:
    """Split into hours with and without a flare of the class in the 24 h before.

    Returns
    -------
    dict
        Parts ``active`` and ``quiet``.
    int
        Forecasts in neither, since the list does not answer for the 24 h before.
    """
    before = FlareEvent(forecast.event.threshold, ACTIVE_WITHIN)
    state = label(flares, before, forecast.times - _seconds(ACTIVE_WITHIN))
    parts = {"active": state == YES, "quiet": (state != YES) & (state != UNKNOWN)}
    found = {name: only(forecast, f"{forecast.name}, {name}", mask) for name, mask in parts.items()}
    return found, int((state == UNKNOWN).sum())


def by_flares(forecast: Forecast) -> dict[str, Forecast]:
    """Split the answers of a model that has two kinds: recent flares were ``known``, or not.

    Returns
    -------
    dict
        Parts ``flares known`` and ``flares unknown``; all as one part without a name where there
        is but one kind of answer.
    """
    if forecast.informed is None:
        return {"": forecast}
    parts = {"flares known": forecast.informed, "flares unknown": ~forecast.informed}
    return {name: only(forecast, f"{forecast.name}, {name}", mask) for name, mask in parts.items()}


def by_position(
    forecast: Forecast, flares: FlareList, *, limb_deg: float = LIMB_DEG
) -> tuple[dict[str, Forecast], int]:
    """Split by where the largest flare of the window was; hours without one are in both parts.

    Parameters
    ----------
    limb_deg : float
        Up to this angle from the middle of the disk, as seen from the centre of the Sun, a
        flare is ``central``, beyond it is at the ``limb``.

    Returns
    -------
    dict
        Parts ``central`` and ``limb``.
    int
        Forecasts in neither, since the position of their flare is not known.
    """
    largest = largest_flare(flares, forecast.event, forecast.times)
    happened = largest >= 0
    angle = np.full(len(happened), np.nan)
    which, place = np.unique(largest[happened], return_inverse=True)
    angle[happened] = angles_deg(flares, which)[place]
    parts = {
        "central": ~happened | (angle <= limb_deg),
        "limb": ~happened | (angle > limb_deg),
    }
    found = {name: only(forecast, f"{forecast.name}, {name}", mask) for name, mask in parts.items()}
    return found, int((happened & np.isnan(angle)).sum())


def largest_flare(flares: FlareList, event: FlareEvent, times: Times) -> NDArray[np.intp]:
    """Return the number of the largest flare of the event per time; -1 where there is none.

    Parameters
    ----------
    times : ndarray of datetime64[s], shape (N,)
        Ascending.
    """
    found = np.full(len(times), -1, dtype=np.intp)
    chosen = np.flatnonzero(flares.at_least(event.threshold))
    for number in chosen[np.argsort(flares.flux_w_m2[chosen], kind="stable")]:
        # Larger ones come later and paint over smaller ones.
        found[slice(*_spoken_of(flares, event, times, number))] = number
    return found


def angles_deg(flares: FlareList, which: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the angle between flares and the middle of the disk; NaN where nobody knows."""
    if flares.location is None:
        return np.full(len(which), np.nan)
    return np.array([_angle_deg(flares.start[k], str(flares.location[k])) for k in which])


def _spoken_of(
    flares: FlareList, event: FlareEvent, times: Times, number: np.intp
) -> tuple[np.intp, np.intp]:
    """Return the range of times whose window has a flare."""
    start, end = flares.start[number], flares.end[number]
    if event.horizon is None:
        last = start if np.isnat(end) else end
        return np.searchsorted(times, start, "left"), np.searchsorted(times, last, "right")
    # It starts in (t, t + H], so t is in [start - H, start).
    first = start - _seconds(event.horizon)
    return np.searchsorted(times, first, "left"), np.searchsorted(times, start, "left")


def _seconds(span: timedelta) -> np.timedelta64:
    return np.timedelta64(span // timedelta(seconds=1), "s")


def _angle_deg(time: np.datetime64, location: str) -> float:
    match = re.fullmatch(r"([NS])(\d{1,2})([EW])(\d{1,3})", location)
    if match is None:
        return float("nan")
    latitude = np.radians(float(match[2]) * (1 if match[1] == "N" else -1))
    longitude = np.radians(float(match[4]))  # from the central meridian; both sides are alike
    b0_deg, _ = disk_centre(time.astype("datetime64[s]").item().replace(tzinfo=UTC))
    b0 = np.radians(b0_deg)
    cosine = np.sin(b0) * np.sin(latitude) + np.cos(b0) * np.cos(latitude) * np.cos(longitude)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
