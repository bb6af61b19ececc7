"""The maps themselves: a network's probability in, a probability out.

Applying one takes numpy and nothing else; how they are fitted is in `flaremon.calibration.fitting`.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

LEAST_RAW = 1e-9
"""Raw probabilities are taken as between this and one minus it: their logit must be finite."""


class Method(StrEnum):
    """How a map is fitted."""

    ISOTONIC = "isotonic"
    """Free but for rising; needs many events."""
    LOGISTIC = "logistic"
    """A straight line from logit to logit (Platt 1999): two numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What a map was fitted to."""

    cases: int
    events: int
    days: int
    """UTC days with a case: neighbouring hours are not independent, days nearly are."""
    event_days: int
    """Days with a case that had the event."""
    quiet_days: int
    """Days with a case that had not; a day can be both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A rising map of probabilities to probabilities.

    Attributes
    ----------
    method : Method
    numbers : tuple of float
        Logistic: intercept, slope. Isotonic: the knots, ``x0, y0, x1, y1, ...``, with straight
        lines between them.
    least : float
        No answer is below this, or above one minus it.
    basis : Basis
    """

    method: Method
    numbers: tuple[float, ...]
    least: float
    basis: Basis

    def apply(self, raw: Numbers) -> Numbers:
        """Return calibrated probabilities of raw ones, any shape."""
        if self.method is Method.LOGISTIC:
            intercept, slope = self.numbers
            found = sigmoid(intercept + slope * logit(raw))
        else:
            found = np.interp(raw, self.numbers[0::2], self.numbers[1::2])
        return np.clip(found, self.least, 1 - self.least)


def logit(probabilities: Numbers) -> Numbers:
    """Return log odds; probabilities nearer 0 or 1 than `LEAST_RAW` count as that near."""
    inside = np.clip(probabilities, LEAST_RAW, 1 - LEAST_RAW)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def sigmoid(log_odds: Numbers) -> Numbers:
    """Return probabilities of log odds."""
    # Far out, exp() overflows to infinity and the quotient to the right answer, 0.
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-log_odds)))
