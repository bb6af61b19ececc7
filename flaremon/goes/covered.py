"""What SWPC's list of flares answers for, by what one reading of the products shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from flaremon.domain import LEAST_FLUX_W_M2, CatalogPeriod, FlareClass, pair_up
from flaremon.goes.products import CATALOG, Observed

LIST, LATEST = "xray-flares-7-day", "xray-flares-latest"
XRAYS = ("xrays-7-day", "xrays-6-hour")
"""The flux, longest first."""

SECOND_XRAYS, SECOND_LIST = "xrays-6-hour-secondary", "xray-flares-7-day-secondary"
"""What the second satellite saw: it is not in the Earth's shadow when the first one is."""

COMPLETE_FROM = FlareClass("C", 1.0)
"""SWPC's program lists B flares too, where the background lets it see them."""
LONGEST_GAP = timedelta(minutes=10)
"""A flare as short as what is missing could be missed; few are shorter than this."""
_REACH = timedelta(days=7) - timedelta(hours=1)
"""How far the list reaches back, with a margin for when exactly its file was made."""
_DETECTION = timedelta(minutes=10)
"""A flare is called one after four rising minutes, and dated back; this with a margin."""
_LONGEST_FLARE = timedelta(hours=6)
"""What is not over yet is in the product of the latest flare only; 99.9 % last less than 4.8 h."""
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """A period, and the gaps in it."""

    period: CatalogPeriod | None
    gaps: Sequence[CatalogPeriod] = ()
    within: tuple[datetime, datetime] | None = None
    """Where the X-ray flux was looked at; gaps outside of it are not known of."""
    why: str = ""
    """Why there is no period, or a short one."""


def covered(observed: Mapping[str, Observed], *, now: datetime) -> Covered:
    """Say what the list answers for.

    The list has no word on how far it reaches. It cannot reach further than the X-ray flux it
    is made from, so a product whose newest minute is hours old covers up to there; minutes that
    electrons contaminate count as missing, and more than `LONGEST_GAP` of them are a gap, in
    which a flare would not have been seen, unless the second satellite watched. Without the
    product of the latest flare a flare in progress is not known of, and the last
    `_LONGEST_FLARE` are left open.

    Parameters
    ----------
    observed : mapping of str to Observed
        What was read, by product; some may be missing.
    now : datetime
        When they were fetched.
    """
    minutes = _clean_minutes(observed, XRAYS, now)
    if not minutes:
        return Covered(period=None, why="no X-ray flux without contamination was read")
    if SECOND_LIST in observed:
        others = _clean_minutes(observed, (SECOND_XRAYS,), now)
        watched = sorted({*minutes, *(m for m in others if minutes[0] < m < minutes[-1])})
    else:
        watched = minutes
    gaps = [_period(start, end, gap=True) for start, end in _holes(watched)]
    within = (minutes[0], minutes[-1])
    if LIST not in observed:
        return Covered(period=None, gaps=gaps, within=within, why=f"{LIST} was not read")
    reach, why = _reach(observed, minutes[-1], now)
    start = (now - _REACH).replace(second=0, microsecond=0)
    if reach is None or reach <= start:
        return Covered(period=None, gaps=gaps, within=within, why=why)
    return Covered(period=_period(start, reach), gaps=gaps, within=within, why=why)


def unseen(observed: Mapping[str, Observed], *, now: datetime) -> list[tuple[datetime, datetime]]:
    """Return the spans in which the first satellite saw nothing, end exclusive."""
    return _holes(_clean_minutes(observed, XRAYS, now))


def only_unseen(second: Observed, observed: Mapping[str, Observed], *, now: datetime) -> Observed:
    """Leave of the second satellite's product what the first one's cannot have.

    Its fluxes differ by some percent, so that reports of both, in turn, would revise a flare
    for ever; and one minute would have two fluxes.
    """
    holes = unseen(observed, now=now)
    missed = [f for f in second.flares if any(start <= f.start < end for start, end in holes)]
    pairs = pair_up(missed, observed[LIST].flares if LIST in observed else [])
    new = [flare for flare, pair in zip(missed, pairs, strict=True) if pair is None]
    return replace(second, flares=new, xrays=(), duplicates=())


def _holes(minutes: Sequence[datetime]) -> list[tuple[datetime, datetime]]:
    return [(start + _MINUTE, end) for start, end in pairwise(minutes) if end - start > LONGEST_GAP]


def _clean_minutes(
    observed: Mapping[str, Observed], names: Sequence[str], now: datetime
) -> list[datetime]:
    return sorted(
        {
            state.observed_at
            for name in names
            if name in observed
            for state in observed[name].xrays
            if not state.contaminated and state.observed_at <= now
        }
    )


def _reach(
    observed: Mapping[str, Observed], newest: datetime, now: datetime
) -> tuple[datetime | None, str]:
    """Return up to when every start of a flare is known, and what keeps that from being now."""
    flares, latest = observed[LIST].flares, observed.get(LATEST)
    why = f"the newest minute of X-rays is {newest:%Y-%m-%dT%H:%MZ}"
    if latest is None or latest.as_of is None:
        return newest - _LONGEST_FLARE, f"{LATEST} was not read; {why}"
    reach = min(newest, latest.as_of) - _DETECTION
    late = now - _REACH
    over = [
        flare
        for flare in latest.flares
        if flare.end is not None and flare.start >= late and flare.end < reach
    ]
    if None in pair_up(over, flares):
        # The list is older than the other products: it lacks a flare that is over.
        ends = [flare.end for flare in flares if flare.end is not None]
        return max(ends, default=None), f"{LIST} does not have the flare of {LATEST}"
    return reach, "" if now - reach < 2 * _DETECTION else why


def _period(start: datetime, end: datetime, *, gap: bool = False) -> CatalogPeriod:
    return CatalogPeriod(
        catalog=CATALOG,
        start=start,
        end=end,
        flux_w_m2=LEAST_FLUX_W_M2 if gap else COMPLETE_FROM.flux_w_m2,
        has_ends=not gap,
        gap=gap,
        source=XRAYS[-1] if gap else LIST,
    )
