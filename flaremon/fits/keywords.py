"""Header cards, or the keyword strings of a query, to numbers, times and a geometry."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flaremon.domain import SERIES_CADENCE_S, Geometry, RecordKey
from flaremon.errors import FitsError, InputError
from flaremon.times import slot_index, slot_label, tai_label_to_utc

Keywords = Mapping[str, Any]
"""By FITS name: what astropy reads from cards, or the strings that the JSOC writes."""

NAMES = (
    *("T_REC", "T_OBS", "QUALITY", "QLOOK", "CADENCE", "DRMS_ID"),
    *("INSTRUME", "CONTENT", "BUNIT", "BSCALE", "BZERO", "BLANK"),
    *("CRPIX1", "CRPIX2", "CDELT1", "CDELT2", "CROTA2", "RSUN_OBS", "CRLT_OBS", "CRLN_OBS"),
    *("DATAVALS", "DATAMIN2", "DATAMAX2", "DATAMIN", "DATAMAX"),
)
"""All keywords of a file that flaremon looks at."""
_PIXELS_SQUARE = 1e-3
"""CDELT1 and CDELT2 of HMI are equal; this is far above rounding and far below any effect."""


def number(keywords: Keywords, name: str) -> float | None:
    """Return a keyword as a finite number; None if it is missing or says so in words."""
    try:
        value = float(keywords[name])
    except (KeyError, TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def text(keywords: Keywords, name: str) -> str | None:
    """Return a keyword as text without padding; None if it is missing or says so in words."""
    value = keywords.get(name)
    if not isinstance(value, str) or value.strip() in {"", "MISSING", "Invalid KeyLink"}:
        return None
    return value.strip()


def quality_word(keywords: Keywords) -> int:
    """Return QUALITY as an unsigned 32-bit word, from (signed) decimal or hexadecimal.

    Raises
    ------
    FitsError
        It is missing or neither.
    """
    value = keywords.get("QUALITY")
    try:
        return (int(value, 0) if isinstance(value, str) else int(value)) & 0xFFFFFFFF  # type: ignore[arg-type]
    except (TypeError, ValueError) as exc:
        raise FitsError(
            f"keyword QUALITY is {value!r}, not a number; export the file again"
        ) from exc


def observed_at(keywords: Keywords) -> datetime:
    """Return the mean time of the observation (T_OBS, TAI), as UTC.

    Raises
    ------
    FitsError
        It is missing or not a time.
    """
    value = keywords.get("T_OBS")
    try:
        return tai_label_to_utc(str(value))
    except InputError as exc:
        raise FitsError(f"keyword T_OBS is {value!r}, not a time; export the file again") from exc


def geometry_from(keywords: Keywords) -> Geometry:
    """Return where the Sun is in the frame.

    Parameters
    ----------
    keywords : mapping
        CRPIX1, CRPIX2 (pixels, from 1), CDELT1, CDELT2 (arcsec per pixel), CROTA2, CRLT_OBS,
        CRLN_OBS (degrees) and RSUN_OBS (arcsec), as numbers or as text.

    Raises
    ------
    FitsError
        One of them is missing or not a finite number, or no image of the Sun could have it.
    """
    names = ("CRPIX1", "CRPIX2", "CDELT1", "CDELT2", "CROTA2", "RSUN_OBS", "CRLT_OBS", "CRLN_OBS")
    values = {name: number(keywords, name) for name in names}
    for name, value in values.items():
        if value is None:
            raise FitsError(
                f"keyword {name} is {keywords.get(name, 'missing')!s}, not a finite number; "
                "export the file again, with its keywords"
            )
    crpix1, crpix2, cdelt1, cdelt2, crota2, rsun_obs, crlt_obs, crln_obs = (
        value for value in values.values() if value is not None
    )
    if cdelt1 <= 0 or abs(cdelt2 / cdelt1 - 1) > _PIXELS_SQUARE:
        raise FitsError(f"keywords CDELT1 = {cdelt1} and CDELT2 = {cdelt2} are no square pixels")
    if rsun_obs <= 0:
        raise FitsError(f"keyword RSUN_OBS = {rsun_obs} is no radius")
    return Geometry.from_keywords(
        crpix1=crpix1,
        crpix2=crpix2,
        cdelt1=cdelt1,
        crota2=crota2,
        rsun_obs=rsun_obs,
        crlt_obs=crlt_obs,
        crln_obs=crln_obs,
    )


def key_from(keywords: Keywords) -> RecordKey | None:
    """Return the record that a header names; None if it names none of the series we know.

    The series is in DRMS_ID (``hmi.M_720s:203047:magnetogram``); files that passed through other
    hands often lack it, and then cadence and QLOOK tell.
    """
    label = text(keywords, "T_REC")
    if label is None:
        return None
    series = (text(keywords, "DRMS_ID") or "").partition(":")[0]
    if series not in SERIES_CADENCE_S:
        kind = (number(keywords, "CADENCE"), number(keywords, "QLOOK"))
        by_kind = {
            (720.0, 1.0): "hmi.M_720s_nrt",
            (720.0, 0.0): "hmi.M_720s",
            (45.0, 0.0): "hmi.M_45s",
        }
        series = by_kind.get(kind, "")  # type: ignore[arg-type]
    if not series:
        return None
    cadence_s = SERIES_CADENCE_S[series]
    try:
        t_rec = slot_label(slot_index(label, cadence_s), cadence_s)
    except InputError as exc:
        raise FitsError(f"keyword T_REC is {label!r}, not a time; export the file again") from exc
    return RecordKey(series=series, t_rec=t_rec)
