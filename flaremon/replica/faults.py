"""Faults that can be switched on: what goes wrong, where, and at which request.

A fault is written ``KIND`` or ``KIND:on=ENDPOINT,at=1+3,value=...`` on the command line.
"""

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flaremon.errors import InputError

ENDPOINTS = (
    "showextseries",
    "show_series",
    "series_struct",
    "rs_summary",
    "rs_list",
    "check_address",
    "exp_request",
    "exp_status",
    "sums",
    "export",
    "hourly",
)
"""What requests are counted under; ``sums`` and ``export`` are files, ``hourly`` is /data/hmi."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault."""

    on: str
    """Endpoint when none is given."""
    text: str
    takes_number: bool = False
    """Whether a value must be a number."""


KINDS: Mapping[str, Kind] = {
    "http-NNN": Kind(
        "rs_list",
        "this HTTP status; 429 and 503 with Retry-After (value: seconds)",
        takes_number=True,
    ),
    "hang": Kind(
        "rs_list",
        "no answer (value: seconds; without one until the client leaves)",
        takes_number=True,
    ),
    "stall": Kind(
        "sums", "silence in mid-body (value: share that is sent, 0.5)", takes_number=True
    ),
    "slow-drip": Kind(
        "rs_list", "one byte per second (value: seconds between bytes)", takes_number=True
    ),
    "reset": Kind("rs_list", "connection reset before the answer"),
    "truncated": Kind(
        "sums", "connection closed in mid-body (value: share that is sent, 0.5)", takes_number=True
    ),
    "wrong-length": Kind(
        "sums", "half the body with an honest length (value: share, 0.5)", takes_number=True
    ),
    "empty": Kind("rs_list", "200 and an empty body"),
    "html": Kind("rs_list", "200 and an HTML page"),
    "malformed-json": Kind(
        "rs_list", "half of a JSON document, complete as HTTP", takes_number=True
    ),
    "redirect": Kind("rs_list", "302 to another place (value: its URL)"),
    "missing-file": Kind("sums", "404"),
    "wrong-file": Kind("sums", "the file of the next record (there must be one)"),
    "off-line": Kind(
        "rs_list", "path NoDataDirectory; exp_request: queued, or value 4 or 25", takes_number=True
    ),
    "nodata": Kind("rs_list", "QUALITY bit 31 set, other keywords MISSING, no file"),
    "missing-keywords": Kind("rs_list", "MISSING for all but the prime keys (value: NAME+NAME)"),
    "duplicate-rows": Kind("rs_list", "a twin row with CAMERA -2147483648 and no file"),
    "decimal-quality": Kind("rs_list", "QUALITY in decimal digits"),
    "hex-quality": Kind("rs_list", "QUALITY in lower-case hexadecimal without leading zeros"),
    "path-escape": Kind("rs_list", "a path out of SUMS (value: the path; exports: file name)"),
    "status-nonzero": Kind(
        "rs_list", "an application error (value: its status, 1)", takes_number=True
    ),
    "unequal-columns": Kind("rs_list", "the last column one value short"),
    "export-stuck": Kind("exp_status", "never leaves a state (value: 1 or 2)", takes_number=True),
    "export-status": Kind(
        "exp_status", "failed (value: 3, 4, 5, 6, 7, 12, 25 or -1)", takes_number=True
    ),
    "warning-row": Kind("exp_status", "done, but only a row that says no files were exported"),
    "no-data-file": Kind("exp_status", "done, file names NoDataFile"),
}
_HTTP = re.compile(r"http-([45]\d\d)")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; by default it strikes at every request of its endpoint.

    Raises
    ------
    InputError
        If there is no such kind or endpoint.
    """

    kind: str
    on: str = ""
    """Endpoint, or ``*`` for all; by default the one where the kind makes sense."""
    at: tuple[int, ...] | None = None
    """Numbers of the endpoint's requests, counted from 1."""
    every: int | None = None
    """Each n-th request of the endpoint."""
    probability: float | None = None
    seed: int = 0
    """Chance is drawn from this and the request's number: a replay goes the same way."""
    record: int | None = None
    """Which record of the series is spoilt, -1 the newest; None: all of them."""
    value: Any = None
    """What the kind makes of it, see `KINDS`."""

    def __post_init__(self) -> None:
        kind = KINDS.get("http-NNN" if _HTTP.fullmatch(self.kind) else self.kind)
        if kind is None or self.kind == "http-NNN":
            raise InputError(f"{self.kind!r} is not a fault; there are {', '.join(KINDS)}")
        if kind.takes_number:
            self.number(0.0)
        if not self.on:
            object.__setattr__(self, "on", kind.on)
        if self.on not in {*ENDPOINTS, "*"}:
            raise InputError(
                f"fault {self.kind}: there is no endpoint {self.on!r}; "
                f"there are {', '.join(ENDPOINTS)} and *"
            )

    @property
    def http_status(self) -> int | None:
        """The status of ``http-NNN``."""
        match = _HTTP.fullmatch(self.kind)
        return int(match[1]) if match else None

    def number(self, default: float) -> float:
        """Return the value as a number.

        Raises
        ------
        InputError
            If it is not one.
        """
        if self.value is None:
            return default
        try:
            return float(self.value)
        except (TypeError, ValueError) as exc:
            raise InputError(f"fault {self.kind}: value {self.value!r} is not a number") from exc

    def strikes(self, endpoint: str, number: int) -> bool:
        """Say whether it strikes at the request `number` of `endpoint`."""
        if self.on not in {endpoint, "*"}:
            return False
        if self.at is not None and number not in self.at:
            return False
        if self.every is not None and number % self.every:
            return False
        if self.probability is None:
            return True
        chance = random.Random(f"{self.seed}:{endpoint}:{number}")  # noqa: S311 - repeatable
        return chance.random() < self.probability

    @classmethod
    def parse(cls, text: str) -> "Fault":
        """Read a fault as the command line takes it: ``truncated:on=sums,at=1+3``.

        Raises
        ------
        InputError
            If it cannot be read; the message lists what there is.
        """
        kind, _, rest = text.strip().partition(":")
        given: dict[str, Any] = {}
        for part in filter(None, rest.split(",")):
            name, equals, value = part.partition("=")
            read = _READERS.get(name.strip())
            if read is None or not equals:
                raise InputError(
                    f"fault {text!r}: {part!r} is not an option; write NAME=VALUE with "
                    f"{', '.join(_READERS)}"
                )
            try:
                given[name.strip()] = read(value.strip())
            except ValueError as exc:
                raise InputError(f"fault {text!r}: {part!r} cannot be read: {exc}") from exc
        return cls(kind, **given)


def _numbers(text: str) -> tuple[int, ...]:
    numbers: list[int] = []
    for part in text.split("+"):
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return tuple(numbers)


_READERS: Mapping[str, Callable[[str], Any]] = {
    "on": str,
    "at": _numbers,
    "every": int,
    "probability": float,
    "seed": int,
    "record": int,
    "value": str,
}
