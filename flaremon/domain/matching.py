"""Which reports are of one flare: within one reply, and against what is known already."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from flaremon.domain.truth import Flare

SAME_FLARE = timedelta(minutes=5)
"""Two satellites, or an automatic and an edited report, date one flare this far apart."""

_FAR = timedelta(hours=3)
"""An edited report does not move the start of an automatic one further."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """A second report of a flare, left out."""

    dropped: Flare
    kept: Flare

    @property
    def in_words(self) -> str:
        """Which is kept."""
        return (
            f"{self.kept.start:%Y-%m-%dT%H:%MZ}: {_who(self.kept)} kept, {_who(self.dropped)} left "
            "out as the same flare"
        )


def one_per_flare(flares: Iterable[Flare]) -> tuple[list[Flare], list[Duplicate]]:
    """Keep one report where several in one reply or list are of one flare, and say which.

    Two reports are of one flare if they start in the same minute, or are from two named
    satellites and start within `SAME_FLARE`; their maxima, where both are known, must be as
    close. (On 2024-06-10 an M5.3 and an X1.5 are listed with one start: those are two.) A region
    beats none, a known maximum beats none, then the newer satellite counts, so that the choice
    does not change with the order of a reply.

    Returns
    -------
    tuple of list of Flare and list of Duplicate
        What is kept, by start; what is not.
    """
    kept: list[Flare] = []
    duplicates: list[Duplicate] = []
    for flare in sorted(flares, key=lambda flare: flare.start):
        k = _twin(kept, flare)
        if k is None:
            kept.append(flare)
            continue
        loser, winner = sorted((kept[k], flare), key=_weight)
        kept[k] = winner
        duplicates.append(Duplicate(dropped=loser, kept=winner))
    kept.sort(key=lambda flare: flare.start)
    return kept, duplicates


def pair_up(reports: Sequence[Flare], known: Sequence[Flare]) -> list[int | None]:
    """Find for each report the known flare that it is about, each at most once.

    The surest pairs are made first: same start and maximum, then same start, then same maximum,
    then starts or maxima within `SAME_FLARE` where one report is automatic and the other edited, a
    known rise that lies within the report's, and two satellites as in `one_per_flare`.

    Returns
    -------
    list of int or None
        For each report the place in `known`; None for a flare that is new.
    """
    pairs: list[int | None] = [None] * len(reports)
    free = set(range(len(known)))
    keys: tuple[Callable[[Flare], Hashable], ...] = (
        lambda flare: (flare.start, flare.peak),
        lambda flare: flare.start,
        # An unknown maximum is like no other.
        lambda flare: flare.peak or flare,
    )
    for key in keys:
        places: dict[Hashable, list[int]] = defaultdict(list)
        for k in sorted(free, reverse=True):
            places[key(known[k])].append(k)
        for n, report in enumerate(reports):
            if pairs[n] is None and places[key(report)]:
                pairs[n] = places[key(report)].pop()
        free -= set(pairs) - {None}
    _pair_neighbours(reports, known, pairs, free)
    return pairs


def _pair_neighbours(
    reports: Sequence[Flare], known: Sequence[Flare], pairs: list[int | None], free: set[int]
) -> None:
    ordered = sorted(free, key=lambda k: known[k].start)
    starts = [known[k].start for k in ordered]
    for n, report in enumerate(reports):
        if pairs[n] is not None:
            continue
        low = bisect_left(starts, report.start - _FAR)
        high = bisect_right(starts, report.start + _FAR)
        near = [
            (distance, k)
            for k in ordered[low:high]
            if k in free and (distance := _distance(known[k], report)) <= SAME_FLARE
        ]
        if near:
            pairs[n] = min(near)[1]
            free.discard(min(near)[1])


def _distance(known: Flare, report: Flare) -> timedelta:
    """Return how far apart two reports date a flare; `_FAR` if they are not of one flare."""
    start = abs(known.start - report.start)
    rising = not known.edited and known.peak is None
    if known.edited == report.edited and not rising:
        return start if _reported_twice(known, report) else _FAR
    if known.peak is None or report.peak is None:
        # There is one X-ray flux: what rose between the start and the maximum is this flare.
        within = report.peak is not None and report.start <= known.start <= report.peak
        return timedelta(0) if rising and within else start
    return min(start, abs(known.peak - report.peak))


def _twin(kept: Sequence[Flare], flare: Flare) -> int | None:
    """Return the place of the report in `kept`, which is nearly sorted, of the same flare."""
    for k in range(len(kept) - 1, -1, -1):
        if flare.start - kept[k].start > 2 * SAME_FLARE:
            return None
        if _reported_twice(kept[k], flare):
            return k
    return None


def _reported_twice(one: Flare, other: Flare) -> bool:
    two_satellites = one.satellite and other.satellite and one.satellite != other.satellite
    if abs(one.start - other.start) > (SAME_FLARE if two_satellites else timedelta(0)):
        return False
    if one.peak is None or other.peak is None:
        return True
    return abs(one.peak - other.peak) <= SAME_FLARE


def _weight(flare: Flare) -> tuple[bool, bool, bool, int, float]:
    digits = "".join(c for c in flare.satellite if c.isdigit())
    return (
        flare.edited,
        flare.noaa_ar is not None,
        flare.peak is not None,
        int(digits or 0),
        flare.peak_flux_w_m2 or 0.0,
    )


def _who(flare: Flare) -> str:
    size = "in progress" if flare.flare_class is None else str(flare.flare_class)
    return f"{flare.satellite or flare.source} ({size})"
