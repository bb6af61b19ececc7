"""From the database to a receipt: plain JSON values, canonical, hashed.

::

    {"receipt": "flaremon", "format": 1, "state": "predicted|rejected|undecided",
     "record": {"key", "query", "slot_at", "recnum", "quality", "file": {"sha256", ...},
                "keywords": {...}, ...},
     "answers": [{"event", "model", "weights_sha256", "frame", "frame_sha256", "score",
                  "raw_probability", "probability", "threshold", "flare", "calibrator": {...},
                  "activity", "activity_source", "regions": [...], "outcome": {...}, ...}],
     "rejections": [{"recnum", "reason", "detail", ...}],
     "sha256": "..."}

The hash is of everything else, with sorted keys, without spaces, in ASCII. No clock is in a
receipt, so the same rows give the same one; it changes when an outcome is decided or revised, and
when a summary of NOAA's tells the number of a region.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flaremon import store
from flaremon.domain import FlareEvent, ModelId, RecordKey
from flaremon.errors import InputError
from flaremon.receipts.parts import answer_part, canonical, record_part, rejection_part
from flaremon.regions import locate, region_as_json

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

FORMAT = 1


def make_receipt(
    session: "Session",
    key: RecordKey,
    *,
    catalog: str,
    events: Collection[FlareEvent] | None = None,
    models: Collection[ModelId] | None = None,
) -> dict[str, Any]:
    """Return the receipt of a record: where it is from, and all answers made from it.

    A record that was rejected, or not decided yet, has a receipt too: it says so.

    Parameters
    ----------
    catalog : str
        Flare list whose outcomes are told.
    events, models : collection, optional
        Only answers about these, by these.

    Raises
    ------
    InputError
        The record was never listed, or there are answers and none is of those asked for.
    """
    listed = store.listed_record(session, key)
    if listed is None:
        raise InputError(f"{key} is not in this database")
    stored = sorted(store.predictions_of(session, key), key=_order)
    chosen = [
        item
        for item in stored
        if (events is None or item.prediction.event in events)
        and (models is None or item.prediction.model in models)
    ]
    if stored and not chosen:
        there = ", ".join(f"{s.prediction.event} by {s.prediction.model}" for s in stored)
        raise InputError(f"{key} has no such answer; it has {there}")
    rejections = store.rejections_of(session, listed)
    state = "predicted" if stored else "rejected" if rejections else "undecided"
    receipt = {
        "receipt": "flaremon",
        "format": FORMAT,
        "state": state,
        "record": record_part(listed),
        "answers": [
            {**answer_part(session, item, catalog), "regions": regions}
            for item, regions in zip(chosen, _regions(session, chosen), strict=True)
        ],
        "rejections": [rejection_part(item) for item in rejections],
    }
    return {**receipt, "sha256": sha256_of(receipt)}


def _regions(
    session: "Session", stored: Sequence[store.StoredPrediction]
) -> list[list[dict[str, Any]] | None]:
    """Return the regions that were kept with answers; None where none were."""
    kept = store.with_regions(session, [item.prediction for item in stored])
    return [
        None if found is None else [region_as_json(region) for region in found]
        for found in locate(session, kept)
    ]


def _order(item: store.StoredPrediction) -> tuple[ModelId, bool, float]:
    """Sort answers by model, those about the coming hours first, the more frequent event first."""
    event = item.prediction.event
    return item.prediction.model, event.horizon is None, event.threshold.flux_w_m2


def sha256_of(receipt: Mapping[str, Any]) -> str:
    """Return the hash of a receipt, whether its own is in it or not."""
    rest = {name: value for name, value in receipt.items() if name != "sha256"}
    return hashlib.sha256(canonical(rest)).hexdigest()
