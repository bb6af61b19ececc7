"""What a run did, and what it could not do this time."""

from collections.abc import Iterable
from dataclasses import dataclass, field

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
