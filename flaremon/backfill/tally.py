"""What became of the slots of a plan; the counts always add up to it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flaremon.store import Miss, MissReason

NOBODYS = "?"
"""In the place of a series: a file of which nobody can say what slot it is."""


@dataclass(kw_only=True)
class Tally:
    """Counts of slots: each slot of the plan is in exactly one of them."""

    planned: int
    predicted: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    """By reason."""
    decided: int = 0
    """By somebody else meanwhile, or, of files, before: only their content tells which they are."""
    absent: int = 0
    """The source has no record."""
    failures: list[Miss] = field(default_factory=list)
    from_archive: int = 0
    """Of the predicted, those whose frame was in the archive."""
    new_rows: int = 0
    downloaded_bytes: int = 0

    @property
    def done(self) -> int:
        """Slots that are dealt with."""
        counted = self.predicted + self.rejected.total() + self.decided + self.absent
        return counted + len(self.failures)

    @property
    def not_tried(self) -> int:
        """Slots that nobody came to: the run was stopped, or the source stayed away."""
        return self.planned - self.done

    @property
    def finished(self) -> bool:
        """Whether every slot is decided, or does not exist at the source."""
        return not self.failures and not self.not_tried

    def miss(self, miss: Miss) -> None:
        """Count a slot that could not be had."""
        if miss.reason is MissReason.NO_RECORD:
            self.absent += 1
        else:
            self.failures.append(miss)

    def add(self, other: "Tally") -> None:
        """Count what somebody else has done of the same plan."""
        self.predicted += other.predicted
        self.rejected.update(other.rejected)
        self.decided += other.decided
        self.absent += other.absent
        self.failures += other.failures
        self.from_archive += other.from_archive
        self.new_rows += other.new_rows
        self.downloaded_bytes += other.downloaded_bytes

    def failures_alike(self) -> list[list[Miss]]:
        """Return the failures in groups of one and the same reason, such as an outage.

        What differs only by the slot that it names is the same.
        """
        groups: dict[tuple[MissReason, str, str], list[Miss]] = {}
        for miss in self.failures:
            words = miss.detail.replace(miss.key.t_rec, "")
            groups.setdefault((miss.reason, miss.key.series, words), []).append(miss)
        return list(groups.values())

    def as_json(self) -> dict[str, Any]:
        """Return the counts, and every failure with its reason."""
        return {
            "planned": self.planned,
            "predicted": self.predicted,
            "rejected": self.rejected.total(),
            "rejected_by_reason": dict(sorted(self.rejected.items())),
            "decided_already": self.decided,
            "no_record": self.absent,
            "failed": len(self.failures),
            "not_tried": self.not_tried,
            "from_archive": self.from_archive,
            "new_rows": self.new_rows,
            "downloaded_bytes": self.downloaded_bytes,
            "failures": [
                {"record": str(m.key), "reason": str(m.reason), "detail": m.detail}
                for m in self.failures
            ],
        }

    def in_words(self) -> str:
        """Return the counts in one line."""
        by_reason = ", ".join(f"{n} {reason}" for reason, n in sorted(self.rejected.items()))
        rejected = f"{self.rejected.total()} rejected" + (f" ({by_reason})" if by_reason else "")
        parts = [
            f"{self.predicted} predicted",
            rejected,
            f"{self.absent} without a record",
            f"{len(self.failures)} failed",
        ]
        if self.decided:
            parts.append(f"{self.decided} decided already")
        if self.not_tried:
            parts.append(f"{self.not_tried} not tried")
        return f"{self.planned} slots: " + ", ".join(parts)


Progress = Callable[[Tally], None]
"""Called whenever something changed."""


def no_progress(_tally: Tally) -> None:
    """Tell nobody."""
