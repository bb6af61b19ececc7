"""Rows in, rows out; takes a session, never commits.

Writing: `add_records`, `add_file`, `register_model`, `add_outcomes`. Writing the same thing
twice changes nothing, whoever wrote it first; the caller owns the transaction
(`flaremon.database.session_scope`).

Reading: `undecided` (what is left to do), `predictions`, `latest`, `rejections`,
`latest_rejections`, `known_hashes`, `newest_slot`, `count`. What comes back are domain objects,
never rows. Ranges are half-open, ``since <= t < until``, in aware UTC.
"""

from flaremon.store.outcomes import add_outcomes, register_model
from flaremon.store.queries import (
    count,
    known_hashes,
    latest_rejections,
    newest_slot,
    rejections,
)
from flaremon.store.records import add_file, add_records
from flaremon.store.stored import StoredPrediction, latest, predictions
from flaremon.store.todo import undecided

__all__ = [
    "StoredPrediction",
    "add_file",
    "add_outcomes",
    "add_records",
    "count",
    "known_hashes",
    "latest",
    "latest_rejections",
    "newest_slot",
    "predictions",
    "register_model",
    "rejections",
    "undecided",
]
