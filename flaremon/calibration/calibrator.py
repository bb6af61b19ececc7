"""A calibrator: for each event, maps by recent activity, and the threshold that goes with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np

from flaremon.calibration.curves import Curve, Method
from flaremon.domain import ActivityLevel, FlareEvent
from flaremon.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCalibration:
    """How one event is calibrated."""

    curves: Mapping[ActivityLevel, Curve]
    """Always one under ``unknown``: fitted to all hours, for when nobody knows the activity. Under
    ``active`` and ``quiet`` only where there were events enough to fit one."""
    threshold: float
    """Calibrated probability from which the answer is "flare"."""
    threshold_from: str
    """How it was chosen."""

    def curve(self, level: ActivityLevel) -> Curve:
        """Return the map for a level; the unconditional one where the level has none."""
        return self.curves.get(level, self.curves[ActivityLevel.UNKNOWN])


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a calibrator was fitted to."""

    since: str
    until: str
    """First and last case (time of observation), UTC with Z."""
    source: str
    """Where the cases are from: ``predictions``, or the names of files."""
    modes: str
    """Modes of the predictions, as in ``hindcast, live``; empty when others made them."""
    truth: str
    """The flare list and its version."""
    cases_sha256: str
    """Of all cases: the same data give the same calibrator."""


@dataclass(frozen=True, kw_only=True)
class Calibrator:
    """From what a model says, given recent activity, to probabilities."""

    model: str
    """``name@version``, or the name of others' forecasts."""
    weights_sha256: str | None
    """Of the model; None for others' forecasts."""
    method: Method
    """Asked for; each map says its own."""
    events: Mapping[FlareEvent, EventCalibration]
    origin: Origin
    software: str
    fitted_at: datetime
    """Not part of the document: the same data give the same calibrator at any time."""

    @cached_property
    def sha256(self) -> str:
        """Hash of the document."""
        from flaremon.calibration.document import as_document, sha256_of  # noqa: PLC0415 - a circle

        return sha256_of(as_document(self))

    @property
    def id(self) -> str:
        """First 12 digits of the hash: what predictions name."""
        return self.sha256[:12]

    def answers(self, event: FlareEvent) -> bool:
        """Tell whether it calibrates an event."""
        return event in self.events

    def asks(self, event: FlareEvent) -> bool:
        """Tell whether recent activity matters for an event.

        It does not for flares in progress: the flare itself would be the recent activity, and
        GOES's answer would pass for the network's.
        """
        return self.answers(event) and event.horizon is not None

    def apply(self, event: FlareEvent, raw: float, level: ActivityLevel) -> float:
        """Return the calibrated probability of one raw one.

        Parameters
        ----------
        event : FlareEvent
        raw : float
            What the network says, 0 to 1.
        level : ActivityLevel
            Recent activity; unknown takes the unconditional map.

        Raises
        ------
        InputError
            If it does not calibrate the event.
        """
        return float(self._of(event).curve(level).apply(np.asarray(raw)))

    def threshold(self, event: FlareEvent) -> float:
        """Return the calibrated probability from which the answer is "flare".

        Raises
        ------
        InputError
            If it does not calibrate the event.
        """
        return self._of(event).threshold

    def _of(self, event: FlareEvent) -> EventCalibration:
        try:
            return self.events[event]
        except KeyError:
            known = ", ".join(map(str, self.events))
            raise InputError(f"calibrator {self.id} is for {known}, not for {event}") from None
