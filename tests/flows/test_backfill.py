"""The backfill flow: the same work as on the command line, told to Prefect."""

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType

from flaremon.backfill import Chunk, grouped
from flaremon.errors import SourceUnavailableError
from flaremon.replica import Fault
from flaremon.times import utc_to_tai_label
from flows.backfill import ARTIFACT_KEY, SLOTS_PER_TASK, backfill
from flows.monitor import monitor

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server")]


def artifact():
    with get_client(sync_client=True) as client:
        found = client.request("GET", f"/artifacts/{ARTIFACT_KEY}/latest").json()
        return found["data"], client.read_flow_run(found["flow_run_id"])


def test_a_range_is_worked_off_and_the_counts_add_up_to_the_plan(station):
    station.replica.faults.append(Fault("missing-file", on="sums", at=(1,)))
    with pytest.raises(SourceUnavailableError, match=r"1 of \d+ slots could not be had"):
        backfill("-2h", "now", workers=0)
    text, run = artifact()
    assert run.state.type is StateType.FAILED
    assert "off-line" in text
    assert {p.run_id for p in station.predictions} == {str(run.id)}
    told = backfill("-2h", "now", workers=0)
    parts = ("predicted", "rejected", "no_record", "decided_already", "not_tried")
    assert sum(told[part] for part in (*parts, "failed")) == told["planned"]
    assert len(station.predictions) == 6


def test_days_are_put_together_until_a_task_is_worth_it():
    days = [Chunk(series="s", day=f"d{k}", labels=("x",) * 120) for k in range(14)]
    found = grouped(days, SLOTS_PER_TASK)
    assert [chunk for group in found for chunk in group] == days
    assert [len(group) for group in found] == [SLOTS_PER_TASK // 120, SLOTS_PER_TASK // 120, 2]


def test_catching_up_with_all_goes_through_the_slots_as_they_were(station):
    told = monitor(catch_up="all", lookback_h=3)
    issued = sorted(station.predictions, key=lambda p: (p.issued_at, p.key.t_rec))
    assert told["catch_up"] == "all"
    assert told["scored"] == 3
    assert [s.key.t_rec for s in issued] == sorted(s.key.t_rec for s in issued)
    downloads = [call.path for call in station.replica.calls if call.endpoint == "sums"]
    assert downloads == sorted(downloads)
    assert utc_to_tai_label(issued[0].t_obs)
