"""Rows in, rows out: on SQLite and PostgreSQL, twice, at the same time, and after kill -9."""

import os
import re
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, event, select, text
from support.slots import (
    C_NOW,
    DEFINITIVE,
    EVENTS,
    LISTING,
    M_24H,
    MODEL,
    NRT,
    START,
    STEP,
    contents,
    prediction,
    record,
    register,
    rejection,
    rows_of,
    stored_file,
)
from support.writer import CHUNKS, write

from flaremon.database import open_engine, session_scope, upgrade
from flaremon.domain import FlareEvent, Mode, ModelId, QualityClass, RecordKey, RejectionReason
from flaremon.errors import StoreError
from flaremon.schema import Base, RecordRow
from flaremon.store import (
    add_file,
    add_outcomes,
    add_records,
    count,
    known_hashes,
    latest,
    predictions,
    register_model,
    rejections,
    undecided,
)
from flaremon.times import tai_label_to_utc

ROOT = Path(__file__).resolve().parent.parent
OTHER = ModelId("fulldisk-rate", "2.0.0")


@pytest.fixture
def session(engine):
    with session_scope(engine) as session:
        register(session)
        yield session


# --- records and files -----------------------------------------------------------------------


def row_of(session, key):
    return session.scalars(
        select(RecordRow)
        .where(RecordRow.series == key.series, RecordRow.t_rec == key.t_rec)
        .execution_options(populate_existing=True)
    ).one()


def test_every_fact_of_a_record_is_kept(session):
    item = record(5)
    add_records(session, [item], **LISTING)
    add_file(session, item.key, stored_file(item))
    row = row_of(session, item.key)
    assert (row.series, row.harpnum, row.t_rec) == (NRT, 0, "2026.02.01_01:00:00_TAI")
    assert row.slot_at == tai_label_to_utc(item.key.t_rec)
    assert (row.recnum, row.quality, row.calibration) == (1005, 0x400, "near-real-time")
    assert (row.t_obs, row.processed_at) == (item.t_obs, item.processed_at)
    assert (row.centre_x_px, row.radius_px, row.roll_deg) == (2047.5, 1912.75, 180.0)
    assert row.keywords == {"CAMERA": "2", "QUALITY": "0x00000400"}
    assert (row.source, row.base_url) == ("jsoc", "http://jsoc.invalid")
    assert row.segment_path == "/SUM1/D5/S00000/magnetogram.fits"
    assert row.file_url == "http://jsoc.invalid/SUM1/D5/S00000/magnetogram.fits"
    assert (row.size_bytes, row.sha256) == (16_000_000, stored_file(item).sha256)
    assert (row.listed_at, row.fetched_at, row.run_id) == (START, START, "cli-test")


def test_a_record_without_image_is_kept_too(session):
    item = record(quality=0x80000000, t_obs=None, geometry=None, segment_path=None)
    add_records(session, [item], **LISTING)
    row = row_of(session, item.key)
    assert (row.quality, row.t_obs, row.centre_x_px, row.segment_path) == (
        0x80000000, None, None, None,
    )  # fmt: skip


def test_listing_a_record_again_changes_nothing(session):
    item = record()
    add_records(session, [item], **LISTING)
    add_file(session, item.key, stored_file(item))
    before = rows_of(session.connection())
    again = {**LISTING, "run_id": "cli-later", "listed_at": START + timedelta(hours=1)}
    add_records(session, [record(keywords={}), record(recnum=999)], **again)
    assert rows_of(session.connection()) == before


def test_a_newer_record_number_renews_the_listing_and_forgets_the_old_file(session):
    item = record()
    add_records(session, [item], **LISTING)
    add_file(session, item.key, stored_file(item))
    anew = record(recnum=5000, quality=0, segment_path="/SUM9/new.fits")
    later = START + timedelta(hours=1)
    add_records(session, [anew], **{**LISTING, "run_id": "cli-later", "listed_at": later})
    row = row_of(session, item.key)
    assert (row.recnum, row.quality, row.segment_path) == (5000, 0, "/SUM9/new.fits")
    assert (row.file_url, row.size_bytes, row.sha256, row.fetched_at) == (None,) * 4
    assert row.listed_at == later
    assert row.run_id == "cli-test"  # the run that first listed the slot
    assert count(session)["records"] == 1


def test_of_two_rows_for_one_slot_the_higher_record_number_counts(session):
    add_records(session, [record(recnum=7), record(recnum=9), record(recnum=8)], **LISTING)
    assert row_of(session, record().key).recnum == 9


def test_patches_and_series_of_one_slot_are_different_records(session):
    t_rec = record().key.t_rec
    keys = [
        RecordKey(series=NRT, t_rec=t_rec),
        RecordKey(series=DEFINITIVE, t_rec=t_rec),
        RecordKey(series=NRT, t_rec=t_rec, harpnum=377),
    ]
    items = [record(key=key) for key in keys]
    add_records(session, items, **LISTING)
    add_outcomes(session, [rejection(items[1])])
    assert count(session)["records"] == 3
    assert undecided(session, items, model=MODEL, events=EVENTS) == [items[0], items[2]]


def test_the_same_file_again_changes_nothing_and_another_one_replaces_it(session):
    item = record()
    add_records(session, [item], **LISTING)
    add_file(session, item.key, stored_file(item))
    before = rows_of(session.connection())
    later = stored_file(item)
    add_file(session, item.key, type(later)(
        path=later.path, size_bytes=1, sha256=later.sha256, url="elsewhere",
        fetched_at=START + STEP,
    ))  # fmt: skip
    assert rows_of(session.connection()) == before
    add_file(session, item.key, stored_file(item, "other content"))
    assert row_of(session, item.key).sha256 == stored_file(item, "other content").sha256


def test_a_file_of_a_record_that_was_never_listed_is_refused(session):
    with pytest.raises(StoreError, match=re.escape(str(record().key))):
        add_file(session, record().key, stored_file(record()))


def test_damaged_text_is_stored_readably(session):
    item = record(keywords={"COMMENT": "a\0b\ud800c"})
    add_records(session, [item], **LISTING)
    add_outcomes(session, [rejection(item, detail="header says 'SIM\0PLE\udcff'")])
    assert row_of(session, item.key).keywords == {"COMMENT": "a\ufffdb?c"}
    assert next(rejections(session)).detail == "header says 'SIM\ufffdPLE?'"


# --- models ----------------------------------------------------------------------------------


def test_registering_a_model_again_changes_nothing(session):
    before = rows_of(session.connection())
    register_model(
        session, model=MODEL, weights_sha256="ab" * 32, events=EVENTS[::-1], now=START + STEP
    )
    assert rows_of(session.connection()) == before


def test_a_model_version_with_other_weights_is_refused(session):
    with pytest.raises(StoreError, match=r"fulldisk-cnn@1\.0\.0 is registered with weights abab"):
        register_model(session, model=MODEL, weights_sha256="cd" * 32, events=EVENTS, now=START)


def test_a_model_version_for_other_events_is_refused(session):
    with pytest.raises(StoreError, match=r"is registered for C1\+/now, M1\+/24h and not for M1"):
        register_model(session, model=MODEL, weights_sha256="ab" * 32, events=[M_24H], now=START)


# --- outcomes --------------------------------------------------------------------------------


def test_predictions_come_back_as_they_went_in_with_the_facts_of_their_record(session):
    item = record()
    add_records(session, [item], **LISTING)
    add_file(session, item.key, stored_file(item))
    said = prediction(item, score=-1.0986122886681098, probability=1 / 3, mode=Mode.HINDCAST)
    assert add_outcomes(session, [said]) == 1
    (stored,) = predictions(session)
    assert stored.prediction == said
    assert (stored.recnum, stored.quality) == (item.recnum, item.quality)
    assert stored.quality_class is QualityClass.CLEAN
    assert stored.sha256 == stored_file(item).sha256
    assert stored.file_url == stored_file(item).url
    assert stored.processed_at == item.processed_at


def test_derived_values_are_stored_for_those_who_read_the_tables_themselves(session):
    add_records(session, [record()], **LISTING)
    add_outcomes(session, [prediction(record(), probability=0.3, threshold=0.3)])
    flare, latency_s = session.execute(text("SELECT flare, latency_s FROM predictions")).one()
    assert flare == 1
    assert latency_s == 3600.0


def test_rejections_come_back_as_they_went_in(session):
    items = [record(0), record(1, t_obs=None)]
    add_records(session, items, **LISTING)
    made = [rejection(items[0]), rejection(items[1], reason=RejectionReason.BLANK)]
    assert add_outcomes(session, made) == 2
    assert list(rejections(session)) == made[::-1]


def test_writing_outcomes_twice_changes_nothing_and_the_first_answer_stands(session):
    items = [record(number) for number in range(3)]
    add_records(session, items, **LISTING)
    outcomes = [prediction(items[0]), prediction(items[0], C_NOW), rejection(items[1])]
    assert add_outcomes(session, outcomes) == 3
    before = rows_of(session.connection())
    changed = [
        prediction(items[0], probability=0.9),
        rejection(items[1], reason=RejectionReason.BLANK),
    ]
    assert add_outcomes(session, outcomes + changed) == 0
    assert rows_of(session.connection()) == before
    assert add_outcomes(session, [*outcomes, prediction(items[2])]) == 1


def test_the_same_outcome_twice_in_one_call_is_one_row(session):
    add_records(session, [record()], **LISTING)
    assert add_outcomes(session, [prediction(record()), prediction(record())]) == 1


def test_each_model_and_each_event_has_its_own_row(session):
    register(session, OTHER)
    add_records(session, [record()], **LISTING)
    rows = [
        prediction(record(), event, model=model) for event in EVENTS for model in (MODEL, OTHER)
    ]
    assert add_outcomes(session, rows) == 4


def test_outcomes_are_read_in_batches_from_any_iterable(session):
    items = [record(number) for number in range(601)]
    add_records(session, items, **LISTING)
    assert add_outcomes(session, (prediction(item) for item in items)) == 601
    rows = {name: n for name, n in count(session).items() if n}
    assert rows == {"records": 601, "models": 1, "predictions": 601}


def test_no_outcomes_are_no_work(session):
    assert add_outcomes(session, []) == 0
    add_records(session, [], **LISTING)
    assert undecided(session, [], model=MODEL, events=EVENTS) == []


@pytest.mark.parametrize("outcome", [prediction(record(1)), rejection(record(1))])
def test_an_outcome_of_a_record_that_was_never_listed_is_refused_by_name(session, outcome):
    add_records(session, [record(0)], **LISTING)
    with pytest.raises(StoreError, match=re.escape(str(record(1).key))):
        add_outcomes(session, [outcome])


def test_a_prediction_of_a_model_that_was_never_registered_is_refused_by_name(session):
    add_records(session, [record()], **LISTING)
    with pytest.raises(StoreError, match=re.escape(str(OTHER))):
        add_outcomes(session, [prediction(record(), model=OTHER)])


def test_a_prediction_keeps_the_record_it_was_made_from_when_jsoc_makes_another(session):
    item = record()
    add_records(session, [item], **LISTING)
    add_file(session, item.key, stored_file(item))
    add_outcomes(session, [prediction(item)])
    add_records(session, [record(recnum=5000, quality=0x20)], **LISTING)
    (stored,) = predictions(session)
    assert (stored.recnum, stored.quality) == (item.recnum, item.quality)
    assert stored.sha256 == stored_file(item).sha256
    assert (stored.file_url, stored.processed_at) == (None, None)


# --- what is left to do ----------------------------------------------------------------------


def test_undecided_records_keep_their_order(session):
    items = [record(number) for number in range(9, -1, -1)]
    assert undecided(session, items, model=MODEL, events=EVENTS) == items
    add_records(session, items, **LISTING)
    add_outcomes(session, [rejection(items[3])])
    add_outcomes(session, [prediction(items[6], event) for event in EVENTS])
    left = items[:3] + items[4:6] + items[7:]
    assert undecided(session, items, model=MODEL, events=EVENTS) == left


def test_a_record_is_decided_only_when_all_events_are_answered_by_that_model(session):
    register(session, OTHER)
    item = record()
    add_records(session, [item], **LISTING)
    add_outcomes(session, [prediction(item, M_24H)])
    add_outcomes(session, [prediction(item, event, model=OTHER) for event in EVENTS])
    assert undecided(session, [item], model=MODEL, events=EVENTS) == [item]
    assert undecided(session, [item], model=MODEL, events=[M_24H]) == []
    assert undecided(session, [item], model=OTHER, events=EVENTS) == []
    assert undecided(session, [item], model=ModelId("new", "1.0.0"), events=EVENTS) == [item]
    add_outcomes(session, [prediction(item, C_NOW)])
    assert undecided(session, [item], model=MODEL, events=EVENTS) == []


def test_a_rejected_record_is_tried_again_under_a_newer_number_a_predicted_one_is_not(session):
    items = [record(0), record(1)]
    add_records(session, items, **LISTING)
    add_outcomes(session, [rejection(items[0])])
    add_outcomes(session, [prediction(items[1], event) for event in EVENTS])
    anew = [record(0, recnum=5000), record(1, recnum=5001)]
    add_records(session, anew, **LISTING)
    assert undecided(session, items, model=MODEL, events=EVENTS) == []
    assert undecided(session, anew, model=MODEL, events=EVENTS) == [anew[0]]
    add_outcomes(session, [rejection(anew[0])])
    assert undecided(session, anew, model=MODEL, events=EVENTS) == []


def test_undecided_works_over_many_records_of_several_series(session):
    items = [record(number, series=series) for number in range(520) for series in (NRT, DEFINITIVE)]
    add_records(session, items, **LISTING)
    done = items[::3]
    add_outcomes(session, [prediction(item, event) for item in done[::2] for event in EVENTS])
    add_outcomes(session, [rejection(item) for item in done[1::2]])
    left = [item for index, item in enumerate(items) if index % 3]
    assert undecided(session, items, model=MODEL, events=EVENTS) == left


# --- queries ---------------------------------------------------------------------------------


@pytest.fixture
def day(session):
    """Half a day of predictions: both series and events, of two models, probabilities rising."""
    register(session, OTHER)
    items = [record(number, series=s) for s in (NRT, DEFINITIVE) for number in range(60)]
    add_records(session, items, **LISTING)
    rows = [
        prediction(
            item,
            event,
            model=model,
            probability=index % 60 / 60,
            mode=Mode.LIVE if item.key.series == NRT else Mode.HINDCAST,
        )
        for index, item in enumerate(items)
        for event in EVENTS
        for model in (MODEL, OTHER)
    ]
    assert add_outcomes(session, rows) == 480
    return rows


FILTERS = [
    ({}, lambda p: True),
    ({"since": START + STEP}, lambda p: p.t_obs >= START + STEP),
    ({"until": START + STEP}, lambda p: p.t_obs < START + STEP),
    (
        {"since": record(10).t_obs, "until": record(20).t_obs},
        lambda p: record(10).t_obs <= p.t_obs < record(20).t_obs,
    ),
    ({"events": [C_NOW]}, lambda p: p.event == C_NOW),
    ({"events": EVENTS}, lambda p: True),
    ({"events": []}, lambda p: False),
    ({"events": [FlareEvent.parse("X1+/24h")]}, lambda p: False),
    ({"model": OTHER}, lambda p: p.model == OTHER),
    ({"model": ModelId("fulldisk-rate", "1.0.0")}, lambda p: False),
    ({"series": DEFINITIVE}, lambda p: p.key.series == DEFINITIVE),
    ({"min_probability": 0.5}, lambda p: p.probability >= 0.5),
    ({"min_probability": 0.0}, lambda p: True),
    ({"mode": Mode.HINDCAST}, lambda p: p.mode is Mode.HINDCAST),
    (
        {"model": MODEL, "events": [M_24H], "series": NRT, "min_probability": 0.9},
        lambda p: (p.model, p.event, p.key.series) == (MODEL, M_24H, NRT) and p.probability >= 0.9,
    ),
]


def test_filters_keep_exactly_what_they_say(session, day):
    for filters, keep in FILTERS:
        found = [stored.prediction for stored in predictions(session, **filters)]
        assert sorted(found, key=repr) == sorted(filter(keep, day), key=repr), filters


def test_predictions_are_read_newest_first_and_a_limit_takes_the_newest(session, day):
    times = [stored.prediction.t_obs for stored in predictions(session)]
    assert times == sorted(times, reverse=True)
    newest = [stored.prediction.t_obs for stored in predictions(session, limit=9)]
    assert newest == times[:9]


def test_the_order_of_predictions_is_the_same_every_time(session, day):
    first, second = (list(predictions(session)) for _ in range(2))
    assert first == second


def test_a_query_fails_when_it_is_asked_and_not_when_it_is_read(session):
    for table in ("region_shares", "predictions"):
        session.execute(text(f"DROP TABLE {table}"))
    with pytest.raises(Exception, match="predictions"):
        predictions(session)
    session.rollback()


def test_the_latest_prediction_is_of_the_newest_observation_not_of_the_last_one_written(session):
    items = [record(5), record(9), record(2)]
    add_records(session, items, **LISTING)
    for item in items:
        add_outcomes(session, [prediction(item)])
    found = latest(session, event=M_24H, model=MODEL)
    assert found is not None
    assert found.prediction == prediction(record(9))


def test_the_latest_prediction_can_be_asked_for_a_series(session):
    items = [record(3, series=DEFINITIVE), record(7)]
    add_records(session, items, **LISTING)
    add_outcomes(session, map(prediction, items))
    of_series = [
        latest(session, event=M_24H, model=MODEL, series=series)
        for series in (DEFINITIVE, NRT, None)
    ]
    assert [found.prediction.key.t_rec for found in of_series if found is not None] == [
        items[0].key.t_rec,
        items[1].key.t_rec,
        items[1].key.t_rec,
    ]


def test_there_is_no_latest_prediction_where_nothing_was_predicted(session):
    add_records(session, [record()], **LISTING)
    add_outcomes(session, [prediction(record())])
    assert latest(session, event=C_NOW, model=MODEL) is None
    assert latest(session, event=M_24H, model=OTHER) is None
    assert latest(session, event=M_24H, model=MODEL, series=DEFINITIVE) is None


def test_rejections_are_read_by_slot_newest_first(session):
    items = [record(number) for number in range(10)] + [record(4, series=DEFINITIVE)]
    add_records(session, items, **LISTING)
    made = [rejection(item) for item in items]
    add_outcomes(session, made)
    since, until = (tai_label_to_utc(record(number).key.t_rec) for number in (3, 6))
    found = list(rejections(session, since=since, until=until, series=NRT))
    assert found == [made[5], made[4], made[3]]
    assert list(rejections(session, series=DEFINITIVE)) == [made[10]]
    assert list(rejections(session, since=since, series=NRT, limit=2)) == [made[9], made[8]]
    assert list(rejections(session, since=START + timedelta(days=2))) == []


def test_a_slot_that_was_rejected_twice_has_both_rejections(session):
    add_records(session, [record(recnum=1)], **LISTING)
    add_outcomes(session, [rejection(record(recnum=1))])
    add_records(session, [record(recnum=2)], **LISTING)
    add_outcomes(session, [rejection(record(recnum=2))])
    assert [found.recnum for found in rejections(session)] == [2, 1]


def test_known_hashes_tell_which_slot_first_had_the_file(session):
    items = [record(number) for number in range(4)]
    add_records(session, items, **LISTING)
    for item, content in zip(items[::-1], ["a", "b", "a", "c"], strict=True):
        add_file(session, item.key, stored_file(item, content))
    a, b, c = (stored_file(record(), content).sha256 for content in "abc")
    assert known_hashes(session) == {a: items[1].key, b: items[2].key, c: items[0].key}
    assert known_hashes(session, [a, "0" * 64]) == {a: items[1].key}
    assert known_hashes(session, []) == {}
    since = tai_label_to_utc(items[2].key.t_rec)
    assert known_hashes(session, since=since) == {a: items[3].key, b: items[2].key}
    assert known_hashes(session, [a, c], until=since) == {a: items[1].key, c: items[0].key}


def test_questions_are_answered_by_index(tmp_path):
    """No question of the live job reads all predictions, however many there are."""
    url = f"sqlite:///{tmp_path / 'flaremon.db'}"
    upgrade(url)
    engine = open_engine(url)
    asked = []
    event.listen(engine, "before_cursor_execute", lambda *args: asked.append(args[2:4]))
    with session_scope(engine) as session:
        register(session)
        asked.clear()
        latest(session, event=M_24H, model=MODEL)
        latest(session, event=M_24H, model=MODEL, series=NRT)
        list(predictions(session, since=START, until=START + STEP))
        list(predictions(session, limit=10))
        list(rejections(session, since=START))
        undecided(session, [record()], model=MODEL, events=EVENTS)
        known_hashes(session, ["0" * 64])
        plans = {
            statement: [
                step.detail
                for step in session.connection().exec_driver_sql(
                    f"EXPLAIN QUERY PLAN {statement}", parameters
                )
            ]
            for statement, parameters in list(asked)
        }
    engine.dispose()
    assert len(plans) >= 8
    for statement, steps in plans.items():
        for step in steps:
            scans = re.match(r"SCAN (records|predictions|rejections)\b(?! USING INDEX)", step)
            assert not scans, (statement, steps)


# --- processes -------------------------------------------------------------------------------


def run_writer(url, *options):
    return subprocess.Popen(
        [sys.executable, "-m", "support.writer", url, *options],
        cwd=ROOT / "tests",
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def undisturbed(tmp_path):
    """What the writer writes when nothing happens."""
    url = f"sqlite:///{tmp_path / 'undisturbed.db'}"
    upgrade(url)
    engine = open_engine(url)
    for chunk in range(CHUNKS):
        assert write(engine, chunk) > 0
    rows = contents(engine)
    engine.dispose()
    return rows


def test_processes_that_write_the_same_at_the_same_time_neither_fail_nor_duplicate(
    engine, database_url, undisturbed
):
    writers = [run_writer(database_url, *options) for options in ([], ["--reversed"], [])]
    said = [writer.communicate()[1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0], said
    assert contents(engine) == undisturbed


def test_what_a_killed_writer_left_is_finished_by_the_next_one(engine, database_url, undisturbed):
    steps = int(run_writer(database_url).communicate()[0])
    left = []
    # In the first and in a middle transaction, before the last insert, before the last commit.
    for step in (4, steps // 2, steps - 1, steps):
        with engine.begin() as connection:
            for table in reversed(Base.metadata.sorted_tables):
                connection.execute(delete(table))
        writer = run_writer(database_url, "--kill-at", str(step))
        said = writer.communicate()[1]
        assert writer.returncode == -signal.SIGKILL, said
        left.append(len(contents(engine)["predictions"]))
        for chunk in range(CHUNKS):
            write(engine, chunk)
        assert contents(engine) == undisturbed
    whole = len(undisturbed["predictions"])
    # Whole transactions or nothing.
    assert left == [0, left[1], whole - whole // CHUNKS, whole - whole // CHUNKS]
    assert left[1] in {whole // CHUNKS * n for n in range(CHUNKS)}
