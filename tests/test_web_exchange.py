"""A request ends in time whatever hangs, and every error of the HTTP library is translated."""

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler

import httpx
import pytest
from support.scripted import Answers, drip, hang, reply

from flaremon.errors import SourceError, SourceUnavailableError
from flaremon.politeness import Deadline
from flaremon.web.exchange import TRANSLATION, Exchange, translate

THEIRS = [
    error
    for name in sorted(vars(httpx))
    if isinstance(error := vars(httpx)[name], type)
    and issubclass(error, Exception)
    # Raised for programming errors only: reading a cookie twice is not done here.
    and error is not httpx.CookieConflict
]


def make(error: type[Exception]) -> Exception:
    if error is httpx.HTTPStatusError:
        request = httpx.Request("GET", "http://localhost")
        return error("no", request=request, response=httpx.Response(500))
    if issubclass(error, httpx.StreamError) and error is not httpx.StreamError:
        return error()
    return error("no")


@pytest.mark.parametrize("error", [*THEIRS, OSError, TimeoutError, ConnectionResetError])
def test_every_error_of_the_library_becomes_one_of_ours(error):
    ours = translate(make(error), "jsoc")
    assert isinstance(ours, SourceError)
    assert str(ours).startswith("jsoc ")


def test_the_more_special_entry_comes_first():
    for k, (theirs, _, _) in enumerate(TRANSLATION):
        assert not any(issubclass(theirs, earlier) for earlier, _, _ in TRANSLATION[:k])


def test_a_bug_stays_a_bug():
    bug = ZeroDivisionError()
    assert translate(bug, "jsoc") is bug


def exchange(base_url: str, limit_s: float, silence_s: float = 60.0) -> Exchange:
    client = httpx.Client(limits=httpx.Limits(max_keepalive_connections=0))
    return Exchange(client, client.build_request("GET", base_url), Deadline(limit_s), silence_s)


def read(sending: Exchange) -> bytes:
    try:
        sending.head()
        return b"".join(iter(sending.next, None))
    finally:
        sending.close()


ANSWER = reply(b"x" * 1000)


def drip_body(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(ANSWER[:-1000])
    drip(ANSWER[-1000:], every_s=0.05)(handler)


@pytest.mark.parametrize(
    "answer",
    [hang(60), drip(ANSWER, every_s=0.05), drip_body],
    ids=["silence", "dripping head", "dripping body"],
)
def test_the_deadline_holds_and_the_thread_ends(answer):
    with Answers([answer]) as server:
        began = time.monotonic()
        with pytest.raises(SourceUnavailableError, match=r"in full within 0\.6 s|in time"):
            read(exchange(server.base_url, 0.6))
        assert time.monotonic() - began < 10  # the answers would take a minute
        until = time.monotonic() + 10
        while any(thread.name == "flaremon-web" for thread in threading.enumerate()):
            assert time.monotonic() < until
            time.sleep(0.01)


def test_silence_in_the_middle_is_noticed_before_the_deadline():
    def answer(handler) -> None:
        handler.wfile.write(ANSWER[:-500])
        handler.wfile.flush()
        time.sleep(5)

    with Answers([answer]) as server, pytest.raises(SourceUnavailableError, match=r"within 0\.2 s"):
        read(exchange(server.base_url, 60.0, 0.2))


def test_a_large_body_arrives_whole():
    body = bytes(range(256)) * 40_000
    with Answers([reply(body)]) as server:
        assert read(exchange(server.base_url, 60.0)) == body


def test_a_caller_that_leaves_early_ends_the_thread():
    with Answers([reply(bytes(50_000_000))]) as server:
        sending = exchange(server.base_url, 60.0)
        sending.head()
        sending.close()
        until = time.monotonic() + 10
        while any(thread.name == "flaremon-web" for thread in threading.enumerate()):
            assert time.monotonic() < until
            time.sleep(0.01)


def test_a_port_where_nobody_listens_is_unavailable():
    with Answers([b""]) as server:
        url = server.base_url
    with pytest.raises(SourceUnavailableError, match="cannot be reached"):
        read(exchange(url, 60.0))


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", ANSWER[:20]])
def test_half_an_answer_is_unavailable(answer):
    with Answers([answer]) as server, pytest.raises(SourceUnavailableError, match="broke off"):
        read(exchange(server.base_url, 60.0))


def test_a_name_server_that_does_not_answer_does_not_outlast_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
):
    answered = threading.Event()

    def wait(*_args: object, **_kwargs: object) -> None:
        answered.wait(60)
        raise socket.gaierror(socket.EAI_AGAIN, "no name server")

    monkeypatch.setattr(socket, "getaddrinfo", wait)
    began = time.monotonic()
    with pytest.raises(SourceUnavailableError, match="in full within"):
        read(exchange("http://jsoc.invalid", 0.3))
    assert time.monotonic() - began < 10
    answered.set()
