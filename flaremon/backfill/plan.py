"""What is left to do, exactly, and what it will take, roughly.

The plan is the slot grid without what the database has: slots that every model has predicted,
and slots whose record was rejected. It is worked out anew each time, so a run that was killed,
and one that never was, go on from the same place.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from flaremon import store
from flaremon.backfill.grid import Grid

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from flaremon.domain import ModelId
    from flaremon.frames import FrameArchive
    from flaremon.package import ModelPackage

Order = Literal["newest", "oldest"]

FILE_BYTES = 15e6
"""Of a file whose series we hold none of: 14.7 to 16.7 MB."""
JSOC_BYTES_PER_S = 5e6
"""A file from the JSOC in Europe; nearer to Stanford it is more."""
DECODE_S = 0.1
"""A file to a frame, on one core, once the decoder is compiled."""
SCORE_S = 0.012
"""A frame to its rows in the database, on a CPU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """The slots of one day that are left to do, in the order of the plan."""

    series: str
    day: str
    """``YYYY.MM.DD``, TAI."""
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is left to do."""

    grid: Grid
    models: "tuple[ModelId, ...]"
    chunks: tuple[Chunk, ...]
    slots: int
    """Of the grid."""
    predicted: int
    """Of them, predicted by every model."""
    rejected: int
    """Of them, rejected."""
    archived: int
    """Of those left, the slots whose frames are in the archive: no file is needed."""
    file_bytes: float
    """Mean size of a file, bytes."""
    workers: int

    @property
    def todo(self) -> int:
        """How many slots are left."""
        return self.slots - self.predicted - self.rejected

    @property
    def download_bytes(self) -> float:
        """What will be downloaded, at most: files in the cache are not downloaded again."""
        return (self.todo - self.archived) * self.file_bytes

    @property
    def minutes(self) -> float:
        """Estimated time, by whatever is slower: the JSOC's one connection, or decoding here."""
        per_file_s = max(1.0 + self.file_bytes / JSOC_BYTES_PER_S, DECODE_S / max(1, self.workers))
        files = self.todo - self.archived
        return (files * per_file_s + self.todo * SCORE_S * len(self.models)) / 60


def make_plan(
    session: "Session",
    grid: Grid,
    *,
    packages: "Sequence[ModelPackage]",
    order: Order = "newest",
    frames: "FrameArchive | None" = None,
    workers: int = 1,
) -> Plan:
    """Work out what is left of a grid.

    Raises
    ------
    StoreError
        The database fails.
    """
    slots = grid.slots
    rejected = set(store.rejected_slots(session, slots))
    predicted = [
        store.predicted_slots(
            session, slots, model=package.id, events=[spec.event for spec in package.events]
        )
        for package in packages
    ]
    by_all = set.intersection(*predicted)
    labels = list(grid.labels())
    n_predicted = sum(label in by_all for label in labels)
    n_rejected = sum(label in rejected and label not in by_all for label in labels)
    chunks = list(_chunks(grid, by_all | rejected, order))
    return Plan(
        grid=grid,
        models=tuple(package.id for package in packages),
        chunks=tuple(chunks),
        slots=len(labels),
        predicted=n_predicted,
        rejected=n_rejected,
        archived=0 if frames is None else _archived(frames, grid, packages, chunks),
        file_bytes=store.mean_file_bytes(session, grid.series) or FILE_BYTES,
        workers=workers,
    )


def grouped(chunks: Sequence[Chunk], slots: int) -> list[list[Chunk]]:
    """Put days together until a group has at least so many slots."""
    groups: list[list[Chunk]] = []
    held = slots
    for chunk in chunks:
        if held >= slots:
            groups.append([])
            held = 0
        groups[-1].append(chunk)
        held += len(chunk.labels)
    return groups


def _chunks(grid: Grid, decided: set[str], order: Order) -> Iterator[Chunk]:
    step = -1 if order == "newest" else 1
    for day, labels in list(grid.days())[::step]:
        left = tuple(label for label in labels[::step] if label not in decided)
        if left:
            yield Chunk(series=grid.series, day=day, labels=left)


def _archived(
    frames: "FrameArchive", grid: Grid, packages: "Sequence[ModelPackage]", chunks: list[Chunk]
) -> int:
    slots = grid.slots
    held = [
        {
            key.t_rec
            for key in frames.keys(grid.series, package.frame, low=slots.low, high=slots.high)
        }
        for package in packages
    ]
    in_all = set.intersection(*held)
    return sum(label in in_all for chunk in chunks for label in chunk.labels)
