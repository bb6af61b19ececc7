"""The closed-form ephemeris against sunpy's, which uses astropy's."""

import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from astropy.io import fits

from flaremon.sun import angular_radius_arcsec, disk_centre
from flaremon.times import tai_label_to_utc

with warnings.catch_warnings():
    # sunpy warns on import when optional parts of it are absent.
    warnings.simplefilter("ignore")
    from sunpy.coordinates import sun as oracle

INSTANTS = [datetime(2010, 4, 1, tzinfo=UTC) + timedelta(days=73.37 * k) for k in range(84)]
"""Every season and time of day from 2010 to 2027."""
IAU_TO_HMI_RADIUS = 696.0 / 695.7
HMI_RADIUS_RTOL = 4e-4
"""SDO is up to 42,000 km from where the ephemeris looks: 0.03 % of the distance."""
HMI_CENTRE_DEG = 0.06
"""SDO's orbit (0.02 deg) and, before 2022, another account of light time in CRLN_OBS."""


@pytest.fixture(scope="module", params=INSTANTS[::6], ids=lambda t: t.strftime("%Y-%m-%d"))
def instant(request: pytest.FixtureRequest) -> datetime:
    return request.param


def _turn(deg: float) -> float:
    return (deg + 180) % 360 - 180


def test_radius_is_sunpys_to_a_hundredth_of_a_percent(instant: datetime) -> None:
    theirs = oracle.angular_radius(instant.replace(tzinfo=None)).to_value("arcsec")
    assert angular_radius_arcsec(instant) == pytest.approx(theirs * IAU_TO_HMI_RADIUS, rel=1e-4)


def test_disk_centre_is_sunpys_to_two_hundredths_of_a_degree(instant: datetime) -> None:
    b0, l0 = disk_centre(instant)
    naive = instant.replace(tzinfo=None)
    assert b0 == pytest.approx(oracle.B0(naive).to_value("deg"), abs=0.02)
    assert _turn(l0 - oracle.L0(naive).to_value("deg")) == pytest.approx(0, abs=0.02)


def test_time_zone_does_not_matter() -> None:
    utc = datetime(2024, 6, 28, 0, tzinfo=UTC)
    elsewhere = utc.astimezone(datetime.now().astimezone().tzinfo)
    assert angular_radius_arcsec(elsewhere) == angular_radius_arcsec(utc)
    assert disk_centre(elsewhere) == disk_centre(utc)


def test_values_stay_in_their_ranges_through_the_years() -> None:
    for instant in INSTANTS:
        b0, l0 = disk_centre(instant)
        assert 943 < angular_radius_arcsec(instant) < 977
        assert abs(b0) <= 7.25
        assert 0 <= l0 < 360


@pytest.mark.realdata
def test_hmi_keywords_agree(shared_data: Path) -> None:
    files = sorted((shared_data / "fits").glob("*.fits"))
    assert files
    for path in files:
        header = fits.getheader(path, 1)
        instant = tai_label_to_utc(header["T_OBS"])
        b0, l0 = disk_centre(instant)
        assert angular_radius_arcsec(instant) == pytest.approx(
            header["RSUN_OBS"], rel=HMI_RADIUS_RTOL
        )
        assert b0 == pytest.approx(header["CRLT_OBS"], abs=HMI_CENTRE_DEG)
        assert _turn(l0 - header["CRLN_OBS"]) == pytest.approx(0, abs=2 * HMI_CENTRE_DEG)
