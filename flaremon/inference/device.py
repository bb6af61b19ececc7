"""Devices by name."""

from typing import TYPE_CHECKING

from flaremon.errors import ConfigurationError

if TYPE_CHECKING:
    import torch


def find_device(name: str) -> "torch.device":
    """Return a device of this machine; ``auto`` takes a GPU where there is one.

    Raises
    ------
    ConfigurationError
        If the device does not exist on this machine.
    """
    import torch  # noqa: PLC0415

    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        name = "cuda" if cuda else "mps" if mps else "cpu"
    kind, _, index = name.partition(":")
    there = {"cpu": True, "mps": mps, "cuda": cuda and int(index or 0) < torch.cuda.device_count()}
    if not there.get(kind, False):
        raise ConfigurationError(
            f"device {name!r} does not exist on this machine; "
            "set FLAREMON_DEVICE to auto, cpu, or a GPU that torch sees"
        )
    return torch.device(kind, int(index or 0)) if kind == "cuda" else torch.device(kind)


def name_of(device: "torch.device") -> str:
    """Return a device in words: ``cpu``, ``cuda:0 NVIDIA H100``."""
    import torch  # noqa: PLC0415

    if device.type != "cuda":
        return device.type
    return f"{device} {torch.cuda.get_device_name(device)}"
