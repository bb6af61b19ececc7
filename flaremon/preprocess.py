"""A magnetogram to the standard frame, the frame to the network's plane.

Every input, whatever its instrument mode, roll, size and format, is brought to one frame:
solar north up, the disk centre in the middle, the solar radius a fixed fraction of the frame.
Training and serving use the same two functions.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from flaremon.domain import Geometry, Magnetogram
from flaremon.errors import InputError

_MAX_SHEAR_DEG = 3.0
"""Up to this roll two sheared passes are as good as a spline (0.23 G against 0.15 G at 1024 px;
0.63 G at 10 deg). HMI rolls further for calibration only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSpec:
    """The standard frame of a model; a model package keeps these numbers in ``model.toml``."""

    size_px: int = 512
    """Side of the frame."""
    radius_fraction: float = 0.475
    """Solar radius as a fraction of the side."""
    edge: float = 0.99
    """Fraction of the solar radius beyond which the frame is 0: the last percent is noise."""
    clip_gauss: float = 250.0
    """Field at which the plane saturates, after averaging; 8-bit images end there too."""

    def __post_init__(self) -> None:
        if not (
            self.size_px >= 1
            and 0 < self.radius_fraction <= 0.5
            and 0 < self.edge <= 1
            and 0 < self.clip_gauss < np.inf
        ):
            raise InputError(
                f"{self} is not a frame: the side must be at least 1 px, the radius fraction in "
                "(0, 0.5], the edge in (0, 1], and the clip a positive number of gauss"
            )

    @property
    def radius_px(self) -> float:
        """Solar radius in pixels of the frame."""
        return self.radius_fraction * self.size_px


def to_frame(magnetogram: Magnetogram, spec: FrameSpec) -> NDArray[np.float32]:
    """Bring a magnetogram to the standard frame by area averaging.

    Parameters
    ----------
    magnetogram : Magnetogram
        Any roll, disk size and position.
    spec : FrameSpec
        The frame.

    Returns
    -------
    ndarray of float32, shape (size_px, size_px)
        Gauss, not clipped. As in FITS, row 0 is the south and column 0 the east; the disk centre
        is at ``(size_px - 1) / 2``. Off the disk and where nothing was measured it is 0.
    """
    from flaremon.resample import Grid, resample  # noqa: PLC0415 - numba takes 0.3 s to import

    field, geometry = magnetogram.field_gauss, magnetogram.geometry
    turns = round(geometry.roll_deg / 180)
    roll_deg = geometry.roll_deg - 180 * turns
    if abs(roll_deg) > _MAX_SHEAR_DEG:
        field, geometry = _derotated(field, geometry)
        turns, roll_deg = 0, 0.0
    frame = resample(
        field,
        Grid(
            centre_x_px=geometry.centre_x_px,
            centre_y_px=geometry.centre_y_px,
            scale=geometry.radius_px / spec.radius_px,
            roll_deg=roll_deg,
            size_px=spec.size_px,
            radius_px=spec.edge * geometry.radius_px,
        ),
    )
    # The frame is symmetric about the disk centre: half a turn is a flip of the small result.
    frame = frame[::-1, ::-1] if turns % 2 else frame
    return np.nan_to_num(frame, nan=0.0)


def to_plane(frame: NDArray[np.float32], spec: FrameSpec) -> NDArray[np.float32]:
    """Clip and scale a frame for the network.

    Parameters
    ----------
    frame : ndarray of float32, shape (size_px, size_px)
        Gauss, as `to_frame` makes it.
    spec : FrameSpec
        Its `clip_gauss` is used.

    Returns
    -------
    ndarray of float32, shape (1, size_px, size_px)
        Dimensionless, -1 to 1; one channel.
    """
    scaled = np.clip(frame, -spec.clip_gauss, spec.clip_gauss) / np.float32(spec.clip_gauss)
    return np.asarray(scaled[np.newaxis], dtype=np.float32)


def _derotated(
    field: NDArray[np.float32], geometry: Geometry
) -> tuple[NDArray[np.float32], Geometry]:
    """Turn an image about its disk centre to solar north up, at full size, with a cubic spline."""
    from scipy import ndimage  # noqa: PLC0415 - calibration rolls only

    c, s = np.cos(np.deg2rad(geometry.roll_deg)), np.sin(np.deg2rad(geometry.roll_deg))
    # (row, column) of the old image for an offset (north, west) from the disk centre.
    matrix = np.array([[c, -s], [s, c]])
    centre = np.array([geometry.centre_y_px, geometry.centre_x_px])
    options = {"matrix": matrix, "offset": centre - matrix @ centre}
    missing = ~np.isfinite(field)
    turned = ndimage.affine_transform(np.where(missing, 0, field), order=3, cval=np.nan, **options)
    gaps = ndimage.affine_transform(missing.astype(np.float32), order=1, cval=1, **options)
    turned[gaps > 0] = np.nan
    return turned, replace(geometry, roll_deg=0.0)
