"""Export requests, for records whose file is not on disk; they need a registered address.

The JSOC fetches the file from tape and puts it under a path of its own. That takes from half a
minute to hours, so the id of a request is kept beside the cache until the file is here, and a
run that was cut short is resumed by the next one.
"""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from flaremon.cache import NOTE, NOTE_MAX_AGE, FileCache
from flaremon.disk import FileLock, disk_errors, write_atomically
from flaremon.domain import Record
from flaremon.errors import ExportRefusedError, RecordOfflineError, SourceUnavailableError
from flaremon.jsoc.answers import (
    ABOUT_ADDRESS,
    ASK_AGAIN,
    DONE,
    ERROR,
    PENDING,
    PENDING_LIMIT,
    REQUEST_ID,
    TRANSIENT,
    UNKNOWN,
    checked_id,
    path_of,
    record_set,
    refusal,
)
from flaremon.jsoc.client import Export, JsocClient
from flaremon.politeness import Deadline

METHODS = (("url_quick", "as-is"), ("url", "fits"))
"""The first is immediate when the file is on disk after all; the second always works."""
LOST_POLLS = 5
"""A new request takes a moment until the JSOC knows it by its id."""
LONG_PAUSE_POLLS = 6
"""For what passes within 30 to 60 s."""
NO_REQUEST = Export(UNKNOWN, None)
"""There is none, or the JSOC says that it knows none."""


class Exporter:
    """Asks the JSOC to put files on disk, one request at a time.

    Parameters
    ----------
    email : str
        Registered address; it goes to the JSOC and nowhere else.
    limit_s : float
        Wall-clock limit of one request, waiting included, in s.
    poll_s : float
        Time between two questions about a request, in s.
    """

    def __init__(  # noqa: PLR0913 - whom to ask, where to remember it, how long to wait
        self,
        client: JsocClient,
        cache: FileCache,
        *,
        email: str,
        limit_s: float,
        poll_s: float,
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        self._client = client
        self._cache = cache
        self._email = email
        self._limit_s = limit_s
        self._poll_s = poll_s
        self._now = now
        self._sleep = sleep
        # The JSOC lets an address have one request at a time.
        self._lock = FileLock(cache.folder / ".export.lock")

    def paths(self, record: Record) -> Iterator[str]:
        """Give paths at the host where the file of `record` is now, the quick way first.

        Ask for another one when there is nothing at the first.

        Raises
        ------
        RecordOfflineError
            The JSOC cannot put it on disk.
        ExportRefusedError
            The address is not registered, or the request is malformed.
        SourceUnavailableError
            Not finished in time, or another request of this address is in the way.
        SourceProtocolError
            A reply that makes no sense.
        """
        for method, protocol in METHODS:
            last = (method, protocol) == METHODS[-1]
            try:
                yield path_of(self._finish(record, method, protocol), record)
            except RecordOfflineError:
                if last:
                    raise
            except ExportRefusedError as exc:
                if last or ABOUT_ADDRESS.search(str(exc)):
                    raise
            self._note(record, method).unlink(missing_ok=True)

    def forget(self, record: Record) -> None:
        """Drop what is remembered about the requests of a record, once its file is here."""
        for method, _ in METHODS:
            self._note(record, method).unlink(missing_ok=True)

    def _finish(self, record: Record, method: str, protocol: str) -> Export:
        """Submit or resume a request and wait for its end."""
        deadline = Deadline(self._limit_s)
        wishes = [record_set(record), record_set(record, again=True)]
        try:
            with self._lock.hold(limit_s=self._limit_s):
                export = self._resume(record, method, deadline)
                while wishes and export.status in ASK_AGAIN:
                    export = self._submit(wishes.pop(0), method, protocol, deadline)
                    if export.status in PENDING and export != NO_REQUEST:
                        self._remember(record, method, checked_id(export))
                        export = self._wait(export, deadline)
        except TimeoutError as exc:
            raise SourceUnavailableError(
                f"{record.key}: another process has been waiting for an export for "
                f"{self._limit_s:.0f} s; try again later"
            ) from exc
        if export.status != DONE:
            self._note(record, method).unlink(missing_ok=True)
            raise refusal(export, record)
        return export

    def _submit(self, wanted: str, method: str, protocol: str, deadline: Deadline) -> Export:
        """Send the request; wait while another one of the same address is in the way."""
        patient = True
        while True:
            export = self._client.submit(
                wanted, method=method, protocol=protocol, email=self._email
            )
            if export.status == PENDING_LIMIT:
                others = REQUEST_ID.findall(export.error)
                for request_id in others:
                    self._wait(Export(UNKNOWN, request_id), deadline)
                self._pause(1 if others else LONG_PAUSE_POLLS, deadline)
            elif export.status == ERROR and TRANSIENT.search(export.error) and patient:
                patient = False
                self._pause(LONG_PAUSE_POLLS, deadline)
            else:
                return export

    def _wait(self, export: Export, deadline: Deadline) -> Export:
        """Poll until the request has ended; the server's own estimate is fiction."""
        lost = 0
        while export.status in PENDING and lost <= LOST_POLLS:
            lost += export.status == UNKNOWN
            self._pause(1, deadline)
            export = self._client.status(checked_id(export))
        return export

    def _pause(self, polls: int, deadline: Deadline) -> None:
        if deadline.remaining_s <= polls * self._poll_s:
            raise SourceUnavailableError(
                f"the JSOC, which does one export of an address at a time, has not finished within "
                f"{deadline.limit_s:.0f} s; the next run asks for it again"
            )
        self._sleep(polls * self._poll_s)

    def _note(self, record: Record, method: str) -> Path:
        return self._cache.path(record.key, suffix=f".{method}{NOTE}")

    def _remember(self, record: Record, method: str, request_id: str) -> None:
        content = {"request_id": request_id, "submitted_at": self._now().isoformat()}
        note = self._note(record, method)
        with disk_errors(note.parent):
            write_atomically(note, json.dumps(content).encode())

    def _resume(self, record: Record, method: str, deadline: Deadline) -> Export:
        """Wait for the request of a run that was cut short, if there was one."""
        try:
            content = json.loads(self._note(record, method).read_text())
            request_id = str(content["request_id"])
            age = self._now() - datetime.fromisoformat(content["submitted_at"])
        except (OSError, ValueError, KeyError, TypeError):
            return NO_REQUEST
        if age > NOTE_MAX_AGE or not REQUEST_ID.fullmatch(request_id):
            return NO_REQUEST
        return self._wait(Export(UNKNOWN, request_id), deadline)
