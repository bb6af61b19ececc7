"""Weights from planes and labels, reproducibly, on a CPU or a GPU; killed, it goes on."""

import hashlib
import json
import logging
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from flaremon.errors import InputError
from flaremon.inference.threads import threads
from flaremon.network import FullDiskCnn, NetworkConfig
from flaremon.training.augment import augment
from flaremon.training.checkpoint import Checkpoint, Trainable
from flaremon.training.dataset import Samples
from flaremon.training.device import Hardware

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
    device: str = "auto"
    """``auto`` (a GPU where there is one), ``cpu`` or ``cuda``."""
    precision: str = "auto"
    """Of matrix products: ``auto`` (bfloat16 on a GPU), ``float32`` or ``bfloat16``."""


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
    keep: Path | None = None,
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
        Length, rates, device.
    seed : int
        Of weights, order, augmentation and dropout.
    keep : Path, optional
        Folder in which the training is kept after every epoch: one that was killed goes on from
        there to the very weights of one that was not. Finished, it is there for the next call.

    Returns
    -------
    FullDiskCnn
        On the CPU, in evaluation mode.
    list of Epoch

    Raises
    ------
    InputError
        If there are too few samples for a schedule.
    ConfigurationError
        If the device does not exist, or `keep` cannot be written.
    """
    hardware = Hardware.find(config.device, config.precision)
    torch.manual_seed(seed)
    trainer = _Trainer(FullDiskCnn(network_config), train, config, hardware, seed)
    checkpoint = None
    if keep is not None:
        key = _key(trainer, train, choose, config, seed)
        checkpoint = Checkpoint(path=keep / f"plain-{key[:16]}.safetensors", key=key)
    curve: list[Epoch] = []
    best: dict[str, Tensor] = {}
    with threads(config.threads):
        resumed = None if checkpoint is None else checkpoint.resume(trainer.state)
        if resumed is not None:
            curve, best = [Epoch(**line) for line in resumed[0]["curve"]], resumed[1]
        while len(curve) < config.epochs:
            train_loss, choose_loss = trainer.run_epoch(), trainer.loss(choose)
            if not curve or choose_loss < min(epoch.choose_loss for epoch in curve):
                best = {name: value.clone() for name, value in trainer.network.state_dict().items()}
            number = len(curve) + 1
            curve.append(Epoch(number=number, train_loss=train_loss, choose_loss=choose_loss))
            _log.info("epoch %d: train %.4f, choose %.4f", number, train_loss, choose_loss)
            if checkpoint is not None:
                progress = {"curve": [asdict(epoch) for epoch in curve]}
                checkpoint.keep(trainer.state, progress, best)
    trainer.network.load_state_dict(best)
    return trainer.network.cpu().eval(), curve


def _key(trainer: "_Trainer", train: Samples, choose: Samples, config: FitConfig, seed: int) -> str:
    """Hash of everything that decides the weights."""
    how = {
        "network": asdict(trainer.network.config),
        "fit": asdict(config),
        "hardware": trainer.hardware.name,
        "torch": torch.__version__,
        "seed": seed,
    }
    digest = hashlib.sha256(json.dumps(how, sort_keys=True).encode())
    for samples in (train, choose):
        for array in (samples.times, samples.planes, samples.labels):
            digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    return digest.hexdigest()


class _Trainer:
    """Network, optimizer, schedule and data of one fit."""

    def __init__(
        self, network: FullDiskCnn, train: Samples, config: FitConfig, hardware: Hardware, seed: int
    ) -> None:
        self.network, self.hardware = network, hardware
        self._planes, self._labels = (tensor.to(hardware.device) for tensor in _tensors(train))
        self._batch_size = config.batch_size
        self._steps = max(int(len(train) * config.share_per_epoch) // config.batch_size, 1)
        total_steps = self._steps * config.epochs
        if total_steps < _LEAST_STEPS:
            raise InputError(
                f"{len(train)} samples in batches of {config.batch_size} make {total_steps} steps; "
                f"training needs {_LEAST_STEPS}"
            )
        hardware.place(network)
        _start_at_base_rate(network, self._labels)
        self._forward = hardware.forward(network.from_pooled)
        self._generator = torch.Generator(hardware.device).manual_seed(seed)
        optimizer = torch.optim.AdamW(
            network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, config.learning_rate, total_steps=total_steps, pct_start=0.1
        )
        self.state = Trainable(
            network=network,
            optimizer=optimizer,
            schedule=schedule,
            generators={"order": self._generator},
        )

    def run_epoch(self) -> float:
        """Take one random share of the samples; return the mean loss."""
        self.network.train()
        order = torch.randperm(
            len(self._planes), generator=self._generator, device=self.hardware.device
        )
        total = torch.zeros((), dtype=torch.float64, device=self.hardware.device)
        for batch in torch.split(order, self._batch_size)[: self._steps]:
            planes = augment(self._planes[batch].float(), self._generator)
            with self.hardware.precision():
                logits = self._forward(planes)
            loss = cross_entropy(logits.float(), self._labels[batch])
            self.state.optimizer.zero_grad()
            torch.autograd.backward(loss)
            self.state.optimizer.step()
            self.state.schedule.step()
            total += loss.detach()  # not read here: a GPU would be waited for at every step
        return float(total) / self._steps

    def loss(self, samples: Samples) -> float:
        """Return the loss on other samples, in 32 bits."""
        logits = torch.from_numpy(logits_of(self.network, samples))
        return float(cross_entropy(logits, torch.from_numpy(samples.labels.astype(np.float64))))


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
    device = next(network.parameters()).device
    with torch.inference_mode():
        parts = [
            network.from_pooled(
                torch.from_numpy(np.array(samples.planes[i : i + 256])).to(device).float()[:, None]
            )
            for i in range(0, len(samples), 256)
        ]
    return torch.cat(parts).double().cpu().numpy()


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
