"""The steps of a run, which the flows call as tasks of their own."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flaremon import store
from flaremon.calibration import Calibrating, calibrated
from flaremon.database import session_scope
from flaremon.domain import (
    Outcome,
    Prediction,
    RecentActivity,
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
from flaremon.job.report import Failure, Fetched
from flaremon.pipeline import KeepFrame, LookOn, RecentFlares, Run, predict, prepare, reject
from flaremon.serving import register
from flaremon.truth import recent_activity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from flaremon.inference import Predictor
    from flaremon.package import ModelPackage

log = logging.getLogger(__name__)


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
        refuse_to_mix(store.base_urls(session, series), source.base_url)
        register(session, package, now=run.now)
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


def refuse_to_mix(known: set[str], base_url: str) -> None:
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
                "with them; give a replay a database and a cache of its own, and frames "
                "(FLAREMON_DATABASE_URL, FLAREMON_CACHE__DIR, FLAREMON_FRAMES__DIR)"
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


def score(  # noqa: PLR0913 - what is scored, and all that is known around it
    fetched: Sequence[Fetched],
    source: Source,
    predictor: "Predictor",
    *,
    known: Mapping[str, RecordKey],
    run: Run,
    keep_frame: KeepFrame | None = None,
    recent: RecentFlares | None = None,
    look_on: LookOn | None = None,
) -> tuple[list[Outcome], list[Failure]]:
    """Read, prepare and score complete files in batches.

    Parameters
    ----------
    known : mapping of str to RecordKey
        SHA-256 of files that other slots already hold: the same picture twice is a stale feed,
        and the earliest slot keeps it. The newest record of a run is decided first, so its older
        twin may come after it: that one is scored all the same, and `keep` rejects the newer.
    keep_frame, recent, look_on : optional
        What archives frames, what tells the flares before an observation, and what takes the
        magnetograms for shadows.
    """
    outcomes: list[Outcome] = []
    failures: list[Failure] = []
    seen = dict(known)
    batch: list[tuple[Record, NDArray[np.float32]]] = []

    def flush() -> None:
        if batch:
            records, planes = [r for r, _ in batch], [p for _, p in batch]
            outcomes.extend(predict(records, planes, predictor, run, recent=recent))
            batch.clear()

    for item in sorted(fetched, key=lambda f: f.record.key.t_rec):
        # Oldest first, so that of two equal files only the earlier slot is scored.
        refusal = screen_duplicate(item.file.sha256, seen, item.record.key)
        if refusal is None:
            seen[item.file.sha256] = item.record.key
            try:
                plane = prepare(
                    item.record, item.file, source, predictor.package,
                    keep_frame=keep_frame, look_on=look_on,
                )  # fmt: skip
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
            if may_get_better(item.record, refusal, run):
                error = f"{item.record.key}: {refusal.detail}"
                failures.append(Failure(key=item.record.key, error=error, retriable=True))
                continue
        outcomes.append(reject(item.record, refusal, run))
    flush()
    return outcomes, failures


UNREADABLE_UNTIL = timedelta(hours=3)
"""Age of an observation from which a file that is not the record's is taken for final. Younger
ones are fetched anew by the next run: the JSOC, or something on the way to it, was in trouble."""


def may_get_better(record: Record, refusal: Refusal, run: Run) -> bool:
    """Tell whether an unreadable file is young enough to be fetched anew by the next run."""
    young = record.t_obs is not None and run.now - record.t_obs < UNREADABLE_UNTIL
    return young and refusal.reason is RejectionReason.UNREADABLE


def recent_flares(engine: "Engine", catalog: str) -> RecentFlares:
    """Return what tells networks the flares before an observation, by the stored list."""

    def ask(times: Sequence[datetime]) -> list[RecentActivity | None]:
        with session_scope(engine) as session:
            return recent_activity(session, times, catalog=catalog)

    return ask


def calibrate(
    outcomes: Sequence[Outcome], engine: "Engine", how: Calibrating | None, *, run: Run
) -> list[Outcome]:
    """Turn the network's numbers into calibrated ones, by recent activity as it is known.

    Without a calibrator, and what is no prediction, comes back as it is.

    Raises
    ------
    ConfigurationError, ModelError
        The calibrator that was asked for does not exist, or is damaged.
    StoreError
        The database fails.
    """
    if how is None or not any(isinstance(outcome, Prediction) for outcome in outcomes):
        return list(outcomes)
    with session_scope(engine) as session:
        calibrator = how.find(session)
        return calibrated(
            session, outcomes, calibrator=calibrator, catalog=how.catalog, now=run.now
        )


def keep(outcomes: Sequence[Outcome], fetched: Sequence[Fetched], engine: "Engine") -> int:
    """Store files and outcomes in one transaction; returns how many rows were new.

    A later slot that was answered from a file which turns out to be that of an earlier one is
    rejected as a duplicate. Its predictions stay in the tables, since they were said, but beside
    them is now why they should not have been, and `store.latest` passes them over.
    """
    with session_scope(engine) as session:
        overtaken = _overtaken(session, outcomes, fetched)
        for item in fetched:
            store.add_file(session, item.record.key, item.file)
        return store.add_outcomes(session, [*outcomes, *overtaken])


def _overtaken(
    session: "Session", outcomes: Sequence[Outcome], fetched: Sequence[Fetched]
) -> list[Rejection]:
    """Return rejections of stored later slots that hold the file of one predicted here."""
    said = {outcome.key: outcome for outcome in outcomes if isinstance(outcome, Prediction)}
    items = [item for item in fetched if item.record.key in said]
    known = store.known_hashes(session, [item.file.sha256 for item in items])
    rejections = []
    for item in items:
        sha256, key = item.file.sha256, item.record.key
        later = known.get(sha256, key)
        refusal = screen_duplicate(sha256, {sha256: key}, later)
        # A file that was not the record's was fetched again: it is not the one that was scored.
        if refusal is None or not _is_unchanged(item.file):
            continue
        listed = store.listed_record(session, later)
        if listed is None:
            continue
        log.warning("%s was answered, but its file is %s", later, refusal.detail)
        prediction = said[key]
        run = Run(run_id=prediction.run_id, now=prediction.issued_at)
        rejections.append(reject(listed.record, refusal, run))
    return rejections


def _is_unchanged(file: StoredFile) -> bool:
    try:
        with file.path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == file.sha256
    except OSError:
        return False


def known_files(fetched: Sequence[Fetched], engine: "Engine") -> Mapping[str, RecordKey]:
    """Return which of the files' SHA-256 the database knows, and from which record."""
    with session_scope(engine) as session:
        return store.known_hashes(session, [item.file.sha256 for item in fetched])
