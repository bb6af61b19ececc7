"""The HTTP server: reads requests, logs them, sends answers, well or badly."""

import logging
import select as select_
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flaremon.replica.calls import Call, CallLog
from flaremon.replica.fault_wire import Delivery, deliver
from flaremon.replica.faults import Fault
from flaremon.replica.routes import Routes, endpoint_of

logger = logging.getLogger(__name__)

_POLL_S = 0.05
_IDLE_S = 60.0
_FORM_BYTES_MAX = 1 << 20


class Server(ThreadingHTTPServer):
    """Serves until `stop`; then every connection is closed and every thread has ended."""

    daemon_threads = False
    block_on_close = True
    # A burst of clients must not be refused by the kernel: refusing is a fault of its own.
    request_queue_size = 64

    def __init__(
        self,
        address: tuple[str, int],
        routes: Routes,
        *,
        faults: Sequence[Fault],
        now: Callable[[], datetime],
    ) -> None:
        self.routes = routes
        self.faults = faults
        self.now = now
        self.log = CallLog()
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(address, Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take a connection (and remember it, so that `stop` can end it)."""
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - inherited
        """Log what broke a connection; clients that leave early are none of our business."""
        error = sys.exc_info()[1]
        if isinstance(error, OSError):
            logger.debug("connection of %s broke: %s", client_address, error)
        else:
            logger.error("no answer for %s", client_address, exc_info=error)

    def stop(self) -> None:
        """End `serve_forever`, close all connections, wait for their threads."""
        self.stopping.set()
        self.shutdown()
        with self._open_lock:
            for request in self._open:
                # The thread that reads from it wakes up, closes it and ends.
                try:
                    request.shutdown(socket.SHUT_RDWR)
                except OSError:
                    logger.debug("connection was closed already")
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "Apache/2.4 (replica)"
    sys_version = ""
    timeout = _IDLE_S
    # One segment per write; without it small answers wait 40 ms for the client's ACK.
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        """Answer a GET."""
        self._serve(self._query())

    def do_HEAD(self) -> None:
        """Answer a HEAD: all headers, no body."""
        self._serve(self._query())

    def do_POST(self) -> None:
        """Answer a form."""
        size = self.headers.get("Content-Length", "0")
        if not size.isdigit() or int(size) > _FORM_BYTES_MAX:
            self.send_error(413)
            return
        form = self.rfile.read(int(size)).decode("latin-1")
        self._serve(self._query() | dict(parse_qsl(form, keep_blank_values=True)))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Log a request quietly; the base class would print it."""
        logger.debug(format, *args)

    def _query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))

    def _serve(self, args: dict[str, str]) -> None:
        path = urlsplit(self.path).path
        call = Call(
            time=self.server.now(),
            endpoint=endpoint_of(path, args),
            number=0,
            method=self.command,
            path=path,
            args=args,
            headers={name.lower(): value for name, value in self.headers.items()},
        )
        self.server.log.enter(call)
        leave = _Once(self.server.log.leave)
        try:
            faults = [f for f in self.server.faults if f.strikes(call.endpoint, call.number)]
            reply = self.server.routes.answer(call.endpoint, path, args, faults)
            self._deliver(deliver(reply, faults), call, leave)
        finally:
            leave()

    def _deliver(self, delivery: Delivery, call: Call, leave: "_Once") -> None:
        if delivery.reset:
            self._reset()
            return
        if delivery.silence_s is not None and delivery.limit is None:
            self._wait_silently(delivery.silence_s)
            self.close_connection = True
            return
        reply = delivery.reply
        call.status = reply.status
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(reply.body.size))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if self.command == "HEAD" or not reply.body.size:
            leave()
            self.end_headers()
            return
        self.end_headers()
        self._send_body(delivery, call, leave)

    def _send_body(self, delivery: Delivery, call: Call, leave: "_Once") -> None:
        pieces = delivery.reply.body.chunks(delivery.limit)
        if delivery.drip_s is not None:
            pieces = (bytes([byte]) for piece in pieces for byte in piece)
        for piece, is_last in _with_last(pieces):
            # Noted before the bytes leave: whoever has read an answer finds it in the log.
            call.bytes += len(piece)
            if is_last and delivery.silence_s is None:
                leave()
            self.wfile.write(piece)
            if delivery.drip_s is not None and self.server.stopping.wait(delivery.drip_s):
                break
        if delivery.silence_s is not None:
            self._wait_silently(delivery.silence_s)
        # Also when a file became shorter meanwhile: the announced length can no longer be kept.
        if call.bytes < delivery.reply.body.size:
            self.close_connection = True

    def _wait_silently(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.server.stopping.wait(_POLL_S):
            readable, _, _ = select_.select([self.connection], [], [], 0)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                return

    def _reset(self) -> None:
        # Closing with a linger time of 0 sends RST instead of FIN.
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True


class _Once:
    """Calls something the first time only."""

    def __init__(self, action: Callable[[], None]) -> None:
        self._action: Callable[[], None] | None = action

    def __call__(self) -> None:
        action, self._action = self._action, None
        if action is not None:
            action()


def _with_last(pieces: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    previous: bytes | None = None
    for piece in pieces:
        if previous is not None:
            yield previous, False
        previous = piece
    if previous is not None:
        yield previous, True
