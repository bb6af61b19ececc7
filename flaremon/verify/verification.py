"""Forecasts against what happened, beside persistence and trailing climatology."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from flaremon.domain import FlareEvent
from flaremon.errors import InputError
from flaremon.verify.baselines import persistence, trailing_climatology
from flaremon.verify.blocks import BlockName, blocks_of
from flaremon.verify.forecasts import Forecast
from flaremon.verify.judging import Figure, Hours, Judgement, differences, judge
from flaremon.verify.labels import UNKNOWN, YES, FlareList, Times, label, looked_at
from flaremon.verify.sums import Threshold

if TYPE_CHECKING:
    from flaremon.store import OutcomeTable

PERSISTENCE, TRAILING = "persistence", "trailing climatology"
DEFAULT_THRESHOLD = 0.5
MIN_EVENTS = 10
"""With fewer forecasts of either outcome no score is printed: one more or less moves a share of
them by a tenth, which is as much as what separates the best published forecasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrap:
    """How intervals are made."""

    repeats: int = 1000
    """0 for no intervals."""
    seed: int = 0
    block: BlockName = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Hours that are not judged, and why."""

    pending: int
    """The flare list ends before their window does, or nobody has decided it yet."""
    unknown: int
    """The flare list does not answer for all of their window."""
    no_baseline: int
    """What happened before is unknown, so a baseline has no answer."""
    not_shared: int
    """Not every one of the compared forecasts has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What forecasts of one event were worth on the same hours."""

    event: FlareEvent
    start: np.datetime64 | None
    end: np.datetime64 | None
    """First and last judged hour, UTC."""
    n: int
    events: int
    left: Left
    blocks: int
    block: str
    bootstrap: Bootstrap
    judgements: tuple[Judgement, ...]
    """The forecasts in their order, then persistence and trailing climatology."""
    over: Mapping[str, Mapping[str, Figure]]
    """For each further judgement's name: figures of the first minus its, from the same draws."""
    uninformed: Mapping[str, int] = field(default_factory=dict)
    """Judged hours answered without recent flares, per forecast that answers those otherwise."""
    why_no_figures: str | None = None

    @property
    def mixed(self) -> bool:
        """Whether answers with and without recent flares are judged as one, or compared."""
        return 0 < sum(self.uninformed.values()) < self.n * len(self.uninformed)

    @property
    def base_rate(self) -> float:
        """Share of the judged hours with an event; NaN without hours."""
        return self.events / self.n if self.n else float("nan")


def verify(
    forecasts: Sequence[Forecast],
    flares: FlareList,
    *,
    threshold: float | None = None,
    bootstrap: Bootstrap = Bootstrap(),
    outcomes: "OutcomeTable | None" = None,
) -> Verification:
    """Judge forecasts of one event on the hours that all of them have.

    Hours whose outcome is unknown, or pending, or for which a baseline has no answer, are left
    out and counted: never taken as quiet.

    Parameters
    ----------
    forecasts
        One, or several to compare the first with the others.
    flares : FlareList
        What happened; the baselines are computed from it.
    threshold : float, optional
        From which probability on an answer is "flare", for all. By default each forecast's own,
        or `DEFAULT_THRESHOLD` where it has none. It is never chosen on the judged hours.
    bootstrap : Bootstrap
        Of the intervals.
    outcomes : OutcomeTable, optional
        What was decided about the windows of the event; they count then, and not what the list
        says by now. Windows without outcome are pending.

    Raises
    ------
    InputError
        If the forecasts are for different events, or share a name.
    """
    event = _one_event(forecasts)
    hours, left, probabilities = judged_hours(forecasts, flares, bootstrap.block, outcomes=outcomes)
    quiet = len(hours.labels) - int(hours.labels.sum())
    result = Verification(
        event=event,
        start=hours.times.min() if len(hours.times) else None,
        end=hours.times.max() if len(hours.times) else None,
        n=len(hours.times),
        events=int(hours.labels.sum()),
        left=left,
        blocks=hours.count,
        block=hours.block,
        bootstrap=bootstrap,
        judgements=(),
        over={},
        uninformed={
            forecast.name: int((~forecast.informed[np.isin(forecast.times, hours.times)]).sum())
            for forecast in forecasts
            if forecast.informed is not None
        },
    )
    enough = min(result.events, quiet) >= MIN_EVENTS
    repeats = bootstrap.repeats if enough else 0
    names = [*(forecast.name for forecast in forecasts), PERSISTENCE, TRAILING]
    at = thresholds(forecasts, hours.times, threshold)
    judgements, drawn = judge(
        hours,
        dict(zip(names, zip(probabilities, at, strict=True), strict=True)),
        repeats=repeats,
        seed=bootstrap.seed,
    )
    if not enough:
        return replace(
            result,
            judgements=tuple(replace(item, figures={}, reliability=()) for item in judgements),
            why_no_figures=_too_few(result.events, quiet, event)
            if result.n
            else _nothing(left, event, flares),
        )
    over = differences(judgements, drawn)
    return replace(result, judgements=judgements, over=over)


def compare(
    one: Forecast, other: Forecast, flares: FlareList, *, bootstrap: Bootstrap | None = None
) -> Mapping[str, Figure]:
    """Return the figures of one forecast minus another's on the hours that both have.

    Both see the same draws of blocks, so the intervals are those of paired differences: where one
    excludes zero, the difference is more than the choice of hours. Empty with too few events.
    """
    done = verify([one, other], flares, bootstrap=bootstrap or Bootstrap())
    return done.over.get(other.name, {})


def judged_hours(
    forecasts: Sequence[Forecast],
    flares: FlareList,
    block: BlockName,
    *,
    outcomes: "OutcomeTable | None" = None,
) -> tuple[Hours, Left, list[NDArray[np.float64]]]:
    """Return the hours that can be judged, and the probabilities of all forecasters on them.

    The baselines are the last two: persistence, trailing climatology.
    """
    event = _one_event(forecasts)
    times = forecasts[0].times
    for forecast in forecasts[1:]:
        times = np.intersect1d(times, forecast.times, assume_unique=True)
    union = np.unique(np.concatenate([forecast.times for forecast in forecasts]))
    values = [f.probabilities[np.searchsorted(f.times, times)] for f in forecasts]
    if len(times) == 0:
        empty = np.zeros(0)
        nothing = Left(pending=0, unknown=0, no_baseline=0, not_shared=len(union))
        hours = Hours(times, empty.astype(np.int8), empty, empty.astype(np.intp), "day")
        return hours, nothing, [empty] * (len(forecasts) + 2)
    outcome, late = _outcome(event, times, flares, outcomes)
    last, climate = persistence(flares, event, times), trailing_climatology(flares, event, times)
    unsure = outcome == UNKNOWN
    blind = ~unsure & (np.isnan(last) | np.isnan(climate))
    left = Left(
        pending=int(late.sum()),
        unknown=int((unsure & ~late).sum()),
        no_baseline=int(blind.sum()),
        not_shared=len(union) - len(times),
    )
    known = ~unsure & ~blind
    blocks, name = blocks_of(times[known], block)
    labels = (outcome[known] == YES).astype(np.int8)
    hours = Hours(times[known], labels, climate[known], blocks, name)
    return hours, left, [p[known] for p in (*values, last, climate)]


def thresholds(
    forecasts: Sequence[Forecast], times: Times, given: float | None = None
) -> list[tuple[Threshold, str]]:
    """Return the thresholds of the forecasts at their times, and of the two baselines.

    Each comes with where it is from. The baselines have that of the model that answers, or,
    where it is not among the forecasts, of the first.
    """
    own = [_threshold(forecast, times, given) for forecast in forecasts]
    lender = next((k for k, forecast in enumerate(forecasts) if forecast.answers), 0)
    return [*own, *[(own[lender][0], borrowed_from(forecasts[lender].name))] * 2]


def borrowed_from(name: str) -> str:
    """Return where a baseline's threshold is from, that has none itself."""
    return f"that of {name}"


def _outcome(
    event: FlareEvent, times: Times, flares: FlareList, outcomes: "OutcomeTable | None"
) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """Return `YES`, `NO` or `UNKNOWN`, and which of the unknown are pending."""
    if outcomes is None:
        state = label(flares, event, times)
        return state, (state == UNKNOWN) & (looked_at(event, times)[1] > flares.ends)
    state = np.full(len(times), UNKNOWN, dtype=np.int8)
    place = np.searchsorted(outcomes.starts, times)
    decided = place < len(outcomes.starts)
    decided[decided] = outcomes.starts[place[decided]] == times[decided]
    state[decided] = outcomes.state[place[decided]]
    return state, ~decided


def _one_event(forecasts: Sequence[Forecast]) -> FlareEvent:
    if len({forecast.event for forecast in forecasts}) != 1:
        raise InputError("forecasts of one and the same event are needed")
    names = [forecast.name for forecast in forecasts] + [PERSISTENCE, TRAILING]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"more than one forecast is called {', '.join(twice)}; rename a file")
    return forecasts[0].event


def _threshold(forecast: Forecast, times: Times, given: float | None) -> tuple[Threshold, str]:
    if given is not None:
        return given, "given by the caller"
    if forecast.thresholds is not None:
        here = forecast.thresholds[np.searchsorted(forecast.times, times)]
        return here, "the forecaster's, changing"
    if forecast.threshold is not None:
        return forecast.threshold, "the forecaster's own"
    return DEFAULT_THRESHOLD, "the default"


def _nothing(left: Left, event: FlareEvent, flares: FlareList) -> str:
    """Say why there is no hour to judge."""
    reasons = {
        "pending (not over, or not decided yet)": left.pending,
        _why_unknown(event, flares): left.unknown,
        "whose past is unknown to the baselines": left.no_baseline,
        "that not all forecasts have": left.not_shared,
    }
    found = {words: count for words, count in reasons.items() if count}
    total = sum(found.values())
    if len(found) == 1:
        return f"{total:,} hours, all {next(iter(found))}"
    return f"{total:,} hours: " + ", ".join(f"{count:,} {words}" for words, count in found.items())


def _why_unknown(event: FlareEvent, flares: FlareList) -> str:
    if event.horizon is None and not any(period.has_ends for period in flares.coverage):
        return "unknown: the flare list has no end times, which flares in progress need"
    return "unknown: the flare list has no answer"


def _too_few(events: int, quiet: int, event: FlareEvent) -> str:
    few, what = (events, "with") if events < MIN_EVENTS else (quiet, "without")
    return f"too few events: {few} forecasts {what} {event}, {MIN_EVENTS} needed"
