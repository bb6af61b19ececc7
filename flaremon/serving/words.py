"""Which model answers, and how two compare, for people and for machines."""

from collections.abc import Sequence
from typing import Any

from flaremon.calibration import Calibrator
from flaremon.package import ModelPackage
from flaremon.serving.choosing import Serving
from flaremon.serving.comparing import Comparison
from flaremon.store import Promotion
from flaremon.times import iso_z
from flaremon.verify import as_json, in_brief
from flaremon.verify.words import differences_in_words


def serving_as_json(serving: Serving) -> dict[str, Any]:
    """Return which model answers and why."""
    promotion = serving.promotion
    return {
        "id": str(serving.model),
        "from": str(serving.origin),
        "promotion": promotion and promotion_as_json(promotion),
    }


def promotion_as_json(promotion: Promotion) -> dict[str, Any]:
    """Return a promotion without its figures."""
    return {
        "model": str(promotion.model),
        "weights_sha256": promotion.weights_sha256,
        "replaced": str(promotion.replaced),
        "at": iso_z(promotion.promoted_at),
        "by": promotion.promoted_by,
        "reason": promotion.reason,
    }


def comparison_in_words(found: Sequence[Comparison]) -> str:
    """Say how a candidate compares: figures beside the baselines, then paired differences."""
    blocks = []
    for item in found:
        if item.done is None:
            blocks.append(f"{item.event}: nothing to compare: {item.why_none}")
            continue
        lines = [in_brief(item.done, f"{item.event}, {item.mode}"), f"  truth: {item.truth}"]
        rival = item.done.judgements[1].name
        blocks.append("\n".join([*lines, *differences_in_words(item.done, only=(rival,))]))
    return "\n\n".join(blocks)


def figures_as_json(found: Sequence[Comparison]) -> list[dict[str, Any]]:
    """Return the comparison as it is stored with a promotion."""
    return [
        {
            "event": str(item.event),
            "mode": item.mode and str(item.mode),
            "why_none": item.why_none,
            "verification": item.done and as_json(item.done, scale="true", truth=item.truth),
        }
        for item in found
    ]


def thresholds_in_words(package: ModelPackage, calibrator: Calibrator | None) -> list[str]:
    """Say per event from which probability on a package answers "flare"."""
    lines = []
    for told in thresholds_as_json(package, calibrator):
        plain, informed = told["threshold"], told["threshold_with_recent_flares"]
        words = f"{told['event']:<8} flare from {plain:.1%}"
        if informed != plain:
            words += f", with recent flares from {informed:.1%}"
        if told["calibrator"] is not None:
            words += f", calibrated by {told['calibrator']}"
        lines.append(words)
    return lines


def thresholds_as_json(
    package: ModelPackage, calibrator: Calibrator | None
) -> list[dict[str, Any]]:
    """Return the same; where a calibrator is in use its thresholds, since those decide."""
    told = []
    for spec in package.events:
        own = calibrator if calibrator is not None and calibrator.answers(spec.event) else None
        cuts = [spec.threshold_where(informed=informed) for informed in (False, True)]
        if own is not None:
            # Without recent flares a network that reads them answers as it came.
            plain = cuts[0] if package.reads_activity else own.threshold(spec.event)
            cuts = [plain, own.threshold(spec.event)]
        told.append(
            {
                "event": str(spec.event),
                "threshold": cuts[0],
                "threshold_with_recent_flares": cuts[1],
                "calibrator": own and own.id,
            }
        )
    return told
