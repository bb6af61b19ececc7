"""A network on a device, ready to answer.

A `Predictor` loads its network once and keeps it; making one costs the import of torch, using it
does not.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from flaremon.domain import FlareEvent, RecentActivity, RegionShare
from flaremon.errors import ModelError
from flaremon.inference.activity import activity_sums
from flaremon.inference.device import find_device, name_of
from flaremon.inference.regions import regions_of
from flaremon.package import ModelPackage, Output, build_network

if TYPE_CHECKING:
    import torch

    from flaremon.network import FullDiskCnn, RateMap

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
    regions: tuple[RegionShare, ...] | None = None
    """What each region contributes to the rate of the event's class, greatest first; None where
    the network makes no map."""

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
    turn : callable
        Gives a context for one batch on the device: who must wait for others waits there.

    Raises
    ------
    ModelError
        If the weights are missing, altered or do not fit.
    ConfigurationError
        If the device does not exist on this machine.
    """

    def __init__(
        self,
        package: ModelPackage,
        *,
        device: str = "auto",
        batch_size: int = 8,
        turn: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        import torch  # noqa: PLC0415 - 1.6 s

        self.package = package
        self._turn = turn
        self._device = find_device(device)
        self.batch_size = batch_size
        self._network = build_network(package).to(
            device=self._device,
            memory_format=torch.channels_last,  # type: ignore[call-overload]
        )
        self._axes = _map_axes(self._network)
        self.device_name = name_of(self._device)
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
        told = activity_sums(activity or [None] * len(planes))
        steps = range(0, len(planes), self.batch_size)
        asked = [
            self._scores(planes[i : i + self.batch_size], told[i : i + self.batch_size])
            for i in steps
        ]
        scores = np.concatenate([numbers for numbers, _ in asked])
        bad = np.flatnonzero(~np.isfinite(scores).all(axis=(1, 2)))
        if bad.size:
            raise ModelError(f"{self.package.id} gives no finite answer for plane {bad[0]}")
        regions = [found for _, rates in asked for found in self._regions(rates)]
        known = [bool(np.isfinite(sums).all()) for sums in told]
        rows = [self._in_words(row, informed=k) for row, k in zip(scores, known, strict=True)]
        if not regions:
            return rows
        return [
            tuple(replace(said, regions=of) for said, of in zip(row, found, strict=True))
            for row, found in zip(rows, regions, strict=True)
        ]

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
        from flaremon.network import RateMap  # noqa: PLC0415
        from flaremon.network.rates import M1  # noqa: PLC0415

        network = self._network
        classes = network.config.event_classes if isinstance(network, RateMap) else ()
        if M1 not in classes:
            raise ModelError(f"{self.package.id} cannot say which regions its answer is from")
        event = classes.index(M1)
        return [row[event].regions or () for row in self.predict(planes)]

    def _check(self, planes: NDArray[np.float32]) -> None:
        side = self.package.frame.size_px
        if planes.ndim != 4 or planes.shape[1:] != (1, side, side):
            raise ModelError(
                f"{self.package.id} takes planes of shape (N, 1, {side}, {side}), "
                f"got {planes.shape}"
            )

    def _scores(
        self, planes: NDArray[np.float32], told: NDArray[np.float32]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Return the network's numbers (N, members, n_events) for one batch, and its map.

        The map (N, classes, rows, columns) is the mean over the members, of nested rates per day
        and cell; None where the network makes none.
        """
        import torch  # noqa: PLC0415

        from flaremon.network import RateMap  # noqa: PLC0415

        rates = None
        with self._turn(), torch.inference_mode(), self._precision():
            batch = self._on_device(planes)
            known = torch.from_numpy(told).to(self._device)
            if isinstance(self._network, RateMap):
                by_member = self._network.rates(batch)
                numbers = self._network.expected(by_member.sum(dim=(3, 4)), known)
                rates = by_member.mean(dim=1).double().cpu().numpy()
            else:
                numbers = self._network(batch)[:, None]
            # Here and not later: the batch is on the device until its numbers have come back.
            return np.asarray(numbers.double().cpu().numpy()), rates

    def _regions(
        self, rates: NDArray[np.float64] | None
    ) -> Iterator[tuple[tuple[RegionShare, ...], ...]]:
        """Yield per plane the regions of each event."""
        from flaremon.network import RateMap  # noqa: PLC0415
        from flaremon.network.rates import M1  # noqa: PLC0415

        if rates is None or self._axes is None or not isinstance(self._network, RateMap):
            return
        for one in rates:
            by_class = regions_of(one, *self._axes, drawn_by=M1)
            yield tuple(by_class[level] for level in self._network.config.event_classes)

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

    def _in_words(self, members: NDArray[np.float64], *, informed: bool) -> tuple[EventScore, ...]:
        """Put the numbers (members, n_events) of one plane into words.

        `informed` says whether recent flares were known: thresholds may differ.
        """
        if self.package.output is Output.LOGIT:
            each = 1 / (1 + np.exp(-members))
            mean = each.mean(axis=0)
            scores = members[0]
        else:
            numbers = np.exp(members)
            each = -np.expm1(-numbers)
            mean = each.mean(axis=0)
            scores = _log_of_mean(numbers)
        probabilities = mean.tolist()
        spreads = each.std(axis=0).tolist() if len(each) > 1 else [None] * each.shape[1]
        cuts = [spec.threshold_where(informed=informed) for spec in self.package.events]
        return tuple(
            EventScore(spec.event, score, probability, cut, spread)
            for spec, score, probability, cut, spread in zip(
                self.package.events, scores.tolist(), probabilities, cuts, spreads, strict=True
            )
        )


def _log_of_mean(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log of the number that has the mean probability of numbers (members, n_events).

    Finite also where that probability is 1 to all digits.
    """
    least = numbers.min(axis=0)
    return np.asarray(np.log(least - np.log1p(np.expm1(least - numbers).mean(axis=0))))


def _map_axes(
    network: "FullDiskCnn | RateMap",
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return latitudes and longitudes of the cells of the network's map; None if it makes none."""
    from flaremon.network import RateMap  # noqa: PLC0415
    from flaremon.network.rates import cell_axes  # noqa: PLC0415

    if not isinstance(network, RateMap):
        return None
    latitudes, longitudes = cell_axes(network.config)
    return latitudes.numpy(), longitudes.numpy()
