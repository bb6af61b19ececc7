"""The canary: notices that a product is no longer what it was."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flaremon.errors import InputError

_T = TypeVar("_T")


@dataclass(kw_only=True)
class Canary:
    """Counts what is wrong with the rows of one product."""

    product: str
    rows: int = 0
    """Rows that the reply has."""
    read: int = 0
    """Rows that could be read."""
    gaps: int = 0
    """Rows that say that nothing was measured."""
    missing: Counter[str] = field(default_factory=Counter)
    """Rows without a field that the product used to have, by field."""
    unreadable: Counter[str] = field(default_factory=Counter)
    """Rows whose field has a value that makes no sense, by field."""
    example: dict[str, str] = field(default_factory=dict)
    """The first such value of each field."""

    def take(self, row: Mapping[str, Any], *names: str) -> Any:
        """Return a field under the first of its names; a missing one is counted, and None.

        The first name is the one that the product has today: a value under another name is
        used, and the first is still reported as missing.
        """
        if names[0] not in row:
            self.missing[names[0]] += 1
        return next((row[name] for name in names if name in row), None)

    def parse(
        self, row: Mapping[str, Any], name: str, parse: Callable[[Any], _T | None]
    ) -> _T | None:
        """Return a field through `parse`; None where it is missing or makes no sense."""
        value = self.take(row, name)
        if value is None:
            return None
        try:
            return parse(value)
        except InputError:
            self.unreadable[name] += 1
            self.example.setdefault(name, repr(value)[:60])
            return None

    @property
    def trouble(self) -> str:
        """What is wrong, in one sentence; empty when all is as expected."""
        said = [
            f"field {name!r} is missing in {count} of {self.rows} rows"
            for name, count in sorted(self.missing.items())
        ] + [
            f"field {name!r} makes no sense in {count} of {self.rows} rows (first "
            f"{self.example[name]})"
            for name, count in sorted(self.unreadable.items())
        ]
        return f"{self.product}: {'; '.join(said)}" if said else ""

    def as_json(self) -> dict[str, Any]:
        """Return the counts."""
        return {
            "product": self.product,
            "rows": self.rows,
            "read": self.read,
            "gaps": self.gaps,
            "missing": dict(self.missing),
            "unreadable": dict(self.unreadable),
        }


def objects(rows: Sequence[Any], canary: Canary) -> list[Mapping[str, Any]]:
    """Return the rows that are objects; others are counted as unreadable."""
    canary.rows = len(rows)
    good: list[Mapping[str, Any]] = [row for row in rows if isinstance(row, dict)]
    if len(good) < len(rows):
        canary.unreadable["(row)"] += len(rows) - len(good)
        first = next(row for row in rows if not isinstance(row, dict))
        canary.example["(row)"] = repr(first)[:60]
    return good
