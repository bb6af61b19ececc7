"""What became of windows: scored, unknown or pending, and again when the list was revised."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError
from support import slots
from support.truths import (
    C_24H,
    C_NOW,
    DAY,
    M_24H,
    M_NOW,
    MIN,
    NOTE,
    T0,
    X_24H,
    H,
    empty_database,
    flare,
    gap,
    list_flares,
    open_database,
    period,
    speak,
)

from flaremon import store
from flaremon.database import session_scope, upgrade
from flaremon.domain import ClassScale, FlareClass, OutcomeState
from flaremon.truth import REVISED_WITHIN, decide, outcomes
from flaremon.truth.judging import judge
from flaremon.verify.stored import stored_flares

LATER = T0 + 20 * DAY


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return empty_database(tmp_path_factory.mktemp("template"))


@pytest.fixture
def session(template, tmp_path):
    file = shutil.copy(template, tmp_path)
    with open_database(f"sqlite:///{file}") as engine, session_scope(engine) as session:
        yield session


def run(session, *, now=LATER, catalog="swpc", lag=DAY):
    return decide(session, now=now, catalog=catalog, lag=lag, run_id="test")


def told(session, event=M_24H, **arguments):
    """Every stored outcome of an event in a short form."""
    return [
        (
            (item.window.start - T0) / H,
            {True: "yes", False: "no", None: item.state.value}[item.flare],
            item.flares,
            item.largest and str(item.largest),
        )
        for item in store.event_outcomes(session, event=event, catalog="swpc", **arguments)
    ]


def why(session, event=M_24H):
    return [i.why for i in store.event_outcomes(session, event=event, catalog="swpc")]


def test_windows_are_scored_by_flares_that_start_in_them_edges_included_at_the_end(session):
    speak(session, 0, 1, 24, 48)
    list_flares(
        session, period(-1, 200), flare(24), flare(25, "X1.5", location="S03W71"), flare(60, "C9.9")
    )
    done = run(session)
    # From 24 h on: (24, 48] does not count the flare at 24 h itself.
    assert told(session) == [
        (0, "yes", 1, "M1"),
        (1, "yes", 2, "X1.5"),
        (24, "yes", 1, "X1.5"),
        (48, "no", 0, None),
    ]
    tally = done.by_event[M_24H]
    assert (tally.scored, tally.flares, tally.unknown, tally.revised) == (4, 3, 0, 0)
    assert (done.scored, done.catalog_as_of) == (4, NOTE["seen_at"])
    second = store.event_outcomes(session, event=M_24H, catalog="swpc")[1]
    assert (second.location, second.state, second.revision) == ("S03W71", OutcomeState.SCORED, 1)
    assert (second.decided_at, second.catalog_as_of) == (LATER, NOTE["seen_at"])


def test_deciding_again_changes_nothing(session):
    speak(session, 0, 1)
    list_flares(session, period(-1, 200), flare(24.5))
    run(session)
    before = store.event_outcomes(session, event=None, catalog="swpc", history=True)
    done = run(session, now=LATER + DAY)
    assert (done.scored, done.unknown, done.revised, done.pending) == (0, 0, 0, 0)
    assert store.event_outcomes(session, event=None, catalog="swpc", history=True) == before


def test_a_window_is_pending_until_it_is_over_and_the_lag_has_passed(session):
    speak(session, 0)
    list_flares(session, period(-1, 200), flare(5))
    assert run(session, now=T0 + 2 * DAY - MIN).by_event == {}
    assert told(session) == []
    (pending,) = store.pending_windows(session, catalog="swpc").values()
    assert pending == (1, T0 + DAY, T0 + DAY)
    assert run(session, now=T0 + 2 * DAY).scored == 1
    assert store.pending_windows(session, catalog="swpc") == {}


def test_a_list_that_ends_before_the_window_leaves_it_pending_and_not_negative(session):
    speak(session, 0, 6)
    list_flares(session, period(-1, 25))
    done = run(session)
    assert (done.scored, done.pending) == (1, 1)
    assert told(session) == [(0, "no", 0, None)]
    list_flares(session, period(20, 40), flare(29))
    assert run(session).scored == 1
    assert told(session)[1] == (6, "yes", 1, "M1")


def test_without_a_list_everything_is_pending(session):
    speak(session, 0)
    done = run(session, catalog="nowhere")
    assert (done.pending, done.catalog_as_of) == (1, None)
    # Flares alone do not say of which hours they are all.
    list_flares(session, flare(5))
    assert run(session).pending == 1


def test_a_flare_in_progress_without_class_makes_its_window_unknown_until_it_is_known(session):
    speak(session, 0, event=M_24H)
    speak(session, 0.1, event=C_NOW)
    rising = flare(0, None, edited=False)
    list_flares(session, period(-10, 200), replace(rising, start=T0 + MIN))
    assert run(session).unknown == 2
    assert told(session) == [(0, "unknown", None, None)]
    assert why(session) == ["the list swpc has no class yet of the flare of 2026-02-01T00:01:00Z"]
    assert "class or end time" in why(session, C_NOW)[0]
    list_flares(session, flare(0, "M2.0", start=T0 + MIN), seen_at=LATER)
    assert run(session, now=LATER + H).revised == 2
    assert told(session) == [(0, "yes", 1, "M2")]
    assert told(session, C_NOW) == [(0.1, "yes", 1, "M2")]
    # What was said at the time stays.
    assert told(session, at=LATER) == [(0, "unknown", None, None)]


def test_a_known_flare_decides_a_window_whatever_the_one_in_progress_becomes(session):
    speak(session, 0)
    list_flares(session, period(-1, 200), flare(3), flare(9, None, edited=False))
    assert run(session).scored == 1


def test_a_gap_inside_the_window_is_unknown_with_the_gap_named_and_never_quiet(session):
    speak(session, 0, 2, 5)
    speak(session, 4, 12, event=C_NOW)
    list_flares(session, period(-20, 200), gap(3, 4))
    run(session)
    assert [t[:2] for t in told(session)] == [(0, "unknown"), (2, "unknown"), (5, "no")]
    assert why(session)[0] == (
        "the list swpc has a gap from 2026-02-01T03:00:00Z to 2026-02-01T04:00:00Z"
    )
    assert [t[:2] for t in told(session, C_NOW)] == [(4, "unknown"), (12, "no")]


def test_a_window_that_the_list_covers_in_part_is_unknown_and_scored_once_it_is_filled(session):
    speak(session, 0)
    list_flares(session, period(-50, 10), period(12, 200), flare(11))
    run(session)
    assert why(session) == [
        "the list swpc does not answer for all of the time from 2026-02-01T00:00:00Z on"
    ]
    list_flares(session, period(10, 12), seen_at=LATER)
    done = run(session, now=LATER + 200 * DAY)  # at any age
    assert done.revised == 1
    assert [i[1] for i in told(session, history=True)] == ["unknown", "yes"]


def test_a_list_of_m_flares_only_cannot_answer_for_c_flares(session):
    speak(session, 0, event=M_24H)
    speak(session, 0, event=C_24H)
    list_flares(session, period(-50, 200, size="M1"))
    run(session)
    assert told(session) == [(0, "no", 0, None)]
    assert told(session, C_24H) == [(0, "unknown", None, None)]
    assert why(session, C_24H) == [
        "the list swpc does not have every flare from C1 on at that time"
    ]


def test_a_list_without_end_times_cannot_say_what_was_in_progress(session):
    speak(session, 12, event=M_NOW)
    list_flares(session, period(-50, 200, has_ends=False))
    run(session)
    assert told(session, M_NOW) == [(12, "unknown", None, None)]
    assert "no end times" in why(session, M_NOW)[0]


def test_one_flare_without_end_leaves_the_hours_after_it_unknown_but_not_those_before(session):
    speak(session, 0, 1.5, 8, event=M_NOW)
    list_flares(session, period(-50, 200), flare(1, end=None))
    run(session)
    assert [t[1] for t in told(session, M_NOW)] == ["no", "unknown", "no"]


def test_in_progress_counts_from_start_to_end_both_included(session):
    minutes = (-1, 0, 10, 20, 21)
    speak(session, *(1 + m / 60 for m in minutes), event=C_NOW)
    list_flares(session, period(-50, 200), flare(1, "C3.0"), flare(1.1, "M2.0"))
    run(session)
    assert [t[1:] for t in told(session, C_NOW)] == [
        ("no", 0, None),
        ("yes", 1, "C3"),
        ("yes", 2, "M2"),
        ("yes", 2, "M2"),
        ("yes", 1, "M2"),
    ]


def test_a_flare_that_lasts_longer_than_most_is_still_in_progress(session):
    speak(session, 9, event=C_NOW)
    list_flares(session, period(-50, 200), flare(1, "M2.0", end=T0 + 9 * H))
    run(session)
    assert told(session, C_NOW) == [(9, "yes", 1, "M2")]


def test_late_revisions_across_the_threshold_add_an_outcome_and_keep_the_old_one(session):
    speak(session, 0, 48)
    speak(session, 0, event=X_24H)
    list_flares(
        session,
        period(-1, 200),
        flare(3, "M9.9", edited=False),
        flare(50, "C9.9", edited=False),
    )
    run(session)
    assert told(session) == [(0, "yes", 1, "M9.9"), (48, "no", 0, None)]
    list_flares(session, flare(3, "X1.0"), flare(50, "M1.1"), seen_at=LATER)
    done = run(session, now=LATER + H)
    assert {str(e): t.revised for e, t in done.by_event.items()} == {"M1+/24h": 2, "X1+/24h": 1}
    assert told(session) == [(0, "yes", 1, "X1"), (48, "yes", 1, "M1.1")]
    assert told(session, X_24H, history=True) == [(0, "no", 0, None), (0, "yes", 1, "X1")]
    assert told(session, at=LATER) == [(0, "yes", 1, "M9.9"), (48, "no", 0, None)]
    history = store.event_outcomes(session, event=X_24H, catalog="swpc", history=True)
    assert [i.revision for i in history] == [1, 2]
    assert [i.catalog_as_of for i in history] == [NOTE["seen_at"], LATER]
    # A flare that the editors take below the threshold again takes the outcome with it.
    list_flares(session, flare(50, "C9.8"), seen_at=LATER + DAY)
    assert run(session, now=LATER + 2 * DAY).revised == 1
    assert told(session)[1] == (48, "no", 0, None)


def test_a_gap_that_becomes_known_after_scoring_takes_the_no_back(session):
    speak(session, 0)
    list_flares(session, period(-1, 200))
    run(session)
    list_flares(session, gap(3, 4), seen_at=LATER)
    assert run(session, now=LATER + H).revised == 1
    assert [i[1] for i in told(session, history=True)] == ["no", "unknown"]


def test_many_windows_are_decided_in_several_calls(session, monkeypatch):
    monkeypatch.setattr(outcomes, "AT_ONCE", 3)
    speak(session, *range(4))
    speak(session, *range(4), event=C_24H)
    list_flares(session, period(-1, 200))
    calls = [run(session) for _ in range(4)]
    assert [(c.scored, c.more) for c in calls] == [(3, True), (3, True), (2, False), (0, False)]


def test_windows_from_before_a_list_began_are_unknown_once_and_left_alone(session):
    speak(session, 0, 48)
    list_flares(session, period(30, 200))
    assert (run(session).unknown, run(session).revised) == (1, 0)
    until = T0 + 10 * DAY
    assert store.windows_to_decide(session, catalog="swpc", until=until) == []
    # History that is imported later reaches back to it.
    list_flares(session, period(-10, 30))
    assert run(session).revised == 1
    assert told(session) == [(0, "no", 0, None), (48, "no", 0, None)]


def test_old_outcomes_stand_however_the_list_changes(session):
    speak(session, 0)
    list_flares(session, period(-1, 200))
    run(session)
    late = T0 + REVISED_WITHIN + 3 * DAY
    list_flares(session, flare(3), seen_at=late)
    assert run(session, now=late).revised == 0
    assert told(session) == [(0, "no", 0, None)]


def test_classes_before_the_scale_break_are_divided_by_0_7(session):
    start = datetime(2019, 12, 6, tzinfo=UTC)
    before, after = start + 12 * H, start + 36 * H
    hours = [(t - T0) / H for t in (start, start + DAY)]
    speak(session, *hours)
    list_flares(
        session,
        period(hours[0] - 1, hours[1] + 48),
        # C7.1 on the old scale is a true M1.01; on the new one it is a C flare.
        flare(0, "C7.1", start=before, class_scale=ClassScale.of_operational(before)),
        flare(0, "C7.1", start=after, class_scale=ClassScale.of_operational(after)),
    )
    run(session)
    assert [t[1:] for t in told(session)] == [("yes", 1, "M1"), ("no", 0, None)]


def test_windows_close_across_the_end_of_the_year(session):
    eve = datetime(2025, 12, 31, 12, tzinfo=UTC)
    hour = (eve - T0) / H
    speak(session, hour)
    list_flares(
        session,
        period(hour - 5, hour + 100),
        flare(0, "X1.0", start=datetime(2026, 1, 1, 0, 0, tzinfo=UTC)),
    )
    run(session)
    (outcome,) = store.event_outcomes(session, event=M_24H, catalog="swpc")
    assert outcome.flare
    assert outcome.window.end == datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_position_that_cannot_be_one_is_none(session):
    speak(session, 0)
    list_flares(session, period(-1, 200), flare(3, location="somewhere near the eastern limb"))
    run(session)
    (outcome,) = store.event_outcomes(session, event=M_24H, catalog="swpc")
    assert (outcome.flare, outcome.location) == (True, "")


def test_nothing_is_judged_by_a_list_that_was_never_read(session):
    windows = [M_24H.window(T0)]
    assert judge(stored_flares(session, catalog="x"), M_24H, windows, as_of=None, now=LATER) == []


def test_a_scored_outcome_without_verdict_is_refused_by_the_tables(session):
    speak(session, 0)
    list_flares(session, period(-1, 200))
    run(session)
    (good,) = store.event_outcomes(session, event=M_24H, catalog="swpc")
    with pytest.raises(IntegrityError):
        store.add_event_outcomes(session, [replace(good, flare=None, flares=7)], run_id="test")
    session.rollback()


def test_predictions_and_forecasts_of_one_window_share_one_outcome(database_url):
    models = [slots.MODEL, replace(slots.MODEL, version="2.0.0")]
    items = [slots.record(number) for number in range(5)]
    upgrade(database_url)
    with open_database(database_url) as engine:
        with session_scope(engine) as session:
            store.add_records(session, items, **slots.LISTING)
            for model in models:
                slots.register(session, model)
            predictions = [
                slots.prediction(item, event, model=model)
                for item in items
                for event in (M_24H, C_NOW)
                for model in models
            ]
            assert store.add_outcomes(session, predictions) == 20
            first = (items[0].t_obs - T0) / H
            speak(session, first)  # SOMEBODY speaks about a window of the models
            list_flares(session, period(-50, 200), flare(24.3), gap(-20, -19))
        with session_scope(engine) as session:
            todo = store.windows_to_decide(session, catalog="swpc", until=LATER)
            assert len(todo) == 10
            assert not any(item.tried for item in todo)
            assert [item.event for item in todo] == [C_NOW] * 5 + [M_24H] * 5
            pending = store.pending_windows(session, catalog="swpc")
            assert {str(e): p.windows for e, p in pending.items()} == {"C1+/now": 5, "M1+/24h": 5}
        with session_scope(engine) as session:
            done = run(session)
            assert {str(e): (t.scored, t.flares) for e, t in done.by_event.items()} == {
                "C1+/now": (5, 0),
                "M1+/24h": (5, 3),
            }
        with session_scope(engine) as session:
            assert run(session).scored == 0
            list_flares(session, flare(24.3, "X2.0"), seen_at=LATER)
            assert run(session, now=LATER + H).revised == 3
            newest = store.event_outcomes(session, event=M_24H, catalog="swpc", until=T0 + H)
            assert [(i.largest, i.revision) for i in newest] == [
                (None, 1), (None, 1), (FlareClass("X", 2.0), 2),
                (FlareClass("X", 2.0), 2), (FlareClass("X", 2.0), 2),
            ]  # fmt: skip
            since = items[3].t_obs
            assert len(told(session, since=since)) == 2
            assert len(told(session, history=True)) == 8
            assert len(told(session, at=LATER - timedelta(1))) == 0
