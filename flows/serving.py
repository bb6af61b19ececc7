"""The monitor on a schedule from one command, and once without any schedule.

`serve_monitor` uses the Prefect server that is configured (PREFECT_API_URL, or the user's
Prefect profile); without one it starts a private server and ends it again. The flow `truth` runs
beside the monitor on a schedule of its own, and neither waits for the other. Runs are processes
of their own, one of each flow at a time. The first SIGTERM or Ctrl-C waits for the runs that are
going on (it drains); the second ends them too, which costs nothing but the time they took.
"""

import contextlib
import contextvars
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

from prefect.events.worker import EventsWorker
from prefect.settings import (
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_LOGGING_TO_API_ENABLED,
    get_current_settings,
)

from flaremon.config import Settings
from flaremon.database import sqlite_file
from flows.monitor import monitor
from flows.private_server import PrivateServer
from flows.runner import Served, serve
from flows.surroundings import (
    LOGGERS,
    client_settings,
    client_variables,
    environment,
    quiet_prefect,
    say,
    stop_signals,
)
from flows.truth import truth

_ONCE: Mapping[Any, Any] = {
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,  # nobody watches, and it costs 1 s
    PREFECT_LOGGING_TO_API_ENABLED: False,  # the server ends with the run
}


def serve_monitor(
    *, every: timedelta, settings: Settings, truth_every: timedelta | None = None
) -> None:
    """Run the monitor now and then every so often, until SIGTERM or Ctrl-C.

    Parameters
    ----------
    every : timedelta
        Time between the starts of two runs.
    truth_every : timedelta, optional
        The same for the flow `truth`, which then runs too.
    settings : Settings
        Reach the processes of the runs as they are.

    Raises
    ------
    ConfigurationError
        Another monitor uses the same folder.
    FlaremonError
        The Prefect server cannot be started or reached.
    """
    with stop_signals() as stop, contextlib.ExitStack() as stack:
        server = None
        api_url = get_current_settings().api.url
        if api_url is None:
            server = stack.enter_context(PrivateServer(prefect_home(settings), stop=stop))
            api_url = server.api_url
        if stop.is_set():
            return
        variables = client_variables(api_url, server)
        variables["PREFECT_LOGGING_EXTRA_LOGGERS"] = LOGGERS
        stack.enter_context(environment(settings, variables))
        stack.enter_context(client_settings(api_url, server))
        flows = [Served(monitor, every)]
        if truth_every is not None:
            flows.append(Served(truth, truth_every))
        beside = f", what GOES observed every {truth_every}" if truth_every is not None else ""
        say(
            f"monitoring {settings.jsoc.series} every {every}{beside} (h:mm:ss), first run now; "
            f"Prefect is at {api_url.removesuffix('/api')}; stop with Ctrl-C."
        )
        # The runs are children of the thread that starts them: see its word on signals.
        with ThreadPoolExecutor(1, thread_name_prefix="runner") as pool:
            inherit = contextvars.copy_context()
            pool.submit(inherit.run, serve, flows, server, stop).result()
    say("stopped.")


def run_monitor_here(*, settings: Settings) -> dict[str, Any]:
    """Run the monitor once, in this process, against a private server of its own.

    Returns
    -------
    dict
        The summary of the run (see `flows.summary.as_json`).

    Raises
    ------
    FlaremonError
        As `flows.monitor.monitor` does, and if the private server cannot be started.
    """
    with (
        PrivateServer(prefect_home(settings), ui=False) as server,
        environment(settings, client_variables(server.api_url, server)),
        client_settings(server.api_url, server, _ONCE),
        quiet_prefect(),
    ):
        try:
            summary: dict[str, Any] = monitor()
            return summary
        finally:
            # They are sent from a thread, and the server is about to end.
            EventsWorker.drain_all()


def prefect_home(settings: Settings) -> Path:
    """Return the folder of the private server: beside the SQLite database, else in the home."""
    file = sqlite_file(settings.database_url.get_secret_value())
    folder = file.parent if file is not None else Path.home() / ".local" / "share" / "flaremon"
    return folder.resolve() / "prefect"
