"""The standard frame must not depend on the observer, and must be what sunpy makes of it."""

import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from support.suns import Sun, View, field_gauss

from flaremon.domain import Geometry, Magnetogram
from flaremon.errors import InputError
from flaremon.fits import geometry_from, read_fits
from flaremon.preprocess import FrameSpec, to_frame, to_plane
from flaremon.times import tai_label_to_utc

SPEC = FrameSpec()
QUIET_VIEW = View(noise_gauss=0.0)
SUN = Sun(bipoles=((0.2, 0.3, 900.0), (-0.5, -0.25, 600.0), (0.85, -0.3, 1500.0)))


def observe(view: View, sun: Sun = SUN) -> Magnetogram:
    return Magnetogram(
        field_gauss=field_gauss(sun, view),
        geometry=Geometry(
            centre_x_px=view.crpix1 - 1,
            centre_y_px=view.crpix2 - 1,
            radius_px=view.rsun_obs / view.cdelt,
            arcsec_per_px=view.cdelt,
            roll_deg=view.crota2,
        ),
        t_obs=tai_label_to_utc(view.t_rec),
        name="synthetic",
    )


@pytest.fixture(scope="module")
def reference() -> Magnetogram:
    return observe(QUIET_VIEW)


@pytest.fixture(scope="module")
def frame(reference: Magnetogram) -> np.ndarray:
    return to_frame(reference, SPEC)


@pytest.mark.parametrize(
    "changes",
    [
        {"crota2": 0.0},
        {"crota2": 0.3},
        {"crota2": 179.7},
        {"crota2": -180.0},
        {"crota2": 37.0},
        {"rsun_obs": 944.6 * 1.05},
        {"rsun_obs": 944.6 * 0.95},
        {"crpix1": 2048.86, "crpix2": 2036.77},
        {"crpix1": 2029.3, "crota2": 180.07, "rsun_obs": 975.0},
    ],
    ids=str,
)
def test_the_same_sun_gives_the_same_frame_from_every_view(
    frame: np.ndarray, changes: dict[str, float]
) -> None:
    other = to_frame(observe(replace(QUIET_VIEW, **changes)), SPEC)
    # Of a field of up to 1400 G: 0.005 %.
    assert np.abs(other - frame).max() < 0.08
    assert np.sqrt(np.mean((other - frame) ** 2)) < 0.002
    assert np.abs(other).sum() == pytest.approx(np.abs(frame).sum(), rel=1e-5)
    planes = to_plane(other, SPEC), to_plane(frame, SPEC)
    np.testing.assert_allclose(planes[0], planes[1], atol=4e-4)


def test_the_largest_shear_is_within_half_a_gauss(frame: np.ndarray) -> None:
    other = to_frame(observe(replace(QUIET_VIEW, crota2=183.0)), SPEC)
    assert np.abs(other - frame).max() < 0.5
    assert np.sqrt(np.mean((other - frame) ** 2)) < 0.01


@pytest.mark.parametrize("size_px", [128, 256, 1024])
def test_bipoles_are_where_the_sun_has_them(reference: Magnetogram, size_px: int) -> None:
    frame = to_frame(reference, FrameSpec(size_px=size_px))
    assert frame.shape == (size_px, size_px)
    assert frame.dtype == np.float32
    # The positive pole of the first bipole: 0.2 - 0.02 to the west, 0.3 to the north.
    y, x = np.mgrid[0:size_px, 0:size_px]
    scale, middle = 0.475 * size_px, (size_px - 1) / 2
    near = np.hypot((x - middle) / scale - 0.18, (y - middle) / scale - 0.3) < 0.03
    row, column = np.unravel_index(np.argmax(np.where(near, frame, 0)), frame.shape)
    assert column == pytest.approx(middle + 0.18 * scale, abs=0.6)
    assert row == pytest.approx(middle + 0.30 * scale, abs=0.6)


def test_sizes_agree_with_each_other(reference: Magnetogram, frame: np.ndarray) -> None:
    fine = to_frame(reference, FrameSpec(size_px=1024))
    inside = np.hypot(*(np.mgrid[0:512, 0:512] - 255.5)) < 0.97 * SPEC.radius_px
    coarse = fine.reshape(512, 2, 512, 2).mean(axis=(1, 3))
    assert np.abs(coarse - frame)[inside].max() < 0.05


def test_off_the_disk_the_frame_is_zero_and_finite_everywhere(frame: np.ndarray) -> None:
    distance = np.hypot(*(np.mgrid[0:512, 0:512] - 255.5)) / SPEC.radius_px
    assert (frame[distance > SPEC.edge] == 0).all()
    assert np.isfinite(frame).all()
    noisy = to_frame(observe(View()), SPEC)
    assert (noisy[distance < SPEC.edge - 0.001] != 0).all()


def test_missing_pixels_become_zero_and_spoil_nothing_else(
    reference: Magnetogram, frame: np.ndarray
) -> None:
    torn = reference.field_gauss.copy()
    torn[1500:1564, 1500:1564] = np.nan
    new = to_frame(replace(reference, field_gauss=torn), SPEC)
    assert np.isfinite(new).all()
    changed = np.abs(new - frame) > 0.1
    assert changed.sum() < 12**2


def test_nothing_measured_is_a_frame_of_zeros(reference: Magnetogram) -> None:
    blank = replace(reference, field_gauss=np.full((4096, 4096), np.nan, np.float32))
    assert (to_frame(blank, SPEC) == 0).all()


def test_the_input_is_left_alone(reference: Magnetogram) -> None:
    before = reference.field_gauss.copy()
    to_frame(reference, SPEC)
    np.testing.assert_array_equal(reference.field_gauss, before)


def test_the_plane_is_clipped_after_averaging_and_scaled_to_one() -> None:
    frame = np.array([[-1e5, -250, -125, 0, 62.5, 250, 3000]], np.float32)
    plane = to_plane(frame, SPEC)
    assert plane.shape == (1, 1, 7)
    assert plane.dtype == np.float32
    assert plane[0, 0].tolist() == [-1, -1, -0.5, 0, 0.25, 1, 1]
    assert to_plane(frame, FrameSpec(clip_gauss=500.0))[0, 0, 5] == 0.5


@pytest.mark.parametrize(
    "numbers",
    [
        {"size_px": 0},
        {"radius_fraction": 0.0},
        {"radius_fraction": 0.6},
        {"edge": 1.1},
        {"clip_gauss": float("inf")},
        {"clip_gauss": float("nan")},
    ],
    ids=str,
)
def test_impossible_frames_are_refused(numbers: dict[str, float]) -> None:
    with pytest.raises(InputError, match="is not a frame"):
        FrameSpec(**numbers)


def test_importing_does_not_import_the_compiler() -> None:
    code = (
        "import sys, flaremon.preprocess; assert not {'numba', 'scipy', 'astropy'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def sunpy_frame(path: Path) -> np.ndarray:
    """What sunpy makes of it: rotate and scale with a cubic spline, then means of 8 x 8 pixels."""
    with warnings.catch_warnings():
        # sunpy warns on import of absent optional parts, and about HMI's unit.
        warnings.simplefilter("ignore")
        import sunpy.map  # noqa: PLC0415 - 3 s that only real data need

        original = sunpy.map.Map(path)
        radius_px = original.rsun_obs.value / original.scale[0].value
        turned = original.rotate(
            order=3, recenter=True, scale=0.475 * 4096 / radius_px, missing=np.nan
        )
    # Its size depends on the angle; the disk centre says where the frame of 4096 begins.
    begin_x = turned.reference_pixel.x.value - 2047.5
    begin_y = turned.reference_pixel.y.value - 2047.5
    assert begin_x == round(begin_x) >= 0
    assert begin_y == round(begin_y) >= 0
    cut = turned.data[int(begin_y) :, int(begin_x) :][:4096, :4096]
    return cut.reshape(512, 8, 512, 8).mean(axis=(1, 3))


@pytest.mark.realdata
@pytest.mark.parametrize("year", [2011, 2016, 2019])
def test_real_frames_are_sunpys(shared_data: Path, year: int) -> None:
    (path,) = (shared_data / "fits").glob(f"hmi.M_720s.{year}*.fits")
    ours, theirs = to_frame(read_fits(path), SPEC), sunpy_frame(path)
    inside = np.hypot(*(np.mgrid[0:512, 0:512] - 255.5)) < 0.98 * SPEC.radius_px
    difference = (ours - theirs)[inside]
    assert np.sqrt(np.mean(difference**2)) <= 0.10
    assert np.abs(difference).max() <= 2.0
    assert abs(difference.mean()) <= 0.01
    assert np.abs(ours[inside]).sum() == pytest.approx(np.abs(theirs[inside]).sum(), rel=0.0015)
    # Were the roll taken the other way round, 0.013 deg would already show.
    magnetogram = read_fits(path)
    mirrored = replace(magnetogram.geometry, roll_deg=360 - magnetogram.geometry.roll_deg)
    wrong = to_frame(replace(magnetogram, geometry=mirrored), SPEC)
    assert np.sqrt(np.mean((wrong - theirs)[inside] ** 2)) > 0.5


@pytest.mark.realdata
def test_the_geometry_of_a_real_header_is_read(shared_data: Path) -> None:
    (path,) = (shared_data / "fits").glob("hmi.M_720s.2011*.fits")
    header = fits.getheader(path, 1)
    geometry = geometry_from(header)
    assert geometry.centre_x_px == header["CRPIX1"] - 1
    assert geometry.radius_px == pytest.approx(1933.43, abs=0.01)
