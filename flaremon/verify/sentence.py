"""What happened when a model said about as much as it says now."""

import math
from datetime import timedelta
from typing import TYPE_CHECKING

from flaremon import store
from flaremon.domain import FlareEvent, Mode, ModelId

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

BIN = 0.2
"""Width of the bins; the last one includes 1."""
LEAST = 30
"""Outcomes below which a share is not said: its 95 % interval would be wider than 0.35."""
REACH = timedelta(days=365)
"""How far back is looked: what a model was worth in another solar activity misleads, and a
sentence must not take longer than a moment."""


def reliability(  # noqa: PLR0913 - one parameter per filter
    session: "Session",
    *,
    model: ModelId,
    event: FlareEvent,
    probability: float,
    catalog: str,
    mode: Mode | None = Mode.LIVE,
    told: bool | None = None,
) -> tuple[float, float, int, int] | None:
    """Return how often the event occurred when the model said about this probability.

    "When we said 20 - 40 %, a flare followed in 31 %, n = 412": over the last `REACH` of the
    model's answers with a scored outcome. Neighbouring windows overlap, so the share is less
    certain than so many independent cases would be.

    Parameters
    ----------
    probability : float
        Which bin is asked for.
    catalog : str
        Flare list of the outcomes.
    mode : Mode, optional
        By default what was said in time; None for hindcasts too.
    told : bool, optional
        Only answers of one kind, of a model that answers otherwise where recent flares are not
        known: whether they were.

    Returns
    -------
    tuple or None
        Edges of the bin, windows in it, and those with the event; None with fewer than `LEAST`
        windows.
    """
    low, high = bin_edges(probability)
    n, events = store.said_and_happened(
        session,
        model=model,
        event=event,
        between=(low, math.nextafter(1.0, 2.0) if high >= 1 else high),
        catalog=catalog,
        reach=REACH,
        mode=mode,
        told=told,
    )
    return (low, high, n, events) if n >= LEAST else None


def bin_edges(probability: float) -> tuple[float, float]:
    """Return the edges of the bin that a probability is in."""
    number = min(int(probability / BIN + 1e-9), round(1 / BIN) - 1)
    return round(number * BIN, 10), round((number + 1) * BIN, 10)
