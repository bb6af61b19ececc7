"""Conditions as closures over a record: what the parser in `flaremon.replica.where` builds.

Three-valued as in SQL: a missing value is None, compares as neither true nor false, and makes
what is computed from it None.
"""

import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from flaremon.errors import InputError
from flaremon.replica.keywords import BIT_WORDS, TIMES_TAI, TIMES_UTC, lookup
from flaremon.replica.records import ArchivedRecord
from flaremon.times import parse_tai

Node = Callable[[ArchivedRecord], Any]

_EPOCH = "1977.01.01_00:00:00_TAI"
"""DRMS counts times in seconds of TAI from here."""


def matches(text: Any, pattern: Any) -> bool:
    """Say whether a regular expression is found in a text."""
    return re.search(str(pattern), str(text)) is not None


def like(text: Any, pattern: Any) -> bool:
    """Say whether a text fits a pattern of LIKE."""
    parts = re.split(r"([%_])", str(pattern))
    regex = "".join({"%": ".*", "_": "."}.get(part, re.escape(part)) for part in parts)
    return re.fullmatch(regex, str(text), re.DOTALL) is not None


COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "==": operator.eq,
    "<>": operator.ne,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "~": matches,
    "~*": lambda text, pattern: matches(str(text).lower(), str(pattern).lower()),
    "!~": lambda text, pattern: not matches(text, pattern),
}
ARITHMETIC: tuple[Mapping[str, Callable[[Any, Any], Any]], ...] = (
    {"&": operator.and_, "|": operator.or_},
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": operator.truediv},
)
"""From the weakest binding to the strongest."""


def keyword_value(record: ArchivedRecord, name: str) -> Any:
    """Return what the database holds: signed bit words, times in seconds, None for missing."""
    if name.upper() == "QUALITY":
        found: tuple[str, Any] | None = ("QUALITY", record.quality)
    else:
        found = lookup(record.keywords(), name)
    if found is None or found[1] is None:
        return None
    key, value = found
    if key in BIT_WORDS:
        return (int(value) ^ 0x80000000) - 0x80000000
    if key in TIMES_TAI | TIMES_UTC:
        return _seconds(str(value))
    return value


def _seconds(text: str) -> float | None:
    try:
        return internal_seconds(text)
    except InputError:
        return None


def internal_seconds(text: str) -> float:
    """Return a time as DRMS counts it.

    Raises
    ------
    InputError
        If it is not a time.
    """
    elapsed_s = (parse_tai(text) - parse_tai(_EPOCH)).to_value("s")
    return round(float(elapsed_s), 3)


def constant(value: Any) -> Node:
    """Return a node of one value."""
    return lambda _record: value


def binary(combine: Callable[[Any, Any], Any], left: Node, right: Node) -> Node:
    """Combine two values; what is missing stays missing."""

    def node(record: ArchivedRecord) -> Any:
        a, b = left(record), right(record)
        if a is None or b is None or (isinstance(a, float) and math.isnan(a)):
            return None
        return combine(a, b)

    return node


def both(left: Node, right: Node) -> Node:
    """AND."""

    def node(record: ArchivedRecord) -> bool | None:
        values = (left(record), right(record))
        if False in values:
            return False
        return None if None in values else True

    return node


def either(left: Node, right: Node) -> Node:
    """OR."""

    def node(record: ArchivedRecord) -> bool | None:
        values = (left(record), right(record))
        if True in values:
            return True
        return None if None in values else False

    return node


def negated(inner: Node) -> Node:
    """NOT."""

    def node(record: ArchivedRecord) -> bool | None:
        value = inner(record)
        return None if value is None else not value

    return node
