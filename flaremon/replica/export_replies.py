"""What the export desk says: refusals, waiting, and the index of what is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flaremon.replica.orders import Order
from flaremon.replica.products import Product, size_mb
from flaremon.replica.records import ArchivedRecord

SIZE_MAX_MB = 100_000
_GUESS_S = 10
"""What the JSOC always says a request will take."""
_FAILED_WAIT = 999_999
_CONTACT = "http://jsoc.stanford.edu/ajax/exportdata.html"
_ERRORS: Mapping[int, str] = {
    -1: "Request was canceled.",
    3: f"Request exceeds max byte limit of {SIZE_MAX_MB}MB",
    4: "jsoc_fetch did not return a known status code",
    5: "Request has expired: its files were deleted after 7 days.",
    6: "Request ID is not found.",
    7: "User has 1 pending export requests...",
    12: "Test mode: request was not processed.",
    25: "Requested files are off-line; write to jsoc@sun.stanford.edu to have them restored.",
}
_NO_FILES = "warning=No FITS files were exported. The requested FITS files no longer exist."


@dataclass(frozen=True, slots=True)
class ExportJob:
    """One queued request."""

    request_id: str
    order: Order
    records: Sequence[ArchivedRecord]
    directory: str
    submitted_at: datetime
    products: Mapping[str, Product]
    """What its directory holds, by file name."""


def refusal(status: int, error: str = "", **members: Any) -> dict[str, Any]:
    """Write an error as ``jsoc_fetch`` does; without a text, the usual one of the status."""
    text = error or _ERRORS.get(status, "Export request failed.")
    return {
        "status": status,
        **members,
        "error": text,
        "contact": _CONTACT,
        "wait": _FAILED_WAIT,
    }


def too_big(order: Order, records: Sequence[ArchivedRecord]) -> dict[str, Any]:
    """Refuse a request over the limit: status 3, and an id that is none."""
    return {
        "requestid": "VOID",
        "method": order.method,
        "protocol": order.protocol,
        "wait": 0,
        "status": 3,
        "count": len(records),
        "size": size_mb(records),
        "error": _ERRORS[3],
    }


def pending(job: ExportJob, status: int, now: datetime) -> dict[str, Any]:
    """Ask for patience: status 1 or 2."""
    age_s = (now - job.submitted_at).total_seconds()
    return {
        "status": status,
        "requestid": job.request_id,
        "method": job.order.method,
        "protocol": job.order.protocol,
        # Negative once the guess has passed, as at the JSOC.
        "wait": round(_GUESS_S - age_s),
        "rcount": len(job.records),
        "size": size_mb(job.records),
    }


def index(job: ExportJob, now: datetime, *, kinds: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return the content of ``index.json``: every value of its head is a string.

    Parameters
    ----------
    kinds : frozenset of str
        Faults: ``no-data-file`` and ``warning-row``.
    """
    rows = [
        {"record": product.label, "filename": "NoDataFile" if "no-data-file" in kinds else name}
        for name, product in job.products.items()
    ]
    if "warning-row" in kinds or not rows:
        rows = [{"record": _NO_FILES, "filename": ""}]
    return {
        "version": "0.5",
        "requestid": job.request_id,
        "method": job.order.method,
        "protocol": job.order.protocol,
        "count": str(len(rows)),
        "size": str(size_mb(job.records)),
        "exptime": f"{now:%Y.%m.%d_%H:%M:%S}_UT",
        "dir": job.directory,
        "status": "0",
        "keywords": "**IN FITS FILES**" if job.order.with_header else "",
        "data": rows,
    }
