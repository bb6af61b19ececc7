"""One real Prefect server, one tiny model package, and a replica per test."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prefect.events.worker import EventsWorker
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_HOME,
    PREFECT_LOGGING_TO_API_ENABLED,
    temporary_settings,
)
from support.packages import write_package

from flaremon import store
from flaremon.config import Settings, read_settings, settings_as_environment
from flaremon.database import open_engine, session_scope, upgrade
from flaremon.replica import Replica
from flows.private_server import PrivateServer

FRESH = "fresh.db"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that needs the server, so that nobody has to remember."""
    for item in items:
        if "prefect_server" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.prefect)


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServer]:
    """Give a private server: what `flaremon monitor` uses, scheduler and all, started once."""
    home = tmp_path_factory.mktemp("prefect")
    with (
        PrivateServer(home, ui=False) as server,
        temporary_settings(
            {
                PREFECT_API_URL: server.api_url,
                PREFECT_HOME: home,
                # A flow run otherwise waits up to 1 s for its heartbeat's thread.
                PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
                # Sent from a thread that would still be at it when the server has gone.
                PREFECT_LOGGING_TO_API_ENABLED: False,
            }
        ),
    ):
        with (
            contextlib.closing(sqlite3.connect(home / "prefect.db")) as full,
            contextlib.closing(sqlite3.connect(home / FRESH)) as copy,
        ):
            full.backup(copy)
        yield server
        EventsWorker.drain_all()


@pytest.fixture(scope="session")
def fresh_prefect_db(prefect_server: PrivateServer) -> Path:
    """Give the database of a server that was just made; making another takes 6 s and more."""
    return prefect_server.home / FRESH


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    write_package(folder)
    return folder


@dataclass
class Station:
    """A replica, and the settings of a monitor that listens to it."""

    replica: Replica
    settings: Settings

    def read(self, query: Callable[..., Iterable[Any]], **arguments: Any) -> list[Any]:
        """Ask the project's database."""
        engine = open_engine(self.settings.database_url.get_secret_value())
        try:
            with session_scope(engine) as session:
                return list(query(session, **arguments))
        finally:
            engine.dispose()

    @property
    def predictions(self) -> list[Any]:
        return [row.prediction for row in self.read(store.predictions)]

    @property
    def rejections(self) -> list[Any]:
        return self.read(store.rejections)

    def calls(self, endpoint: str) -> int:
        """How often the replica was asked something."""
        return sum(call.endpoint == endpoint for call in self.replica.calls)


@pytest.fixture
def station(
    request: pytest.FixtureRequest,
    hmi_archive: Path,
    tiny_models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Station]:
    """Give a station with three records, or as many of the newest as the parameter says."""
    archive = tmp_path / "archive"
    archive.mkdir()
    for path in sorted(hmi_archive.iterdir())[-getattr(request, "param", 3) :]:
        (archive / path.name).symlink_to(path)
    with Replica(archive, latest_as_now=True) as replica:
        for name, value in {
            "JSOC__BASE_URL": replica.base_url,
            "JSOC__MIN_INTERVAL_S": "0",
            "JSOC__ATTEMPTS": "1",  # so that what is retried is retried by Prefect
            "CACHE__DIR": str(tmp_path / "cache"),
            "DATABASE_URL": f"sqlite:///{tmp_path / 'flaremon.db'}",
            "MODELS_DIR": str(tiny_models),
            "MODEL": "tiny-cnn@0.0.1",
            "DEVICE": "cpu",
        }.items():
            monkeypatch.setenv(f"FLAREMON_{name}", value)
        settings = read_settings()
        for name, value in settings_as_environment(settings).items():
            monkeypatch.setenv(name, value)
        upgrade(settings.database_url.get_secret_value())
        yield Station(replica, settings)
