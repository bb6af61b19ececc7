"""Earth views of synoptic maps: orientation, ages, and agreement with real disks."""

import warnings
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import torch
from astropy.io import fits
from support.maps import Spot, write_maps

from flaremon.domain import Geometry, Magnetogram
from flaremon.errors import InputError
from flaremon.network import FullDiskCnn, NetworkConfig
from flaremon.preprocess import FrameSpec, to_frame, to_plane
from flaremon.sun import disk_centre
from flaremon.training.synoptic import (
    Rendering,
    carrington_time,
    pooled_plane,
    read_strip,
    render,
)

SPEC = FrameSpec(size_px=256)
ROTATIONS = range(2280, 2284)
T = np.datetime64("2024-03-10T00:00:00")
"""Inside rotation 2281 or 2282."""


def utc(time):
    return time.astype("datetime64[s]").item().replace(tzinfo=UTC)


def passing_at(time, *, latitude_deg=15.0, **kwargs):
    """Return a spot that passes the central meridian at a time."""
    degrees = carrington_time(utc(time))
    rotation = int(degrees // 360) + 1
    return Spot(rotation, 360 * rotation - degrees, latitude_deg, **kwargs)


def view(folder, spots, time=T, rendering=Rendering.AS_RENDERED):
    return render(read_strip(write_maps(folder, ROTATIONS, spots)), time, SPEC, rendering)


def centroid(frame):
    """Return the (x west, y north) of the field, in solar radii."""
    axis = (np.arange(SPEC.size_px) - (SPEC.size_px - 1) / 2) / SPEC.radius_px
    weight = np.abs(frame)
    return (weight @ axis).sum() / weight.sum(), (axis @ weight).sum() / weight.sum()


def days(n):
    return np.timedelta64(round(n * 86400), "s")


@pytest.mark.parametrize(
    ("passage_days", "x"),
    [(0, 0.0), (-3, 0.615), (3, -0.615), (-1, 0.22)],
    ids=["now: centre", "3 d ago: west", "in 3 d: east", "yesterday: a little west"],
)
def test_a_spot_stands_where_the_rotation_has_brought_it(tmp_path, passage_days, x):
    found = centroid(view(tmp_path, (passing_at(T + days(passage_days)),)))
    b0, _ = disk_centre(utc(T))
    assert found[0] == pytest.approx(x, abs=0.03)
    north = np.sin(np.deg2rad(15 - b0)) if passage_days == 0 else None
    if north is not None:
        assert found[1] == pytest.approx(north, abs=0.01)


def test_north_is_up(tmp_path):
    north = centroid(view(tmp_path / "n", (passing_at(T, latitude_deg=30),)))
    south = centroid(view(tmp_path / "s", (passing_at(T, latitude_deg=-30),)))
    assert north[1] > 0.4 > -0.3 > south[1]


def test_the_line_of_sight_field_is_the_radial_field_times_mu(tmp_path):
    spots = (passing_at(T - days(4), gauss=100.0, latitude_deg=0.0),)
    frame = view(tmp_path, spots)
    x, y = centroid(frame)
    assert frame.max() == pytest.approx(100 * np.sqrt(1 - x**2 - y**2), rel=0.1)


def test_the_east_is_ahead_of_its_time_as_rendered_and_a_rotation_old_when_causal(tmp_path):
    soon, before = passing_at(T + days(3)), passing_at(T + days(3) - days(27.2753), gauss=-500)
    ahead = view(tmp_path / "a", (soon, before))
    behind = view(tmp_path / "b", (soon, before), rendering=Rendering.CAUSAL)
    assert ahead.max() > 100
    assert ahead.min() == 0
    assert behind.min() < -100
    assert behind.max() == 0


def test_west_and_meridian_are_the_same_in_both_renderings(tmp_path):
    spots = (passing_at(T - days(2)), passing_at(T - days(0.5), latitude_deg=-20))
    frames = [view(tmp_path, spots, rendering=rendering) for rendering in Rendering]
    np.testing.assert_array_equal(*frames)


def test_nothing_after_the_time_moves_a_causal_view(tmp_path):
    early = (passing_at(T - days(1)),)
    late = tuple(passing_at(T + days(n)) for n in (0.5, 2, 4, 6))
    frames = [
        view(tmp_path / str(len(spots)), spots, rendering=Rendering.CAUSAL)
        for spots in (early, (*early, *late))
    ]
    np.testing.assert_allclose(*frames, atol=1e-6)


def test_times_that_maps_do_not_cover_have_no_view(tmp_path):
    maps = write_maps(tmp_path, ROTATIONS)
    strip = read_strip(maps)
    middle = render(strip, T, SPEC, Rendering.CAUSAL)
    assert middle is not None
    assert render(strip, np.datetime64("2024-01-16"), SPEC, Rendering.AS_RENDERED) is None
    assert render(strip, np.datetime64("2024-02-05"), SPEC, Rendering.CAUSAL) is None
    assert render(strip, np.datetime64("2024-05-02"), SPEC, Rendering.AS_RENDERED) is None
    assert render(strip, np.datetime64("2031-05-02"), SPEC, Rendering.AS_RENDERED) is None
    (maps / "hmi.Synoptic_Mr_small.2281.fits").unlink()
    assert render(read_strip(maps), T, SPEC, Rendering.CAUSAL) is None


def test_the_frame_is_that_of_serving_off_disk_zero_and_rows_from_the_south(tmp_path):
    frame = view(tmp_path, (passing_at(T),))
    axis = (np.arange(SPEC.size_px) - (SPEC.size_px - 1) / 2) / SPEC.radius_px
    r = np.hypot(*np.meshgrid(axis, axis))
    assert frame.shape == (256, 256)
    assert frame.dtype == np.float32
    assert np.all(frame[r > SPEC.edge] == 0)


def test_training_planes_are_what_the_network_pools_from_serving_planes(tmp_path):
    spec = FrameSpec()
    strip = read_strip(write_maps(tmp_path, ROTATIONS, (passing_at(T, gauss=1500),)))
    frame = render(strip, T, spec, Rendering.AS_RENDERED)
    network = FullDiskCnn(NetworkConfig())
    served = network.pool(torch.from_numpy(to_plane(frame, spec))[None])[0, 0].numpy()
    np.testing.assert_allclose(pooled_plane(frame, spec, 128), served, atol=1e-6)


def test_a_folder_without_maps_or_with_other_images_is_refused(tmp_path):
    with pytest.raises(InputError, match="no synoptic maps"):
        read_strip(tmp_path)
    fits.PrimaryHDU(np.zeros((10, 10), np.int16)).writeto(tmp_path / "x.2100.fits")
    with pytest.raises(InputError, match="not a synoptic map"):
        read_strip(tmp_path)


def test_carrington_time_agrees_with_sunpy_and_never_jumps():
    with warnings.catch_warnings():
        # sunpy's import of its coordinate frames warns with newer versions of its dependencies.
        warnings.simplefilter("ignore")
        from sunpy.coordinates import sun  # noqa: PLC0415
    start = datetime(2010, 5, 1, tzinfo=UTC)
    for n in range(0, 5000, 617):
        instant = start + timedelta(days=n)
        theirs = 360 * (sun.carrington_rotation_number(instant.replace(tzinfo=None)) - 1)
        assert carrington_time(instant) == pytest.approx(theirs, abs=0.05)
    values = [carrington_time(start + timedelta(hours=6 * n)) for n in range(4 * 400)]
    assert np.diff(values).min() > 3.2
    assert np.diff(values).max() < 3.4


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("stem", "correlation", "flux"),
    [("20111217", 0.88, 0.95), ("20160707", 0.65, 0.87), ("20190621", 0.50, 0.85)],
)
def test_views_look_like_real_disks_of_the_day(shared_data, strip, stem, correlation, flux):
    (path,) = (shared_data / "fits").glob(f"*{stem}*.fits")
    with fits.open(path) as hdus:
        header, field = hdus[1].header, hdus[1].data.astype(np.float32)
    geometry = Geometry(
        centre_x_px=header["CRPIX1"] - 1,
        centre_y_px=header["CRPIX2"] - 1,
        radius_px=header["RSUN_OBS"] / header["CDELT1"],
        arcsec_per_px=header["CDELT1"],
        roll_deg=header["CROTA2"],
    )
    t_obs = datetime.strptime(header["T_OBS"][:19], "%Y.%m.%d_%H:%M:%S").replace(tzinfo=UTC)
    magnetogram = Magnetogram(field_gauss=field, geometry=geometry, t_obs=t_obs, name=stem)
    spec = FrameSpec()
    real = to_frame(magnetogram, spec)
    made = render(strip, np.datetime64(t_obs.replace(tzinfo=None)), spec, Rendering.AS_RENDERED)
    small = [pooled_plane(frame, spec, 64) for frame in (real, made)]
    axis = (np.arange(64) - 31.5) / (64 * spec.radius_fraction)
    inner = np.hypot(*np.meshgrid(axis, axis)) < 0.7
    a, b = (plane[inner] for plane in small)
    assert np.corrcoef(a, b)[0, 1] > correlation
    assert np.abs(b).sum() / np.abs(a).sum() == pytest.approx(flux, abs=0.06)


@pytest.fixture(scope="module")
def strip(shared_data):
    return read_strip(shared_data / "synoptic")
