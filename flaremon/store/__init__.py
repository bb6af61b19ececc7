"""Rows in, rows out; takes a session, never commits.

Writing: `add_records`, `add_file`, `register_model`, `add_outcomes`, `add_flares`, `add_xray`,
`add_calibrator`, `add_periods`, `replace_gaps`, `register_forecaster`, `add_forecasts`,
`add_event_outcomes`, `add_promotion`, `add_noaa_regions`; `begin_run`, `run_listed`, `end_run`.
Writing the same thing twice changes nothing, whoever wrote it first; the caller owns the
transaction (`flaremon.database.session_scope`).

Reading: `undecided` (what is left to do), `lacking` (what a shadow has still to catch up),
`promotions`, `runs` and `did_it_already` (which policy was in force), `predictions`, `latest`,
`rejections`,
`waiting`, `base_urls`, `known_hashes`, `count`, `flares`
(now, or as they were known), `flare_history`, `latest_xray`, `periods` and
`catalog_as_of` (what lists answer for), `calibrator_documents`, `forecasts` and `forecasters`
(others than our models), `with_regions` and `noaa_regions` (which regions answers are from),
`windows_to_decide`, `scored_windows`, `pending_windows` and
`event_outcomes` (what became of windows), `windows_without` (somebody's forecast).
As arrays, for verification: `prediction_table`, `forecast_table`, `outcome_table`,
`who_said` and `said_and_happened`. What else comes back are
domain objects, never rows.
Over years, for backfills: `predicted_slots`, `rejected_slots`, `listed_slots`, `stored_records`,
`misses` (`add_misses` notes why a slot could not be had), `pairs`, `mean_file_bytes`.
Ranges are half-open, ``since <= t < until``, in aware UTC.
"""

from flaremon.store.calibrators import add_calibrator, calibrator_documents
from flaremon.store.event_outcomes import (
    LONGEST_LOCATION,
    add_event_outcomes,
    event_outcomes,
)
from flaremon.store.forecasts import (
    Span,
    add_forecasts,
    forecaster_spans,
    forecasters,
    forecasts,
    register_forecaster,
)
from flaremon.store.lacking import lacking
from flaremon.store.outcome_table import OutcomeTable, outcome_table
from flaremon.store.outcomes import add_outcomes, register_model
from flaremon.store.pairs import Pair, pairs
from flaremon.store.periods import (
    add_periods,
    catalog_as_of,
    catalogs,
    periods,
    replace_gaps,
)
from flaremon.store.prediction_rows import StoredPrediction
from flaremon.store.prediction_table import (
    ProbabilityTable,
    forecast_table,
    prediction_table,
    who_said,
)
from flaremon.store.promotions import (
    Promotion,
    Tenure,
    add_promotion,
    events_of,
    promotions,
)
from flaremon.store.provenance import (
    ListedRecord,
    RegisteredModel,
    listed_record,
    nearest_keys,
    registered_model,
    registered_models,
    rejections_of,
)
from flaremon.store.queries import (
    base_urls,
    count,
    known_hashes,
    rejections,
)
from flaremon.store.records import add_file, add_records
from flaremon.store.regions import disk_centres, with_regions
from flaremon.store.reliability import said_and_happened
from flaremon.store.runs import (
    Job,
    RunNote,
    begin_run,
    did_it_already,
    end_run,
    run_listed,
    runs,
)
from flaremon.store.slots import (
    Miss,
    MissReason,
    SlotRange,
    add_misses,
    imageless_slots,
    listed_slots,
    mean_file_bytes,
    misses,
    predicted_slots,
    rejected_slots,
    stored_records,
)
from flaremon.store.stored import latest, predictions, predictions_of
from flaremon.store.summaries import add_noaa_regions, noaa_regions
from flaremon.store.todo import undecided, waiting
from flaremon.store.trail import Said, answer_trail
from flaremon.store.truth import Added, add_flares, flare_history, flares
from flaremon.store.watch import newest_flare, newest_minute, peak_flux
from flaremon.store.windows import (
    Pending,
    WindowToDecide,
    answered_span,
    pending_windows,
    scored_windows,
    windows_to_decide,
    windows_without,
)
from flaremon.store.xrays import add_xray, latest_xray

__all__ = [
    "LONGEST_LOCATION",
    "Added",
    "Job",
    "ListedRecord",
    "Miss",
    "MissReason",
    "OutcomeTable",
    "Pair",
    "Pending",
    "ProbabilityTable",
    "Promotion",
    "RegisteredModel",
    "RunNote",
    "Said",
    "SlotRange",
    "Span",
    "StoredPrediction",
    "Tenure",
    "WindowToDecide",
    "add_calibrator",
    "add_event_outcomes",
    "add_file",
    "add_flares",
    "add_forecasts",
    "add_misses",
    "add_noaa_regions",
    "add_outcomes",
    "add_periods",
    "add_promotion",
    "add_records",
    "add_xray",
    "answer_trail",
    "answered_span",
    "base_urls",
    "begin_run",
    "calibrator_documents",
    "catalog_as_of",
    "catalogs",
    "count",
    "did_it_already",
    "disk_centres",
    "end_run",
    "event_outcomes",
    "events_of",
    "flare_history",
    "flares",
    "forecast_table",
    "forecaster_spans",
    "forecasters",
    "forecasts",
    "imageless_slots",
    "known_hashes",
    "lacking",
    "latest",
    "latest_xray",
    "listed_record",
    "listed_slots",
    "mean_file_bytes",
    "misses",
    "nearest_keys",
    "newest_flare",
    "newest_minute",
    "noaa_regions",
    "outcome_table",
    "pairs",
    "peak_flux",
    "pending_windows",
    "periods",
    "predicted_slots",
    "prediction_table",
    "predictions",
    "predictions_of",
    "promotions",
    "register_forecaster",
    "register_model",
    "registered_model",
    "registered_models",
    "rejected_slots",
    "rejections",
    "rejections_of",
    "replace_gaps",
    "run_listed",
    "runs",
    "said_and_happened",
    "scored_windows",
    "stored_records",
    "undecided",
    "waiting",
    "who_said",
    "windows_to_decide",
    "windows_without",
    "with_regions",
]
