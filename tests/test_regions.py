"""Regions of answers: where they are on the Sun, and which of NOAA's they are."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from sunpy.coordinates import (
    HeliographicCarrington,
    HeliographicStonyhurst,
    Helioprojective,
    get_earth,
    propagate_with_solar_surface,
    sun,
)
from support import rows

from flaremon import store
from flaremon.database import open_engine, session_scope, upgrade
from flaremon.domain import NoaaRegion, RegionShare
from flaremon.fits import read_fits
from flaremon.goes import read_region_file
from flaremon.preprocess import FrameSpec, to_frame
from flaremon.regions import NEAR_DEG, locate, numbers_near, region_as_json, region_lines
from flaremon.regions.coordinates import Place, View, places, turned_deg
from flaremon.regions.numbering import REACH, moved
from flaremon.sun import disk_centre

NOW = datetime(2026, 2, 3, 6, tzinfo=UTC)
MIDNIGHT = NOW.replace(hour=0)
TO_MIDNIGHT = {"hour": 0, "minute": 0, "second": 0, "microsecond": 0}
ON_DISK = [(14.0, 22.0), (-20.0, -55.0), (30.0, -5.0), (-8.0, 71.0), (0.0, 0.0)]
"""Latitudes and longitudes."""


def naive(at):
    return at.replace(tzinfo=None)


def share(longitude_deg, latitude_deg, of=0.5):
    return RegionShare(
        longitude_deg=longitude_deg, latitude_deg=latitude_deg, rate_per_day=of / 10, share=of
    )


def noaa(number, latitude_deg, longitude_deg, *, days=0, area=100):
    return NoaaRegion(
        number=number,
        valid_at=MIDNIGHT + timedelta(days=days),
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        area=area,
        source="test",
    )


def place(latitude_deg, longitude_deg):
    return Place(latitude_deg=latitude_deg, longitude_deg=longitude_deg, carrington_deg=0)


def seen_from_earth(at):
    return View(t_obs=at, b0_deg=disk_centre(at)[0], carrington_deg=disk_centre(at)[1])


# --- coordinates -----------------------------------------------------------------------------


@pytest.mark.parametrize("at", [NOW, datetime(2025, 9, 6, 12, tzinfo=UTC)])  # B0 -6 and +7
def test_what_sunpy_projects_on_the_disk_comes_back_to_its_place(at):
    when = naive(at)
    earth = get_earth(when)
    latitudes, longitudes = np.array(ON_DISK).T * u.deg
    on_sun = SkyCoord(longitudes, latitudes, frame=HeliographicStonyhurst(obstime=when))
    apparent = on_sun.transform_to(Helioprojective(observer=earth, obstime=when))
    limb = sun.angular_radius(when)
    x, y = (apparent.Tx / limb).decompose(), (apparent.Ty / limb).decompose()
    disk_latitudes = np.rad2deg(np.arcsin(y.value))
    disk_longitudes = np.rad2deg(np.arcsin(x.value / np.cos(np.arcsin(y.value))))
    view = seen_from_earth(at)
    found = places([(share(*p), view) for p in zip(disk_longitudes, disk_latitudes, strict=True)])
    carrington = on_sun.transform_to(HeliographicCarrington(observer="earth", obstime=when)).lon.deg
    for got, (latitude, longitude), expected in zip(found, ON_DISK, carrington, strict=True):
        assert got.latitude_deg == pytest.approx(latitude, abs=0.1)
        assert got.longitude_deg == pytest.approx(longitude, abs=0.1)
        assert (got.carrington_deg - expected + 180) % 360 - 180 == pytest.approx(0, abs=0.1)


def test_many_moments_at_once_are_as_one_by_one():
    seen = [(share(20, 10), seen_from_earth(NOW + timedelta(days=40 * k))) for k in range(5)]
    one_by_one = [places([item])[0] for item in seen]
    for got, expected in zip(places(seen), one_by_one, strict=True):
        assert (got.latitude_deg, got.longitude_deg) == pytest.approx(
            (expected.latitude_deg, expected.longitude_deg), abs=1e-6
        )
    assert places([]) == []


@pytest.mark.parametrize("hours", [-30, 6, 48])
def test_rotation_is_sunpy_s(hours):
    later = NOW + timedelta(hours=hours)
    latitudes, longitudes = np.array(ON_DISK).T
    before = SkyCoord(
        longitudes * u.deg, latitudes * u.deg, frame=HeliographicStonyhurst(obstime=naive(NOW))
    )
    with propagate_with_solar_surface():
        after = before.transform_to(HeliographicStonyhurst(obstime=naive(later)))
    ours = longitudes + turned_deg(latitudes.tolist(), [later - NOW] * len(latitudes))
    assert ours == pytest.approx(after.lon.deg, abs=0.2)


# --- NOAA's numbers --------------------------------------------------------------------------


def test_a_summary_is_turned_to_the_moment_and_each_number_counts_once():
    found = moved([noaa(14366, 14, 22, days=-1), noaa(14366, 14, 35), noaa(14370, 0, -85)], NOW)
    assert [(region.number, region.valid_at) for region, _ in found] == [
        (14366, MIDNIGHT), (14370, MIDNIGHT),
    ]  # fmt: skip
    assert [round(longitude) for _, longitude in found] == [38, -82]  # 6 h are 3.3 degrees


def test_the_nearest_summary_is_taken_also_a_later_one_but_not_an_old_one():
    (one,) = moved([noaa(14366, 14, 22, days=-1), noaa(14366, 14, 48, days=1)], NOW)
    assert one[0].valid_at == MIDNIGHT + timedelta(days=1)
    assert one[1] == pytest.approx(48 - 9.9, abs=0.2)
    too_old = noaa(14366, 14, 22, days=-(REACH.days + 1))
    assert moved([too_old], NOW) == []


def test_the_nearest_number_comes_first_and_all_within_the_distance_are_told():
    known = [(noaa(n, 14, 0), longitude) for n, longitude in ((1, 20.0), (2, 25.0), (3, 40.0))]
    assert numbers_near(place(14, 24), known) == (2, 1)
    assert numbers_near(place(14, 36), known) == (3,)
    assert numbers_near(place(-14, 24), known) == ()
    edge = (NEAR_DEG - 0.1) / np.cos(np.deg2rad(14))
    assert numbers_near(place(14, 40 + edge), known) == (3,)
    assert numbers_near(place(14, 40 + edge + 0.3), known) == ()


def test_a_plage_gives_its_name_only_where_there_are_no_spots():
    plage, spots = (noaa(1, 14, 0, area=None), 20.0), (noaa(2, 14, 0, area=0), 25.0)
    assert numbers_near(place(14, 21), [plage, spots]) == (2,)
    assert numbers_near(place(14, 21), [plage]) == (1,)


def test_distance_does_not_end_at_180_degrees():
    assert numbers_near(place(0, 179), [(noaa(1, 0, 0), -179.0)]) == (1,)


# --- of stored answers -----------------------------------------------------------------------


@pytest.fixture
def engine(tmp_path):
    url = f"sqlite:///{tmp_path / 'flaremon.db'}"
    upgrade(url)
    engine = open_engine(url)
    yield engine
    engine.dispose()


def test_answers_are_located_by_the_orientation_of_their_own_record(engine):
    """A replay under another date keeps B0 and L0 of its header."""
    plain = rows.record(NOW)
    replay = rows.record(
        NOW + timedelta(minutes=12),
        geometry=replace(plain.geometry, b0_deg=7.0, carrington_deg=100.0),
    )
    said = [
        rows.prediction(rec, rows.EVENTS[0], regions=(share(0, 10), share(40, 0, of=0.2)))
        for rec in (plain, replay)
    ]
    rows.store_all(engine, [plain, replay], said)
    with session_scope(engine) as session:
        store.add_noaa_regions(
            session, [noaa(14366, 17, -3.3), noaa(14370, 17, 90)], seen_at=NOW, run_id="test"
        )
        (of_plain, of_replay) = locate(session, said)
        assert locate(session, [replace(said[0], regions=None)]) == [None]
        assert locate(session, [replace(said[0], regions=())]) == [[]]
    assert [round(r.place.latitude_deg, 1) for r in of_plain] == [10, 0]
    assert [round(r.place.latitude_deg) for r in of_replay] == [17, 5]
    assert [round(r.place.carrington_deg) for r in of_replay] == [100, 140]
    assert [r.noaa_ar for r in of_plain + of_replay] == [(14366,), (), (14366,), ()]
    assert [r.location for r in of_replay] == ["N17W00", "N05W40"]


def test_an_answer_without_a_stored_record_was_seen_from_the_earth(engine):
    said = rows.prediction(rows.record(NOW), rows.EVENTS[0], regions=(share(0, 0),))
    with session_scope(engine) as session:
        ((region,),) = locate(session, [said])
    b0_deg, carrington_deg = disk_centre(NOW)
    assert region.place.latitude_deg == pytest.approx(b0_deg, abs=0.02)
    assert region.place.carrington_deg == pytest.approx(carrington_deg, abs=0.02)
    assert region.noaa_ar == ()


def test_words_say_share_place_number_limb_and_the_rest(engine):
    said = rows.prediction(
        rows.record(NOW), rows.EVENTS[0], regions=(share(10, 20, of=0.61), share(-75, -12, of=0.2))
    )
    with session_scope(engine) as session:
        store.add_noaa_regions(
            session, [noaa(14366, 14, 5), noaa(14367, 15, 11)], seen_at=NOW, run_id="test"
        )
        (found,) = locate(session, [said])
    first, limb, rest = region_lines([region_as_json(region) for region in found])
    assert first.split() == [
        "61.0%", "N14W10", "Carrington", first.split()[3], "NOAA", "14366", "or", "14367",
    ]  # fmt: skip
    assert "NOAA -   near the limb" in limb
    assert rest.split() == ["19.0%", "elsewhere"]
    assert region_lines([]) == ["no region stands out"]


# --- the real Sun ----------------------------------------------------------------------------


def disk_angles(spec):
    """Latitude and longitude on the disk of every pixel of a frame, degrees; NaN outside."""
    middle, radius = (spec.size_px - 1) / 2, spec.radius_fraction * spec.size_px
    y, x = (np.indices((spec.size_px, spec.size_px)) - middle) / radius
    inside = np.hypot(x, y) < 0.97
    latitude = np.rad2deg(np.arcsin(np.where(inside, y, np.nan)))
    longitude = np.arcsin(np.where(inside, x, np.nan) / np.cos(np.deg2rad(latitude)))
    return latitude, np.rad2deg(longitude)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("file", "numbers"),
    [("20111217_060000", {11374, 11375, 11377, 11378}), ("20160707_010000", {12560})],
)
def test_noaa_s_regions_are_where_the_field_of_a_real_disk_is(shared_data, file, numbers):
    """Signs and orders of everything at once: file, frame, disk, B0, rotation, summary."""
    magnetogram = read_fits(shared_data / "fits" / f"hmi.M_720s.{file}_TAI.magnetogram.fits")
    at, geometry = magnetogram.t_obs, magnetogram.geometry
    assert geometry.b0_deg == pytest.approx(sun.B0(naive(at)).deg, abs=0.03)
    assert geometry.carrington_deg == pytest.approx(sun.L0(naive(at)).deg, abs=0.1)
    summaries = read_region_file(shared_data / "labels" / "srs_1996_2018.csv")
    known = moved([r for r in summaries if r.valid_at == at.replace(**TO_MIDNIGHT)], at)
    assert {region.number for region, _ in known} == numbers
    field = np.abs(to_frame(magnetogram, FrameSpec()))
    latitude, longitude = disk_angles(FrameSpec())

    def strongest(north_sign, west_sign):
        """The field within 4 degrees of all numbers, or of the mirrored places."""
        near = [
            np.hypot(
                latitude - north_sign * (region.latitude_deg - geometry.b0_deg),
                longitude - west_sign * west,
            ) < 4
            for region, west in known
        ]  # fmt: skip
        return np.mean([np.percentile(field[one], 99) for one in near])

    right = strongest(1, 1)
    assert all(right > 2 * strongest(*signs) for signs in ((1, -1), (-1, 1), (-1, -1)))
    # The strongest field within 10 degrees of the first number is its own, and gets its name.
    first, west = known[0]
    near = np.hypot(latitude - first.latitude_deg + geometry.b0_deg, longitude - west) < 10
    peak = np.unravel_index(np.argmax(np.where(near, field, 0)), field.shape)
    view = View(t_obs=at, b0_deg=geometry.b0_deg, carrington_deg=geometry.carrington_deg)
    (found,) = places([(share(longitude[peak], latitude[peak]), view)])
    assert abs(found.latitude_deg - first.latitude_deg) < 4
    assert abs(found.longitude_deg - west) < 4
    assert numbers_near(found, known)[0] == first.number
