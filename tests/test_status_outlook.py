"""The outlook: our probability beside climatology, persistence, NOAA, and our own record."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from support import rows, sky

from flaremon import store
from flaremon.database import session_scope
from flaremon.domain import (
    ActivityLevel,
    EventOutcome,
    Forecast,
    ForecasterKind,
    Mode,
    ModelId,
    OutcomeState,
    Window,
)
from flaremon.status import FactState, Question, facts_as_json, facts_in_words, gather
from flaremon.truth import PERSISTENCE, TRAILING_CLIMATOLOGY

NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)
M_24H = rows.EVENTS[0]
NOAA = ModelId("noaa-swpc", "1.0.0")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
QUESTION = Question(
    model=rows.MODEL,
    events=rows.EVENTS,
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


def ask(engine, **changes):
    with session_scope(engine) as session:
        return gather(session, replace(QUESTION, **changes))


def m1(engine, **changes):
    (found,) = ask(engine, **changes).outlook
    return found


def say(engine, probability, *, calibrated=True, age=70 * timedelta(minutes=1), **changes):
    """Store an answer about both events, by a calibrator or not."""
    rec = rows.record(NOW - age)
    rows.store_all(engine, [rec], [])
    if calibrated:
        with session_scope(engine) as session:
            store.add_calibrator(
                session,
                model=rows.MODEL,
                document={"for": "a test"},
                sha256="c" * 64,
                fitted_at=NOW - DAY,
                now=NOW,
            )
        changes |= {
            "raw_probability": 0.6,
            "calibrator": "c" * 12,
            "activity": ActivityLevel.QUIET,
            "activity_source": "swpc as of 2026-02-01T11:00:00Z",
        }
    rows.store_all(
        engine,
        [rec],
        [rows.prediction(rec, e, probability=probability, **changes) for e in rows.EVENTS],
    )


def read_list(engine, flares=(), *, until=NOW - timedelta(minutes=4), periods=None):
    if periods is None:
        periods = [sky.covered(NOW - 40 * DAY, until)]
    sky.see(engine, seen_at=until, flares=flares, periods=periods)


def forecast(engine, who, kind, probability, start, *, hours=24):
    with session_scope(engine) as session:
        store.register_forecaster(session, forecaster=who, kind=kind, description="test", now=NOW)
        said = Forecast(
            forecaster=who,
            event=M_24H,
            window=Window(start=start, end=start + hours * HOUR),
            probability=probability,
            issued_at=start,
            mode=Mode.LIVE,
            source="a product",
        )
        store.add_forecasts(session, [said], run_id="test")


def test_an_event_in_progress_has_no_outlook(engine):
    say(engine, 0.23)
    assert [item.event for item in ask(engine).outlook] == [M_24H]


def test_baselines_are_computed_from_the_list_where_none_were_issued(engine):
    # One M flare at noon of every fifth day: its window of 24 h before, a fifth of the time.
    read_list(engine, [sky.flare(NOW - k * 5 * DAY - HOUR, "M1.4") for k in range(1, 8)])
    item = m1(engine)
    assert item.climatology.probability == pytest.approx(0.2, abs=0.01)
    assert item.persistence.probability == 0
    assert "computed now from flare list swpc" in item.climatology.source


def test_persistence_is_a_flare_of_the_class_in_the_last_day(engine):
    read_list(engine, [sky.flare(NOW - 20 * HOUR, "M1.4"), sky.flare(NOW - HOUR, "C9.9")])
    assert m1(engine).persistence.probability == 1
    assert "persistence yes" in facts_in_words(ask(engine))


def test_baselines_that_were_issued_lately_are_taken_as_they_are(engine):
    read_list(engine)
    forecast(engine, TRAILING_CLIMATOLOGY, ForecasterKind.BASELINE, 0.31, NOW - 2 * HOUR)
    forecast(engine, PERSISTENCE, ForecasterKind.BASELINE, 1.0, NOW - 4 * HOUR)
    item = m1(engine)
    assert (item.climatology.probability, item.climatology.source) == (0.31, "a product")
    # The other is too old, and the list knows better.
    assert item.persistence.probability == 0


def test_what_the_list_does_not_cover_is_unknown_and_not_quiet(engine):
    say(engine, 0.23)
    words = facts_in_words(ask(engine))
    assert "(climatology unknown, persistence unknown)" in words
    assert "flare list swpc answers for nothing" in words
    read_list(engine, until=NOW - 5 * HOUR)
    told = facts_as_json(ask(engine))["outlook"][0]
    assert told["climatology"]["state"] == told["persistence"]["state"] == "unknown"
    assert told["persistence"]["probability"] is None
    assert "since 2026-02-01T07:00Z" in told["persistence"]["source"]


def test_a_list_that_ended_long_ago_says_when(engine):
    read_list(
        engine, until=NOW - 200 * DAY, periods=[sky.covered(NOW - 900 * DAY, NOW - 200 * DAY)]
    )
    words = m1(engine).climatology.source
    assert words == "flare list swpc answers for nothing since 2025-07-16T12:00Z"


def test_a_list_that_is_new_says_how_many_days_a_climatology_lacks(engine):
    say(engine, 0.23)
    read_list(engine, periods=[sky.covered(NOW - 10 * DAY, NOW - timedelta(minutes=4))])
    item = m1(engine)
    assert item.persistence.probability == 0
    assert item.climatology.probability is None
    words = facts_in_words(ask(engine))
    assert "(climatology unknown, persistence no)" in words
    # Ten days of the list, of which the last one is still an open window.
    assert (
        "swpc answers for all 24 h of windows that began on 9.0 of the last 30 days, and a "
        "climatology needs 15"
    ) in words


def test_a_gap_in_the_last_day_leaves_persistence_unknown_and_climatology_known(engine):
    until = NOW - timedelta(minutes=4)
    read_list(
        engine,
        periods=[sky.covered(NOW - 40 * DAY, NOW - 5 * HOUR), sky.covered(NOW - 4 * HOUR, until)],
    )
    item = m1(engine)
    assert item.persistence.probability is None
    assert item.climatology.probability == 0


def test_noaas_own_forecast_stands_beside_it_for_the_day_that_it_is_for(engine):
    midnight = datetime(2026, 2, 1, tzinfo=UTC)
    assert m1(engine).official is None
    forecast(engine, NOAA, ForecasterKind.OFFICIAL, 0.5, midnight - DAY)
    assert m1(engine).official is None
    forecast(engine, NOAA, ForecasterKind.OFFICIAL, 0.35, midnight)
    forecast(engine, NOAA, ForecasterKind.OFFICIAL, 0.4, midnight + DAY)
    assert m1(engine).official.probability == 0.35
    say(engine, 0.23)
    assert "NOAA 35 % today" in facts_in_words(ask(engine))
    assert facts_as_json(ask(engine))["outlook"][0]["noaa"]["probability"] == 0.35


@pytest.mark.parametrize(
    ("probability", "words"),
    [(0.06, "lower than usual"), (0.18, "about as usual"), (0.34, "higher than usual")],
)
def test_the_first_line_says_what_is_and_how_usual_that_is(engine, probability, words):
    read_list(engine, [sky.flare(NOW - k * 5 * DAY - HOUR, "M1.4") for k in range(1, 8)])
    say(engine, probability, threshold=0.3)
    first = facts_in_words(ask(engine)).splitlines()[1]
    assert first.startswith("M1+/24h")
    assert "(climatology 20 %, persistence no)" in first
    assert first.endswith(words)


def test_a_networks_own_number_is_no_probability_and_is_not_compared(engine):
    read_list(engine)
    say(engine, 0.145, threshold=0.142, calibrated=False)
    words = facts_in_words(ask(engine))
    assert "usual" not in words
    assert "uncalibrated" in words
    assert "14.5 %; flare: yes (from 14.2 %)" in words
    assert "FLARE" not in words.replace("IN PROGRESS", "")


@pytest.mark.parametrize(
    ("activity", "source", "words"),
    [
        (ActivityLevel.ACTIVE, "swpc as of 2026-02-01T11:00:00Z", "the Sun was active"),
        (ActivityLevel.UNKNOWN, None, "without recent activity, which was unknown"),
        (
            ActivityLevel.UNKNOWN,
            "swpc as of 2026-02-01T11:00:00Z",
            "while a flare in progress had no class yet",
        ),
    ],
)
def test_a_network_that_reads_recent_flares_itself_says_probabilities(
    engine, activity, source, words
):
    read_list(engine, [sky.flare(NOW - k * 5 * DAY - HOUR, "M1.4") for k in range(1, 8)])
    say(engine, 0.23, threshold=0.3, calibrated=False, activity=activity, activity_source=source)
    told = facts_in_words(ask(engine))
    assert f"calibrated in training, {words}" in told
    assert "uncalibrated" not in told
    assert told.splitlines()[1].endswith("about as usual")


def test_a_calibrated_answer_says_what_recent_activity_it_was_given(engine):
    say(engine, 0.23)
    assert "calibrated, the Sun was quiet" in facts_in_words(ask(engine))
    told = facts_as_json(ask(engine))["cnn"][0]
    assert (told["raw_probability"], told["calibrator"], told["activity"]) == (
        0.6, "c" * 12, "quiet",
    )  # fmt: skip


def test_a_stale_answer_leaves_the_baselines_standing(engine):
    read_list(engine)
    say(engine, 0.23, age=5 * HOUR)
    facts = ask(engine)
    (item,) = facts.outlook
    assert item.state is FactState.STALE
    assert item.usual is None
    words = facts_in_words(facts).splitlines()
    assert words[1].startswith("M1+/24h  STALE - the newest scored observation is 5.0 h old")
    assert "(climatology 0 %, persistence no)" in words[2]


def outcomes(engine, n, *, every):
    """Store `n` live answers of 31 % an hour apart, long ago; one in `every` had a flare."""
    records = [rows.record(NOW - 20 * DAY - k * HOUR) for k in range(n)]
    said = [rows.prediction(rec, M_24H, probability=0.31) for rec in records]
    rows.store_all(engine, records, said)
    became = [
        EventOutcome(
            event=M_24H,
            window=p.window,
            state=OutcomeState.SCORED,
            flare=k % every == 0,
            flares=int(k % every == 0),
            catalog="swpc",
            catalog_as_of=NOW,
            decided_at=NOW,
        )
        for k, p in enumerate(said)
    ]
    with session_scope(engine) as session:
        store.add_event_outcomes(session, became, run_id="test")


def test_the_record_of_such_answers_is_told_once_there_are_enough(engine):
    outcomes(engine, 20, every=4)
    say(engine, 0.23)
    assert "not enough outcomes yet" in facts_in_words(ask(engine))
    outcomes(engine, 40, every=4)
    assert "when we said 20-40 %, a flare followed in 25 % (n = 40)" in facts_in_words(ask(engine))
    assert facts_as_json(ask(engine))["outlook"][0]["reliability"] == {
        "low": 0.2, "high": 0.4, "n": 40, "events": 10,
    }  # fmt: skip
