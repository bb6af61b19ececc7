"""Area resampling against exact answers: block means, integrals of Gaussians, conserved flux."""

from math import cos, erf, radians, sin

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flaremon.compiled import compiled
from flaremon.resample import Grid, resample


def grid(**changes: float) -> Grid:
    values = {
        "centre_x_px": 63.5,
        "centre_y_px": 63.5,
        "scale": 4.0,
        "roll_deg": 0.0,
        "size_px": 32,
        "radius_px": 56.0,
    }
    return Grid(**(values | changes))


def gaussian(grid: Grid, sigma: float, at: tuple[float, float], *, new: bool) -> np.ndarray:
    """Mean of a round Gaussian over every old pixel (of 128 x 128), or every new one; exact."""
    if new:
        u = (np.arange(grid.size_px + 1) - grid.size_px / 2) * grid.scale
        edges_x, edges_y, area = u, u, grid.scale**2
        # The Gaussian is round, so in the turned axes only its place differs.
        c, s = cos(radians(grid.roll_deg)), sin(radians(grid.roll_deg))
        dx, dy = at[0] - grid.centre_x_px, at[1] - grid.centre_y_px
        at = (c * dx - s * dy, s * dx + c * dy)
    else:
        edges_x = edges_y = np.arange(129) - 0.5
        area = 1.0
    phi_x, phi_y = (
        np.diff([erf((edge - middle) / (sigma * 2**0.5)) / 2 for edge in edges])
        for edges, middle in ((edges_x, at[0]), (edges_y, at[1]))
    )
    return 1000 * 2 * np.pi * sigma**2 * np.outer(phi_y, phi_x) / area


def finite(image: np.ndarray) -> np.ndarray:
    return np.nan_to_num(image, nan=0.0)


def test_whole_multiples_are_block_means() -> None:
    field = np.random.default_rng(1).normal(0, 50, (128, 128)).astype(np.float32)
    new = resample(field, grid())
    blocks = field.reshape(32, 4, 32, 4).mean(axis=(1, 3))
    assert np.isfinite(new).sum() > 500
    np.testing.assert_allclose(new[np.isfinite(new)], blocks[np.isfinite(new)], atol=1e-4)


@pytest.mark.parametrize("roll_deg", [0.0, 0.07, -1.0, 3.0])
@pytest.mark.parametrize(("scale", "tolerance"), [(0.83, 0.02), (3.1, 0.005), (7.7, 0.003)])
def test_integrals_of_a_gaussian_are_right(roll_deg: float, scale: float, tolerance: float) -> None:
    lie = grid(
        centre_x_px=64.3, centre_y_px=61.8, scale=scale, roll_deg=roll_deg, size_px=int(120 / scale)
    )
    for sigma, at in ((1.5, (40.2, 70.9)), (3.0, (80.6, 50.1))):
        old = gaussian(lie, sigma, at, new=False).astype(np.float32)
        want = gaussian(lie, sigma, at, new=True)
        got = finite(resample(old, lie))
        error = np.sqrt(np.mean((got - want) ** 2) / np.mean(want**2))
        assert error < tolerance + 0.003 * abs(roll_deg)


@given(
    seed=st.integers(0, 2**32 - 1),
    scale=st.floats(0.7, 9),
    roll_deg=st.floats(-3, 3),
    centre=st.tuples(st.floats(58, 68), st.floats(58, 68)),
)
def test_flux_is_conserved(
    seed: int, scale: float, roll_deg: float, centre: tuple[float, float]
) -> None:
    field = np.zeros((128, 128), np.float32)
    field[50:78, 50:78] = np.random.default_rng(seed).normal(3, 50, (28, 28))
    lie = grid(
        centre_x_px=centre[0],
        centre_y_px=centre[1],
        scale=scale,
        roll_deg=roll_deg,
        size_px=int(110 / scale) + 1,
    )
    flux = finite(resample(field, lie)).astype(float).sum() * scale**2
    assert flux == pytest.approx(field.astype(float).sum(), rel=1e-4, abs=0.05)


@given(value=st.floats(-3000, 3000, width=32), scale=st.floats(0.7, 9), roll_deg=st.floats(-3, 3))
def test_a_constant_stays_what_it_is(value: float, scale: float, roll_deg: float) -> None:
    field = np.full((128, 128), value, np.float32)
    new = resample(field, grid(scale=scale, roll_deg=roll_deg, size_px=int(110 / scale) + 1))
    assert np.isfinite(new).any()
    np.testing.assert_allclose(new[np.isfinite(new)], value, rtol=1e-5, atol=1e-4)


@given(seed=st.integers(0, 2**32 - 1), holes=st.integers(1, 40))
def test_missing_pixels_are_left_out_of_the_mean(seed: int, holes: int) -> None:
    rng = np.random.default_rng(seed)
    field = np.full((128, 128), 7.5, np.float32)
    field[rng.integers(0, 128, holes), rng.integers(0, 128, holes)] = np.nan
    new = resample(field, grid(scale=3.3, roll_deg=0.4, size_px=33))
    whole = resample(np.full_like(field, 7.5), grid(scale=3.3, roll_deg=0.4, size_px=33))
    np.testing.assert_allclose(new[np.isfinite(new)], 7.5, rtol=1e-4)
    assert np.isfinite(new).sum() >= np.isfinite(whole).sum() - holes


def test_a_hole_spoils_only_the_pixels_over_it() -> None:
    field = np.random.default_rng(2).normal(0, 50, (128, 128)).astype(np.float32)
    torn = field.copy()
    torn[60:76, 60:76] = np.nan
    before, after = resample(field, grid()), resample(torn, grid())
    gone = np.isfinite(before) & np.isnan(after)
    assert gone.sum() == 16
    assert gone[15:19, 15:19].all()
    far = np.ones_like(gone)
    far[14:20, 14:20] = False
    np.testing.assert_allclose(after[far], before[far], atol=1e-3)


def test_beyond_the_radius_and_beyond_the_image_nothing_is_invented() -> None:
    field = np.ones((128, 128), np.float32)
    new = resample(field, grid(radius_px=30.0))
    offset = np.arange(32) - 15.5
    assert (np.isfinite(new) == (offset[:, None] ** 2 + offset**2 <= 7.5**2)).all()
    half_out = resample(field, grid(centre_x_px=0.0))
    assert np.isnan(half_out[:, :15]).all()
    assert np.isfinite(half_out[16, 18:28]).all()


def test_the_image_turns_counter_clockwise() -> None:
    # A spot to the right of the middle is found higher up after a turn to the left.
    lie = grid(roll_deg=3.0)
    spot = gaussian(lie, 3.0, (100.0, 63.5), new=False).astype(np.float32)
    new = finite(resample(spot, lie))
    rows = (new.sum(axis=1) * np.arange(32)).sum() / new.sum()
    assert (rows - 15.5) * 4 == pytest.approx(36.5 * sin(radians(3)), abs=0.05)


def test_without_a_place_for_compiled_code_it_still_compiles() -> None:
    # Code without a file is what numba cannot keep, as in a read-only installation.
    namespace: dict[str, object] = {}
    exec("def twice(x):\n    return 2 * x", namespace)  # noqa: S102
    with pytest.raises(RuntimeError, match="cannot cache"):
        numba.njit(cache=True)(namespace["twice"])
    assert compiled()(namespace["twice"])(21) == 42
