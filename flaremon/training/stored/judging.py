"""What a model and simpler forecasters say of the part kept for reporting."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from flaremon.network import RateMap
from flaremon.package import EventSpec
from flaremon.training.evaluation import NETWORK, Hours
from flaremon.training.labels import Times
from flaremon.training.rates import fitting
from flaremon.training.stored.dataset import StoredSet
from flaremon.training.stored.splits import REPORT, TRAIN
from flaremon.verify.blocks import DAY_D, ENOUGH_ROTATIONS, ROTATION_D

INFORMED, RECENT = "network with recent flares", "recent flares alone"
BASE, BASE_INFORMED = "base model", "base model with recent flares"
PAIRS = ((NETWORK, BASE), (INFORMED, NETWORK), (INFORMED, BASE_INFORMED), (INFORMED, RECENT))


def name_of(data: StoredSet) -> str:
    """Return what the hours are, in words."""
    return f"archived frames of {', '.join(data.config.series)}"


def plain_hours(data: StoredSet, logits: NDArray[np.float64]) -> Hours:
    """Return what a plain network says of the part to report on; logits (N, events) of all."""
    here = data.part(REPORT)
    return _hours(data, data.times[here], logits[here])


def rate_hours(
    network: RateMap,
    base: RateMap,
    data: StoredSet,
    rates: NDArray[np.float32],
    specs: Sequence[EventSpec],
) -> Hours:
    """Return what a rate map says of the part to report on, beside its base and recent flares.

    Parameters
    ----------
    network, base : RateMap
        With the same members.
    data : StoredSet
    rates : ndarray, shape (N, members, N_CLASSES)
        From `flaremon.training.stored.adapting.totals`, of all frames.
    specs : sequence of EventSpec
        For the thresholds of answers that know recent flares.
    """
    here = data.part(REPORT)
    shown, sums = rates[here], data.sums[here]
    alone = probabilities(network, shown, None)
    others = {
        INFORMED: probabilities(network, shown, sums),
        BASE: probabilities(base, shown, None),
        BASE_INFORMED: probabilities(base, shown, sums),
        RECENT: _recent(network, data, alone),
    }
    logits = np.log(alone) - np.log1p(-alone)
    cuts = [spec.threshold_where(informed=True) for spec in specs]
    hours = _hours(data, data.times[here], logits)
    return replace(hours, others=others, pairs=PAIRS, thresholds={INFORMED: cuts})


def probabilities(
    network: RateMap, rates: NDArray[np.float32], sums: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Return probabilities (N, events), as `flaremon.inference.Predictor` has them."""
    with torch.inference_mode():
        recent = None if sums is None else torch.from_numpy(sums).float()
        log_numbers = network.expected(torch.from_numpy(rates), recent).double()
        return np.asarray((-torch.expm1(-log_numbers.exp())).mean(dim=1).numpy())


def _recent(network: RateMap, data: StoredSet, alone: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what recent flares alone say, fitted to the part that the network was fitted to."""
    fitted, here = data.part(TRAIN), data.part(REPORT)
    columns = []
    for k, event in enumerate(data.events):
        inputs = fitting.recent_logs(data.sums, network.config.event_kinds[k])
        if not np.isfinite(inputs[fitted]).all(axis=1).any():
            columns.append(np.full(int(here.sum()), np.nan))
            continue
        weights = fitting.fit_inputs(inputs[fitted], event, data.times[fitted], data.flares)
        said = fitting.probabilities(weights, inputs[here])
        # Where they are not known the network alone is all that there is.
        columns.append(np.where(np.isfinite(said), said, alone[:, k]))
    return np.stack(columns, axis=1)


def _hours(data: StoredSet, times: Times, logits: NDArray[np.float64]) -> Hours:
    days = (times - np.datetime64("2010-01-01", "s")) / np.timedelta64(1, "D")
    many = len(np.unique(np.floor(days / ROTATION_D))) >= ENOUGH_ROTATIONS
    return Hours(
        name=name_of(data),
        times=times,
        logits=logits,
        block="solar rotation" if many else "day",
        block_d=ROTATION_D if many else DAY_D,
    )
