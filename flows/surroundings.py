"""What is around a monitor while it serves: signals, environment, Prefect's own settings."""

import contextlib
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

from flaremon.backfill import decoding
from flaremon.config import PREFIX, Settings, settings_as_environment
from flows.private_server import PrivateServer

LOGGERS = "flaremon,flows"
"""Loggers whose lines Prefect puts into the log of the run."""


def say(sentence: str) -> None:
    """Tell who started us; standard output belongs to results."""
    sys.stderr.write(f"flaremon: {sentence}\n")
    sys.stderr.flush()


@contextlib.contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """Give an event that the first SIGTERM or SIGINT sets; the second ends the run's process."""
    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            for child in multiprocessing.active_children():
                child.terminate()
            return
        stop.set()
        say("stopping when the current run is done; once more to stop at once.")

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end_with_parent(flow: Any, flow_run: Any, state: Any) -> None:  # noqa: ARG001 - Prefect's form
    """End this run's process when the monitor that started it dies; a hook of the flow.

    Its server is gone too then, and Prefect would spend minutes on trying to tell it. What is
    half done the next run does again.
    """
    decoding.end_with_parent()


@contextlib.contextmanager
def environment(settings: Settings, extra: Mapping[str, str]) -> Iterator[None]:
    """Put settings into the environment of this process and, with it, of its children.

    This is the one place outside `flaremon.config` that touches os.environ: Prefect starts the
    processes of runs with the environment of its own process and takes no other.
    """
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    os.environ.update(settings_as_environment(settings) | dict(extra))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def client_variables(api_url: str, server: PrivateServer | None) -> dict[str, str]:
    """Return what the processes of runs must know about Prefect before they import it."""
    variables = {
        "DO_NOT_TRACK": "1",
        "PREFECT_API_URL": api_url,
        # A run must never fall back to a server of its own.
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
    }
    return variables | ({"PREFECT_HOME": str(server.home)} if server is not None else {})


@contextlib.contextmanager
def client_settings(
    api_url: str, server: PrivateServer | None, more: Mapping[Any, Any] | None = None
) -> Iterator[None]:
    """Point Prefect in this process to the server."""
    updates: dict[Any, Any] = {PREFECT_API_URL: api_url} | dict(more or {})
    if server is not None:
        updates[PREFECT_HOME] = server.home
    with temporary_settings(updates):
        yield


@contextlib.contextmanager
def quiet_prefect() -> Iterator[None]:
    """Silence Prefect's lines: the answer of a command is its result, or one error in words."""
    logger = logging.getLogger("prefect")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
