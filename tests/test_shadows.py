"""Shadows: models that score the same records silently, and can do no harm."""

import json
import logging
import shutil
from dataclasses import replace
from datetime import timedelta

import pytest
import torch
from sqlalchemy import text
from support.packages import write_package, write_rate_package
from support.truths import NOTE, open_database, period
from support.verified import run_main

from flaremon import job as main_job
from flaremon import store, truth, wiring
from flaremon.config import read_settings
from flaremon.database import session_scope, upgrade
from flaremon.domain import ModelId
from flaremon.inference import Predictor
from flaremon.pipeline import Run
from flaremon.preprocess import FrameSpec
from flaremon.replica import Fault, Replica
from flaremon.times import utc_now

MAIN, TWIN, SMALL, RATE = (
    "tiny-main@1.0.0",
    "tiny-twin@1.0.0",
    "tiny-small@1.0.0",
    "tiny-rate@0.0.1",
)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """The model that answers, one that looks at the same frame, and one at another."""
    folder = tmp_path_factory.mktemp("models")
    write_package(folder, name="tiny-main", version="1.0.0")
    write_package(folder, name="tiny-twin", version="1.0.0", seed=1)
    small = FrameSpec(size_px=256, clip_gauss=500.0)
    write_package(folder, name="tiny-small", version="1.0.0", seed=2, frame=small)
    write_rate_package(folder)
    return folder


@pytest.fixture
def replica(hmi_archive):
    with Replica(hmi_archive, latest_as_now=True) as server:
        yield server


@pytest.fixture
def home(replica, shelf, tmp_path, monkeypatch):
    """Environment of a machine that listens to the replica; returns the folder."""
    for name, value in {
        "JSOC__BASE_URL": replica.base_url,
        "JSOC__MIN_INTERVAL_S": "0",
        "JSOC__ATTEMPTS": "1",
        "CACHE__DIR": str(tmp_path / "cache"),
        "FRAMES__KEEP": "false",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'flaremon.db'}",
        "MODELS_DIR": str(shelf),
        "MODEL": MAIN,
        "DEVICE": "cpu",
    }.items():
        monkeypatch.setenv(f"FLAREMON_{name}", value)
    upgrade(f"sqlite:///{tmp_path / 'flaremon.db'}")
    return tmp_path


@pytest.fixture
def engine(home):
    with open_database(f"sqlite:///{home / 'flaremon.db'}") as engine:
        yield engine


def job(engine, shadow="", **changes):
    """The main job as the command line makes it."""
    settings = read_settings(shadow=shadow)
    made = main_job.Job(
        source=wiring.source(settings),
        engine=engine,
        package=wiring.package(settings),
        load_predictor=lambda: wiring.predictor(settings),
        series=settings.jsoc.series,
        lookback=timedelta(hours=6),
        calibrating=wiring.calibrating(settings),
        catalog="swpc",
        shadows=wiring.shadows(settings),
    )
    return replace(made, **changes)


def a_run():
    return Run(run_id="test-run", now=utc_now())


def stored(engine, model):
    with session_scope(engine) as session:
        found = store.predictions(session, model=ModelId.parse(model))
        return {(p.prediction.key.t_rec, p.prediction.event): p.prediction for p in found}


def said(engine, model):
    """What a model said, without what tells one run from another."""
    return {key: (p.probability, p.threshold) for key, p in stored(engine, model).items()}


@pytest.fixture
def frames_made(monkeypatch):
    """Sizes of the frames that were made, in their order."""
    made = []

    def counting(real):
        def to_frame(magnetogram, spec):
            made.append(spec.size_px)
            return real(magnetogram, spec)

        return to_frame

    for room in ("flaremon.pipeline", "flaremon.job.shadows"):
        module = pytest.importorskip(room)
        monkeypatch.setattr(module, "to_frame", counting(module.to_frame))
    return made


def test_shadows_score_the_same_records_at_the_same_moment_and_change_nothing(
    engine, frames_made, replica
):
    with session_scope(engine) as session:
        first, last = (utc_now() + timedelta(days=days) for days in (-40, 1))
        store.add_periods(session, [period(0, 0, start=first, end=last)], **NOTE)
    run = a_run()
    shadow = f"{TWIN},{SMALL},{RATE},{MAIN}"
    report = main_job.run_once(job(engine, shadow), run)
    assert {p.model for p in report.predictions} == {ModelId.parse(MAIN)}
    assert (report.stored, report.failures) == (6, [])
    told = {str(t.model): (t.scored, t.stored, t.failed, t.error) for t in report.shadows}
    assert told == {TWIN: (3, 6, 0, None), SMALL: (3, 6, 0, None), RATE: (3, 15, 0, None)}
    # One frame of each geometry per record; the twin and the rates look at the main one's.
    assert sorted(frames_made) == [256] * 3 + [512] * 3
    assert sum(call.path.startswith("/SUM") for call in replica.calls) == 3
    main = stored(engine, MAIN)
    for model in (TWIN, SMALL, RATE):
        rows = stored(engine, model)
        assert {p.issued_at for p in rows.values()} == {run.now}
        assert {p.mode for p in rows.values()} == {p.mode for p in main.values()}
        assert {key for key, _ in rows} == {key for key, _ in main}
    activity = {p.activity_source for p in stored(engine, RATE).values()}
    assert all(source.startswith("swpc as of") for source in activity)


def test_a_shadow_says_what_it_would_say_as_the_model_that_answers(engine, home, monkeypatch):
    main_job.run_once(job(engine, f"{SMALL},{RATE}"), a_run())
    upgrade(f"sqlite:///{home / 'alone.db'}")
    with open_database(f"sqlite:///{home / 'alone.db'}") as other:
        for model in (SMALL, RATE):
            monkeypatch.setenv("FLAREMON_MODEL", model)
            main_job.run_once(job(other), a_run())
            alone, beside = said(other, model), said(engine, model)
            assert alone.keys() == beside.keys()
            for key, (probability, threshold) in beside.items():
                assert alone[key] == (pytest.approx(probability, abs=1e-6), threshold)


def test_a_slot_that_only_the_model_that_answers_has_is_caught_up_from_the_cache(engine, replica):
    main_job.run_once(job(engine), a_run())
    downloads = sum(call.path.startswith("/SUM") for call in replica.calls)
    later = a_run()
    report = main_job.run_once(job(engine, SMALL), later, newest_only=True)
    assert (report.undecided, report.stored) == (0, 0)
    # The newest first, and one at a time where an answer is waited for.
    newest = max(t_rec for t_rec, _ in stored(engine, MAIN))
    assert {t_rec for t_rec, _ in stored(engine, SMALL)} == {newest}
    report = main_job.run_once(job(engine, SMALL), later)
    assert [(t.scored, t.stored) for t in report.shadows] == [(2, 4)]
    assert stored(engine, SMALL).keys() == stored(engine, MAIN).keys()
    assert {p.issued_at for p in stored(engine, SMALL).values()} == {later.now}
    assert sum(call.path.startswith("/SUM") for call in replica.calls) == downloads
    idle = main_job.run_once(job(engine, SMALL), a_run())
    assert [(t.scored, t.error) for t in idle.shadows] == [(0, None)]


def test_what_the_model_that_answers_lacks_is_not_caught_up(engine, replica):
    replica.faults.append(Fault("missing-file", on="sums", at=(1,)))
    report = main_job.run_once(job(engine, TWIN), a_run())
    assert len(report.failures) == 1
    assert stored(engine, TWIN).keys() == stored(engine, MAIN).keys()


def broken(kind, shelf, home):
    """Return a shadow that is wrong in some way, on a shelf of its own beside the good ones."""
    folder = home / "models"
    shutil.copytree(shelf, folder)
    package = folder / "tiny-twin" / "1.0.0"
    if kind == "missing package":
        shutil.rmtree(package)
    elif kind == "malformed description":
        (package / "model.toml").write_text("format = 1\n")
    elif kind == "altered weights":
        weights = package / "weights.safetensors"
        weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    return folder


@pytest.mark.parametrize("kind", ["missing package", "malformed description", "altered weights"])
def test_a_shadow_that_cannot_be_loaded_is_named_and_costs_nothing(
    engine, home, shelf, monkeypatch, caplog, kind
):
    monkeypatch.setenv("FLAREMON_MODELS_DIR", str(broken(kind, shelf, home)))
    with caplog.at_level(logging.WARNING, "flaremon"):
        report = main_job.run_once(job(engine, f"{TWIN},{SMALL}"), a_run())
    assert (report.stored, report.failures, len(report.predictions)) == (6, [], 6)
    twin, small = report.shadows
    assert (twin.scored, twin.stored, small.scored) == (0, 0, 3)
    assert twin.failed >= 1
    assert twin.error
    assert json.loads(json.dumps(report.as_json()))["shadows"][0]["error"] == twin.error
    # Said once, however many records there are.
    assert [r.message for r in caplog.records].count(f"shadow {TWIN}, which nobody is waiting "
                                                     f"for: {twin.error}") == 1  # fmt: skip
    assert stored(engine, TWIN) == {}


def without_memory(predictor):
    raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")


def not_a_number(predictor):
    with torch.no_grad():
        for parameter in predictor._network.parameters():
            parameter.fill_(float("nan"))


@pytest.mark.parametrize(
    ("spoil", "why"), [(without_memory, "out of memory"), (not_a_number, "no finite answer")]
)
def test_a_shadow_that_fails_while_it_scores_is_named_and_costs_nothing(engine, spoil, why):
    package = wiring.package(read_settings(model=TWIN))

    def load():
        predictor = Predictor(package, device="cpu")
        spoil(predictor)
        return predictor

    shadow = main_job.Shadow(
        model=package.id, load_package=lambda: package, load_predictor=load, calibrating=None
    )
    report = main_job.run_once(job(engine, shadows=[shadow]), a_run())
    assert (report.stored, report.failures) == (6, [])
    (told,) = report.shadows
    assert (told.scored, told.stored) == (0, 0)
    assert told.failed >= 3 or spoil is without_memory
    assert why in told.error
    # The next run makes it good.
    report = main_job.run_once(job(engine, TWIN), a_run())
    assert [(t.scored, t.error) for t in report.shadows] == [(3, None)]


def test_nobody_who_asks_for_the_answer_sees_a_shadow(engine, home, monkeypatch, capsys):
    monkeypatch.setenv("FLAREMON_SHADOW", TWIN)

    def ask(*arguments):
        code = run_main(*arguments)
        return code, capsys.readouterr().out

    code, told = ask("now", "--catch-up", "--json")
    document = json.loads(told)
    assert [t["scored"] for t in document["run"]["shadows"]] == [3]
    assert {a["model"] for a in document["cnn"]} == {MAIN}
    assert document["exit_code"] == code
    for command in (["status"], ["status", "--json"], ["predictions"], ["now"]):
        assert TWIN not in ask(*command)[1]
    # A shadow that is always sure has no say in the exit code.
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE predictions SET flare = :no, probability = 0.1, threshold = 0.5"),
            {"no": False},
        )
        connection.execute(
            text(
                "UPDATE predictions SET flare = :yes, probability = 0.9 WHERE model_id = "
                "(SELECT id FROM models WHERE name = 'tiny-twin')"
            ),
            {"yes": True},
        )
    assert ask("status")[0] == 0
    rows = [json.loads(row) for row in ask("predictions", "--format", "json")[1].splitlines()]
    assert {row["model"] for row in rows} == {MAIN}
    every = ask("predictions", "--model", "all", "--format", "json")[1].splitlines()
    assert {json.loads(row)["model"] for row in every} == {MAIN, TWIN}
    assert len(every) == 2 * len(rows)


def test_the_windows_of_a_shadow_get_outcomes(engine):
    main_job.run_once(job(engine, RATE), a_run())
    now = utc_now() + timedelta(days=3)
    with session_scope(engine) as session:
        store.add_periods(session, [period(0, 0, start=now - timedelta(days=9), end=now)], **NOTE)
        truth.decide(session, now=now, catalog="swpc", lag=timedelta(0), run_id="test")
        decided = {
            str(event): len(list(store.event_outcomes(session, event=event, catalog="swpc")))
            for event in (spec.event for spec in wiring.package(read_settings(model=RATE)).events)
        }
    assert set(decided.values()) == {3}
