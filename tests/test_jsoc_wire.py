"""drms on our transport: what it raises is translated, and it leaves no traces."""

import http.client
import json
import subprocess
import sys
import urllib.error
from email.message import Message

import drms
import pandas as pd
import pytest

from flaremon.errors import SourceError, SourceProtocolError, SourceUnavailableError
from flaremon.jsoc.wire import THEIRS, TRANSLATION, redact, translate

UNAVAILABLE = [
    urllib.error.URLError("refused"),
    urllib.error.HTTPError("http://x/?notify=a%40b.c", 500, "Failed", Message(), None),
    TimeoutError("timed out"),
    ConnectionResetError(),
    http.client.RemoteDisconnected("closed"),
    http.client.IncompleteRead(b"half"),
    http.client.BadStatusLine("?"),
    drms.DrmsQueryError("database [status=5]"),
    drms.DrmsQueryError("jsoc_info failed [status=6]"),
]
PROTOCOL = [
    json.JSONDecodeError("Expecting value", "<html>", 0),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
    ValueError("All arrays must be of the same length"),
    pd.errors.EmptyDataError("nothing"),
    KeyError("recinfo"),
    IndexError("0"),
    TypeError("int(None)"),
    AttributeError("'list' object has no attribute 'get'"),
    RecursionError("too deep"),
    drms.DrmsQueryError("bad record set [status=1]"),
    drms.DrmsQueryError("DRMS Query failed. [status=None]"),
    drms.DrmsExportError("failed [status=4]"),
    drms.DrmsOperationNotSupported("no"),
    drms.DrmsError("no"),
]


@pytest.mark.parametrize("error", UNAVAILABLE, ids=repr)
def test_trouble_on_the_way_is_unavailable(error):
    assert isinstance(error, THEIRS)
    assert type(translate(error, "jsoc", b"")) is SourceUnavailableError


@pytest.mark.parametrize("error", PROTOCOL, ids=repr)
def test_a_reply_that_makes_no_sense_is_a_protocol_error_that_shows_the_reply(error):
    assert isinstance(error, THEIRS)
    ours = translate(error, "jsoc", b"<html>" + b"x" * 5000)
    assert type(ours) is SourceProtocolError
    assert "<html>xxx" in str(ours)
    assert len(str(ours)) < 1000


def test_every_error_class_of_drms_is_translated():
    for name in drms.exceptions.__all__:
        error = getattr(drms, name)("words")
        assert isinstance(translate(error, "jsoc", b""), SourceError)


def test_the_more_special_entry_comes_first():
    for k, (theirs, _, _) in enumerate(TRANSLATION):
        assert not any(issubclass(theirs, earlier) for earlier, _, _ in TRANSLATION[:k])


@pytest.mark.parametrize(
    "text",
    [
        "User somebody.else@example.org has 1 pending export requests",
        "http://x/jsoc_fetch?notify=somebody.else%40example.org&method=url",
        "http://x/checkAddress.sh?address=somebody.else%2540example.org&checkonly=1",
        "address <somebody.else@example.org> is not registered",
    ],
)
def test_addresses_are_removed_from_messages(text):
    clean = redact(text)
    assert "somebody" not in clean
    assert "example" not in clean
    assert "<address>" in clean


def test_an_error_that_names_the_url_does_not_give_the_address_away():
    error = urllib.error.HTTPError("u", 500, "http://x/?notify=me%40here.org&a=1", Message(), None)
    assert "here" not in str(translate(error, "jsoc", b""))
    assert "here" not in str(translate(KeyError("x"), "jsoc", b'{"error": "me@here.org"}'))


QUIET = """
import logging, sys
before = (list(logging.getLogger().handlers), logging.getLogger().level)
import flaremon.jsoc
assert not {"drms", "pandas", "astropy"} & set(sys.modules), "heavy import"
from flaremon.jsoc.wire import import_drms
import_drms()
assert "drms" in sys.modules
assert (list(logging.getLogger().handlers), logging.getLogger().level) == before
"""


def test_drms_is_imported_late_and_leaves_the_root_logger_alone():
    subprocess.run([sys.executable, "-c", QUIET], check=True)
