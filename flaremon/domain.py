"""The things we talk about, as frozen dataclasses and enums; the vocabulary of the project.

Units are in the names or beside the fields. Instants are aware UTC; TAI stays a label.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, IntFlag, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from flaremon.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SERIES_CADENCE_S: Mapping[str, float] = {
    "hmi.M_720s_nrt": 720.0,
    "hmi.M_720s": 720.0,
    "hmi.M_45s": 45.0,
}
"""Series that flaremon knows how to read, with the step of their slots in seconds."""

SEGMENT = "magnetogram"
"""The segment of those series that is scored."""


class Calibration(StrEnum):
    """Whether a record is provisional or final (keyword QLOOK 1 or 0)."""

    NEAR_REAL_TIME = "near-real-time"
    DEFINITIVE = "definitive"


class Quality(IntFlag):
    """Named bits of HMI's QUALITY word (HMI_observables.c; jsoc.stanford.edu QUALITY.txt)."""

    NO_DATA = 0x80000000
    FEW_INTERPOLATION_POINTS = 0x10000
    KEYWORDS_FROM_NEIGHBOUR = 0x8000
    ISS_LOOP_OPEN = 0x4000
    LIMB_FIT_REJECTED_SOME = 0x800
    NO_COSMIC_RAY_LIST = 0x400
    ECLIPSE_A = 0x200
    """ECLIPSE in the published table, "no coefficient keyword" in the code."""
    ECLIPSE_B = 0x100
    """ECLIPSE in the code."""
    NOISY_FRAMELIST = 0x40
    POOR = 0x20
    """Eclipse, lunar transit, thermal recovery, open loop or camera anomaly."""


_AVOID = (
    Quality.ISS_LOOP_OPEN
    | Quality.ECLIPSE_A
    | Quality.ECLIPSE_B
    | Quality.NOISY_FRAMELIST
    | Quality.POOR
)


class QualityClass(StrEnum):
    """What may be done with a record of some QUALITY."""

    CLEAN = "clean"
    DEGRADED = "degraded"
    """Bits are set that do not spoil a magnetogram: scored, and the row says so."""
    AVOID = "avoid"
    """Eclipse, blur or camera trouble: an honest gap beats a bad answer, so it is rejected."""
    UNUSABLE = "unusable"
    """There is no image."""


def quality_class(quality: int, calibration: Calibration) -> QualityClass:
    """Class of a QUALITY word (unsigned).

    Cosmic-ray lists are never ready when near-real-time records are made, so 0x400 alone is
    clean there: requiring 0 would reject nearly everything.
    """
    if quality & Quality.NO_DATA:
        return QualityClass.UNUSABLE
    if quality & _AVOID:
        return QualityClass.AVOID
    nrt = calibration is Calibration.NEAR_REAL_TIME
    if quality == 0 or (nrt and quality == Quality.NO_COSMIC_RAY_LIST):
        return QualityClass.CLEAN
    return QualityClass.DEGRADED


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class RecordKey:
    """Identity of one DRMS record, printed as DRMS does."""

    series: str
    t_rec: str
    """Slot time as JSOC writes it, TAI, e.g. ``2024.06.28_00:00:00_TAI``."""
    harpnum: int = 0
    """HMI patch number; 0 for the full disk."""

    def __str__(self) -> str:
        patch = f"[{self.harpnum}]" if self.harpnum else ""
        return f"{self.series}{patch}[{self.t_rec}]"

    @property
    def file_stem(self) -> str:
        """Name for files of this record, as JSOC exports them: ``series.YYYYMMDD_HHMMSS_TAI``."""
        stamp = self.t_rec.replace(".", "").replace(":", "")
        patch = f".{self.harpnum}" if self.harpnum else ""
        return f"{self.series}{patch}.{stamp}"

    @classmethod
    def parse(cls, text: str) -> "RecordKey":
        """Read ``series[t_rec]`` (or ``series[harpnum][t_rec]``).

        Raises
        ------
        InputError
            If the text has another form.
        """
        match = re.fullmatch(r"([\w.]+?)(?:\[(\d+)\])?\[([\d.]+_[\d:]+_TAI)\]", text)
        if match is None:
            raise InputError(f"{text!r} is not a record; write hmi.M_720s[2024.06.28_00:00:00_TAI]")
        return cls(series=match[1], harpnum=int(match[2] or 0), t_rec=match[3])


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """Where the Sun is in the frame, for an array indexed ``[row, column]`` from 0."""

    centre_x_px: float
    """Column of the disk centre; the middle of the first column is 0 (FITS CRPIX1 - 1)."""
    centre_y_px: float
    radius_px: float
    """Radius of the solar disk (RSUN_OBS / CDELT1)."""
    arcsec_per_px: float
    roll_deg: float
    """CROTA2: the angle by which the image must be turned to have solar north up."""
    b0_deg: float = 0.0
    """Heliographic latitude of the disk centre (CRLT_OBS)."""
    carrington_deg: float = 0.0
    """Carrington longitude of the disk centre (CRLN_OBS)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One DRMS record as JSOC lists it."""

    key: RecordKey
    quality: int
    """QUALITY as an unsigned 32-bit word."""
    calibration: Calibration
    recnum: int = 0
    """DRMS record number: a slot that is processed again gets a new one under the same key."""
    t_obs: datetime | None = None
    """Mean time of the observation, UTC; None when there is no image."""
    processed_at: datetime | None = None
    """When JSOC made the record (DATE), UTC: the clock of latency."""
    geometry: Geometry | None = None
    segment_path: str | None = None
    """Path of the file at the source, ``/SUM.../magnetogram.fits``; None when not on disk."""
    keywords: Mapping[str, str] = field(default_factory=dict)
    """Keywords as the source wrote them, all strings; the SUMS file has none of its own."""

    @property
    def quality_class(self) -> QualityClass:
        """What may be done with the record."""
        return quality_class(self.quality, self.calibration)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A complete file in the cache."""

    path: Path
    size_bytes: int
    sha256: str
    url: str
    fetched_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Magnetogram:
    """Line-of-sight magnetic field of the whole disk."""

    field_gauss: "NDArray[np.float32]"
    """Shape (rows, columns), gauss; NaN where nothing was measured."""
    geometry: Geometry
    t_obs: datetime
    name: str
    """Record key or file name, for messages."""
    key: RecordKey | None = None
    quality: int = 0
    saturation_gauss: float | None = None
    """For 8-bit images, the field at which the picture was clipped."""


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
    threshold: float
    """Probability from which the answer is "flare"; comes with the package."""
    issued_at: datetime
    mode: Mode
    device: str
    software: str
    """flaremon version that made it."""
    run_id: str
    """Prefect flow run, or ``cli-...`` for runs without Prefect."""

    @property
    def flare(self) -> bool:
        """The yes/no answer."""
        return self.probability >= self.threshold

    @property
    def latency(self) -> timedelta:
        """Age of the observation when the answer was given."""
        return self.issued_at - self.t_obs


class RejectionReason(StrEnum):
    """Why a record was deliberately not predicted."""

    QUALITY = "quality"
    NO_FILE = "no-file"
    """The record has no image on disk at the source, and none can be had."""
    MISSING_KEYWORDS = "missing-keywords"
    GEOMETRY = "geometry"
    DISK_OUTSIDE_FRAME = "disk-outside-frame"
    MISSING_PIXELS = "missing-pixels"
    BLANK = "blank"
    CONSTANT = "constant"
    SATURATED = "saturated"
    STALE = "stale"
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


class Source(Protocol):
    """Where records come from; `flaremon.jsoc.Jsoc` is one."""

    name: str

    def find(self, series: str, *, start: datetime, end: datetime) -> list[Record]:
        """Return the records of `series` with slots in [start, end), newest first, one per slot."""
        ...

    def download(self, record: Record) -> StoredFile:
        """Return the complete file of a record, from the cache or from the source."""
        ...


class Verdict(Enum):
    """States of an answer about now; the values are the exit codes of the command line."""

    NO_FLARE = 0
    FLARE = 1
    UNKNOWN = 2
    ERROR = 3


Outcome = Prediction | Rejection
"""What became of a record."""


def newest_first(records: Iterator[Record] | list[Record]) -> list[Record]:
    """Sort records by slot, newest first (labels of one series sort as text)."""
    return sorted(records, key=lambda record: record.key.t_rec, reverse=True)
