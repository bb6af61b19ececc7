"""What all pictures share: what they show, their title, and figures in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flaremon.verify.blocks import MIN_BLOCKS
from flaremon.verify.forecasts import Forecast
from flaremon.verify.judging import Figure, Hours, Judgement
from flaremon.verify.labels import FlareList
from flaremon.verify.sums import Probabilities, Threshold
from flaremon.verify.verification import Verification

if TYPE_CHECKING:
    from matplotlib import figure
    from matplotlib.axes import Axes

COLOURS = ("tab:blue", "tab:green", "tab:purple", "tab:brown")
PERSISTENCE_COLOUR, CLIMATE_COLOUR = "tab:orange", "dimgray"


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What the pictures show."""

    done: Verification
    forecasts: Sequence[Forecast]
    flares: FlareList
    hours: Hours
    probabilities: Sequence[Probabilities]
    """Of the forecasts, persistence and trailing climatology, in the order of the judgements."""
    thresholds: Sequence[Threshold]
    """In the same order."""

    @property
    def names(self) -> str:
        """The forecasts' names."""
        return " and ".join(forecast.name for forecast in self.forecasts)

    @property
    def rows(self) -> list[tuple[Judgement, Probabilities, str]]:
        """Every forecaster with its probabilities and its colour."""
        own = [COLOURS[k % len(COLOURS)] for k in range(len(self.forecasts))]
        colours = [*own, PERSISTENCE_COLOUR, CLIMATE_COLOUR]
        return list(zip(self.done.judgements, self.probabilities, colours, strict=True))


def canvas(
    story: Story,
    what: str,
    *,
    size: tuple[float, float],
    heights: tuple[float, ...] = (1,),
    note: str | None = None,
) -> "tuple[figure.Figure, list[Axes]]":
    """Return a figure with panels of one time or probability axis, below a title with n and P.

    `note` is the title's last line; by default it says how the intervals were made.
    """
    from matplotlib.figure import Figure as Picture  # noqa: PLC0415 - only pictures need it

    done = story.done
    picture = Picture(figsize=size, facecolor="white", layout="constrained")
    panels = picture.subplots(
        len(heights), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights}
    )
    span = f"{str(done.start)[:10]} to {str(done.end)[:10]}" if done.n else "nothing judged"
    rate = f"base rate {done.base_rate:.1%}" if done.n else ""
    picture.suptitle(
        f"{what}: {story.names}\n{done.event}, {span} UTC, n = {done.n:,}, "
        f"P = {done.events:,}, {rate}\n{_intervals(done) if note is None else note}",
        fontsize=10.5,
    )
    for axes in panels[:, 0]:
        axes.grid(alpha=0.25, lw=0.6)
    return picture, list(panels[:, 0])


def words(figure: Figure | None) -> str:
    """Write a figure with its interval."""
    if figure is None or figure.value is None:
        return "undefined"
    if figure.low is None or figure.high is None:
        return f"{figure.value:z.3f}"
    return f"{figure.value:z.3f} [{figure.low:z.3f}, {figure.high:z.3f}]"


def at(judgement: Judgement) -> str:
    """Write a threshold."""
    return "its thresholds" if judgement.threshold is None else f"{judgement.threshold:.3g}"


def bounds(figure: Figure) -> tuple[float, float]:
    """Return the interval, NaN where there is none."""
    nan = float("nan")
    return (
        nan if figure.low is None else figure.low,
        nan if figure.high is None else figure.high,
    )


def _intervals(done: Verification) -> str:
    if not done.bootstrap.repeats or done.why_no_figures is not None or done.blocks < MIN_BLOCKS:
        return done.why_no_figures or "no intervals"
    return f"shaded: 95 % intervals from {done.blocks:,} blocks (each a {done.block})"
