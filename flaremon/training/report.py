"""What an evaluation found, as plain numbers; the card is written from it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

REPORT_FILE = "evaluation.json"
"""Of a package, beside its card."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contingency:
    """Counts of yes/no answers against what happened."""

    tp: int
    fp: int
    fn: int
    tn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecaster:
    """One who gives probabilities, and how good they were."""

    name: str
    threshold: float
    mean_probability: float
    contingency: Contingency
    figures: Mapping[str, Figure]
    """``tss`` and ``hss`` at the threshold, ``tss_hindsight`` at the best one for these hours,
    ``bss`` against the climatology of these very hours, ``auc``, ``ece``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """One event on one set of hours."""

    hours: str
    """What the hours are, in words."""
    event: str
    start: str
    end: str
    n: int
    positives: int
    unknown: int
    """Hours left out because the lists cannot answer."""
    blocks: int
    block: str
    """What the bootstrap resamples."""
    forecasters: tuple[Forecaster, ...] = ()
    """The network first; none where nothing is known."""
    paired: Mapping[str, Figure] = field(default_factory=dict)
    """``bss over trailing climatology`` and ``tss minus persistence``, on the same draws."""
    reliability: tuple[tuple[int, float, float], ...] = ()
    """Of the network: count, mean probability, observed share."""

    @property
    def base_rate(self) -> float:
        """Share of the hours with the event."""
        return self.positives / self.n if self.n else float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSummary:
    """Years of one purpose."""

    name: str
    start: str
    end: str
    base_rates: Mapping[str, float]
    """Share of the hours with each event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A table of figures that are no verification."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All verifications of a package."""

    model: str
    weights_sha256: str
    splits: tuple[SplitSummary, ...]
    verifications: tuple[Verification, ...]
    measured: tuple[Measured, ...] = ()

    def to_json(self) -> str:
        """Write, with numbers to four decimals."""
        table = asdict(self)
        if not self.measured:
            del table["measured"]
        return json.dumps(_rounded(table), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Report":
        """Read what `to_json` wrote."""
        table = json.loads(text)
        verifications = tuple(_verification(row) for row in table.pop("verifications"))
        splits = tuple(SplitSummary(**row) for row in table.pop("splits"))
        measured = tuple(
            Measured(
                title=row["title"],
                columns=tuple(row["columns"]),
                rows=tuple(tuple(cells) for cells in row["rows"]),
            )
            for row in table.pop("measured", ())
        )
        return cls(**table, splits=splits, verifications=verifications, measured=measured)


def _verification(table: dict[str, Any]) -> Verification:
    forecasters = tuple(
        Forecaster(
            **{
                **row,
                "contingency": Contingency(**row["contingency"]),
                "figures": {k: Figure(**v) for k, v in row["figures"].items()},
            }
        )
        for row in table.pop("forecasters")
    )
    paired = table.pop("paired")
    rows = tuple((int(n), p, share) for n, p, share in table.pop("reliability"))
    return Verification(
        **table,
        forecasters=forecasters,
        paired={key: Figure(**value) for key, value in paired.items()},
        reliability=rows,
    )


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4) + 0.0  # never -0.0, whose sign is rounding
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list | tuple) else value
