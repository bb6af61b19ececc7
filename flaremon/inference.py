"""Batches of planes to probabilities, on a device.

A `Predictor` loads its network once and keeps it; making one costs the import of torch, using it
does not.
"""

import logging
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from flaremon.domain import FlareEvent
from flaremon.errors import ConfigurationError, ModelError
from flaremon.package import ModelPackage, build_network

if TYPE_CHECKING:
    import torch

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EventScore:
    """What a model says about one event from one plane."""

    event: FlareEvent
    score: float
    """The network's own number; a logit."""
    probability: float
    threshold: float

    @property
    def flare(self) -> bool:
        """The yes/no answer."""
        return self.probability >= self.threshold


class Predictor:
    """A network on a device, ready to answer.

    Parameters
    ----------
    package : ModelPackage
        The model; its weights are checked and loaded here, once.
    device : str
        ``auto`` takes a GPU where there is one; or ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
    batch_size : int
        Planes that go through the network at once.

    Raises
    ------
    ModelError
        If the weights are missing, altered or do not fit.
    ConfigurationError
        If the device does not exist on this machine.
    """

    def __init__(self, package: ModelPackage, *, device: str = "auto", batch_size: int = 8) -> None:
        import torch  # noqa: PLC0415 - 1.6 s

        self.package = package
        self._device = _find_device(device)
        self.batch_size = batch_size
        self._network = build_network(package).to(
            device=self._device,
            memory_format=torch.channels_last,  # type: ignore[call-overload]
        )
        self.device_name = _name(self._device)
        """Device in words, as predictions record it: ``cpu``, ``cuda:0 NVIDIA H100``."""
        _log.debug("%s is ready on %s", package.id, self.device_name)

    def predict(self, planes: NDArray[np.float32]) -> list[tuple[EventScore, ...]]:
        """Score planes.

        Parameters
        ----------
        planes : ndarray of float32, shape (N, 1, size_px, size_px)
            As `flaremon.preprocess.to_plane` makes them for the frame of the package.

        Returns
        -------
        list of tuple of EventScore
            One tuple per plane, in order, with the events in the order of the package.

        Raises
        ------
        ModelError
            If the planes have another shape, or the network's answer is not finite.
        """
        side = self.package.frame.size_px
        if planes.ndim != 4 or planes.shape[1:] != (1, side, side):
            raise ModelError(
                f"{self.package.id} takes planes of shape (N, 1, {side}, {side}), "
                f"got {planes.shape}"
            )
        if not len(planes):
            return []
        scores = np.concatenate(
            [
                self._scores(planes[start : start + self.batch_size])
                for start in range(0, len(planes), self.batch_size)
            ]
        )
        bad = np.flatnonzero(~np.isfinite(scores).all(axis=1))
        if bad.size:
            raise ModelError(f"{self.package.id} gives no finite answer for plane {bad[0]}")
        return [self._in_words(row) for row in scores]

    def _scores(self, planes: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return logits (N, n_events) of one batch."""
        import torch  # noqa: PLC0415

        batch = torch.from_numpy(np.ascontiguousarray(planes, dtype=np.float32))
        with torch.inference_mode(), self._precision():
            # One channel: both memory formats are the same bytes, so this costs nothing.
            logits = self._network(
                batch.to(self._device, memory_format=torch.channels_last, non_blocking=True)
            )
        return np.asarray(logits.double().cpu().numpy())

    def _precision(self) -> AbstractContextManager[Any]:
        """Half precision where there is hardware for it; the CPU stays with 32 bits."""
        import torch  # noqa: PLC0415

        if self._device.type == "cpu":
            return nullcontext()
        bf16 = self._device.type == "cuda" and torch.cuda.is_bf16_supported()
        return torch.autocast(self._device.type, dtype=torch.bfloat16 if bf16 else torch.float16)

    def _in_words(self, row: NDArray[np.float64]) -> tuple[EventScore, ...]:
        probabilities = 1 / (1 + np.exp(-row))
        return tuple(
            EventScore(spec.event, float(score), float(probability), spec.threshold)
            for spec, score, probability in zip(
                self.package.events, row, probabilities, strict=True
            )
        )


def _find_device(name: str) -> "torch.device":
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


def _name(device: "torch.device") -> str:
    import torch  # noqa: PLC0415

    if device.type != "cuda":
        return device.type
    return f"{device} {torch.cuda.get_device_name(device)}"
