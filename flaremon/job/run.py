"""All steps of the main job, one after the other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from flaremon import store
from flaremon.calibration import Calibrating
from flaremon.database import session_scope
from flaremon.domain import Outcome, Prediction, Record, Source
from flaremon.job.report import Report
from flaremon.job.shadows import Shadow, Shadows
from flaremon.job.steps import calibrate, fetch, find, keep, known_files, recent_flares, score
from flaremon.pipeline import KeepFrame, Run
from flaremon.truth import keep_baselines

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from flaremon.inference import Predictor
    from flaremon.package import ModelPackage


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
    keep_frame: KeepFrame | None = None
    calibrating: Calibrating | None = None
    """None stores the network's own numbers."""
    catalog: str | None = None
    """Flare list that baselines and recent activity are from; None does without."""
    shadows: Sequence[Shadow] = ()
    """Models that score the same records silently."""


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
    _baselines((), job, run)  # also when the source cannot be reached
    report.listed, todo = find(source, engine, job.package, series=job.series, since=since, run=run)
    report.undecided = len(todo)
    if newest_only:
        todo = _newer_than_answered(todo, job)
    recent = recent_flares(engine, job.catalog) if job.catalog is not None else None
    predictor: Predictor | None = None
    shadows = Shadows(job.shadows, frame=job.package.frame, run=run)
    report.shadows = shadows.told
    for chunk in chunks(todo, 1 if newest_only else 8):
        fetched, rejections, failures = fetch(chunk, source, run)
        outcomes: list[Outcome] = list(rejections)
        if fetched:
            predictor = predictor or job.load_predictor()
            known = known_files(fetched, engine)
            scored, lost = score(
                fetched, source, predictor, known=known, run=run,
                keep_frame=job.keep_frame, recent=recent, look_on=shadows.look_on,
            )  # fmt: skip
            outcomes += calibrate(scored, engine, job.calibrating, run=run)
            failures += lost
        report.stored += keep(outcomes, fetched, engine)
        report.add(outcomes, failures)
        shadows.score(engine, recent=recent)
        if newest_only and report.predictions:
            break
    _baselines(report.predictions, job, run)
    shadows.catch_up(
        source, engine, model=job.package.id, series=job.series, since=since, recent=recent,
        limit=1 if newest_only else None,
    )  # fmt: skip
    return report


def _baselines(predictions: Sequence[Prediction], job: Job, run: Run) -> None:
    """Store what the baselines say about the same windows, and about this hour."""
    if job.catalog is not None:
        keep_baselines(
            predictions,
            job.engine,
            events=[spec.event for spec in job.package.events],
            catalog=job.catalog,
            now=run.now,
            run_id=run.run_id,
        )


def chunks(records: Sequence[Record], size: int) -> list[Sequence[Record]]:
    """Cut a list into pieces; the first has one record, so that the newest answer comes first.

    It is answered before anybody knows the older files. Should it turn out to be a copy of one of
    them, `keep` rejects it when that one is scored.
    """
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
