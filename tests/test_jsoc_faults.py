"""Each kind of fault that the replica has, and what becomes of it."""

import logging
import time
from datetime import timedelta
from pathlib import Path

import pytest
from support.scripted import Answers
from support.sites import END, NRT

from flaremon.cache import FileCache
from flaremon.config import JsocSettings
from flaremon.domain import QualityClass
from flaremon.errors import (
    DownloadIncompleteError,
    FlaremonError,
    RecordOfflineError,
    SourceProtocolError,
    SourceUnavailableError,
)
from flaremon.jsoc import Jsoc
from flaremon.replica import KINDS, Fault

SLOW = frozenset({"hang", "slow-drip", "stall"})
DEADLY = frozenset({"slow-drip", "stall"})
"""Use up the whole deadline, so that there is no second try."""

FIND_FAULTS: dict[str, tuple[type[FlaremonError], str]] = {
    "http-500": (SourceUnavailableError, r"HTTP 500 .*\(2 tries"),
    "http-503": (SourceUnavailableError, "left alone for 30 s"),
    "http-429": (SourceUnavailableError, "left alone for 30 s"),
    "http-403": (SourceUnavailableError, "left alone for 3600 s"),
    "http-404": (SourceProtocolError, "FLAREMON_JSOC__BASE_URL"),
    "hang": (SourceUnavailableError, "in full within 1 s|in time"),
    "slow-drip": (SourceUnavailableError, "in full within 1 s|in time"),
    "stall": (SourceUnavailableError, "in full within 1 s|in time"),
    "redirect": (SourceProtocolError, "redirects to another place"),
    "reset": (SourceUnavailableError, "broke off|closed the connection"),
    "truncated": (SourceUnavailableError, r"closed the connection after \d+ of \d+ bytes"),
    "wrong-length": (SourceProtocolError, "not JSON"),
    "empty": (SourceProtocolError, "not JSON"),
    "html": (SourceProtocolError, "down for maintenance"),
    "malformed-json": (SourceProtocolError, 'not JSON.*the reply begins .*"keywords"'),
    "missing-file": (SourceProtocolError, "HTTP 404"),
    "status-nonzero": (SourceProtocolError, r"jsoc_info failed \[status=1\]"),
    "unequal-columns": (SourceProtocolError, "same length.*the reply begins"),
}
FOUND_FAULTS = {
    "off-line",
    "nodata",
    "missing-keywords",
    "duplicate-rows",
    "decimal-quality",
    "hex-quality",
    "path-escape",
}
FILE_FAULTS: dict[str, tuple[type[FlaremonError], str]] = {
    "http-500": (SourceUnavailableError, r"HTTP 500 .*\(2 tries"),
    "http-403": (RecordOfflineError, "FLAREMON_JSOC__EMAIL"),
    "http-404": (RecordOfflineError, "register_email.html"),
    "http-418": (SourceProtocolError, "HTTP 418"),
    "missing-file": (RecordOfflineError, "FLAREMON_JSOC__EMAIL"),
    "hang": (SourceUnavailableError, "in full within 1 s|in time"),
    "slow-drip": (SourceUnavailableError, "in full within 1 s|in time"),
    "stall": (SourceUnavailableError, "in full within 1 s|in time"),
    "redirect": (SourceProtocolError, "redirects to another place"),
    "reset": (SourceUnavailableError, "broke off|closed the connection"),
    "truncated": (DownloadIncompleteError, r"closed the connection .*\(2 tries"),
    "wrong-length": (DownloadIncompleteError, r"FITS headers describe .*\(2 tries"),
    "empty": (DownloadIncompleteError, "header is cut short"),
    "html": (SourceProtocolError, "not a FITS file but .*maintenance"),
}
EXPORT_FAULTS = {"export-stuck", "export-status", "warning-row", "no-data-file"}
CONTENT_FAULTS = {"wrong-file"}
"""A whole FITS file of another slot: only its content can tell, which is not read here."""


def test_no_fault_of_the_replica_is_forgotten_here():
    known = FIND_FAULTS.keys() | FOUND_FAULTS | FILE_FAULTS.keys() | EXPORT_FAULTS | CONTENT_FAULTS
    assert {kind for kind in KINDS if kind != "http-NNN"} <= known


@pytest.mark.parametrize("kind", FIND_FAULTS)
def test_a_query_that_goes_wrong_says_how(kind, site):
    error, words = FIND_FAULTS[kind]
    slow = kind in SLOW
    made = site(Fault(kind, on="rs_list"), deadline_s=1.0 if slow else 20.0)
    began = time.monotonic()
    with pytest.raises(error, match=words) as caught:
        made.find()
    assert type(caught.value) is error
    assert time.monotonic() - began < 15
    expected_tries = 2 if error.retriable and "left alone" not in words and not slow else 1
    assert made.endpoints() == ["rs_list"] * expected_tries


@pytest.mark.parametrize(
    "kind",
    # After a 403, which tells an address that it is blocked, nothing is asked for an hour.
    [k for k in FIND_FAULTS if FIND_FAULTS[k][0].retriable and k not in {"http-403", *DEADLY}],
)
def test_a_query_that_goes_wrong_once_is_answered_in_the_end(kind, site):
    made = site(Fault(kind, on="rs_list", at=(1,), value=_brief(kind)), deadline_s=20.0)
    assert len(made.find()) == 3
    assert made.endpoints() == ["rs_list"] * 2


def _brief(kind: str) -> object:
    """Return a value that lets the fault pass within a test."""
    return {"hang": 0.2, "http-503": 0, "http-429": 0}.get(kind)


def test_slots_without_an_image_are_listed_with_their_quality(site):
    records = site(Fault("nodata", record=-1)).find()
    assert [record.quality_class for record in records] == [
        QualityClass.UNUSABLE,
        QualityClass.CLEAN,
        QualityClass.CLEAN,
    ]
    assert (records[0].geometry, records[0].segment_path) == (None, None)


def test_off_line_records_are_listed_without_a_path(site):
    records = site(Fault("off-line", record=0)).find()
    assert [record.segment_path is None for record in records] == [False, False, True]


def test_missing_keywords_leave_a_record_without_geometry_but_with_its_words(site):
    record = site(Fault("missing-keywords")).find()[0]
    assert (record.geometry, record.t_obs) == (None, None)
    assert record.keywords["CRPIX1"] == "MISSING"
    partly = site(Fault("missing-keywords", value="CROTA2")).find()[0]
    assert partly.geometry is None
    assert partly.t_obs is not None


def test_twin_rows_become_one_record_with_data(site):
    records = site(Fault("duplicate-rows")).find()
    assert len(records) == 3
    for record in records:
        assert record.segment_path is not None
        assert record.keywords["CAMERA"] == "3"


@pytest.mark.parametrize("kind", ["decimal-quality", "hex-quality"])
def test_quality_is_the_same_in_any_notation(kind, site):
    assert {record.quality for record in site(Fault(kind)).find()} == {0x400}


def test_a_path_that_leads_elsewhere_is_never_asked_for(site, caplog: pytest.LogCaptureFixture):
    made = site(Fault("path-escape"))
    with caplog.at_level(logging.WARNING):
        record = made.find()[0]
    assert record.segment_path is None
    assert "passwd" in caplog.text
    with pytest.raises(RecordOfflineError):
        made.jsoc.download(record)
    assert made.endpoints() == ["rs_list"]


@pytest.mark.parametrize("kind", FILE_FAULTS)
def test_a_download_that_goes_wrong_says_how_and_leaves_nothing(kind, site):
    error, words = FILE_FAULTS[kind]
    slow = kind in SLOW
    made = site(Fault(kind, on="sums"), download_deadline_s=1.0 if slow else 60.0)
    record = made.find()[0]
    began = time.monotonic()
    with pytest.raises(error, match=words) as caught:
        made.jsoc.download(record)
    assert type(caught.value) is error
    assert str(record.key) in str(caught.value) or error is SourceProtocolError
    assert time.monotonic() - began < 15
    assert [path.name for path in made.cache.folder.iterdir() if ".lane" not in path.name] == []


@pytest.mark.parametrize(
    "kind", [k for k in FILE_FAULTS if FILE_FAULTS[k][0].retriable and k not in DEADLY]
)
def test_a_download_that_goes_wrong_once_is_whole_in_the_end(kind, site):
    made = site(Fault(kind, on="sums", at=(1,), value=_brief(kind)))
    record = made.find()[0]
    stored = made.jsoc.download(record)
    assert made.cache.get(record) == stored
    assert made.endpoints() == ["rs_list", "sums", "sums"]


def test_the_circuit_opens_after_five_failures_and_says_until_when(site):
    made = site(Fault("http-500", on="rs_list"), attempts=1)
    for _ in range(5):
        with pytest.raises(SourceUnavailableError, match="HTTP 500"):
            made.find()
    with pytest.raises(SourceUnavailableError, match=r"until 20\d\d-.*Z"):
        made.find()
    assert len(made.replica.calls) == 5


def test_a_jsoc_that_does_not_exist_is_unavailable_in_one_sentence(tmp_path: Path):
    with Answers([b""]) as server:
        settings = JsocSettings(base_url=server.base_url, min_interval_s=0)
    cache = FileCache(tmp_path, max_bytes=1, max_age=timedelta(days=1))
    with pytest.raises(SourceUnavailableError, match="cannot be reached") as caught:
        Jsoc(settings, cache).find(NRT, start=END - timedelta(hours=1), end=END)
    assert "\n" not in str(caught.value)
