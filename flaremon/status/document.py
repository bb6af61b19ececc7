"""The facts for machines; instants in UTC with Z, ages in seconds.

::

    {"checked_at": "2026-02-01T12:00:00Z", "exit_code": 0,
     "model": {"id": ..., "from": "setting|promotion|shipped", "promotion": null | {"at": ...}},
     "cnn": [{"event": "M1+/24h", "state": "ok|stale|unknown", "age_s": 4200, "why": null,
              "verdict": "flare|no-flare|unknown", "flare": false, "probability": 0.23,
              "raw_probability": 0.41, "threshold": 0.3, "calibrator": "1a2b3c4d5e6f",
              "activity": "quiet", "activity_source": "swpc as of ...",
              "base_url": "http://jsoc.stanford.edu", "from_jsoc": true, ...}],
     "goes": {"state": ..., "age_s": ..., "why": ..., "class": "C2.3", "flux_w_m2": 2.3e-06,
              "observed_at": ..., "satellite": "G18", "contaminated_since": false,
              "list": {"state": ..., "age_s": ..., "why": ..., "as_of": ...},
              "in_progress": null | {"since": ..., "age_s": ..., "peak": "M1.2", "noaa_ar": ...},
              "last_flare": null | {"class": ..., "start": ..., "peak": ..., "end": ..., ...},
              "watched": [{"event": "M1+/goes", "verdict": ...}]},
     "outlook": [{"event": "M1+/24h", "state": ..., "age_s": ..., "why": ...,
                  "probability": 0.23, "calibrated": true, "usual": "lower than usual",
                  "climatology": {"state": "ok|unknown", "probability": 0.31, "at": ...,
                                  "source": ...},
                  "persistence": {...}, "noaa": null | {...},
                  "reliability": null | {"low": 0.2, "high": 0.4, "n": 412, "events": 128}}]}

``flare`` is null where the verdict is unknown; nothing else tells "no flare". Where ``from_jsoc``
is false the record is a replay's, maybe old under a new date, or a mirror's. What is null is not
known. `--since-last-change` prints ``{"checked_at", "exit_code", "cnn": [{"event", "verdict",
"since", "held_s", "at_least", "predictions", "before"}], "goes": {...}, "outlook": [...]}``.
"""

from datetime import datetime
from typing import Any

from flaremon.domain import Flare, Verdict
from flaremon.serving import serving_as_json
from flaremon.status.ages import FactState
from flaremon.status.baselines import Beside
from flaremon.status.changes import Change, Changes
from flaremon.status.cnn import Answer
from flaremon.status.facts import Facts
from flaremon.status.goes import Observed
from flaremon.status.outlook import Outlook
from flaremon.status.whence import elsewhere
from flaremon.times import iso_z


def facts_as_json(facts: Facts) -> dict[str, Any]:
    """Return all three facts."""
    return {
        "checked_at": iso_z(facts.now),
        "exit_code": facts.exit_code,
        "model": facts.served and serving_as_json(facts.served),
        "cnn": [as_json(item, facts.now) for item in facts.cnn],
        "goes": _goes(facts.goes, facts),
        "outlook": [_outlook(item) for item in facts.outlook],
    }


def changes_as_json(found: Changes, facts: Facts) -> dict[str, Any]:
    """Return since when the facts have been so."""
    cnn = [{"event": str(event), **_change(item, facts.now)} for event, item in found.cnn]
    ahead = {str(event) for event, _ in found.cnn if event.horizon is not None}
    return {
        "checked_at": iso_z(facts.now),
        "exit_code": facts.exit_code,
        "cnn": cnn,
        "goes": _change(found.goes, facts.now),
        "outlook": [item for item in cnn if item["event"] in ahead],
    }


def as_json(item: Answer, now: datetime) -> dict[str, Any]:
    """Return one answer of the network."""
    p = item.prediction.prediction if item.prediction is not None else None
    return {
        "event": str(item.event),
        "state": str(item.state),
        "age_s": _seconds(item.age),
        "why": item.why_unknown,
        "verdict": _name(item.verdict),
        "flare": p.flare if p and item.verdict is not Verdict.UNKNOWN else None,
        "checked_at": iso_z(now),
        "t_obs": iso_z(p.t_obs) if p else None,
        "issued_at": iso_z(p.issued_at) if p else None,
        "window": {"start": iso_z(p.window.start), "end": iso_z(p.window.end)} if p else None,
        "probability": p.probability if p else None,
        "raw_probability": p.raw_probability if p else None,
        "threshold": p.threshold if p else None,
        "score": p.score if p else None,
        "calibrator": p.calibrator if p else None,
        "activity": str(p.activity) if p and p.activity is not None else None,
        "activity_source": p.activity_source if p else None,
        "mode": str(p.mode) if p else None,
        "model": str(p.model) if p else None,
        "record": str(p.key) if p else None,
        "base_url": item.base_url,
        "from_jsoc": item.base_url and elsewhere(item.base_url) is None,
        "quality": item.prediction.quality if item.prediction else None,
        "quality_class": str(item.prediction.quality_class) if item.prediction else None,
        "rejected_since": [
            {"record": str(r.key), "reason": str(r.reason), "detail": r.detail}
            for r in item.rejected_since
        ],
        "waiting_since": [str(key) for key in item.waiting_since],
    }


def _goes(item: Observed, facts: Facts) -> dict[str, Any]:
    flare = item.in_progress
    return {
        "state": str(item.state),
        "age_s": _seconds(item.age),
        "why": item.why,
        "class": str(item.xray.flare_class) if item.xray else None,
        "flux_w_m2": item.xray.flux_w_m2 if item.xray else None,
        "observed_at": iso_z(item.xray.observed_at) if item.xray else None,
        "satellite": item.xray.satellite if item.xray else None,
        "contaminated_since": item.contaminated,
        "list": {
            "state": str(item.list_state),
            "age_s": _seconds(facts.now - item.list_as_of if item.list_as_of else None),
            "why": item.list_why,
            "as_of": iso_z(item.list_as_of) if item.list_as_of else None,
        },
        "in_progress": flare
        and {
            "since": iso_z(flare.since),
            "age_s": _seconds(facts.now - flare.since),
            "peak": str(flare.peak) if flare.peak is not None else None,
            "noaa_ar": flare.noaa_ar,
            "location": flare.location,
        },
        "last_flare": item.last_flare and _flare(item.last_flare),
        "watched": [
            {"event": str(watch), "verdict": _name(watch.verdict)} for watch in facts.watched
        ],
    }


def _flare(flare: Flare) -> dict[str, Any]:
    return {
        "class": str(flare.flare_class),
        "start": iso_z(flare.start),
        "peak": iso_z(flare.peak) if flare.peak else None,
        "end": iso_z(flare.end) if flare.end else None,
        "noaa_ar": flare.noaa_ar,
        "location": flare.location,
    }


def _outlook(item: Outlook) -> dict[str, Any]:
    found = item.reliability
    return {
        "event": str(item.event),
        "state": str(item.state),
        "age_s": _seconds(item.age),
        "why": item.why,
        "probability": item.probability,
        "calibrated": item.calibrated,
        "usual": item.usual,
        "climatology": _beside(item.climatology),
        "persistence": _beside(item.persistence),
        "noaa": item.official and _beside(item.official),
        "reliability": found
        and {"low": found.low, "high": found.high, "n": found.n, "events": found.events},
    }


def _beside(item: Beside) -> dict[str, Any]:
    known = item.probability is not None
    return {
        "state": str(FactState.OK if known else FactState.UNKNOWN),
        "probability": item.probability,
        "at": iso_z(item.at) if item.at else None,
        "source": item.source,
    }


def _change(item: Change, now: datetime) -> dict[str, Any]:
    return {
        "verdict": _name(item.verdict),
        "since": iso_z(item.since) if item.since else None,
        "held_s": _seconds(now - item.since if item.since else None),
        "at_least": item.at_least,
        "predictions": item.predictions,
        "before": _name(item.before) if item.before else None,
    }


def _name(verdict: Verdict) -> str:
    return verdict.name.lower().replace("_", "-")


def _seconds(age: Any) -> int | None:
    return None if age is None else round(age.total_seconds())
