"""A rate map's last step anew on stored frames, its members as they are.

Members say how many flares a disk makes by what maps taught them. On real magnetograms of another
instrument, cycle or processing the level of that is off, and so is how strongly it should follow
the map. Both are few numbers per event, which some months of history decide: an offset and a
slope, and weights of what recent flares tell. They are fitted by likelihood with a Gaussian prior
about those of the base model (`PRIOR_SIGMA`), so that few flares move them little; the offset is
free.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from flaremon.network import RateMap
from flaremon.package import EventSpec, ModelPackage
from flaremon.training.labels import UNKNOWN, YES
from flaremon.training.rates.fitting import (
    Prior,
    fit_weights,
    probabilities,
    rate_logs,
    recent_logs,
)
from flaremon.training.scores import best_threshold
from flaremon.training.stored.dataset import StoredSet
from flaremon.training.stored.splits import TRAIN, Need, held

PRIOR_SIGMA = 0.5
"""Of slope and of the weights of recent flares, about those of the base model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapted:
    """A rate map whose last step was fitted anew."""

    network: RateMap
    events: tuple[EventSpec, ...]
    """With thresholds: those of greatest TSS on the fitted hours."""
    alone: tuple[str, ...]
    """Events whose numbers without recent flares are new."""
    informed: tuple[str, ...]
    """Events whose numbers with recent flares are new."""


def totals(network: RateMap, planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the disk's nested rates (B, members, N_CLASSES) of planes (B, 1, side, side)."""
    with torch.inference_mode():
        rates = network.rates(torch.from_numpy(planes)).sum(dim=(3, 4))
    return np.asarray(rates.numpy())


def refit(
    network: RateMap,
    package: ModelPackage,
    data: StoredSet,
    rates: NDArray[np.float32],
    need: Need,
) -> Adapted:
    """Fit the last step to the part that is for it; `network` is changed.

    Parameters
    ----------
    network : RateMap
        Of the base model.
    package : ModelPackage
        The base model.
    data : StoredSet
        With the events of the base model, in its order.
    rates : ndarray, shape (N, members, N_CLASSES)
        From `totals`, of all frames.
    need : Need
        An event for which the part holds less keeps the numbers of the base model.
    """
    plain, informed = network.plain.double().numpy(), network.informed.double().numpy()
    specs: list[EventSpec] = []
    new: dict[str, list[str]] = {"alone": [], "informed": []}
    for k, spec in enumerate(package.events):
        level, kind = network.config.event_classes[k], network.config.event_kinds[k]
        rate = rate_logs(rates.mean(axis=1, dtype=np.float64), level)
        both = np.concatenate([rate, recent_logs(data.sums, kind)], axis=1)
        cuts = {}
        for name, inputs, weights in (("alone", rate, plain), ("informed", both, informed)):
            known = np.isfinite(inputs).all(axis=1) & (data.labels[:, k] != UNKNOWN)
            there = held(data.split(TRAIN), data.times[known], data.labels[known, k])
            if there.enough(need):
                here = known & data.part(TRAIN)
                weights[k], cuts[name] = _fitted(inputs[here], data.labels[here, k], weights[k])
                new[name].append(str(spec.event))
        specs.append(
            EventSpec(
                spec.event,
                cuts.get("alone", spec.threshold),
                cuts.get("informed", spec.informed_threshold),
            )
        )
    network.plain.copy_(torch.from_numpy(plain))
    network.informed.copy_(torch.from_numpy(informed))
    return Adapted(
        network=network,
        events=tuple(specs),
        alone=tuple(new["alone"]),
        informed=tuple(new["informed"]),
    )


def _fitted(
    inputs: NDArray[np.float64], outcome: NDArray[np.int8], base: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Return weights, and the threshold of greatest TSS."""
    # The loss is a mean over hours, so the prior weighs less the more of them there are.
    ridge = 1 / (2 * PRIOR_SIGMA**2 * len(outcome))
    prior = Prior(weights=base[1:], first=1, ridge=ridge)
    weights = fit_weights(inputs, outcome == YES, prior)
    said = probabilities(weights, inputs)
    cut = best_threshold((outcome == YES).astype(np.int8), said)
    return weights, round(min(max(cut, 0.001), 0.999), 3)
