"""The things we talk about, as frozen dataclasses and enums; the vocabulary of the project.

Units are in the names or beside the fields. Instants are aware UTC; TAI stays a label.
"""

from flaremon.domain.activity import ACTIVITY_REACH, ActivityLevel, RecentActivity
from flaremon.domain.flares import (
    FlareClass,
    FlareEvent,
    Window,
)
from flaremon.domain.happened import (
    LEAST_FLUX_W_M2,
    CatalogPeriod,
    EventOutcome,
    Forecast,
    ForecasterKind,
    OutcomeState,
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
from flaremon.domain.regions import LIMB_DEG, NoaaRegion, RegionShare, location
from flaremon.domain.truth import (
    SCALE_BREAK,
    ClassScale,
    Flare,
    FlareRevision,
    XrayState,
    class_of_flux,
)

__all__ = [
    "ACTIVITY_REACH",
    "LEAST_FLUX_W_M2",
    "LIMB_DEG",
    "SCALE_BREAK",
    "SEGMENT",
    "SERIES_CADENCE_S",
    "ActivityLevel",
    "Calibration",
    "CatalogPeriod",
    "ClassScale",
    "Duplicate",
    "EventOutcome",
    "Flare",
    "FlareClass",
    "FlareEvent",
    "FlareRevision",
    "Forecast",
    "ForecasterKind",
    "Geometry",
    "Magnetogram",
    "Mode",
    "ModelId",
    "NoaaRegion",
    "Outcome",
    "OutcomeState",
    "Prediction",
    "Quality",
    "QualityClass",
    "RecentActivity",
    "Record",
    "RecordKey",
    "Refusal",
    "RegionShare",
    "Rejection",
    "RejectionReason",
    "Source",
    "StoredFile",
    "Verdict",
    "Window",
    "XrayState",
    "class_of_flux",
    "location",
    "newest_first",
    "one_per_flare",
    "pair_up",
    "quality_class",
]
