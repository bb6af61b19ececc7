"""The drms client: it writes queries and export requests and reads the replies.

Its number conversion, downloads and waits are not used: they turn QUALITY into NaN, report
truncated files as success and wait for ever.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from flaremon.jsoc.wire import THEIRS, Transport, drms_client, import_drms, redact, translate
from flaremon.politeness import Lane, Turn
from flaremon.web import Web

if TYPE_CHECKING:
    import drms

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Export:
    """What the JSOC says about an export request."""

    status: int
    request_id: str | None
    """None when the files are there at once."""
    error: str = ""
    files: tuple[tuple[str, str], ...] = ()
    """Record (or a warning) and path at the host, once it has finished."""


class JsocClient:
    """drms for one host.

    Parameters
    ----------
    limit_s : float
        Wall-clock limit of a request, all tries together, in s.
    attempts : int
        Tries at most.
    """

    def __init__(
        self, lane: Lane, web: Web, *, base_url: str, limit_s: float, attempts: int
    ) -> None:
        self._lane = lane
        self._web = web
        self._base_url = base_url
        self._limit_s = limit_s
        self._attempts = attempts

    def query(
        self, record_set: str, *, keys: Sequence[str], segment: str
    ) -> list[tuple[dict[str, str], str]]:
        """List a record set (one ``rs_list``): keywords, all strings, and the segment's path.

        Raises
        ------
        SourceUnavailableError, SourceProtocolError
            No reply, or one that makes no sense.
        """

        def ask(client: "drms.Client") -> list[tuple[dict[str, str], str]]:
            # Without conversion: with pandas 3, drms 0.9.0 turns hexadecimal QUALITY into NaN.
            keywords, segments = client.query(
                record_set, key=list(keys), seg=segment, convert_numeric=False
            )
            rows = [_strings(row) for row in keywords.to_dict("records")]
            paths = [_strings(row)[segment] for row in segments.to_dict("records")]
            return list(zip(rows, paths, strict=True))

        return self._ask(ask)

    def submit(self, record_set: str, *, method: str, protocol: str, email: str) -> Export:
        """Send an export request; its refusal is a status, not an error."""

        def ask(client: "drms.Client") -> Export:
            # An address given here is not checked by a call of its own, which would fail in any
            # outage of the registry; without a name format drms asks for no series_struct.
            return _export(
                client.export(
                    record_set, method=method, protocol=protocol, email=email, filenamefmt=False
                )
            )

        return self._ask(ask)

    def status(self, request_id: str) -> Export:
        """Ask once how far an export request is."""
        return self._ask(lambda client: _export(client.export_from_id(request_id)))

    def _ask(self, ask: Callable[["drms.Client"], _T]) -> _T:
        import_drms()  # takes a second, which nobody should wait for in the lane
        return self._lane.ask(
            partial(self._attempt, ask), limit_s=self._limit_s, attempts=self._attempts
        )

    def _attempt(self, ask: Callable[["drms.Client"], _T], turn: Turn) -> _T:
        transport = Transport(self._web, turn)
        client = drms_client(self._base_url, transport)
        try:
            return ask(client)
        except THEIRS as exc:
            raise translate(exc, self._lane.host, transport.body) from exc


def _strings(row: Mapping[Any, Any]) -> dict[str, str]:
    """Make all values strings again; null and NaN of pandas are missing values."""
    return {
        str(name): "MISSING" if value is None or value != value else str(value)  # noqa: PLR0124
        for name, value in row.items()
    }


def _export(request: "drms.ExportRequest") -> Export:
    """Read what drms knows without any of its properties that wait for ever."""
    status = int(request.status)
    request_id = (request.id or "").strip("\"' ") or None  # ids have come with quotes inside
    if not request.has_finished(skip_update=True):
        return Export(status, request_id)
    if request.has_failed(skip_update=True):
        return Export(status, request_id, error=_failure(request))
    folder = request.dir
    files = tuple(
        (str(record), str(filename) if folder is None else f"{folder}/{filename}")
        for record, filename in request.data.itertuples(index=False)
    )
    return Export(status, request_id, files=files)


def _failure(request: "drms.ExportRequest") -> str:
    """Return the server's words; drms tells them only by raising."""
    drms = import_drms()
    try:
        request.data  # noqa: B018
    except drms.DrmsExportError as exc:
        return redact(str(exc))
    return "no reason given"
