"""Requests to one host: who asks, and which redirects are followed."""

import contextlib
import threading
from collections.abc import Iterator

import httpx

from flaremon import __version__
from flaremon.errors import ConfigurationError, SourceProtocolError
from flaremon.politeness import Turn
from flaremon.web.exchange import Exchange
from flaremon.web.reply import Reply

MAX_REDIRECTS = 3


class Web:
    """Requests to one host.

    Parameters
    ----------
    base_url : str
        Scheme, host and port; a redirect to another host is refused.
    silence_s : float
        The longest wait for the next byte, in s.
    setting : str
        The variable with the address, for messages.
    """

    def __init__(
        self, base_url: str, *, silence_s: float, setting: str = "FLAREMON_JSOC__BASE_URL"
    ) -> None:
        self._base = httpx.URL(base_url)
        self._silence_s = silence_s
        self._setting = setting
        self._lock = threading.Lock()
        self._shared: httpx.Client | None = None

    @contextlib.contextmanager
    def open(self, url: str, *, turn: Turn, form: bytes | None = None) -> Iterator[Reply]:
        """Send a request and give its reply, whatever the status.

        Parameters
        ----------
        form : bytes, optional
            An encoded form, sent by POST so that it shows in no URL and no log.

        Raises
        ------
        SourceUnavailableError
            No answer within the turn's deadline.
        SourceProtocolError
            Redirected to another host, or in circles.
        """
        method = "GET" if form is None else "POST"
        headers = {} if form is None else {"Content-Type": "application/x-www-form-urlencoded"}
        request = self._client.build_request(method, url, content=form, headers=headers)
        with contextlib.ExitStack() as stack:
            for _ in range(1 + MAX_REDIRECTS):
                exchange = Exchange(self._client, request, turn.deadline, self._silence_s)
                stack.callback(exchange.close)
                reply = Reply(exchange, exchange.head(), self._setting)
                if reply.next_request is None:
                    yield reply
                    return
                exchange.close()
                self._check_redirect(request, reply.next_request)
                request = reply.next_request
        raise SourceProtocolError(f"{self._base.host} redirects in circles")

    @property
    def _client(self) -> httpx.Client:
        with self._lock:
            if self._shared is None:
                try:
                    self._shared = httpx.Client(
                        headers={
                            "User-Agent": f"flaremon/{__version__}",
                            # Content-Length must count the bytes of the file.
                            "Accept-Encoding": "identity",
                        },
                        limits=httpx.Limits(max_keepalive_connections=0),
                    )
                except (ImportError, ValueError) as exc:
                    raise ConfigurationError(
                        f"the proxy of the environment cannot be used: {exc}"
                    ) from exc
            return self._shared

    def _check_redirect(self, request: httpx.Request, target: httpx.Request) -> None:
        same_place = (target.url.scheme, target.url.port) == (self._base.scheme, self._base.port)
        upgraded = (target.url.scheme, target.url.port) == ("https", None)
        if target.url.host != self._base.host or not (same_place or upgraded):
            raise SourceProtocolError(
                f"{self._base.host} redirects to another place, {target.url.scheme}://"
                f"{target.url.netloc.decode()}; if it has moved, set {self._setting}"
            )
        if target.method != request.method:
            raise SourceProtocolError(
                f"{self._base.host} redirects a form; if it has moved to {target.url.scheme}://"
                f"{target.url.host}, set {self._setting}"
            )
