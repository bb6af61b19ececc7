"""Any model: which recipe a file or a package is for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flaremon.errors import InputError
from flaremon.network import plain, rates
from flaremon.package import ModelPackage, Output
from flaremon.training import card, card_text
from flaremon.training.config import plain_config
from flaremon.training.rates import card as rates_card
from flaremon.training.rates.config import RatesConfig, config_from
from flaremon.training.rates.evaluate import evaluate_rates
from flaremon.training.rates.recipe import train_rates
from flaremon.training.recipe import Recipe, evaluate_package, train_package
from flaremon.training.report import Report
from flaremon.training.stored import recipe as stored_recipe
from flaremon.training.stored.config import SOURCE, Stored, adapt_config, stored_config
from flaremon.training.stored.dataset import DATASET_FILE
from flaremon.training.stored.describing import text_of
from flaremon.training.stored.evaluating import evaluate_stored
from flaremon.training.toml import read_toml


def train_model(
    config: Path, data: Path | None, out: Path, *, cache: Path, stored: Stored | None = None
) -> Path:
    """Train as a TOML file says; return the path of the new package's card.

    Parameters
    ----------
    config : Path
        Its key ``architecture`` is ``rate-map`` or ``plain-cnn``. From maps: the fields of
        `flaremon.training.rates.config.RatesConfig` or of
        `flaremon.training.config.PlainConfig`. From the store: ``base``, the rate map to adapt, or
        again those of `PlainConfig`, and ``[data]`` with those of
        `flaremon.training.stored.config.StoredConfig`.
    data : Path or None
        Folder of maps and lists, as for `train_rates` and `train_package`; None: from the store.
    out, cache : Path
        As for those.
    stored : Stored, optional
        The store.

    Raises
    ------
    InputError
        If the file cannot be read or is not understood, or data are missing or too few.
    ModelError
        If `out` exists, or the model to adapt is missing.
    StoreError
        If the database fails.
    """
    table = read_toml(config)
    architecture = table.pop("architecture", None)
    if architecture not in {rates.ARCHITECTURE, plain.ARCHITECTURE}:
        raise InputError(
            f"{config}: architecture must be {rates.ARCHITECTURE!r} or {plain.ARCHITECTURE!r}, "
            f"is {architecture!r}"
        )
    if stored is not None:
        return _from_store(table, str(config), stored, architecture, out=out, cache=cache)
    if data is None or "data" in table:
        raise InputError(
            f"{config}: say what to train on: a folder of maps and flare lists (--data), or the "
            "store (--from-store)"
        )
    if architecture == rates.ARCHITECTURE:
        return train_rates(config_from(table, str(config)), data, out, cache)
    said = plain_config(table, str(config))
    recipe = Recipe(
        events=said.parsed_events, channels=said.channels, fit=said.fit, bootstrap=said.bootstrap
    )
    return train_package(data, out, seed=said.seed, cache=cache, recipe=recipe)


def wants_store(config: Path) -> bool:
    """Tell whether a file says that it trains on the store.

    Raises
    ------
    InputError
        It cannot be read, or names a source that there is not.
    """
    table = read_toml(config).get("data")
    if table is None:
        return False
    source = table.get("source") if isinstance(table, dict) else None
    if source != SOURCE:
        raise InputError(f"{config}: data.source must be {SOURCE!r}, is {source!r}")
    return True


def is_of_store(package: ModelPackage) -> bool:
    """Tell whether a package was trained on a store."""
    return (package.folder / DATASET_FILE).exists()


def evaluate_model(
    package: ModelPackage, data: Path | None, *, cache: Path, stored: Stored | None = None
) -> Report:
    """Judge a package on the hours kept for it, and on real images where there are some.

    Parameters
    ----------
    package : ModelPackage
        Of any kind.
    data : Path or None
        Folder of maps and lists, for one that was trained on maps.
    cache : Path
        Of what was rendered or computed before.
    stored : Stored, optional
        The store, for one that was trained on it.

    Raises
    ------
    InputError
        If the data are missing.
    ModelError
        If the weights do not load.
    """
    if is_of_store(package):
        if stored is None:
            raise InputError(f"{package.id} was trained on a store and is judged on it")
        return evaluate_stored(package, stored, cache=cache)
    if data is None:
        raise InputError(f"{package.id} was trained on maps: say where they are (--data)")
    if package.output is Output.LOGIT:
        return evaluate_package(package, data, cache=cache)
    return evaluate_rates(package, data, cache=cache, config=RatesConfig())


def card_of(package: ModelPackage, report: Report) -> str:
    """Write the card of a package as its kind of model has it."""
    kept = Report.from_json(report.to_json())  # figures round alike
    if is_of_store(package):
        return card.render_card(package, kept, *text_of(package))
    if package.output is Output.LOGIT:
        return card.render_card(package, kept, card_text.PLAIN)
    return rates_card.render_card(package, kept)


def _from_store(
    table: Mapping[str, Any], where: str, stored: Stored, architecture: str,
    *, out: Path, cache: Path,
) -> Path:  # fmt: skip
    rest = {key: value for key, value in table.items() if key != "data"}
    data = table.get("data", {})
    if not isinstance(data, dict):
        raise InputError(f"{where}: data must be a section, [data], is {data!r}")
    config, within = stored_config(data, f"{where}, [data]", stored)
    if architecture == rates.ARCHITECTURE:
        base, bootstrap = adapt_config(rest, where)
        recipe = stored_recipe.AdaptRecipe(base=base, bootstrap=bootstrap)
        return stored_recipe.adapt(recipe, stored, config, within, out=out, cache=cache)
    said = plain_config(rest, where)
    plain_recipe = stored_recipe.PlainRecipe(
        seed=said.seed,
        events=said.parsed_events,
        channels=said.channels,
        fit=said.fit,
        bootstrap=said.bootstrap,
    )
    return stored_recipe.train_plain(plain_recipe, stored, config, within, out=out, cache=cache)
