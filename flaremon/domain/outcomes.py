"""What becomes of a record: predictions by a model, or a rejection."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum

from flaremon.domain.activity import ActivityLevel
from flaremon.domain.flares import FlareEvent, Window
from flaremon.domain.records import RecordKey
from flaremon.domain.regions import RegionShare
from flaremon.errors import InputError


@dataclass(frozen=True, slots=True, order=True)
class ModelId:
    """Name and version of a trained network, written ``name@version``."""

    name: str
    version: str

    @classmethod
    def parse(cls, text: str) -> "ModelId":
        """Read ``name@version``.

        Raises
        ------
        InputError
            If the text has another form (also when it could leave the models folder).
        """
        match = re.fullmatch(r"([a-z0-9][a-z0-9-]*)@(\d+\.\d+\.\d+)", text)
        if match is None:
            raise InputError(
                f"{text!r} is not a model; write name@version, e.g. fulldisk-cnn@1.0.0"
            )
        return cls(match[1], match[2])

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


class Mode(StrEnum):
    """Whether a prediction was issued in time to be a forecast; the two never mix."""

    LIVE = "live"
    HINDCAST = "hindcast"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One model's probability for one event from one record."""

    key: RecordKey
    t_obs: datetime
    model: ModelId
    event: FlareEvent
    window: Window
    score: float
    """What the network says before calibration (a logit or a rate; the package tells)."""
    probability: float
    """The one that stands: calibrated where a calibrator is in use."""
    threshold: float
    """Probability from which the answer is "flare"; comes with the calibrator or the package."""
    issued_at: datetime
    mode: Mode
    device: str
    software: str
    """flaremon version that made it."""
    run_id: str
    """Prefect flow run, or ``cli-...`` for runs without Prefect."""
    raw_probability: float | None = None
    """What the network says; None where there is no calibrator, and `probability` is just that."""
    calibrator: str | None = None
    """Id of the calibrator, the first 12 digits of its SHA-256."""
    activity: ActivityLevel | None = None
    """Recent activity as the calibrator was given it, "unknown" where nobody could tell. None where
    neither network nor calibrator asks."""
    activity_source: str | None = None
    """Flare list that told it, and as of when."""
    spread: float | None = None
    """Standard deviation of the probability over the members of an ensemble."""
    regions: tuple[RegionShare, ...] | None = None
    """What each region contributes, greatest first; empty when none stands out. None where the
    network makes no map, and where they were not kept or not asked for."""

    @property
    def flare(self) -> bool:
        """The yes/no answer."""
        return self.probability >= self.threshold

    @property
    def in_training(self) -> bool:
        """Whether its network was itself fitted to say probabilities, given recent flares.

        Only such a network and a calibrator ask for recent activity.
        """
        return self.calibrator is None and self.activity is not None

    @property
    def knew_flares(self) -> bool:
        """Whether a list answered for recent flares, and the network was given them if it asks.

        The level may be unknown all the same, while a flare in progress has no class.
        """
        return " as of " in (self.activity_source or "")

    @property
    def calibrated(self) -> bool:
        """Whether the probability was fitted as one, by a calibrator or in training."""
        return self.calibrator is not None or self.in_training

    @property
    def latency(self) -> timedelta:
        """Age of the observation when the answer was given."""
        return self.issued_at - self.t_obs


class RejectionReason(StrEnum):
    """Why a record was deliberately not predicted."""

    QUALITY = "quality"
    MISSING_KEYWORDS = "missing-keywords"
    GEOMETRY = "geometry"
    DISK_OUTSIDE_FRAME = "disk-outside-frame"
    MISSING_PIXELS = "missing-pixels"
    BLANK = "blank"
    CONSTANT = "constant"
    SATURATED = "saturated"
    STALE = "stale"
    """The observation is not of the slot that lists it."""
    FUTURE = "future"
    DUPLICATE_IMAGE = "duplicate-image"
    UNREADABLE = "unreadable"
    """The complete file is not what the record says."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a gate says before anybody knows which run it belongs to."""

    reason: RejectionReason
    detail: str
    """One sentence with the numbers that led to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A record that was deliberately not predicted, and why."""

    key: RecordKey
    reason: RejectionReason
    detail: str
    """One sentence with the numbers that led to it."""
    decided_at: datetime
    run_id: str
    recnum: int = 0
    """The record number that was rejected: a newer one under the same key is tried again."""
    t_obs: datetime | None = None
    software: str = ""


class Verdict(Enum):
    """States of an answer about now; the values are the exit codes of the command line."""

    NO_FLARE = 0
    FLARE = 1
    UNKNOWN = 2
    ERROR = 3


Outcome = Prediction | Rejection
"""What became of a record."""
