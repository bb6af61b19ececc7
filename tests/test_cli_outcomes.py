"""``flaremon outcomes`` and ``forecasts``, and ``predictions`` of who has no record."""

import csv
import io
import json
import os

import pytest
from support import slots
from support.truths import (
    C_24H,
    DAY,
    M_24H,
    T0,
    H,
    flare,
    gap,
    list_flares,
    open_database,
    period,
    speak,
)
from typer.testing import CliRunner

from flaremon import store
from flaremon.cli import commands
from flaremon.cli._app import app
from flaremon.database import session_scope, upgrade
from flaremon.domain import Mode
from flaremon.errors import FlaremonError
from flaremon.truth import decide, issue_baselines

assert commands


@pytest.fixture
def engine(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path / 'flaremon.db'}"
    monkeypatch.setitem(os.environ, "FLAREMON_DATABASE_URL", url)
    upgrade(url)
    with open_database(url) as engine:
        yield engine


def flaremon(*arguments):
    done = CliRunner().invoke(app, list(arguments), prog_name="flaremon")
    if isinstance(done.exception, FlaremonError):
        raise done.exception
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


@pytest.fixture
def forecast_and_listed(engine):
    with session_scope(engine) as session:
        speak(session, 0, 6, 30, 200)
        speak(session, 0, event=C_24H)
        list_flares(
            session, period(-40 * 24, 100), gap(50, 51), flare(25, "M2.5"), flare(-3, "C2.0")
        )
    return engine


def test_outcomes_are_decided_once_and_counted_by_event_and_state(forecast_and_listed):
    told = flaremon("outcomes", "update")
    assert "By the list swpc as of 2026-02-11T00:00:00Z:" in told
    assert "C1+/24h  1 scored (0 flare, 1 no flare), 0 unknown, 0 revised, 0 over" in told
    assert "M1+/24h  2 scored (1 flare, 1 no flare), 1 unknown, 0 revised, 1 over" in told
    assert "waiting for the list" in told
    again = flaremon("outcomes", "update", "--lag-h", "0")
    assert "M1+/24h  0 scored (0 flare, 0 no flare), 0 unknown, 0 revised, 1 over" in again


def test_outcomes_are_listed_as_table_json_and_csv_with_what_is_pending(forecast_and_listed):
    flaremon("outcomes", "update")
    table = flaremon("outcomes", "list", "--event", "M1+/24h")
    assert "FLARE          1 M2.5    N12E32" in table
    assert "has a gap from 2026-02-03T02:00:00Z to 2026-02-03T03:00:00Z" in table
    assert "3 outcome(s): 1 FLARE, 1 no flare, 1 unknown." in table
    # Window 200 h after T0, plus a day; the lag of a day is long over.
    assert "M1+/24h: 1 over and not decided, the last since 2026-02-10T08:00:00Z" in table
    assert "list swpc is read until 2026-02-05T04:00:00Z; read it beyond their end" in table
    assert "`flaremon flares fetch` or `flaremon flares import`" in table
    assert "C1+/24h" not in table
    lines = flaremon("outcomes", "list", "--format", "json").splitlines()
    rows = [json.loads(line) for line in lines]
    assert [(r["event"], r["flare"]) for r in rows] == [
        ("C1+/24h", False), ("M1+/24h", False), ("M1+/24h", True), ("M1+/24h", None),
    ]  # fmt: skip
    text = flaremon("outcomes", "list", "--format", "csv", "--since", "2026-02-01T01:00Z")
    first, *_ = csv.DictReader(io.StringIO(text))
    assert (first["flare"], first["flares"], first["state"], first["revision"]) == (
        "1", "1", "scored", "1",
    )  # fmt: skip


def test_history_shows_what_was_said_before_a_revision(forecast_and_listed):
    flaremon("outcomes", "update")
    with session_scope(forecast_and_listed) as session:
        list_flares(session, flare(25, "C9.9"), seen_at=T0 + 12 * DAY)
    # Windows are young enough for a revision only as seen from soon after them.
    with session_scope(forecast_and_listed) as session:
        now = T0 + 13 * DAY
        assert decide(session, now=now, catalog="swpc", lag=DAY, run_id="test").revised == 1
    table = flaremon("outcomes", "list", "--event", "M1+/24h", "--history")
    assert "4 outcome(s): 1 FLARE, 2 no flare, 1 unknown." in table


def test_without_a_list_or_a_forecast_the_reason_is_said(engine):
    assert "was never read" in flaremon("outcomes", "update")
    assert "`flaremon flares fetch`" in flaremon("outcomes", "update")
    assert "was never read" in flaremon("forecasts", "baselines")
    with session_scope(engine) as session:
        list_flares(session, period(0, 1))
    told = flaremon("outcomes", "update", "--catalog", "mine")
    assert "The flare list mine was never read" in told
    assert "read were swpc: choose with --catalog" in told
    assert "Nothing to decide" in flaremon("outcomes", "update")
    assert "0 outcome(s)." in flaremon("outcomes", "list")


def test_a_range_that_ends_before_it_begins_is_refused(engine):
    with pytest.raises(FlaremonError, match="is not after"):
        flaremon("outcomes", "list", "--since", "2026-02-02", "--until", "2026-02-01")


def test_forecasts_of_others_are_imported_listed_and_shown(engine, tmp_path):
    files = [tmp_path / "one.csv", tmp_path / "two.csv"]
    files[0].write_text("time_utc,probability\n2026-02-01T00:00Z,0.25\n2026-02-01T01:00Z,0.75\n")
    files[1].write_text("time_utc,probability\n2026-02-01T01:00Z,0.75\n2026-02-01T02:00Z,0.5\n")
    told = flaremon("forecasts", "import", *map(str, files), "--forecaster", "theirs@1.0.0")
    assert "one.csv: 2 forecasts of theirs@1.0.0 for M1+/24h: 2 new, 0 known." in told
    assert "two.csv: 2 forecasts of theirs@1.0.0 for M1+/24h: 1 new, 1 known." in told
    listed = flaremon("forecasts", "list")
    assert "theirs@1.0.0" in listed
    assert "external          3 2026-02-01T00:00:00Z 2026-02-01T02:00:00Z" in listed
    shown = flaremon("predictions", "--model", "theirs@1.0.0", "--min-probability", "0.4")
    assert "2 prediction(s)." in shown
    assert "75.0%      - hindcast theirs@1.0.0" in shown
    newest = json.loads(
        flaremon("predictions", "--model", "theirs@1.0.0", "--limit", "1", "--format", "json")
    )
    assert (newest["t_obs"], newest["flare"], newest["record"]) == (
        "2026-02-01T02:00:00Z", None, None,
    )  # fmt: skip


def test_a_bad_file_imports_nothing_of_all_files(engine, tmp_path):
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("time_utc,probability\n2026-02-01T00:00Z,0.25\n")
    bad.write_text("time_utc,probability\n2026-02-01T00:00Z,25\n")
    with pytest.raises(FlaremonError, match="line 2"):
        flaremon("forecasts", "import", str(good), str(bad), "--forecaster", "theirs@1.0.0")
    assert "theirs" not in flaremon("forecasts", "list")


def test_baselines_are_shown_in_the_columns_of_predictions(forecast_and_listed):
    record = slots.record()
    with session_scope(forecast_and_listed) as session:
        issue_baselines(
            session,
            times=[T0, T0 + 30 * H],
            events=[M_24H, C_24H],
            now=T0 + 31 * H,
            catalog="swpc",
            mode=Mode.LIVE,
            run_id="test",
        )
        store.add_records(session, [record], **slots.LISTING)
        slots.register(session)
        store.add_outcomes(session, [slots.prediction(record)])
    arguments = ("predictions", "--format", "csv", "--event", "M1+/24h")
    mine = flaremon(*arguments, "--model", str(slots.MODEL))
    ours = list(csv.DictReader(io.StringIO(mine)))
    theirs = list(csv.DictReader(io.StringIO(flaremon(*arguments, "--model", "persistence@1.0.0"))))
    assert list(ours[0]) == list(theirs[0])
    assert [(row["t_obs"], row["flare"], row["model"]) for row in theirs] == [
        ("2026-02-02T06:00:00Z", "1", "persistence@1.0.0"),
        ("2026-02-01T00:00:00Z", "0", "persistence@1.0.0"),
    ]
    table = flaremon("predictions", "--model", "persistence@1.0.0", "--mode", "live")
    assert "4 prediction(s)." in table
    assert "trailing-climatology@1.0.0" in flaremon("forecasts", "list", "--format", "csv")
    assert "0 prediction(s)." in flaremon(
        "predictions", "--model", "persistence@1.0.0", "--since", "2026-02-03"
    )
