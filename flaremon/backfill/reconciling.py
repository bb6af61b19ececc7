"""How far answers moved from near-real-time to definitive records.

The definitive record of a slot comes days after the near-real-time one, better calibrated. Both
are scored and kept, since what was said at the time must stay; this tells what the haste costs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, quantiles
from typing import TYPE_CHECKING

from flaremon import store
from flaremon.backfill.plan import Chunk
from flaremon.store import Pair, SlotRange

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from flaremon.package import ModelPackage

NEAR_REAL_TIME, DEFINITIVE = "hmi.M_720s_nrt", "hmi.M_720s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """How far the probabilities of one event moved from near-real-time to definitive."""

    event: str
    slots: int
    mean: float
    """Mean of definitive - near-real-time."""
    mean_size: float
    """Mean of its absolute value."""
    p90_size: float
    """Nine of ten moved no farther."""
    largest: float
    to_flare: int
    """Answers that became "flare"."""
    to_no_flare: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Pairs whose sides differ by more than the record, so they do not tell what the haste costs.

    One that differs by both counts once, as the first.
    """

    recent_flares: int
    """Recent flares were known for one side only."""
    calibrator: int
    """The sides are by different calibrators, or one by none."""


def seen_live(
    session: "Session",
    chunks: Sequence[Chunk],
    slots: SlotRange,
    *,
    packages: "Sequence[ModelPackage]",
) -> list[Chunk]:
    """Keep of a plan's chunks the slots that some model has predicted in near real time.

    Parameters
    ----------
    slots : SlotRange
        The range of near-real-time slots.
    """
    seen: set[str] = set()
    for package in packages:
        events = [spec.event for spec in package.events]
        seen |= store.predicted_slots(session, slots, model=package.id, events=events)
    kept = []
    for chunk in chunks:
        labels = tuple(label for label in chunk.labels if label in seen)
        if labels:
            kept.append(Chunk(series=chunk.series, day=chunk.day, labels=labels))
    return kept


def moves(pairs: Iterable[Pair]) -> list[Move]:
    """Sum up pairs of near-real-time and definitive predictions, per event.

    Only those that differ by their record and by nothing else; see `left_out`.
    """
    by_event: dict[str, list[Pair]] = {}
    for pair in pairs:
        if not (pair.same_flares and pair.same_calibrator):
            continue
        by_event.setdefault(pair.event, []).append(pair)
    return [_move(event, found) for event, found in sorted(by_event.items())]


def left_out(pairs: Iterable[Pair]) -> LeftOut:
    """Count the pairs that `moves` does not sum up, and why."""
    flares = calibrator = 0
    for pair in pairs:
        flares += not pair.same_flares
        calibrator += pair.same_flares and not pair.same_calibrator
    return LeftOut(recent_flares=flares, calibrator=calibrator)


def _move(event: str, found: list[Pair]) -> Move:
    differences = [pair.after - pair.before for pair in found]
    sizes = [abs(difference) for difference in differences]
    p90 = quantiles(sizes, n=10, method="inclusive")[-1] if len(sizes) > 1 else sizes[0]
    return Move(
        event=event,
        slots=len(found),
        mean=fmean(differences),
        mean_size=fmean(sizes),
        p90_size=p90,
        largest=max(sizes),
        to_flare=sum(pair.flare_after and not pair.flare_before for pair in found),
        to_no_flare=sum(pair.flare_before and not pair.flare_after for pair in found),
    )
