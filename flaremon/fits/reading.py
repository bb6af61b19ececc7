"""The pixels of a FITS file, and a checked magnetogram of them.

The stored integers become gauss in place. They are decoded by `flaremon.fits.rice` where a file
is made as HMI's are, and by astropy where not (its default, scaled to float64, takes half as long
again and four times the memory).
"""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from flaremon.domain import Calibration, Magnetogram, Record
from flaremon.errors import FitsError
from flaremon.fits.identity import check_kind, check_shape, check_slot, check_statistics
from flaremon.fits.keywords import (
    NAMES,
    Keywords,
    geometry_from,
    key_from,
    number,
    observed_at,
    quality_word,
)
from flaremon.fits.structure import check_whole

if TYPE_CHECKING:
    from astropy.io import fits

_ROWS_AT_ONCE = 64
"""A megabyte of pixels stays in the processor's cache through the steps of the conversion."""


def read_magnetogram(path: Path, record: Record) -> Magnetogram:
    """Read the file of a listed record.

    Parameters
    ----------
    path : Path
        As the JSOC stores it (no keywords) or exports it (its header must agree).
    record : Record
        Its keywords are the header.

    Returns
    -------
    Magnetogram
        Field of shape (4096, 4096), gauss, rows as stored (see `Geometry.roll_deg`).

    Raises
    ------
    FitsError
        The file is damaged, another record's, or of another instrument, shape or unit; or the
        record has no geometry or time of observation and the file neither.
    """
    try:
        field, header = _read(path, required=False)
        check_slot(header, record)
        check_kind(record.keywords, required=False)
        geometry = record.geometry or geometry_from(header)
        definitive = record.calibration is Calibration.DEFINITIVE
        check_statistics(field, record.keywords or header, geometry, definitive=definitive)
        return Magnetogram(
            field_gauss=field,
            geometry=geometry,
            t_obs=record.t_obs or observed_at(header),
            name=str(record.key),
            key=record.key,
            quality=record.quality,
        )
    except FitsError as exc:
        raise FitsError(f"{record.key}: {path.name}: {exc}") from exc


def read_fits(path: Path) -> Magnetogram:
    """Read a file that stands alone, with the full header that the JSOC's export gives it.

    Returns
    -------
    Magnetogram
        Field of shape (4096, 4096), gauss, rows as stored; `key` is None if the header does not
        name a series that flaremon knows.

    Raises
    ------
    FitsError
        The file is damaged, of another instrument, shape or unit, or lacks keywords.
    """
    try:
        field, header = _read(path, required=True)
        geometry = geometry_from(header)
        check_statistics(field, header, geometry, definitive=number(header, "QLOOK") == 0)
        return Magnetogram(
            field_gauss=field,
            geometry=geometry,
            t_obs=observed_at(header),
            name=path.name,
            key=key_from(header),
            quality=quality_word(header),
        )
    except FitsError as exc:
        raise FitsError(f"{path.name}: {exc}") from exc


def prepare() -> None:
    """Import and compile now what else the first file would wait for."""
    from astropy.io import fits  # noqa: F401, PLC0415

    from flaremon.fits import rice  # noqa: PLC0415

    rice.prepare()


def _read(path: Path, *, required: bool) -> tuple[NDArray[np.float32], Keywords]:
    """Read pixels in gauss and the cards; `required`: the file must say what it is itself."""
    check_whole(path)
    try:
        pixels, header = _decode(path, required=required)
    except FitsError:
        raise
    except Exception as exc:  # the decoder's own exception is private and a bare Exception
        raise FitsError(
            f"the file is damaged ({type(exc).__name__}: {exc}); download it again"
        ) from exc
    return _to_gauss(pixels, header), header


def _decode(path: Path, *, required: bool) -> tuple[NDArray[Any], Keywords]:
    """Read the stored numbers, shape (4096, 4096), and the cards that have a value."""
    from astropy.io import fits  # noqa: PLC0415 - 0.4 s that only reading pays
    from astropy.utils.exceptions import AstropyWarning  # noqa: PLC0415

    with warnings.catch_warnings():
        # Odd cards are common and harmless; what matters is checked. Threads share the filters:
        # at worst astropy's warnings stay off.
        warnings.simplefilter("ignore", AstropyWarning)
        with fits.open(path, memmap=False, disable_image_compression=True) as hdus:
            decoded = _decode_rows(path, hdus, required=required)
        if decoded is not None:
            return decoded
        with fits.open(path, memmap=False, do_not_scale_image_data=True) as hdus:
            hdu = _image(hdus)
            header = _cards(hdu.header)
            check_shape(hdu.shape)
            check_kind(header, required=required)
            return hdu.data, header


def _decode_rows(
    path: Path, hdus: "fits.HDUList", *, required: bool
) -> tuple[NDArray[Any], Keywords] | None:
    """Read a file whose first image is made as HMI's are; None: it is not."""
    from astropy.io import fits  # noqa: PLC0415

    from flaremon.fits import rice  # noqa: PLC0415 - numba takes 0.3 s to import

    if len(hdus) < 2 or hdus[0].header.get("NAXIS") != 0:
        return None
    table = hdus[1]
    try:
        tiles = rice.row_tiles(table.header)
    except fits.VerifyError:
        return None
    if tiles is None:
        return None
    header = _cards(table.header)
    check_shape(tiles.shape)
    check_kind(header, required=required)
    return rice.read_rows(path, table.fileinfo()["datLoc"], tiles), header


def _cards(header: "fits.Header") -> dict[str, Any]:
    """Return the keywords that matter and have a value.

    Real exports hold cards that break the standard (``R_VALUE = -nan``), which astropy refuses
    to read; such a card says nothing.
    """
    from astropy.io import fits  # noqa: PLC0415

    cards: dict[str, Any] = {}
    for name in NAMES:
        try:
            value = header.get(name)
        except fits.VerifyError:
            continue
        if value is not None and not isinstance(value, fits.card.Undefined):
            cards[name] = value
    return cards


def _image(hdus: Any) -> Any:
    """Return the first HDU that holds an image, compressed or not."""
    for hdu in hdus:
        if hdu.is_image and hdu.header.get("NAXIS", 0) == 2:
            return hdu
    raise FitsError("the file holds no image; use the file of segment magnetogram")


def _to_gauss(pixels: NDArray[Any], header: Keywords) -> NDArray[np.float32]:
    """Turn stored numbers into gauss, NaN where BLANK; native 32-bit integers in place."""
    scale, zero = (
        np.float32(1.0 if (value := number(header, name)) is None else value)
        if name == "BSCALE"
        else np.float32(number(header, name) or 0.0)
        for name in ("BSCALE", "BZERO")
    )
    if pixels.dtype == np.int32 and pixels.flags.writeable and pixels.flags.c_contiguous:
        field = pixels.view(np.float32)
    else:
        field = np.empty(pixels.shape, dtype=np.float32)
    blank = number(header, "BLANK") if pixels.dtype.kind == "i" else None
    # Between integers and gauss in place lies a block of its own: a ufunc that turned one kind of
    # number into another in place would go through buffers, which takes twice as long.
    numbers = np.empty((_ROWS_AT_ONCE, *pixels.shape[1:]), dtype=np.float32)
    for row in range(0, pixels.shape[0], _ROWS_AT_ONCE):
        block, out = pixels[row : row + _ROWS_AT_ONCE], field[row : row + _ROWS_AT_ONCE]
        missing = None if blank is None else block == int(blank)
        part = numbers[: len(block)]
        part[...] = block
        np.multiply(part, scale, out=out)
        if zero:
            out += zero
        if missing is not None:
            np.copyto(out, np.nan, where=missing)
    return field
