"""A Prefect server of our own on loopback, for a machine where none is configured.

It is a child of this process with a folder of its own, so it shares nothing with other Prefect
installations of the user, and it cannot outlive us. What Prefect keeps in it is display only:
the folder may be removed at any time and nothing of flaremon's is lost.
"""

import contextlib
import fcntl
import logging
import os
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import httpx

from flaremon.config import PREFIX
from flaremon.errors import ConfigurationError, FlaremonError
from flows.server_settings import SERVER_SETTINGS

log = logging.getLogger(__name__)

START_DEADLINE_S = 120.0
"""A first start makes the server's database: 10 to 18 s on an idle machine."""
_END_DEADLINE_S = 15.0
_LOCK_DEADLINE_S = 20.0
"""The server of a monitor that was killed needs a moment to notice."""
_PROCESS = Path(__file__).with_name("server_process.py")


class PrivateServer:
    """A Prefect server, from entering the context to leaving it.

    Parameters
    ----------
    home : Path
        Folder of the server (Prefect's PREFECT_HOME); made if absent, used by one at a time.
    ui : bool
        Whether to serve Prefect's pages too; unpacking them costs a second the first time.
    stop : threading.Event, optional
        Set by somebody who no longer wants the server while it starts.
    """

    def __init__(self, home: Path, *, ui: bool = True, stop: threading.Event | None = None) -> None:
        self.home = home
        self._ui = ui
        self._stop = stop or threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[bytes]
        self._listening: socket.socket
        self._open: contextlib.ExitStack

    @property
    def url(self) -> str:
        """Address of the pages."""
        host, port = self._listening.getsockname()
        return f"http://{host}:{port}"

    @property
    def api_url(self) -> str:
        """Address of the API, Prefect's PREFECT_API_URL."""
        return f"{self.url}/api"

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._lock = stack.enter_context(self._take_home())
            self._listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            stack.callback(self._end)
            self.ensure()
            self._open = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def ensure(self) -> None:
        """Start the server if it does not run, and wait until it is healthy.

        Raises
        ------
        FlaremonError
            It ended at once or is not healthy in time; the message has its last words.
        """
        if self._process is not None:
            if self._process.poll() is None:
                return
            log.warning("the private Prefect server ended by itself; starting it again")
            self._end()
        self._process = self._start()
        end = time.monotonic() + START_DEADLINE_S
        while not self._healthy():
            if self._stop.wait(0.1):
                return
            if self._process.poll() is not None or time.monotonic() > end:
                raise FlaremonError(
                    f"the private Prefect server did not start; its log is {self._log_path}: "
                    f"{self._last_words()}"
                )

    def _start(self) -> subprocess.Popen[bytes]:
        descriptor = self._listening.fileno()
        with self._log_path.open("wb") as output:
            # -P: the script's folder, flows/, must not become a place to import from. The
            # lock is inherited, so that the folder stays taken until the server is gone too.
            return subprocess.Popen(  # noqa: S603 - our own script
                [sys.executable, "-P", str(_PROCESS), str(descriptor)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                pass_fds=[descriptor, self._lock.fileno()],
                cwd=self.home,
                env=self._environment(),
                # Ctrl-C in a terminal must not take the server from a run that drains.
                start_new_session=True,
            )

    def _end(self) -> None:
        if self._process is None:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(_END_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _environment(self) -> dict[str, str]:
        """Return the environment without other settings of Prefect (another database, say).

        Ours, with their secrets, are none of the server's business either.
        """
        theirs_and_ours = ("PREFECT_", PREFIX)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(theirs_and_ours)}
        return {
            **inherited,
            **SERVER_SETTINGS,
            "PREFECT_HOME": str(self.home),
            "PREFECT_API_URL": self.api_url,
            "PREFECT_SERVER_UI_ENABLED": str(self._ui).lower(),
            # By default they are unpacked into Prefect's package, which may be read-only.
            "PREFECT_UI_STATIC_DIRECTORY": str(self.home / "ui"),
        }

    def _healthy(self) -> bool:
        try:
            reply = httpx.get(f"{self.api_url}/health", timeout=1.0, trust_env=False)
        except httpx.HTTPError:
            return False
        return reply.status_code == httpx.codes.OK

    def _take_home(self) -> IO[bytes]:
        """Make the folder and lock it; the lock ends with its file, at the latest with us."""
        try:
            self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = (self.home / "server.lock").open("ab")
        except OSError as exc:
            raise ConfigurationError(
                f"cannot use the folder {self.home} for a private Prefect server: {exc.strerror}; "
                "it is beside the database: choose another FLAREMON_DATABASE_URL, or name a "
                "server with PREFECT_API_URL"
            ) from exc
        end = time.monotonic() + _LOCK_DEADLINE_S
        while not _locked(file):
            if self._stop.wait(0.2) or time.monotonic() > end:
                file.close()
                raise ConfigurationError(
                    f"another monitor of this database is running: it uses {self.home}; "
                    "stop it, or give this one another FLAREMON_DATABASE_URL"
                )
        return file

    @property
    def _log_path(self) -> Path:
        return self.home / "server.log"

    def _last_words(self) -> str:
        """Return the error of the last traceback in the log, or its last line."""
        lines = self._log_path.read_text(errors="replace").strip().splitlines()
        errors = [line for line in lines if re.match(r"[\w.]*(Error|Exception)\b", line)]
        return (errors or lines or ["it said nothing"])[-1]


def _locked(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
