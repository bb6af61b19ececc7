"""What GOES observes, in words."""

from flaremon.domain import Verdict
from flaremon.status.ages import FactState, in_hours
from flaremon.status.facts import Facts
from flaremon.status.goes import LEAST_TOLD, Observed
from flaremon.times import iso_z

_MARGIN = " " * 9


def goes_lines(item: Observed, facts: Facts) -> list[str]:
    """Say the class now, the flare in progress, the last flare, and what was asked of GOES."""
    lines = []
    if item.state is FactState.UNKNOWN:
        lines.append(f"{'now':<8} UNKNOWN - {item.why}")
    elif item.xray is not None and item.age is not None:
        seen = f"{item.xray.flare_class} at {iso_z(item.xray.observed_at)}"
        if item.state is FactState.OK:
            lines.append(f"{'now':<8} {seen}, {in_hours(item.age)} ago; {item.xray.satellite}")
        else:
            lines.append(f"{'now':<8} STALE - {item.why}; it was {seen}")
    if item.contaminated and item.xray is not None:
        lines.append(f"{_MARGIN}newer minutes are contaminated by electrons and do not count")
    lines += _flare_lines(item, facts)
    if item.last_flare is not None:
        lines.append(f"{'last':<8} {_last_flare(item)}")
    for watch in facts.watched:
        asked = {Verdict.FLARE: "yes", Verdict.NO_FLARE: "no"}.get(watch.verdict, "UNKNOWN")
        lines.append(f"{watch!s:<8} flare: {asked}")
    return lines


def _flare_lines(item: Observed, facts: Facts) -> list[str]:
    if item.list_state is not FactState.OK:
        told = f"{item.list_state.upper()} - {item.list_why}"
        if item.in_progress is not None:
            told += f"; then one was in progress since {iso_z(item.in_progress.since)}"
        return [f"{'flare':<8} {told}"]
    flare = item.in_progress
    if flare is None:
        return [f"{'flare':<8} none in progress"]
    peak = f"peak so far {flare.peak}" if flare.peak is not None else "peak not known yet"
    where = f", {_region(flare.noaa_ar, flare.location)}" if flare.noaa_ar else ""
    since = f"{iso_z(flare.since)}, for {in_hours(facts.now - flare.since)}"
    return [f"{'flare':<8} IN PROGRESS since {since}; {peak}{where}"]


def _last_flare(item: Observed) -> str:
    flare = item.last_flare
    assert flare is not None  # noqa: S101 - asked before
    end = "end not known" if flare.end is None else f"to {flare.end:%H:%MZ}"
    peak = "" if flare.peak is None else f", maximum {flare.peak:%H:%MZ}"
    where = _region(flare.noaa_ar, flare.location)
    return (
        f"{flare.flare_class} from {flare.start:%Y-%m-%dT%H:%MZ} {end}{peak}; "
        f"{where or 'region not known'} (from {LEAST_TOLD} on)"
    )


def _region(noaa_ar: int | None, location: str) -> str:
    return " ".join(part for part in (f"AR {noaa_ar}" if noaa_ar else "", location) if part)
