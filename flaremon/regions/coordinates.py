"""From the apparent disk to heliographic coordinates, and through time, by sunpy."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from flaremon.domain import RegionShare
from flaremon.times import of_the_future

if TYPE_CHECKING:
    from astropy.time import Time


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How the disk is seen."""

    t_obs: datetime
    b0_deg: float
    """Heliographic latitude of the disk centre (CRLT_OBS)."""
    carrington_deg: float
    """Carrington longitude of the disk centre (CRLN_OBS)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A position on the Sun, degrees."""

    latitude_deg: float
    """Heliographic, north positive."""
    longitude_deg: float
    """Stonyhurst: from the central meridian, west positive."""
    carrington_deg: float
    """Carrington longitude, 0 to 360."""


def places(seen: Sequence[tuple[RegionShare, View]]) -> list[Place]:
    """Return where regions are, each as seen in its view.

    The observer is at the Earth's distance of that moment, above the latitude of the view: a
    replay under another date keeps the orientation of its own header.
    """
    import astropy.units as u  # noqa: PLC0415 - 2 s that only positions need
    import numpy as np  # noqa: PLC0415
    from astropy.coordinates import SkyCoord  # noqa: PLC0415
    from sunpy.coordinates import frames, sun  # noqa: PLC0415

    if not seen:
        return []
    times = _times([view.t_obs for _, view in seen])
    observer = frames.HeliographicStonyhurst(
        np.zeros(len(seen)) * u.deg,
        [view.b0_deg for _, view in seen] * u.deg,
        sun.earth_distance(times),
        obstime=times,
    )
    disk = frames.Helioprojective(observer=observer, obstime=times)
    limb = np.arcsin((disk.rsun / observer.radius).decompose())
    apparent = SkyCoord(
        [region.x for region, _ in seen] * limb, [region.y for region, _ in seen] * limb, frame=disk
    )
    on_sun = apparent.transform_to(frames.HeliographicStonyhurst(obstime=times))
    return [
        Place(
            latitude_deg=latitude,
            longitude_deg=longitude,
            carrington_deg=(view.carrington_deg + longitude) % 360,
        )
        for latitude, longitude, (_, view) in zip(
            on_sun.lat.deg.tolist(), on_sun.lon.deg.tolist(), seen, strict=True
        )
    ]


def turned_deg(latitudes_deg: Sequence[float], during: Sequence[timedelta]) -> list[float]:
    """Return how far latitudes turn to the west in some times, as seen from the Earth, degrees.

    Differential rotation of the magnetic network after Howard, Harvey and Forgach (1990), Solar
    Physics 130, 295; 13.2 degrees a day at the equator.
    """
    import astropy.units as u  # noqa: PLC0415
    from sunpy.sun.models import differential_rotation  # noqa: PLC0415

    turned = differential_rotation(
        [span.total_seconds() for span in during] * u.s,
        list(latitudes_deg) * u.deg,
        model="howard",
        frame_time="synodic",
    )
    return [float(angle) for angle in turned.wrap_at(180 * u.deg).to_value(u.deg)]


def _times(instants: Sequence[datetime]) -> "Time":
    from astropy.time import Time  # noqa: PLC0415

    with of_the_future():
        return Time([at.astimezone(UTC).replace(tzinfo=None) for at in instants], scale="utc")
