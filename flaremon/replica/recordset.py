"""The grammar of DRMS record sets: ``series[filter][filter]...{segment}``.

After JSOC's ``drms_names.txt``. This room turns text into filters and knows no series; what the
filters select is decided in `flaremon.replica.selection`.
"""

import re
from dataclasses import dataclass

from flaremon.errors import InputError

_NAME = re.compile(r"\s*([A-Za-z_]\w*\.[\w.]*\w)\s*")
_KEY = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*(.*)", re.DOTALL)
_RECNUMS = re.compile(r":\s*#?(\d+|[$^])(?:\s*-\s*#?(\d+|[$^]))?")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdu])")
_TIME = (
    r"\d{4}[.\-/]\d{1,2}[.\-/]\d{1,2}"
    r"(?:[_T ]\d{1,2}(?::?\d{2})?(?::?\d{2}(?:\.\d+)?)?)?(?:_?(?:TAI|UTC|UT|Z))?"
)
_END = rf"(?:{_TIME}|[$^]|-?\d+|0x[0-9a-fA-F]+)"
_RANGE = re.compile(rf"({_END})\s*-\s*({_END})")
_SINGLE = re.compile(_END)


@dataclass(frozen=True, slots=True)
class Duration:
    """A length on the axis of a slotted key: ``6h``, ``12m``, or ``3u`` for three slots."""

    amount: float
    unit: str

    @classmethod
    def parse(cls, text: str) -> "Duration":
        """Read one.

        Raises
        ------
        InputError
            If it is not a number with one of the units s, m, h, d, u.
        """
        match = _DURATION.fullmatch(text.strip())
        if match is None:
            raise InputError(f"{text!r} is not a duration; write e.g. 6h, 720s or 2u")
        return cls(float(match[1]), match[2])

    def slots(self, step_s: float) -> float:
        """Return the length in slots of `step_s` seconds."""
        if self.unit == "u":
            return self.amount
        seconds = self.amount * {"s": 1, "m": 60, "h": 3600, "d": 86400}[self.unit]
        # Rounded so that 0.1-like amounts cannot fall a hair short of a whole slot.
        return round(seconds / step_s, 9)


@dataclass(frozen=True, slots=True)
class Item:
    """One member of a filter's list: a value, ``first-last`` or ``first/length``, ``@step``."""

    first: str
    last: str | None = None
    length: Duration | None = None
    step: Duration | None = None


@dataclass(frozen=True, slots=True)
class KeyFilter:
    """Values of one prime key; no key named: the next in order. No items: all values."""

    key: str | None
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class WhereFilter:
    """A condition in SQL over keywords."""

    clause: str
    all_versions: bool
    """``[! ... !]``: records that were replaced count too."""


@dataclass(frozen=True, slots=True)
class RecnumFilter:
    """Records by number; ``^`` and ``$`` stand for the first and the last."""

    first: str
    last: str


Filter = KeyFilter | WhereFilter | RecnumFilter


@dataclass(frozen=True, slots=True)
class RecordSet:
    """One parsed record set."""

    series: str
    filters: tuple[Filter, ...]
    segments: tuple[str, ...]

    @property
    def tests_quality(self) -> bool:
        """Whether a condition mentions QUALITY (exports then add none of their own)."""
        return any(
            isinstance(f, WhereFilter) and re.search(r"\bquality\b", f.clause, re.IGNORECASE)
            for f in self.filters
        )


def parse_record_sets(text: str) -> list[RecordSet]:
    """Read record sets joined by commas.

    Raises
    ------
    InputError
        If the text is not a record set, with the place where reading stopped.
    """
    sets, at = [], 0
    while True:
        record_set, at = _parse_one(text, at)
        sets.append(record_set)
        if at == len(text):
            return sets
        if text[at] != ",":
            raise InputError(f"record set {text!r}: cannot read on from {text[at:]!r}")
        at += 1


def parse_record_set(text: str) -> RecordSet:
    """Read exactly one record set.

    Raises
    ------
    InputError
        If the text is not one, or several.
    """
    sets = parse_record_sets(text)
    if len(sets) > 1:
        raise InputError(f"record set {text!r}: several sets where one is expected")
    return sets[0]


def _parse_one(text: str, start: int) -> tuple[RecordSet, int]:
    match = _NAME.match(text, start)
    if match is None:
        raise InputError(f"record set {text!r}: no name of a series at {text[start:]!r}")
    at = match.end()
    filters: list[Filter] = []
    segments: tuple[str, ...] = ()
    while at < len(text) and text[at] == "[":
        inner, at = _bracket(text, at)
        filters.append(_parse_filter(inner))
        at = _skip_blank(text, at)
    if at < len(text) and text[at] == "{":
        end = text.find("}", at)
        if end < 0:
            raise InputError(f"record set {text!r}: '{{' without '}}'")
        segments = tuple(s for s in re.split(r"[\s,]+", text[at + 1 : end]) if s)
        at = _skip_blank(text, end + 1)
    return RecordSet(match[1], tuple(filters), segments), at


def _bracket(text: str, at: int) -> tuple[str, int]:
    """Return what is between the bracket at `at` and its partner, and where to read on."""
    # A condition may itself contain brackets (in a regular expression), so it ends at '?]'.
    opening = re.match(r"\[\s*([?!])", text[at:])
    closing = f"{opening[1]}]" if opening else "]"
    begin = at + (opening.end() if opening else 1)
    end = text.find(closing, begin)
    if end < 0:
        raise InputError(f"record set {text!r}: '[' without {closing!r}")
    inner = text[begin:end]
    return (f"{opening[1]}{inner}" if opening else inner), end + len(closing)


def _skip_blank(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _parse_filter(inner: str) -> Filter:
    inner = inner.strip()
    if inner[:1] in {"?", "!"}:
        return WhereFilter(inner[1:].strip(), all_versions=inner[0] == "!")
    if inner.startswith(":"):
        match = _RECNUMS.fullmatch(inner)
        if match is None:
            raise InputError(f"[{inner}] is not a range of record numbers; write e.g. [:#1-#9]")
        return RecnumFilter(match[1], match[2] or match[1])
    named = _KEY.fullmatch(inner)
    key, values = (named[1], named[2].strip()) if named else (None, inner)
    if not values:
        return KeyFilter(key, ())
    return KeyFilter(key, tuple(_parse_item(part) for part in values.split(",")))


def _parse_item(text: str) -> Item:
    body, at, step_text = text.strip().partition("@")
    step = Duration.parse(step_text) if at else None
    body = body.strip()
    if _SINGLE.fullmatch(body):
        return Item(body, step=step)
    if match := _RANGE.fullmatch(body):
        return Item(match[1], last=match[2], step=step)
    # A date may contain slashes too, so the length is what follows the last one.
    first, slash, length = body.rpartition("/")
    if slash and _SINGLE.fullmatch(first.strip()):
        return Item(first.strip(), length=Duration.parse(length), step=step)
    raise InputError(f"[{text}] is neither a value, nor first-last, nor first/length")
