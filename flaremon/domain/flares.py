"""Flare classes, events, and the windows in which they would occur."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from flaremon.errors import InputError


@dataclass(frozen=True, slots=True)
class FlareClass:
    """A GOES soft X-ray class such as M1.0, by its peak 1-8 Å flux."""

    letter: str
    factor: float

    @classmethod
    def parse(cls, text: str) -> "FlareClass":
        """Read ``M1``, ``M1.0`` or ``X10``.

        Raises
        ------
        InputError
            If it is not a class.
        """
        match = re.fullmatch(r"([ABCMX])(\d+(?:\.\d+)?)?", text.strip().upper())
        if match is None:
            raise InputError(f"{text!r} is not a flare class; write e.g. C1 or M2.5")
        return cls(match[1], float(match[2] or 1.0))

    @property
    def flux_w_m2(self) -> float:
        """Peak flux in W m-2."""
        return self.factor * float(
            {"A": 1e-8, "B": 1e-7, "C": 1e-6, "M": 1e-5, "X": 1e-4}[self.letter]
        )

    def __str__(self) -> str:
        return f"{self.letter}{self.factor:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The time in which an event would occur: ``(start, end]`` for flare starts, UTC.

    For events in progress start and end are the same instant.
    """

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class FlareEvent:
    """What is predicted; its id is used everywhere.

    ``M1+/24h``: at least one flare of class M1.0 or more starts in (t, t + 24 h].
    ``C1+/now``: a flare of class C1.0 or more is in progress at t.
    """

    threshold: FlareClass
    horizon: timedelta | None
    """None means now."""

    @classmethod
    def parse(cls, text: str) -> "FlareEvent":
        """Read an event id.

        Raises
        ------
        InputError
            If it is not one.
        """
        match = re.fullmatch(r"([CMX]\d+(?:\.\d+)?)\+/(?:(\d+)h|now)", text)
        if match is None:
            raise InputError(f"{text!r} is not an event; write e.g. M1+/24h or C1+/now")
        horizon = timedelta(hours=int(match[2])) if match[2] else None
        return cls(FlareClass.parse(match[1]), horizon)

    def window(self, t_obs: datetime) -> Window:
        """Return the window of a prediction made from an observation at `t_obs`."""
        return Window(start=t_obs, end=t_obs + (self.horizon or timedelta(0)))

    @property
    def in_words(self) -> str:
        """For people: ``flare of class M1 or more within 24 h``."""
        if self.horizon is None:
            return f"flare of class {self.threshold} or more in progress"
        return (
            f"flare of class {self.threshold} or more within {self.horizon // timedelta(hours=1)} h"
        )

    def __str__(self) -> str:
        when = "now" if self.horizon is None else f"{self.horizon // timedelta(hours=1)}h"
        return f"{self.threshold}+/{when}"
