"""The things we talk about, as frozen dataclasses and enums; the vocabulary of the project.

Units are in the names or beside the fields. Instants are aware UTC; TAI stays a label.
"""

from flaremon.domain.flares import (
    FlareClass,
    FlareEvent,
    Window,
)
from flaremon.domain.matching import Duplicate, one_per_flare, pair_up
from flaremon.domain.outcomes import (
    Mode,
    ModelId,
    Outcome,
    Prediction,
    Refusal,
    Rejection,
    RejectionReason,
    Verdict,
)
from flaremon.domain.records import (
    SEGMENT,
    SERIES_CADENCE_S,
    Calibration,
    Geometry,
    Magnetogram,
    Quality,
    QualityClass,
    Record,
    RecordKey,
    Source,
    StoredFile,
    newest_first,
    quality_class,
)
from flaremon.domain.truth import (
    SCALE_BREAK,
    ClassScale,
    Flare,
    FlareRevision,
    XrayState,
    class_of_flux,
)

__all__ = [
    "SCALE_BREAK",
    "SEGMENT",
    "SERIES_CADENCE_S",
    "Calibration",
    "ClassScale",
    "Duplicate",
    "Flare",
    "FlareClass",
    "FlareEvent",
    "FlareRevision",
    "Geometry",
    "Magnetogram",
    "Mode",
    "ModelId",
    "Outcome",
    "Prediction",
    "Quality",
    "QualityClass",
    "Record",
    "RecordKey",
    "Refusal",
    "Rejection",
    "RejectionReason",
    "Source",
    "StoredFile",
    "Verdict",
    "Window",
    "XrayState",
    "class_of_flux",
    "newest_first",
    "one_per_flare",
    "pair_up",
    "quality_class",
]
