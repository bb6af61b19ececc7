"""Weights from planes and labels, reproducibly."""

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from flaremon.errors import InputError
from flaremon.network import FullDiskCnn, NetworkConfig
from flaremon.training.augment import augment
from flaremon.training.dataset import Samples

_log = logging.getLogger(__name__)

_LEAST_STEPS = 20
"""Fewer have no room for the rise and fall of the learning rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FitConfig:
    """How the weights are found."""

    epochs: int = 8
    share_per_epoch: float = 0.5
    """Of the samples; neighbours are 6 h apart and nearly alike."""
    batch_size: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 2e-2
    threads: int = 1
    """CPU threads; more change the order of sums, and with it the last digits of weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """A line of the learning curve."""

    number: int
    train_loss: float
    choose_loss: float


def fit(
    network_config: NetworkConfig,
    train: Samples,
    choose: Samples,
    config: FitConfig,
    *,
    seed: int,
) -> tuple[FullDiskCnn, list[Epoch]]:
    """Fit a network and keep the epoch with the least loss on the choosing years.

    The loss is the plain cross-entropy, unweighted, so that outputs are log odds under the
    climate of the training years; unknown labels do not count.

    Parameters
    ----------
    network_config : NetworkConfig
        Dimensions.
    train, choose : Samples
        To fit and to choose the epoch.
    config : FitConfig
        Length and rates.
    seed : int
        Of weights, order, augmentation and dropout.

    Raises
    ------
    InputError
        If there are too few samples for a schedule.
    """
    torch.manual_seed(seed)
    network = FullDiskCnn(network_config)
    trainer = _Trainer(network, train, config, torch.Generator().manual_seed(seed))
    curve: list[Epoch] = []
    best: dict[str, Tensor] = {}
    with _threads(config.threads):
        for number in range(1, config.epochs + 1):
            train_loss = trainer.run_epoch()
            choose_loss = _loss(network, choose)
            if not curve or choose_loss < min(epoch.choose_loss for epoch in curve):
                best = {name: value.clone() for name, value in network.state_dict().items()}
            curve.append(Epoch(number=number, train_loss=train_loss, choose_loss=choose_loss))
            _log.info("epoch %d: train %.4f, choose %.4f", number, train_loss, choose_loss)
    network.load_state_dict(best)
    return network.eval(), curve


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Trainer:
    """Optimizer, schedule and data of one fit."""

    def __init__(
        self,
        network: FullDiskCnn,
        train: Samples,
        config: FitConfig,
        generator: torch.Generator,
    ) -> None:
        self._network = network
        self._planes, self._labels = _tensors(train)
        self._batch_size = config.batch_size
        self._generator = generator
        self._steps = max(int(len(train) * config.share_per_epoch) // config.batch_size, 1)
        total_steps = self._steps * config.epochs
        if total_steps < _LEAST_STEPS:
            raise InputError(
                f"{len(train)} samples in batches of {config.batch_size} make {total_steps} steps; "
                f"training needs {_LEAST_STEPS}"
            )
        _start_at_base_rate(network, self._labels)
        self._optimizer = torch.optim.AdamW(
            network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimizer,
            config.learning_rate,
            total_steps=total_steps,
            pct_start=0.1,
        )

    def run_epoch(self) -> float:
        """Take one random share of the samples; return the mean loss."""
        self._network.train()
        order = torch.randperm(len(self._planes), generator=self._generator)
        total = 0.0
        for batch in torch.split(order, self._batch_size)[: self._steps]:
            planes = augment(self._planes[batch].float(), self._generator)
            loss = cross_entropy(self._network.from_pooled(planes), self._labels[batch])
            self._optimizer.zero_grad()
            torch.autograd.backward(loss)
            self._optimizer.step()
            self._schedule.step()
            total += float(loss.detach())
        return total / self._steps


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean over events of the mean over known labels; both (N, n_events)."""
    known = labels >= 0
    each = functional.binary_cross_entropy_with_logits(
        logits, labels.clamp(min=0), reduction="none"
    )
    return ((each * known).sum(0) / known.sum(0).clamp(min=1)).mean()


def logits_of(network: FullDiskCnn, samples: Samples) -> NDArray[np.float64]:
    """Return logits (N, n_events) of samples, in evaluation mode."""
    network.eval()
    with torch.inference_mode():
        parts = [
            network.from_pooled(
                torch.from_numpy(np.array(samples.planes[i : i + 256])).float()[:, None]
            )
            for i in range(0, len(samples), 256)
        ]
    return torch.cat(parts).double().numpy()


def _loss(network: FullDiskCnn, samples: Samples) -> float:
    logits = torch.from_numpy(logits_of(network, samples))
    return float(cross_entropy(logits, torch.from_numpy(samples.labels.astype(np.float64))))


def _tensors(samples: Samples) -> tuple[Tensor, Tensor]:
    """Return planes (N, 1, P, P), half precision to spare memory, and labels (N, E)."""
    planes = np.array(samples.planes)[:, np.newaxis]
    return torch.from_numpy(planes), torch.from_numpy(samples.labels.astype(np.float32))


def _start_at_base_rate(network: FullDiskCnn, labels: Tensor) -> None:
    """Begin with the odds of climatology, spread evenly over the disk's cells."""
    known = labels >= 0
    rate = ((labels * known).sum(0) + 1) / (known.sum(0) + 2)
    radius_cells = network.config.radius_fraction * network.config.pooled_px / 8
    area = math.pi * radius_cells**2
    bias = torch.nn.Parameter(torch.logit(rate) - math.log(area))
    network.contribution.bias = bias
