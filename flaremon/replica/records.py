"""One record as the replica's database has it, and what all records of a series share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from flaremon.domain import SEGMENT, Quality
from flaremon.errors import FitsError
from flaremon.replica.blocks import read_hdus
from flaremon.replica.dating import Dating
from flaremon.replica.keywords import Value, as_text, from_header
from flaremon.times import slot_label

_USUAL_LAYOUT: Mapping[str, str] = {
    "dims": "4096x4096",
    "cparms": "compress Rice",
    "bzeros": "0",
    "bscales": "0.1",
}

CAMERA_MISSING = -2147483648
"""DRMS's missing integer; failed records have it for a camera."""


@dataclass(frozen=True, slots=True)
class Definition:
    """What is the same for all records of a series."""

    name: str
    cadence_s: float
    qlook: int
    note: str


DEFINITIONS: Mapping[str, Definition] = {
    definition.name: definition
    for definition in (
        Definition("hmi.M_45s", 45.0, 0, "magnetograms with a cadence of 45 seconds."),
        Definition("hmi.M_45s_nrt", 45.0, 1, "NRT magnetograms with a cadence of 45 seconds."),
        Definition("hmi.M_720s", 720.0, 0, "magnetograms with a cadence of 720 seconds."),
        Definition("hmi.M_720s_nrt", 720.0, 1, "NRT magnetograms with a cadence of 720 seconds."),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedRecord:
    """One record as the replica's database has it."""

    definition: Definition
    slot: int
    camera: int = 3
    quality: int = 0
    """Unsigned 32-bit word."""
    recnum: int = 0
    sums_dir: str = ""
    """``/SUM.../D.../S.....``"""
    path: Path | None = None
    """The file in the folder; None for a record without one."""
    version: int = 0
    """When that file was last changed, so that nothing stale is remembered (ns)."""
    date: str = ""
    """DATE as the file has it; of two records of one slot the later one counts."""
    online: bool = True
    dating: Dating = field(default_factory=Dating)
    missing: frozenset[str] = frozenset()
    """Keywords that are to look missing."""

    @property
    def t_rec(self) -> str:
        """The slot as a label in TAI."""
        return slot_label(self.slot, self.definition.cadence_s)

    @property
    def spec(self) -> str:
        """The record as DRMS prints it, ``series[T_REC][CAMERA]``."""
        return f"{self.definition.name}[{self.t_rec}][{self.camera}]"

    @property
    def has_image(self) -> bool:
        """Whether there is an image at all (QUALITY's sign bit is clear)."""
        return not self.quality & Quality.NO_DATA

    @property
    def segment_path(self) -> str | None:
        """Where the file lies in SUMS; None when it is not on disk."""
        if self.path is None or not self.online or not self.has_image:
            return None
        return f"{self.sums_dir}/{SEGMENT}.fits"

    def layout(self) -> Mapping[str, str]:
        """How the segment is stored, as ``rs_list`` tells it: dims, cparms, bzeros, bscales."""
        return _read_layout(self.path, self.version)

    def keywords(self) -> dict[str, Value]:
        """All keywords; a record without an image has only its identity and its date."""
        values = self.dating.apply(_read_keywords(self.path, self.version))
        if not self.has_image:
            values = {name: values[name] if name == "DATE" else None for name in values}
        values |= {"T_REC": self.t_rec, "CAMERA": self.camera, "QUALITY": self.quality}
        if self.path and self.has_image:
            values |= {"QLOOK": self.definition.qlook, "CADENCE": self.definition.cadence_s}
        return {name: None if name in self.missing else value for name, value in values.items()}


@lru_cache(maxsize=4096)
def _read_keywords(path: Path | None, version: int) -> Mapping[str, Value]:  # noqa: ARG001 - a key
    from astropy.io import fits  # noqa: PLC0415 - heavy, and the command line imports us

    nothing: Mapping[str, Value] = {"DATE": None}
    if path is None:
        return nothing
    try:
        return from_header(fits.Header.fromstring(read_hdus(path)[-1].cards))
    except (FitsError, OSError):
        # Removed or overwritten since the start; asking for the file will answer 404.
        return nothing


@lru_cache(maxsize=4096)
def _read_layout(path: Path | None, version: int) -> Mapping[str, str]:  # noqa: ARG001 - a key
    try:
        image = read_hdus(path)[-1] if path else None
    except (FitsError, OSError):
        image = None
    if image is None:
        return _USUAL_LAYOUT
    prefix = "Z" if image.value("ZIMAGE") else ""
    scale, zero = image.value("BSCALE"), image.value("BZERO")
    return {
        "dims": f"{image.value(f'{prefix}NAXIS1')}x{image.value(f'{prefix}NAXIS2')}",
        "cparms": "compress Rice" if prefix else "",
        "bzeros": as_text("BZERO", 0 if zero is None else zero),
        "bscales": as_text("BSCALE", 1 if scale is None else scale),
    }
