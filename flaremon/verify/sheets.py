"""The sheets of a verification: one per forecast, per comparison, or per part of a forecast."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from flaremon.verify.evidence import Evidence
from flaremon.verify.forecasts import Forecast
from flaremon.verify.parts import LIMB_DEG, By, by_activity, by_flares, by_position
from flaremon.verify.verification import Bootstrap, Verification, verify


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """How forecasts are to be judged."""

    threshold: float | None = None
    bootstrap: Bootstrap = field(default_factory=Bootstrap)
    limb_deg: float = LIMB_DEG

    def judge(self, group: Sequence[Forecast], evidence: Evidence) -> Verification:
        """Judge forecasts on the hours that all of them have."""
        return verify(
            group,
            evidence.flares,
            threshold=self.threshold,
            bootstrap=self.bootstrap,
            outcomes=evidence.outcomes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One verification."""

    group: tuple[Forecast, ...]
    done: Verification
    part: str = ""
    """Which part of the forecast it is; empty for all of it."""
    left_out: int = 0
    """Forecasts that are in no part, since nobody knows in which."""

    @property
    def title(self) -> str:
        """What it is about."""
        return " and ".join(forecast.name for forecast in self.group)


def whole(groups: Sequence[Sequence[Forecast]], evidence: Evidence, ask: Ask) -> Iterator[Sheet]:
    """Judge each group of forecasts on the hours that all of the group have."""
    for group in groups:
        yield Sheet(group=tuple(group), done=ask.judge(group, evidence))


def in_parts(
    forecasts: Sequence[Forecast], by: By, evidence: Evidence, ask: Ask
) -> Iterator[Sheet]:
    """Judge the parts of each forecast; models and modes are forecasts of their own already."""
    for forecast in forecasts:
        if by == "activity":
            parts, left_out = by_activity(forecast, evidence.flares)
        elif by == "position":
            parts, left_out = by_position(forecast, evidence.flares, limb_deg=ask.limb_deg)
        elif by == "flares":
            parts, left_out = by_flares(forecast), 0
        else:
            parts, left_out = {"": forecast}, 0
        for part, piece in parts.items():
            done = ask.judge([piece], evidence)
            yield Sheet(group=(piece,), done=done, part=part, left_out=left_out)
