"""What is simpler than the map, fitted to the same hours by a last step of the same form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flaremon.domain import FlareEvent
from flaremon.network import RateConfig
from flaremon.training.baselines import trailing_climatology
from flaremon.training.evaluation import TRAILING
from flaremon.training.labels import FlareList, Times
from flaremon.training.rates.fitting import (
    fit_inputs,
    probabilities,
    rate_logs,
    recent_logs,
    thresholds,
)

RECENT, FLUX, FLUX_RECENT = "recent flares alone", "unsigned flux", "unsigned flux, recent flares"
CNN, CNN_RECENT = "plain CNN", "plain CNN, recent flares"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What simpler forecasters see of some hours; arrays have length N."""

    times: Times
    flux: NDArray[np.float64]
    """Sum of the unsigned field of the disk, in the units of the features."""
    sums: NDArray[np.float64]
    """From `flaremon.training.rates.fitting.recent_sums`."""
    cnn: NDArray[np.float64] | None
    """Nested rates (N, classes) of the plain network; None where it was not asked."""

    def at(self, these: NDArray[np.bool_]) -> "Seen":
        """Return some of the hours."""
        return Seen(
            times=self.times[these],
            flux=self.flux[these],
            sums=self.sums[these],
            cnn=None if self.cnn is None else self.cnn[these],
        )


class Simpler:
    """Regressions on unsigned flux, recent flares and what a plain network says.

    Parameters
    ----------
    config : RateConfig
        Of the rate map, for the class and the kind of recent flares that each event is of.
    events : sequence of FlareEvent
        What is answered.
    flares : FlareList
        What happened.
    """

    def __init__(self, config: RateConfig, events: Sequence[FlareEvent], flares: FlareList) -> None:
        self._events = events
        self._kinds = list(zip(config.event_classes, config.event_kinds, strict=True))
        self._flares = flares
        self._weights: dict[str, list[NDArray[np.float64]]] = {}
        self.thresholds: dict[str, tuple[float, ...]] = {}
        """Of each forecaster, fixed as those of the rate map are."""

    def learn(self, seen: Seen, active: NDArray[np.bool_]) -> None:
        """Fit to hours before the reported ones; `active` are those that fix thresholds."""
        for name in self._inputs(seen, 0):
            self._weights[name] = [
                fit_inputs(self._inputs(seen, k)[name], event, seen.times, self._flares)
                for k, event in enumerate(self._events)
            ]
        there = seen.at(active)
        past = [trailing_climatology(self._flares, event, there.times) for event in self._events]
        for name, said in {**self.say(there), TRAILING: np.stack(past, axis=1)}.items():
            self.thresholds[name] = thresholds(said, self._events, there.times, self._flares)

    def say(self, seen: Seen) -> Mapping[str, NDArray[np.float64]]:
        """Return probabilities (N, events) per forecaster; NaN where recent flares are unknown."""
        inputs = [self._inputs(seen, k) for k in range(len(self._events))]
        return {
            name: np.stack(
                [probabilities(w, x[name]) for w, x in zip(weights, inputs, strict=True)], axis=1
            )
            for name, weights in self._weights.items()
            if name in inputs[0]
        }

    def _inputs(self, seen: Seen, event: int) -> Mapping[str, NDArray[np.float64]]:
        level, kind = self._kinds[event]
        log_flux, recent = np.log(seen.flux)[:, None], recent_logs(seen.sums, kind)
        inputs = {
            RECENT: recent,
            FLUX: log_flux,
            FLUX_RECENT: np.concatenate([log_flux, recent], axis=1),
        }
        if seen.cnn is not None:
            rate = rate_logs(seen.cnn, level)
            inputs |= {CNN: rate, CNN_RECENT: np.concatenate([rate, recent], axis=1)}
        return inputs
