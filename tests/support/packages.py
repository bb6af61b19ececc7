"""Tiny model packages: real files, a real network, random weights."""

from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Any

from flaremon.domain import FlareEvent, ModelId
from flaremon.package import EventSpec, ModelPackage, Output, Training, load_package
from flaremon.preprocess import FrameSpec
from flaremon.training.packaging import drafted, encode_weights, sha256_hex

EVENTS = ("M1+/24h", "C1+/now")


def save(package: ModelPackage, weights: bytes) -> ModelPackage:
    """Write a package as a training does, without a card."""
    with drafted(package, weights):
        pass
    return load_package(package.folder)


def write_package(
    models_dir: Path,
    *,
    name: str = "tiny-cnn",
    version: str = "0.0.1",
    seed: int = 0,
    **changes: Any,
) -> ModelPackage:
    """Write ``models_dir/name/version`` and return it.

    `changes` replace fields of the `ModelPackage` (``frame``, ``events``, ``training``, ...); for
    ``events`` a mapping from event id to threshold does too. ``network`` updates the dimensions,
    which otherwise follow from frame and events.
    """
    import torch  # noqa: PLC0415 - 1.6 s that other tests need not pay

    from flaremon.network import FullDiskCnn, NetworkConfig  # noqa: PLC0415

    events = changes.pop("events", dict.fromkeys(EVENTS, 0.5))
    if isinstance(events, dict):
        events = tuple(EventSpec(FlareEvent.parse(k), v) for k, v in events.items())
    frame = changes.pop("frame", FrameSpec())
    dims = {
        "n_events": len(events),
        "input_px": frame.size_px,
        "radius_fraction": frame.radius_fraction,
        "channels": (4, 4, 4, 4),
        **changes.pop("network", {}),
    }
    config = NetworkConfig(**dims)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        weights = encode_weights(FullDiskCnn(config).state_dict())
    package = ModelPackage(
        id=ModelId(name, version),
        folder=models_dir / name / version,
        series="hmi.M_720s",
        output=Output.LOGIT,
        frame=frame,
        events=events,
        network=asdict(config),
        weights_sha256=sha256_hex(weights),
        training=Training(
            start=date(2010, 5, 1),
            end=date(2019, 12, 31),
            data="none: random weights for tests",
            labels="none",
            seed=seed,
            software="tests",
        ),
    )
    return save(replace(package, **changes), weights)


RATE_EVENTS = ("M1+/24h", "C1+/24h", "X1+/24h", "C1+/now", "M1+/now")


def write_rate_package(
    models_dir: Path, *, name: str = "tiny-rate", seed: int = 0, frame: FrameSpec | None = None
) -> ModelPackage:
    """Write a rate map of two members whose rates follow the unsigned field, and return it."""
    import torch  # noqa: PLC0415

    from flaremon.network import RateConfig, RateMap  # noqa: PLC0415

    frame = frame or FrameSpec()
    config = RateConfig(hidden=8, members=2, input_px=frame.size_px)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = RateMap(config)
    for member in network.members:
        member.layers[-1].bias.data.copy_(torch.tensor([-13.0, -2.0, -2.5]))
        # More of anything is more flares, whatever the random weights say.
        for layer in (member.layers[0], member.layers[3], member.layers[5]):
            layer.weight.data.abs_().mul_(0.6)
    network.informed[:, 2:] = 0.3
    weights = encode_weights(network.state_dict())
    package = ModelPackage(
        id=ModelId(name, "0.0.1"),
        folder=models_dir / name / "0.0.1",
        series="hmi.M_720s",
        output=Output.LOG_NUMBER,
        frame=frame,
        events=tuple(EventSpec(FlareEvent.parse(event), 0.5) for event in RATE_EVENTS),
        network=asdict(config),
        weights_sha256=sha256_hex(weights),
        training=Training(
            start=date(2010, 5, 1),
            end=date(2019, 12, 31),
            data="none: random weights for tests",
            labels="none",
            seed=seed,
            software="tests",
        ),
    )
    return save(package, weights)
