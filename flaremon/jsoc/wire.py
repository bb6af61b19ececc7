"""Where drms meets our transport and our errors.

drms's own transport has one time-out per socket operation and puts the address of the user into
URLs, which end up in messages and logs; so its requests go through `flaremon.web` instead.
"""

import json
import logging
import re
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from flaremon.errors import SourceError, SourceProtocolError, SourceUnavailableError
from flaremon.politeness import Turn
from flaremon.web import Web, excerpt

if TYPE_CHECKING:
    import drms

TRANSLATION: tuple[tuple[type[Exception], type[SourceError], str], ...] = (
    (json.JSONDecodeError, SourceProtocolError, "sent what is not JSON"),
    (RecursionError, SourceProtocolError, "sent JSON that is nested too deeply"),
    (OSError, SourceUnavailableError, "cannot be reached"),
    (HTTPException, SourceUnavailableError, "broke off"),
    (ValueError, SourceProtocolError, "sent a reply that does not fit together"),
    (LookupError, SourceProtocolError, "left something out of its reply"),
    (TypeError, SourceProtocolError, "sent a reply of another form"),
    (AttributeError, SourceProtocolError, "sent a reply of another form"),
    (RuntimeError, SourceProtocolError, "refused"),
)
"""What can come out of drms, pandas, json and urllib; drms's own errors are RuntimeErrors."""
THEIRS = tuple(theirs for theirs, _, _ in TRANSLATION)

_PASSING = re.compile(r"\[status=(?:2|3|5|6)\]")
"""The JSOC's wrapper could not reach its configuration, its database or its own program."""
_ADDRESS = re.compile(r"[^\s\"'<>&=]+(?:@|%(?:25)*40)[^\s\"'<>&=]+")


def redact(text: str) -> str:
    """Remove e-mail addresses, plain or percent-encoded, from what goes into a message."""
    return _ADDRESS.sub("<address>", text)


def translate(exc: Exception, host: str, body: bytes) -> SourceError:
    """Return our error for one of `THEIRS`; the first match of the table counts."""
    kind, words = next(
        (ours, words) for theirs, ours, words in TRANSLATION if isinstance(exc, theirs)
    )
    if _PASSING.search(str(exc)):
        kind = SourceUnavailableError
    said = f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__
    seen = f"; the reply begins {excerpt(body)}" if body else ""
    return kind(redact(f"{host} {words}: {said}{seen}"))


class Transport:
    """Stands where drms has its own ``HttpJsonRequest``: a URL in, parsed JSON out."""

    def __init__(self, web: Web, turn: Turn) -> None:
        self._web = web
        self._turn = turn
        self.body = b""
        self.data: Any = None

    def __call__(self, url: str) -> "Transport":
        """Fetch a URL that drms wrote; ``data`` is the reply.

        Raises
        ------
        SourceUnavailableError, SourceProtocolError, json.JSONDecodeError
            No reply, or none in JSON.
        """
        place, _, arguments = url.partition("?")
        # An export request names the address, so it travels as a form, not in the URL.
        form = arguments.encode() if "notify=" in arguments else None
        what = place.rpartition("/")[2]
        with self._web.open(url if form is None else place, turn=self._turn, form=form) as reply:
            reply.raise_for_status(what, self._turn)
            self.body = reply.read()
        # As drms does: latin-1 never fails, and keywords are ASCII.
        self.data = json.loads(self.body.decode("latin1"))
        return self


def drms_client(base_url: str, transport: Transport) -> "drms.Client":
    """Return a drms client for one request, which `transport` carries out.

    No address is given to it, since it would ask the JSOC about that at once.
    """
    drms = import_drms()
    config = drms.ServerConfig(
        name="flaremon",
        cgi_baseurl=f"{base_url}/cgi-bin/ajax/",
        cgi_show_series="show_series",
        cgi_jsoc_info="jsoc_info",
        cgi_jsoc_fetch="jsoc_fetch",
        cgi_check_address="checkAddress.sh",
        cgi_show_series_wrapper="showextseries",
        show_series_wrapper_dbhost="hmidb2",
        http_download_baseurl=f"{base_url}/",
    )
    client = drms.Client(config)
    # drms has no public place for a transport; pyproject.toml holds it to 0.9, and a test sees
    # that our requests, not drms's, arrive.
    client._json._json_request = transport  # noqa: SLF001
    return client


def import_drms() -> Any:
    """Import drms without the log handler that it gives to everybody's root logger."""
    root = logging.getLogger()
    bystander = logging.NullHandler()
    root.addHandler(bystander)  # basicConfig does nothing while the root logger has a handler
    try:
        import drms  # noqa: PLC0415 - imports pandas: 0.5 s that only a query needs to pay
    finally:
        root.removeHandler(bystander)
    return drms
