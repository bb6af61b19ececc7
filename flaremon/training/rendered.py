"""A package's raw probabilities of hours after its training, for calibration.

They are those of evaluation: for a plain network Earth views of the years to choose and to report
on, for a rate map, whose last step saw the years to choose, disks of maps of those to report on;
then the real images. A rate map is told recent flares where they are known, as in service. A
calibrator is fitted to the earlier hours and judged on the later ones.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flaremon.errors import InputError
from flaremon.network import FullDiskCnn, RateMap
from flaremon.package import ModelPackage, build_network
from flaremon.training.dataset import REPORT
from flaremon.training.evaluation import Hours
from flaremon.training.labels import read_flares
from flaremon.training.loop import logits_of
from flaremon.training.outside import IMAGES, score_images
from flaremon.training.rates.config import RatesConfig
from flaremon.training.rates.evaluate import INFORMED, Judge
from flaremon.training.rates.strip import read_cells
from flaremon.training.recipe import Recipe
from flaremon.training.stored.dataset import DATASET_FILE
from flaremon.verify import Forecast

Said = tuple[Hours, NDArray[np.float64]]
"""Hours, and the raw probabilities (N, events) of them."""


def raw_forecasts(
    package: ModelPackage,
    data: Path,
    *,
    cache: Path,
    recipe: Recipe | None = None,
    rates: RatesConfig | None = None,
) -> tuple[list[Forecast], str]:
    """Return one forecast per event of a package, with its own thresholds, and what they are of.

    Parameters
    ----------
    package : ModelPackage
        Trained on maps.
    data, cache
        As for `flaremon.training.train_model`.
    recipe : Recipe, optional
        Years and rendering, of a plain network; by default those of the package that ships.
    rates : RatesConfig, optional
        Years, of a rate map.

    Raises
    ------
    InputError
        If the data are missing, or the package was not trained on such.
    ModelError
        If the weights do not load.
    """
    if (package.folder / DATASET_FILE).exists():
        raise InputError(
            f"{package.id} was trained on a store: calibrate it on its stored predictions"
        )
    network = build_network(package)
    if isinstance(network, FullDiskCnn):
        said = _of_plain(network, package, data, cache, recipe or Recipe())
    else:
        said = _of_rates(network, package, data, cache, rates or RatesConfig())
    times = np.concatenate([hours.times for hours, _ in said])
    probabilities = np.concatenate([each for _, each in said])
    order = np.argsort(times)
    forecasts = [
        Forecast(
            name=str(package.id),
            event=spec.event,
            times=times[order],
            probabilities=probabilities[order, column],
            threshold=spec.threshold_where(informed=isinstance(network, RateMap)),
        )
        for column, spec in enumerate(package.events)
    ]
    return forecasts, "; ".join(f"{hours.name}, {_days(hours)}" for hours, _ in said)


def _of_plain(
    network: FullDiskCnn, package: ModelPackage, data: Path, cache: Path, recipe: Recipe
) -> list[Said]:
    source = recipe.source(data, cache)
    sets: list[Hours] = []
    for split in recipe.splits[1:]:
        samples = source.samples(split, recipe.rendering, recipe.events)
        sets.append(
            Hours(
                name=f"rendered, {recipe.rendering}",
                times=samples.times,
                logits=logits_of(network, samples),
            )
        )
    images = score_images(package, data)
    if images is not None:
        sets.append(images)
    return [(hours, 1 / (1 + np.exp(-hours.logits))) for hours in sets]


def _of_rates(
    network: RateMap, package: ModelPackage, data: Path, cache: Path, config: RatesConfig
) -> list[Said]:
    cells, flares = read_cells(data / "synoptic", cache), read_flares(data / "labels")
    judge = Judge(network, package, flares)
    judge.learn(cells, config)
    found = [judge.maps(cells, REPORT.times(config.cadence_h)), judge.pictures(data / IMAGES)]
    return [(hours, hours.others[INFORMED]) for hours in found if hours is not None]


def _days(hours: Hours) -> str:
    first, last = (str(time)[:10] for time in (hours.times.min(), hours.times.max()))
    return f"{first} to {last}"
