"""The tables: what they promise, and that the migrations make exactly them."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from support.slots import LISTING, START, prediction, record, register

from flaremon import migrations
from flaremon.database import session_scope
from flaremon.errors import InputError, StoreError
from flaremon.schema import Base, NaiveTimeError, RecordRow
from flaremon.store import add_outcomes, add_records

ROOT = Path(__file__).resolve().parent.parent


def structure(engine: Engine) -> dict[str, object]:
    """All that a database tells about its tables, in an order that does not matter."""
    inspector = inspect(engine)

    def references(name: str) -> list[dict[str, object]]:
        found = inspector.get_foreign_keys(name)
        # SQLite does not tell the name of a reference that came with an added column.
        unnamed = {"name": None} if engine.dialect.name == "sqlite" else {}
        return [{**key, **unnamed} for key in found]

    ask = {
        "columns": lambda name: [
            (column["name"], str(column["type"]), column["nullable"])
            for column in inspector.get_columns(name)
        ],
        "primary key": inspector.get_pk_constraint,
        "foreign keys": references,
        "unique": inspector.get_unique_constraints,
        "checks": inspector.get_check_constraints,
        "indexes": inspector.get_indexes,
    }
    return {
        name: {
            what: sorted(answer, key=repr) if isinstance(answer, list) else answer
            for what, answer in ((what, question(name)) for what, question in ask.items())
        }
        for name in inspector.get_table_names()
        if name != "alembic_version"
    }


def test_migrated_schema_is_the_declared_one(engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_migrated_schema_equals_one_made_from_the_declaration_checks_included(engine):
    migrated = structure(engine)
    with engine.begin() as connection:
        Base.metadata.drop_all(connection)
        Base.metadata.create_all(connection)
    assert structure(engine) == migrated
    assert [check["name"] for check in migrated["predictions"]["checks"]] == [
        "predictions_mode_is_live_or_hindcast",
        "predictions_probability_is_0_to_1",
        "predictions_score_is_finite",
        "predictions_window_runs_forward",
    ]


def test_revision_files_are_numbered_by_their_revision_and_form_one_line():
    script = ScriptDirectory(str(Path(migrations.__file__).parent))
    line = [revision.revision for revision in script.walk_revisions()][::-1]
    assert tuple(line) == migrations.revisions()
    assert all(
        Path(revision.path).name.startswith(f"v{revision.revision}_")
        for revision in script.walk_revisions()
    )


@pytest.mark.parametrize(
    "instant",
    [
        datetime(2026, 2, 1, 12, 30, 15, 123456, tzinfo=UTC),
        datetime(2026, 2, 1, 1, 0, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        datetime(2016, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
    ],
)
def test_times_come_back_as_the_same_instant_in_utc(engine, instant):
    with session_scope(engine) as session:
        add_records(session, [record(t_obs=instant)], **LISTING)
    with session_scope(engine) as session:
        stored = session.query(RecordRow.t_obs).scalar()
    assert stored == instant
    assert stored.utcoffset() == timedelta(0)


def test_a_missing_time_stays_missing(engine):
    with session_scope(engine) as session:
        add_records(session, [record(t_obs=None)], **LISTING)
        assert session.query(RecordRow.t_obs).scalar() is None


def test_a_time_without_a_zone_is_refused_and_nothing_is_written(engine):
    with (
        pytest.raises(NaiveTimeError, match="no time zone") as caught,
        session_scope(engine) as session,
    ):
        add_records(session, [record(0), record(1, t_obs=START.replace(tzinfo=None))], **LISTING)
    assert isinstance(caught.value, InputError)
    with session_scope(engine) as session:
        assert session.query(RecordRow).count() == 0


def test_quality_takes_the_whole_unsigned_word(engine):
    with session_scope(engine) as session:
        add_records(session, [record(0, quality=0xFFFFFFFF)], **LISTING)
        assert session.query(RecordRow.quality).scalar() == 0xFFFFFFFF


@pytest.mark.parametrize(
    ("changes", "promise"),
    [
        ({"probability": 1.01}, "predictions_probability_is_0_to_1"),
        ({"probability": -0.01}, "predictions_probability_is_0_to_1"),
        ({"probability": float("nan")}, "probability"),
        ({"score": float("nan")}, "score"),
        ({"score": float("inf")}, "predictions_score_is_finite"),
    ],
)
def test_values_that_break_a_promise_are_refused_by_the_database(engine, changes, promise):
    item = record()
    with session_scope(engine) as session:
        register(session)
        add_records(session, [item], **LISTING)
    with pytest.raises(StoreError, match=promise) as caught, session_scope(engine) as session:
        add_outcomes(session, [prediction(item, **changes)])
    assert not caught.value.retriable


def test_other_promises_hold_too(engine):
    item = record()
    with session_scope(engine) as session:
        register(session)
        add_records(session, [item], **LISTING)
        add_outcomes(session, [prediction(item)])
    broken = {
        "records_quality_is_a_32_bit_word": "UPDATE records SET quality = 4294967296",
        "records_sha256_is_whole": "UPDATE records SET sha256 = 'abc'",
        "models_sha256_is_whole": "UPDATE models SET weights_sha256 = 'abc'",
        "predictions_mode_is_live_or_hindcast": "UPDATE predictions SET mode = 'replay'",
        "predictions_window_runs_forward": "UPDATE predictions SET window_end = '2000-01-01'",
        # SQLite does not say which foreign key it is.
        "(?i)foreign key": "UPDATE predictions SET record_id = 4711",
    }
    for promise, statement in broken.items():
        with pytest.raises(StoreError, match=promise), session_scope(engine) as session:
            session.execute(text(statement))


def test_a_row_can_only_refer_to_what_exists(engine):
    with session_scope(engine) as session:
        register(session)
        add_records(session, [record()], **LISTING)
        add_outcomes(session, [prediction(record())])
    with pytest.raises(StoreError), session_scope(engine) as session:
        session.execute(text("DELETE FROM records"))


def test_columns_take_keywords_in_any_alphabet(engine):
    keywords = {"COMMENT": "Sonnenfleck \u2609 \U0001f31e", "": ""}
    with session_scope(engine) as session:
        add_records(session, [record(keywords=keywords)], **LISTING)
        assert session.query(RecordRow.keywords).scalar() == keywords


def test_reading_the_database_needs_no_heavy_library():
    code = (
        "import sys, json, flaremon.schema, flaremon.database, flaremon.store\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=ROOT)
    heavy = {"alembic", "astropy", "drms", "matplotlib", "numba", "prefect", "sunpy", "torch"}
    assert not heavy & set(json.loads(done.stdout))
