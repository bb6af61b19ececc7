"""An answer is never stale without saying so, and "no data" never reads as "no flare"."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from support import sky
from support.rows import prediction, record, rejection, store_all

from flaremon import store
from flaremon.database import session_scope
from flaremon.domain import FlareEvent, ModelId, RejectionReason, Verdict
from flaremon.status import answer, as_json, exit_code, in_words

NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)
EVENT = FlareEvent.parse("M1+/24h")
LIMIT = timedelta(hours=3)


@pytest.fixture
def engine(tmp_path):
    engine = sky.blank_engine(tmp_path)
    yield engine
    engine.dispose()


def ask(engine, event=EVENT, now=NOW):
    with session_scope(engine) as session:
        return answer(
            session,
            event,
            model=ModelId.parse("tiny-cnn@0.0.1"),
            series="hmi.M_720s_nrt",
            now=now,
            stale_after=LIMIT,
        )


def test_an_empty_database_is_unknown_and_never_no_flare(engine):
    item = ask(engine)
    assert item.verdict is Verdict.UNKNOWN
    assert exit_code([item]) == 2
    assert "UNKNOWN" in in_words(item)
    assert "no flare" not in in_words(item)
    assert as_json(item, NOW)["flare"] is None


@pytest.mark.parametrize(
    ("probability", "verdict", "code"),
    [(0.8, Verdict.FLARE, 1), (0.3, Verdict.FLARE, 1), (0.29, Verdict.NO_FLARE, 0)],
)
def test_a_fresh_answer_is_its_probability_against_the_threshold(
    engine, probability, verdict, code
):
    rec = record(NOW - timedelta(minutes=70))
    store_all(engine, [rec], [prediction(rec, EVENT, probability=probability, threshold=0.3)])
    item = ask(engine)
    assert item.verdict is verdict
    assert exit_code([item]) == code
    assert "70 min ago" in in_words(item)


def test_the_same_answer_turns_stale_when_time_passes(engine):
    rec = record(NOW - timedelta(minutes=70))
    store_all(engine, [rec], [prediction(rec, EVENT, probability=0.8, threshold=0.3)])
    item = ask(engine, now=NOW + timedelta(hours=2))
    assert item.verdict is Verdict.UNKNOWN
    assert exit_code([item]) == 2
    assert "STALE" in in_words(item)
    assert as_json(item, NOW)["flare"] is None


def test_an_answer_from_the_future_is_unknown(engine):
    rec = record(NOW + timedelta(hours=2))
    store_all(engine, [rec], [prediction(rec, EVENT, probability=0.1, threshold=0.3)])
    item = ask(engine)
    assert item.verdict is Verdict.UNKNOWN
    assert "in the future" in in_words(item)


def test_newer_records_that_were_rejected_are_mentioned(engine):
    old, new = record(NOW - timedelta(minutes=90)), record(NOW - timedelta(minutes=66))
    store_all(
        engine,
        [old, new],
        [
            prediction(old, EVENT, probability=0.1, threshold=0.3),
            rejection(new, RejectionReason.QUALITY),
        ],
    )
    item = ask(engine)
    assert "1 newer record(s) were rejected" in in_words(item)
    assert "quality" in in_words(item)
    assert as_json(item, NOW)["rejected_since"][0]["reason"] == "quality"


def test_a_newer_record_that_could_not_be_had_is_mentioned(engine):
    old, new = record(NOW - timedelta(minutes=90)), record(NOW - timedelta(minutes=66))
    store_all(engine, [old, new], [prediction(old, EVENT, probability=0.1, threshold=0.3)])
    item = ask(engine)
    assert "1 newer record(s) are listed and not scored yet" in in_words(item)
    assert as_json(item, NOW)["waiting_since"] == [str(new.key)]


@pytest.mark.parametrize(
    ("base_url", "words"),
    [
        ("http://jsoc.stanford.edu", None),
        ("https://jsoc.stanford.edu/mirrors", None),
        ("http://127.0.0.1:8080", "source http://127.0.0.1:8080, not the JSOC: a replay or a mirr"),
        ("http://mirror.example.org", "source http://mirror.example.org, not the JSOC: a replay"),
        ("file:///archive", "source file:///archive, not the JSOC: files in a folder"),
    ],
)
def test_an_answer_from_elsewhere_than_the_jsoc_says_so(engine, base_url, words):
    rec = record(NOW - timedelta(minutes=70))
    with session_scope(engine) as session:
        store.add_records(
            session, [rec], source="jsoc", base_url=base_url, run_id="test", listed_at=NOW
        )
    store_all(engine, [rec], [prediction(rec, EVENT, probability=0.1, threshold=0.3)])
    item = ask(engine)
    told = in_words(item)
    assert ("not the JSOC" in told) is (words is not None)
    assert words is None or words in told
    assert as_json(item, NOW)["base_url"] == base_url
    assert as_json(item, NOW)["from_jsoc"] is (words is None)
    assert exit_code([item]) == 0  # a mirror is as good


def test_an_answer_about_now_says_what_a_magnetogram_cannot_see(engine):
    rec, now = record(NOW - timedelta(minutes=70)), FlareEvent.parse("C1+/now")
    store_all(engine, [rec], [prediction(rec, now, probability=0.8, threshold=0.3)])
    assert "only X-rays see a flare" in in_words(ask(engine, event=now))


def test_a_degraded_record_says_so(engine):
    rec = replace(record(NOW - timedelta(minutes=70)), quality=0x10400)
    store_all(engine, [rec], [prediction(rec, EVENT, probability=0.1, threshold=0.3)])
    assert "degraded" in in_words(ask(engine))


def test_one_flare_outweighs_an_unknown_and_an_unknown_outweighs_no_flare(engine):
    rec = record(NOW - timedelta(minutes=70))
    store_all(engine, [rec], [prediction(rec, EVENT, probability=0.8, threshold=0.3)])
    flare, unknown = ask(engine), ask(engine, event=FlareEvent.parse("C1+/now"))
    quiet = replace(flare, verdict=Verdict.NO_FLARE)
    assert exit_code([unknown, flare]) == 1
    assert exit_code([quiet, unknown]) == 2
    assert exit_code([quiet]) == 0
    assert exit_code([]) == 2
