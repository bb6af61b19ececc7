"""FITS files as blocks of 2880 bytes: headers to read, data units to pass on untouched.

The replica never decodes an image. It looks at headers, hands out the tiles exactly as they lie
on disk and so can serve thousands of 14 MB files without ever holding one in memory.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from flaremon.errors import FitsError

BLOCK = 2880
CARD = 80
_VALUE = re.compile(r"\s*('(?:[^']|'')*'|[^/]*)")
"""What is before the comment of a card."""
_END = re.compile(rb"(?:.{80})*?(END {77})", re.DOTALL)
_UNPRINTABLE = re.compile(rb"[^ -~]")
_HDUS_MAX = 8
"""The image of an HMI file is in its first or second HDU; nobody needs to search far."""
_HEADER_BLOCKS_MAX = 400


@dataclass(frozen=True, slots=True)
class Hdu:
    """One header and where its data lie."""

    cards: bytes
    """The header as stored: cards of 80 bytes, END and padding included."""
    data_offset: int
    data_bytes: int
    """Size of the data unit, padding included."""

    def value(self, name: str) -> str | int | float | bool | None:
        """Return the value of one card, None if it has none; other cards are not looked at."""
        return _parse_value(self._card(name)[10:])

    def comment(self, name: str) -> str:
        """Return the comment of one card, empty if there is none."""
        field = self._card(name)[10:]
        match = _VALUE.match(field)
        return field[match.end() :].strip(" /") if match else ""

    def _card(self, name: str) -> str:
        wanted = f"{name:<8}=".encode("ascii")
        at = self.cards.find(wanted)
        while at >= 0 and at % CARD:
            at = self.cards.find(wanted, at + 1)
        return self.cards[at : at + CARD].decode("ascii", "replace") if at >= 0 else ""

    @property
    def is_image(self) -> bool:
        """Whether it holds a picture, plain or tile-compressed."""
        axes = self.value("ZNAXIS") if self.value("ZIMAGE") else self.value("NAXIS")
        table = self.value("XTENSION") in {"BINTABLE", "TABLE"} and not self.value("ZIMAGE")
        return axes == 2 and not table


def read_hdus(path: Path) -> list[Hdu]:
    """Return the first HDU that holds an image, and the empty ones before it.

    Raises
    ------
    FitsError
        If the file is not FITS, has no image, or is shorter than its headers announce.
    """
    hdus: list[Hdu] = []
    size = path.stat().st_size
    with path.open("rb") as stream:
        for _ in range(_HDUS_MAX):
            if stream.tell() >= size:
                break
            hdu = _read_hdu(stream, path)
            hdus.append(hdu)
            if hdu.data_offset + hdu.data_bytes > size:
                raise FitsError(
                    f"{path}: truncated, {size} bytes of at least "
                    f"{hdu.data_offset + hdu.data_bytes}"
                )
            if hdu.is_image:
                return hdus
            if hdu.data_bytes:
                raise FitsError(f"{path}: other data come before an image")
    raise FitsError(f"{path}: no image in it" if hdus else f"{path}: empty file")


def _read_hdu(stream: IO[bytes], path: Path) -> Hdu:
    start = stream.tell()
    cards = b""
    for _ in range(_HEADER_BLOCKS_MAX):
        block = stream.read(BLOCK)
        cards += block
        if not cards.startswith((b"SIMPLE  =", b"XTENSION=")):
            raise FitsError(f"{path}: not a FITS file")
        if len(block) < BLOCK:
            raise FitsError(f"{path}: truncated in a header")
        if _UNPRINTABLE.search(block):
            raise FitsError(f"{path}: a header with bytes that are not text")
        if _END.match(block):
            return Hdu(cards, start + len(cards), _data_bytes(cards, path))
    raise FitsError(f"{path}: a header without END")


def _data_bytes(cards: bytes, path: Path) -> int:
    bare = Hdu(cards, 0, 0)
    try:
        axes = [_integer(bare, f"NAXIS{i + 1}") for i in range(_integer(bare, "NAXIS"))]
        if not axes:
            return 0
        groups = _integer(bare, "GCOUNT", 1) * (_integer(bare, "PCOUNT", 0) + math.prod(axes))
        n = abs(_integer(bare, "BITPIX")) // 8 * groups
    except (TypeError, ValueError) as exc:
        raise FitsError(f"{path}: a header without sizes ({exc})") from exc
    if n < 0:
        raise FitsError(f"{path}: a header with negative sizes")
    return math.ceil(n / BLOCK) * BLOCK


def _parse_value(field: str) -> str | int | float | bool | None:
    """Parse the value field of a card.

    Ten times as fast as astropy's, which matters when thousands of files are looked through.
    """
    match = _VALUE.match(field)
    text = match[1].strip() if match else ""
    if text.startswith("'"):
        return text[1:-1].replace("''", "'").rstrip()
    if text in {"T", "F"}:
        return text == "T"
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return None


def _integer(hdu: Hdu, name: str, default: int | None = None) -> int:
    value = hdu.value(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}")
    return value
