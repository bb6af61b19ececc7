"""What an export request asks for."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flaremon.domain import SEGMENT
from flaremon.errors import InputError
from flaremon.replica.archive import Archive
from flaremon.replica.fault_data import alter_series
from flaremon.replica.faults import Fault
from flaremon.replica.records import ArchivedRecord
from flaremon.replica.recordset import RecordSet, WhereFilter, parse_record_set
from flaremon.replica.selection import select

_METHODS = ("url_quick", "url")
_IMAGE_EXISTS = WhereFilter("drms.image_exists(quality)", all_versions=False)
_DEFAULT_NAME = "{seriesname}.{recnum:%lld}.{segment}"


@dataclass(frozen=True, slots=True)
class Order:
    """An export request, checked."""

    address: str
    ds: str
    n: int | None
    method: str
    protocol: str
    filename_format: str

    @property
    def with_header(self) -> bool:
        """Whether files get their keywords back (protocol fits)."""
        return self.protocol.lower().startswith("fits")

    @property
    def immediate(self) -> bool:
        """Whether it is answered at once when all files are on disk."""
        return self.method == "url_quick" and not self.with_header

    def same_work(self, other: "Order") -> bool:
        """Whether both ask for the same work; who asks and how files are called is no matter."""
        return self.work == other.work

    @property
    def work(self) -> tuple[object, ...]:
        """What decides which files are made."""
        return self.ds.lower(), self.n, self.method, self.protocol.lower()


def read_order(
    archive: Archive, args: Mapping[str, str], faults: Sequence[Fault]
) -> tuple[Order, list[ArchivedRecord]]:
    """Read the arguments of ``exp_request`` and find its records.

    Records without an image are dropped silently, unless the set mentions QUALITY itself.

    Raises
    ------
    InputError
        If the set, the method, the protocol or the processing cannot be served.
    """
    method, protocol = args.get("method", "url"), args.get("protocol", "as-is")
    kind = protocol.lower().split(",")[0]
    if method not in _METHODS or kind not in {"as-is", "fits"}:
        raise InputError(
            f"method {method} with protocol {protocol} is not served here; "
            "there are url_quick and url with as-is or fits"
        )
    n = _limit(args)
    record_set = parse_record_set(args.get("ds", ""))
    _check_segments(record_set)
    if not record_set.tests_quality:
        record_set = replace(record_set, filters=(*record_set.filters, _IMAGE_EXISTS))
    series = alter_series(
        archive.find(record_set.series), [fault for fault in faults if fault.kind == "nodata"]
    )
    order = Order(
        address=args.get("notify", ""),
        ds=args["ds"],
        n=n,
        # What is not as-is is never quick.
        method="url" if kind == "fits" else method,
        protocol=protocol,
        filename_format=args.get("filenamefmt") or _DEFAULT_NAME,
    )
    return order, select(record_set, series, n=n)


def _limit(args: Mapping[str, str]) -> int | None:
    """Read ``process=n``, a key whose value is ``COUNT|PROCESS,...`` (0: no limit)."""
    text = args.get("process=n") or args.get("process", "").removeprefix("n=")
    count, _, process = text.partition("|")
    if process not in {"", "no_op"}:
        raise InputError(f"processing ({process.split(',')[0]}) is not served here")
    if not re.fullmatch(r"-?\d*", count):
        raise InputError(f"process=n={count!r} is not an integer")
    return int(count or 0) or None


def _check_segments(record_set: RecordSet) -> None:
    for segment in record_set.segments:
        if segment.lower() != SEGMENT:
            raise InputError(f"{record_set.series} has no segment {segment!r}")
