"""From real data to a package with its card, and from a package to its evaluation."""

import logging
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

import numpy as np

from flaremon import __version__
from flaremon.domain import FlareEvent, ModelId
from flaremon.errors import ModelError
from flaremon.network import FullDiskCnn, NetworkConfig
from flaremon.package import (
    CARD_FILE,
    EventSpec,
    ModelPackage,
    Output,
    Training,
    build_network,
)
from flaremon.preprocess import FrameSpec
from flaremon.training.card import write_evaluation
from flaremon.training.card_text import PLAIN
from flaremon.training.curves import draw_curve
from flaremon.training.dataset import CHOOSE, REPORT, TRAIN, DataSource, Split, refuse_crossing
from flaremon.training.evaluation import Hours, climatology, verify
from flaremon.training.labels import FlareList
from flaremon.training.loop import FitConfig, fit, logits_of
from flaremon.training.outside import score_images
from flaremon.training.packaging import (
    drafted,
    encode_weights,
    refuse_existing,
    sha256_hex,
)
from flaremon.training.report import Report, SplitSummary
from flaremon.training.synoptic import Rendering

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that decides what the weights and figures will be, but for the data."""

    events: tuple[FlareEvent, ...] = (FlareEvent.parse("M1+/24h"), FlareEvent.parse("C1+/now"))
    frame: FrameSpec = field(default_factory=FrameSpec)
    channels: tuple[int, ...] = (16, 24, 32, 32)
    rendering: Rendering = Rendering.AS_RENDERED
    """To train and to choose on; the report is on both."""
    cadence_h: int = 6
    splits: tuple[Split, Split, Split] = (TRAIN, CHOOSE, REPORT)
    fit: FitConfig = field(default_factory=FitConfig)
    bootstrap: int = 1000

    def network(self) -> NetworkConfig:
        """Return the dimensions of the network."""
        return NetworkConfig(
            n_events=len(self.events),
            input_px=self.frame.size_px,
            radius_fraction=self.frame.radius_fraction,
            channels=self.channels,
        )

    def source(self, data: Path, cache: Path | None) -> DataSource:
        """Return the data as this recipe wants them."""
        return DataSource(
            folder=data,
            cache=cache or Path.home() / ".cache" / "flaremon" / "training",
            frame=self.frame,
            pooled_px=self.network().pooled_px,
            cadence_h=self.cadence_h,
        )


def train_package(
    data: Path, out: Path, *, seed: int = 0, cache: Path | None = None, recipe: Recipe | None = None
) -> Path:
    """Train, evaluate and write a package; return the path of its card.

    Parameters
    ----------
    data : Path
        Has ``synoptic/`` (Carrington maps), ``labels/`` (flare lists) and, for the check on
        another domain, perhaps ``hmi_jpg/``.
    out : Path
        ``<models>/<name>/<version>``; must not exist.
    seed : int
        Of weights, order and augmentation.
    cache : Path, optional
        Where rendered planes are kept, about 1.3 GB, and the training after every epoch: one that
        was killed goes on; by default in ``~/.cache/flaremon``.
    recipe : Recipe, optional
        The rest; by default the one of the package that ships.

    Raises
    ------
    InputError
        If the data are missing, flare windows cross from one split into another, or `out` names
        no model.
    ModelError
        If `out` exists.
    """
    recipe = recipe or Recipe()
    model = ModelId.parse(f"{out.parent.name}@{out.name}")
    refuse_existing(out)
    refuse_crossing(recipe.splits, recipe.events)
    source = recipe.source(data, cache)
    train, choose = (
        source.samples(split, recipe.rendering, recipe.events) for split in recipe.splits[:2]
    )
    network, curve = fit(recipe.network(), train, choose, recipe.fit, seed=seed, keep=source.cache)
    weights = encode_weights(network.state_dict())
    package = ModelPackage(
        id=model,
        folder=out,
        series="hmi.Synoptic_Mr_small",
        output=Output.LOGIT,
        frame=recipe.frame,
        events=_with_thresholds(recipe, source.flares()),
        network=asdict(network.config),
        weights_sha256=sha256_hex(weights),
        training=Training(
            start=_day(train.times[0]),
            end=_day(train.times[-1]),
            data=f"Earth views of Carrington maps, {recipe.rendering}, every {recipe.cadence_h} h",
            labels="GOES flare lists by start time, classes on the scale of true flux",
            seed=seed,
            software=f"flaremon {__version__}",
        ),
    )
    with drafted(package, weights) as draft:
        draw_curve(curve, draft.folder)
        report = evaluate_package(draft, data, cache=cache, recipe=recipe)
        write_evaluation(draft, report, PLAIN)
    return out / CARD_FILE


def evaluate_package(
    package: ModelPackage,
    data: Path,
    *,
    cache: Path | None = None,
    recipe: Recipe | None = None,
) -> Report:
    """Judge a package on the years kept for reporting, on both renderings, and on real images.

    Parameters
    ----------
    package : ModelPackage
        For the events and the frame of the recipe.
    data, cache, recipe
        As for `train_package`.

    Raises
    ------
    InputError
        If the data are missing.
    ModelError
        If the weights do not load.
    """
    recipe = recipe or Recipe()
    source = recipe.source(data, cache)
    flares = source.flares()
    network = plain_network(package)
    report_split = recipe.splits[2]
    sets: list[Hours] = []
    for rendering in Rendering:
        samples = source.samples(report_split, rendering, recipe.events)
        logits = logits_of(network, samples)
        sets.append(Hours(name=f"rendered, {rendering}", times=samples.times, logits=logits))
    outside = score_images(package, data)
    if outside is not None:
        sets.append(outside)
    verifications = []
    for hours in sets:
        _log.info("verifying %s, %d hours", hours.name, len(hours.times))
        verifications += verify(hours, package.events, flares, repeats=recipe.bootstrap)
    return Report(
        model=str(package.id),
        weights_sha256=package.weights_sha256,
        splits=tuple(_summary(split, recipe, flares) for split in recipe.splits),
        verifications=tuple(verifications),
    )


def plain_network(package: ModelPackage) -> FullDiskCnn:
    """Return the network of a package whose kind this recipe trains.

    Raises
    ------
    ModelError
        If the weights do not load, or are another kind's.
    """
    network = build_network(package)
    if not isinstance(network, FullDiskCnn):
        raise ModelError(
            f"{package.id} is no plain-cnn: rendered views are not what it is judged or "
            "calibrated on; use its stored forecasts"
        )
    return network


def _with_thresholds(recipe: Recipe, flares: FlareList) -> tuple[EventSpec, ...]:
    """Take the climatology of training and choosing years as thresholds.

    The TSS of calibrated probabilities is greatest where the threshold is the base rate of the
    climate that they meet. Of future climate the best guess is a whole solar cycle, which these
    years are; the choosing years alone, a deep minimum with some 20 days of M flares, would give
    a threshold of a few percent that says "flare" every day of a maximum.
    """
    times = np.concatenate([split.times(recipe.cadence_h) for split in recipe.splits[:2]])
    return tuple(
        EventSpec(event, round(climatology(flares, event, times), 3)) for event in recipe.events
    )


def _summary(split: Split, recipe: Recipe, flares: FlareList) -> SplitSummary:
    times = split.times(recipe.cadence_h)
    return SplitSummary(
        name=split.name,
        start=str(_day(times[0])),
        end=str(_day(times[-1])),
        base_rates={str(event): climatology(flares, event, times) for event in recipe.events},
    )


def _day(time: np.datetime64) -> date:
    return date.fromisoformat(str(time.astype("datetime64[D]")))
