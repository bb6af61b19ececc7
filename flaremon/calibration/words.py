"""A calibrator, and what it was found to be worth, as a table for people and as JSON."""

from collections.abc import Iterator
from typing import Any

from flaremon import verify
from flaremon.calibration.calibrator import Calibrator
from flaremon.calibration.document import as_document
from flaremon.calibration.study import Study, left_out_in_words
from flaremon.domain import ActivityLevel
from flaremon.times import iso_z

_LEVELS = {
    ActivityLevel.UNKNOWN: "all hours",
    ActivityLevel.ACTIVE: "active",
    ActivityLevel.QUIET: "quiet",
}


def in_words(done: Study, *, scale: verify.Scale) -> str:
    """Write everything: what was fitted to what, then the skill on the later hours."""
    periods = done.periods
    lines = [
        *describe(done.calibrator),
        *(f"  {event}  left out. {why}" for event, why in done.left_out.items()),
        *([left_out_in_words(done.uninformed)] if any(done.uninformed.values()) else []),
        f"judged on observations from {periods.judge_from}Z until {periods.judge_until}Z",
    ]
    for judged in done.judged.values():
        text = verify.in_words(judged, scale=scale, truth=done.calibrator.origin.truth)
        lines += ["", text]
    return "\n".join(lines)


def as_json(done: Study, *, scale: verify.Scale) -> dict[str, Any]:
    """Return everything for machines."""
    periods = done.periods
    return {
        **about(done.calibrator),
        "document": as_document(done.calibrator),
        "left_out": {str(event): why for event, why in done.left_out.items()},
        "without_recent_flares": {str(event): n for event, n in done.uninformed.items()},
        "fit_since": f"{periods.since}Z",
        "fit_until": f"{periods.until}Z",
        "judge_from": f"{periods.judge_from}Z",
        "judge_until": f"{periods.judge_until}Z",
        "judged": [
            verify.as_json(judged, scale=scale, truth=done.calibrator.origin.truth)
            for judged in done.judged.values()
        ],
    }


def about(calibrator: Calibrator) -> dict[str, Any]:
    """Return a row of ``flaremon calibrators``."""
    return {
        "id": calibrator.id,
        "model": calibrator.model,
        "method": str(calibrator.method),
        "events": sorted(map(str, calibrator.events)),
        "fit_from": calibrator.origin.since,
        "fit_to": calibrator.origin.until,
        "fitted_at": iso_z(calibrator.fitted_at),
        "sha256": calibrator.sha256,
    }


def describe(calibrator: Calibrator) -> Iterator[str]:
    """Write what a calibrator is and what it was fitted to, line by line."""
    origin = calibrator.origin
    modes = f" ({origin.modes})" if origin.modes else ""
    yield f"calibrator {calibrator.id} of {calibrator.model}, {calibrator.method}"
    yield f"fitted to observations {origin.since} to {origin.until}: {origin.source}{modes}"
    yield f"truth: {origin.truth}"
    for event, item in calibrator.events.items():
        yield f"  {event}  flare from {item.threshold:.1%} ({item.threshold_from})"
        for level, name in _LEVELS.items():
            curve = item.curves.get(level)
            if curve is None:
                if event.horizon is not None:
                    yield f"    {name:<10} too few days: as all hours"
                continue
            b = curve.basis
            yield (
                f"    {name:<10} {curve.method}, {b.cases:,} cases with {b.events:,} events: "
                f"{b.event_days:,} days with, {b.quiet_days:,} without"
            )
