"""One HTTP request whose wall-clock limit holds, whatever hangs.

The time-outs of HTTP libraries are per socket operation: a server that drips one byte every few
seconds, or a name server that never answers, is never timed out. So each request runs on a
thread of its own that hands over the head and the chunks; the caller waits for those with a
deadline, and on leaving shuts the socket down, which ends the thread.
"""

import contextlib
import queue
import socket
import threading
from typing import Any

import httpx

from flaremon.errors import SourceError, SourceProtocolError, SourceUnavailableError
from flaremon.politeness import Deadline

CONNECT_S = 8.0
"""A lost packet of the handshake is worth a second try; a slow answer is not."""

TRANSLATION: tuple[tuple[type[Exception], type[SourceError], str], ...] = (
    (httpx.UnsupportedProtocol, SourceProtocolError, "points to an address that is not HTTP"),
    (httpx.InvalidURL, SourceProtocolError, "points to a malformed address"),
    (httpx.DecodingError, SourceProtocolError, "sent what cannot be decoded"),
    (httpx.TimeoutException, SourceUnavailableError, "did not answer in time"),
    (httpx.RemoteProtocolError, SourceUnavailableError, "broke off"),
    (httpx.ReadError, SourceUnavailableError, "broke off"),
    (httpx.HTTPError, SourceUnavailableError, "cannot be reached"),
    (httpx.StreamError, SourceUnavailableError, "broke off"),
    (OSError, SourceUnavailableError, "cannot be reached"),
)
"""What can come out of httpx and below, and what it means; the first match counts."""


def translate(exc: Exception, host: str) -> Exception:
    """Return our error for one of httpx; one that is in no table is a bug and stays as it is."""
    for theirs, ours, words in TRANSLATION:
        if isinstance(exc, theirs):
            return ours(f"{host} {words}: {exc or type(exc).__name__}")
    return exc


class Exchange:
    """One request on a thread of its own.

    Parameters
    ----------
    silence_s : float
        The longest wait for the next item, in s.
    """

    def __init__(
        self, client: httpx.Client, request: httpx.Request, deadline: Deadline, silence_s: float
    ) -> None:
        self.host = request.url.netloc.decode()
        self._client = client
        self._deadline = deadline
        self._silence_s = silence_s
        self._items: queue.Queue[Any] = queue.Queue(maxsize=16)
        self._gone = threading.Event()
        self._sockets: list[socket.socket] = []
        left_s = max(0.001, deadline.remaining_s)
        limits = httpx.Timeout(left_s, connect=min(left_s, CONNECT_S))
        request.extensions = {"timeout": limits.as_dict(), "trace": self._trace}
        # A daemon: a name server that hangs must not keep the interpreter from ending.
        threading.Thread(
            target=self._run, args=(request,), name="flaremon-web", daemon=True
        ).start()

    def head(self) -> httpx.Response:
        """Wait for the status and the headers."""
        response: httpx.Response = self.next()
        return response

    def next(self) -> Any:
        """Wait for the next item: the response, then chunks, then None."""
        wait_s = min(self._deadline.remaining_s, self._silence_s)
        try:
            item = self._items.get(timeout=wait_s) if wait_s else self._items.get_nowait()
        except queue.Empty:
            raise self._too_late() from None
        if isinstance(item, Exception):
            if self._deadline.remaining_s == 0.0:
                raise self._too_late() from item
            raise translate(item, self.host) from item
        return item

    def close(self) -> None:
        """Leave; whatever the thread is waiting for ends now."""
        self._gone.set()
        for connection in self._sockets:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _too_late(self) -> SourceUnavailableError:
        limit_s = self._deadline.limit_s if not self._deadline.remaining_s else self._silence_s
        return SourceUnavailableError(f"{self.host} did not answer in full within {limit_s:g} s")

    def _trace(self, event: str, info: dict[str, Any]) -> None:
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            self._sockets.append(info["return_value"].get_extra_info("socket"))
            if self._gone.is_set():
                self.close()

    def _run(self, request: httpx.Request) -> None:
        try:
            response = self._client.send(request, stream=True)
            with contextlib.closing(response):
                self._put(response)
                for chunk in response.iter_raw():
                    if not self._put(chunk):
                        return
                self._put(None)
        except Exception as exc:  # noqa: BLE001 - handed to the caller, who knows what it means
            self._put(exc)

    def _put(self, item: Any) -> bool:
        """Hand over an item; False when nobody is interested any more."""
        while not self._gone.is_set():
            with contextlib.suppress(queue.Full):
                self._items.put(item, timeout=0.1)
                return True
        return False
