"""Records as JSOC lists them, their quality, files and images."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntFlag, StrEnum
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

    @classmethod
    def from_keywords(  # noqa: PLR0913 - one parameter per keyword
        cls,
        *,
        crpix1: float,
        crpix2: float,
        cdelt1: float,
        crota2: float,
        rsun_obs: float,
        crlt_obs: float,
        crln_obs: float,
    ) -> "Geometry":
        """Take HMI's keywords: pixels from 1, arcsec per pixel, degrees, arcsec, degrees."""
        return cls(
            centre_x_px=crpix1 - 1,
            centre_y_px=crpix2 - 1,
            radius_px=rsun_obs / cdelt1,
            arcsec_per_px=cdelt1,
            roll_deg=crota2,
            b0_deg=crlt_obs,
            carrington_deg=crln_obs,
        )


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


class Source(Protocol):
    """Where records come from; `flaremon.jsoc.Jsoc` is one."""

    name: str
    base_url: str
    """Where its paths start, for the provenance of a record."""

    def find(self, series: str, *, start: datetime, end: datetime) -> list[Record]:
        """Return the records of `series` with slots in [start, end), newest first, one per slot."""
        ...

    def download(self, record: Record, *, fresh: bool = False) -> StoredFile:
        """Return the complete file of a record, from the cache unless `fresh`, or the source."""
        ...


def newest_first(records: Iterable[Record]) -> list[Record]:
    """Sort records by slot, newest first (labels of one series sort as text)."""
    return sorted(records, key=lambda record: record.key.t_rec, reverse=True)
