"""Where and how precisely a network is trained: a GPU where there is one, else the CPU.

On a GPU matrix products run in bfloat16 under autocast, with weights and their updates in 32 bits
(no scaling of the loss is needed: bfloat16 has the range of 32 bits), and the network is compiled.
On a CPU neither is done unless asked for: 32 bits on one thread give the same weights every time.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from flaremon.errors import InputError
from flaremon.inference.device import find_device, name_of

PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """A device, and how it is used."""

    device: torch.device
    half: bool
    """Whether matrix products are in bfloat16."""
    compiled: bool

    @classmethod
    def find(cls, device: str = "auto", precision: str = "auto") -> "Hardware":
        """Take what is there.

        Parameters
        ----------
        device : str
            As `flaremon.inference.device.find_device` takes it.
        precision : str
            One of `PRECISIONS`; ``auto`` is bfloat16 on a GPU that has it, else float32.

        Raises
        ------
        InputError
            The precision is none of these.
        ConfigurationError
            The device does not exist.
        """
        if precision not in PRECISIONS:
            raise InputError(f"precision must be one of {', '.join(PRECISIONS)}, is {precision!r}")
        found = find_device(device)
        gpu = found.type == "cuda"
        half = precision == "bfloat16" or (
            precision == "auto" and gpu and torch.cuda.is_bf16_supported()
        )
        return cls(device=found, half=half, compiled=gpu)

    def precision(self) -> AbstractContextManager[Any]:
        """Return the context in which a network goes forward."""
        if not self.half:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def forward(self, function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        """Return a function compiled for the device, or as it is."""
        return torch.compile(function) if self.compiled else function

    def place(self, network: nn.Module) -> None:
        """Move a network, weights of convolutions with channels last, as kernels want them."""
        network.to(self.device)
        if self.device.type == "cuda":
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def name(self) -> str:
        """In words: ``cpu`` or ``cuda:0 NVIDIA H100, bfloat16``."""
        return f"{name_of(self.device)}{', bfloat16' if self.half else ''}"
