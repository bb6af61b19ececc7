"""What a run did, and what it could not do this time."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from flaremon.domain import (
    ModelId,
    Outcome,
    Prediction,
    Record,
    RecordKey,
    Rejection,
    StoredFile,
)


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
class ShadowTold:
    """What a model that scores silently did in a run."""

    model: ModelId
    scored: int = 0
    """Records."""
    stored: int = 0
    """Rows that were new to the database."""
    failed: int = 0
    """Records that it could not score this time; the next run tries again."""
    error: str | None = None
    """The first thing that went wrong."""

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {**asdict(self), "model": str(self.model)}


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
    shadows: list[ShadowTold] = field(default_factory=list)
    """What the models did that score silently; nothing of it is in the other counts."""

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
            "shadows": [told.as_json() for told in self.shadows],
        }
