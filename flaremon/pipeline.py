"""One record from start to end, and one run over all that is not decided yet.

`process` is the function to read first: a listed record in, predictions or a rejection out, no
database and no Prefect. `run_once` is the main job in one call: find, download, score, store,
newest first. The flows call its four steps as separate tasks, so both are the same code.

What is left to do is worked out from the database each time, so a run that was killed at any
step is finished by the next one, and running twice changes nothing.
"""

import logging
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from flaremon import __version__, store
from flaremon.database import session_scope
from flaremon.domain import (
    Mode,
    Outcome,
    Prediction,
    Record,
    RecordKey,
    Refusal,
    Rejection,
    RejectionReason,
    Source,
    StoredFile,
)
from flaremon.errors import FitsError, FlaremonError, SourceError
from flaremon.fits import read_magnetogram
from flaremon.gates import screen_duplicate, screen_magnetogram, screen_record
from flaremon.preprocess import to_frame, to_plane

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sqlalchemy import Engine

    from flaremon.inference import Predictor
    from flaremon.package import ModelPackage

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What all steps of one run share."""

    run_id: str
    now: datetime
    """When the run issues its answers; passed in, never read from a clock deep inside."""
    live_within: timedelta = timedelta(hours=6)
    """Predictions later than this after the observation are hindcasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A record that could not be decided this time; the next run tries again."""

    key: RecordKey
    error: str
    retriable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A record with its complete file."""

    record: Record
    file: StoredFile


@dataclass(kw_only=True)
class Report:
    """What one run did."""

    listed: int = 0
    undecided: int = 0
    predictions: list[Prediction] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    stored: int = 0
    """Rows that were new to the database."""

    def add(self, outcomes: Iterable[Outcome], failures: Iterable[Failure] = ()) -> None:
        """Sort outcomes into the lists."""
        for outcome in outcomes:
            if isinstance(outcome, Prediction):
                self.predictions.append(outcome)
            else:
                self.rejections.append(outcome)
        self.failures.extend(failures)


def process(
    record: Record, source: Source, predictor: "Predictor", run: Run
) -> list[Prediction] | Rejection:
    """Decide one record.

    Returns
    -------
    list of Prediction or Rejection
        One prediction per event of the model, or the reason why there is none.

    Raises
    ------
    SourceError
        The file could not be had; try again if ``retriable``.
    ModelError
        The network failed.
    """
    refusal = screen_record(record)
    if refusal is not None:
        return reject(record, refusal, run)
    plane = prepare(record, source.download(record), source, predictor.package)
    if isinstance(plane, Refusal):
        return reject(record, plane, run)
    return predict([record], [plane], predictor, run)


def prepare(
    record: Record, file: StoredFile, source: Source, package: "ModelPackage"
) -> "NDArray[np.float32] | Refusal":
    """Turn a record's file into the network's plane, shape (1, size, size), dimensionless.

    A file that is not what the record says is fetched once more, since a mirror or a proxy can
    hand out another one; if it is still wrong the record is refused.
    """
    try:
        magnetogram = read_magnetogram(file.path, record)
    except FitsError as first:
        log.warning("%s; fetching it again", first)
        try:
            magnetogram = read_magnetogram(source.download(record, fresh=True).path, record)
        except FitsError as exc:
            return Refusal(RejectionReason.UNREADABLE, str(exc))
    refusal = screen_magnetogram(magnetogram)
    if refusal is not None:
        return refusal
    return to_plane(to_frame(magnetogram, package.frame), package.frame)


def predict(
    records: Sequence[Record],
    planes: Sequence["NDArray[np.float32]"],
    predictor: "Predictor",
    run: Run,
) -> list[Prediction]:
    """Score planes, each of shape (1, size, size), in one go: a prediction per record and event."""
    predictions = []
    for record, scores in zip(records, predictor.predict(np.stack(planes)), strict=True):
        if record.t_obs is None:  # screen_record refuses these
            raise FlaremonError(f"{record.key}: no observation time")
        late = run.now - record.t_obs > run.live_within
        predictions += [
            Prediction(
                key=record.key,
                t_obs=record.t_obs,
                model=predictor.package.id,
                event=score.event,
                window=score.event.window(record.t_obs),
                score=score.score,
                probability=score.probability,
                threshold=score.threshold,
                issued_at=run.now,
                mode=Mode.HINDCAST if late else Mode.LIVE,
                device=predictor.device_name,
                software=__version__,
                run_id=run.run_id,
            )
            for score in scores
        ]
    return predictions


def reject(record: Record, refusal: Refusal, run: Run) -> Rejection:
    """Bind a refusal to its record and run."""
    return Rejection(
        key=record.key,
        reason=refusal.reason,
        detail=refusal.detail,
        decided_at=run.now,
        run_id=run.run_id,
        recnum=record.recnum,
        t_obs=record.t_obs,
        software=__version__,
    )


# The four steps of a run; each is a task of the flows.


def find(
    source: Source,
    engine: "Engine",
    package: "ModelPackage",
    *,
    series: str,
    since: datetime,
    run: Run,
) -> tuple[int, list[Record]]:
    """List the slots since `since`, store what is listed, and return what is not decided.

    Returns
    -------
    tuple of int and list of Record
        How many slots are listed; the undecided ones, newest first.
    """
    records = source.find(series, start=since, end=run.now)
    with session_scope(engine) as session:
        store.register_model(
            session,
            model=package.id,
            weights_sha256=package.weights_sha256,
            events=[spec.event for spec in package.events],
            now=run.now,
        )
        store.add_records(
            session,
            records,
            source=source.name,
            base_url=source.base_url,
            run_id=run.run_id,
            listed_at=run.now,
        )
        todo = store.undecided(
            session, records, model=package.id, events=[spec.event for spec in package.events]
        )
    return len(records), todo


def fetch(
    records: Sequence[Record], source: Source, run: Run
) -> tuple[list[Fetched], list[Rejection], list[Failure]]:
    """Screen records and download the files of those that may be predicted.

    One record's failure does not stop the others; when the source is down its circuit breaker
    makes the rest fail at once.
    """
    fetched, rejections, failures = [], [], []
    for record in records:
        refusal = screen_record(record)
        if refusal is not None:
            rejections.append(reject(record, refusal, run))
            continue
        try:
            fetched.append(Fetched(record=record, file=source.download(record)))
        except SourceError as exc:
            log.warning("%s", exc)
            failures.append(Failure(key=record.key, error=str(exc), retriable=exc.retriable))
    return fetched, rejections, failures


def score(
    fetched: Sequence[Fetched],
    source: Source,
    predictor: "Predictor",
    *,
    known: Mapping[str, RecordKey],
    run: Run,
) -> tuple[list[Outcome], list[Failure]]:
    """Read, prepare and score complete files in batches.

    Parameters
    ----------
    known : mapping of str to RecordKey
        SHA-256 of files that other slots already hold: the same picture twice is a stale feed.
    """
    outcomes: list[Outcome] = []
    failures: list[Failure] = []
    seen = dict(known)
    batch: list[tuple[Record, NDArray[np.float32]]] = []

    def flush() -> None:
        if batch:
            outcomes.extend(predict([r for r, _ in batch], [p for _, p in batch], predictor, run))
            batch.clear()

    for item in sorted(fetched, key=lambda f: f.record.key.t_rec):
        # Oldest first, so that of two equal files the earlier slot keeps the picture.
        refusal = screen_duplicate(item.file.sha256, seen, item.record.key)
        if refusal is None:
            seen[item.file.sha256] = item.record.key
            try:
                plane = prepare(item.record, item.file, source, predictor.package)
            except SourceError as exc:
                failures.append(
                    Failure(key=item.record.key, error=str(exc), retriable=exc.retriable)
                )
                continue
            if not isinstance(plane, Refusal):
                batch.append((item.record, plane))
                if len(batch) == predictor.batch_size:
                    flush()
                continue
            refusal = plane
        outcomes.append(reject(item.record, refusal, run))
    flush()
    return outcomes, failures


def keep(outcomes: Sequence[Outcome], fetched: Sequence[Fetched], engine: "Engine") -> int:
    """Store files and outcomes in one transaction; returns how many rows were new."""
    with session_scope(engine) as session:
        for item in fetched:
            store.add_file(session, item.record.key, item.file)
        return store.add_outcomes(session, outcomes)


def known_files(fetched: Sequence[Fetched], engine: "Engine") -> Mapping[str, RecordKey]:
    """Return which of the files' SHA-256 the database knows, and from which record."""
    with session_scope(engine) as session:
        return store.known_hashes(session, [item.file.sha256 for item in fetched])


@dataclass(frozen=True, kw_only=True)
class Job:
    """What the main job works with, the same in every run."""

    source: Source
    engine: "Engine"
    package: "ModelPackage"
    load_predictor: "Callable[[], Predictor]"
    """Called once, and only when there is something to score: loading takes seconds."""
    series: str
    lookback: timedelta


def run_once(job: Job, run: Run, *, newest_only: bool = False) -> Report:
    """Do the main job once: find, download, score, store, newest first.

    Parameters
    ----------
    newest_only
        Stop after the first record that could be predicted.
    """
    report = Report()
    source, engine = job.source, job.engine
    since = run.now - job.lookback
    report.listed, todo = find(source, engine, job.package, series=job.series, since=since, run=run)
    report.undecided = len(todo)
    predictor: Predictor | None = None
    for chunk in chunks(todo, 1 if newest_only else 8):
        fetched, rejections, failures = fetch(chunk, source, run)
        outcomes: list[Outcome] = list(rejections)
        if fetched:
            predictor = predictor or job.load_predictor()
            known = known_files(fetched, engine)
            scored, lost = score(fetched, source, predictor, known=known, run=run)
            outcomes += scored
            failures += lost
        report.stored += keep(outcomes, fetched, engine)
        report.add(outcomes, failures)
        if newest_only and report.predictions:
            break
    return report


def chunks(records: Sequence[Record], size: int) -> list[Sequence[Record]]:
    """Cut a list into pieces; the first has one record, so that the newest answer comes first."""
    head, tail = records[:1], records[1:]
    pieces = [head] if head else []
    return pieces + [tail[k : k + size] for k in range(0, len(tail), size)]


def new_run_id(prefix: str, now: datetime) -> str:
    """Return an id for a run that has none from Prefect: ``cli-20260201T000000Z-1a2b3c``."""
    return f"{prefix}-{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
