"""Fixtures for everybody: loopback only, a clean environment, real data where it is at hand."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_socket
from hypothesis import HealthCheck, settings
from support import suns
from support.postgres import REQUIRED, PostgresServer, find_programs
from support.sites import Site

from flaremon.replica import Fault, Replica

if TYPE_CHECKING:
    from sqlalchemy import Engine

ROOT = Path(__file__).resolve().parent.parent

# A slow machine is no fault of the product, and the same commit must give the same answer twice.
# To search further than the examples of every run: --hypothesis-profile default.
settings.register_profile(
    "flaremon", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.load_profile("flaremon")


@pytest.fixture(autouse=True)
def _loopback_only() -> Iterator[None]:
    pytest_socket.socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)
    yield
    pytest_socket._remove_restrictions()


@pytest.fixture(autouse=True)
def _clean_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for name in list(os.environ):
        if name.startswith("FLAREMON_") or name.lower() in {"http_proxy", "https_proxy"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("TZ", "UTC")
    # urllib honours proxies even for loopback.
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data (README, "Data"); tests that need it skip where it is absent."""
    folder = Path(os.environ.get("FLAREMON_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "README.md").exists():
        pytest.skip(f"no real data at {folder} (see README, Data)")
    return folder


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Give a private PostgreSQL server; skips, or fails where one is required."""
    programs = find_programs()
    if programs is None:
        (pytest.fail if REQUIRED else pytest.skip)(
            "PostgreSQL is not installed (.ci/install-postgres does it)"
        )
    with PostgresServer(programs) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres_server: PostgresServer) -> str:
    """URL of the server's maintenance database."""
    return postgres_server.url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty database, in turn on SQLite and PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'flaremon.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.create_database()
    yield server.url_of(name)
    server.drop_database(name)


@pytest.fixture
def engine(database_url: str) -> Iterator["Engine"]:
    """Engine of a database with empty tables, in turn on SQLite and PostgreSQL."""
    from flaremon.database import open_engine, upgrade  # noqa: PLC0415 - of these tests only

    upgrade(database_url)
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def hmi_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with three consecutive near-real-time records, 4096 x 4096, for a replica."""
    folder = tmp_path_factory.mktemp("archive")
    suns.archive(folder, 3)
    return folder


@pytest.fixture
def site(hmi_archive: Path, tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Give a function that makes a replica and the adapter to it; all stop with the test."""
    with contextlib.ExitStack() as stack:

        def make(*faults: Fault, addresses: dict[str, int] | None = None, **settings: Any) -> Site:
            replica = Replica(hmi_archive, faults=faults, addresses=addresses, export_delay_s=0.05)
            return Site(stack.enter_context(replica), tmp_path / "cache", **settings)

        yield make
