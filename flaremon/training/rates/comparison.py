"""The plain network for comparison: the same disks, flares, years and last step as the rate map.

One network per left-out group of years, fitted by the Poisson likelihood of the flares of the
next 24 h; of each the epoch that is best on the years it left out is kept, which favours it. What
they say about disks is kept with the package, so that an evaluation needs no second training.
"""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from flaremon.domain import FlareEvent
from flaremon.network.rates import N_CLASSES
from flaremon.network.surface import CELL_DEG
from flaremon.training.dataset import SEPARATION
from flaremon.training.labels import UNKNOWN, FlareList, Times, label
from flaremon.training.rates.config import ComparisonConfig, RatesConfig
from flaremon.training.rates.disks import carrington_times
from flaremon.training.rates.resnet import DiskResNet
from flaremon.training.rates.strip import APPEARANCES, Cells, pictured
from flaremon.training.synoptic import read_strip

_log = logging.getLogger(__name__)

POOL_STEPS = 2
"""Steps of the grid per pixel: 1 degree."""
_PIXELS_PER_CELL = 2
_CLASS_FLUX = (1e-6, 1e-5, 1e-4, np.inf)
_DAY = np.timedelta64(1, "D")
_LARGEST_GRADIENT = 1.0
_WEIGHT_DECAY = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """Disks as windows of the strip."""

    fields: tuple[Tensor, ...]
    """Gauss at 1 degree (rows, columns), per appearance, float16."""
    cells: Cells
    half_deg: float

    def starts(self, times: Times) -> NDArray[np.int64]:
        """Return the first column of each disk; -1 where maps are missing."""
        at = self.cells.column(carrington_times(times))
        half = self.half_deg / CELL_DEG
        low = np.round((at - half) * _PIXELS_PER_CELL).astype(np.int64)
        missing = np.concatenate([[0], np.cumsum(~self.cells.observed)])
        first = np.clip(np.floor(at - half), 0, len(missing) - 1).astype(np.int64)
        last = np.clip(np.ceil(at + half), 0, len(missing) - 1).astype(np.int64)
        inside = (at >= half) & (at + half <= len(self.cells.observed))
        return np.where(inside & (missing[last] == missing[first]), low, -1)

    def disks(self, starts: NDArray[np.int64], appearances: NDArray[np.int64]) -> Tensor:
        """Return fields (N, rows, columns), east first."""
        width = round(2 * self.half_deg / CELL_DEG) * _PIXELS_PER_CELL
        return torch.stack(
            [
                # The strip is in the order of passage: west, which passed first, comes first.
                self.fields[how][:, k : k + width].float().flip(1)
                for k, how in zip(starts.tolist(), appearances.tolist(), strict=True)
            ]
        )


def views_of(folder: Path, cells: Cells, half_deg: float) -> Views:
    """Read the maps of a folder as disks show them."""
    fields = tuple(
        functional.avg_pool2d(field, POOL_STEPS)[0, 0].half()
        for field in pictured(read_strip(folder))
    )
    return Views(fields=fields, cells=cells, half_deg=half_deg)


def fit_comparison(
    config: RatesConfig, how: ComparisonConfig, views: Views, flares: FlareList, cache: Path
) -> list[DiskResNet]:
    """Fit one network per left-out group of years, or read those that the cache holds.

    Not one for each group: they are `ComparisonConfig.networks`.
    """
    torch.set_num_threads(config.member.threads)
    kept = cache / f"comparison-{_key(config, how, views, flares)}"
    kept.mkdir(parents=True, exist_ok=True)
    networks = []
    for number, fold in enumerate(config.folds[: how.networks]):
        network, path = DiskResNet(how.channels, how.dropout), kept / f"{number}.safetensors"
        if path.exists():
            network.load_state_dict(load_file(path))
        else:
            _log.info("plain network without %s", fold)
            days = _Days(views, flares)
            _fit(network, how, days, _parts(config, fold, days), seed=config.seed + number)
            partial = path.with_suffix(".partial")
            save_file(network.state_dict(), partial)
            partial.rename(path)
        networks.append(network.eval())
    return networks


def rates_of(network: DiskResNet, views: Views, times: Times) -> NDArray[np.float64]:
    """Return nested rates (N, N_CLASSES) of the disks of maps; NaN where there is no map."""
    starts = views.starts(times)
    there = np.flatnonzero(starts >= 0)
    found = np.full((len(times), N_CLASSES), np.nan)
    with torch.inference_mode():
        for some in np.array_split(there, max(1, len(there) // 64)):
            disks = views.disks(starts[some], np.zeros(len(some), np.int64))
            found[some] = network.nested(disks).double().numpy()
    return found


def rates_on(networks: Sequence[DiskResNet], surface: Tensor) -> NDArray[np.float64]:
    """Return nested rates (N, N_CLASSES), the networks' mean, of `Surface` fields of planes."""
    disks = functional.avg_pool2d(surface, POOL_STEPS)[:, 0]
    each = torch.stack([network.nested(disks) for network in networks])
    return np.asarray(each.mean(dim=0).double().numpy())


class _Days:
    """Disks of days with the numbers of flares of the 24 h after them."""

    def __init__(self, views: Views, flares: FlareList) -> None:
        self.views = views
        self._flares = flares

    def known(self, times: Times) -> Times:
        """Return the times whose disk and flares are known."""
        window = FlareEvent.parse("C1+/24h")
        answered = label(self._flares, window, times) != UNKNOWN
        there: Times = times[answered & (self.views.starts(times) >= 0)]
        return there

    def counts(self, times: Times) -> Tensor:
        """Return numbers of C, M and X flares (N, N_CLASSES) in (t, t + 24 h]."""
        flux, columns = self._flares.flux_w_m2 * (1 + 1e-6), []
        for least, below in pairwise(_CLASS_FLUX):
            start = self._flares.start[(flux >= least) & (flux < below)]
            after, until = (np.searchsorted(start, t, side="right") for t in (times, times + _DAY))
            columns.append(until - after)
        return torch.from_numpy(np.stack(columns, axis=1)).float()

    def loss(self, network: DiskResNet, times: Times, appearances: NDArray[np.int64]) -> Tensor:
        """Return the negative log-likelihood of a Poisson process, per day."""
        disks = self.views.disks(self.views.starts(times), appearances)
        if network.training:
            flip = torch.rand(len(disks)) < 0.5  # the mirrored Sun has the other polarity
            disks = torch.where(flip[:, None, None], -disks.flip(1), disks)
        logs: Tensor = network(disks)
        return torch.mean((logs.exp() - self.counts(times) * logs).sum(dim=1))


def _parts(config: RatesConfig, fold: Sequence[int], days: _Days) -> tuple[Times, Times]:
    """Return the times to fit to, and one per day of those left out."""
    left_out = config.times(tuple(fold))
    fitted = days.known(config.times(tuple(set(config.fitted) - set(fold))))
    at = np.searchsorted(left_out, fitted)
    before = left_out[np.clip(at - 1, 0, len(left_out) - 1)]
    after = left_out[np.clip(at, 0, len(left_out) - 1)]
    # No window and no column of a map is in both.
    apart = np.minimum(abs(fitted - before), abs(after - fitted)) > SEPARATION
    return fitted[apart], days.known(left_out)[:: max(1, 24 // config.cadence_h)]


def _fit(
    network: DiskResNet,
    how: ComparisonConfig,
    days: _Days,
    parts: tuple[Times, Times],
    *,
    seed: int,
) -> None:
    """Fit, and leave the network as it was at the epoch best on the years left out."""
    fitted, unseen = parts
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network.load_state_dict(DiskResNet(how.channels, how.dropout).state_dict())  # of this seed
    day = fitted.astype("datetime64[D]")
    of_day = [np.flatnonzero(day == one) for one in np.unique(day)]
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=how.learning_rate, weight_decay=_WEIGHT_DECAY
    )
    steps = -(-len(of_day) // how.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, how.learning_rate, total_steps=how.epochs * steps
    )
    best, best_loss = network.state_dict(), np.inf
    for epoch in range(1, how.epochs + 1):
        network.train()
        chosen = np.array([rng.choice(hours) for hours in of_day])  # another hour in each epoch
        for some in np.array_split(rng.permutation(chosen), steps):
            appearances = rng.integers(len(APPEARANCES), size=len(some))
            loss = days.loss(network, fitted[some], appearances)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            # Days of fifty flares would throw the rest away.
            torch.nn.utils.clip_grad_norm_(network.parameters(), _LARGEST_GRADIENT)
            optimizer.step()
            schedule.step()
        left = _loss_of(network.eval(), days, unseen)
        _log.info("epoch %d: %.4f on years left out", epoch, left)
        if left < best_loss:
            best_loss = left
            best = {name: value.clone() for name, value in network.state_dict().items()}
    network.load_state_dict(best)


def _loss_of(network: DiskResNet, days: _Days, times: Times) -> float:
    if not len(times):
        return 0.0
    with torch.no_grad():
        parts = np.array_split(times, -(-len(times) // 64))
        losses = [
            float(days.loss(network, part, np.zeros(len(part), np.int64))) * len(part)
            for part in parts
        ]
    return sum(losses) / len(times)


def _key(config: RatesConfig, how: ComparisonConfig, views: Views, flares: FlareList) -> str:
    """Hash of what decides the networks."""
    decides = {"folds": config.folds, "seed": config.seed, "how": asdict(how)}
    digest = hashlib.sha256(json.dumps(decides, sort_keys=True).encode())
    for field in views.fields:
        digest.update(field.numpy().tobytes())
    digest.update(flares.start.tobytes() + flares.flux_w_m2.tobytes())
    return digest.hexdigest()[:16]
