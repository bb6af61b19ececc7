"""What a worker process does: a file in, the standard frames of it out.

Everything here can be sent between processes. Workers hold no database, no network and no model:
torch stays in the parent, so a worker is small and starts in a second.
"""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from flaremon.domain import Magnetogram, Record, Refusal
from flaremon.errors import FitsError
from flaremon.fits import read_magnetogram
from flaremon.frames import frame_id, to_tenths
from flaremon.gates import screen_magnetogram
from flaremon.preprocess import FrameSpec, to_frame

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from flaremon.package import ModelPackage

NICE = 5
"""How far workers stand back behind the live job when both want the processor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A file to decode."""

    path: Path
    record: Record | None
    """Its record; None for a file that must say itself what it is."""
    specs: tuple[FrameSpec, ...]
    """One frame is made for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What became of it: frames, or a refusal, or the words of an unreadable file."""

    record: Record | None
    """As ordered, or as the file says."""
    frames: "tuple[NDArray[np.int16], ...]" = field(default=())
    """Shape (size_px, size_px) each, steps of 0.1 G, in the order of the specs."""
    refusal: Refusal | None = None
    unreadable: str | None = None
    crashed: str | None = None
    """The process died of it; says nothing about the record."""


def distinct_frames(packages: "Iterable[ModelPackage]") -> tuple[FrameSpec, ...]:
    """Return the frames that some models look at, each geometry once, in the models' order.

    Whatever holds frames of a record, decoded or archived, has them in the order of these.
    """
    return tuple({frame_id(package.frame): package.frame for package in packages}.values())


Decode = Callable[[Assignment], Decoded]


def decode(order: Assignment) -> Decoded:
    """Decode the file of a listed record."""
    if order.record is None:
        raise TypeError("a file without a record is for flaremon.backfill.folder.decode_file")
    try:
        magnetogram = read_magnetogram(order.path, order.record)
    except FitsError as exc:
        return Decoded(record=order.record, unreadable=str(exc))
    return framed(magnetogram, order.record, order.specs)


def framed(magnetogram: Magnetogram, record: Record, specs: tuple[FrameSpec, ...]) -> Decoded:
    """Screen a magnetogram and bring it to every frame that is asked for."""
    refusal = screen_magnetogram(magnetogram)
    if refusal is not None:
        return Decoded(record=record, refusal=refusal)
    return Decoded(
        record=record, frames=tuple(to_tenths(to_frame(magnetogram, spec)) for spec in specs)
    )


def start_worker() -> None:
    """Prepare a worker process: behind the live job, and gone when its parent is.

    A pool's workers wait for orders on a pipe whose other end they hold themselves, so without
    this they would outlive a parent that was killed.
    """
    os.nice(NICE)
    end_with_parent()


def end_with_parent() -> None:
    """End this process when the one that started it has died; what is half done is done again."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(os.EX_TEMPFAIL)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()
