"""The live job before a backfill, on the one device of a machine; in two processes."""

import subprocess
import sys
import threading

import numpy as np
import pytest
from support.packages import write_package

from flaremon.config import read_settings
from flaremon.inference import Predictor
from flaremon.politeness import Way
from flaremon.wiring import predictor

ANSWERING = """
import sys
from pathlib import Path
from flaremon.politeness import Way
with Way(Path(sys.argv[1])).turn():
    print("on the device", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def live(tmp_path):
    """A process that keeps a batch on the device until it is told to take it off."""
    command = [sys.executable, "-c", ANSWERING, str(tmp_path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "on the device\n"
    yield process
    process.kill()
    process.communicate()


def test_a_backfill_gives_way_between_two_batches_while_the_live_job_answers(live, tmp_path):
    package = write_package(tmp_path / "models")
    size_px = package.frame.size_px
    waits, goes = threading.Event(), threading.Event()

    class Watched(Way):
        def turn(self):
            waits.set()
            return super().turn()

    backfill = Predictor(
        package, device="cpu", batch_size=1, turn=Watched(tmp_path, background=True).turn
    )
    said = []

    def score() -> None:
        said.extend(backfill.predict(np.zeros((3, 1, size_px, size_px), np.float32)))
        goes.set()

    thread = threading.Thread(target=score)
    thread.start()
    assert waits.wait(20)
    assert not goes.wait(0.5)
    # Another live job does not wait for the first one.
    Predictor(package, device="cpu", turn=Way(tmp_path).turn).predict(
        np.zeros((1, 1, size_px, size_px), np.float32)
    )
    assert not goes.is_set()
    live.stdin.write("off\n")
    live.stdin.flush()
    assert goes.wait(20)
    thread.join()
    assert len(said) == 3


def test_the_live_job_never_waits_for_a_backfill_that_has_begun_a_batch(tmp_path):
    with Way(tmp_path, background=True).turn(), Way(tmp_path, patience_s=0.0).turn():
        pass


def test_a_live_job_that_is_stuck_does_not_stop_a_backfill_for_ever(live, tmp_path, caplog):
    with Way(tmp_path, background=True, patience_s=0.1).turn():
        assert "going on beside them" in caplog.text
    live.kill()
    with Way(tmp_path, background=True, patience_s=20).turn():
        pass


def test_where_no_lock_can_be_had_the_batch_goes_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    with Way(tmp_path / "file" / "cache").turn():
        pass


def test_backfills_are_in_the_background_and_answers_are_not(tmp_path, monkeypatch):
    write_package(tmp_path / "models")
    monkeypatch.setenv("FLAREMON_CACHE__DIR", str(tmp_path))
    monkeypatch.setenv("FLAREMON_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("FLAREMON_MODEL", "tiny-cnn@0.0.1")
    settings = read_settings()
    for background in (True, False):
        loaded = predictor(settings, background=background)
        assert loaded._turn.__self__ == Way(tmp_path, background=background)
        assert predictor(settings, background=background) is loaded
