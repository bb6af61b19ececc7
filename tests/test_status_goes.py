"""What GOES observes is said by GOES's data only, and turns stale by its own clock."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from support import rows, sky

from flaremon.database import session_scope
from flaremon.domain import FlareClass, Verdict
from flaremon.status import FactState, Question, facts_as_json, facts_in_words, gather

NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
M1 = FlareClass("M", 1.0)
QUESTION = Question(
    model=rows.MODEL,
    events=rows.EVENTS,
    watched=(M1,),
    series="hmi.M_720s_nrt",
    catalog="swpc",
    now=NOW,
    stale_after=timedelta(hours=3),
)


@pytest.fixture
def engine(tmp_path):
    engine = sky.blank_engine(tmp_path)
    yield engine
    engine.dispose()


def ask(engine, **changes):
    with session_scope(engine) as session:
        return gather(session, replace(QUESTION, **changes))


def quiet_sky(engine, *, until=NOW - 2 * MINUTE):
    """A day of C-class flux up to now, read just now."""
    sky.see(
        engine,
        seen_at=until,
        states=sky.xrays(until, [2.3e-6] * 10),
        flares=[sky.flare(NOW - timedelta(hours=3), "C3.1", noaa_ar=14366, location="N12E32")],
        periods=[sky.covered(NOW - timedelta(days=40), until)],
    )


def test_nothing_stored_is_unknown_in_every_part_and_never_quiet(engine):
    facts = ask(engine)
    assert facts.goes.state is FactState.UNKNOWN
    assert facts.goes.list_state is FactState.UNKNOWN
    assert facts.watched[0].verdict is Verdict.UNKNOWN
    words = facts_in_words(facts)
    assert "no X-ray flux is stored" in words
    assert "flare list swpc was never read" in words
    assert "none in progress" not in words
    assert facts_as_json(facts)["goes"]["class"] is None


def test_the_class_now_and_the_last_flare_are_told_with_their_times(engine):
    quiet_sky(engine)
    facts = ask(engine)
    words = facts_in_words(facts)
    assert "C2.3 at 2026-02-01T11:58:00Z, 2 min ago; G18" in words
    assert "none in progress" in words
    assert "C3.1 from 2026-02-01T09:00Z to 09:30Z, maximum 09:05Z; AR 14366 N12E32" in words
    told = facts_as_json(facts)["goes"]
    assert (told["state"], told["age_s"], told["class"]) == ("ok", 120, "C2.3")
    assert told["last_flare"]["noaa_ar"] == 14366
    assert told["watched"] == [{"event": "M1+/goes", "verdict": "no-flare"}]


@pytest.mark.parametrize(("age", "state"), [(15, FactState.OK), (16, FactState.STALE)])
def test_x_rays_are_stale_after_a_quarter_of_an_hour_and_the_network_is_not(engine, age, state):
    quiet_sky(engine, until=NOW - age * MINUTE)
    rec = rows.record(NOW - 70 * MINUTE)
    rows.store_all(engine, [rec], [rows.prediction(rec, event) for event in rows.EVENTS])
    facts = ask(engine)
    assert facts.goes.state is state
    assert {item.state for item in facts.cnn} == {FactState.OK}
    assert ("STALE" in facts_in_words(facts)) is (state is FactState.STALE)


def test_a_flare_in_progress_is_told_with_its_peak_so_far(engine):
    quiet_sky(engine)
    start = NOW - 18 * MINUTE
    sky.see(
        engine,
        seen_at=NOW,
        flares=[sky.flare(start, minutes=None)],
        states=sky.xrays(NOW - MINUTE, [3e-5]),
    )
    facts = ask(engine)
    assert facts.goes.in_progress.since == start
    words = facts_in_words(facts)
    assert "IN PROGRESS since 2026-02-01T11:42:00Z, for 18 min; peak so far M3" in words
    assert "C3.1" in words
    assert facts.watched[0].verdict is Verdict.FLARE


def test_goes_counts_for_the_exit_code_only_where_it_was_asked_for(engine):
    quiet_sky(engine)
    rec = rows.record(NOW - 70 * MINUTE)
    rows.store_all(engine, [rec], [rows.prediction(rec, event) for event in rows.EVENTS])
    sky.see(
        engine,
        seen_at=NOW,
        flares=[sky.flare(NOW - 9 * MINUTE, minutes=None)],
        states=sky.xrays(NOW - MINUTE, [3e-5]),
    )
    assert ask(engine, watched=()).exit_code == 0
    assert ask(engine, watched=(M1,)).exit_code == 1
    assert ask(engine, events=(), watched=(FlareClass("X", 1.0),)).exit_code == 0
    assert ask(engine, events=(), watched=()).exit_code == 2


def test_a_network_that_is_silent_is_not_made_up_for_by_goes(engine):
    quiet_sky(engine)
    facts = ask(engine, watched=())
    assert facts.goes.state is FactState.OK
    assert facts.exit_code == 2


def test_with_a_list_that_was_not_read_lately_nobody_knows_what_is_in_progress(engine):
    quiet_sky(engine, until=NOW - 30 * MINUTE)
    sky.see(engine, seen_at=NOW - 30 * MINUTE, states=sky.xrays(NOW - MINUTE, [2e-6]))
    facts = ask(engine)
    assert facts.goes.state is FactState.OK
    assert facts.goes.list_state is FactState.STALE
    assert facts.watched[0].verdict is Verdict.UNKNOWN
    assert "none in progress" not in facts_in_words(facts)


@pytest.mark.parametrize(
    ("periods", "state"),
    [
        ([], FactState.UNKNOWN),
        ([sky.covered(NOW - 40 * DAY, NOW - 10 * DAY)], FactState.STALE),
    ],
)
def test_a_list_that_was_read_just_now_but_does_not_reach_up_to_now_is_not_quiet(
    engine, periods, state
):
    flares = [sky.flare(NOW - 11 * DAY, "C3.0")]
    sky.see(engine, seen_at=NOW, flares=flares, periods=periods)
    facts = ask(engine)
    assert facts.goes.list_state is state
    assert facts.watched[0].verdict is Verdict.UNKNOWN
    assert "none in progress" not in facts_in_words(facts)


def test_minutes_that_electrons_contaminate_do_not_count_and_this_is_said(engine):
    quiet_sky(engine)
    sky.see(engine, seen_at=NOW, states=sky.xrays(NOW - MINUTE, [9e-5], contaminated=True))
    facts = ask(engine)
    assert str(facts.goes.xray.flare_class) == "C2.3"
    assert "newer minutes are contaminated by electrons" in facts_in_words(facts)


def test_only_contaminated_minutes_are_unknown(engine):
    sky.see(engine, seen_at=NOW, states=sky.xrays(NOW, [9e-5], contaminated=True))
    facts = ask(engine)
    assert facts.goes.state is FactState.UNKNOWN
    assert "electrons contaminate" in facts_in_words(facts)


@pytest.mark.parametrize("hours", [7, 30])
def test_a_flare_whose_end_was_never_reported_is_not_in_progress_for_ever(engine, hours):
    quiet_sky(engine)
    sky.see(engine, seen_at=NOW, flares=[sky.flare(NOW - timedelta(hours=hours), minutes=None)])
    assert ask(engine).goes.in_progress is None


def test_x_rays_from_the_future_are_not_now(engine):
    sky.see(engine, seen_at=NOW, states=sky.xrays(NOW + timedelta(hours=2), [9e-5]))
    assert ask(engine).goes.state is FactState.UNKNOWN


def test_a_flare_of_another_list_is_not_in_progress(engine):
    quiet_sky(engine)
    sky.see(engine, seen_at=NOW, flares=[sky.flare(NOW - 9 * MINUTE, minutes=None)], catalog="hek")
    assert ask(engine).goes.in_progress is None
