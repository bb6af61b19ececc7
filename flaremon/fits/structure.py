"""Whether a FITS file is whole, from its headers and its size, before a pixel is decoded.

A download that broke off often still opens: astropy warns, and fails much later in ways that do
not say why. The format tells how long a file must be (FITS standard 4.0, sections 3.1 and 4.4),
so the question has an exact answer that costs a few hundred microseconds.
"""

import re
from math import prod
from pathlib import Path
from typing import BinaryIO

from flaremon.errors import FitsError

BLOCK = 2880
"""FITS files are made of blocks of this many bytes."""
_CARD = 80
_MAX_HEADER_BLOCKS = 1000
"""A real header has 10; one that never ends is none."""
_INTEGER_CARD = re.compile(rb"([A-Z]+\d*) *= +([+-]?\d{1,18}) *(?:/|$)")


def check_whole(path: Path) -> None:
    """Check that a file is FITS and ends where its headers say.

    Raises
    ------
    FitsError
        It cannot be opened, is empty, is not FITS, or has another length.
    """
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            _check(file, size)
    except OSError as exc:
        raise FitsError(f"cannot be read: {exc.strerror or exc}") from exc


def _check(file: BinaryIO, size: int) -> None:
    begin = file.read(9)
    if not begin:
        raise FitsError("the file is empty; download it again")
    if begin != b"SIMPLE  =":
        raise FitsError(f"not a FITS file, it begins with {begin!r}; download it again")
    end = 0
    while end < size:
        file.seek(end)
        cards = _header(file)
        if cards is None:
            raise FitsError(
                f"what follows byte {end} of {size} is no complete header: the download "
                "broke off or the file was altered; download it again"
            )
        end = file.tell() + -(-_data_size(cards) // BLOCK) * BLOCK
    if end > size:
        raise FitsError(
            f"the file has {size} bytes of the {end} that its headers announce: the "
            "download broke off; download it again"
        )


def _header(file: BinaryIO) -> dict[bytes, int] | None:
    """Read blocks up to END; the integers that describe the data, or None if it is no header."""
    integers: dict[bytes, int] = {}
    for number in range(_MAX_HEADER_BLOCKS):
        block = file.read(BLOCK)
        if len(block) < BLOCK or (
            number == 0 and not block.startswith((b"SIMPLE  =", b"XTENSION="))
        ):
            return None
        for at in range(0, BLOCK, _CARD):
            card = block[at : at + _CARD]
            if card.rstrip() == b"END":
                return integers
            if match := _INTEGER_CARD.match(card):
                integers.setdefault(match[1], int(match[2]))
    return None


def _data_size(cards: dict[bytes, int]) -> int:
    """Return the bytes of data without padding (FITS standard 4.0, equation 2)."""
    axes = cards.get(b"NAXIS", 0)
    if axes <= 0:
        return 0
    elements = prod(abs(cards.get(b"NAXIS%d" % k, 0)) for k in range(1, min(axes, 999) + 1))
    groups = abs(cards.get(b"GCOUNT", 1))
    return abs(cards.get(b"BITPIX", 8)) // 8 * groups * (abs(cards.get(b"PCOUNT", 0)) + elements)
