"""What became of the windows that were forecast, and what flare lists can answer for."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from flaremon.domain.flares import FlareClass, FlareEvent, Window
from flaremon.domain.outcomes import Mode, ModelId

LEAST_FLUX_W_M2 = 1e-9
"""Flux that stands in the row of a gap: nothing is known of it, from the least flux on."""


class OutcomeState(StrEnum):
    """How far we are with a window."""

    PENDING = "pending"
    """It is not over yet, or the flare list has not caught up; nothing is stored."""
    UNKNOWN = "unknown"
    """The list does not answer for all of it: a gap is not quiet."""
    SCORED = "scored"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventOutcome:
    """What a flare list says became of a window, from an instant on."""

    event: FlareEvent
    window: Window
    state: OutcomeState
    """Never pending: that is no outcome."""
    flare: bool | None
    """None iff unknown."""
    flares: int | None = None
    """How many flares of the event are in the window."""
    largest: FlareClass | None = None
    """Class of the largest, on the scale of true flux."""
    location: str = ""
    """Heliographic position of the largest, as ``N12E32``; empty when unknown."""
    why: str = ""
    """Why it is unknown."""
    catalog: str
    catalog_as_of: datetime
    """When the list had last been read or changed: its version."""
    decided_at: datetime
    revision: int = 1
    """1 for the first verdict; more when the list was revised or completed since."""

    @property
    def facts(self) -> tuple[object, ...]:
        """What makes a revision when it changes."""
        largest = None if self.largest is None else str(self.largest)
        return (self.state, self.flare, self.flares, largest, self.location)


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogPeriod:
    """A period that a flare list answers for, or a gap in one."""

    catalog: str
    start: datetime
    end: datetime
    """Exclusive."""
    flux_w_m2: float
    """Complete from this 1-8 Å flux on; `LEAST_FLUX_W_M2` for a gap."""
    has_ends: bool
    """Whether end times are listed, without which nobody knows what was in progress."""
    gap: bool = False
    source: str = ""
    """Product or file that says so."""


class ForecasterKind(StrEnum):
    """Who forecasts without a magnetogram of ours."""

    BASELINE = "baseline"
    """Persistence, trailing climatology: computed from the flare list."""
    OFFICIAL = "official"
    """NOAA's own forecast."""
    EXTERNAL = "external"
    """Other people's, imported from files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """A probability that was not made from a record of ours."""

    forecaster: ModelId
    event: FlareEvent
    window: Window
    probability: float
    threshold: float | None = None
    """Probability from which the forecaster says "flare"; None where it says none."""
    issued_at: datetime
    mode: Mode
    source: str
    """Product, file or flare list (and as of when) that it is from."""
