"""Baselines beside predictions of the past: after a backfill, or by a list that came late."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from support import sky, slots
from support.packages import write_package
from support.pictures import NAME, levels, save, view
from support.suns import Sun

from flaremon import store
from flaremon.cli import main
from flaremon.database import session_scope
from flaremon.domain import FlareEvent, Mode
from flaremon.store import SlotRange
from flaremon.truth import PERSISTENCE, TRAILING_CLIMATOLOGY, fill_baselines

NOW = datetime(2026, 11, 24, tzinfo=UTC)
T_OBS = datetime(2026, 2, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def engine(tmp_path):
    engine = sky.blank_engine(tmp_path)
    yield engine
    engine.dispose()


def listed(engine, *, since=T_OBS - 40 * DAY, until=T_OBS + DAY, catalog="swpc"):
    sky.see(
        engine,
        seen_at=NOW,
        flares=[sky.flare(T_OBS - timedelta(hours=3), "M2.0")],
        periods=[sky.covered(since, until, catalog=catalog)],
        catalog=catalog,
    )


def predicted(engine, *records, events=slots.EVENTS, **changes):
    with session_scope(engine) as session:
        slots.register(session)
        store.add_records(session, records, **slots.LISTING)
        made = [slots.prediction(item, event, **changes) for item in records for event in events]
        store.add_outcomes(session, made)


def said(engine, who=PERSISTENCE):
    with session_scope(engine) as session:
        return {
            (str(item.event), item.window.start): item
            for item in store.forecasts(session, forecaster=who)
        }


def fill(engine, **options):
    return fill_baselines(engine, catalog="swpc", now=NOW, run_id="test", **options)


def test_every_predicted_window_that_the_list_answers_for_gets_both_baselines_once(engine):
    listed(engine)
    records = [slots.record(number) for number in (0, 1, 200)]  # the last one is beyond the list
    predicted(engine, *records, mode=Mode.HINDCAST)
    assert fill(engine) == 2 * 2 * 2
    assert fill(engine) == 0
    for who in (PERSISTENCE, TRAILING_CLIMATOLOGY):
        found = said(engine, who)
        assert {start for _, start in found} == {records[0].t_obs, records[1].t_obs}
        assert {item.mode for item in found.values()} == {Mode.HINDCAST}
    assert said(engine)["M1+/24h", records[0].t_obs].probability == 1.0


def test_what_an_interrupted_backfill_left_is_filled_and_what_is_said_stands(engine):
    predicted(engine, slots.record(0))
    assert fill(engine) == 0  # no list yet
    listed(engine)
    assert fill(engine) == 4
    first = said(engine)
    predicted(engine, slots.record(1), events=[slots.M_24H])
    assert fill(engine) == 2
    assert said(engine).items() >= first.items()


def test_only_the_range_that_is_asked_for_is_filled(engine):
    listed(engine)
    records = [slots.record(number) for number in (0, 60)]
    predicted(engine, *records)
    asked = SlotRange(series=slots.NRT, low=records[1].key.t_rec, high="2026.02.02_00:00:00_TAI")
    assert fill(engine, slots=asked) == 4
    assert {start for _, start in said(engine)} == {records[1].t_obs}


def test_a_list_that_knows_ten_days_gives_persistence_alone(engine):
    listed(engine, since=T_OBS - 10 * DAY)
    predicted(engine, slots.record(0), events=[slots.M_24H])
    assert fill(engine) == 1
    assert said(engine, TRAILING_CLIMATOLOGY) == {}


@pytest.fixture
def flaremon(engine, tmp_path, monkeypatch, capsys):
    """A function that runs a command on the same database."""
    write_package(tmp_path / "models")
    for name, value in {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'test.db'}",
        "MODELS_DIR": str(tmp_path / "models"),
        "MODEL": "tiny-cnn@0.0.1",
        "DEVICE": "cpu",
        "CACHE__DIR": str(tmp_path / "cache"),
        "FRAMES__DIR": str(tmp_path / "frames"),
    }.items():
        monkeypatch.setenv(f"FLAREMON_{name}", value)

    def run(*arguments, code=0):
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        told = capsys.readouterr()
        assert (ended.value.code or 0) == code, told
        return told

    return run


def test_files_of_a_folder_get_baselines_coverage_and_receipts(flaremon, engine, tmp_path):
    listed(engine)
    folder = tmp_path / "files"
    folder.mkdir()
    save(folder / NAME, levels(view(512, noise_gauss=10.0), Sun()), quality=95)
    told = flaremon("backfill", "--from-dir", folder, "--workers", 0, "--json")
    assert json.loads(told.out)["tally"]["predicted"] == 1
    assert "persistence@1.0.0 and trailing-climatology@1.0.0 stored beside" in told.err
    assert {start for _, start in said(engine)} == {T_OBS}
    assert len(said(engine)) == 2

    covered = flaremon("coverage", "--series", "file.jpg", "--since", "2026-01", "--format", "json")
    (day,) = [json.loads(line) for line in covered.out.splitlines()]
    assert (day["day"], day["expected"], day["predicted"]) == ("2026-02-01", 1, 1)
    assert day["missing"] == 0
    refused = flaremon(
        "coverage", "--series", "file.jpg", "--since", "2026-01", "--cadence", "1h", code=3
    )
    assert "file.jpg has none" in refused.err

    write_package(tmp_path / "models", name="other-cnn")
    again = ("rescore", "--model", "other-cnn@0.0.1", "--series", "file.jpg", "--json")
    assert json.loads(flaremon(*again).out)["tally"]["from_archive"] == 1
    assert json.loads(flaremon(*again).out)["tally"]["planned"] == 0

    key = "file.jpg[2026.02.01_00:00:37_TAI]"
    assert "Confirmed" in flaremon("verify-receipt", key).out
    told = flaremon("explain", key, "--model", "tiny-cnn@0.0.1").out
    assert "none: a file from a folder" in told
    assert "no bit is set): clean, as far as its file tells" in told
    (folder / NAME).rename(folder / "other.jpg")
    assert f"{NAME} is gone or was moved" in flaremon("verify-receipt", key, code=3).out


def test_the_list_of_forecasters_says_why_climatology_is_silent(flaremon, engine):
    predicted(engine, slots.record(0), events=[slots.M_24H])
    now = datetime.now(UTC)
    listed(engine, since=T_OBS - 10 * DAY)
    sky.see(engine, seen_at=now, periods=[sky.covered(now - 10 * DAY, now)])
    flaremon("forecasts", "baselines")
    told = flaremon("forecasts", "list").out
    assert "trailing-climatology@1.0.0 says nothing about M1+/24h now: flare list swpc" in told
    assert "of the last 30 days, and a climatology needs 15" in told
    assert "persistence@1.0.0 says nothing" not in told
    assert "says nothing" not in flaremon("forecasts", "list", "--format", "csv").out


def test_a_list_that_came_late_is_asked_by_a_command(flaremon, engine):
    predicted(engine, slots.record(0), events=[FlareEvent.parse("M1+/24h")])
    assert "was never read" in flaremon("forecasts", "baselines").out
    listed(engine, catalog="hek")
    assert "2 forecasts by" in flaremon("forecasts", "baselines", "--catalog", "hek").err
    assert "Nothing to store" in flaremon("forecasts", "baselines", "--catalog", "hek").out
