"""A verification as JSON and as rows of CSV, for machines and for whoever reads it years later."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from flaremon.verify.flares import Scale
from flaremon.verify.judging import Figure, Judgement
from flaremon.verify.verification import Verification
from flaremon.verify.words import NAMES, time

DEFINITIONS = {
    "tss": "POD - POFD (Peirce; true skill statistic)",
    "hss": "Heidke's skill score, against chance with the same margins",
    "apss": "Appleman's skill score, against always giving the more frequent answer",
    "pod": "share of the times with the event that were called a flare",
    "pofd": "share of the times without the event that were called a flare",
    "far": "share of the calls that were wrong",
    "bs": "mean squared difference of probability and outcome (Brier)",
    "bss": "1 - BS / BS of the base rate of the judged times",
    "bss_trailing": "1 - BS / BS of the trailing climatology on the same times",
    "auc": "chance that an event's probability is above that of a time without event, ties half",
    "ece": "mean |probability - share| over ten bins, weighted with their times",
    "persistence": "yes if the event occurred in the window that just ended; for events in "
    "progress the share of the last 24 h",
    "trailing climatology": "share of yes among the last 30 days of windows that were over",
    "interval": "95 %, percentiles of draws of whole blocks of time; the same draws for all",
}
"""What figures mean, for whoever reads the JSON or CSV much later."""
COLUMNS = (
    "event", "part", "forecaster", "figure", "value", "low", "high", "threshold", "n", "events",
    "pending", "unknown", "no_baseline", "not_shared", "start", "end", "block", "blocks",
    "repeats", "seed", "classes", "flares", "without_recent_flares", "definition",
)  # fmt: skip
"""Of `as_rows`."""


def as_json(done: Verification, *, scale: Scale, truth: str) -> dict[str, Any]:
    """Return everything for machines: times in UTC with Z, None for an undefined figure."""
    return {
        "event": str(done.event),
        "classes": scale,
        "flares": truth,
        "start": time(done.start),
        "end": time(done.end),
        "n": done.n,
        "events": done.events,
        "base_rate": _number(done.base_rate),
        "not_judged": {
            "pending": done.left.pending,
            "unknown": done.left.unknown,
            "no_baseline": done.left.no_baseline,
            "not_shared": done.left.not_shared,
        },
        "bootstrap": {
            "repeats": done.bootstrap.repeats,
            "seed": done.bootstrap.seed,
            "block": done.block,
            "blocks": done.blocks,
        },
        "without_recent_flares": dict(done.uninformed),
        "why_no_figures": done.why_no_figures,
        "forecasters": [_judgement(item) for item in done.judgements],
        "first_minus": {name: _plain(figures) for name, figures in done.over.items()},
        "definitions": DEFINITIONS,
    }


def as_rows(done: Verification, *, scale: Scale, truth: str, part: str) -> Iterator[dict[str, Any]]:
    """Yield one row per forecaster and figure, with the `COLUMNS`.

    Parameters
    ----------
    part : str
        Which part of the forecast it is; empty for all of it.
    """
    shared = {
        "event": str(done.event),
        "part": part,
        "n": done.n,
        "events": done.events,
        **asdict(done.left),
        "start": time(done.start),
        "end": time(done.end),
        "block": done.block,
        "blocks": done.blocks,
        "repeats": done.bootstrap.repeats,
        "seed": done.bootstrap.seed,
        "classes": scale,
        "flares": truth,
    }
    for item in done.judgements:
        for key in NAMES:
            # With too few events there is a row without a value, which is not a missing row.
            figure = item.figures.get(key, Figure(value=None))
            yield {
                **shared,
                "forecaster": item.name,
                "figure": key,
                **_triple(figure),
                "threshold": item.threshold,
                "without_recent_flares": done.uninformed.get(item.name),
                "definition": done.why_no_figures or DEFINITIONS[key],
            }


def _judgement(item: Judgement) -> dict[str, Any]:
    return {
        "name": item.name,
        "threshold": item.threshold,
        "threshold_from": item.threshold_from,
        "mean_probability": _number(item.mean_probability),
        "contingency": {"tp": item.tp, "fp": item.fp, "fn": item.fn, "tn": item.tn},
        "figures": _plain(item.figures),
        "reliability": [
            {
                "low": row.low,
                "high": row.high,
                "n": row.n,
                "events": row.events,
                "mean_probability": row.mean_probability,
                "share": _triple(row.share),
            }
            for row in item.reliability
        ],
    }


def _plain(figures: Mapping[str, Figure]) -> dict[str, Any]:
    return {name: _triple(figure) for name, figure in figures.items()}


def _triple(figure: Figure) -> dict[str, float | None]:
    return {"value": figure.value, "low": figure.low, "high": figure.high}


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None
