"""A package's raw probabilities of hours after its training, for calibration.

The Earth views are those of evaluation: the years to choose and to report on, then the real images.
A calibrator is fitted to the earlier of them and judged on the later ones.
"""

from pathlib import Path

import numpy as np

from flaremon.package import ModelPackage
from flaremon.training.evaluation import Hours
from flaremon.training.loop import logits_of
from flaremon.training.outside import score_images
from flaremon.training.recipe import Recipe, plain_network
from flaremon.verify import Forecast


def raw_forecasts(
    package: ModelPackage, data: Path, *, cache: Path | None = None, recipe: Recipe | None = None
) -> tuple[list[Forecast], str]:
    """Return one forecast per event of a package, with its own thresholds, and what they are of.

    Parameters
    ----------
    package : ModelPackage
    data, cache, recipe
        As for `flaremon.training.train_package`.

    Raises
    ------
    InputError
        If the data are missing.
    ModelError
        If the weights do not load.
    """
    recipe = recipe or Recipe()
    source, network = recipe.source(data, cache), plain_network(package)
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
    times = np.concatenate([hours.times for hours in sets])
    probabilities = 1 / (1 + np.exp(-np.concatenate([hours.logits for hours in sets])))
    order = np.argsort(times)
    forecasts = [
        Forecast(
            name=str(package.id),
            event=spec.event,
            times=times[order],
            probabilities=probabilities[order, column],
            threshold=spec.threshold,
        )
        for column, spec in enumerate(package.events)
    ]
    return forecasts, "; ".join(f"{hours.name}, {_days(hours)}" for hours in sets)


def _days(hours: Hours) -> str:
    first, last = (str(time)[:10] for time in (hours.times.min(), hours.times.max()))
    return f"{first} to {last}"
