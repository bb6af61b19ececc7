"""Records that are not on disk, and the export requests that bring them back."""

import json
import logging
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from support.scripted import Answers, reply
from support.sites import ADDRESS, NRT, Site

from flaremon.cache import FileCache
from flaremon.config import JsocSettings
from flaremon.domain import Calibration, Record, RecordKey
from flaremon.errors import (
    ExportRefusedError,
    FlaremonError,
    RecordOfflineError,
    SourceProtocolError,
    SourceUnavailableError,
)
from flaremon.jsoc import Jsoc
from flaremon.replica import Fault, Replica

OFF_LINE = (Fault("off-line", record=-1), Fault("off-line", on="exp_request"))
"""Not on disk when listed, nor when an export is asked for: that takes a while."""


def offline(site, *faults: Fault, **settings: Any) -> tuple[Site, Record]:
    made = site(*OFF_LINE, *faults, email=ADDRESS, **settings)
    return made, made.find()[0]


@pytest.fixture
def reference(hmi_archive: Path, tmp_path: Path) -> bytes:
    """Content of the newest record's file without keywords."""
    with Replica(hmi_archive) as replica:
        made = Site(replica, tmp_path / "reference")
        return made.jsoc.download(made.find()[0]).path.read_bytes()


def test_an_off_line_record_is_brought_back_by_an_export_request(site, reference: bytes):
    made, record = offline(site)
    assert record.segment_path is None
    stored = made.jsoc.download(record)
    assert stored.path.read_bytes() == reference
    assert made.jsoc.download(record) == stored
    orders = [call for call in made.replica.calls if call.endpoint == "exp_request"]
    assert [call.method for call in orders] == ["POST"]
    assert list(made.cache.folder.glob("*.export.json")) == []


def test_a_path_that_is_gone_is_exported_too(site):
    made = site(Fault("missing-file", on="sums", at=(1,)), email=ADDRESS)
    record = made.find()[0]
    stored = made.jsoc.download(record)
    assert stored.url != f"{made.replica.base_url}{record.segment_path}" or (
        made.endpoints().count("sums") == 2
    )
    assert "exp_request" in made.endpoints()


def test_without_an_address_the_message_says_how_to_get_one(site):
    made = site(Fault("off-line"))
    with pytest.raises(RecordOfflineError, match=r"register_email\.html.*FLAREMON_JSOC__EMAIL"):
        made.jsoc.download(made.find()[0])
    assert made.endpoints() == ["rs_list"]


@pytest.mark.parametrize("registration", [3, 4, -6])
def test_an_address_that_is_not_registered_is_refused_once(registration, site):
    made = site(Fault("off-line"), email=ADDRESS, addresses={ADDRESS: registration})
    with pytest.raises(ExportRefusedError, match=r"FLAREMON_JSOC__EMAIL.*register_email") as caught:
        made.jsoc.download(made.find()[0])
    assert made.endpoints() == ["rs_list", "exp_request"]
    assert ADDRESS not in str(caught.value)


def test_the_address_is_in_no_log(site, caplog: pytest.LogCaptureFixture):
    made, record = offline(site)
    with caplog.at_level(logging.DEBUG):
        made.jsoc.download(record)
    assert "exp_status" in caplog.text or "jsoc_fetch" in caplog.text
    assert ADDRESS.partition("@")[0] not in caplog.text


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (3, ExportRefusedError, "refuses"),
        (4, RecordOfflineError, r"known status code \[status=4\]"),  # 25 behind the wrapper
        (5, SourceUnavailableError, "lost its export twice"),
        (6, SourceUnavailableError, "lost its export twice"),
        (12, SourceProtocolError, "way of its own"),
        (25, RecordOfflineError, r"jsoc@sun\.stanford\.edu"),
        (-1, SourceUnavailableError, "lost its export twice"),
    ],
)
@pytest.mark.parametrize("on", ["exp_request", "exp_status"])
def test_each_status_of_an_export_has_its_meaning(on, status, error, words, site):
    made, record = offline(site, Fault("export-status", on=on, value=status))
    with pytest.raises(error, match=words) as caught:
        made.jsoc.download(record)
    assert type(caught.value) is error
    assert list(made.cache.folder.glob("*.export.json")) == []


@pytest.mark.parametrize("kind", ["warning-row", "no-data-file"])
def test_an_export_without_a_file_is_off_line(kind, site):
    made, record = offline(site, Fault(kind, on="exp_status"))
    with pytest.raises(RecordOfflineError, match="holds no file"):
        made.jsoc.download(record)


def test_when_there_is_nothing_at_the_path_of_the_quick_way_the_other_one_is_tried(site):
    made = site(Fault("missing-file", on="sums"), email=ADDRESS)
    stored = made.jsoc.download(made.find()[0])
    orders = [call.args for call in made.replica.calls if call.endpoint == "exp_request"]
    assert [(args["method"], args["protocol"]) for args in orders] == [
        ("url_quick", "as-is"),
        ("url", "fits"),
    ]
    assert b"T_REC   =" in stored.path.read_bytes()[:50_000]  # exports have keywords


def test_an_export_to_another_place_is_never_fetched(site):
    made, record = offline(site, Fault("path-escape", on="exp_status", value="../../secret.fits"))
    with pytest.raises(SourceProtocolError, match="exported to"):
        made.jsoc.download(record)


def test_an_export_that_never_ends_is_given_up_in_time_and_resumed_by_the_next_run(
    site, reference: bytes
):
    made, record = offline(
        site, Fault("export-stuck", on="exp_status", value=1), export_deadline_s=0.5
    )
    with pytest.raises(SourceUnavailableError, match="next run"):
        made.jsoc.download(record)
    assert len(list(made.cache.folder.glob("*.export.json"))) == 1
    made.replica.faults[:] = OFF_LINE
    assert made.jsoc.download(record).path.read_bytes() == reference
    assert made.endpoints().count("exp_request") == 1
    assert list(made.cache.folder.glob("*.export.json")) == []


@pytest.mark.parametrize("note", ["{", '{"request_id": "x; y"}', '{"request_id": 7}'])
def test_a_spoilt_note_of_an_export_is_ignored(note, site):
    made, record = offline(site)
    made.cache.path(record.key, ".url_quick.export.json").write_text(note)
    made.jsoc.download(record)
    assert made.endpoints().count("exp_request") == 1


def test_a_request_that_the_jsoc_forgot_is_made_anew_in_other_words(site):
    made, record = offline(site)
    note = {"request_id": "JSOC_20240628_000001_IN", "submitted_at": datetime.now(UTC).isoformat()}
    made.cache.path(record.key, ".url_quick.export.json").write_text(json.dumps(note))
    made.jsoc.download(record)
    assert made.endpoints().count("exp_request") == 1


def test_another_request_of_the_address_is_waited_for(hmi_archive: Path, tmp_path: Path):
    faults = [Fault("off-line"), Fault("off-line", on="exp_request")]
    with Replica(hmi_archive, faults=faults, export_delay_s=0.5) as replica:
        sites = [Site(replica, tmp_path / name, email=ADDRESS) for name in "ab"]
        records = sites[0].find()
        results: list[object] = []

        def work(made: Site, record: Record) -> None:
            results.append(made.jsoc.download(record))

        threads = [
            threading.Thread(target=work, args=pair)
            for pair in zip(sites, records[:2], strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        refused = [c for c in replica.calls if c.endpoint == "exp_request"]
    assert len(results) == 2
    assert len(refused) >= 3  # one of them came twice


OFF_LINE_25 = {"status": 25, "error": "off-line"}


@pytest.mark.parametrize(
    ("bodies", "requests"),
    [
        ([{"status": 7, "error": "User a@b.org has 1 pending export requests..."}, OFF_LINE_25], 3),
        (
            [
                {"status": 7, "error": "has 1 pending export requests (JSOC_20240628_000007)"},
                {"status": 1, "requestid": "JSOC_20240628_000007"},
                {"status": 0, "requestid": "JSOC_20240628_000007", "data": []},
                OFF_LINE_25,
            ],
            5,
        ),
        (
            [
                {"status": 7, "error": "pending: JSOC_20240628_000007_IN"},
                {"status": 5, "requestid": "JSOC_20240628_000007_IN"},
                OFF_LINE_25,
            ],
            4,
        ),
    ],
    ids=["without its id", "that runs", "that is gone"],
)
def test_a_pending_request_is_waited_for_before_ours_is_sent_again(
    bodies, requests, tmp_path: Path
):
    assert _scripted_export(tmp_path, bodies) == [RecordOfflineError, requests]


def test_a_transient_error_of_an_export_request_is_tried_once_more(
    tmp_path: Path, hmi_archive: Path
):
    made = _scripted_export(
        tmp_path,
        [
            {"status": 4, "error": "Cant save new export-request hash."},
            {"status": 4, "error": "JSOC error: did not return a known status code"},
        ],
    )
    assert made == [RecordOfflineError, 3]


def _scripted_export(folder: Path, bodies: Sequence[dict[str, Any]]) -> list[object]:
    """Download an off-line record from a scripted JSOC; the error and how often it was asked."""
    record = Record(
        key=RecordKey(series=NRT, t_rec="2024.06.28_00:00:00_TAI"),
        quality=0x400,
        calibration=Calibration.NEAR_REAL_TIME,
    )
    cache = FileCache(folder, max_bytes=10**9, max_age=timedelta(days=1))
    with Answers([reply(json.dumps(body).encode()) for body in bodies]) as server:
        settings = JsocSettings(
            base_url=server.base_url, min_interval_s=0, email=SecretStr(ADDRESS)
        )
        with pytest.raises(FlaremonError) as caught:
            Jsoc(settings, cache).download(record)
        return [type(caught.value), len(server.requests)]


@pytest.mark.parametrize(
    "rows",
    [
        [{"record": f"{NRT}[2024.06.28_00:12:00_TAI][3]", "filename": "/SUM1/D1/S00000/m.fits"}],
        [{"record": "hmi.M_45s[2024.06.28_00:00:00_TAI]", "filename": "/SUM1/D1/S00000/m.fits"}],
        [{"record": None, "filename": "/SUM1/D1/S00000/m.fits"}],
        [{"record": f"{NRT}[2024.06.28_00:00:00_TAI]", "filename": "http://x.invalid/m.fits"}],
        [{"record": f"{NRT}[2024.06.28_00:00:00_TAI]", "filename": "/SUM1/D1/S00000/../../m.fits"}],
        [{"record": f"{NRT}[2024.06.28_00:00:00_TAI]"}],
        [{}],
        7,
    ],
)
def test_an_export_of_anything_else_makes_no_sense(rows, tmp_path: Path):
    body = {"status": 0, "requestid": "", "dir": "", "method": "url_quick", "data": rows}
    assert _scripted_export(tmp_path, [body])[0] is SourceProtocolError


def test_an_export_that_is_refused_in_both_ways_is_refused_with_the_jsocs_words(tmp_path: Path):
    assert _scripted_export(tmp_path, [{"status": 4, "error": "Bad record set."}]) == [
        ExportRefusedError,
        2,
    ]


def test_a_request_that_is_queued_without_an_id_makes_no_sense(tmp_path: Path):
    assert _scripted_export(tmp_path, [{"status": 2, "wait": -3}]) == [SourceProtocolError, 1]
