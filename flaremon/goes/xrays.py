"""The X-ray flux, two rows a minute: one per energy band."""

from collections.abc import Mapping, Sequence
from typing import Any

from flaremon.domain import XrayState
from flaremon.goes.canary import Canary, objects
from flaremon.goes.values import flux, satellite, swpc_time

LONG = "0.1-0.8nm"
"""The band that flare classes are defined in."""
CONTAMINATED = ("electron_contaminaton", "electron_contamination")
"""Misspelt by SWPC; the right spelling is understood, and reported as a change."""


def read_xrays(rows: Sequence[Any], canary: Canary) -> list[XrayState]:
    """Read ``xrays-6-hour``; minutes without a valid flux are gaps, counted and left out."""
    states = []
    for row in objects(rows, canary):
        band = canary.take(row, "energy")
        if band is not None and band != LONG:
            canary.read += 1
            continue
        state = _state(row, canary) if band == LONG else None
        if state is not None:
            canary.read += 1
            states.append(state)
    return states


def _state(row: Mapping[str, Any], canary: Canary) -> XrayState | None:
    at = canary.parse(row, "time_tag", swpc_time)
    source = canary.parse(row, "satellite", satellite)
    contaminated = canary.take(row, *CONTAMINATED)
    if "flux" in row and row["flux"] in (0, None):
        # Nothing measured, and said so: not a change of the product.
        canary.gaps += 1
        canary.read += 1
        return None
    value = canary.parse(row, "flux", flux)
    if at is None or value is None:
        return None
    return XrayState(
        observed_at=at,
        satellite=source or "",
        flux_w_m2=value,
        contaminated=contaminated if isinstance(contaminated, bool) else None,
    )
