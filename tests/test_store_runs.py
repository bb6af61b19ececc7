"""Notes of runs: which policy rows were written under, and which late run is needless."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from flaremon import store
from flaremon.database import open_engine, session_scope, upgrade
from flaremon.errors import SourceUnavailableError, StoreError
from flaremon.job.noting import noted
from flaremon.store import Job, RunNote

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOTE = RunNote(
    run_id="run-1",
    job=Job.MONITOR,
    series="hmi.M_720s_nrt",
    policy="newest_first",
    since=NOW - 6 * HOUR,
    until=NOW,
    live_within=6 * HOUR,
    began_at=NOW,
    software="1.0",
)


@pytest.fixture
def engine(database_url):
    upgrade(database_url)
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def noted_runs(engine, **asked):
    with session_scope(engine) as session:
        return list(store.runs(session, **asked))


def test_a_run_in_pieces_is_one_note_with_the_range_of_them_all(engine):
    pieces = (NOTE, replace(NOTE, since=NOW - 9 * HOUR, until=NOW - 6 * HOUR, began_at=NOW + HOUR))
    for piece in (*pieces, *pieces):
        with session_scope(engine) as session:
            store.begin_run(session, piece)
    assert noted_runs(engine) == [replace(NOTE, since=NOW - 9 * HOUR)]


def test_runs_are_found_by_id_kind_and_time_the_last_first(engine):
    others = [
        replace(NOTE, run_id=f"run-{k}", job=job, began_at=NOW + k * HOUR)
        for k, job in enumerate([Job.BACKFILL, Job.NOW, Job.BACKFILL], start=2)
    ]
    with session_scope(engine) as session:
        for note in (NOTE, *others):
            store.begin_run(session, note)
    assert [n.run_id for n in noted_runs(engine)] == ["run-4", "run-3", "run-2", "run-1"]
    assert noted_runs(engine, run_id="run-1") == [NOTE]
    assert noted_runs(engine, job=Job.BACKFILL, limit=1) == [others[2]]
    assert noted_runs(engine, since=NOW + 3 * HOUR) == others[:0:-1]


@pytest.mark.parametrize(
    ("due", "left", "error", "needless"),
    [
        (-1, 0, None, True),
        (-1, None, None, True),  # it goes on, or was killed: the next one on time takes the rest
        (1, 0, None, False),
        (-1, 2, None, False),
        (-1, 0, "no route", False),
    ],
)
def test_a_late_run_is_needless_once_another_one_has_asked_and_left_nothing(
    engine, due, left, error, needless
):
    listed = NOW + timedelta(seconds=30)
    with session_scope(engine) as session:
        store.begin_run(session, NOTE)
        store.run_listed(session, "run-1", at=listed)
        if left is not None:
            store.end_run(session, "run-1", at=NOW + HOUR, left_over=left, error=error)
    late = replace(NOTE, run_id="run-2", since=NOTE.since + HOUR, began_at=NOW + HOUR)
    when = listed + timedelta(seconds=due)
    with session_scope(engine) as session:
        found = store.did_it_already(session, late, due=when)
        assert (found is not None) is needless
        for other in (
            {"job": Job.BACKFILL},
            {"series": "hmi.M_720s"},
            {"since": NOTE.since - HOUR},  # it looks further back
            {"run_id": "run-1"},  # it is that very run
        ):
            assert store.did_it_already(session, replace(late, **other), due=when) is None


def test_how_a_run_ended_is_noted_an_error_or_not(engine):
    with noted(engine, NOTE) as ending:
        ending.left_over = 3
    with (
        pytest.raises(SourceUnavailableError),
        noted(engine, replace(NOTE, run_id="run-2", began_at=NOW + HOUR)),
    ):
        raise SourceUnavailableError("no route\0")
    failed, done = noted_runs(engine)
    assert (done.left_over, done.error) == (3, None)
    assert (failed.left_over, failed.error) == (0, "no route�")
    assert done.ended_at <= failed.ended_at


def test_a_range_that_runs_backward_is_refused(engine):
    with pytest.raises(StoreError), session_scope(engine) as session:
        store.begin_run(session, replace(NOTE, until=NOW - 7 * HOUR))
