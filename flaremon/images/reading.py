"""A picture, or any file that flaremon can read, to a magnetogram."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from flaremon.domain import Geometry, Magnetogram
from flaremon.errors import FitsError
from flaremon.fits import geometry_from, read_fits
from flaremon.fits.identity import check_kind
from flaremon.fits.keywords import number, observed_at, quality_word
from flaremon.images.boxes import CODESTREAM, SIGNATURE, keywords_in
from flaremon.images.names import observation_time
from flaremon.images.picture import SATURATION_GAUSS, check_disk, grey_levels, to_gauss
from flaremon.sun import angular_radius_arcsec, disk_centre

_JPG = b"\xff\xd8\xff"
_FITS = b"SIMPLE  ="
_SIDE_ARCSEC = 0.6 * 4096
"""What the side of every picture covers."""
_MAX_BYTES = 64 * 2**20
"""A JP2 of 4096 pixels has 1 MB; nothing larger than an uncompressed one is read."""


def read_any(path: Path) -> Magnetogram:
    """Read a FITS, JP2 or JPG magnetogram; its first bytes tell which it is, not its name.

    Raises
    ------
    FitsError
        It is none of them, or not what it should be.
    """
    begin = _first_bytes(path)
    if begin.startswith(_FITS):
        return read_fits(path)
    if begin.startswith((SIGNATURE, CODESTREAM, _JPG)):
        return read_image(path)
    what = f"it begins with {begin!r}" if begin else "it is empty"
    raise FitsError(f"{path.name}: neither FITS nor JP2 nor JPG, {what}; download it again")


def read_image(path: Path) -> Magnetogram:
    """Read an 8-bit magnetogram.

    Parameters
    ----------
    path : Path
        JP2 or JPG; without keywords in it, its name must hold the time.

    Returns
    -------
    Magnetogram
        Field of shape (size, size), gauss, clipped at `saturation_gauss`, row 0 in the south.

    Raises
    ------
    FitsError
        It is damaged, in colours, not square, not named after its time, of something else than a
        magnetogram of HMI, or its disk is not where it should be.
    """
    try:
        return _read_image(path, _content(path))
    except FitsError as exc:
        raise FitsError(f"{path.name}: {exc}") from exc


def _read_image(path: Path, content: bytes) -> Magnetogram:
    jp2 = content.startswith((SIGNATURE, CODESTREAM))
    if not jp2 and not content.startswith(_JPG):
        raise FitsError("neither JP2 nor JPG; download it again")
    keywords = keywords_in(content) if content.startswith(SIGNATURE) else {}
    check_kind(keywords, required=False)
    t_obs = observed_at(keywords) if "T_OBS" in keywords else observation_time(path.name)
    levels = grey_levels(content, jp2=jp2)
    geometry = _geometry(keywords, levels.shape[0], t_obs)
    check_disk(levels, geometry)
    return Magnetogram(
        field_gauss=to_gauss(levels, geometry),
        geometry=geometry,
        t_obs=t_obs,
        name=path.name,
        quality=quality_word(keywords) if "QUALITY" in keywords else 0,
        saturation_gauss=SATURATION_GAUSS,
    )


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as exc:
        raise FitsError(f"cannot be read: {exc.strerror or exc}") from exc
    if len(content) > _MAX_BYTES:
        raise FitsError(f"more than {_MAX_BYTES} bytes are too many for a picture of the Sun")
    return content


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(len(SIGNATURE))
    except OSError as exc:
        raise FitsError(f"{path.name}: cannot be read: {exc.strerror or exc}") from exc


def _geometry(keywords: Mapping[str, str], size_px: int, t_obs: datetime) -> Geometry:
    """Return the geometry that the header tells, or that pictures without one have."""
    if "CRPIX1" in keywords:
        columns = number(keywords, "NAXIS1")
        if columns is not None and columns != size_px:
            raise FitsError(
                f"the header is of an image {columns:.0f} pixels wide, the picture is {size_px}"
            )
        return geometry_from(keywords)
    arcsec_per_px = _SIDE_ARCSEC / size_px
    b0_deg, carrington_deg = disk_centre(t_obs)
    return Geometry(
        centre_x_px=(size_px - 1) / 2,
        centre_y_px=(size_px - 1) / 2,
        radius_px=angular_radius_arcsec(t_obs) / arcsec_per_px,
        arcsec_per_px=arcsec_per_px,
        roll_deg=0.0,
        b0_deg=b0_deg,
        carrington_deg=carrington_deg,
    )
