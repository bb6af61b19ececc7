"""The card of a rate map, generated from package and evaluation: no figure is typed by hand."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flaremon.inference.activity import DECAYS_H, EXPONENTS, LAGS_H
from flaremon.network.rates import SUM_FLOOR
from flaremon.network.surface import FORESHORTENING
from flaremon.package import EventSpec, ModelPackage
from flaremon.training import card
from flaremon.training.rates.card_text import BESIDE, CNN_KEPT, CNN_MISSING, RATES
from flaremon.training.rates.kept import read_kept
from flaremon.training.rates.strip import NOISE_GAUSS
from flaremon.training.report import Measured, Report


def render_card(package: ModelPackage, report: Report) -> str:
    """Write the card in Markdown.

    Parameters
    ----------
    package : ModelPackage
        The model.
    report : Report
        Of these very weights.
    """
    how_to_read = RATES.how_to_read.format(cnn=_cnn(package), beside=_beside(report))
    text = replace(RATES, how_to_read=how_to_read)
    return card.render_card(package, report, text, _facts(package, report))


def _facts(package: ModelPackage, report: Report) -> Mapping[str, Any]:
    return {
        "answers": "\n".join(_answer(spec) for spec in package.events),
        "foreshortening": FORESHORTENING,
        "noise": NOISE_GAUSS,
        "measured": "\n".join(_table(measured) for measured in report.measured),
        "decays": ", ".join(f"{hours:g}" for hours in DECAYS_H),
        "exponents": ", ".join(f"{exponent:g}" for exponent in EXPONENTS),
        "floor": SUM_FLOOR,
        "lag": LAGS_H[-1],
    }


def _answer(spec: EventSpec) -> str:
    told = spec.threshold_where(informed=True)
    return (
        f'- `{spec.event}`: {spec.event.in_words}; the answer is "flare" from a probability of '
        f"{spec.threshold:g} on, with recent flares from {told:g} on"
    )


def _cnn(package: ModelPackage) -> str:
    kept = read_kept(package.folder)
    return CNN_MISSING if kept is None else CNN_KEPT.format(parameters=kept.parameters)


def _beside(report: Report) -> str:
    names = {who.name for v in report.verifications for who in v.forecasters if "@" in who.name}
    return "".join(BESIDE.format(name=name) for name in sorted(names))


def _table(measured: Measured) -> str:
    rows = [
        f"**{measured.title}**\n",
        "| " + " | ".join(measured.columns) + " |",
        "|" + "---|" * len(measured.columns),
        *("| " + " | ".join(map(_cell, row)) + " |" for row in measured.rows),
    ]
    return "\n".join(rows) + "\n"


def _cell(value: str | float) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
