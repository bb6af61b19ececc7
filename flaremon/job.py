"""The main job: find, download, score, store whatever is not decided yet, newest first.

`run_once` does it in one call; the flows call its four steps as separate tasks, so both are the
same code. What is left to do is worked out from the database each time, so a run that was
killed at any step is finished by the next one, and running twice changes nothing.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flaremon import store
from flaremon.database import session_scope
from flaremon.domain import (
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
from flaremon.errors import InputError, SourceError
from flaremon.gates import screen_duplicate, screen_record
from flaremon.pipeline import Run, predict, prepare, reject

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sqlalchemy import Engine

    from flaremon.inference import Predictor
    from flaremon.package import ModelPackage

log = logging.getLogger(__name__)


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
        _refuse_to_mix(store.base_urls(session, series), source.base_url)
        store.register_model(
            session,
            model=package.id,
            weights_sha256=package.weights_sha256,
            events=[spec.event for spec in package.events],
            now=run.now,
            frame=asdict(package.frame),
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


def _refuse_to_mix(known: set[str], base_url: str) -> None:
    """Keep replays out of the database of the live JSOC, and the other way round.

    A replica on loopback serves old images under new dates. Beside live answers they would read
    as live, and the real record of such a slot would count as decided.

    Raises
    ------
    InputError
        The database holds records of the other kind.
    """
    for other in known:
        if _is_loopback(other) != _is_loopback(base_url):
            raise InputError(
                f"this database holds records listed from {other}, and {base_url} would be mixed "
                "with them; give a replay a database and a cache of its own "
                "(FLAREMON_DATABASE_URL, FLAREMON_CACHE__DIR)"
            )


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")


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
            if _may_get_better(item.record, refusal, run):
                error = f"{item.record.key}: {refusal.detail}"
                failures.append(Failure(key=item.record.key, error=error, retriable=True))
                continue
        outcomes.append(reject(item.record, refusal, run))
    flush()
    return outcomes, failures


UNREADABLE_UNTIL = timedelta(hours=3)
"""Age of an observation from which a file that is not the record's is taken for final. Younger
ones are fetched anew by the next run: the JSOC, or something on the way to it, was in trouble."""


def _may_get_better(record: Record, refusal: Refusal, run: Run) -> bool:
    young = record.t_obs is not None and run.now - record.t_obs < UNREADABLE_UNTIL
    return young and refusal.reason is RejectionReason.UNREADABLE


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
        Stop after the first record that could be predicted, and leave alone what is older than
        the newest answer there is.
    """
    report = Report()
    source, engine = job.source, job.engine
    since = run.now - job.lookback
    report.listed, todo = find(source, engine, job.package, series=job.series, since=since, run=run)
    report.undecided = len(todo)
    if newest_only:
        todo = _newer_than_answered(todo, job)
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


def _newer_than_answered(todo: list[Record], job: Job) -> list[Record]:
    with session_scope(job.engine) as session:
        answered = [
            latest.prediction.key.t_rec
            for spec in job.package.events
            if (
                latest := store.latest(
                    session, event=spec.event, model=job.package.id, series=job.series
                )
            )
        ]
    return [record for record in todo if record.key.t_rec > min(answered, default="")]
