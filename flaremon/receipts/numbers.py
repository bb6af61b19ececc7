"""The numbers of one answer: those of the receipt, and those computed again."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from flaremon.domain import ActivityLevel, FlareEvent
from flaremon.errors import FlaremonError, InputError
from flaremon.receipts.check import TOLERANCE, Check, cannot, compare, short
from flaremon.receipts.reading import ClaimedAnswer

if TYPE_CHECKING:
    from flaremon.inference import EventScore


def check_numbers(
    answer: ClaimedAnswer, scores: "Mapping[FlareEvent, EventScore] | None"
) -> Iterator[Check]:
    """Compare score, probabilities, threshold and answer with those computed now.

    Parameters
    ----------
    scores : mapping or None
        What the network says now; None where it could not be asked.
    """
    what = f"{answer.event} by {answer.model}"
    if scores is None or answer.event not in scores:
        why = "no file or no model to compute it with" if scores is None else "not answered"
        said = f"{answer.probability:.6f}"
        yield cannot(f"{what}: probability", said=said, found=why)
        return
    score = scores[answer.event]
    on = "" if answer.device == "cpu" else f" (on {answer.device})"
    yield _number(f"{what}: score", answer.score, score.score, on)
    yield _number(f"{what}: network's probability", answer.raw_probability, score.probability, on)
    probability, threshold = score.probability, score.threshold
    if answer.calibrator is not None:
        try:
            probability, threshold = _calibrated(answer, score.probability)
        except FlaremonError as exc:
            told = f"calibrator {answer.calibrator.get('id')}"
            yield cannot(what, said=told, found=str(exc))
            return
    yield _number(f"{what}: probability", answer.probability, probability, on)
    yield _number(f"{what}: threshold", answer.threshold, threshold, "")
    # At the threshold itself the last digit may decide, which is no contradiction.
    close = abs(probability - threshold) <= TOLERANCE
    flare = answer.flare if close else probability >= threshold
    words = {True: "yes", False: "no"}
    yield compare(
        f"{what}: flare", same=flare is answer.flare, said=words[answer.flare], found=words[flare]
    )


def _calibrated(answer: ClaimedAnswer, raw: float) -> tuple[float, float]:
    """Apply the calibrator of the receipt, given the activity that it was given then."""
    from flaremon.calibration import from_document  # noqa: PLC0415
    from flaremon.times import parse_utc  # noqa: PLC0415

    told = answer.calibrator or {}
    try:
        fitted_at = parse_utc(told["fitted_at"])
        calibrator = from_document(told["document"], fitted_at=fitted_at)
        level = ActivityLevel(answer.activity or ActivityLevel.UNKNOWN)
    except (KeyError, TypeError, ValueError) as exc:
        raise InputError(f"the receipt does not hold its calibrator: {exc!r}") from exc
    if calibrator.sha256 != told["sha256"]:
        raise InputError(f"its document has SHA-256 {short(calibrator.sha256)}: it was altered")
    return calibrator.apply(answer.event, raw, level), calibrator.threshold(answer.event)


def _number(what: str, said: float, found: float, on: str) -> Check:
    same = abs(said - found) <= TOLERANCE
    return compare(what, same=same, said=f"{said:.6f}{on}", found=f"{found:.6f}")
