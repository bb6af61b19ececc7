"""The retry rule and the summary, without a server."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from prefect.states import Completed, Failed
from support import rows

from flaremon import errors
from flaremon.domain import Verdict
from flaremon.job import Failure, Report
from flaremon.pipeline import Run
from flaremon.status import Answer, Facts, FactState, Observed
from flows import summary, tasks

NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)
RUN = Run(run_id="flow-1", now=NOW)


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (errors.SourceUnavailableError("down"), True),
        (errors.DownloadIncompleteError("short"), True),
        (errors.StoreUnavailableError("locked"), True),
        (errors.SourceProtocolError("gibberish"), False),
        (errors.ModelError("altered"), False),
        (errors.SchemaMismatchError("older"), False),
        (TypeError("a bug"), False),
        (OSError("not one of ours"), False),
    ],
)
def test_a_task_is_retried_if_and_only_if_the_error_says_so(error, again):
    assert tasks.if_retriable(None, None, Failed(data=error)) is again


def test_a_task_that_succeeded_is_not_retried():
    assert tasks.if_retriable(None, None, Completed(data=1)) is False


def test_scoring_is_never_retried_and_nothing_is_cached():
    assert tasks.score.retries == 0
    steps = (tasks.find, tasks.download, tasks.score, tasks.calibrate, tasks.store, tasks.answer)
    for task in (*steps, tasks.tidy):
        assert task.cache_policy is tasks.NO_CACHE


def told(**changes):
    record = rows.record(NOW - timedelta(hours=1))
    report = Report(listed=4, undecided=3, stored=2)
    report.add(
        [rows.prediction(record, rows.EVENTS[0])],
        [Failure(key=record.key, error="<html>\n[click](http://x.invalid)", retriable=True)],
    )
    answer = Answer(
        event=rows.EVENTS[0],
        verdict=Verdict.UNKNOWN,
        prediction=None,
        age=None,
        state=FactState.STALE,
        why_unknown="nothing for 5 h ``` <html>",
    )
    goes = Observed(
        state=FactState.UNKNOWN,
        why="no X-rays",
        xray=None,
        age=None,
        contaminated=False,
        list_state=FactState.UNKNOWN,
        list_why="never read",
        list_as_of=None,
        in_progress=None,
        last_flare=None,
        ended_at=None,
    )
    facts = Facts(cnn=(answer,), goes=goes, outlook=(), watched=(), now=NOW)
    arguments = {"series": "hmi.M_720s_nrt", "run": RUN, "left": 1, "error": None, **changes}
    return summary.as_json(report, facts, **arguments)


def test_the_summary_is_json_and_counts_records_not_rows():
    document = json.loads(json.dumps(told(), allow_nan=False))
    assert document["run_id"] == "flow-1"
    assert document["issued_at"] == "2026-02-01T12:00:00Z"
    assert (document["scored"], document["stored"], document["left"]) == (1, 2, 1)
    assert document["answers"][0]["state"] == "stale"
    assert document["goes"]["state"] == "unknown"


def test_a_stale_answer_and_a_failed_run_are_said_first():
    text = summary.as_markdown(told(error=errors.SourceUnavailableError("no route")))
    assert text.index("no route") < text.index("STALE") < text.index("| listed")
    assert "UNKNOWN - no X-rays" in text
    assert text.count("```") == 2


def test_what_a_server_sent_cannot_format_the_artifact():
    text = summary.as_markdown(told()).rpartition("```")[2]
    assert "<html>" not in text
    assert "[click](" not in text
    assert "&lt;html> &#91;click](http://x.invalid)" in text
