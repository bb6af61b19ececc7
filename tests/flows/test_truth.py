"""The truth flow on a real Prefect server, a stand-in SWPC and a real database."""

import json
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from support.swpc import Swpc, automatic, fresh

from flaremon import store
from flaremon.config import read_settings
from flaremon.database import open_engine, session_scope, upgrade
from flaremon.domain import FlareEvent, Forecast, ForecasterKind, Mode, OutcomeState, Window
from flaremon.errors import SourceUnavailableError
from flaremon.goes import FORECASTER, PRODUCTS
from flaremon.times import utc_now
from flaremon.truth import observed as truth_observed
from flows import truth as flow
from flows.tasks import RETRIES, if_retriable
from flows.truth import ARTIFACT_KEY, truth

FIRST = [name for name in PRODUCTS if "secondary" not in name]
"""What is asked of the first satellite when nothing is known yet."""


def artifact():
    with get_client(sync_client=True) as client:
        found = client.request("GET", f"/artifacts/{ARTIFACT_KEY}/latest").json()
    return found["data"], found["flow_run_id"]


@pytest.fixture
def swpc(tmp_path, monkeypatch):
    with Swpc(fresh(utc_now())) as server:
        for name, value in {
            "SWPC__BASE_URL": server.base_url,
            "SWPC__MIN_INTERVAL_S": "0",
            "SWPC__ATTEMPTS": "1",  # so that what is retried is retried by Prefect
            "CACHE__DIR": str(tmp_path / "cache"),
            "DATABASE_URL": f"sqlite:///{tmp_path / 'flaremon.db'}",
        }.items():
            monkeypatch.setenv(f"FLAREMON_{name}", value)
        upgrade(read_settings().database_url.get_secret_value())
        yield server


@contextmanager
def database():
    engine = open_engine(read_settings().database_url.get_secret_value())
    try:
        with session_scope(engine) as session:
            yield session
    finally:
        engine.dispose()


def stored():
    with database() as session:
        return list(store.flares(session)), store.latest_xray(session)


@pytest.mark.usefixtures("prefect_server")
def test_what_swpc_says_is_stored_and_a_second_run_changes_nothing(swpc):
    told = truth()
    assert told["failed"] == []
    counts = {item["product"]: item for item in told["products"]}
    assert list(counts) == FIRST
    assert counts["xrays-7-day"]["xrays_new"] == 190
    assert counts["solar_probabilities"]["forecasts_new"] == 6
    assert counts["solar_regions"]["regions_new"] == 2
    assert counts["xray-flares-7-day"]["flares_new"] == 1
    # The flare of the 7-day list gets its region from the edited events.
    assert counts["edited_events"]["flares_revised"] == 1
    flares, state = stored()
    assert [(str(i.flare.flare_class), i.flare.noaa_ar, i.revision) for i in flares] == [
        ("M1.3", 14366, 2),
        ("None", None, 1),
    ]
    assert str(state.flare_class) == "B3.7"
    json.dumps(told, allow_nan=False)
    again = truth()
    assert stored() == (flares, state)
    assert all(
        item["flares_new"]
        == item["flares_revised"]
        == item["forecasts_new"]
        == item["regions_new"]
        == 0
        for item in again["products"]
    )
    # The long product of X-rays is for the first run and after pauses.
    assert [item["product"] for item in again["products"]] == FIRST[1:]
    assert again["covered"]["until"]
    assert (again["covered"]["gaps"], again["covered"]["why"]) == (0, "")
    text, told_by = artifact()
    assert told_by == again["run_id"]
    assert "| edited_events | 2 | 2 |" in text
    assert "The list answers for C1+ from" in text


@pytest.mark.usefixtures("prefect_server")
def test_one_product_that_has_changed_or_is_away_does_not_stop_the_others(swpc):
    swpc.faults["edited_events"] = "html"
    # A gap of the first satellite, and there is no second one.
    for name in ("xrays-6-hour", "xrays-7-day"):
        swpc.rows[name] = swpc.rows[name][:100] + swpc.rows[name][150:]
    swpc.faults["xrays-6-hour-secondary"] = "404"
    swpc.faults["xray-flares-7-day-secondary"] = "404"
    for row in swpc.rows["xray-flares-7-day"]:
        row["peak_class"] = row.pop("max_class")
    told = truth()
    failed, *second = told["failed"]
    assert [item["product"] for item in second] == [n for n in PRODUCTS if "secondary" in n]
    assert told["covered"]["gaps"] == 1
    assert (failed["product"], failed["retriable"]) == ("edited_events", False)
    assert swpc.requests.count("edited_events") == 1
    counts = {item["product"]: item["missing"] for item in told["products"]}
    assert counts["xray-flares-7-day"] == {"max_class": 1}
    text, _ = artifact()
    assert "xray-flares-7-day has changed" in text
    assert "`max_class` in 1" in text
    assert "<html>" not in text
    assert len(stored()[0]) == 2


@pytest.mark.usefixtures("prefect_server")
def test_windows_that_are_over_get_their_outcome_by_what_was_just_read(swpc, monkeypatch):
    now = utc_now()
    monkeypatch.setenv("FLAREMON_TRUTH__LAG_H", "0")
    at = now - timedelta(days=2)
    swpc.rows["xray-flares-7-day"].insert(0, automatic(at, "X1.1"))
    window = Window(start=at - timedelta(hours=20), end=at + timedelta(hours=4))
    quiet = Window(start=at + timedelta(hours=1), end=at + timedelta(hours=25))
    forecast = Forecast(
        forecaster=FORECASTER, event=FlareEvent.parse("M1+/24h"), window=window, probability=0.2,
        issued_at=now, mode=Mode.HINDCAST, source="test",
    )  # fmt: skip
    with database() as session:
        store.register_forecaster(
            session, forecaster=FORECASTER, kind=ForecasterKind.OFFICIAL, description="", now=now
        )
        both = [forecast, replace(forecast, window=quiet)]
        store.add_forecasts(session, both, run_id="test")
    told = truth()
    assert told["outcomes"]["catalog"] == "swpc"
    assert told["outcomes"]["scored"] >= 2
    with database() as session:
        known = {
            outcome.window.start: (outcome.state, outcome.flare)
            for outcome in store.event_outcomes(session, event=forecast.event, catalog="swpc")
        }
    assert known[window.start] == (OutcomeState.SCORED, True)
    assert known[quiet.start] == (OutcomeState.SCORED, False)
    assert "Outcomes by list swpc:" in artifact()[0]


@pytest.mark.usefixtures("prefect_server")
def test_an_outage_is_retried_and_then_a_failed_run(swpc, monkeypatch):
    for name in PRODUCTS:
        swpc.faults[name] = "503"
    # One after the other they would be waited for: the rule is the same for each.
    one = {"xrays-6-hour": PRODUCTS["xrays-6-hour"]}
    monkeypatch.setattr(truth_observed, "PRODUCTS", one)
    with pytest.raises(SourceUnavailableError, match="503"):
        truth()
    assert swpc.requests == ["xrays-6-hour"] * (1 + RETRIES)
    text, run_id = artifact()
    assert "xrays-6-hour failed" in text
    assert "The list was not read up to now: no X-ray flux" in text.replace("**", "")
    with get_client(sync_client=True) as client:
        assert client.read_flow_run(run_id).state.type is StateType.FAILED
    assert stored() == ([], None)


def test_nothing_of_the_flow_is_cached_and_tasks_share_one_retry_rule():
    for task in (flow.wanted, flow.fetch, flow.keep, flow.cover, flow.decide):
        assert task.cache_policy is NO_CACHE
        assert task.retries == RETRIES
        assert task.retry_condition_fn is if_retriable
