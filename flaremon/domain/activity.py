"""What the Sun did lately, as far as it was known when somebody spoke about what comes next."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from flaremon.domain.flares import FlareClass, FlareEvent

ACTIVITY_REACH = timedelta(hours=72)
"""How far back recent activity is looked at."""


class ActivityLevel(StrEnum):
    """Recent activity as calibration sees it, for one event."""

    ACTIVE = "active"
    """At least one flare of the event's class started in the last 24 h."""
    QUIET = "quiet"
    UNKNOWN = "unknown"
    """Not the same as quiet: the flare list does not answer for all of the last 24 h, or a flare
    in progress has no class yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentActivity:
    """Flares that started in the `ACTIVITY_REACH` up to an instant, as far as they have a class.

    Where a list does not answer for all of that time there is None and not an object of this
    class. A flare in progress, on whose class nobody can count yet, is no reason to forget those
    before it: it stands apart. Flares after `until` are left out even where they are known by the
    time of issue, so that what a calibrator was fitted to and what it is given later are the same.
    """

    until: datetime
    """Time of the observation that is spoken about, aware UTC."""
    flares: tuple[tuple[datetime, float], ...]
    """Start and peak flux (W m-2, scale of true flux) of flares from C1 on, oldest first."""
    source: str
    """Flare list, and as of when: ``swpc as of 2026-11-24T09:00:00Z``."""
    unclassed: tuple[datetime, ...] = ()
    """Starts of flares in progress that have no class yet; they are not among `flares`."""

    def count(self, least: FlareClass, *, within: timedelta) -> int:
        """Count flares from a class on that started in ``(until - within, until]``."""
        since = self.until - within
        # Fluxes in lists have two digits; 1e-5 and 1.0 * 1e-5 need not be the same number.
        flux = least.flux_w_m2 * (1 - 1e-6)
        return sum(since < start <= self.until and peak >= flux for start, peak in self.flares)

    def level(self, event: FlareEvent) -> ActivityLevel:
        """Return what calibration asks: one flare of the class in the last 24 h, or none.

        One that has no class yet may be of it, so nobody knows where there is no other.
        """
        if self.count(event.threshold, within=timedelta(hours=24)):
            return ActivityLevel.ACTIVE
        return ActivityLevel.UNKNOWN if self.unclassed else ActivityLevel.QUIET
