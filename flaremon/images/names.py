"""The time of observation that the name of a picture tells."""

import re
from datetime import UTC, datetime

from flaremon.errors import FitsError, InputError
from flaremon.times import tai_label_to_utc

_STAMP = re.compile(
    r"(?<!\d)(\d{4})[._-]?(\d{2})[._-]?(\d{2})[T_]{1,2}(\d{2})[._:-]?(\d{2})[._:-]?(\d{2})"
    r"(?:(?<=_\d\d)_(\d{3})(?!\d))?(_TAI)?"
)
"""Thousandths only after seconds that are set apart, as Helioviewer does; a size may follow."""
_EXAMPLE = "HMI.m2026.02.01_00.00.00.jpg"


def observation_time(name: str) -> datetime:
    """Read the time in a file name.

    Parameters
    ----------
    name : str
        Such as ``HMI.m2026.02.01_00.00.00.jpg``,
        ``2022_08_02__10_47_53_000__SDO_HMI_HMI_magnetogram.jp2`` (both UTC) or
        ``hmi.M_720s.20111217_060000_TAI.magnetogram.jpg`` (TAI).

    Returns
    -------
    datetime
        Aware, UTC.

    Raises
    ------
    FitsError
        There is no time in the name, or none that exists.
    """
    match = _STAMP.search(name)
    if match is None:
        raise FitsError(f"the name {name!r} holds no time; name the file like {_EXAMPLE}")
    year, month, day, hour, minute, second, thousandths, tai = match.groups()
    try:
        if tai:
            return tai_label_to_utc(f"{year}.{month}.{day}_{hour}:{minute}:{second}_TAI")
        return datetime(
            int(year),
            int(month),
            int(day),
            int(hour),
            int(minute),
            int(second),
            int(thousandths or 0) * 1000,
            tzinfo=UTC,
        )
    except (InputError, ValueError) as exc:
        raise FitsError(
            f"the name {name!r} holds no time that exists ({exc}); name the file like {_EXAMPLE}"
        ) from exc
