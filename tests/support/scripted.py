"""A small HTTP server that answers as it is told, byte for byte, bad answers included."""

import threading
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler

from support.loopback import LoopbackServer

Answer = bytes | Callable[[BaseHTTPRequestHandler], None]


class Answers(LoopbackServer):
    """Gives one answer after the other; the last one again and again.

    An answer is bytes to send as they are (head and body), or a function of the handler.
    """

    def __init__(self, answers: Sequence[Answer]) -> None:
        self._answers = list(answers)
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        """Method, path, headers (lower case), body."""
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                with outer._lock:
                    outer.requests.append((self.command, self.path, headers, body))
                    more = len(outer._answers) > 1
                    answer = outer._answers.pop(0) if more else outer._answers[0]
                self.close_connection = True
                try:
                    self.wfile.write(answer) if isinstance(answer, bytes) else answer(self)
                except OSError:  # the client has left
                    return

            do_GET = do_POST = _answer  # noqa: N815 - http.server's names

            def log_message(self, *args: object) -> None:
                pass

        super().__init__(Handler)


def reply(body: bytes = b"", *, status: str = "200 OK", **headers: str) -> bytes:
    """Return a whole HTTP reply; ``Content_Length=None`` style names become header names."""
    fields = {"Content-Length": str(len(body)), "Connection": "close"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def drip(content: bytes, *, every_s: float) -> Callable[[BaseHTTPRequestHandler], None]:
    """Send single bytes, for ever slow; no operation on the socket ever times out."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        for byte in content:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            time.sleep(every_s)

    return answer


def hang(seconds: float) -> Callable[[BaseHTTPRequestHandler], None]:
    """Say nothing."""
    return lambda _handler: time.sleep(seconds)
