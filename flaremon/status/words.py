"""The facts in words: what is and how sure first, what it rests on below."""

from collections.abc import Iterable

from flaremon.domain import ActivityLevel, Prediction, QualityClass, Verdict
from flaremon.status.ages import FactState, in_hours
from flaremon.status.changes import Change, Changes
from flaremon.status.cnn import Answer
from flaremon.status.facts import Facts
from flaremon.status.numbers import percent, percents
from flaremon.status.outlook import Outlook
from flaremon.status.whence import elsewhere
from flaremon.status.words_goes import goes_lines
from flaremon.times import iso_z

_MARGIN = " " * 9


def facts_in_words(facts: Facts) -> str:
    """Say all three facts, each under its name; the one that people ask for first."""
    blocks = []
    if facts.outlook:
        lines = [line for item in facts.outlook for line in _outlook_lines(item)]
        blocks.append("\n".join(["OUTLOOK", *lines]))
    if facts.cnn:
        blocks.append("\n".join(["CNN, from the newest magnetogram", _cnn_block(facts.cnn)]))
    blocks.append("\n".join(["GOES, X-rays", *goes_lines(facts.goes, facts)]))
    return "\n".join(blocks)


def in_words(item: Answer) -> str:
    """Say one answer of the network: the number and yes or no, then what it rests on."""
    return "\n".join([*_said(item), *_rests_on(item), *_newer(item)])


def yes_or_no(prediction: Prediction) -> str:
    """Say a prediction: ``14.5 %; flare: yes (from 14.2 %)``."""
    probability, threshold = percents(prediction.probability, prediction.threshold)
    answer = "yes" if prediction.flare else "no"
    return f"{probability}; flare: {answer} (from {threshold})"


def _cnn_block(answers: Iterable[Answer]) -> str:
    """Say several answers; what they rest on once, if it is the same."""
    answers = list(answers)
    grounds = {tuple(_rests_on(item) + _newer(item)) for item in answers}
    if len(grounds) > 1:
        return "\n".join(in_words(item) for item in answers)
    return "\n".join([*(line for item in answers for line in _said(item)), *grounds.pop()])


def _said(item: Answer) -> list[str]:
    p = item.prediction.prediction if item.prediction is not None else None
    if item.why_unknown is not None:
        lines = [f"{item.event!s:<8} {item.state.upper()} - {item.why_unknown}"]
        if p is not None:
            probability, threshold = percents(p.probability, p.threshold)
            lines.append(f"{_MARGIN}it said {probability} (flare from {threshold}){_by(p)}")
    else:
        assert p is not None  # noqa: S101 - there is one when the verdict is known
        lines = [f"{item.event!s:<8} {yes_or_no(p)}{_by(p)}"]
    if p is not None and item.event.horizon is None:
        lines.append(f"{_MARGIN}a magnetogram tells how active the Sun is; only X-rays see a flare")
    return lines


def _by(p: Prediction) -> str:
    if not p.calibrated:
        return "; uncalibrated"
    how = "calibrated in training" if p.in_training else "calibrated"
    if p.activity is ActivityLevel.UNKNOWN and p.knew_flares:
        return f"; {how}, while a flare in progress had no class yet"
    if p.activity is ActivityLevel.UNKNOWN:
        return f"; {how}, without recent activity, which was unknown"
    return f"; {how}, the Sun was {p.activity}" if p.activity is not None else f"; {how}"


def _rests_on(item: Answer) -> list[str]:
    if item.prediction is None or item.age is None:
        return []
    p = item.prediction.prediction
    lines = [f"{_MARGIN}observed {iso_z(p.t_obs)}, {in_hours(item.age)} ago; {p.model}, {p.mode}"]
    told = elsewhere(item.base_url)
    if told is not None:
        lines.append(f"{_MARGIN}source {told}")
    if item.prediction.quality_class is not QualityClass.CLEAN:
        lines.append(
            f"{_MARGIN}the record is {item.prediction.quality_class} "
            f"(QUALITY {item.prediction.quality:#x}): usable, with flaws"
        )
    return lines


def _newer(item: Answer) -> list[str]:
    lines = []
    newer = "newer " if item.prediction is not None else ""
    if item.rejected_since:
        newest = max(item.rejected_since, key=lambda r: r.key.t_rec)
        lines.append(
            f"{_MARGIN}{len(item.rejected_since)} {newer}record(s) were rejected, the newest "
            f"{newest.key}: {newest.reason}, {newest.detail}"
        )
    if item.waiting_since:
        lines.append(
            f"{_MARGIN}{len(item.waiting_since)} {newer}record(s) are listed and not scored yet, "
            f"the newest {item.waiting_since[0]}"
        )
    return lines


def _outlook_lines(item: Outlook) -> list[str]:
    beside = [f"climatology {percent(item.climatology.probability)}"]
    yes = {None: "unknown", True: "yes", False: "no"}
    happened = item.persistence.probability
    beside.append(f"persistence {yes[None if happened is None else happened >= 0.5]}")
    if item.official is not None:
        beside.append(f"NOAA {percent(item.official.probability)} today")
    others = f"({', '.join(beside)})"
    unknown = sorted(
        {b.source for b in (item.climatology, item.persistence) if b.probability is None}
    )
    reasons = [f"{_MARGIN}{why}" for why in unknown]
    if item.state is not FactState.OK:
        first = f"{item.event!s:<8} {item.state.upper()} - {item.why}"
        return [first, f"{_MARGIN}{others}", *reasons]
    assert item.probability is not None  # noqa: S101 - there is one when the state is OK
    usual = f": {item.usual}" if item.usual is not None else ""
    raw = "" if item.calibrated else " uncalibrated"
    first = f"{item.event!s:<8} {percent(item.probability)}{raw} {others}{usual}"
    return [first, *reasons, f"{_MARGIN}{_reliability(item)}"]


def _reliability(item: Outlook) -> str:
    found = item.reliability
    if found is None:
        return "how often a flare followed such an answer: not enough outcomes yet"
    return (
        f"when we said {found.low * 100:.0f}-{found.high * 100:.0f} %, a flare followed in "
        f"{percent(found.share)} (n = {found.n})"
    )


def changes_in_words(found: Changes, facts: Facts) -> str:
    """Say since when each fact has been so: ``M1+/24h  no flare since 2026-02-01T06:40:00Z``."""
    lines = [f"{event!s:<8} {_change(item, facts)}" for event, item in found.cnn]
    lines.append(f"{'GOES':<8} {_change(found.goes, facts)}")
    return "\n".join(lines)


def _change(item: Change, facts: Facts) -> str:
    if item.since is None:
        told = "nothing was ever known" if item.verdict is Verdict.UNKNOWN else "as far as is known"
        return f"{_VERDICTS[item.verdict]}, {told}"
    held = in_hours(facts.now - item.since)
    longer = " or longer" if item.at_least else ""
    told = f"{_VERDICTS[item.verdict]} since {iso_z(item.since)}, {held}{longer}"
    return f"{told}; {item.predictions} prediction(s)" if item.predictions else told


_VERDICTS = {
    Verdict.FLARE: "flare",
    Verdict.NO_FLARE: "no flare",
    Verdict.UNKNOWN: "UNKNOWN",
}
