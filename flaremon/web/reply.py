"""A reply: its status, its body as it arrives, and what they mean."""

import contextlib
import email.utils
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx

from flaremon.errors import DownloadIncompleteError, SourceProtocolError, SourceUnavailableError
from flaremon.politeness import Turn
from flaremon.web.exchange import Exchange

MAX_REPLY_BYTES = 64_000_000
"""A day of 45 s records with all keywords is about 2 MB."""
EXCERPT_BYTES = 500
RESTS_S = {403: 3600.0, 429: 60.0}
"""Pauses when the server names none; 403 is how an address learns that it is blocked."""
_BUSY = frozenset({403, 408, 425, 429})


def excerpt(body: bytes) -> str:
    """Return the beginning of a reply for a message."""
    return repr(body[:EXCERPT_BYTES].decode("latin1"))


class Reply:
    """The head of an answer, and its body as it arrives."""

    def __init__(self, exchange: Exchange, response: httpx.Response, setting: str) -> None:
        self._setting = setting
        self._exchange = exchange
        self.status = response.status_code
        self.reason = response.reason_phrase
        self.headers = response.headers
        self.next_request = response.next_request

    @property
    def expected_bytes(self) -> int | None:
        """Length that the server announced, in bytes."""
        announced = self.headers.get("Content-Length", "")
        return int(announced) if announced.isdecimal() else None

    def chunks(self) -> Iterator[bytes]:
        """Give the body as it arrives.

        Raises
        ------
        DownloadIncompleteError
            The server closed the connection before the end.
        SourceUnavailableError
            It went silent, or the deadline passed.
        """
        received = 0
        while True:
            try:
                chunk = self._exchange.next()
            except SourceUnavailableError as exc:
                if isinstance(exc.__cause__, httpx.RemoteProtocolError | httpx.ReadError):
                    raise DownloadIncompleteError(
                        f"{self._exchange.host} closed the connection after {received} of "
                        f"{self.expected_bytes or 'an unknown number of'} bytes"
                    ) from exc.__cause__
                raise
            if chunk is None:
                return
            received += len(chunk)
            yield chunk

    def read(self) -> bytes:
        """Return the whole body of a small reply.

        Raises
        ------
        SourceUnavailableError
            It did not arrive in full.
        SourceProtocolError
            It is larger than `MAX_REPLY_BYTES`.
        """
        body = bytearray()
        try:
            for chunk in self.chunks():
                body += chunk
                if len(body) > MAX_REPLY_BYTES:
                    raise SourceProtocolError(
                        f"{self._exchange.host} sent a reply of more than {MAX_REPLY_BYTES} bytes"
                    )
        except DownloadIncompleteError as exc:
            raise SourceUnavailableError(str(exc)) from exc
        return bytes(body)

    def raise_for_status(self, what: str, turn: Turn) -> None:
        """Accept 200 only; note in `turn` how long the server wants to be left alone.

        Raises
        ------
        SourceUnavailableError
            For a status that can pass (403, 408, 425, 429, 5xx).
        SourceProtocolError
            For any other.
        """
        if self.status == httpx.codes.OK:
            return
        host = self._exchange.host
        if self.status in _BUSY or self.status >= httpx.codes.INTERNAL_SERVER_ERROR:
            asked_s = self._retry_after_s()
            turn.rest_s = RESTS_S.get(self.status, 0.0) if asked_s is None else asked_s
            rest = f", so it is left alone for {turn.rest_s:.0f} s" if turn.rest_s else ""
            raise SourceUnavailableError(
                f"{host} answers HTTP {self.status} {self.reason} ({what}){rest}"
            )
        raise SourceProtocolError(
            f"{host} answers HTTP {self.status} {self.reason} ({what}); is {self._setting} right?"
        )

    def _retry_after_s(self) -> float | None:
        wish = self.headers.get("Retry-After", "")
        if wish.isdecimal():
            return float(wish)
        with contextlib.suppress(ValueError, TypeError):
            until = email.utils.parsedate_to_datetime(wish)
            return max(0.0, (until - datetime.now(tz=UTC)).total_seconds())
        return None
