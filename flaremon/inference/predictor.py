"""A network on a device, ready to answer.

A `Predictor` loads its network once and keeps it; making one costs the import of torch, using it
does not.
"""

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from flaremon.domain import FlareClass, FlareEvent, RecentActivity
from flaremon.errors import ConfigurationError, ModelError
from flaremon.inference.regions import RegionShare, regions_of
from flaremon.package import ModelPackage, Output, build_network

if TYPE_CHECKING:
    import torch

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EventScore:
    """What a model says about one event from one plane."""

    event: FlareEvent
    score: float
    """The network's own number: log odds, or the log of an expected number of flares."""
    probability: float
    threshold: float
    spread: float | None = None
    """Standard deviation of the probabilities of an ensemble's members; None for one network.
    It says how far networks fitted to other years disagree, not how far all of them may be off."""

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

    def predict(
        self,
        planes: NDArray[np.float32],
        activity: Sequence[RecentActivity | None] | None = None,
    ) -> list[tuple[EventScore, ...]]:
        """Score planes.

        Parameters
        ----------
        planes : ndarray of float32, shape (N, 1, size_px, size_px)
            As `flaremon.preprocess.to_plane` makes them for the frame of the package.
        activity : sequence of RecentActivity or None, optional
            Per plane, the flares before it, None where they are not known. Networks that read
            the disk alone take no notice.

        Returns
        -------
        list of tuple of EventScore
            One tuple per plane, in order, with the events in the order of the package.

        Raises
        ------
        ModelError
            If the planes have another shape, or the network's answer is not finite.
        """
        self._check(planes)
        if activity is not None and len(activity) != len(planes):
            raise ModelError(f"{len(planes)} planes with recent activity for {len(activity)}")
        if not len(planes):
            return []
        counts = activity_counts(activity or [None] * len(planes))
        steps = range(0, len(planes), self.batch_size)
        scores = np.concatenate(
            [
                self._scores(planes[i : i + self.batch_size], counts[i : i + self.batch_size])
                for i in steps
            ]
        )
        bad = np.flatnonzero(~np.isfinite(scores).all(axis=(1, 2)))
        if bad.size:
            raise ModelError(f"{self.package.id} gives no finite answer for plane {bad[0]}")
        return [self._in_words(members) for members in scores]

    def explain(self, planes: NDArray[np.float32]) -> list[tuple[RegionShare, ...]]:
        """Say which regions the rate of M1+ flares is from.

        Parameters
        ----------
        planes : ndarray of float32, shape (N, 1, size_px, size_px)
            As for `predict`.

        Returns
        -------
        list of tuple of RegionShare
            One tuple per plane, in order; regions with the greatest share first.

        Raises
        ------
        ModelError
            If the planes have another shape, or the model has no map of rates.
        """
        import torch  # noqa: PLC0415

        from flaremon.network import RateMap  # noqa: PLC0415
        from flaremon.network.rates import M1, cell_axes  # noqa: PLC0415

        self._check(planes)
        if not isinstance(self._network, RateMap):
            raise ModelError(f"{self.package.id} cannot say which regions its answer is from")
        latitudes, longitudes = (axis.numpy() for axis in cell_axes(self._network.config))
        found = []
        for start in range(0, len(planes), self.batch_size):
            batch = self._on_device(planes[start : start + self.batch_size])
            with torch.inference_mode():
                rates = self._network.rates(batch)[:, :, M1].mean(dim=1).double().cpu().numpy()
            found += [regions_of(one, latitudes, longitudes) for one in rates]
        return found

    def _check(self, planes: NDArray[np.float32]) -> None:
        side = self.package.frame.size_px
        if planes.ndim != 4 or planes.shape[1:] != (1, side, side):
            raise ModelError(
                f"{self.package.id} takes planes of shape (N, 1, {side}, {side}), "
                f"got {planes.shape}"
            )

    def _scores(
        self, planes: NDArray[np.float32], counts: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return the network's numbers (N, members, n_events) for one batch."""
        import torch  # noqa: PLC0415

        with torch.inference_mode(), self._precision():
            batch = self._on_device(planes)
            if self.package.output is Output.LOGIT:
                numbers = self._network(batch)[:, None]
            else:
                numbers = self._network(batch, torch.from_numpy(counts).to(self._device))
        return np.asarray(numbers.double().cpu().numpy())

    def _on_device(self, planes: NDArray[np.float32]) -> "torch.Tensor":
        import torch  # noqa: PLC0415

        batch = torch.from_numpy(np.ascontiguousarray(planes, dtype=np.float32))
        # One channel: both memory formats are the same bytes, so this costs nothing.
        return batch.to(self._device, memory_format=torch.channels_last, non_blocking=True)

    def _precision(self) -> AbstractContextManager[Any]:
        """Half precision where there is hardware for it; the CPU stays with 32 bits."""
        import torch  # noqa: PLC0415

        if self._device.type == "cpu":
            return nullcontext()
        bf16 = self._device.type == "cuda" and torch.cuda.is_bf16_supported()
        return torch.autocast(self._device.type, dtype=torch.bfloat16 if bf16 else torch.float16)

    def _in_words(self, members: NDArray[np.float64]) -> tuple[EventScore, ...]:
        """Put the numbers (members, n_events) of one plane into words."""
        if self.package.output is Output.LOGIT:
            each = 1 / (1 + np.exp(-members))
            mean = each.mean(axis=0)
            scores = members[0]
        else:
            each = -np.expm1(-np.exp(members))
            mean = each.mean(axis=0)
            scores = np.log(-np.log1p(-mean))  # the number that has the mean probability
        probabilities = mean.tolist()
        spreads = each.std(axis=0).tolist() if len(each) > 1 else [None] * each.shape[1]
        return tuple(
            EventScore(spec.event, score, probability, spec.threshold, spread)
            for spec, score, probability, spread in zip(
                self.package.events, scores.tolist(), probabilities, spreads, strict=True
            )
        )


def activity_counts(activity: Sequence[RecentActivity | None]) -> NDArray[np.float32]:
    """Return what networks are told of recent flares.

    Returns
    -------
    ndarray of float32, shape (N, 6)
        Numbers of C1+, M1+ and X1+ flares in the last 24 h, then in the last 72 h; a row of NaN
        where they are not known.
    """
    return np.array(
        [
            [np.nan] * (len(_BACK) * len(_CLASSES))
            if recent is None
            else [recent.count(least, within=back) for back in _BACK for least in _CLASSES]
            for recent in activity
        ],
        dtype=np.float32,
    ).reshape(len(activity), len(_BACK) * len(_CLASSES))


_CLASSES = tuple(FlareClass.parse(name) for name in ("C1", "M1", "X1"))
_BACK = (timedelta(hours=24), timedelta(hours=72))


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
