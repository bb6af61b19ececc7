"""Redirects, statuses and sizes of replies."""

import email.utils
from datetime import UTC, datetime, timedelta

import pytest
from support.scripted import Answers, reply

from flaremon import __version__
from flaremon.errors import (
    ConfigurationError,
    DownloadIncompleteError,
    SourceProtocolError,
    SourceUnavailableError,
)
from flaremon.politeness import Deadline, Turn
from flaremon.web import MAX_REDIRECTS, Web
from flaremon.web import reply as replies


def turn() -> Turn:
    return Turn(Deadline(30.0))


def get(base_url: str, path: str = "/page", *, form: bytes | None = None) -> bytes:
    with Web(base_url, silence_s=30.0).open(f"{base_url}{path}", turn=turn(), form=form) as answer:
        answer.raise_for_status(path, turn())
        return answer.read()


def test_a_request_says_who_asks_and_wants_the_bytes_as_they_are():
    with Answers([reply(b"hello")]) as server:
        assert get(server.base_url) == b"hello"
    _, _, headers, _ = server.requests[0]
    assert headers["user-agent"] == f"flaremon/{__version__}"
    assert headers["accept-encoding"] == "identity"


def test_a_form_travels_in_the_body():
    with Answers([reply(b"hello")]) as server:
        get(server.base_url, form=b"a=1&b=2")
    method, path, headers, body = server.requests[0]
    assert (method, path, body) == ("POST", "/page", b"a=1&b=2")
    assert headers["content-type"] == "application/x-www-form-urlencoded"


def test_a_redirect_on_the_same_host_is_followed():
    with Answers([reply(status="302 Found", Location="/other"), reply(b"hello")]) as server:
        assert get(server.base_url) == b"hello"
    assert [path for _, path, _, _ in server.requests] == ["/page", "/other"]


@pytest.mark.parametrize(
    "target",
    [
        "http://elsewhere.invalid/page",
        "http://127.0.0.1:9/page",
        "//elsewhere.invalid/page",
        "ftp://127.0.0.1/page",
        "http://[bad/",
    ],
)
def test_a_redirect_to_another_place_is_refused(target):
    with (
        Answers([reply(status="301 Moved", Location=target)]) as server,
        pytest.raises(SourceProtocolError, match="FLAREMON_JSOC__BASE_URL"),
    ):
        get(server.base_url)
    assert len(server.requests) == 1


def test_a_redirect_in_circles_ends():
    with (
        Answers([reply(status="302 Found", Location="/page")]) as server,
        pytest.raises(SourceProtocolError, match="circles"),
    ):
        get(server.base_url)
    assert len(server.requests) == 1 + MAX_REDIRECTS


def test_a_form_is_not_turned_into_a_question_by_a_redirect():
    with (
        Answers([reply(status="302 Found", Location="/other")]) as server,
        pytest.raises(SourceProtocolError, match="redirects a form"),
    ):
        get(server.base_url, form=b"a=1")


@pytest.mark.parametrize("status", ["403 Forbidden", "408 x", "429 x", "500 x", "502 x", "503 x"])
def test_a_status_that_can_pass_is_unavailable(status):
    with (
        Answers([reply(b"<html>", status=status)]) as server,
        pytest.raises(SourceUnavailableError, match=f"HTTP {status[:3]}"),
    ):
        get(server.base_url)


@pytest.mark.parametrize("status", ["204 No Content", "206 Partial", "400 x", "404 x", "410 x"])
def test_any_other_status_makes_no_sense(status):
    body = b"" if status.startswith("204") else b"<html>"
    with (
        Answers([reply(body, status=status)]) as server,
        pytest.raises(SourceProtocolError, match=f"HTTP {status[:3]}"),
    ):
        get(server.base_url)


@pytest.mark.parametrize(
    ("status", "wish", "low", "high"),
    [
        ("503 x", "17", 17, 17),
        ("429 x", "0", 0, 0),
        ("503 x", "", 0, 0),
        ("503 x", "later", 0, 0),
        ("429 x", "", 60, 60),
        ("403 x", "", 3600, 3600),
        ("503 x", email.utils.format_datetime(datetime.now(UTC) + timedelta(hours=1)), 3000, 3600),
        ("503 x", "Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
    ],
    # The wish as an id would differ between processes: one of them is a time from now.
    ids=["seconds", "zero", "none-503", "words", "none-429", "none-403", "a date", "a past date"],
)
def test_the_pause_that_a_server_asks_for_is_noted(status, wish, low, high):
    fields = {"Retry-After": wish} if wish else {}
    current = turn()
    with (
        Answers([reply(status=status, **fields)]) as server,
        Web(server.base_url, silence_s=30.0).open(server.base_url, turn=current) as answer,
        pytest.raises(SourceUnavailableError),
    ):
        answer.raise_for_status("page", current)
    assert low <= current.rest_s <= high


def test_a_reply_that_is_cut_short_is_unavailable_and_a_file_incomplete():
    cut = reply(b"x" * 1000)[:-100]
    with Answers([cut]) as server:
        with pytest.raises(SourceUnavailableError, match="after 900 of 1000 bytes"):
            get(server.base_url)
        opened = Web(server.base_url, silence_s=30.0).open(server.base_url, turn=turn())
        with opened as answer, pytest.raises(DownloadIncompleteError, match="900 of 1000"):
            list(answer.chunks())


def test_a_reply_without_an_end_in_sight_is_not_read_to_memory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(replies, "MAX_REPLY_BYTES", 999)
    with (
        Answers([reply(bytes(1000))]) as server,
        pytest.raises(SourceProtocolError, match="more than 999 bytes"),
    ):
        get(server.base_url)


def test_a_proxy_that_cannot_be_used_is_a_wrong_setting(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("http_proxy", "gopher://127.0.0.1:9")
    with pytest.raises(ConfigurationError, match="proxy"):
        get("http://127.0.0.1:9")
