"""The monitor flow on a real server, a real replica, a real network and a real database."""

from datetime import timedelta

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.runtime import flow_run as flow_run_of
from support.truths import M_24H, NOTE, period

from flaremon import store
from flaremon.database import open_engine, session_scope
from flaremon.domain import RejectionReason
from flaremon.errors import ModelError, SourceProtocolError, SourceUnavailableError
from flaremon.replica import Fault
from flaremon.times import utc_now
from flaremon.truth import PERSISTENCE
from flows.monitor import ARTIFACT_KEY, monitor
from flows.tasks import RETRIES

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server")]


def flow_run(run_id):
    with get_client(sync_client=True) as client:
        return client.read_flow_run(run_id)


def artifact():
    with get_client(sync_client=True) as client:
        found = client.request("GET", f"/artifacts/{ARTIFACT_KEY}/latest").json()
    return found["data"], found["flow_run_id"]


def watch_flares(station):
    """Let the flare list answer for the last weeks, in which there was none."""
    engine = open_engine(station.settings.database_url.get_secret_value())
    with session_scope(engine) as session:
        first, last = (utc_now() + timedelta(days=days) for days in (-40, 1))
        store.add_periods(session, [period(0, 0, start=first, end=last)], **NOTE)
    engine.dispose()


def baselines(station):
    """Starts of the windows that persistence spoke about."""
    told = station.read(store.forecasts, event=M_24H, forecaster=PERSISTENCE)
    return {item.window.start for item in told}


def test_what_is_listed_is_scored_stored_and_told(station):
    watch_flares(station)
    station.replica.faults.append(Fault("nodata", record=0))
    summary = monitor()
    assert (summary["listed"], summary["scored"], summary["stored"]) == (3, 2, 5)
    assert [r["reason"] for r in summary["rejected"]] == [RejectionReason.QUALITY]
    assert summary["failed"] == []
    # Every row knows the run of Prefect that made it.
    rows = [*station.predictions, *station.rejections]
    assert len(rows) == 5
    assert {row.run_id for row in rows} == {summary["run_id"]}
    assert flow_run(summary["run_id"]).state.type is StateType.COMPLETED
    text, told_by = artifact()
    assert told_by == summary["run_id"]
    assert all(answer["in_words"].split()[0] in text for answer in summary["answers"])
    assert " min ago" in text
    assert summary["rejected"][0]["record"] in text
    assert baselines(station) > {p.t_obs for p in station.predictions}


def test_a_second_run_has_nothing_to_do_and_changes_nothing(station):
    first = monitor()
    before = station.predictions
    again = monitor()
    assert first["scored"] == 3
    assert (again["undecided"], again["scored"], again["stored"]) == (0, 0, 0)
    assert station.predictions == before
    assert {p.run_id for p in before} == {first["run_id"]}
    # The answer is told all the same.
    assert [a["record"] for a in again["answers"]] == [a["record"] for a in first["answers"]]


def test_a_fault_that_passes_is_retried_within_the_run(station):
    station.replica.faults += [
        Fault("reset", on="rs_list", at=(1,)),
        Fault("truncated", on="sums", at=(2,)),
    ]
    summary = monitor()
    assert (summary["scored"], summary["failed"]) == (3, [])
    assert station.calls("rs_list") == 2
    # Only the file that failed is asked for again.
    assert station.calls("sums") == 4


def test_a_fault_that_stays_is_not_retried_and_baselines_go_on(station):
    watch_flares(station)
    station.replica.faults.append(Fault("malformed-json", on="rs_list"))
    with pytest.raises(SourceProtocolError):
        monitor()
    assert station.calls("rs_list") == 1
    text, run_id = artifact()
    assert flow_run(run_id).state.type is StateType.FAILED
    assert len(baselines(station)) == 1
    assert "The run failed" in text
    assert "UNKNOWN" in text


def test_a_record_that_cannot_be_had_is_named_and_does_not_stop_the_others(station):
    station.replica.faults.append(Fault("missing-file", on="sums", at=(1,)))
    summary = monitor()
    assert summary["scored"] == 2
    (failed,) = summary["failed"]
    assert not failed["retriable"]
    assert flow_run(summary["run_id"]).state.type is StateType.COMPLETED
    text, _ = artifact()
    assert failed["record"] in text
    # The next run finds it again, without anybody having written it down.
    assert monitor()["scored"] == 1


@pytest.mark.parametrize("station", [1], indirect=True)
def test_an_outage_is_a_failed_run(station):
    station.replica.faults.append(Fault("reset", on="sums"))
    with pytest.raises(SourceUnavailableError, match="none of 1 records"):
        monitor()
    assert station.calls("sums") == 1 + RETRIES
    text, run_id = artifact()
    assert flow_run(run_id).state.type is StateType.FAILED
    assert "UNKNOWN" in text
    assert station.predictions == []


def test_newest_only_stops_at_the_first_answer(station):
    station.replica.faults.append(Fault("nodata", record=-1))
    summary = monitor(catch_up="newest_only")
    assert (summary["scored"], len(summary["rejected"]), summary["left"]) == (1, 1, 1)
    newest = max(p.key.t_rec for p in station.predictions)
    assert newest < station.rejections[0].key.t_rec


def test_a_spent_time_budget_leaves_the_older_records_to_the_next_run(station):
    first = monitor(time_budget_s=0)
    assert (first["scored"], first["left"]) == (1, 2)
    assert monitor()["scored"] == 2
    assert len(station.predictions) == 6


def test_an_altered_model_fails_the_run_at_once_and_writes_no_answer(station):
    weights = station.settings.models_dir / "tiny-cnn" / "0.0.1" / "weights.safetensors"
    content = weights.read_bytes()
    # Another batch size is another predictor: this process has loaded the right one already.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLAREMON_BATCH_SIZE", "3")
        weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        try:
            with pytest.raises(ModelError, match="SHA-256"):
                monitor(catch_up="newest_only")
        finally:
            weights.write_bytes(content)
    assert station.predictions == []


def due(monkeypatch, at):
    """Let the next run be one that was due at another time."""
    monkeypatch.setitem(vars(flow_run_of), "scheduled_start_time", at)


def test_a_late_run_asks_nobody_when_another_one_has_done_its_work(station, monkeypatch):
    late = utc_now()
    first = monitor()
    assert first["scored"] == 3
    due(monkeypatch, late)
    again = monitor()
    assert again["done_by"] == first["run_id"]
    assert station.calls("rs_list") == 1
    # One that is due now looks for what is new.
    due(monkeypatch, utc_now())
    assert "done_by" not in monitor()
    assert station.calls("rs_list") == 2


def test_a_late_run_goes_on_where_another_one_ran_out_of_time_or_failed(station, monkeypatch):
    station.replica.faults.append(Fault("malformed-json", on="rs_list", at=(1,)))
    due(monkeypatch, utc_now())
    with pytest.raises(SourceProtocolError):
        monitor()
    first = monitor(time_budget_s=0)
    assert (first["scored"], first["left"]) == (1, 2)
    assert monitor()["scored"] == 2


def test_the_policy_that_rows_were_written_under_is_stored_with_their_run(station):
    station.replica.faults.append(Fault("malformed-json", on="rs_list", at=(2,)))
    told = monitor(catch_up="all", lookback_h=3)
    with pytest.raises(SourceProtocolError):
        monitor()
    (run_id,) = {prediction.run_id for prediction in station.predictions}
    (note,) = station.read(store.runs, run_id=run_id)
    assert (note.job, note.policy, note.series) == ("monitor", "all", told["series"])
    assert note.until - note.since == timedelta(hours=3)
    assert note.live_within == timedelta(hours=station.settings.live_within_h)
    assert note.began_at <= note.listed_at <= note.ended_at
    assert (note.left_over, note.error) == (0, None)
    failed, _ = station.read(store.runs, job=store.Job.MONITOR)
    assert (failed.policy, failed.listed_at) == ("newest_first", None)
    assert "JSOC" in failed.error or "reply" in failed.error
