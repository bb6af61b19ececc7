"""Where the Sun is and how large it looks, to the accuracy that an image needs.

Pictures carry no keywords, so the size of the disk and its heliographic centre come from the
time alone. Closed formulas are enough: 0.01 % of the radius, 0.02 deg of the centre, for an
observer at the centre of the Earth between 1950 and 2050. SDO's orbit adds at most 0.03 % and
0.02 deg. The formulas are those of Meeus [1]_, chapters 25 and 29.

References
----------
.. [1] J. Meeus, "Astronomical Algorithms", 2nd edition, 1998.
"""

from datetime import UTC, datetime, timedelta
from math import asin, atan2, cos, degrees, radians, sin

RSUN_M = 696.0e6
"""Radius of the Sun as HMI takes it (keyword RSUN_REF), metres."""
AU_M = 149_597_870_700.0
"""Astronomical unit, metres."""
_J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)
_TT_MINUS_UTC = timedelta(seconds=69.2)
"""Since 2017; the Sun moves by 0.04 arcsec a second, so older offsets do as well."""
_CENTURY_DAYS = 36525.0
_PRIME_MERIDIAN_DEG = 0.037
"""From Meeus's prime meridian to that of the IAU (W0 = 84.176 deg) as sunpy applies it."""
_SOLAR_INCLINATION_DEG = 7.25
"""Of the solar equator to the ecliptic (Carrington)."""


def angular_radius_arcsec(instant: datetime) -> float:
    """Return the angular radius of the Sun seen from the Earth, as HMI's keyword RSUN_OBS.

    Parameters
    ----------
    instant : datetime
        Aware.

    Returns
    -------
    float
        Arcseconds, 944 (July) to 976 (January).
    """
    _, distance_au = _ecliptic_position(instant)
    return degrees(asin(RSUN_M / (distance_au * AU_M))) * 3600


def disk_centre(instant: datetime) -> tuple[float, float]:
    """Return the heliographic position of the disk centre seen from the Earth.

    Parameters
    ----------
    instant : datetime
        Aware.

    Returns
    -------
    tuple of float
        Latitude B0 (-7.25 to 7.25, keyword CRLT_OBS) and Carrington longitude L0 (0 to 360,
        keyword CRLN_OBS), degrees.
    """
    longitude_deg, _ = _ecliptic_position(instant)
    days = _days_since_j2000(instant)
    # Light that we see left the Sun 20.5 arcsec of the Earth's way ago (aberration).
    longitude = radians(longitude_deg - 0.00569)
    inclination = radians(_SOLAR_INCLINATION_DEG)
    # Ascending node of the solar equator, of date (54787 d before 2000 it was at 73.6667 deg).
    node = radians(73.6667 + 1.3958333 * (days + 54787.0) / _CENTURY_DAYS)
    from_node = longitude - node
    b0 = asin(sin(from_node) * sin(inclination))
    along = degrees(atan2(-sin(from_node) * cos(inclination), -cos(from_node)))
    turned = (days + 2451545.0 - 2398220.0) * 360.0 / 25.38
    return degrees(b0), (along - turned - _PRIME_MERIDIAN_DEG) % 360.0


def _days_since_j2000(instant: datetime) -> float:
    """Days of terrestrial time since 2000-01-01 12:00."""
    return (instant + _TT_MINUS_UTC - _J2000).total_seconds() / 86400.0


def _ecliptic_position(instant: datetime) -> tuple[float, float]:
    """Geometric longitude (degrees, mean equinox of date) and distance (au) of the Sun."""
    t = _days_since_j2000(instant) / _CENTURY_DAYS
    mean_longitude = 280.46646 + 36000.76983 * t + 0.0003032 * t**2
    anomaly = radians(357.52911 + 35999.05029 * t - 0.0001537 * t**2)
    eccentricity = 0.016708634 - 0.000042037 * t
    equation_of_centre = (
        (1.914602 - 0.004817 * t) * sin(anomaly)
        + (0.019993 - 0.000101 * t) * sin(2 * anomaly)
        + 0.000289 * sin(3 * anomaly)
    )
    true_anomaly = anomaly + radians(equation_of_centre)
    distance = 1.000001018 * (1 - eccentricity**2) / (1 + eccentricity * cos(true_anomaly))
    return mean_longitude + equation_of_centre, distance
