"""Records of 64 pixels for tests in which the number of slots matters and their size does not.

The replica serves them, the adapter downloads them, worker processes decode them: only the
decoder differs from the real one, which takes 4096 pixels and a tenth of a second. It asks the
same question about identity: are the pixels those of the record's keywords?
"""

import os
import signal
import sys
from pathlib import Path

import numpy as np
from astropy.io import fits

from flaremon.backfill.decoding import Assignment, Decoded
from flaremon.domain import Calibration
from flaremon.errors import FitsError
from flaremon.fits.identity import check_statistics
from flaremon.frames import to_tenths
from flaremon.times import slot_index, slot_label

from . import suns

SIZE_PX = 64


def archive(folder: Path, labels: list[str], series: str = "hmi.M_720s_nrt") -> None:
    """Write one small file per label; keywords are those of full-size images, pixels differ."""
    folder.mkdir(parents=True, exist_ok=True)
    for label in labels:
        number = slot_index(label, 720)
        view = suns.View(t_rec=label, series=series)
        values = np.full((SIZE_PX, SIZE_PX), float(number % 97), np.float32)
        values[::3] = -float(number % 89) - 1
        values[0, 0] = 1000 + number % 1000
        stamp = label.replace(".", "").replace(":", "")
        hdu = fits.PrimaryHDU(suns.counts(values))
        hdu.header["BSCALE"], hdu.header["BZERO"], hdu.header["BLANK"] = 0.1, 0.0, suns.BLANK
        hdu.header.update(suns.keywords(view, values))
        hdu.writeto(folder / f"{series}.{stamp}.magnetogram.fits")


def labels(n: int, *, end: str = "2024.06.28_00:00:00_TAI") -> list[str]:
    """Return `n` consecutive labels, oldest first."""
    last = slot_index(end, 720)
    return [slot_label(last - k, 720) for k in reversed(range(n))]


def decode(order: Assignment) -> Decoded:
    """Decode a small file as `flaremon.backfill.decoding.decode` does a large one."""
    record = order.record
    assert record is not None
    assert record.geometry is not None
    try:
        with fits.open(order.path) as hdus:
            values = np.asarray(hdus[-1].data, np.float32)
        definitive = record.calibration is Calibration.DEFINITIVE
        check_statistics(values, record.keywords, record.geometry, definitive=definitive)
    except (FitsError, OSError) as exc:
        return Decoded(record=record, unreadable=f"{record.key}: {exc}")
    frames = []
    for spec in order.specs:
        frame = np.resize(values, (spec.size_px, spec.size_px))
        frames.append(to_tenths(frame))
    return Decoded(record=record, frames=tuple(frames))


VICTIM = "victim"
"""File beside the cached ones with the label whose decoding ends in death."""


def die_always(order: Assignment) -> Decoded:
    """Decode; one file kills every process that opens it."""
    assert order.record is not None
    if order.record.key.t_rec == (order.path.parent / VICTIM).read_text():
        os.kill(os.getpid(), signal.SIGKILL)
    return decode(order)


def die_once(order: Assignment) -> Decoded:
    """Decode; one file kills the first process that opens it."""
    assert order.record is not None
    victim = order.path.parent / VICTIM
    if order.record.key.t_rec == victim.read_text():
        victim.write_text("")
        os.kill(os.getpid(), signal.SIGKILL)
    return decode(order)


def describe_worker(order: Assignment) -> Decoded:
    """Tell, in the words of an unreadable file, of the process that decodes it."""
    heavy = {"torch", "drms", "httpx", "prefect"} & set(sys.modules)
    prepared = "flaremon.backfill.preloaded" in sys.modules
    words = f"prepared={prepared} heavy={sorted(heavy)} nice={os.nice(0)} pid={os.getpid()}"
    return Decoded(record=order.record, unreadable=words)
