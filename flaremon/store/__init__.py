"""Rows in, rows out; takes a session, never commits.

Writing: `add_records`, `add_file`, `register_model`, `add_outcomes`, `add_flares`, `add_xray`.
Writing the same thing twice changes nothing, whoever wrote it first; the caller owns the
transaction (`flaremon.database.session_scope`).

Reading: `undecided` (what is left to do), `predictions`, `latest`, `rejections`,
`waiting`, `base_urls`, `known_hashes`, `count`, `flares`
(now, or as they were known), `flare_history`, `latest_xray`. What comes back are domain objects,
never rows. Ranges are half-open, ``since <= t < until``, in aware UTC.
"""

from flaremon.store.outcomes import add_outcomes, register_model
from flaremon.store.queries import (
    base_urls,
    count,
    known_hashes,
    rejections,
)
from flaremon.store.records import add_file, add_records
from flaremon.store.stored import StoredPrediction, latest, predictions
from flaremon.store.todo import undecided, waiting
from flaremon.store.truth import Added, add_flares, flare_history, flares
from flaremon.store.xrays import add_xray, latest_xray

__all__ = [
    "Added",
    "StoredPrediction",
    "add_file",
    "add_flares",
    "add_outcomes",
    "add_records",
    "add_xray",
    "base_urls",
    "count",
    "flare_history",
    "flares",
    "known_hashes",
    "latest",
    "latest_xray",
    "predictions",
    "register_model",
    "rejections",
    "undecided",
    "waiting",
]
