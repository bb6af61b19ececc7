"""Networks on a GPU: ``python -m tests.benchmarks.gpu [--largest 256] [--samples 13000]``.

Without a GPU it says so and ends with 0. Prints, for every package that ships:

- planes per second by batch, 1 to 256: planes that are on the device already, eager and compiled,
  and through `flaremon.inference.Predictor`, which brings them there and answers in words;
- shares of two roofs, both measured here: of the arithmetic of a large matrix product in the same
  precision, and of the bandwidth of a large copy. Operations are counted by torch; bytes are those
  that all operations of an eager forward read and write, so a compiled network, which keeps values
  on the chip, can have more than all of the bandwidth;
- the seconds of a training of the plain network on as many planes as the maps of ten years give,
  in bfloat16, compiled; the first epoch, which compiles, apart.

``--device cpu`` does the same on a CPU: for tests, and for a comparison.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from flaremon.inference import Predictor
from flaremon.network import NetworkConfig
from flaremon.package import ModelPackage, build_network, list_packages, shipped_models
from flaremon.training.dataset import Samples
from flaremon.training.device import Hardware
from flaremon.training.loop import FitConfig, fit

LEAST_S = 0.3
"""Each figure is the mean over this long, after a warm-up."""


class _Bytes(TorchDispatchMode):
    """Counts what operations read and write."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if not func.is_view:
            self.total += sum(
                leaf.numel() * leaf.element_size()
                for leaf in tree_leaves((args, kwargs, out))
                if isinstance(leaf, torch.Tensor)
            )
        return out


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def seconds(action: Callable[[], Any], hardware: Hardware) -> float:
    """Return the mean time of an action, s."""

    def wait() -> None:
        if hardware.device.type == "cuda":
            torch.cuda.synchronize(hardware.device)

    for _ in range(3):
        action()
    wait()
    count, start = 0, time.perf_counter()
    while count == 0 or time.perf_counter() - start < LEAST_S:
        for _ in range(5):
            action()
        wait()
        count += 5
    return (time.perf_counter() - start) / count


def roofs(hardware: Hardware, side: int) -> tuple[float, float]:
    """Return operations per second of a matrix product, and bytes per second of a copy."""
    kind = torch.bfloat16 if hardware.half else torch.float32
    a = torch.randn(side, side, device=hardware.device, dtype=kind)
    arithmetic = 2 * side**3 / seconds(lambda: a @ a, hardware)
    large = torch.empty(side * side * 4, device=hardware.device)
    other = torch.empty_like(large)
    moved = 2 * large.numel() * large.element_size()
    return arithmetic, moved / seconds(lambda: other.copy_(large), hardware)


def inference(
    package: ModelPackage, hardware: Hardware, largest: int, roof: tuple[float, float]
) -> None:
    """Print planes per second by batch."""
    side = package.frame.size_px
    network = build_network(package)
    hardware.place(network)
    compiled = torch.compile(network) if hardware.compiled else network
    say(f"\n{package.id}, {hardware.name}")
    say("  batch   eager/s  compiled/s  predictor/s   arithmetic   memory")
    batch = 1
    while batch <= largest:
        planes = torch.randn(batch, 1, side, side, device=hardware.device) * 0.05
        host = planes.cpu().numpy()
        predictor = Predictor(package, device=str(hardware.device), batch_size=batch)
        with torch.inference_mode(), hardware.precision():
            with FlopCounterMode(display=False) as flops:
                network(planes)
            with _Bytes() as moved:
                network(planes)
            eager = seconds(lambda: network(planes), hardware)  # noqa: B023 - used at once
            best = seconds(lambda: compiled(planes), hardware)  # noqa: B023
        whole = seconds(lambda: predictor.predict(host), hardware)  # noqa: B023
        fastest = min(eager, best)
        say(
            f"  {batch:5d} {batch / eager:9.0f} {batch / best:11.0f} {batch / whole:12.0f}"
            f" {flops.get_total_flops() / fastest / roof[0]:11.2%}"
            f" {moved.total / fastest / roof[1]:8.1%}"
        )
        batch *= 2


def training(hardware: Hardware, samples: int) -> None:
    """Print how long the plain network trains."""
    rng = np.random.default_rng(0)
    config = NetworkConfig(channels=(16, 24, 32, 32))
    planes = rng.normal(0, 0.05, (samples, config.pooled_px, config.pooled_px))
    data = Samples(
        times=np.arange(samples).astype("datetime64[s]"),
        planes=planes.astype(np.float16),
        labels=(rng.random((samples, config.n_events)) < 0.2).astype(np.int8),
    )
    few = Samples(times=data.times[:256], planes=data.planes[:256], labels=data.labels[:256])
    batch = min(64, max(samples // 64, 1))
    for epochs in (1, 8):
        fits = FitConfig(
            epochs=epochs, batch_size=batch, share_per_epoch=1.0, device=hardware.device.type
        )
        start = time.perf_counter()
        fit(config, data, few, fits, seed=0)
        spent = time.perf_counter() - start
        rate = epochs * samples / spent
        say(f"training, {epochs} epoch(s) of {samples} planes: {spent:.1f} s, {rate:.0f} planes/s")


def main(arguments: list[str] | None = None) -> int:
    """Measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--largest", type=int, default=256)
    parser.add_argument("--samples", type=int, default=13_000)
    parser.add_argument("--matrix", type=int, default=8192)
    parser.add_argument("--models", type=Path, default=None)
    given = parser.parse_args(arguments)
    if given.device == "cuda" and not torch.cuda.is_available():
        say("no GPU here")
        return 0
    hardware = Hardware.find(given.device)
    roof = roofs(hardware, given.matrix)
    say(
        f"{hardware.name}, torch {torch.__version__}: matrix product {roof[0] / 1e12:.3g} T/s, "
        f"copy {roof[1] / 1e9:.3g} GB/s"
    )
    for package in list_packages(given.models or shipped_models()):
        inference(package, hardware, given.largest, roof)
    training(hardware, given.samples)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
