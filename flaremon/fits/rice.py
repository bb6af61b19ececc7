"""Rice tiles as HMI writes them, decoded to the stored integers.

Why our own: decoding is what a backfill spends its time on. Of an image astropy makes 140 ms of
processor time, holds the interpreter's lock all along, and builds a table of 4096 arrays on the
way; imagecodecs needs 90 ms, which is three times what a loop in C needs. This one needs 42, and
47 with the file, without the lock. It reads what HMI's files are made of and nothing else: a
table whose one column holds the rows of a 32-bit image, one tile each. All other files are
astropy's, and so are the cards of these.

The code is that of RICE_1 [1]_ [2]_. A row begins with its first pixel, 4 bytes. Then come blocks
of pixels, each a difference to the pixel before it; differences are folded to be positive (0, -1,
1, -2 ... become 0, 1, 2, 3 ...). A block says in 5 bits how many low bits of its differences
follow as they are; the bits above are counted out, as so many zeros and a one. Two numbers mean
something else: that all differences are 0, and that all follow as they are, with 32 bits.

References
----------
.. [1] FITS standard 4.0 (2018), section 10.4.1.
.. [2] R. L. White and P. Greenfield, "Using the Rice algorithm to compress astronomical images",
   ADASS VIII (1999); the method is from R. F. Rice, P.-S. Yeh and W. Miller, JPL 91-7 (1991).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flaremon.compiled import compiled, leading_zeros
from flaremon.errors import FitsError

_DESCRIPTOR = np.dtype(">i4")
"""Length and offset of a row in the heap are two of these."""
_WHOLE = -1
"""What the decoder returns when no row was damaged."""
_BEYOND = 256
"""Bytes that may be looked at behind the last row: a block of 32 pixels of 7 bytes each at most
is decoded before its end is compared with that of the row."""
_ALL_ZERO, _AS_THEY_ARE = 0, 26
"""The two numbers that are no count of low bits. Those between them are that count, plus 1;
there are none above."""
_HMI = {
    "XTENSION": "BINTABLE",
    "TFIELDS": 1,
    "TTYPE1": "COMPRESSED_DATA",
    "ZIMAGE": True,
    "ZCMPTYPE": "RICE_1",
    "ZBITPIX": 32,
    "ZNAXIS": 2,
    "ZTILE2": 1,
    "ZNAME1": "BLOCKSIZE",
    "ZNAME2": "BYTEPIX",
    "ZVAL2": 4,
    "BITPIX": 8,
    "NAXIS": 2,
    "NAXIS1": 8,
    "GCOUNT": 1,
}
"""Cards that all files of HMI have."""
_OTHERS = ("ZSCALE", "ZZERO", "ZBLANK", "ZMASKCMP", "TNULL1", "TSCAL1", "TZERO1", "ZNAME3")
"""Cards that mean a step more than we take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowTiles:
    """How the rows of an image lie in its table."""

    shape: tuple[int, int]
    """Rows and columns."""
    block_px: int
    """Pixels per block, 16 or 32."""
    heap_offset: int
    """From the beginning of the data, bytes."""
    data_bytes: int
    """Of table and heap."""


def row_tiles(header: Mapping[str, Any]) -> RowTiles | None:
    """Return how the rows lie in a table, or None: the table is not made as HMI's are.

    Parameters
    ----------
    header : mapping
        Of the table, as it is in the file.
    """
    if any(header.get(name) != value for name, value in _HMI.items()):
        return None
    if any(name in header for name in _OTHERS):
        return None
    rows, columns = _size(header, "ZNAXIS2"), _size(header, "ZNAXIS1")
    block_px, heap_bytes = _size(header, "ZVAL1"), _size(header, "PCOUNT")
    table_bytes = 8 * rows
    heap_offset = _size(header, "THEAP") or table_bytes
    if (
        min(rows, columns, heap_bytes) <= 0
        or (_size(header, "NAXIS2"), _size(header, "ZTILE1")) != (rows, columns)
        or block_px not in {16, 32}
        or not str(header.get("TFORM1")).startswith(("1PB(", "PB("))
        or not table_bytes <= heap_offset <= table_bytes + heap_bytes
    ):
        return None
    return RowTiles(
        shape=(rows, columns),
        block_px=block_px,
        heap_offset=heap_offset,
        data_bytes=table_bytes + heap_bytes,
    )


def _size(header: Mapping[str, Any], name: str) -> int:
    """Return a card that is an integer; 0 for one that is missing, -1 for another."""
    value = header.get(name, 0)
    return value if type(value) is int else -1


def read_rows(path: Path, offset: int, tiles: RowTiles) -> NDArray[np.int32]:
    """Read the stored integers of an image.

    Parameters
    ----------
    path : Path
        Of the file.
    offset : int
        Where the data of the table begin, bytes.
    tiles : RowTiles
        How its rows lie there.

    Returns
    -------
    ndarray of int32, shape (rows, columns)

    Raises
    ------
    FitsError
        The file ends too early, or a row's pixels are not all in it.
    OSError
        The file cannot be read.
    """
    data = np.empty(tiles.data_bytes + _BEYOND, dtype=np.uint8)
    data[tiles.data_bytes :] = 0
    with path.open("rb") as file:
        file.seek(offset)
        got = file.readinto(data[: tiles.data_bytes].data)
    if got < tiles.data_bytes:
        raise FitsError("the file ends before its image does; download it again")
    rows, columns = tiles.shape
    table = data[: 8 * rows].view(_DESCRIPTOR).reshape(rows, 2).astype(np.int64)
    begins = table[:, 1] + tiles.heap_offset
    ends = begins + table[:, 0]
    outside = (table < 0).any(axis=1) | (ends > tiles.data_bytes)
    if outside.any():
        raise _damaged(int(outside.argmax()))
    pixels = np.empty((rows, columns), dtype=np.int32)
    row = _decode(data, begins, ends, tiles.block_px, pixels)
    if row != _WHOLE:
        raise _damaged(row)
    return pixels


def prepare() -> None:
    """Compile the decoder, or load what was compiled, now and not at the first file."""
    nothing = np.zeros(0, dtype=np.int64)
    _decode(np.zeros(0, np.uint8), nothing, nothing, 32, np.zeros((0, 0), np.int32))


def _damaged(row: int) -> FitsError:
    return FitsError(
        f"the file is damaged (row {row + 1} of the image is not whole); download it again"
    )


@compiled()
def _window(data: NDArray[np.uint8], bit: np.uint64) -> np.uint64:
    """Return the 57 bits or more from `bit` on, at the upper end of a word."""
    # Written so that the compiler makes one load of it. Indices without a sign: they need no test.
    at = bit >> np.uint64(3)
    word = (
        (np.uint64(data[at]) << np.uint64(56))
        | (np.uint64(data[at + np.uint64(1)]) << np.uint64(48))
        | (np.uint64(data[at + np.uint64(2)]) << np.uint64(40))
        | (np.uint64(data[at + np.uint64(3)]) << np.uint64(32))
        | (np.uint64(data[at + np.uint64(4)]) << np.uint64(24))
        | (np.uint64(data[at + np.uint64(5)]) << np.uint64(16))
        | (np.uint64(data[at + np.uint64(6)]) << np.uint64(8))
        | np.uint64(data[at + np.uint64(7)])
    )
    return word << (bit & np.uint64(7))


@compiled()
def _count_zeros(
    data: NDArray[np.uint8], bit: np.uint64, end: np.uint64
) -> tuple[np.uint64, np.uint64]:
    """Count zeros from `bit` on, not beyond `end`; return how many, and where they end."""
    zeros = np.uint64(0)
    while bit < end:
        some = min(leading_zeros(_window(data, bit)), np.uint64(56))
        zeros += some
        bit += some
        if some < np.uint64(56):
            break
    return zeros, bit


@compiled()
def _add(pixel: np.uint32, folded: np.uint32) -> np.uint32:
    """Add a folded difference to a pixel, modulo 2**32 as the standard's own decoder does."""
    sign = np.uint32(-np.int32(folded & np.uint32(1)))
    return np.uint32(pixel + ((folded >> np.uint32(1)) ^ sign))


@compiled(inline=True)
def _decode_differences(
    data: NDArray[np.uint8],
    bit: np.uint64,
    end: np.uint64,
    low: np.uint64,
    pixel: np.uint32,
    block: NDArray[np.int32],
) -> tuple[np.uint64, np.uint32]:
    """Decode differences with `low` low bits each; return where they end, and the last pixel.

    The loop looks for the next difference in one word, and takes the next word from where it
    ends. One with more bits than a word holds is rare and counted elsewhere.
    """
    one, most = np.uint64(1), np.uint64(55)
    for at in range(block.size):
        word = _window(data, bit)
        high = leading_zeros(word)
        if high + low > most:
            high, bit = _count_zeros(data, bit, end)
            if bit >= end:
                return end + one, pixel
            word = _window(data, bit)
            word <<= one
            bit += one + low
        else:
            word <<= high + one
            bit += high + one + low
        # By 1 and by 63 at most: a shift by 64 has no meaning.
        rest = (word >> one) >> (np.uint64(63) - low)
        pixel = _add(pixel, np.uint32((high << low) | rest))
        block[at] = np.int32(pixel)
    return bit, pixel


@compiled()
def _decode_row(
    data: NDArray[np.uint8],
    bit: np.uint64,
    end: np.uint64,
    block_px: int,
    line: NDArray[np.int32],
) -> bool:
    """Decode what lies from `bit` to `end` into a row; return whether it was a whole row."""
    if bit + np.uint64(32) > end:
        return False
    pixel = np.uint32(_window(data, bit) >> np.uint64(32))
    bit += np.uint64(32)
    for first in range(0, line.size, block_px):
        block = line[first : first + block_px]
        code = _window(data, bit) >> np.uint64(59)
        bit += np.uint64(5)
        if code == np.uint64(_ALL_ZERO):
            block[:] = np.int32(pixel)
        elif code < np.uint64(_AS_THEY_ARE):
            bit, pixel = _decode_differences(data, bit, end, code - np.uint64(1), pixel, block)
        elif code == np.uint64(_AS_THEY_ARE):
            for at in range(block.size):
                pixel = _add(pixel, np.uint32(_window(data, bit) >> np.uint64(32)))
                block[at] = np.int32(pixel)
                bit += np.uint64(32)
        else:
            return False
        if bit > end:
            return False
    # A row fills its bytes: more than the rest of one means that it was another row.
    return bool(end - bit < np.uint64(8))


@compiled()
def _decode(
    data: NDArray[np.uint8],
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
    block_px: int,
    pixels: NDArray[np.int32],
) -> int:
    """Decode all rows into `pixels`; return `_WHOLE`, or the first row that is not.

    Row ``k`` is ``data[begins[k]:ends[k]]``; `_BEYOND` bytes must follow the last of them.
    """
    for row in range(pixels.shape[0]):
        bit, end = np.uint64(begins[row]) << np.uint64(3), np.uint64(ends[row]) << np.uint64(3)
        if not _decode_row(data, bit, end, block_px, pixels[row]):
            return row
    return _WHOLE
