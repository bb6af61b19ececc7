"""One network per left-out group of years, by the likelihood of a Poisson process.

Flares near the central meridian are points of a Poisson process on the strip, whose intensity is
the network's rate times the days that a place spends near the meridian. A flare's place is known
to a few degrees only, so its intensity is taken after a Gaussian of that width. The log-likelihood
is the sum of the logs of intensities at flares minus the integral of the intensity.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from flaremon.errors import InputError
from flaremon.network.rates import N_CLASSES, RateMember, surroundings
from flaremon.network.surface import CELL_DEG, LATITUDE_DEG, smooth
from flaremon.training.checkpoint import Checkpoint, Trainable
from flaremon.training.rates.config import MemberConfig
from flaremon.training.rates.located import LocatedFlares
from flaremon.training.rates.strip import Cells

_log = logging.getLogger(__name__)

SYNODIC_DEG_PER_DAY = 13.2
_BLOCK = 180
"""Columns of a block: one rotation."""
_SHARE_ABOVE_30_G = 1
"""Which of the features tells where anything is."""
_ACTIVE = 0.05
_QUIET_SHARE = 0.05
"""Of the quiet cells, which are most, this share is computed, and counts as all of them."""
_FLOOR = 1e-7
_START_LOG_RATES = (-9.0, -2.0, -2.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """A line of a learning curve: negative log-likelihoods per block."""

    number: int
    train_loss: float
    left_out_loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """The strip as members are fitted to it."""

    shown: tuple[Tensor, ...]
    """Inputs of `RateMember`, shape (width, rows, columns), per appearance."""
    active: Tensor
    """Which cells (rows, columns) have something in or beside them."""
    years: NDArray[np.int64]
    """Of each column's passage; 0 where it was not observed."""
    level: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    """Of each flare near the meridian."""
    days: float
    """That a place spends near the meridian, times the share of flares with a known place."""


def prepare(cells: Cells, flares: LocatedFlares, years: Sequence[int], reach_deg: float) -> Strip:
    """Put flares on the strip, and the strip before the network.

    Parameters
    ----------
    cells, flares
        The Sun and its flares.
    years : sequence of int
        Of the fits; others do not count for the share of flares whose place is known.
    reach_deg : float
        Flares within this of the central meridian are used.

    Raises
    ------
    InputError
        If no flare of these years has a place.
    """
    shown = tuple(
        surroundings(torch.from_numpy(one.astype(np.float32))[None])[0] for one in cells.shown
    )
    near = torch.from_numpy(cells.shown[0][_SHARE_ABOVE_30_G].astype(np.float32))
    active = functional.avg_pool2d(near[None, None], 5, stride=1, padding=2)[0, 0] > _ACTIVE
    in_years = np.isin(flares.start.astype("datetime64[Y]").astype(int) + 1970, years)
    known = np.isfinite(flares.passes_deg)
    if not (known & in_years).any():
        raise InputError(f"no flare of {min(years)} to {max(years)} has a place")
    columns = np.floor(cells.column(np.where(known, flares.passes_deg, 0))).astype(np.int64)
    used = (
        known
        & (np.abs(flares.from_meridian_deg) <= reach_deg)
        & (np.abs(flares.latitude_deg) < LATITUDE_DEG)
        & (columns >= 0)
        & (columns < len(cells.observed))
    )
    passage_years = cells.passage.astype("datetime64[Y]").astype(int) + 1970
    share = float((known & in_years).sum() / in_years.sum())
    return Strip(
        shown=shown,
        active=active,
        years=np.where(cells.observed, passage_years, 0),
        level=flares.level[used],
        row=np.floor((flares.latitude_deg[used] + LATITUDE_DEG) / CELL_DEG).astype(np.int64),
        column=columns[used],
        days=2 * reach_deg / SYNODIC_DEG_PER_DAY * share,
    )


def fit_member(
    strip: Strip,
    left_out: Sequence[int],
    years: Sequence[int],
    config: MemberConfig,
    *,
    seed: int,
    checkpoint: Checkpoint | None = None,
) -> tuple[RateMember, list[Epoch]]:
    """Fit one member to all years but those left out.

    Parameters
    ----------
    strip : Strip
        From `prepare`.
    left_out, years : sequence of int
        Not to fit to, and all that there are.
    config : MemberConfig
        Length and rates.
    seed : int
        Of weights, order, appearance and dropout.
    checkpoint : Checkpoint, optional
        Where the training is kept after every epoch: one that was killed goes on from there to
        the very weights of one that was not.
    """
    fit = _Fit(strip, left_out, years, config, seed)
    resumed = None if checkpoint is None else checkpoint.resume(fit.state)
    curve: list[Epoch] = []
    if resumed is not None:
        curve = [Epoch(**line) for line in resumed[0]["curve"]]
        fit.rng.bit_generator.state = resumed[0]["order"]
    while len(curve) < config.epochs:
        train_loss, left_out_loss = fit.run_epoch(), fit.left_out_loss()
        number = len(curve) + 1
        curve.append(Epoch(number=number, train_loss=train_loss, left_out_loss=left_out_loss))
        if checkpoint is not None:
            order = fit.rng.bit_generator.state
            progress = {"curve": [asdict(epoch) for epoch in curve], "order": order}
            checkpoint.keep(fit.state, progress, {})
    last = curve[-1]
    _log.info("without %s: %.2f, on them %.2f", left_out, last.train_loss, last.left_out_loss)
    return fit.network.eval(), curve


class _Fit:
    """Network, optimizer, schedule and data of one member."""

    def __init__(
        self,
        strip: Strip,
        left_out: Sequence[int],
        years: Sequence[int],
        config: MemberConfig,
        seed: int,
    ) -> None:
        torch.manual_seed(seed)
        self.rng = np.random.default_rng(seed)
        fitted = np.isin(strip.years, [year for year in years if year not in left_out])
        apart = np.isin(strip.years, left_out)
        fitted &= ~_beside(apart)
        self.network = RateMember(config.hidden, config.dropout)
        _start(self.network, strip, fitted)
        self._likelihoods = _Likelihood(strip, fitted, config)
        self._unseen = _Likelihood(strip, apart, config)
        self._blocks = self._likelihoods.blocks()
        self._batch, self._appearances = config.batch, len(strip.shown)
        steps = -(-len(self._blocks) // config.batch)
        optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, config.learning_rate, total_steps=steps * config.epochs
        )
        self.state = Trainable(network=self.network, optimizer=optimizer, schedule=schedule)

    def run_epoch(self) -> float:
        """Go through all blocks once; return the mean loss."""
        self.network.train()
        shift = int(self.rng.integers(_BLOCK))
        order = self.rng.permutation(self._blocks)
        total = 0.0
        for first in range(0, len(order), self._batch):
            starts = [int(start) + shift for start in order[first : first + self._batch]]
            appearances = self.rng.integers(self._appearances, size=len(starts))
            loss = self._likelihoods.loss(self.network, starts, appearances.tolist())
            self.state.optimizer.zero_grad()
            torch.autograd.backward(loss)
            self.state.optimizer.step()
            self.state.schedule.step()
            total += float(loss.detach()) * len(starts)
        return total / len(self._blocks)

    def left_out_loss(self) -> float:
        """Return the loss on the years that were left out."""
        self.network.eval()
        with torch.no_grad():
            starts = self._unseen.blocks()
            return float(self._unseen.loss(self.network, starts, [0] * len(starts)))


class _Likelihood:
    """Of blocks of the strip in which only some columns count."""

    def __init__(self, strip: Strip, counts: NDArray[np.bool_], config: MemberConfig) -> None:
        self._strip = strip
        self._days = torch.from_numpy(counts.astype(np.float32) * np.float32(strip.days))
        used = counts[strip.column]
        self._flares = (strip.level[used], strip.row[used], strip.column[used])
        self._sigma_cells = config.place_sigma_deg / CELL_DEG
        self._counts = counts

    def blocks(self) -> list[int]:
        """Return the first columns of blocks with columns that count, room for a shift left."""
        stop = len(self._counts) - 2 * _BLOCK
        return [k for k in range(0, stop, _BLOCK) if self._counts[k : k + _BLOCK].any()]

    def loss(self, network: RateMember, starts: list[int], appearances: list[int]) -> Tensor:
        """Return the negative log-likelihood per block."""
        inputs = torch.stack(
            [
                self._strip.shown[how][:, :, k : k + _BLOCK]
                for k, how in zip(starts, appearances, strict=True)
            ]
        )
        active = torch.stack([self._strip.active[:, k : k + _BLOCK] for k in starts])
        days = torch.stack([self._days[k : k + _BLOCK] for k in starts])[:, None, None]
        rates, weights = _rates_of(network, inputs, active)
        total = -(rates * weights[:, None] * days).sum()
        spread = smooth(rates.flatten(0, 1)[:, None], self._sigma_cells).view(rates.shape)
        level, row, column = self._flares
        for k, start in enumerate(starts):
            here = (column >= start) & (column < start + _BLOCK)
            at = spread[k, level[here], row[here], column[here] - start]
            total = total + torch.log(at * self._strip.days + _FLOOR).sum()
        return -total / len(starts)


def _rates_of(network: RateMember, inputs: Tensor, active: Tensor) -> tuple[Tensor, Tensor]:
    """Return rates (N, N_CLASSES, rows, columns) of active and some quiet cells, and weights."""
    sampled = ~active & (torch.rand(active.shape) < _QUIET_SHARE)
    chosen = active | sampled
    flat = inputs.permute(0, 2, 3, 1)[chosen].T[None, :, :, None]
    rates = torch.zeros(*active.shape, N_CLASSES)
    rates = rates.index_put(chosen.nonzero(as_tuple=True), network(flat)[0, :, :, 0].T)
    return rates.permute(0, 3, 1, 2), torch.where(sampled, 1 / _QUIET_SHARE, 1.0)


def _start(network: RateMember, strip: Strip, fitted: NDArray[np.bool_]) -> None:
    """Set the scale of the inputs, and begin with rates near those of the quiet Sun.

    The scale too is of the fitted columns: years that are left out or reported must not be known.
    """
    first = strip.shown[0][:, :, torch.from_numpy(fitted)]
    network.centre.copy_(first.mean(dim=(1, 2)))
    network.scale.copy_(first.std(dim=(1, 2)))
    network.begin_at(_START_LOG_RATES)


def _beside(apart: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Widen by a rotation on either side: regions live longer than a year's end."""
    wide = np.convolve(apart.astype(np.int64), np.ones(2 * _BLOCK + 1, np.int64), mode="same")
    return wide > 0
