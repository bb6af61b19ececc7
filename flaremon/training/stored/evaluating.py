"""A package from the store against the part that was kept for reporting."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from flaremon.errors import ModelError
from flaremon.package import ModelPackage, Output
from flaremon.training.evaluation import Hours, climatology, verify
from flaremon.training.loop import logits_of
from flaremon.training.recipe import plain_network
from flaremon.training.report import Report, SplitSummary
from flaremon.training.stored.building import rebuild
from flaremon.training.stored.config import Stored
from flaremon.training.stored.dataset import StoredSet
from flaremon.training.stored.derived import (
    find_model,
    pooled_planes,
    rate_map,
    rates_of,
    samples_of,
)
from flaremon.training.stored.describing import read_manifest
from flaremon.training.stored.judging import plain_hours, rate_hours


def evaluate_stored(package: ModelPackage, stored: Stored, *, cache: Path) -> Report:
    """Judge a package that was trained on the store, on the part kept for reporting.

    Raises
    ------
    InputError
        Its frames are gone from the archive or were made anew.
    ModelError
        Its base model is missing or is not what it was, or weights do not load.
    StoreError
        The database fails.
    """
    manifest = read_manifest(package)
    data = rebuild(stored, manifest)
    hours = _judged(package, manifest, data, stored, cache)
    found = verify(hours, package.events, data.flares, repeats=manifest["bootstrap"])
    return Report(
        model=str(package.id),
        weights_sha256=package.weights_sha256,
        splits=tuple(
            SplitSummary(
                name=split.name,
                start=str(split.start)[:10],
                end=str(split.end - np.timedelta64(1, "s"))[:10],
                base_rates={
                    str(event): climatology(data.flares, event, data.times[data.part(split.name)])
                    for event in data.events
                },
            )
            for split in data.splits
        ),
        verifications=tuple(found),
    )


def _judged(
    package: ModelPackage,
    manifest: Mapping[str, Any],
    data: StoredSet,
    stored: Stored,
    cache: Path,
) -> Hours:
    if package.output is Output.LOGIT:
        plain = plain_network(package)
        planes = pooled_planes(plain.config, data, stored, cache)
        every = np.ones(len(data.entries), dtype=bool)
        return plain_hours(data, logits_of(plain, samples_of(data, planes, every)))
    base = find_model(stored, manifest["base"]["model"])
    if base.weights_sha256 != manifest["base"]["weights_sha256"]:
        raise ModelError(f"{base.id} is not the model that {package.id} was adapted from")
    old = rate_map(base)
    rates = rates_of(old, base, data, stored, cache)
    return rate_hours(rate_map(package), old, data, rates, package.events)
