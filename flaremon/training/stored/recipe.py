"""From the store to a package with its card."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from flaremon.domain import FlareEvent, ModelId
from flaremon.errors import InputError
from flaremon.network import NetworkConfig
from flaremon.package import CARD_FILE, EventSpec, ModelPackage, Output
from flaremon.preprocess import FrameSpec
from flaremon.training.card import write_evaluation
from flaremon.training.curves import draw_curve
from flaremon.training.dataset import SEPARATION
from flaremon.training.evaluation import climatology
from flaremon.training.loop import FitConfig, fit
from flaremon.training.packaging import drafted, encode_weights, refuse_existing, sha256_hex
from flaremon.training.stored.adapting import refit
from flaremon.training.stored.building import build
from flaremon.training.stored.config import Range, Stored, StoredConfig
from flaremon.training.stored.dataset import StoredSet
from flaremon.training.stored.derived import (
    find_model,
    pooled_planes,
    rate_map,
    rates_of,
    samples_of,
)
from flaremon.training.stored.describing import describe, text_of, training_of
from flaremon.training.stored.evaluating import evaluate_stored
from flaremon.training.stored.splits import (
    CHOOSE,
    REPORT,
    TRAIN,
    Held,
    Need,
    held,
    refuse_too_little,
)

ADAPTED_NEEDS: Mapping[str, Need] = {
    TRAIN: Need(days=60, event_days=10, quiet_days=10),
    REPORT: Need(days=30, event_days=5, quiet_days=5),
}
"""As many days with an event as a calibrator wants that has as many parameters."""
PLAIN_NEEDS: Mapping[str, Need] = {
    TRAIN: Need(days=180, event_days=40, quiet_days=40),
    CHOOSE: Need(days=30, event_days=5, quiet_days=5),
    REPORT: Need(days=30, event_days=5, quiet_days=5),
}
"""A network has thousands of parameters, and days are not independent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptRecipe:
    """How a rate map is adapted."""

    base: str
    """Model whose members are taken, ``name@version``."""
    bootstrap: int = 1000
    needs: Mapping[str, Need] = field(default_factory=lambda: ADAPTED_NEEDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainRecipe:
    """How a plain network is trained on stored frames."""

    seed: int = 0
    events: tuple[FlareEvent, ...]
    channels: tuple[int, ...]
    frame: FrameSpec = field(default_factory=FrameSpec)
    fit: FitConfig = field(default_factory=FitConfig)
    bootstrap: int = 1000
    needs: Mapping[str, Need] = field(default_factory=lambda: PLAIN_NEEDS)


def adapt(
    recipe: AdaptRecipe, stored: Stored, config: StoredConfig, within: Range,
    *, out: Path, cache: Path,
) -> Path:  # fmt: skip
    """Fit a rate map's last step to the store; return the path of the new package's card.

    Frames that the base model's weights may have seen are not used: both parts begin a rotation
    and more after the last day that it was fitted to.

    Parameters
    ----------
    recipe : AdaptRecipe
        Which model, and what must be there.
    stored, config, within
        Which frames and labels.
    out : Path
        ``<models>/<name>/<version>``; must not exist.
    cache : Path
        What the members say of every frame is kept here.

    Raises
    ------
    InputError
        The store has too little, or `out` names no model.
    ModelError
        `out` exists, or the base model is missing or no rate map.
    StoreError
        The database fails.
    """
    refuse_existing(out)
    model = ModelId.parse(f"{out.parent.name}@{out.name}")
    base = find_model(stored, recipe.base)
    network = rate_map(base)
    data = build(
        stored,
        config,
        _after(base, within),
        spec=base.frame,
        events=[spec.event for spec in base.events],
        shares={TRAIN: 1 - config.report_share, REPORT: config.report_share},
    )
    refuse_too_little(_parts(data), recipe.needs, data.events[0])
    rates = rates_of(network, base, data, stored, cache)
    adapted = refit(network, base, data, rates, recipe.needs[TRAIN])
    weights = encode_weights(network.state_dict())
    package = ModelPackage(
        id=model,
        folder=out,
        series=config.series[0],
        output=base.output,
        frame=base.frame,
        events=adapted.events,
        network=base.network,
        weights_sha256=sha256_hex(weights),
        training=training_of(
            data,
            f"members of {base.id} as they are; last step fitted to archived frames",
            seed=base.training.seed,
        ),
    )
    about = {
        "base": {"model": str(base.id), "weights_sha256": base.weights_sha256},
        "fitted_anew": {"alone": adapted.alone, "with_recent_flares": adapted.informed},
        "bootstrap": recipe.bootstrap,
    }
    with drafted(package, weights) as draft:
        describe(draft, data, about)
        report = evaluate_stored(draft, stored, cache=cache)
        write_evaluation(draft, report, *text_of(draft))
    return out / CARD_FILE


def train_plain(
    recipe: PlainRecipe, stored: Stored, config: StoredConfig, within: Range,
    *, out: Path, cache: Path,
) -> Path:  # fmt: skip
    """Train a plain network on the store; return the path of the new package's card.

    Parameters
    ----------
    recipe : PlainRecipe
        Dimensions, events, rates, and what must be there.
    stored, config, within, out, cache
        As for `adapt`; a training that was killed goes on from what `cache` holds.

    Raises
    ------
    InputError, ModelError, StoreError
        As `adapt`.
    """
    refuse_existing(out)
    model = ModelId.parse(f"{out.parent.name}@{out.name}")
    dimensions = NetworkConfig(
        n_events=len(recipe.events),
        input_px=recipe.frame.size_px,
        radius_fraction=recipe.frame.radius_fraction,
        channels=recipe.channels,
    )
    rest = 1 - config.choose_share - config.report_share
    data = build(
        stored,
        config,
        within,
        spec=recipe.frame,
        events=recipe.events,
        shares={TRAIN: rest, CHOOSE: config.choose_share, REPORT: config.report_share},
    )
    refuse_too_little(_parts(data), recipe.needs, data.events[0])
    planes = pooled_planes(dimensions, data, stored, cache)
    train, choose = (samples_of(data, planes, data.part(name)) for name in (TRAIN, CHOOSE))
    network, curve = fit(dimensions, train, choose, recipe.fit, seed=recipe.seed, keep=cache)
    weights = encode_weights(network.state_dict())
    package = ModelPackage(
        id=model,
        folder=out,
        series=config.series[0],
        output=Output.LOGIT,
        frame=recipe.frame,
        events=tuple(_with_threshold(data, event) for event in recipe.events),
        network=asdict(dimensions),
        weights_sha256=sha256_hex(weights),
        training=training_of(data, "archived frames", seed=recipe.seed),
    )
    with drafted(package, weights) as draft:
        describe(draft, data, {"bootstrap": recipe.bootstrap})
        draw_curve(curve, draft.folder)
        report = evaluate_stored(draft, stored, cache=cache)
        write_evaluation(draft, report, *text_of(draft))
    return out / CARD_FILE


def _after(base: ModelPackage, within: Range) -> Range:
    """Return the range without what the base model may have seen.

    Raises
    ------
    InputError
        It was asked for on purpose.
    """
    apart = timedelta(days=int(SEPARATION / np.timedelta64(1, "D")) + 1)
    free = datetime.combine(base.training.end, datetime.min.time(), tzinfo=UTC) + apart
    if within.since is not None and within.since < free:
        raise InputError(
            f"{base.id} was fitted to observations up to {base.training.end}, so what it says of "
            f"frames before {free:%Y-%m-%d} is no forecast; begin there"
        )
    if within.until is not None and within.until <= free:
        raise InputError(f"{base.id} can be adapted to frames from {free:%Y-%m-%d} on only")
    return replace(within, since=within.since or free)


def _parts(data: StoredSet) -> Sequence[Held]:
    return [held(split, data.times, data.labels[:, 0]) for split in data.splits]


def _with_threshold(data: StoredSet, event: FlareEvent) -> EventSpec:
    """Take the climatology of the fitted part, as `flaremon.training.recipe` does."""
    rate = climatology(data.flares, event, data.times[data.part(TRAIN)])
    return EventSpec(event, round(min(max(rate, 0.001), 0.999), 3))
