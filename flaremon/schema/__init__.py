"""The tables.

::

    records ──< predictions >── models ──< calibrators
       │             └────────────│─────────────┘
       └─────< rejections         └──< promotions        misses

    predictions ──< region_shares

    flares ──< flare_revisions    catalog_periods    xray_samples    noaa_regions

    outcomes (of windows)         forecasters ──< forecasts         runs

One row of `records` per record key. What became of it is told by the rows that exist:
predicted, rejected, or neither (still to do). There is no status column that could
contradict them. Nothing is ever deleted or overwritten, with two exceptions: when JSOC makes
a record anew (a higher record number under the same key), `records` describes the new one,
and a period that a flare list answers for grows while the list is read. `misses` is a note and
no fact: why a slot could not be had the last time that somebody asked for it.
Predictions therefore carry the record number, quality and file hash they were made from.

What GOES observed stands beside it. A flare is its revisions: lists change classes, times and
regions for days, each change adds a row, and what was known at any earlier instant can be told.
So are outcomes: what a list made of a window, and made of it again after it was revised. They
belong to windows, so a prediction finds its outcome by event and start of the window.

`runs` says what each run was told to do: rows name the run that wrote them by its id.

Surrogate keys never leave this room, `store` and the database; everybody else says
`RecordKey` and `ModelId`.
"""

from flaremon.schema.base import Base, NaiveTimeError, UtcDateTime
from flaremon.schema.forecasts import ForecasterRow, ForecastRow
from flaremon.schema.promotions import PromotionRow
from flaremon.schema.records import (
    CalibratorRow,
    MissRow,
    ModelRow,
    PredictionRow,
    RecordRow,
    RejectionRow,
)
from flaremon.schema.regions import NoaaRegionRow, RegionShareRow
from flaremon.schema.runs import RunRow
from flaremon.schema.truth import (
    CatalogPeriodRow,
    FlareRevisionRow,
    FlareRow,
    OutcomeRow,
    XraySampleRow,
)

__all__ = [
    "Base",
    "CalibratorRow",
    "CatalogPeriodRow",
    "FlareRevisionRow",
    "FlareRow",
    "ForecastRow",
    "ForecasterRow",
    "MissRow",
    "ModelRow",
    "NaiveTimeError",
    "NoaaRegionRow",
    "OutcomeRow",
    "PredictionRow",
    "PromotionRow",
    "RecordRow",
    "RegionShareRow",
    "RejectionRow",
    "RunRow",
    "UtcDateTime",
    "XraySampleRow",
]
