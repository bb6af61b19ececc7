"""`flaremon monitor` as people run it, and the private server under it."""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr
from support.swpc import Swpc, fresh

from flaremon import store
from flaremon.config import read_settings
from flaremon.errors import ConfigurationError, FlaremonError
from flaremon.goes import PRODUCTS
from flaremon.replica import Fault
from flaremon.times import utc_now
from flows import private_server
from flows.private_server import PrivateServer
from flows.serving import prefect_home, run_monitor_here

ROOT = Path(__file__).resolve().parents[2]


def wait_for(what: str, condition: Callable[[], object], *, limit_s: float = 150) -> None:
    """Wait long enough for the slowest machine; fast ones lose nothing by it."""
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, f"waited {limit_s} s for {what}"
        time.sleep(0.1)


def gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def lines_of_run(api_url: str, run_id: str) -> list[str]:
    query = {"logs": {"flow_run_id": {"any_": [run_id]}}}
    reply = httpx.post(f"{api_url}/logs/filter", json=query, trust_env=False)
    return [line["message"] for line in reply.json()]


@pytest.fixture
def swpc(monkeypatch):
    """Give a SWPC that takes requests and says nothing before it is opened."""
    with Swpc(fresh(utc_now())) as server:
        server.open.clear()
        monkeypatch.setenv("FLAREMON_SWPC__BASE_URL", server.base_url)
        monkeypatch.setenv("FLAREMON_SWPC__MIN_INTERVAL_S", "0")
        monkeypatch.setenv("FLAREMON_SWPC__DEADLINE_S", "300")
        yield server
        server.open.set()


def test_the_monitor_serves_drains_when_stopped_and_leaves_nothing_behind(
    station, swpc, tmp_path, fresh_prefect_db, monkeypatch
):
    """Both flows run, neither waits for the other, and what goes on when stopped is finished."""
    monkeypatch.setenv("FLAREMON_JSOC__ATTEMPTS", "3")
    monkeypatch.setenv("PREFECT_RUNNER_POLL_FREQUENCY", "1")
    home = prefect_home(station.settings)
    home.mkdir()
    shutil.copy(fresh_prefect_db, home / "prefect.db")
    # The second run, which the schedule starts, hangs for a while: that is when we stop.
    station.replica.faults.append(Fault("hang", on="rs_list", at=(2,), value=2))
    said = tmp_path / "stderr.txt"
    with said.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "flaremon", "monitor", "--every", "5s"],
            cwd=ROOT,
            stderr=stderr,
            start_new_session=True,
        )
    try:
        wait_for("rows", lambda: process.poll() is not None or len(station.predictions) == 6)
        assert process.poll() is None, said.read_text()
        (run_id,) = {prediction.run_id for prediction in station.predictions}
        assert UUID(run_id)
        # The library's own words are in the log of the run.
        url = re.search(r"Prefect is at (http://127\.0\.0\.1:\d+);", said.read_text())[1]
        wait_for("log", lambda: any("3 scored" in x for x in lines_of_run(f"{url}/api", run_id)))
        # All the while SWPC holds the other flow, whose first run began beside the monitor's.
        wait_for("the scheduled run", lambda: station.calls("rs_list") >= 2)
        wait_for("the flow truth", lambda: swpc.requests)
        assert len(swpc.requests) == 1
        swpc.open.set()
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0
    finally:
        process.kill()
    finished = re.findall(r"Flow run '\S+' - Finished in state (\w+)", said.read_text())
    # On a busy machine more: runs that were late, and found their work done, asking nobody.
    assert set(finished) == {"Completed"}
    assert len(finished) >= 3
    # Nothing was asked of the second satellite, since the first one has no gap.
    assert swpc.requests == [name for name in PRODUCTS if "secondary" not in name]
    assert [str(item.flare.flare_class) for item in station.read(store.flares)] == ["M1.3", "None"]
    wait_for("the end of all children", lambda: gone(process.pid), limit_s=10)
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)
    # The same folder serves a single run in this process.
    before = dict(os.environ)
    summary = run_monitor_here(settings=station.settings)
    assert (summary["listed"], summary["undecided"]) == (3, 0)
    assert os.environ == before


def test_a_private_server_lives_beside_the_database():
    settings = read_settings(database_url=SecretStr("sqlite:////data/sun/flaremon.db"))
    assert prefect_home(settings) == Path("/data/sun/prefect")
    settings = read_settings(database_url=SecretStr("postgresql://user:pw@db/flaremon"))
    assert prefect_home(settings) == Path.home() / ".local/share/flaremon/prefect"


def test_two_monitors_of_one_folder_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(private_server, "_LOCK_DEADLINE_S", 0.3)
    with (tmp_path / "server.lock").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ConfigurationError, match="another monitor"), PrivateServer(tmp_path):
            pass


@pytest.mark.prefect
def test_a_server_that_cannot_start_gives_its_last_words(tmp_path):
    (tmp_path / "prefect.db").write_bytes(b"this is no database" * 100)
    with (
        pytest.raises(FlaremonError, match=r"server\.log.*not a database"),
        PrivateServer(tmp_path, ui=False),
    ):
        pass


def test_a_server_that_dies_is_started_again_at_the_same_address(prefect_server):
    address = prefect_server.api_url
    prefect_server._process.kill()
    prefect_server._process.wait()
    prefect_server.ensure()
    assert prefect_server.api_url == address
    assert httpx.get(f"{address}/health", trust_env=False).json() is True


def test_a_private_server_ignores_the_users_other_prefect(prefect_server, monkeypatch):
    monkeypatch.setenv("PREFECT_SERVER_DATABASE_CONNECTION_URL", "postgresql+asyncpg://x/y")
    variables = prefect_server._environment()
    assert "PREFECT_SERVER_DATABASE_CONNECTION_URL" not in variables
    assert variables["PREFECT_HOME"] == str(prefect_server.home)


def test_a_folder_that_cannot_be_used_is_an_error_that_names_it(tmp_path):
    (tmp_path / "file").write_text("in the way")
    home = tmp_path / "file" / "prefect"
    with pytest.raises(ConfigurationError, match=str(home)), PrivateServer(home):
        pass
