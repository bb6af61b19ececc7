"""A training that is killed goes on to the very weights of one that was left alone."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from support import trainings

from flaremon.training.checkpoint import Checkpoint

TESTS = Path(__file__).parent.parent
STEPS = {"plain": trainings.PLAIN_STEPS, "member": trainings.MEMBER_STEPS}


def killed(kind, folder, at):
    """Train in a process of its own that dies at a step; return how it ended."""
    done = subprocess.run(
        [sys.executable, "-m", "support.trainings", kind, str(folder), str(at)],
        cwd=TESTS,
        env={**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(("kind", "death"), [("plain", 26), ("member", 10)])
def test_killed_in_the_middle_of_an_epoch_it_ends_with_the_same_weights(kind, death, tmp_path):
    status, told = killed(kind, tmp_path, death)
    assert status == -signal.SIGKILL, told
    with trainings.counted() as steps:
        found = trainings.TRAIN[kind](tmp_path)
    assert 0 < steps[0] < STEPS[kind]  # the epochs before were not repeated
    with trainings.counted() as steps:
        expected = trainings.TRAIN[kind](None)
    assert steps[0] == STEPS[kind]
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_a_finished_training_is_not_repeated_and_another_one_not_mistaken_for_it(tmp_path):
    first = trainings.plain(tmp_path, epochs=5)
    (kept,) = tmp_path.iterdir()
    before = kept.stat().st_mtime_ns
    again = trainings.plain(tmp_path, epochs=5)
    assert kept.stat().st_mtime_ns == before
    assert all(torch.equal(first[name], again[name]) for name in first)
    other = trainings.plain(tmp_path, epochs=5, learning_rate=1e-3)
    assert not torch.equal(other["contribution.weight"], first["contribution.weight"])
    assert len(list(tmp_path.iterdir())) == 2


def test_what_is_kept_is_tensors_and_json_and_nothing_that_can_run(tmp_path):
    trainings.member(tmp_path)
    with safe_open(tmp_path / "0.checkpoint.safetensors", "pt") as file:
        facts, names = file.metadata(), file.keys()
    assert {name.split(".")[0] for name in names} == {"weights", "optimizer", "random"}
    progress = json.loads(facts["facts"])["progress"]
    assert [line["number"] for line in progress["curve"]] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("damage", ["cut", "empty", "other"])
def test_a_damaged_file_is_said_and_the_training_begins_anew(tmp_path, damage, caplog):
    first = trainings.member(tmp_path)
    path = tmp_path / "0.checkpoint.safetensors"
    content = path.read_bytes()
    path.write_bytes({"cut": content[:-100], "empty": b"", "other": b"{}" * 400}[damage])
    again = trainings.member(tmp_path)
    assert "begins anew" in caplog.text
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_what_was_kept_for_another_training_is_not_used(tmp_path):
    trainings.member(tmp_path)
    path = tmp_path / "0.checkpoint.safetensors"
    assert Checkpoint(path=path, key="other")._read() is None
    assert Checkpoint(path=path, key="test")._read() is not None
