"""What a run did, and what it could not do this time."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from flaremon.domain import Outcome, Prediction, Record, RecordKey, Rejection, StoredFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A record that could not be decided this time; the next run tries again."""

    key: RecordKey
    error: str
    retriable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A record with its complete file."""

    record: Record
    file: StoredFile


@dataclass(kw_only=True)
class Report:
    """What one run did."""

    listed: int = 0
    undecided: int = 0
    predictions: list[Prediction] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    stored: int = 0
    """Rows that were new to the database."""

    def add(self, outcomes: Iterable[Outcome], failures: Iterable[Failure] = ()) -> None:
        """Sort outcomes into the lists."""
        for outcome in outcomes:
            if isinstance(outcome, Prediction):
                self.predictions.append(outcome)
            else:
                self.rejections.append(outcome)
        self.failures.extend(failures)

    def as_json(self) -> dict[str, Any]:
        """Return counts, and what was rejected or failed and why, as plain values."""
        return {
            "listed": self.listed,
            "undecided": self.undecided,
            "predicted": len({prediction.key for prediction in self.predictions}),
            "rejected": [
                {"record": str(r.key), "reason": str(r.reason), "detail": r.detail}
                for r in self.rejections
            ],
            "failed": [
                {"record": str(f.key), "error": f.error, "retriable": f.retriable}
                for f in self.failures
            ],
            "stored": self.stored,
        }
