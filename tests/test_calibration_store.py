"""Calibrators in the database and in packages, and predictions on their way through them."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import text
from support import rows
from support.calibrators import calibrator
from support.packages import write_package, write_rate_package

from flaremon import __version__, pipeline, store, truth
from flaremon import job as main_job
from flaremon.cache import FileCache
from flaremon.calibration import (
    FILE,
    Calibrating,
    calibrated,
    find_calibrator,
    package_calibrator,
    save,
    stored_calibrators,
    to_text,
    without_database,
)
from flaremon.calibration.curves import logit, sigmoid
from flaremon.cli import main
from flaremon.config import JsocSettings
from flaremon.database import open_engine, session_scope, upgrade
from flaremon.domain import (
    ActivityLevel,
    CatalogPeriod,
    ClassScale,
    Flare,
    FlareClass,
    FlareEvent,
    Mode,
    RejectionReason,
)
from flaremon.errors import ConfigurationError, ModelError, StoreError
from flaremon.inference import Predictor
from flaremon.jsoc import Jsoc
from flaremon.package import list_packages, shipped_models
from flaremon.replica import Replica
from flaremon.times import utc_now

M_DAY, C_NOW = rows.EVENTS
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    return Predictor(write_package(tmp_path_factory.mktemp("models")), device="cpu")


def of(package, **changes):
    """Return a calibrator of a package."""
    return calibrator(model=str(package.id), weights_sha256=package.weights_sha256, **changes)


def register(session, package):
    store.register_model(
        session,
        model=package.id,
        weights_sha256=package.weights_sha256,
        events=[spec.event for spec in package.events],
        now=START,
    )


def listed(session, flares, *, start, end):
    """Store M2 flares at some instants in a list that answers for all of a period."""
    items = [
        Flare(
            start=at, peak=at, end=at + timedelta(minutes=9), flare_class=FlareClass("M", 2.0),
            peak_flux_w_m2=2e-5, source="tests", class_scale=ClassScale.TRUE_FLUX,
        )
        for at in flares
    ]  # fmt: skip
    store.add_flares(session, items, catalog="swpc", seen_at=end, run_id="tests")
    period = CatalogPeriod(catalog="swpc", start=start, end=end, flux_w_m2=1e-7, has_ends=True)
    store.add_periods(session, [period], seen_at=end, run_id="tests")


def test_a_calibrator_is_stored_once_and_the_newest_one_is_used(engine, predictor):
    package = predictor.package
    old, new = of(package), of(package, software="newer", fitted_at=START + 900 * DAY)
    unregistered = pytest.raises(StoreError, match="is not in this database")
    with session_scope(engine) as session, unregistered:
        save(session, old, now=START)
    with session_scope(engine) as session:
        register(session, package)
        assert find_calibrator(session, package, choice="auto") is None
        written = [save(session, item, now=START) for item in (new, old, new, old)]
        assert written == [True, True, False, False]
    with session_scope(engine) as session:
        assert stored_calibrators(session) == [new, old]
        assert find_calibrator(session, package, choice="auto") == new
        assert find_calibrator(session, package, choice=old.id) == old
        assert find_calibrator(session, package, choice="none") is None
        with pytest.raises(ConfigurationError, match="has no calibrator 0123456789ab"):
            find_calibrator(session, package, choice="0123456789ab")


def test_a_calibrator_of_other_weights_or_one_that_was_altered_is_refused(engine, predictor):
    package = predictor.package
    other = of(replace(package, weights_sha256="f" * 64))
    with session_scope(engine) as session:
        register(session, package)
        save(session, other, now=START)
        with pytest.raises(ModelError, match="fit it again or set FLAREMON_CALIBRATOR=none"):
            find_calibrator(session, package, choice="auto")
        document = json.dumps({**json.loads(_document(session)), "software": "somebody"})
        session.execute(text("UPDATE calibrators SET document = :d"), {"d": document})
        with pytest.raises(ModelError, match="was altered"):
            find_calibrator(session, package, choice="auto")


def _document(session) -> str:
    found = session.execute(text("SELECT document FROM calibrators")).scalar_one()
    return found if isinstance(found, str) else json.dumps(found)


def test_a_package_brings_its_own_which_yields_to_a_stored_one(engine, tmp_path):
    package = write_package(tmp_path)
    own, stored = of(package), of(package, software="stored", fitted_at=START)
    (package.folder / FILE).write_text(to_text(own))
    assert package_calibrator(package) == own
    with session_scope(engine) as session:
        register(session, package)
        assert find_calibrator(session, package, choice="auto") == own
        save(session, stored, now=START)
        assert find_calibrator(session, package, choice="auto") == stored
        assert find_calibrator(session, package, choice=own.id) == own


def test_a_file_of_another_model_in_a_package_is_refused(tmp_path):
    package = write_package(tmp_path)
    (package.folder / FILE).write_text(to_text(calibrator()))
    with pytest.raises(ModelError, match="with weights 000000000000, not of"):
        package_calibrator(package)


def test_files_are_scored_with_the_packages_own_calibrator_or_none(tmp_path):
    package = write_package(tmp_path)
    assert without_database(package, choice="auto") is None
    own = of(package)
    (package.folder / FILE).write_text(to_text(own))
    assert without_database(package, choice="auto") == own
    assert without_database(package, choice=own.id) == own
    assert without_database(package, choice="none") is None
    with pytest.raises(ConfigurationError, match="does not hold calibrator 0123456789ab"):
        without_database(package, choice="0123456789ab")


def test_files_are_not_calibrated_where_the_network_waits_for_recent_flares(tmp_path):
    package = write_rate_package(tmp_path)
    (package.folder / FILE).write_text(to_text(of(package)))
    assert without_database(package, choice="auto") is None


def test_activity_is_what_had_started_by_the_observation_and_never_later(engine):
    item = calibrator(*map(str, rows.EVENTS))
    with session_scope(engine) as session:
        register_rows(session)
        flare = START + 10 * DAY
        listed(session, [flare], start=START, end=START + 20 * DAY)
        times = [flare - HOUR, flare, flare + 23 * HOUR, flare + 24 * HOUR, START + 25 * DAY]
        records = [rows.record(time) for time in times]
        made = [rows.prediction(record, M_DAY, probability=0.5) for record in records]
        made.append(rows.prediction(records[0], C_NOW, probability=0.5))
        made.append(rows.rejection(records[0], RejectionReason.BLANK))
        found = calibrated(session, made, calibrator=item, catalog="swpc", now=START)
    *days, now, rejection = found
    levels = [prediction.activity for prediction in days]
    assert levels == ["quiet", "active", "active", "quiet", "unknown"]
    expected = {"active": sigmoid(np.array(1.0)), "quiet": sigmoid(np.array(-1.0)), "unknown": 0.5}
    assert [p.probability for p in days] == pytest.approx([float(expected[n]) for n in levels])
    assert all(p.activity_source.startswith("swpc as of 2024-01-21") for p in days[:4])
    assert days[4].activity_source == "swpc: no answer for these hours"
    # A flare in progress is not asked about flares in progress.
    assert (now.activity, now.activity_source, now.calibrator) == (None, None, item.id)
    assert rejection is made[-1]


def register_rows(session):
    store.register_model(
        session, model=rows.MODEL, weights_sha256="0" * 64, events=rows.EVENTS, now=START
    )


def test_events_that_it_does_not_know_and_calibrated_predictions_stay_as_they_are(engine):
    item = calibrator("M1+/24h")
    record = rows.record(START)
    with session_scope(engine) as session:
        register_rows(session)
        made = [rows.prediction(record, M_DAY), rows.prediction(record, C_NOW)]
        once = calibrated(session, made, calibrator=item, catalog="swpc", now=START)
        assert once[0].calibrator == item.id
        assert once[1] is made[1]
        newer = calibrator("M1+/24h", software="newer")
        assert calibrated(session, once, calibrator=newer, catalog="swpc", now=START) == once
        assert calibrated(session, made, calibrator=None, catalog="swpc", now=START) == made


def test_what_was_said_without_recent_flares_is_left_to_the_network_that_says_it(engine):
    item = calibrator(*map(str, rows.EVENTS))
    record = rows.record(START + 10 * DAY)
    knew = {"activity": ActivityLevel.QUIET, "activity_source": "swpc as of 2024-01-11T00:00:00Z"}
    with session_scope(engine) as session:
        register_rows(session)
        listed(session, [], start=START, end=START + 20 * DAY)
        made = [rows.prediction(record, event, **knew) for event in rows.EVENTS]
        made.append(rows.prediction(record, M_DAY, activity=ActivityLevel.UNKNOWN))
        day, now, alone = calibrated(session, made, calibrator=item, catalog="swpc", now=START)
    assert (day.calibrator, now.calibrator) == (item.id, item.id)
    assert day.knew_flares
    # The calibrator does not ask for flares in progress, but the network did.
    assert (now.activity, now.activity_source) == tuple(knew.values())
    assert alone is made[-1]


def test_every_prediction_of_a_run_keeps_raw_score_calibrated_probability_and_calibrator(
    engine, predictor, hmi_archive, tmp_path
):
    package, run = predictor.package, pipeline.Run(run_id="test-run", now=utc_now())
    first = of(package, events=calibrator(*map(str, rows.EVENTS)).events)
    newer = replace(first, software="newer", fitted_at=utc_now())
    cache = FileCache(tmp_path / "cache", max_bytes=10**9, max_age=DAY)
    with Replica(hmi_archive, latest_as_now=True) as server:
        settings = JsocSettings(base_url=server.base_url, min_interval_s=0, deadline_s=10)
        job = main_job.Job(
            source=Jsoc(settings, cache), engine=engine, package=package,
            load_predictor=lambda: predictor, series="hmi.M_720s_nrt", lookback=timedelta(hours=6),
            calibrating=Calibrating(
                find=lambda session: find_calibrator(session, package, choice="auto"),
                catalog="swpc",
            ),
        )  # fmt: skip
        with session_scope(engine) as session:
            register(session, package)
            save(session, first, now=run.now)
            listed(session, [run.now - 20 * HOUR], start=run.now - 9 * DAY, end=run.now + HOUR)
        reported = main_job.run_once(job, run, newest_only=True).predictions
        before = rows_of(engine)
        with session_scope(engine) as session:
            save(session, newer, now=run.now)
        main_job.run_once(job, run)
    after = rows_of(engine)
    assert (len(before), len(after)) == (2, 6)
    assert [after[key] for key in before] == list(before.values())  # a new one changes nothing
    assert set(reported) == set(before.values())
    assert {p.calibrator for p in before.values()} == {first.id}
    assert {p.calibrator for key, p in after.items() if key not in before} == {newer.id}
    for (_, event), item in after.items():
        raw = float(sigmoid(np.asarray(item.score)))
        assert item.raw_probability == pytest.approx(raw, abs=1e-6)
        active = event == str(M_DAY)
        assert item.activity is (ActivityLevel.ACTIVE if active else None)
        expected = sigmoid(logit(np.asarray(raw)) + (1.0 if active else 0.0))
        assert item.probability == pytest.approx(float(expected), abs=1e-6)
        assert item.threshold == 0.25


def rows_of(engine):
    with session_scope(engine) as session:
        found = [row.prediction for row in store.predictions(session)]
    return {(str(p.key), str(p.event)): p for p in found}


# From stored predictions to a stored calibrator.


@pytest.fixture
def history(tmp_path, monkeypatch):
    """Half a year of hindcasts that say too much, their outcomes, and settings that name both."""
    url = f"sqlite:///{tmp_path / 'history.db'}"
    upgrade(url)
    engine, package = open_engine(url), write_package(tmp_path / "models")
    rng = np.random.default_rng(0)
    busy = [START + k * DAY for k in range(180) if np.sin(k / 5) > 0.5]
    flares = [day + float(rng.random()) * DAY for day in busy for _ in range(2)]
    records = [rows.record(START + 10 * DAY + k * 6 * HOUR) for k in range(600)]
    made = []
    for record in records:
        soon = any(record.t_obs < flare <= record.t_obs + DAY for flare in flares)
        said = float(sigmoid(np.asarray(rng.normal(2.5 if soon else 1.0, 1.0))))
        made.append(rows.prediction(record, M_DAY, probability=said, mode=Mode.HINDCAST))
    with session_scope(engine) as session:
        register(session, package)
        listed(session, flares, start=START, end=START + 170 * DAY)
        store.add_records(
            session, records, source="test", base_url="http://127.0.0.1", run_id="test",
            listed_at=START,
        )  # fmt: skip
        store.add_outcomes(session, made)
        truth.decide(session, now=START + 300 * DAY, catalog="swpc", lag=DAY, run_id="test")
    monkeypatch.setenv("FLAREMON_DATABASE_URL", url)
    monkeypatch.setenv("FLAREMON_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("FLAREMON_MODEL", str(package.id))
    yield engine, package
    engine.dispose()


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    return end.value.code


def test_stored_predictions_are_calibrated_judged_and_the_calibrator_stored_once(history, capsys):
    engine, package = history
    calibrate = ("calibrate", "--bootstrap", "0", "--judge-from", "2024-05-01")
    assert run(*calibrate, "--dry-run") == 0
    assert run("calibrators") == 0
    assert "no calibrators" in capsys.readouterr().out
    assert run(*calibrate, "--format", "json") == 0
    told = capsys.readouterr()
    document = json.loads(told.out)
    assert "stored" in told.err
    assert document["document"]["origin"]["modes"] == "hindcast"
    assert document["document"]["origin"]["truth"].startswith("outcomes by the list swpc as of")
    calibrated_one, raw = document["judged"][0]["forecasters"][:2]
    assert calibrated_one["figures"]["bss"]["value"] > raw["figures"]["bss"]["value"] + 0.3
    assert run(*calibrate) == 0
    assert "nothing is new" in capsys.readouterr().err
    with session_scope(engine) as session:
        (item,) = stored_calibrators(session, model=package.id)
        assert item.id == document["id"]
        assert find_calibrator(session, package, choice="auto") == item
    assert run("calibrators", item.id, "--json") == 0
    assert capsys.readouterr().out == to_text(item)
    assert run("calibrators", "0123456789ab") == 3


def test_a_calibrator_is_written_into_its_package_once_and_never_over_another(history, capsys):
    _, package = history
    calibrate = ("calibrate", "--bootstrap", "0", "--into-package")
    assert run(*calibrate, "--dry-run") == 0
    assert package_calibrator(package) is None
    assert run(*calibrate) == 0
    assert f"wrote {package.folder / FILE}" in capsys.readouterr().err
    first = package_calibrator(package)
    assert first is not None
    assert first.software == f"flaremon {__version__}"
    assert run(*calibrate) == 0
    assert f"holds calibrator {first.id} already" in capsys.readouterr().err
    assert run(*calibrate, "--judge-from", "2024-05-01") == 3
    assert "remove that file first" in capsys.readouterr().err
    assert package_calibrator(package) == first


def test_what_was_calibrated_already_is_fitted_by_its_raw_numbers(history):
    engine, _ = history
    assert run("calibrate", "--bootstrap", "0") == 0
    with session_scope(engine) as session:
        (item,) = stored_calibrators(session)
        session.execute(
            text("UPDATE predictions SET raw_probability = probability, probability = 0.5")
        )
    assert run("calibrate", "--bootstrap", "0") == 0
    with session_scope(engine) as session:
        assert stored_calibrators(session) == [item]


@pytest.fixture
def two_networks(history, tmp_path, monkeypatch):
    """The same history of a model that reads recent flares, which every other answer knew."""
    engine, _ = history
    package = write_rate_package(tmp_path / "rates", name=rows.MODEL.name)
    description = package.folder / "model.toml"
    both = "threshold = 0.5\nthreshold_with_recent_flares = 0.75\n"
    description.write_text(description.read_text().replace("threshold = 0.5\n", both))
    monkeypatch.setenv("FLAREMON_MODELS_DIR", str(tmp_path / "rates"))
    with session_scope(engine) as session:
        session.execute(
            text("UPDATE models SET weights_sha256 = :sha"), {"sha": package.weights_sha256}
        )
        session.execute(text("UPDATE predictions SET activity = 'unknown'"))
        session.execute(
            text("UPDATE predictions SET activity_source = :told WHERE id % 2 = 0"),
            {"told": "swpc as of 2024-06-01T00:00:00Z"},
        )
        # The other network, on another scale.
        session.execute(text("UPDATE predictions SET probability = 0.9 WHERE id % 2 = 1"))
    return engine


FITTED = ("calibrate", "--bootstrap", "0", "--judge-from", "2024-05-01", "--until", "2024-04-15")


def test_a_model_of_two_networks_is_calibrated_by_what_it_said_knowing_recent_flares(
    two_networks, capsys
):
    assert run(*FITTED, "--dry-run", "--format", "json") == 0
    mixed = json.loads(capsys.readouterr().out)
    assert run(*FITTED, "--dry-run") == 0
    (count,) = mixed["without_recent_flares"].values()
    assert count > 250
    assert f"hours left out: {count} of M1+/24h, answered without recent" in capsys.readouterr().out
    with session_scope(two_networks) as session:
        session.execute(text("DELETE FROM predictions WHERE id % 2 = 1"))
    assert run(*FITTED, "--dry-run", "--format", "json") == 0
    alone = json.loads(capsys.readouterr().out)
    assert (mixed["id"], mixed["judged"]) == (alone["id"], alone["judged"])
    assert alone["without_recent_flares"] == {"M1+/24h": 0}
    assert alone["judged"][0]["forecasters"][1]["threshold"] == 0.75
    assert alone["document"]["origin"]["source"].endswith("made with recent flares known")


def test_too_few_answers_that_knew_recent_flares_end_with_how_many_did_not(two_networks, capsys):
    left_out = "of M1+/24h, answered without recent flares"
    few, none = ("too few events to calibrate", left_out), ("was made with", "flares import")
    # One in forty knew them, then nobody.
    for least, words in ((0, few), (-1, none)):
        with session_scope(two_networks) as session:
            session.execute(
                text("UPDATE predictions SET activity_source = NULL WHERE id % 40 > :least"),
                {"least": least},
            )
        assert run(*FITTED) == 3
        said = capsys.readouterr().err
        assert all(part in said for part in words)


def test_without_outcomes_the_command_to_run_is_named(history, capsys):
    engine, _ = history
    with session_scope(engine) as session:
        session.execute(text("DELETE FROM outcomes"))
    assert run("calibrate") == 3
    assert "flaremon outcomes update" in capsys.readouterr().err
    assert run("calibrate", "--mode", "live") == 3


def test_an_unknown_event_leaves_nothing_to_calibrate(history, capsys):
    assert run("calibrate", "--event", str(FlareEvent.parse("X1+/24h"))) == 3
    assert "no stored prediction" in capsys.readouterr().err


def test_calibrators_that_ship_are_of_their_packages_and_help_to_answer():
    found = [
        (package, item)
        for package in list_packages(shipped_models())
        if (item := package_calibrator(package)) is not None
    ]
    assert "fulldisk-cnn@1.0.0" in {str(package.id) for package, _ in found}
    for package, item in found:
        events = {spec.event for spec in package.events}
        assert set(item.events) <= events
        # Not fitted to what the weights were fitted to: their numbers are too good there.
        assert item.origin.since[:10] > package.training.end.isoformat()


def test_scored_files_say_raw_and_calibrated_and_that_activity_is_unknown(
    hmi_archive, tmp_path, monkeypatch, capsys
):
    package = write_package(tmp_path)
    item = of(package)
    (package.folder / FILE).write_text(to_text(item))
    monkeypatch.setenv("FLAREMON_MODELS_DIR", str(tmp_path))
    monkeypatch.setenv("FLAREMON_MODEL", str(package.id))
    file = str(min(hmi_archive.glob("*.fits")))
    assert run("score", "--json", file) == 0
    day, now = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (day["calibrator"], day["activity"], day["threshold"]) == (item.id, "unknown", 0.25)
    told = item.apply(M_DAY, day["raw_probability"], ActivityLevel.UNKNOWN)
    assert day["probability"] == told
    assert day["flare"] == (told >= 0.25)
    assert (now["calibrator"], now["activity"]) == (None, None)
    assert now["probability"] == now["raw_probability"]
    monkeypatch.setenv("FLAREMON_CALIBRATOR", "none")
    assert run("score", file) == 0
    assert capsys.readouterr().out.count("not calibrated") == 2
