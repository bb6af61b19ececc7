"""One run of the main job from the command line, and its picture."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from flaremon.config import Settings
    from flaremon.errors import FlaremonError
    from flaremon.job import Report


def run_once(config: "Settings", engine: "Engine", *, newest_only: bool) -> "Report":
    """Run the main job once, as the flow does it, and tidy the cache.

    Parameters
    ----------
    config : Settings
        With the model that answers in them (`flaremon.wiring.settled`).
    """
    from flaremon import __version__, job, store, wiring
    from flaremon.job.noting import noted
    from flaremon.pipeline import Run, new_run_id
    from flaremon.times import utc_now

    moment = utc_now()
    run = Run(
        run_id=new_run_id("cli", moment),
        now=moment,
        live_within=timedelta(hours=config.live_within_h),
    )
    what = job.Job(
        source=wiring.source(config),
        engine=engine,
        package=wiring.package(config),
        load_predictor=lambda: wiring.predictor(config),
        series=config.jsoc.series,
        lookback=timedelta(hours=config.jsoc.lookback_h),
        keep_frame=wiring.frame_keeper(config),
        calibrating=wiring.calibrating(config),
        catalog=config.truth.catalog,
        shadows=wiring.shadows(config),
    )
    note = store.RunNote(
        run_id=run.run_id,
        job=store.Job.NOW,
        series=what.series,
        policy="newest_only" if newest_only else "newest_first",
        since=moment - what.lookback,
        until=moment,
        live_within=run.live_within,
        began_at=moment,
        software=__version__,
    )
    with noted(engine, note):
        report = job.run_once(what, run, newest_only=newest_only)
    wiring.file_cache(config).prune(now=moment)
    frames = wiring.frame_archive(config)
    if frames is not None:
        frames.prune_if_due(now=moment)
    return report


def age_on_picture(age: timedelta, limit: timedelta) -> str:
    """Say how old an observation was when it was drawn: a picture is looked at much later.

    Examples
    --------
    >>> age_on_picture(timedelta(minutes=68), timedelta(hours=3))
    'observed 68 min before this was drawn'
    >>> age_on_picture(timedelta(minutes=68), timedelta(hours=1))
    'STALE: observed 68 min before this was drawn'
    """
    from flaremon.status.ages import FactState, in_hours, judge_age

    state, _ = judge_age(age, limit, "the observation")
    fresh = f"observed {in_hours(age)} before this was drawn"
    return fresh if state is FactState.OK else f"{state.upper()}: {fresh}"


def draw_newest(config: "Settings", engine: "Engine", path: Path) -> "FlaremonError | None":
    """Draw the newest record that the model of the settings has scored, with its regions.

    Returns what went wrong, if anything did: a picture must not cost an answer.
    """
    from flaremon import store, wiring
    from flaremon.database import session_scope
    from flaremon.disk import disk_errors
    from flaremon.errors import FlaremonError, InputError
    from flaremon.fits import read_magnetogram
    from flaremon.picture import draw
    from flaremon.regions import explain, headline
    from flaremon.status import elsewhere
    from flaremon.times import utc_now

    model, series = wiring.package(config).id, config.jsoc.series
    try:
        if path.suffix != ".png":
            raise InputError(f"{path} is no name for a picture; it must end in .png")
        with session_scope(engine) as session:
            newest = next(
                iter(store.predictions(session, model=model, series=series, limit=1)), None
            )
            if newest is None:
                raise InputError(f"{model} has scored nothing yet, so there is nothing to draw")
            key = newest.prediction.key
            found = store.predictions_of(session, key)
            said = [item for item in found if item.prediction.model == model]
            listed = store.listed_record(session, key)
            assert listed is not None  # noqa: S101 - what was scored was listed
            (explained,) = explain(session, [headline(said)], wiring.explaining(config))
        file = wiring.source(config).download(listed.record)
        magnetogram = read_magnetogram(file.path, listed.record)
        note = age_on_picture(utc_now() - magnetogram.t_obs, timedelta(hours=config.stale_after_h))
        told = elsewhere(listed.base_url)
        if told is not None:
            note += f"\nsource {told}"
        answers = [item.prediction for item in said]
        with disk_errors(path.parent, setting="--picture"):
            draw(magnetogram, answers, path, note=note, explained=explained)
    except FlaremonError as exc:
        return exc
    return None
