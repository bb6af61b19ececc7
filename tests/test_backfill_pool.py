"""Worker processes: forked from one that has nothing that does not survive a fork."""

import os
from pathlib import Path

import pytest
import torch
from support import small_suns

from flaremon.backfill.decoding import NICE, Assignment
from flaremon.backfill.pool import Decoders
from flaremon.inference.threads import threads


def test_workers_start_prepared_and_without_network_or_device():
    order = Assignment(path=Path("a.fits"), record=None, specs=())
    with Decoders[int](small_suns.describe_worker, 2) as decoders:
        for number in range(8):
            decoders.put(number, order)
        told = [decoders.take() for _ in range(8)]
    assert [tag for tag, _ in told] == list(range(8))
    words = [decoded.unreadable or "" for _, decoded in told if decoded is not None]
    assert all(line.startswith("prepared=True heavy=[] ") for line in words), words
    assert all(f" nice={os.nice(0) + NICE} " in line for line in words), words
    assert not any(line.endswith(f"pid={os.getpid()}") for line in words)


def test_without_workers_the_process_decodes_itself():
    order = Assignment(path=Path("a.fits"), record=None, specs=())
    with Decoders[int](small_suns.describe_worker, 0) as decoders:
        decoders.put(1, order)
        _, decoded = decoders.take()
    assert decoded is not None
    assert (decoded.unreadable or "").endswith(f"pid={os.getpid()}")


def fail_with(count: int) -> None:
    with threads(count):
        assert torch.get_num_threads() == count
        raise ValueError("stop")


def test_the_number_of_threads_is_what_it_was_also_after_an_error():
    before = torch.get_num_threads()
    with pytest.raises(ValueError, match="stop"):
        fail_with(before + 1)
    assert torch.get_num_threads() == before
