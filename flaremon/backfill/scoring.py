"""Frames to rows: a batch through every network that lacks it, one transaction, the archive."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from flaremon import __version__, job, store
from flaremon.backfill.decoding import distinct_frames
from flaremon.backfill.patience import insist
from flaremon.database import session_scope
from flaremon.domain import Outcome, Prediction, Record, RecordKey, Refusal, StoredFile
from flaremon.frames import ArchivedFrame, FrameArchive, frame_id, from_tenths
from flaremon.gates import screen_duplicate
from flaremon.inference.threads import threads
from flaremon.pipeline import RecentFlares, Run, predict, reject
from flaremon.preprocess import to_plane
from flaremon.store import Miss
from flaremon.times import utc_now

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sqlalchemy import Engine

    from flaremon.backfill.tally import Tally
    from flaremon.calibration import Calibrating
    from flaremon.inference import Predictor
    from flaremon.package import ModelPackage
    from flaremon.preprocess import FrameSpec

MOST_ROWS = 500
"""Rejections and misses that wait for a batch to fill, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A record with its frames, one per spec of the scorer."""

    record: Record
    file: StoredFile
    """That the frames were made from."""
    frames: "tuple[NDArray[np.int16], ...]"
    archived: bool
    """Whether they came from the archive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A network that is to score what it has not scored, and how its numbers are calibrated."""

    predictor: "Predictor"
    calibrating: "Calibrating | None" = None

    @property
    def package(self) -> "ModelPackage":
        """The package of the network."""
        return self.predictor.package


@dataclass(kw_only=True)
class Scorer:
    """Collects a batch, scores it, and stores it in one transaction.

    Frames are scored as the archive keeps them, in steps of 0.1 G: a score from a file and a
    later one from the archive are the same.
    """

    models: Sequence[Model]
    engine: "Engine"
    run: Run
    archive: FrameArchive | None = None
    slots_per_transaction: int = 0
    """At least the largest batch of the models."""
    listing: tuple[str, str] | None = None
    """Name and address of a source whose records are listed only when they are scored: files."""
    _ready: list[Ready] = field(default_factory=list)
    _outcomes: list[Outcome] = field(default_factory=list)
    _files: list[job.Fetched] = field(default_factory=list)
    _misses: list[Miss] = field(default_factory=list)

    @property
    def specs(self) -> "tuple[FrameSpec, ...]":
        """The frames that the models look at, each geometry once."""
        return distinct_frames(model.package for model in self.models)

    @property
    def batch_size(self) -> int:
        """Slots per transaction."""
        largest = max(model.predictor.batch_size for model in self.models)
        return max(self.slots_per_transaction, largest)

    @property
    def full(self) -> bool:
        """Whether it is time to store."""
        waiting = len(self._outcomes) + len(self._misses)
        return len(self._ready) >= self.batch_size or waiting >= MOST_ROWS

    def add(self, ready: Ready) -> None:
        """Take a record that can be scored; it takes the picture from later slots that hold it.

        Those that wait with it are rejected now; those that are stored, by `job.keep`.
        """
        earliest = {ready.file.sha256: ready.record.key}
        waiting, self._ready = self._ready, []
        for item in waiting:
            refusal = screen_duplicate(item.file.sha256, earliest, item.record.key)
            if refusal is None:
                self._ready.append(item)
            else:
                self.reject(item.record, item.file, refusal, replace(self.run, now=utc_now()))
        self._ready.append(ready)

    def reject(self, record: Record, file: StoredFile | None, refusal: Refusal, run: Run) -> None:
        """Take a record that must not be scored."""
        self._outcomes.append(reject(record, refusal, run))
        if file is not None:
            self._files.append(job.Fetched(record=record, file=file))

    def miss(self, miss: Miss) -> None:
        """Take a slot that could not be had."""
        self._misses.append(miss)

    def store(self, tally: "Tally") -> None:
        """Score and store what was taken, count it, and begin a new batch.

        Raises
        ------
        StoreError, ModelError, StoreFullError
            Nothing of the batch was stored, or (the last) not all of its frames.
        """
        run = replace(self.run, now=utc_now())
        fetched = [
            *self._files, *(job.Fetched(record=r.record, file=r.file) for r in self._ready)
        ]  # fmt: skip
        if self.listing is not None:
            insist(lambda: self._list([item.record for item in fetched], run))
        predictions = [p for model in self.models for p in self._score(model, run)]
        outcomes = [*self._outcomes, *predictions]
        if outcomes or fetched:
            tally.new_rows += insist(lambda: job.keep(outcomes, fetched, self.engine))
        if self._misses:
            insist(lambda: self._note(run))
        self._archive()
        self._count(tally, {p.key for p in predictions})
        for row in (self._ready, self._outcomes, self._files, self._misses):
            row.clear()

    def _score(self, model: Model, run: Run) -> list[Outcome]:
        """Score what the model has not decided, in one go, and calibrate it."""
        events = [spec.event for spec in model.package.events]

        def ask() -> set[RecordKey]:
            records = [item.record for item in self._ready]
            with session_scope(self.engine) as session:
                left = store.undecided(session, records, model=model.package.id, events=events)
            return {record.key for record in left}

        lacking = insist(ask) if self._ready else set()
        todo = [item for item in self._ready if item.record.key in lacking]
        if not todo:
            return []
        of_model = [frame_id(spec) for spec in self.specs].index(frame_id(model.package.frame))
        planes = [
            to_plane(from_tenths(item.frames[of_model]), model.package.frame) for item in todo
        ]
        calibrating = model.calibrating
        recent = job.recent_flares(self.engine, calibrating.catalog) if calibrating else None
        records = [item.record for item in todo]
        raw = insist(lambda: _predicted(records, planes, model.predictor, run, recent))
        return insist(lambda: job.calibrate(raw, self.engine, model.calibrating, run=run))

    def _list(self, records: Sequence[Record], run: Run) -> None:
        if self.listing is None:
            return
        source, base_url = self.listing
        with session_scope(self.engine) as session:
            for series in {record.key.series for record in records}:
                job.refuse_to_mix(store.base_urls(session, series), base_url)
            store.add_records(
                session,
                records,
                source=source,
                base_url=base_url,
                run_id=run.run_id,
                listed_at=run.now,
            )

    def _note(self, run: Run) -> None:
        with session_scope(self.engine) as session:
            store.add_misses(session, self._misses, seen_at=run.now, run_id=run.run_id)

    def _archive(self) -> None:
        """Keep the frames of what was scored; only now that its rows are there."""
        if self.archive is None:
            return
        for item in self._ready:
            if item.archived or item.record.t_obs is None:
                continue
            for spec, tenths in zip(self.specs, item.frames, strict=True):
                self.archive.put(frame_of(item.record, item.file, tenths), spec)

    def _count(self, tally: "Tally", predicted: set[RecordKey]) -> None:
        tally.predicted += len(predicted)
        # Of two files of one slot the first was scored.
        tally.decided += len(self._ready) - len(predicted)
        tally.from_archive += sum(
            item.archived and item.record.key in predicted for item in self._ready
        )
        for outcome in self._outcomes:
            if not isinstance(outcome, Prediction):
                tally.rejected[str(outcome.reason)] += 1


def frame_of(record: Record, file: StoredFile, tenths: "NDArray[np.int16]") -> ArchivedFrame:
    """Return the frame of a record as the archive keeps it."""
    if record.t_obs is None:
        raise TypeError(f"{record.key} was scored without a time of observation")
    return ArchivedFrame(
        key=record.key,
        recnum=record.recnum,
        t_obs=record.t_obs,
        source=file,
        software=__version__,
        tenths=tenths,
    )


def _predicted(
    records: Sequence[Record],
    planes: "Sequence[NDArray[np.float32]]",
    predictor: "Predictor",
    run: Run,
    recent: RecentFlares | None,
) -> list[Prediction]:
    """Score planes in batches of one size, the last one filled up.

    The kernels, and with them the last digits of a score, depend on the size of a batch, and a
    run that was interrupted must end with the very numbers of one that was not.
    """
    lacking = -len(records) % predictor.batch_size
    # The processors are busy decoding; and the number of threads is like the size of a batch.
    with threads(1):
        filled = predict(
            [*records, *([records[-1]] * lacking)],
            [*planes, *([np.zeros_like(planes[-1])] * lacking)],
            predictor,
            run,
            recent=recent,
        )
    return filled[: len(records) * len(predictor.package.events)]
