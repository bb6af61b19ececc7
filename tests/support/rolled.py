"""Hundreds of different full-size records from a few files, without compressing one again.

A Rice tile is a row, and a table says where each row's bytes lie. Rolled, that table is the image
moved up or down by whole rows; nothing but CRPIX2 and the time of the record need change with it.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from astropy.io import fits

from flaremon.times import slot_index, slot_label

FURTHEST_PX = 90
"""The gates refuse a disk that is 100 rows off; rows at the margin hold nothing."""


def archive(sources: Sequence[Path], folder: Path, n: int, *, series: str, last: str) -> list[Path]:
    """Write `n` records, newest first, from Rice-compressed files of single rows."""
    folder.mkdir(parents=True, exist_ok=True)
    newest = slot_index(last, 720)
    paths = []
    for k in range(n):
        shift = (k // len(sources) + 1) // 2 * (1 if k // len(sources) % 2 else -1)
        if abs(shift) > FURTHEST_PX:
            raise ValueError(f"{len(sources)} files do not make {n} different ones")
        label = slot_label(newest - k, 720)
        stamp = label.replace(".", "").replace(":", "")
        path = folder / f"{series}.{stamp}.magnetogram.fits"
        path.write_bytes(_rolled(sources[k % len(sources)], shift, label))
        paths.append(path)
    return paths


def _rolled(source: Path, shift: int, label: str) -> bytes:
    with fits.open(source, disable_image_compression=True) as hdus:
        header, place = hdus[1].header.copy(), hdus[1].fileinfo()
    header["T_REC"] = label.replace("_TAI", ".000_TAI")
    header["T_OBS"] = label.replace("_TAI", ".156_TAI")
    header["CRPIX2"] += shift
    for name in ("CHECKSUM", "DATASUM"):
        header.remove(name, ignore_missing=True)
    raw, begin, rows = source.read_bytes(), place["datLoc"], header["NAXIS2"]
    table = np.roll(np.frombuffer(raw, ">u8", rows, begin), shift)
    head = header.tostring().encode("ascii")
    return raw[: place["hdrLoc"]] + head + table.tobytes() + raw[begin + 8 * rows :]
