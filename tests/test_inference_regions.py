"""From a map of rates to regions: where they are, what their shares are, and in what order."""

import numpy as np
import pytest

from flaremon.domain import LIMB_DEG, RegionShare, location
from flaremon.inference.regions import LEAST_SHARE, MERGE_DEG, regions_of

LATITUDES = -45 + 2 * (np.arange(45) + 0.5)
LONGITUDES = -80 + 2 * (np.arange(80) + 0.5)


def rates(*spots, background=1e-9):
    """A map with Gaussian spots (longitude, latitude, total, width in degrees)."""
    lat, lon = np.meshgrid(LATITUDES, LONGITUDES, indexing="ij")
    found = np.full(lat.shape, background)
    for west, north, total, width in spots:
        spot = np.exp(-((lat - north) ** 2 + (lon - west) ** 2) / (2 * width**2))
        found += total * spot / spot.sum()
    return found


def of(*maps, drawn_by=0):
    return regions_of(np.stack(maps), LATITUDES, LONGITUDES, drawn_by=drawn_by)


def test_regions_have_their_places_and_their_shares_of_the_rate():
    (found,) = of(rates((-31, 15, 0.6, 3), (41, -19, 0.3, 3), background=0.1 / 3600))
    assert [round(r.longitude_deg) for r in found] == pytest.approx([-31, 41], abs=1)
    assert [round(r.latitude_deg) for r in found] == pytest.approx([15, -19], abs=1)
    # The background around a region is counted with it.
    assert found[0].share == pytest.approx(0.65, abs=0.06)
    assert found[0].rate_per_day == pytest.approx(found[0].share)
    assert 0.9 < sum(r.share for r in found) <= 1


def test_every_class_has_the_same_places_and_shares_of_its_own():
    strong, weak = (-31, 15), (41, -19)
    c, m, x = of(
        rates((*strong, 1.0, 3), (*weak, 1.0, 3)),
        rates((*strong, 0.3, 3), (*weak, 0.1, 3)),
        rates((*strong, 0.01, 3), (*weak, 0.09, 3)),
        drawn_by=1,
    )
    places = [{(r.latitude_deg, r.longitude_deg) for r in regions} for regions in (c, m, x)]
    assert places[0] == places[1] == places[2]
    assert m[0].share == pytest.approx(0.75, abs=0.02)
    assert c[0].share == pytest.approx(0.5, abs=0.02)
    # Each class has its greatest first.
    assert x[0].longitude_deg > 0 > m[0].longitude_deg
    assert x[0].share == pytest.approx(0.9, abs=0.02)


def test_two_peaks_within_the_least_distance_are_one_region_and_beyond_it_two():
    near, far = MERGE_DEG - 2, MERGE_DEG + 6
    (one,) = of(rates((0, 11, 0.5, 1.2), (near, 11, 0.4, 1.2)))
    (two,) = of(rates((0, 11, 0.5, 1.2), (far, 11, 0.4, 1.2)))
    assert len(one) == 1
    assert one[0].share == pytest.approx(1, abs=0.01)
    assert len(two) == 2


def test_what_is_too_small_is_no_region_and_an_even_disk_has_none():
    (found,) = of(rates((0, 11, 0.99, 3), (50, -11, 0.01, 3)))
    assert len(found) == 1
    noise = np.random.default_rng(3).uniform(0.9, 1.1, (45, 80)) / 3600
    assert all(region.share < 2 * LEAST_SHARE for region in of(noise)[0])
    assert of(np.full((45, 80), 1.0))[0] == ()


@pytest.mark.parametrize("seed", range(4))
def test_a_mirrored_map_has_mirrored_regions(seed):
    values = np.random.default_rng(seed).gamma(0.3, size=(45, 80)) ** 3
    (found,), (mirrored,) = of(values), of(values[:, ::-1])
    assert [r.share for r in mirrored] == pytest.approx([r.share for r in found])
    assert [-r.longitude_deg for r in mirrored] == pytest.approx([r.longitude_deg for r in found])


@pytest.mark.parametrize(
    ("west", "limb"), [(0, False), (LIMB_DEG - 1, False), (LIMB_DEG + 1, True)]
)
def test_a_region_is_near_the_limb_from_an_angle_on_and_not_by_its_pixels(west, limb):
    region = RegionShare(longitude_deg=west, latitude_deg=0, rate_per_day=1, share=1)
    assert region.near_limb is limb
    assert (region.x**2 + region.y**2) ** 0.5 == pytest.approx(np.sin(np.deg2rad(west)))


def test_positions_are_written_as_noaa_does():
    assert location(12.4, 31.6) == "N12W32"
    assert location(-5.0, -103.0) == "S05E103"
    assert location(-0.4, -0.2) == "N00W00"
