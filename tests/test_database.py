"""Engines, sessions, upgrades: and what each way of failing is called."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import traceback
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import event, exc, text
from support.postgres import PostgresServer
from support.slots import LISTING, contents, prediction, record, register

from flaremon.database import (
    check_schema,
    open_engine,
    safe_url,
    session_scope,
    sqlite_file,
    upgrade,
)
from flaremon.database.failures import translate
from flaremon.errors import (
    ConfigurationError,
    SchemaMismatchError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
)
from flaremon.migrations import revisions
from flaremon.store import add_outcomes, add_records, count

ROOT = Path(__file__).resolve().parent.parent
NEWEST = revisions()[-1]
NEXT = f"{int(NEWEST) + 1:04d}"
NOBODY = 65534


@pytest.fixture
def url(database_url):
    upgrade(database_url)
    return database_url


@pytest.fixture
def engine(url):
    engine = open_engine(url, busy_timeout_s=0.3)
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite_url(tmp_path):
    url = f"sqlite:///{tmp_path / 'flaremon.db'}"
    upgrade(url)
    return url


@contextmanager
def opened(url, **options):
    engine = open_engine(url, **options)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def as_ordinary_user():
    """Root may write everywhere; permissions are tried as somebody else."""
    if os.geteuid() != 0:
        yield
        return
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@pytest.fixture
def public_folder():
    """A folder that every user may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="flaremon-test-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def write(engine, numbers):
    """Write predictions of some slots in one transaction."""
    records = [record(number) for number in numbers]
    with session_scope(engine) as session:
        register(session)
        add_records(session, records, **LISTING)
        return add_outcomes(session, map(prediction, records))


def run_python(code, *, path=ROOT):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=path,
        env={**os.environ, "PYTHONPATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )


# --- URLs ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "not a url with s3cret",
        "mysql://user:s3cret@host/name",
        "postgresql+asyncpg://user:s3cret@host/name",
        "postgresql://user:s3cret@host:port/name",
        "sqlite://",
        "sqlite:///:memory:",
        "",
    ],
)
def test_a_url_we_cannot_use_is_a_configuration_error_that_does_not_repeat_it(url):
    with pytest.raises(ConfigurationError, match="FLAREMON_DATABASE_URL") as caught:
        open_engine(url)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


def test_urls_in_messages_show_neither_password_nor_options():
    shown = safe_url("postgres://user:s3cret@host:5432/name?password=s3cret&sslmode=require")
    assert shown == "postgresql://user:***@host:5432/name"


@pytest.mark.postgres
@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_urls_of_every_spelling_use_psycopg_3(postgres_url, scheme):
    with opened(postgres_url.replace("postgresql", scheme)) as engine:
        assert engine.driver == "psycopg"
        with engine.connect() as connection:
            assert connection.execute(text("SELECT 1")).scalar() == 1


def test_the_file_of_a_sqlite_url_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert sqlite_file("sqlite:////data/flaremon.db") == Path("/data/flaremon.db")
    assert sqlite_file("sqlite:///~/flaremon.db") == tmp_path / "flaremon.db"
    assert sqlite_file("postgresql://host/name") is None


# --- SQLite: pragmas and files ---------------------------------------------------------------


def test_sqlite_connections_have_the_pragmas_that_answers_rely_on(sqlite_url):
    with opened(sqlite_url, busy_timeout_s=7) as engine, engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
        }
    assert pragmas == {
        "journal_mode": "wal",
        "foreign_keys": 1,
        "busy_timeout": 7000,
        "synchronous": 2,
    }


def test_the_folder_of_a_new_database_is_made(tmp_path):
    upgrade(f"sqlite:///{tmp_path / 'a' / 'b 100%' / 'flaremon.db'}")
    assert (tmp_path / "a" / "b 100%" / "flaremon.db").exists()


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"file/flaremon\.db: the folder.*FLAREMON_DATABASE_URL"):
        upgrade(f"sqlite:///{tmp_path / 'file' / 'flaremon.db'}")


def test_a_folder_where_nothing_may_be_made_counts_as_read_only(public_folder):
    with as_ordinary_user(), pytest.raises(StoreFullError, match="Permission denied"):
        upgrade(f"sqlite:///{public_folder / 'new' / 'flaremon.db'}")
    assert list(public_folder.iterdir()) == []


def test_a_folder_in_the_place_of_the_file_cannot_be_opened(tmp_path):
    (tmp_path / "flaremon.db").mkdir()
    with pytest.raises(StoreUnavailableError, match="cannot be opened"):
        upgrade(f"sqlite:///{tmp_path / 'flaremon.db'}")


@pytest.mark.parametrize("content", [b"T_REC,T_OBS\n" * 2000, b"SQLite format 3\0" + bytes(5000)])
def test_a_file_that_is_not_a_database_is_left_alone(tmp_path, content):
    file = tmp_path / "flaremon.db"
    file.write_bytes(content)
    with pytest.raises(StoreError, match="not an SQLite file") as caught:
        upgrade(f"sqlite:///{file}")
    assert not caught.value.retriable
    assert file.read_bytes() == content


def test_a_damaged_database_is_an_error_and_not_an_answer(sqlite_url):
    file = sqlite_file(sqlite_url)
    with opened(sqlite_url) as engine:
        write(engine, range(200))
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    file.write_bytes(content)
    with (
        opened(sqlite_url) as engine,
        pytest.raises(StoreError, match="is damaged"),
        session_scope(engine) as session,
    ):
        count(session)


# --- read-only -------------------------------------------------------------------------------


def test_a_read_only_engine_reads_and_refuses_to_write(engine, url):
    write(engine, range(3))
    with opened(url, read_only=True) as reader:
        check_schema(reader)
        with session_scope(reader) as session:
            assert count(session)["predictions"] == 3
        with pytest.raises(StoreFullError, match="read-only") as caught:
            write(reader, range(3, 6))
        assert not caught.value.retriable
        with session_scope(reader) as session:
            assert count(session)["predictions"] == 3


def test_reading_a_database_that_does_not_exist_names_the_command_and_makes_no_file(tmp_path):
    with pytest.raises(SchemaMismatchError, match="flaremon db upgrade"):
        open_engine(f"sqlite:///{tmp_path / 'x' / 'flaremon.db'}", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_a_read_only_uri_is_read_only(sqlite_url):
    uri = f"sqlite:///file:{sqlite_file(sqlite_url)}?mode=ro&uri=true"
    with opened(uri) as engine:
        check_schema(engine)
        with pytest.raises(StoreFullError, match="is read-only; make file and folder writable"):
            write(engine, range(3))
    assert safe_url(uri) == sqlite_url


def test_a_file_without_write_permission_is_read_only(public_folder):
    url = f"sqlite:///{public_folder / 'flaremon.db'}"
    upgrade(url)
    (public_folder / "flaremon.db").chmod(0o444)
    public_folder.chmod(0o777)
    with (
        as_ordinary_user(),
        opened(url) as engine,
        pytest.raises(StoreFullError, match="read-only"),
    ):
        write(engine, range(3))


def test_a_folder_without_write_permission_is_read_only(public_folder):
    url = f"sqlite:///{public_folder / 'flaremon.db'}"
    upgrade(url)
    (public_folder / "flaremon.db").chmod(0o666)
    public_folder.chmod(0o555)
    with (
        as_ordinary_user(),
        opened(url) as engine,
        pytest.raises(StoreFullError, match="make file and folder writable"),
    ):
        write(engine, range(3))


# --- full ------------------------------------------------------------------------------------


def test_a_full_database_says_so_and_keeps_what_it_had(sqlite_url):
    with opened(sqlite_url) as engine:
        write(engine, range(10))
        before = contents(engine)
    with opened(sqlite_url) as engine:

        @event.listens_for(engine, "connect")
        def no_more_room(connection, _record):
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages}")

        with pytest.raises(StoreFullError, match="is full; free some space") as caught:
            write(engine, range(10, 2000))
        assert not caught.value.retriable
    with opened(sqlite_url) as engine:
        assert contents(engine) == before


def test_a_full_disk_says_so_and_keeps_what_it_had(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this user may not mount a small disk")
    url = f"sqlite:///{disk / 'flaremon.db'}"
    try:
        upgrade(url)
        with opened(url) as engine:
            write(engine, range(10))
            before = contents(engine)
            with pytest.raises(StoreFullError):
                write(engine, range(10, 5000))
            assert contents(engine) == before
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


# --- locked ----------------------------------------------------------------------------------


@contextmanager
def somebody_writing(url):
    """Hold the lock that keeps other writers out."""
    file = sqlite_file(url)
    if file is not None:
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")
    else:
        with psycopg.connect(url) as other:
            other.execute("LOCK TABLE records, models IN EXCLUSIVE MODE")
            yield
            other.rollback()


def test_a_lock_that_is_held_too_long_is_worth_trying_again(engine, url):
    with somebody_writing(url), pytest.raises(StoreUnavailableError, match="is locked") as caught:
        write(engine, range(3))
    assert caught.value.retriable
    assert write(engine, range(3)) == 3


def test_reading_goes_on_while_somebody_writes(engine, url):
    write(engine, range(3))
    with somebody_writing(url), session_scope(engine) as session:
        assert count(session)["predictions"] == 3


def test_an_upgrade_waits_for_another_one_and_then_says_so(tmp_path):
    url = f"sqlite:///{tmp_path / 'flaremon.db'}"
    with closing(sqlite3.connect(sqlite_file(url), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailableError, match="is locked"):
            upgrade(url, busy_timeout_s=0.1)
        other.execute("ROLLBACK")
    assert upgrade(url, busy_timeout_s=0.1) == NEWEST


def test_a_transaction_that_read_first_can_still_write_after_somebody_else_did(sqlite_url):
    # With SQLite's own deferred transactions this fails at once, whatever the busy timeout.
    with opened(sqlite_url) as one, opened(sqlite_url) as other, session_scope(one) as session:
        assert count(session)["records"] == 0
        write(other, range(3))
        add_records(session, [record(7)], **LISTING)
        assert count(session)["records"] == 4


# --- PostgreSQL ------------------------------------------------------------------------------


@pytest.mark.postgres
def test_a_wrong_password_is_told_without_showing_it(postgres_server):
    url = postgres_server.url_of("postgres", "locked:wr0ng-horse")
    with pytest.raises(StoreError, match=r"locked:\*\*\*@.* refuses the login") as caught:
        upgrade(url)
    assert not caught.value.retriable
    assert "wr0ng-horse" not in "".join(traceback.format_exception(caught.value))
    with opened(postgres_server.url_of("postgres", f"locked:{PostgresServer.PASSWORD}")) as engine:
        engine.connect().close()


@pytest.mark.postgres
def test_a_database_or_role_that_does_not_exist_is_not_worth_trying_again(postgres_server):
    for url in (postgres_server.url_of("nowhere"), postgres_server.url_of("postgres", "nobody")):
        with pytest.raises(StoreError, match="does not exist") as caught:
            upgrade(url)
        assert not caught.value.retriable


@pytest.mark.postgres
def test_a_server_that_is_down_is_worth_trying_again_and_works_once_it_is_back(postgres_server):
    with PostgresServer(postgres_server.programs) as server:
        url = server.url_of(server.create_database())
        upgrade(url)
        with opened(url) as engine:
            assert write(engine, range(3)) == 3
            server.stop()
            with pytest.raises(StoreUnavailableError, match="cannot be reached") as caught:
                write(engine, range(3, 6))
            assert caught.value.retriable
            server.start()
            assert write(engine, range(3, 6)) == 3


@pytest.mark.postgres
def test_a_connection_that_dies_in_a_transaction_is_worth_trying_again(postgres_server):
    name = postgres_server.create_database()
    url = postgres_server.url_of(name)
    upgrade(url)
    with opened(url) as engine:

        def write_and_lose_the_connection():
            with session_scope(engine) as session:
                add_records(session, [record()], **LISTING)
                postgres_server.send_clients_away(name)
                add_records(session, [record(1)], **LISTING)

        with pytest.raises(StoreUnavailableError) as caught:
            write_and_lose_the_connection()
        assert caught.value.retriable
        with session_scope(engine) as session:
            assert count(session)["records"] == 0
    postgres_server.drop_database(name)


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("08006", StoreUnavailableError),  # connection failure
        ("40001", StoreUnavailableError),  # serialisation failure
        ("40P01", StoreUnavailableError),  # deadlock
        ("53300", StoreUnavailableError),  # too many connections
        ("55P03", StoreUnavailableError),  # lock timeout
        ("57014", StoreUnavailableError),  # statement timeout
        ("57P01", StoreUnavailableError),  # shutting down
        ("57P03", StoreUnavailableError),  # starting up
        ("53100", StoreFullError),  # disk full
        ("25006", StoreFullError),  # read-only transaction
        ("42P01", SchemaMismatchError),  # no such table
        ("42703", SchemaMismatchError),  # no such column
        ("42501", StoreError),  # permission denied
        ("23505", StoreError),  # unique violation
        ("22012", StoreError),  # division by zero
    ],
)
def test_what_the_server_says_is_translated(postgres_url, state, kind):
    with (
        opened(postgres_url) as engine,
        pytest.raises(StoreError) as caught,
        session_scope(engine) as session,
    ):
        session.execute(text(f"DO $$BEGIN RAISE 'said so' USING ERRCODE = '{state}'; END$$"))
    assert type(caught.value) is kind
    assert "said so" in str(caught.value)
    assert caught.value.__cause__ is not None


# --- errors in general -----------------------------------------------------------------------


def _subclasses(kind):
    return {kind}.union(*map(_subclasses, kind.__subclasses__()))


def test_every_error_of_sqlalchemy_and_the_drivers_has_a_translation():
    of_sqlalchemy = _subclasses(exc.DBAPIError)
    of_drivers = _subclasses(sqlite3.Error) | _subclasses(psycopg.Error)
    assert len(of_drivers) > 200
    pairs = [(wrapper, sqlite3.Error) for wrapper in of_sqlalchemy]
    pairs += [(exc.DBAPIError, cause) for cause in of_drivers]
    with opened("sqlite:///x.db") as engine:
        for wrapper, cause in pairs:
            translated = translate(wrapper("SELECT 1", None, cause("it failed")), engine.url)
            assert isinstance(translated, StoreError), (wrapper, cause)
            assert str(translated).startswith("sqlite:///x.db ")
            assert str(translated).endswith("(it failed)")


def test_parameters_are_not_shown_in_errors(engine):
    email = "some-email@example.invalid"
    with pytest.raises(StoreError) as caught, session_scope(engine) as session:
        session.execute(text("SELECT nothing FROM nowhere WHERE x = :x"), {"x": email})
    assert email not in "".join(traceback.format_exception(caught.value))


def test_an_error_in_the_middle_rolls_back_and_passes(engine):
    def write_and_fail():
        with session_scope(engine) as session:
            add_records(session, [record()], **LISTING)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    with session_scope(engine) as session:
        assert count(session)["records"] == 0


# --- the schema version ----------------------------------------------------------------------


def test_upgrading_twice_changes_nothing(database_url):
    assert upgrade(database_url) == upgrade(database_url) == NEWEST
    with opened(database_url) as engine:
        write(engine, range(3))
        before = contents(engine)
        upgrade(database_url)
        check_schema(engine)
        assert contents(engine) == before


def test_an_empty_database_is_told_with_the_command_that_helps(database_url):
    with opened(database_url) as engine:
        with pytest.raises(SchemaMismatchError, match="is empty; run `flaremon db upgrade`"):
            check_schema(engine)
        with pytest.raises(SchemaMismatchError, match="flaremon db upgrade"):
            write(engine, range(3))


@pytest.fixture
def next_version(tmp_path):
    """A copy of the package with one more migration, as a later release would have."""
    folder = tmp_path / "next"
    shutil.copytree(
        ROOT / "flaremon", folder / "flaremon", ignore=shutil.ignore_patterns("__pycache__")
    )
    (folder / "flaremon" / "migrations" / "versions" / f"v{NEXT}_notes.py").write_text(
        "import sqlalchemy as sa\n"
        "from alembic import op\n"
        f"revision, down_revision = '{NEXT}', '{NEWEST}'\n"
        "def upgrade():\n"
        "    with op.batch_alter_table('models') as batch:\n"
        "        batch.add_column(sa.Column('note', sa.Text(), nullable=True))\n"
    )
    return folder


def test_older_and_newer_databases_are_told_apart_and_an_older_one_is_upgraded(
    engine, url, next_version
):
    write(engine, range(3))
    code = f"from flaremon.database import *; check_schema(open_engine({url!r}))"
    older = run_python(code, path=next_version)
    assert "SchemaMismatchError" in older.stderr
    assert f"older schema {NEWEST}" in older.stderr
    assert "`flaremon db upgrade`" in older.stderr

    code = f"from flaremon.database import *; print(upgrade({url!r}))"
    assert run_python(code, path=next_version).stdout == f"{NEXT}\n"
    with session_scope(engine) as session:
        assert session.execute(text("SELECT note FROM models")).all() == [(None,)]
        assert count(session)["predictions"] == 3

    for refused in (lambda: check_schema(engine), lambda: upgrade(url)):
        with pytest.raises(SchemaMismatchError, match="newer flaremon wrote it"):
            refused()


def test_somebody_elses_tables_are_not_taken_for_ours(engine):
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'a1b2c3d4'"))
    with pytest.raises(SchemaMismatchError, match="a database of its own"):
        check_schema(engine)


def test_several_processes_may_upgrade_a_new_database_at_once(database_url):
    command = [sys.executable, "-m", "support.writer", database_url, "--upgrade"]
    writers = [
        subprocess.Popen(command, cwd=ROOT / "tests", env=_with_path(), stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    said = [writer.communicate()[1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * 4, said
    with opened(database_url) as engine:
        check_schema(engine)


def test_an_upgrade_that_was_killed_leaves_nothing_behind(database_url):
    for step in (4, 9, 14):
        command = [sys.executable, "-m", "support.writer", database_url, "--upgrade"]
        done = subprocess.run(
            [*command, "--kill-at", str(step)], cwd=ROOT / "tests", env=_with_path(), check=False
        )
        assert done.returncode == -signal.SIGKILL
        with opened(database_url) as engine, pytest.raises(SchemaMismatchError, match="is empty"):
            check_schema(engine)
    assert upgrade(database_url) == NEWEST


def _with_path():
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
