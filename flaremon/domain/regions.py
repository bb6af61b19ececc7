"""Regions: what each contributes to an answer, and how NOAA numbers them."""

from dataclasses import dataclass
from datetime import datetime
from math import cos, radians, sin

LIMB_DEG = 65.0
"""From this distance from disk centre on, a region is seen too much from the side to be judged
well: its field is foreshortened by more than half."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionShare:
    """A region, and what it contributes to the rate of flares of one class.

    Positions are those on a disk that is seen from the solar equator. With the apparent position
    ``x = cos(latitude) sin(longitude)``, ``y = sin(latitude)`` in solar radii (west and north
    positive) `flaremon.regions` makes heliographic coordinates of them.
    """

    longitude_deg: float
    """From the central meridian, west positive."""
    latitude_deg: float
    """From the middle of the disk, north positive: heliographic latitude minus about B0."""
    rate_per_day: float
    """Flares per day of the class of the answer, and of all classes above it."""
    share: float
    """Of the disk's rate, 0 to 1."""

    @property
    def x(self) -> float:
        """Apparent position in solar radii from disk centre, west positive."""
        return cos(radians(self.latitude_deg)) * sin(radians(self.longitude_deg))

    @property
    def y(self) -> float:
        """Apparent position in solar radii from disk centre, north positive."""
        return sin(radians(self.latitude_deg))

    @property
    def near_limb(self) -> bool:
        """Whether it is seen too much from the side (`LIMB_DEG`) to be judged well."""
        mu = cos(radians(self.latitude_deg)) * cos(radians(self.longitude_deg))
        return mu < cos(radians(LIMB_DEG))


@dataclass(frozen=True, slots=True, kw_only=True)
class NoaaRegion:
    """An active region as a summary of NOAA has it, at one instant."""

    number: int
    """NOAA's, with all five digits."""
    valid_at: datetime
    """When the position held: 24:00 UTC of the day that the summary is of."""
    latitude_deg: float
    """Heliographic, north positive."""
    longitude_deg: float
    """Stonyhurst: from the central meridian, west positive; beyond 90 behind the limb."""
    area: int | None = None
    """Of its spots in millionths of the hemisphere; None for a plage without spots."""
    mount_wilson: str = ""
    """Magnetic class as ``beta-gamma-delta``; empty when the summary has none."""
    source: str
    """Product or file that reports it."""

    @property
    def location(self) -> str:
        """Position as ``N12E32``."""
        return location(self.latitude_deg, self.longitude_deg)


def location(latitude_deg: float, longitude_deg: float) -> str:
    """Write a heliographic position as NOAA does: ``N12E32``, whole degrees, west positive."""
    north = "S" if round(latitude_deg) < 0 else "N"
    west = "E" if round(longitude_deg) < 0 else "W"
    return f"{north}{abs(round(latitude_deg)):02d}{west}{abs(round(longitude_deg)):02d}"
