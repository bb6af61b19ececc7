"""The numbers of one answer: those of the receipt, and those computed again."""

from collections.abc import Iterator, Mapping, Sequence
from math import hypot
from typing import TYPE_CHECKING

from flaremon.domain import ActivityLevel, FlareEvent, RegionShare
from flaremon.errors import FlaremonError, InputError
from flaremon.receipts.check import TOLERANCE, Check, cannot, compare, short
from flaremon.receipts.reading import ClaimedAnswer

if TYPE_CHECKING:
    from flaremon.inference import EventScore

_COUNTS = 0.05
"""Regions with less than this share may come and go with the last digits."""
_SHARE_TOLERANCE = 0.01
_PLACE_TOLERANCE = 0.05
"""Solar radii, 3 degrees: a place is a mean over cells of 2, one of which may come or go."""


def check_numbers(
    answer: ClaimedAnswer,
    scores: "Mapping[FlareEvent, EventScore] | None",
    *,
    lacking: str | None = None,
) -> Iterator[Check]:
    """Compare score, probabilities, threshold and answer with those computed now.

    Parameters
    ----------
    scores : mapping or None
        What the network says now; None where it could not be asked.
    lacking : str, optional
        Why it could not: what is not there.
    """
    what = f"{answer.event} by {answer.model}"
    if scores is None or answer.event not in scores:
        why = "not answered" if scores is not None else lacking or "it could not be computed"
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
    if answer.regions is not None:
        yield _regions(f"{what}: regions", answer.regions, score.regions or ())


def _regions(
    what: str, said: Sequence[tuple[float, float, float]], found: Sequence[RegionShare]
) -> Check:
    return compare(
        what,
        same=_same_regions(said, found),
        said=_shares([share for share, _, _ in said]),
        found=_shares([region.share for region in found]),
    )


def _same_regions(said: Sequence[tuple[float, float, float]], found: Sequence[RegionShare]) -> bool:
    """Tell whether every region that counts is there again, and none that counts is new."""
    again = [(region.share, region.x, region.y) for region in found]
    return all(
        any(
            abs(share - other) <= _SHARE_TOLERANCE and hypot(x - x2, y - y2) <= _PLACE_TOLERANCE
            for other, x2, y2 in those
        )
        for these, those in ((said, again), (again, said))
        for share, x, y in these
        if share >= _COUNTS
    )


def _shares(shares: Sequence[float]) -> str:
    return ", ".join(f"{share:.1%}" for share in shares) or "none"


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
