"""What a package from the store says of itself: its manifest, ``model.toml``, its card."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from flaremon import __version__
from flaremon.errors import ModelError
from flaremon.package import ModelPackage, Output, Training
from flaremon.training.card import CardText
from flaremon.training.stored.card_text import ADAPTED, PLAIN
from flaremon.training.stored.dataset import DATASET_FILE, StoredSet
from flaremon.training.stored.splits import TRAIN


def training_of(data: StoredSet, what: str, *, seed: int) -> Training:
    """Return what ``model.toml`` says of where the weights come from: `what`, and the data set."""
    times = data.times[data.part(TRAIN)]
    return Training(
        start=_day(times[0]),
        end=_day(times[-1]),
        data=f"{what} of {', '.join(data.config.series)}, {len(times)} of them, every "
        f"{data.config.cadence_h} h, data set {data.sha256[:12]}",
        labels=f"flare list {data.config.catalog} by start time, classes on the scale of true "
        f"flux, {data.labels_sha256[:12]}",
        seed=seed,
        software=f"flaremon {__version__}",
    )


def describe(draft: ModelPackage, data: StoredSet, about: Mapping[str, Any]) -> None:
    """Write the manifest of a data set, and what else its package wants to keep, into a draft."""
    text = json.dumps({**about, **data.manifest()}, indent=1) + "\n"
    (draft.folder / DATASET_FILE).write_text(text, encoding="utf-8")


def read_manifest(package: ModelPackage) -> dict[str, Any]:
    """Return what a package was trained on.

    Raises
    ------
    ModelError
        It was not trained on a store, or the file is damaged.
    """
    path = package.folder / DATASET_FILE
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise ModelError(f"{path} cannot be read: {exc}") from exc
    return found


def text_of(package: ModelPackage) -> tuple[CardText, Mapping[str, Any]]:
    """Return what the card of such a package says, and the facts that it needs.

    Raises
    ------
    ModelError
        As `read_manifest`.
    """
    manifest = read_manifest(package)
    facts = {
        "frames": len(manifest["frames"]),
        "left_out": manifest["left_out"],
        "cadence": manifest["data"]["cadence_h"],
        "catalog": manifest["data"]["catalog"],
        "dataset": manifest["sha256"],
        "held": "\n".join(
            "- {name}: {frames} frames on {days} days, {event_days} of them with `{event}`".format(
                **part, event=manifest["events"][0]
            )
            for part in manifest["splits"]
        ),
    }
    if package.output is Output.LOGIT:
        return PLAIN, facts
    new = manifest["fitted_anew"]
    return ADAPTED, {
        **facts,
        "base": manifest["base"]["model"],
        "base_sha256": manifest["base"]["weights_sha256"],
        "alone": _listed(new["alone"]),
        "informed": _listed(new["with_recent_flares"]),
    }


def _listed(events: Sequence[str]) -> str:
    return ", ".join(f"`{event}`" for event in events) or "none"


def _day(time: np.datetime64) -> date:
    return date.fromisoformat(str(time.astype("datetime64[D]")))
