"""Since when an answer has been so: what `flaremon status` would have said at the time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from support import rows, sky

from flaremon.database import session_scope
from flaremon.domain import Verdict
from flaremon.status import (
    Question,
    changes_as_json,
    changes_in_words,
    find_changes,
    gather,
)

NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)
M_24H = rows.EVENTS[0]
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LATENCY = 70 * MINUTE
QUESTION = Question(
    model=rows.MODEL,
    events=(M_24H,),
    series="hmi.M_720s_nrt",
    catalog="swpc",
    now=NOW,
    stale_after=3 * HOUR,
)


@pytest.fixture
def engine(tmp_path):
    engine = sky.blank_engine(tmp_path)
    yield engine
    engine.dispose()


def say(engine, answers, *, newest=NOW - LATENCY, step=12 * MINUTE, issued_at=None):
    """Store answers, newest first; True is "flare"."""
    records = [rows.record(newest - k * step) for k in range(len(answers))]
    changes = {} if issued_at is None else {"issued_at": issued_at}
    said = [
        rows.prediction(rec, M_24H, probability=0.9 if flare else 0.1, threshold=0.5, **changes)
        for rec, flare in zip(records, answers, strict=True)
    ]
    rows.store_all(engine, records, said)


def look(engine, **changes):
    question = replace(QUESTION, **changes)
    with session_scope(engine) as session:
        facts = gather(session, question)
        found = find_changes(session, question, facts)
        return found, facts


def cnn(engine, **changes):
    found, _ = look(engine, **changes)
    return found.cnn[0][1]


def test_nothing_known_is_no_change_and_no_error(engine):
    found, facts = look(engine)
    assert cnn(engine).since is None
    assert changes_as_json(found, facts)["cnn"][0]["verdict"] == "unknown"
    assert "nothing was ever known" in changes_in_words(found, facts)


def test_an_answer_holds_from_the_moment_the_first_of_its_kind_was_issued(engine):
    say(engine, [False] * 26 + [True] * 3)
    item = cnn(engine)
    assert (item.verdict, item.before) == (Verdict.NO_FLARE, Verdict.FLARE)
    assert item.since == NOW - 25 * 12 * MINUTE
    assert (item.predictions, item.at_least) == (26, False)
    found, facts = look(engine)
    assert changes_in_words(found, facts).splitlines()[0] == (
        "M1+/24h  no flare since 2026-02-01T07:00:00Z, 5.0 h; 26 prediction(s)"
    )
    told = changes_as_json(found, facts)
    assert told["outlook"] == told["cnn"]
    assert (told["cnn"][0]["held_s"], told["exit_code"]) == (18000, 0)


def test_a_database_that_never_said_otherwise_says_since_its_first_answer(engine):
    say(engine, [True] * 4)
    item = cnn(engine)
    assert (item.verdict, item.before, item.at_least) == (Verdict.FLARE, None, False)
    assert item.since == NOW - 36 * MINUTE


def test_a_stale_answer_has_been_unknown_since_it_turned_stale(engine):
    say(engine, [False] * 3, newest=NOW - 5 * HOUR)
    item = cnn(engine)
    assert (item.verdict, item.before) == (Verdict.UNKNOWN, Verdict.NO_FLARE)
    assert item.since == NOW - 2 * HOUR


def test_hours_without_an_answer_end_what_held_before_them(engine):
    say(engine, [False] * 3)
    say(engine, [False] * 3, newest=NOW - LATENCY - 6 * HOUR)
    item = cnn(engine)
    assert (item.since, item.before) == (NOW - 24 * MINUTE, Verdict.UNKNOWN)


def test_older_slots_that_were_scored_later_were_never_the_answer(engine):
    say(engine, [False, False])
    # Caught up afterwards, with another answer: nobody was shown it.
    say(engine, [True] * 5, newest=NOW - LATENCY - HOUR, issued_at=NOW)
    item = cnn(engine)
    assert (item.verdict, item.predictions) == (Verdict.NO_FLARE, 2)
    assert item.before is not Verdict.FLARE


def test_goes_has_its_own_change(engine):
    found, _ = look(engine)
    assert (found.goes.verdict, found.goes.since) == (Verdict.UNKNOWN, None)
    sky.see(
        engine,
        seen_at=NOW,
        flares=[sky.flare(NOW - 3 * HOUR, "C3.1"), sky.flare(NOW - 9 * MINUTE, minutes=None)],
        periods=[sky.covered(NOW - 24 * HOUR, NOW - 10 * MINUTE)],
    )
    found, _ = look(engine, now=NOW)
    assert (found.goes.verdict, found.goes.since) == (Verdict.FLARE, NOW - 9 * MINUTE)
    sky.see(engine, seen_at=NOW, flares=[sky.flare(NOW - 9 * MINUTE, "C2", minutes=8)])
    found, _ = look(engine)
    assert (found.goes.verdict, found.goes.since) == (Verdict.NO_FLARE, NOW - MINUTE)
    found, _ = look(engine, now=NOW + HOUR)
    assert (found.goes.verdict, found.goes.since) == (Verdict.UNKNOWN, NOW + 15 * MINUTE)
