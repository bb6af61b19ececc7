"""Whether a file is from the instrument, in the unit, and of the very record that it should be.

A file as the JSOC stores it has no keywords, so nothing in it says which record it belongs to.
But the record's keywords hold statistics of its pixels, and those are a fingerprint: two images
of the Sun 12 minutes apart differ in their extremes by gauss.
"""

import numpy as np
from numpy.typing import NDArray

from flaremon.domain import SERIES_CADENCE_S, Geometry, Record
from flaremon.errors import FitsError, InputError
from flaremon.fits.keywords import Keywords, number, text
from flaremon.times import slot_index

SHAPE = (4096, 4096)
"""Rows and columns of a full-disk HMI image."""
_UNITS = {"gauss", "g", "mx/cm^2", "mx/cm2"}
_EXTREME_TOLERANCE_GAUSS = 0.1
"""One step of the stored integers; on real files the keywords agree to half of it."""
_INNER_DISK = 0.99
"""DATAMIN and DATAMAX are of the pixels within this fraction of the solar radius."""
_ROWS_AT_ONCE = 64
"""A megabyte of pixels: one pass through memory instead of several."""


def check_shape(shape: tuple[int, ...]) -> None:
    """Check that an image is a full disk of HMI.

    Raises
    ------
    FitsError
        It has another shape.
    """
    if tuple(shape) != SHAPE:
        size = " x ".join(str(n) for n in reversed(shape))
        raise FitsError(
            f"the image is {size} pixels, not the 4096 x 4096 of a full disk (a patch?); "
            "use segment magnetogram of a full-disk series such as hmi.M_720s"
        )


def check_kind(keywords: Keywords, *, required: bool) -> None:
    """Check that keywords speak of a line-of-sight magnetogram of HMI in gauss.

    Parameters
    ----------
    keywords : mapping
        Of the file or of its record.
    required : bool
        Whether the keywords must say so, or only must not say otherwise.

    Raises
    ------
    FitsError
        They are of another instrument, quantity or unit, or silent although they must not be.
    """
    for name, fits_us in (
        ("INSTRUME", lambda value: value.upper().startswith("HMI")),
        ("CONTENT", lambda value: value.upper() == "MAGNETOGRAM"),
        ("BUNIT", lambda value: value.lower() in _UNITS),
    ):
        value = text(keywords, name)
        if value is None and required and name != "CONTENT":
            raise FitsError(f"keyword {name} is missing; export the file again, with its keywords")
        if value is not None and not fits_us(value):
            raise FitsError(
                f"keyword {name} is {value!r}: not a line-of-sight magnetogram of HMI in gauss"
            )


def check_slot(keywords: Keywords, record: Record) -> None:
    """Check that the file's own T_REC, if it has one, is the record's.

    Raises
    ------
    FitsError
        It is another one, or not a time.
    """
    label = text(keywords, "T_REC")
    if label is None:
        return
    cadence_s = SERIES_CADENCE_S.get(record.key.series, 1.0)
    try:
        same = slot_index(label, cadence_s) == slot_index(record.key.t_rec, cadence_s)
    except InputError as exc:
        raise FitsError(f"keyword T_REC is {label!r}, not a time; download it again") from exc
    if not same:
        raise FitsError(f"the file is of T_REC {label}, not of {record.key}; download it again")


def check_statistics(
    field: NDArray[np.float32], keywords: Keywords, geometry: Geometry, *, definitive: bool
) -> None:
    """Check that the pixels are those that the keywords were made from.

    Definitive records hold the number of pixels that were measured (DATAVALS) and the extremes
    of the whole image (DATAMIN2, DATAMAX2), and all must agree. In the only near-real-time
    header that we have they contradict each other (the least of all pixels is above the least of
    the inner disk), so there it is enough that one extreme agrees: a file of another record has
    none of them. Keywords that are missing say nothing.

    Parameters
    ----------
    field : ndarray of float32, shape (rows, columns)
        Gauss, NaN where nothing was measured.

    Raises
    ------
    FitsError
        The file belongs to another record, or its pixels were altered.
    """
    wanted = {name: number(keywords, name) for name in ("DATAVALS", "DATAMIN2", "DATAMAX2")}
    found = dict(zip(wanted, _census(field), strict=True))
    differ = _differences(wanted, found)
    if definitive and differ:
        raise FitsError(_another(differ))
    extremes = {name: wanted[name] for name in ("DATAMIN2", "DATAMAX2")}
    if any(value is not None and name not in differ for name, value in extremes.items()):
        return
    inner = {name: number(keywords, name) for name in ("DATAMIN", "DATAMAX")}
    if all(value is None for value in (*extremes.values(), *inner.values())):
        return
    differ_inner = _differences(
        inner, dict(zip(inner, _inner_extremes(field, geometry), strict=True))
    )
    if all(value is None or name in differ_inner for name, value in inner.items()):
        raise FitsError(_another(differ | differ_inner))


def _differences(
    wanted: dict[str, float | None], found: dict[str, float]
) -> dict[str, tuple[float, float]]:
    """Return what the keywords say and what was found, for those that differ."""
    return {
        name: (value, found[name])
        for name, value in wanted.items()
        if value is not None
        and abs(value - found[name]) > (0 if name == "DATAVALS" else _EXTREME_TOLERANCE_GAUSS)
    }


def _another(differ: dict[str, tuple[float, float]]) -> str:
    words = ", ".join(
        f"{name} {found:.10g} instead of {wanted:.10g}" for name, (wanted, found) in differ.items()
    )
    return f"the pixels are not those of the keywords ({words}): another record's file, or damaged"


def _census(field: NDArray[np.float32]) -> tuple[float, float, float]:
    """Return the number of measured pixels, the least and the greatest (NaN if there is none)."""
    count, least, greatest = 0, np.nan, np.nan
    for row in range(0, field.shape[0], _ROWS_AT_ONCE):
        block = field[row : row + _ROWS_AT_ONCE]
        count += block.size - int(np.count_nonzero(np.isnan(block)))
        least = np.fmin(least, np.fmin.reduce(block, axis=None))
        greatest = np.fmax(greatest, np.fmax.reduce(block, axis=None))
    return float(count), float(least), float(greatest)


def _inner_extremes(field: NDArray[np.float32], geometry: Geometry) -> tuple[float, float]:
    """Return the least and the greatest field within 0.99 of the solar radius."""
    y, x = np.ogrid[: field.shape[0], : field.shape[1]]
    radius_px = _INNER_DISK * geometry.radius_px
    inside = (x - geometry.centre_x_px) ** 2 + (y - geometry.centre_y_px) ** 2 < radius_px**2
    values = field[inside]
    if values.size == 0:
        return np.nan, np.nan
    return float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
