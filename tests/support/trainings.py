"""Trainings on small synthetic data, in this process or, to be killed, in one of its own.

``python -m support.trainings plain|member FOLDER N`` trains, with checkpoints in FOLDER, and sends
itself SIGKILL at step N of the optimizer.
"""

import argparse
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from flaremon.inference.threads import threads
from flaremon.network import NetworkConfig
from flaremon.network.rates import SURROUNDINGS_CELLS
from flaremon.network.surface import CELL_DEG, LATITUDE_DEG, N_FEATURES
from flaremon.training.checkpoint import Checkpoint
from flaremon.training.dataset import Samples
from flaremon.training.loop import FitConfig, fit
from flaremon.training.rates.config import MemberConfig
from flaremon.training.rates.members import Strip, fit_member

NETWORK = NetworkConfig(input_px=64, pooled_px=32, channels=(4, 6, 6, 6), dropout=0.2)
PLAIN_STEPS, MEMBER_STEPS = 48, 18
"""Of a whole training."""


def samples(n: int = 96, seed: int = 0, *, unknown: bool = False) -> Samples:
    """Disks with none to three regions; flares come with two and more."""
    rng = np.random.default_rng(seed)
    planes = rng.normal(0, 0.005, (n, 32, 32))
    regions = rng.integers(0, 4, n)
    for plane, count in zip(planes, regions, strict=True):
        for _ in range(count):
            y, x = rng.integers(9, 22, 2)
            plane[y : y + 2, x : x + 2] += rng.choice([-1, 1]) * 0.6
    busy = (regions >= 2).astype(np.int8)
    labels = np.stack([busy, np.full(n, -1, np.int8) if unknown else 1 - busy], axis=1)
    times = np.arange(n).astype("datetime64[s]")
    return Samples(times=times, planes=planes.astype(np.float16), labels=labels)


def strip(rotations: int = 12, seed: int = 0) -> Strip:
    """A strip of 12 rotations of two years with flares where there is something."""
    rng = np.random.default_rng(seed)
    rows, columns = round(2 * LATITUDE_DEG / CELL_DEG), 180 * rotations
    shown = tuple(
        torch.from_numpy(
            rng.random((N_FEATURES * (1 + len(SURROUNDINGS_CELLS)), rows, columns), np.float32)
        )
        for _ in range(2)
    )
    active = shown[0][0] > 0.97
    row, column = np.nonzero(active.numpy())
    chosen = rng.choice(len(row), 200, replace=False)
    return Strip(
        shown=shown,
        active=active,
        years=np.repeat([2010, 2011], columns // 2),
        level=rng.integers(0, 3, 200),
        row=row[chosen],
        column=column[chosen],
        days=4.0,
    )


def plain(folder: Path | None, **changes: Any) -> dict[str, torch.Tensor]:
    """Train a plain network; return its weights."""
    given = {"epochs": 4, "batch_size": 8, "share_per_epoch": 1.0, "device": "cpu"}
    config = FitConfig(**given | changes)
    network, _ = fit(NETWORK, samples(), samples(seed=1), config, seed=3, keep=folder)
    return network.state_dict()


def member(folder: Path | None) -> dict[str, torch.Tensor]:
    """Train a member of a rate map; return its weights."""
    kept = None
    if folder is not None:
        kept = Checkpoint(path=folder / "0.checkpoint.safetensors", key="test")
    config = MemberConfig(hidden=4, epochs=6, batch=2)
    with threads(1):
        found, _ = fit_member(strip(), [2011], [2010, 2011], config, seed=3, checkpoint=kept)
    return found.state_dict()


TRAIN = {"plain": plain, "member": member}


@contextmanager
def counted() -> Iterator[list[int]]:
    """Give a list whose one number counts the steps of optimizers."""
    done = [0]

    def count(*_: Any) -> None:
        done[0] += 1

    hook = register_optimizer_step_post_hook(count)
    try:
        yield done
    finally:
        hook.remove()


def main() -> None:
    """Train; die on cue."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=sorted(TRAIN))
    parser.add_argument("folder", type=Path)
    parser.add_argument("kill_at", type=int)
    given = parser.parse_args()
    with counted() as done:

        def die(*_: Any) -> None:
            if done[0] == given.kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

        register_optimizer_step_post_hook(die)
        TRAIN[given.kind](given.folder)


if __name__ == "__main__":
    main()
