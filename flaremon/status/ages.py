"""How old something is, and whether that is too old."""

from datetime import timedelta
from enum import StrEnum

CLOCK_TOLERANCE = timedelta(minutes=10)
"""Something further in the future than this means that some clock is wrong."""


class FactState(StrEnum):
    """Whether a fact can be relied on now."""

    OK = "ok"
    STALE = "stale"
    """It is known how it was, and that is too long ago."""
    UNKNOWN = "unknown"


def judge_age(age: timedelta, limit: timedelta, what: str) -> tuple[FactState, str | None]:
    """Tell whether something of this age counts, and if not, why.

    Parameters
    ----------
    what : str
        For the sentence: ``the newest X-ray minute``.
    """
    if age > limit:
        return FactState.STALE, f"{what} is {in_hours(age)} old (limit {in_hours(limit)})"
    if age < -CLOCK_TOLERANCE:
        return FactState.UNKNOWN, f"{what} is {in_hours(-age)} in the future; check this clock"
    return FactState.OK, None


def in_hours(age: timedelta) -> str:
    """Write a duration for people: ``47 min``, ``3.2 h``, ``12 d``."""
    minutes = age.total_seconds() / 60
    if minutes < 120:
        return f"{minutes:.0f} min"
    if minutes < 3 * 24 * 60:
        return f"{minutes / 60:.1f} h"
    return f"{minutes / 1440:.0f} d"
