"""A calibrator as a JSON document: canonical, hashed, read strictly.

::

    {"format": 1, "model": "name@version", "weights_sha256": "...", "method": "logistic",
     "software": "flaremon 0.1.0",
     "origin": {"since": ..., "until": ..., "source": ..., "modes": ..., "truth": ...,
                "cases_sha256": ...},
     "events": {"M1+/24h": {"threshold": 0.26, "threshold_from": "...",
                            "maps": {"all": {"method": "logistic", "numbers": [0.2, 1.1],
                                             "least": 0.001, "cases": ..., "events": ...,
                                             "days": ..., "event_days": ..., "quiet_days": ...},
                                     "active": {...}, "quiet": {...}}}}}

The SHA-256 is of the document with sorted keys, without spaces, in ASCII. When it was fitted is
not in it, so that fitting the same data again gives the same calibrator.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from flaremon.calibration.calibrator import Calibrator, EventCalibration, Origin
from flaremon.calibration.curves import Basis, Curve, Method
from flaremon.domain import ActivityLevel, FlareEvent
from flaremon.errors import InputError, ModelError

FORMAT = 1
_NAMES = {
    "all": ActivityLevel.UNKNOWN,
    "active": ActivityLevel.ACTIVE,
    "quiet": ActivityLevel.QUIET,
}
_COUNTS = tuple(field.name for field in fields(Basis))
_CURVE = {"method", "numbers", "least", *_COUNTS}
_EVENT = {"threshold", "threshold_from", "maps"}
_TOP = {"format", "model", "weights_sha256", "method", "software", "origin", "events"}


def as_document(calibrator: Calibrator) -> dict[str, Any]:
    """Return plain JSON values."""
    return {
        "format": FORMAT,
        "model": calibrator.model,
        "weights_sha256": calibrator.weights_sha256,
        "method": str(calibrator.method),
        "software": calibrator.software,
        "origin": asdict(calibrator.origin),
        "events": {
            str(event): {
                "threshold": item.threshold,
                "threshold_from": item.threshold_from,
                "maps": {
                    name: _of_curve(item.curves[level])
                    for name, level in _NAMES.items()
                    if level in item.curves
                },
            }
            for event, item in calibrator.events.items()
        },
    }


def from_document(document: Mapping[str, Any], *, fitted_at: datetime) -> Calibrator:
    """Read what `as_document` wrote.

    Parameters
    ----------
    document : mapping
    fitted_at : datetime
        Which stands beside a document and not in it.

    Raises
    ------
    ModelError
        If something is missing, unknown or makes no sense; it is named.
    """
    try:
        _check_top(document)
        return Calibrator(
            model=document["model"],
            weights_sha256=document["weights_sha256"],
            method=Method(document["method"]),
            events={FlareEvent.parse(k): _event(v) for k, v in document["events"].items()},
            origin=Origin(**document["origin"]),
            software=document["software"],
            fitted_at=fitted_at,
        )
    except (InputError, ModelError, TypeError, ValueError, AttributeError) as exc:
        raise ModelError(f"a calibrator cannot be read: {exc}") from exc


def canonical(document: Mapping[str, Any]) -> bytes:
    """Return the bytes that are hashed."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii")


def sha256_of(document: Mapping[str, Any]) -> str:
    """Return the hash of a document."""
    return hashlib.sha256(canonical(document)).hexdigest()


def _check_top(document: Mapping[str, Any]) -> None:
    _check(document, _TOP, "calibrator")
    if document["format"] != FORMAT:
        raise ModelError(
            f"its format is {document['format']}, this version of flaremon reads {FORMAT}"
        )


def _of_curve(curve: Curve) -> dict[str, Any]:
    return {
        "method": str(curve.method),
        "numbers": list(curve.numbers),
        "least": curve.least,
        **asdict(curve.basis),
    }


def _event(table: Mapping[str, Any]) -> EventCalibration:
    _check(table, _EVENT, "an event")
    unknown = set(table["maps"]) - set(_NAMES)
    if unknown or "all" not in table["maps"]:
        raise ModelError(f"maps are for {', '.join(table['maps'])}; needed is all, then active, "
                         "quiet")  # fmt: skip
    if not 0 <= table["threshold"] <= 1:
        raise ModelError(f"threshold {table['threshold']} is not from 0 to 1")
    return EventCalibration(
        curves={_NAMES[name]: _curve(item) for name, item in table["maps"].items()},
        threshold=table["threshold"],
        threshold_from=table["threshold_from"],
    )


def _curve(table: Mapping[str, Any]) -> Curve:
    _check(table, _CURVE, "a map")
    method, numbers = Method(table["method"]), tuple(map(float, table["numbers"]))
    x = numbers[0::2]
    if not all(map(math.isfinite, numbers)) or not 0 <= table["least"] < 0.5:
        raise ModelError("a map has a number that is none")
    if method is Method.LOGISTIC and (len(numbers) != 2 or numbers[1] < 0):
        raise ModelError("a logistic map has an intercept and a slope that is not negative")
    if method is Method.ISOTONIC and (
        len(numbers) < 2 or len(numbers) % 2 or list(x) != sorted(x) or not _rises(numbers[1::2])
    ):
        raise ModelError("an isotonic map has knots x, y, both rising")
    basis = Basis(**{name: int(table[name]) for name in _COUNTS})
    return Curve(method=method, numbers=numbers, least=float(table["least"]), basis=basis)


def _rises(y: tuple[float, ...]) -> bool:
    return list(y) == sorted(y) and y[0] >= 0 and y[-1] <= 1


def _check(table: Mapping[str, Any], keys: set[str], what: str) -> None:
    if set(table) != keys:
        wrong = ", ".join(sorted(set(table) ^ keys))
        raise ModelError(f"{what} lacks or has too much: {wrong}")
