"""The export desk: ``exp_request`` and ``exp_status``.

A request that cannot be answered at once goes 2 (queued), 1 (running), 0 (done), and 5 (deleted)
after a week. Checks come in the JSOC's order: address, pending load, set, size, duplicates.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from flaremon.errors import InputError
from flaremon.replica.archive import Archive, sums_dir
from flaremon.replica.export_replies import (
    SIZE_MAX_MB,
    ExportJob,
    index,
    pending,
    refusal,
    too_big,
)
from flaremon.replica.faults import Fault
from flaremon.replica.orders import Order, read_order
from flaremon.replica.products import products, quick_rows, size_mb
from flaremon.replica.records import ArchivedRecord

_PENDING_FOR = timedelta(minutes=60)
_DUPLICATE_FOR = timedelta(hours=24)
_KEPT_FOR = timedelta(days=7)
_FIRST_SUNUM = 1_900_000_000
_REGISTERED, _UNREGISTERED, _MALFORMED = 2, 4, -2
_REGISTRATIONS: Mapping[int, str] = {
    _MALFORMED: "not a valid email address",
    _REGISTERED: "is registered",
    3: "registration is pending",
    _UNREGISTERED: "has not been registered",
}


class ExportDesk:
    """Takes export requests and knows what became of them."""

    def __init__(
        self,
        archive: Archive,
        *,
        now: Callable[[], datetime],
        addresses: Mapping[str, int] | None,
        delay_s: float,
    ) -> None:
        self._archive = archive
        self._now = now
        self._addresses = addresses
        self._delay = timedelta(seconds=delay_s)
        self._jobs: dict[str, ExportJob] = {}
        self._lock = threading.Lock()

    def check_address(self, address: str) -> dict[str, Any]:
        """Say whether an address is registered: 2 it is, 3 pending, 4 not, -2 malformed."""
        status = self._registration(address)
        text = _REGISTRATIONS.get(status, "the registration cannot be looked up")
        return {"status": status, "msg": f"{address}: {text}", "user_id": 1}

    def request(self, args: Mapping[str, str], faults: Sequence[Fault]) -> dict[str, Any]:
        """Take a request."""
        address = args.get("notify", "")
        if self._registration(address) != _REGISTERED:
            return refusal(4, f"Email address {address} is not registered for JSOC exports.")
        with self._lock:
            waiting = self._waiting(address)
            if waiting:
                text = f"User {address} has {len(waiting)} pending export requests"
                return refusal(7, f"{text} ({', '.join(waiting)}); please wait for them.")
            try:
                order, records = read_order(self._archive, args, faults)
            except InputError as exc:
                return refusal(4, str(exc))
            return _refuse(order, records, faults) or self._accept(order, records, faults)

    def status(self, request_id: str, faults: Sequence[Fault]) -> dict[str, Any]:
        """Say what became of a request."""
        with self._lock:
            job = self._jobs.get(request_id)
            if job is None:
                return refusal(6, requestid=request_id)
            status = self._state(job)
            for fault in faults:
                if fault.kind in {"export-stuck", "export-status"}:
                    status = int(fault.number(1 if fault.kind == "export-stuck" else 4))
            if status in {1, 2}:
                return pending(job, status, self._now())
            if status != 0:
                return refusal(status, requestid=request_id)
            return index(job, self._now(), kinds=frozenset(fault.kind for fault in faults))

    def find(self, directory: str) -> ExportJob | None:
        """Return the finished job whose files lie in `directory`."""
        with self._lock:
            for job in self._jobs.values():
                if job.directory == directory and self._state(job) == 0:
                    return job
        return None

    def index(self, job: ExportJob) -> dict[str, Any]:
        """Return the content of a job's ``index.json``."""
        return index(job, self._now())

    def _registration(self, address: str) -> int:
        local, _, host = address.partition("@")
        if not local or "." not in host or any(c.isspace() for c in address):
            return _MALFORMED
        if self._addresses is None:
            return _REGISTERED
        return self._addresses.get(address, _UNREGISTERED)

    def _waiting(self, address: str) -> list[str]:
        now = self._now()
        for_at_most = min(self._delay, _PENDING_FOR)
        return [
            job.request_id
            for job in self._jobs.values()
            if job.order.address == address and now - job.submitted_at < for_at_most
        ]

    def _accept(
        self, order: Order, records: Sequence[ArchivedRecord], faults: Sequence[Fault]
    ) -> dict[str, Any]:
        if order.immediate and not any(fault.kind == "off-line" for fault in faults):
            return quick_rows(order, records)
        now = self._now()
        for job in self._jobs.values():
            if job.order.same_work(order) and now - job.submitted_at < _DUPLICATE_FOR:
                # The JSOC repeats the old id even when that export has failed.
                return pending(job, 2, now)
        number = len(self._jobs) + 1
        job = ExportJob(
            request_id=f"JSOC_{now:%Y%m%d}_{number:06d}",
            order=order,
            records=records,
            directory=sums_dir(_FIRST_SUNUM + number),
            submitted_at=now,
            products=products(order, records),
        )
        self._jobs[job.request_id] = job
        return pending(job, 2, now)

    def _state(self, job: ExportJob) -> int:
        age = self._now() - job.submitted_at
        if age < self._delay:
            return 1
        return 0 if age < _KEPT_FOR else 5


def _refuse(
    order: Order, records: Sequence[ArchivedRecord], faults: Sequence[Fault]
) -> dict[str, Any] | None:
    """Return why a readable request is not accepted, if so."""
    status = 3 if size_mb(records) > SIZE_MAX_MB else 0
    for fault in faults:
        if fault.kind == "export-status" or (fault.kind == "off-line" and fault.value is not None):
            status = int(fault.number(4))
    if status == 3:
        return too_big(order, records)
    return refusal(status) if status else None
