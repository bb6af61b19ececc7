"""Any model: which recipe a file or a package is for."""

import tomllib
from pathlib import Path
from typing import Any

from flaremon.errors import InputError
from flaremon.network import plain, rates
from flaremon.package import ModelPackage, Output
from flaremon.training import card
from flaremon.training.rates import card as rates_card
from flaremon.training.rates.config import RatesConfig, config_from
from flaremon.training.rates.evaluate import evaluate_rates
from flaremon.training.rates.recipe import train_rates
from flaremon.training.recipe import evaluate_package, train_package
from flaremon.training.report import Report


def train_model(config: Path, data: Path, out: Path, *, cache: Path) -> Path:
    """Train as a TOML file says; return the path of the new package's card.

    Parameters
    ----------
    config : Path
        Its key ``architecture`` is ``rate-map``, with the fields of
        `flaremon.training.rates.config.RatesConfig`, or ``plain-cnn``, with ``seed``.
    data, out, cache : Path
        As for `train_rates` and `train_package`.

    Raises
    ------
    InputError
        If the file cannot be read or is not understood, or data are missing.
    ModelError
        If `out` exists.
    """
    table = _read(config)
    architecture = table.pop("architecture", None)
    if architecture == rates.ARCHITECTURE:
        return train_rates(config_from(table, str(config)), data, out, cache)
    if architecture == plain.ARCHITECTURE and set(table) <= {"seed"}:
        return train_package(data, out, seed=int(table.get("seed", 0)), cache=cache)
    raise InputError(
        f"{config} is not understood: architecture must be {rates.ARCHITECTURE!r}, or "
        f"{plain.ARCHITECTURE!r} with nothing but seed"
    )


def evaluate_model(package: ModelPackage, data: Path, *, cache: Path) -> Report:
    """Judge a package on the years kept for it, and on real images.

    Raises
    ------
    InputError
        If the data are missing.
    ModelError
        If the weights do not load.
    """
    if package.output is Output.LOGIT:
        return evaluate_package(package, data, cache=cache)
    return evaluate_rates(package, data, cache=cache, config=RatesConfig())


def card_of(package: ModelPackage, report: Report) -> str:
    """Write the card of a package as its kind of model has it."""
    kept = Report.from_json(report.to_json())  # figures round alike
    if package.output is Output.LOGIT:
        return card.render_card(package, kept)
    return rates_card.render_card(package, kept)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise InputError(f"{path} cannot be read: {exc}") from exc
