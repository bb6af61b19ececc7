"""Signals, environment, and processes that must not outlive their parent."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flaremon.config import read_settings, settings_as_environment
from flows.surroundings import environment, stop_signals

ROOT = Path(__file__).resolve().parents[2]


def test_children_read_the_very_settings_of_their_parent(monkeypatch):
    monkeypatch.setenv("FLAREMON_JSOC__EMAIL", "somebody@example.invalid")
    monkeypatch.setenv("FLAREMON_DATABASE_URL", "postgresql://user:s3cret@host/name")
    monkeypatch.setenv("FLAREMON_JSOC__LOOKBACK_H", "7.25")
    settings = read_settings()
    monkeypatch.delenv("FLAREMON_JSOC__EMAIL")
    monkeypatch.setenv("FLAREMON_DEVICE", "mps")  # not what the parent's command line said
    before = dict(os.environ)
    with environment(settings, {"PREFECT_API_URL": "http://127.0.0.1:1/api"}):
        assert read_settings() == settings
        assert os.environ["PREFECT_API_URL"] == "http://127.0.0.1:1/api"
    assert os.environ == before


def test_what_is_not_set_stays_unset_in_children():
    variables = settings_as_environment(read_settings())
    assert "FLAREMON_JSOC__EMAIL" not in variables
    assert all(isinstance(value, str) for value in variables.values())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_waits_for_the_run_and_the_second_ends_it(number, capsys):
    run = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(600,))
    run.start()
    before = signal.getsignal(number)
    with stop_signals() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), number)
        assert stop.wait(10)
        assert run.is_alive()
        os.kill(os.getpid(), number)
        run.join(60)
        assert run.exitcode == -signal.SIGTERM
    assert signal.getsignal(number) is before
    assert "once more to stop at once" in capsys.readouterr().err


ORPHAN = """
import multiprocessing, time
from flows.surroundings import end_with_parent

def run():
    end_with_parent(None, None, None)
    print("running", flush=True)
    time.sleep(600)

if __name__ == "__main__":
    multiprocessing.get_context("spawn").Process(target=run).start()
"""


def test_a_run_ends_when_its_monitor_is_killed(tmp_path):
    script = tmp_path / "orphan.py"
    script.write_text(ORPHAN)
    monitor = subprocess.Popen(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert monitor.stdout.readline() == "running\n"
    monitor.kill()
    monitor.wait()
    # The run holds the other end of the pipe for as long as it lives.
    assert monitor.stdout.read() == ""
    monitor.stdout.close()
