"""Which records of a series a record set means.

A slotted key such as T_REC is an axis of whole slots. A value snaps to the nearest slot; both
ends of ``a-b`` belong to it; ``a/length`` is half-open and holds the whole slots that fit into
the length, at least one. ``$`` is the last slot of the *series*, found before any condition is
looked at: ``[$][? QUALITY>=0 ?]`` is empty when the newest slot is bad.
"""

from collections.abc import Iterable, Sequence

from flaremon.errors import InputError
from flaremon.replica.archive import Series
from flaremon.replica.keywords import lookup
from flaremon.replica.records import ArchivedRecord
from flaremon.replica.recordset import Item, KeyFilter, RecnumFilter, RecordSet, WhereFilter
from flaremon.replica.where import compile_where
from flaremon.times import slot_index

PRIME_KEYS = ("T_REC", "CAMERA")


def select(record_set: RecordSet, series: Series, *, n: int | None = None) -> list[ArchivedRecord]:
    """Return the records that a record set selects, by slot and camera.

    Parameters
    ----------
    record_set : RecordSet
        What was asked.
    series : Series
        The series that it names.
    n : int, optional
        Only the first `n`, or the last ``-n``; applied after everything else.

    Raises
    ------
    InputError
        If a filter makes no sense for the series.
    """
    every = any(isinstance(f, WhereFilter) and f.all_versions for f in record_set.filters)
    every |= any(isinstance(f, RecnumFilter) for f in record_set.filters)
    records = list(series.records if every else series.current)
    keys = list(PRIME_KEYS)
    for condition in record_set.filters:
        match condition:
            case KeyFilter():
                records = _by_key(condition, _next_key(condition, keys), records, series)
            case RecnumFilter():
                records = _by_recnum(condition, records, series)
            case WhereFilter():
                records = _by_condition(condition, records, series)
    if n is None:
        return records
    return records[:n] if n >= 0 else records[n:]


def _next_key(condition: KeyFilter, left: list[str]) -> str:
    if condition.key is None:
        if not left:
            raise InputError(f"more filters than prime keys ({', '.join(PRIME_KEYS)})")
        return left.pop(0)
    for key in PRIME_KEYS:
        if key.lower() == condition.key.lower():
            if key in left:
                left.remove(key)
            return key
    raise InputError(f"{condition.key} is not a prime key; those are {', '.join(PRIME_KEYS)}")


def _by_key(
    condition: KeyFilter, key: str, records: Sequence[ArchivedRecord], series: Series
) -> list[ArchivedRecord]:
    if not condition.items or not series.records:
        return list(records)
    if key == "T_REC":
        axis = [record.slot for record in series.records]
        wanted = [_slots(item, axis, series.definition.cadence_s) for item in condition.items]
        return [record for record in records if any(record.slot in part for part in wanted)]
    axis = [record.camera for record in series.records]
    wanted = [_integers(item, axis) for item in condition.items]
    return [record for record in records if any(record.camera in part for part in wanted)]


def _slots(item: Item, axis: Sequence[int], cadence_s: float) -> range:
    first = _slot(item.first, axis, cadence_s)
    if item.length is not None:
        end = first + max(1, int(item.length.slots(cadence_s)))
    elif item.last is not None:
        end = _slot(item.last, axis, cadence_s) + 1
    else:
        end = first + 1
    step = max(1, round(item.step.slots(cadence_s))) if item.step else 1
    return range(first, end, step)


def _slot(text: str, axis: Sequence[int], cadence_s: float) -> int:
    if text in {"^", "$"}:
        return min(axis) if text == "^" else max(axis)
    return slot_index(text, cadence_s)


def _integers(item: Item, axis: Sequence[int]) -> range:
    if item.length is not None or item.step is not None:
        raise InputError("CAMERA is not slotted: it takes no length and no step")
    ends = [
        (min(axis) if text == "^" else max(axis)) if text in {"^", "$"} else _integer(text)
        for text in (item.first, item.last or item.first)
    ]
    return range(ends[0], ends[1] + 1)


def _integer(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError as exc:
        raise InputError(f"{text!r} is not an integer") from exc


def _by_condition(
    condition: WhereFilter, records: Iterable[ArchivedRecord], series: Series
) -> list[ArchivedRecord]:
    holds = compile_where(condition.clause)
    # A column is known when the oldest or the newest record has it: a query must not read
    # thousands of headers to find out that a name is misspelt.
    ends = [record.keywords() for record in (*series.records[:1], *series.records[-1:])]
    for name in sorted(holds.names):
        if ends and not any(lookup(keywords, name) for keywords in ends):
            raise InputError(f'condition {condition.clause!r}: column "{name}" does not exist')
    return [record for record in records if holds(record)]


def _by_recnum(
    condition: RecnumFilter, records: Iterable[ArchivedRecord], series: Series
) -> list[ArchivedRecord]:
    numbers = [record.recnum for record in series.records]
    if not numbers:
        return []
    ends = [
        (min(numbers) if text == "^" else max(numbers)) if text in {"^", "$"} else int(text)
        for text in (condition.first, condition.last)
    ]
    return [record for record in records if ends[0] <= record.recnum <= ends[1]]
