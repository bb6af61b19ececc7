"""One record from start to end; one run over all that is not decided; killed and rerun."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from support import suns
from support.packages import write_package
from support.truths import M_24H, NOTE, period

from flaremon import job as main_job
from flaremon import pipeline, store
from flaremon.cache import FileCache
from flaremon.config import JsocSettings
from flaremon.database import open_engine, session_scope, upgrade
from flaremon.domain import Mode, Prediction, Rejection, RejectionReason
from flaremon.errors import InputError, SourceUnavailableError
from flaremon.inference import Predictor
from flaremon.jsoc import Jsoc
from flaremon.replica import Fault, Replica
from flaremon.times import utc_now
from flaremon.truth import PERSISTENCE

SERIES = "hmi.M_720s_nrt"


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    return Predictor(write_package(tmp_path_factory.mktemp("models")), device="cpu")


@pytest.fixture
def replica(hmi_archive):
    with Replica(hmi_archive, latest_as_now=True) as server:
        yield server


@pytest.fixture
def source(replica, tmp_path):
    cache = FileCache(tmp_path / "cache", max_bytes=10**9, max_age=timedelta(days=1))
    return Jsoc(
        JsocSettings(base_url=replica.base_url, min_interval_s=0, deadline_s=10, attempts=2), cache
    )


@pytest.fixture
def job(source, predictor, tmp_path):
    url = f"sqlite:///{tmp_path / 'test.db'}"
    upgrade(url)
    engine = open_engine(url)
    yield main_job.Job(
        source=source,
        engine=engine,
        package=predictor.package,
        load_predictor=lambda: predictor,
        series=SERIES,
        lookback=timedelta(hours=6),
    )
    engine.dispose()


def a_run() -> pipeline.Run:
    return pipeline.Run(run_id="test-run", now=utc_now())


def stored(job) -> list[Prediction]:
    with session_scope(job.engine) as session:
        return [row.prediction for row in store.predictions(session)]


def test_a_record_becomes_one_prediction_per_event(source, predictor):
    run = a_run()
    newest = source.find(SERIES, start=run.now - timedelta(hours=6), end=run.now)[0]
    outcome = pipeline.process(newest, source, predictor, run)
    assert [str(p.event) for p in outcome] == ["M1+/24h", "C1+/now"]
    assert {p.key for p in outcome} == {newest.key}
    assert all(0 <= p.probability <= 1 and p.mode is Mode.LIVE for p in outcome)
    assert all(p.window.start == newest.t_obs for p in outcome)


def test_a_run_decides_every_slot_newest_first_and_a_second_run_changes_nothing(job, replica):
    first = main_job.run_once(job, a_run())
    assert (first.listed, first.undecided, first.stored) == (3, 3, 6)
    keys = [p.key.t_rec for p in first.predictions[::2]]
    assert keys[0] == max(keys)
    downloads = sum(call.path.startswith("/SUM") for call in replica.calls)
    second = main_job.run_once(job, a_run())
    assert (second.listed, second.undecided, second.stored) == (3, 0, 0)
    assert sum(call.path.startswith("/SUM") for call in replica.calls) == downloads
    assert replica.max_in_flight == 1


def test_newest_only_stops_after_the_first_prediction(job):
    report = main_job.run_once(job, a_run(), newest_only=True)
    assert report.undecided == 3
    assert len({p.key for p in report.predictions}) == 1


def test_baselines_speak_about_the_same_windows_and_go_on_without_the_source(job, replica):
    run = a_run()
    later = replace(run, now=run.now + timedelta(hours=1))
    with session_scope(job.engine) as session:
        first, last = (run.now + timedelta(days=days) for days in (-40, 1))
        store.add_periods(session, [period(0, 0, start=first, end=last)], **NOTE)
    listed = replace(job, catalog="swpc")
    predicted = {p.t_obs for p in main_job.run_once(listed, run).predictions}
    replica.faults.append(Fault("http-500"))
    with pytest.raises(SourceUnavailableError):
        main_job.run_once(listed, later)
    with session_scope(job.engine) as session:
        told = list(store.forecasts(session, event=M_24H, forecaster=PERSISTENCE))
    hours = {r.now.replace(minute=0, second=0, microsecond=0) for r in (run, later)}
    assert {item.window.start for item in told} == predicted | hours
    assert all((item.probability, item.mode) == (0.0, Mode.LIVE) for item in told)


def test_nothing_is_loaded_when_there_is_nothing_to_score(job):
    main_job.run_once(job, a_run())

    def refuse():
        raise AssertionError("loaded")

    idle = replace(job, load_predictor=refuse)
    assert main_job.run_once(idle, a_run()).undecided == 0


def test_newest_only_leaves_alone_what_is_older_than_the_newest_answer(job):
    main_job.run_once(job, a_run(), newest_only=True)
    again = main_job.run_once(job, a_run(), newest_only=True)
    assert (again.undecided, again.stored) == (2, 0)


@pytest.mark.parametrize("replayed_first", [True, False])
def test_a_replay_and_the_live_source_never_share_a_database(job, replayed_first):
    class Live:
        """The replica, under the address of the live JSOC."""

        name, base_url = "jsoc", "http://jsoc.example.invalid"
        find, download = job.source.find, job.source.download

    first, second = (job.source, Live()) if replayed_first else (Live(), job.source)
    main_job.run_once(replace(job, source=first), a_run())
    before = stored(job)
    with pytest.raises(InputError, match="a database and a cache of its own"):
        main_job.run_once(replace(job, source=second), a_run())
    assert stored(job) == before


def test_newest_only_goes_past_a_rejected_record(job, replica):
    replica.faults.append(Fault("nodata", on="rs_list"))
    report = main_job.run_once(job, a_run(), newest_only=True)
    assert [r.reason for r in report.rejections][:1] == [RejectionReason.QUALITY]
    assert len(report.rejections) + len({p.key for p in report.predictions}) >= 1


def test_a_record_whose_file_is_anothers_is_fetched_again_and_then_scored(job, replica):
    replica.faults.append(Fault("wrong-file", on="sums", at=(1,)))
    report = main_job.run_once(job, a_run(), newest_only=True)
    assert len(report.predictions) == 2
    assert report.rejections == []


def test_a_young_record_whose_file_stays_anothers_is_tried_again_by_the_next_run(job, replica):
    replica.faults.append(Fault("wrong-file", on="sums"))
    report = main_job.run_once(job, a_run())
    assert report.predictions == []
    assert report.failures
    replica.faults.clear()
    later = main_job.run_once(job, a_run())
    failed = {failure.key for failure in report.failures}
    assert failed <= {p.key for p in later.predictions}


def test_an_old_record_whose_file_stays_anothers_is_rejected_and_never_predicted(job, replica):
    replica.faults.append(Fault("wrong-file", on="sums"))
    later = pipeline.Run(run_id="test-run", now=utc_now() + timedelta(hours=4))
    report = main_job.run_once(replace(job, lookback=timedelta(hours=12)), later)
    assert report.predictions == []
    assert {r.reason for r in report.rejections} <= {
        RejectionReason.UNREADABLE,
        RejectionReason.DUPLICATE_IMAGE,
    }
    assert len(report.rejections) == 3
    assert stored(job) == []


def test_a_file_that_cannot_be_had_is_a_failure_that_the_next_run_makes_good(
    job, replica, tmp_path
):
    replica.faults.append(Fault("http-500", on="sums"))
    settings = JsocSettings(base_url=replica.base_url, min_interval_s=0, attempts=1)

    def with_cache(name: str) -> main_job.Job:
        # A cache of its own also has a circuit breaker of its own, so nothing need be waited for.
        cache = FileCache(tmp_path / name, max_bytes=10**9, max_age=timedelta(days=1))
        return replace(job, source=Jsoc(settings, cache))

    first = main_job.run_once(with_cache("first"), a_run())
    assert len(first.failures) == 3
    assert all(f.retriable for f in first.failures)
    assert first.stored == 0
    replica.faults.clear()
    second = main_job.run_once(with_cache("second"), a_run())
    assert len({p.key for p in second.predictions}) == 3


def test_the_same_picture_in_two_slots_is_scored_once(job, tmp_path, hmi_archive):
    report = main_job.run_once(job, a_run())
    known = {p.key for p in report.predictions}
    run = a_run()
    records = job.source.find(SERIES, start=run.now - timedelta(hours=6), end=run.now)
    fetched, _, _ = main_job.fetch(records[:1], job.source, run)
    copy = main_job.Fetched(record=records[1], file=fetched[0].file)
    outcomes, _ = main_job.score(
        [fetched[0], copy], job.source, job.load_predictor(), known={}, run=run
    )
    rejected = [o for o in outcomes if isinstance(o, Rejection)]
    assert [r.reason for r in rejected] == [RejectionReason.DUPLICATE_IMAGE]
    assert known == {r.key for r in records}


def test_an_unreachable_source_is_a_retriable_error(tmp_path, predictor):
    with Replica(tmp_path_with_one(tmp_path)) as server:
        base_url = server.base_url
    gone = Jsoc(
        JsocSettings(base_url=base_url, min_interval_s=0, deadline_s=2, attempts=2),
        FileCache(tmp_path / "cache", max_bytes=10**9, max_age=timedelta(days=1)),
    )
    with pytest.raises(SourceUnavailableError):
        gone.find(SERIES, start=utc_now() - timedelta(hours=6), end=utc_now())


def tmp_path_with_one(tmp_path):
    suns.archive(tmp_path / "one", 1)
    return tmp_path / "one"


def test_chunks_put_the_newest_alone_in_front():
    assert [list(c) for c in main_job.chunks([1, 2, 3, 4, 5], 2)] == [[1], [2, 3], [4, 5]]
    assert main_job.chunks([], 2) == []


def test_run_ids_are_unique():
    now = utc_now()
    assert len({pipeline.new_run_id("cli", now) for _ in range(50)}) == 50


# A kill -9 at any step, and the run after it.

STEPS = ("find", "fetch", "score", "keep")
KILLED = """
import os, signal, sys
from flaremon.job import run as job
step = {step!r}
real = getattr(job, step)
def dies(*args, **kwargs):
    if {after}:
        real(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(job, step, dies)
from flaremon.cli import main
main(["now", "--catch-up"])
"""


def tables(url: str) -> dict[str, list[tuple]]:
    """All rows, without what differs between any two runs."""
    engine = open_engine(url)
    queries = {
        "records": "SELECT t_rec, quality, size_bytes, sha256 FROM records ORDER BY t_rec",
        "predictions": (
            "SELECT r.t_rec, p.event, p.score, p.probability, p.flare, p.threshold "
            "FROM predictions p JOIN records r ON r.id = p.record_id ORDER BY r.t_rec, p.event"
        ),
        "rejections": (
            "SELECT r.t_rec, j.reason FROM rejections j JOIN records r ON r.id = j.record_id"
        ),
    }
    with engine.connect() as connection:
        rows = {
            name: [tuple(r) for r in connection.execute(text(q))] for name, q in queries.items()
        }
    engine.dispose()
    return rows


@pytest.fixture(scope="module")
def command(hmi_archive, predictor, tmp_path_factory):
    """Run Python code with a database and a cache of a given name, all of one frozen replica."""
    folder = tmp_path_factory.mktemp("killed")
    # Made before the fixture that cleans the environment of each test.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FLAREMON_")}
    with Replica(hmi_archive, latest_as_now=True) as server:
        common = {
            "FLAREMON_JSOC__BASE_URL": server.base_url,
            "FLAREMON_JSOC__MIN_INTERVAL_S": "0",
            "FLAREMON_MODELS_DIR": str(predictor.package.folder.parent.parent),
            "FLAREMON_MODEL": str(predictor.package.id),
        }

        def run(code: list[str], name: str) -> tuple[subprocess.CompletedProcess[str], str]:
            url = f"sqlite:///{folder / name}.db"
            paths = {
                "FLAREMON_DATABASE_URL": url,
                "FLAREMON_CACHE__DIR": str(folder / f"{name}-cache"),
            }
            done = subprocess.run(
                [sys.executable, *code],
                env=environment | common | paths,
                capture_output=True,
                text=True,
                check=False,
            )
            return done, url

        yield run


NOW = ["-m", "flaremon", "now", "--catch-up"]


@pytest.fixture(scope="module")
def undisturbed(command):
    done, url = command(NOW, "undisturbed")
    assert done.returncode in {0, 1}, done.stderr
    return tables(url)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_run_killed_at_any_step_is_finished_by_the_next_one(step, after, command, undisturbed):
    name = f"{step}-{after}"
    killed, _ = command(["-c", KILLED.format(step=step, after=after)], name)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    again, url = command(NOW, name)
    assert again.returncode in {0, 1}, again.stderr
    assert len(undisturbed["predictions"]) == 6
    assert tables(url) == undisturbed
