"""What became of slots that others worked on, as the database tells it."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from flaremon import store
from flaremon.backfill.plan import Chunk
from flaremon.backfill.tally import Tally
from flaremon.domain import SERIES_CADENCE_S
from flaremon.store import SlotRange
from flaremon.times import slot_index, slot_label

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from flaremon.package import ModelPackage


def span(chunks: Sequence[Chunk]) -> SlotRange:
    """Return the smallest range of slots that holds some days of one series."""
    labels = [label for chunk in chunks for label in chunk.labels]
    step_s = SERIES_CADENCE_S[chunks[0].series]
    return SlotRange(
        series=chunks[0].series,
        low=min(labels),
        high=slot_label(slot_index(max(labels), step_s) + 1, step_s),
    )


def reckon(
    session: "Session",
    chunks: Sequence[Chunk],
    packages: "Sequence[ModelPackage]",
    *,
    since: datetime,
) -> Tally:
    """Count what has become of the slots of some days.

    Parameters
    ----------
    since : datetime
        When the work on them began; a slot that could not be had counts as tried from then on.

    Returns
    -------
    Tally
        `new_rows` is how many rows there are, old ones included.

    Raises
    ------
    StoreError
        The database fails.
    """
    slots, labels = span(chunks), [label for chunk in chunks for label in chunk.labels]
    predicted = [
        store.predicted_slots(
            session, slots, model=package.id, events=[spec.event for spec in package.events]
        )
        for package in packages
    ]
    by_all = set.intersection(*predicted)
    rejected = store.rejected_slots(session, slots)
    missed = store.misses(session, slots, since=since)
    tally = Tally(planned=len(labels))
    for label in labels:
        if label in by_all:
            tally.predicted += 1
        elif label in rejected:
            tally.rejected[rejected[label]] += 1
        elif label in missed:
            tally.miss(missed[label])
    tally.new_rows = tally.rejected.total() + sum(
        len(found.intersection(labels)) * len(package.events)
        for found, package in zip(predicted, packages, strict=True)
    )
    return tally
