"""What is read fast is what was written: predictions, times, the newest flare."""

import pickle
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine, event, select, text
from support import sky
from support.slots import EVENTS, LISTING, M_24H, START, prediction, record, register, stored_file

from flaremon import store
from flaremon.database import open_engine, session_scope, upgrade
from flaremon.domain import ActivityLevel, FlareClass, Mode, ModelId, Prediction
from flaremon.schema import PredictionRow
from flaremon.store.prediction_rows import COLUMNS, assembled

OTHER = ModelId("fulldisk-rate", "2.0.0")
HOUR = timedelta(hours=1)
C1 = FlareClass("C", 1.0)


@pytest.fixture
def said(engine):
    """Predictions of five records by two models, about two events, in the order of reading."""
    records = [record(number) for number in range(5)]
    made = [
        prediction(
            item,
            of,
            model=model,
            score=0.001 * number,
            raw_probability=0.125,
            activity=ActivityLevel.QUIET,
            activity_source="swpc as of 2026-02-01T00:00:00Z",
            spread=0.03,
            mode=Mode.HINDCAST if number else Mode.LIVE,
            issued_at=item.t_obs + HOUR + timedelta(microseconds=number),
        )
        for number, item in enumerate(records)
        for of in EVENTS
        for model in (prediction(item).model, OTHER)
    ]
    with session_scope(engine) as session:
        register(session)
        register(session, OTHER)
        store.add_records(session, records, **LISTING)
        store.add_file(session, records[0].key, stored_file(records[0]))
        store.add_outcomes(session, made)
    return made


def whole(items):
    return sorted(items, key=lambda p: (p.t_obs, str(p.event), str(p.model)))


def test_predictions_that_are_read_are_predictions_like_any_other(engine, said):
    with session_scope(engine) as session:
        read = [item.prediction for item in store.predictions(session)]
    assert whole(read) == whole(said)
    one = read[0]
    assert type(one) is Prediction
    assert all(hasattr(one, item.name) for item in fields(Prediction))
    assert hash(one) in {hash(item) for item in said}
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301 - our own bytes
    assert replace(one, probability=0.5).probability == 0.5
    assert one.latency == one.issued_at - one.t_obs
    with pytest.raises(AttributeError):
        one.probability = 1.0


def test_a_result_in_many_parts_is_the_same(engine, said):
    statement = select(*COLUMNS).order_by(PredictionRow.id)
    with session_scope(engine) as session:
        rows = session.execute(statement).all()
        at_once = list(assembled(session, [rows]))
        in_parts = list(assembled(session, ([row] for row in rows)))
        assert list(assembled(session, [])) == list(assembled(session, [[]])) == []
    assert in_parts == at_once
    assert whole(item.prediction for item in at_once) == whole(said)


def test_facts_of_a_record_made_anew_are_not_told_of_what_was_scored_before(engine, said):
    first = record(0)
    with session_scope(engine) as session:
        before = store.latest(session, event=M_24H, model=OTHER)
        (of_first, *_) = store.predictions_of(session, first.key)
        store.add_records(session, [replace(first, recnum=99_000)], **LISTING)
        (after, *_) = store.predictions_of(session, first.key)
    assert before.prediction.t_obs == record(4).t_obs
    assert (of_first.file_url, of_first.processed_at) == (
        stored_file(first).url, first.processed_at,
    )  # fmt: skip
    assert (after.file_url, after.processed_at) == (None, None)
    assert after.prediction == of_first.prediction
    assert after.quality_class is of_first.quality_class


def test_an_unknown_model_has_said_nothing(engine, said):
    nobody = ModelId("nobody", "1.0.0")
    with session_scope(engine) as session:
        assert list(store.predictions(session, model=nobody)) == []
        assert store.latest(session, event=M_24H, model=nobody) is None


@contextmanager
def queries(engine):
    """Collect what is asked of an engine: statements and their values."""
    asked = []

    def note(_connection, _cursor, statement, values, *_rest):
        asked.append((statement, values))

    event.listen(engine, "before_cursor_execute", note)
    yield asked
    event.remove(engine, "before_cursor_execute", note)


def test_reading_many_takes_one_query_per_kind_of_row(engine, said):
    with session_scope(engine) as session, queries(engine) as asked:
        assert len(list(store.predictions(session))) == len(said)
    tables = [statement.split("FROM ")[1].split()[0] for statement, _ in asked]
    assert sorted(tables) == ["models", "predictions", "records"]


@pytest.mark.postgres
def test_times_are_utc_whatever_zone_a_server_lives_in(postgres_server):
    name = postgres_server.create_database()
    postgres_server.execute(f"ALTER DATABASE \"{name}\" SET timezone TO 'Asia/Tokyo'")
    url = postgres_server.url_of(name)
    upgrade(url)
    item = record()
    ours = open_engine(url)
    with session_scope(ours) as session:
        register(session)
        store.add_records(session, [item], **LISTING)
        store.add_outcomes(session, [prediction(item)])
    foreign = create_engine(ours.url)
    for engine in (ours, foreign):
        with engine.connect() as connection:
            at = connection.scalar(select(PredictionRow.t_obs))
            zone = connection.scalar(text("SHOW timezone"))
        assert (at, at.tzinfo) == (item.t_obs, UTC)
        assert zone == ("UTC" if engine is ours else "Asia/Tokyo")
        engine.dispose()
    postgres_server.drop_database(name)


def newest(engine, **options):
    with session_scope(engine) as session:
        until = options.pop("until", START)
        found = store.newest_flare(session, catalog="swpc", until=until, **options)
    return None if found is None else (found.start, str(found.flare_class))


def test_the_newest_flare_is_the_last_of_its_list_up_to_then(engine):
    assert newest(engine) is None
    flares = [
        sky.flare(START - 30 * HOUR, "M2.0"),
        sky.flare(START - 5 * HOUR, "C3.0"),
        sky.flare(START - 2 * HOUR, "B7.0"),
        sky.flare(START + HOUR, "X1.0"),
    ]
    sky.see(engine, seen_at=START, flares=flares)
    sky.see(
        engine,
        seen_at=START,
        flares=[sky.flare(START - k * HOUR, "M9.0") for k in range(1, 40)],
        catalog="hek",
    )
    assert newest(engine) == (START - 2 * HOUR, "B7")
    assert newest(engine, at_least=C1) == (START - 5 * HOUR, "C3")
    assert newest(engine, at_least=FlareClass("M", 1.0)) == (START - 30 * HOUR, "M2")
    assert newest(engine, at_least=FlareClass("X", 1.0)) is None
    assert newest(engine, until=START + HOUR) == (START + HOUR, "X1")


def test_of_a_flare_that_was_revised_only_what_is_known_now_counts(engine):
    start = START - 4 * HOUR
    sky.see(engine, seen_at=START, flares=[sky.flare(start, "C9.0", edited=False)])
    sky.see(engine, seen_at=START + HOUR, flares=[sky.flare(start, "B8.0", edited=True)])
    assert newest(engine) == (start, "B8")
    assert newest(engine, at_least=C1) is None


def test_the_newest_flare_is_found_by_the_index_of_starts(engine):
    at = datetime(2026, 1, 1, tzinfo=UTC)
    sky.see(engine, seen_at=at, flares=[sky.flare(at - k * HOUR, "C1.0") for k in range(400)])
    with engine.begin() as connection:
        connection.execute(text("ANALYZE"))
    with queries(engine) as asked:
        assert newest(engine, until=at) == (at, "C1")
    statement, values = asked[-1]
    explain = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
    with engine.connect() as connection:
        plan = connection.exec_driver_sql(explain + statement, values).all()
    assert "flare_revisions_by_start_at" in str(plan)


@pytest.mark.parametrize("chosen", [{"model": OTHER}, {"tenures": [store.Tenure(model=OTHER)]}])
def test_the_newest_answers_of_a_model_are_found_by_the_index_of_times(engine, said, chosen):
    with session_scope(engine) as session, queries(engine) as asked:
        found = list(store.predictions(session, limit=3, **chosen))
    assert {item.prediction.model for item in found} == {OTHER}
    statement, values = asked[0]
    if engine.dialect.name == "sqlite":  # PostgreSQL reads all of so few, and knows when not to
        with engine.connect() as connection:
            plan = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, values).all()
        assert "predictions_by_t_obs" in str(plan)
