"""Grey pixels to gauss, and whether the disk is where it should be."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from flaremon.domain import Geometry
from flaremon.errors import FitsError

SATURATION_GAUSS = 250.0
"""Field at which the pictures are clipped: 0 is -250 G, 255 is +250 G (jp2gen of Helioviewer)."""
_SIZES_PX = range(128, 4097)
"""Sides that make sense; what is larger could exhaust the memory."""
_GREY_TOLERANCE = 8
"""By how much the channels of a grey JPG in colours may differ after compression."""
_BLACK = 16
"""Compression leaves up to 7 outside the disk."""
_INNER_RING, _OUTER_RING = (0.92, 0.98), (1.02, 1.10)
"""Rings on both sides of the limb, in solar radii."""
_MAX_WRONG = 0.02
"""Fraction of a ring that may be black inside or bright outside. Real pictures reach 0.3 %,
strong regions at the limb included; a disk that is 3 % off in position or size exceeds it."""
_MIXED_PX = 1.0
"""Pixels nearer to the limb than this are a mixture with the black outside: missing."""


def grey_levels(content: bytes, *, jp2: bool) -> NDArray[np.uint8]:
    """Decode a picture.

    Returns
    -------
    ndarray of uint8, shape (size, size)
        Row 0 is the south, as in FITS.

    Raises
    ------
    FitsError
        It is damaged, not square, of an odd size, in colours, or not of 8 bits.
    """
    # The two decoders, not Image.open, so that no other format is ever tried.
    from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile  # noqa: PLC0415 - 0.1 s
    from PIL.JpegImagePlugin import JpegImageFile  # noqa: PLC0415

    kind = "JP2" if jp2 else "JPG"
    try:
        picture = (Jpeg2KImageFile if jp2 else JpegImageFile)(BytesIO(content))
        columns, rows = picture.size
        if columns != rows or rows not in _SIZES_PX:
            raise FitsError(
                f"the {kind} is {columns} x {rows} pixels, not a square full disk of "
                f"{_SIZES_PX.start} to {_SIZES_PX.stop - 1}"
            )
        if picture.mode not in {"L", "RGB"}:
            raise FitsError(f"the {kind} is in mode {picture.mode}, not 8-bit grey")
        levels = np.asarray(picture)
    except (OSError, SyntaxError, ValueError) as exc:
        raise FitsError(f"the {kind} is damaged ({exc}); download it again") from exc
    if levels.ndim == 3:
        if np.ptp(levels, axis=2).max() > _GREY_TOLERANCE:
            raise FitsError(
                f"the {kind} is in colours; use a picture in which grey is the field, +-250 G"
            )
        levels = levels[:, :, 1]
    return np.ascontiguousarray(levels[::-1])


def check_disk(levels: NDArray[np.uint8], geometry: Geometry) -> None:
    """Check that the limb is where the geometry says.

    Parameters
    ----------
    levels : ndarray of uint8, shape (size, size)
        Black (0) outside the disk.

    Raises
    ------
    FitsError
        It is not, or there is no disk.
    """
    distance = _distance(levels.shape, geometry) / geometry.radius_px
    black = levels[(distance > _INNER_RING[0]) & (distance < _INNER_RING[1])] < _BLACK
    bright = levels[(distance > _OUTER_RING[0]) & (distance < _OUTER_RING[1])] >= _BLACK
    wrong = {"black inside": black.mean(), "bright outside": bright.mean() if bright.size else 0}
    for where, fraction in wrong.items():
        if not fraction <= _MAX_WRONG:  # NaN: no such pixel at all
            raise FitsError(
                f"the disk is not where it should be: {fraction:.1%} of the pixels just {where} "
                f"the limb, for a radius of {geometry.radius_px:.1f} px around the middle; use a "
                "full disk of 0.6 arcsec per 1/4096 of the side, without text or frame"
            )


def to_gauss(levels: NDArray[np.uint8], geometry: Geometry) -> NDArray[np.float32]:
    """Turn grey levels into gauss.

    Returns
    -------
    ndarray of float32, shape (size, size)
        NaN off the disk and on its last pixel.
    """
    field = levels.astype(np.float32) * np.float32(2 * SATURATION_GAUSS / 255)
    field -= np.float32(SATURATION_GAUSS)
    field[_distance(levels.shape, geometry) > geometry.radius_px - _MIXED_PX] = np.nan
    return field


def _distance(shape: tuple[int, ...], geometry: Geometry) -> NDArray[np.float32]:
    """Return the distance of every pixel from the disk centre, pixels."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    return np.hypot(
        (x - geometry.centre_x_px).astype(np.float32), (y - geometry.centre_y_px).astype(np.float32)
    )
