"""A private PostgreSQL server for the tests: on loopback, in a temp folder, gone afterwards."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import Self

import psycopg

REQUIRED = os.environ.get("FLAREMON_TEST_REQUIRE_POSTGRES") == "1"
"""Read at import: the fixtures clean the environment."""

_START_TIMEOUT_S = 60
# The shell lives as long as its standard input is open, and the server as long as the shell:
# when the test process dies, for whatever reason, the server goes too.
_SERVE = '"$@" & server=$!; read -r _; kill -INT $server; wait $server'


def find_programs() -> Path | None:
    """Return the folder of PostgreSQL's server programs, the newest version first."""
    on_path = shutil.which("postgres")
    folders = [Path(on_path).resolve().parent] if on_path else []
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    folders += sorted(installed, key=lambda folder: folder.parent.name.zfill(4), reverse=True)
    for folder in folders:
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    return None


class PostgresServer:
    """A running server; a context manager.

    Everybody on loopback is trusted except the role `locked`, whose password is `PASSWORD`.
    """

    PASSWORD = "right-horse"  # noqa: S105 - of a server that lives for seconds

    def __init__(self, programs: Path) -> None:
        self.programs = programs
        self.port = 0
        self._numbers = count(1)
        # PostgreSQL refuses to run as root.
        self._user = _unprivileged_user() if os.geteuid() == 0 else None
        self._shell: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="flaremon-postgres-"))
        try:
            self._create()
            self.start()
            self.execute(f"CREATE ROLE locked LOGIN PASSWORD '{self.PASSWORD}'")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def url(self) -> str:
        """URL of the maintenance database."""
        return self.url_of("postgres")

    def url_of(self, database: str, login: str = "flaremon") -> str:
        """URL of a database as users write it."""
        return f"postgresql://{login}@127.0.0.1:{self.port}/{database}"

    def execute(self, sql: str) -> None:
        """Run one statement outside a transaction."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql)

    def create_database(self) -> str:
        """Return the name of a new, empty database."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, connected clients included."""
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def send_clients_away(self, database: str) -> None:
        """Close all connections to a database."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                (database,),
            )

    def start(self) -> None:
        """Start the server, on the same port as before if there was one."""
        self.port = self.port or _free_port()
        command = [
            str(self.programs / "postgres"), "-D", str(self.folder / "data"),
            "-c", f"port={self.port}",
            "-c", "listen_addresses=127.0.0.1",
            "-c", "unix_socket_directories=",
            "-c", "fsync=off",  # tests lose nothing in a power cut
            "-c", "full_page_writes=off",
            "-c", "shared_buffers=64MB",
            "-c", "max_wal_size=2GB",
        ]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self._shell = subprocess.Popen(
                ["sh", "-c", _SERVE, "sh", *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                **self._as_user(),
            )
        self._wait_until_ready()

    def stop(self) -> None:
        """Stop the server: clients are sent away, the data stay."""
        if self._shell is not None:
            assert self._shell.stdin is not None
            self._shell.stdin.close()
            self._shell.wait(timeout=_START_TIMEOUT_S)
            self._shell = None

    def _create(self) -> None:
        if self._user is not None:
            shutil.chown(self.folder, self._user)
        subprocess.run(
            [
                str(self.programs / "initdb"), "-D", str(self.folder / "data"), "-U", "flaremon",
                "--auth=trust", "--no-locale", "--encoding=UTF8", "--no-sync",
            ],
            check=True,
            capture_output=True,
            **self._as_user(),
        )  # fmt: skip
        (self.folder / "data" / "pg_hba.conf").write_text(
            "host all locked 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n"
        )

    def _as_user(self) -> dict[str, object]:
        where = {"cwd": self.folder}
        if self._user is None:
            return where
        entry = pwd.getpwnam(self._user)
        return {**where, "user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=5).close()
            except psycopg.OperationalError as exc:
                if self._shell.poll() is not None or time.monotonic() > deadline:
                    log = (self.folder / "log").read_text()
                    raise RuntimeError(f"PostgreSQL did not start: {log}") from exc
                time.sleep(0.05)
            else:
                return


def _unprivileged_user() -> str:
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        return "nobody"
    return "postgres"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
