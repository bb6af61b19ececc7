"""Replies of the JSOC, recorded and made up, through the drms client."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from support.scripted import Answers, reply

from flaremon.errors import SourceProtocolError, SourceUnavailableError
from flaremon.jsoc.client import Export, JsocClient
from flaremon.politeness import Lane
from flaremon.web import Web

ADDRESS = "somebody@example.org"


@pytest.fixture
def client_of(tmp_path: Path):
    def make(base_url: str) -> JsocClient:
        return JsocClient(
            Lane(tmp_path, base_url, min_interval_s=0),
            Web(base_url, silence_s=30.0),
            base_url=base_url,
            limit_s=30.0,
            attempts=1,
        )

    return make


def ask(client_of, body: bytes | str, *, keys=("T_REC", "QUALITY"), segment="magnetogram"):
    content = body if isinstance(body, bytes) else body.encode()
    with Answers([reply(content, Content_Type="application/json")]) as server:
        return client_of(server.base_url).query("hmi.M_720s[$]", keys=keys, segment=segment)


def columns(**values: list[object]) -> str:
    path = {"name": "magnetogram", "values": values.pop("path")}
    keywords = [{"name": name, "values": column} for name, column in values.items()]
    return json.dumps({"keywords": keywords, "segments": [path], "count": 1, "status": 0})


@pytest.mark.realdata
def test_a_recorded_list_of_records_is_read(client_of, shared_data: Path):
    body = (shared_data / "jsoc" / "rs_list.hmi.ic_720s.2017-01-08.json").read_bytes()
    rows = ask(client_of, body, keys=("TINTNUM", "T_OBS"), segment="continuum")
    assert rows[0] == (
        {"TINTNUM": "672", "T_OBS": "2017.01.07_23:59:52_TAI"},
        "/SUM89/D990049682/S00000/continuum.fits",
    )
    assert len(rows) == 5


@pytest.mark.realdata
def test_a_recorded_list_without_the_segment_that_was_asked_for_makes_no_sense(
    client_of, shared_data: Path
):
    path = shared_data / "jsoc" / "rs_list.hmi.mharp_720s_nrt.latest.2021-05-01.json"
    with pytest.raises(SourceProtocolError, match="HARPNUM"):
        ask(client_of, path.read_bytes())


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "status", "request_id", "words"),
    [
        ("exp_request.status2_queued.2014-03-25.json", 2, "JSOC_20140325_334", ""),
        ("exp_request.status3_too_big.2014-03-25.json", 3, "VOID", "max byte limit"),
        ("exp_request.status7_pending_limit.json", 7, None, "1 pending export requests"),
    ],
)
def test_recorded_answers_to_export_requests_are_read(
    name, status, request_id, words, client_of, shared_data: Path
):
    with Answers([reply((shared_data / "jsoc" / name).read_bytes())]) as server:
        export = client_of(server.base_url).submit(
            "hmi.m_45s[$]", method="url", protocol="fits", email=ADDRESS
        )
    assert (export.status, export.request_id) == (status, request_id)
    assert words in export.error
    assert export.files == ()


@pytest.mark.realdata
def test_recorded_results_of_exports_are_read(client_of, shared_data: Path):
    for path in sorted((shared_data / "jsoc").glob("exp_status.*.json")):
        recorded = json.loads(path.read_text())
        with Answers([reply(path.read_bytes())]) as server:
            export = client_of(server.base_url).status(recorded["requestid"])
        assert export.status == 0
        assert export.request_id == recorded["requestid"]
        assert export.files == tuple(
            (row["record"], f"{recorded['dir']}/{row['filename']}") for row in recorded["data"]
        )


@pytest.mark.realdata
def test_a_recorded_packing_list_without_a_folder_keeps_its_names(client_of, shared_data: Path):
    path = shared_data / "jsoc" / "export_packing_list.synchronous_tar.example.json"
    with Answers([reply(path.read_bytes())]) as server:
        export = client_of(server.base_url).status("JSOC_20171203_001")
    assert export.files[0] == (
        "hmi.M_720s[2017.12.03_00:00:00_TAI][3]{magnetogram}",
        "hmi.M_720s.555172.magnetogram.fits",
    )


def test_hexadecimal_quality_comes_through_as_it_was_written(client_of):
    quality = ["0x00000000", "0x00000400", "0x80000000"]
    body = columns(T_REC=["a", "b", "c"], QUALITY=quality, path=["p", "q", "NoDataDirectory"])
    assert [row["QUALITY"] for row, _ in ask(client_of, body)] == quality


def test_values_that_are_no_strings_become_strings_and_null_is_missing(client_of):
    body = columns(T_REC=["nan", None], QUALITY=[1024, 0], path=["p", None])
    assert ask(client_of, body) == [
        ({"T_REC": "nan", "QUALITY": "1024"}, "p"),
        ({"T_REC": "MISSING", "QUALITY": "0"}, "MISSING"),
    ]


def test_no_matches_are_no_rows(client_of):
    assert ask(client_of, '{"count": 0, "runtime": 0.01, "status": 0}') == []


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html><body>down</body></html>",
        '{"keywords": [',
        '\N{ZERO WIDTH NO-BREAK SPACE}{"count": 0, "status": 0}',
        "[]",
        "null",
        "7",
        '{"count": 0}',
        '{"count": 0, "status": "0"}',
        '{"count": 0, "status": null}',
        '{"count": 1, "status": 0, "keywords": [{"name": "T_REC"}], "segments": []}',
        '{"count": 1, "status": 0, "keywords": null, "segments": null}',
        '{"count": 1, "status": 0, "keywords": 7, "segments": 7}',
        columns(T_REC=["a", "b"], QUALITY=["0"], path=["p"]),
        columns(T_REC=["a", "b"], QUALITY=["0", "0"], path=["p"]),
        columns(T_REC=["a"], QUALITY=["0"], path=["p"]).replace("magnetogram", "continuum"),
        "[" * 200_000,
        b"\xff\xfe\x00",
    ],
)
def test_a_reply_of_another_form_makes_no_sense(body, client_of):
    with pytest.raises(SourceProtocolError):
        ask(client_of, body)


@pytest.mark.parametrize("status", [2, 3, 5, 6])
def test_trouble_behind_the_jsocs_wrapper_can_pass(status, client_of):
    body = json.dumps({"status": status, "error": "look-up"})
    with pytest.raises(SourceUnavailableError, match=rf"look-up \[status={status}\]"):
        ask(client_of, body)


@pytest.mark.parametrize("status", [1, 4, 99])
def test_a_query_that_is_refused_will_be_refused_again(status, client_of):
    body = json.dumps({"status": status, "error": "bad record set"})
    with pytest.raises(SourceProtocolError, match="bad record set"):
        ask(client_of, body)


def test_the_address_is_in_the_form_of_an_export_request_and_never_in_a_url(client_of):
    with Answers([reply(b'{"status": 4, "error": "no"}')]) as server:
        client_of(server.base_url).submit(
            "hmi.M_720s[2024.06.28_00:00:00_TAI][3]{magnetogram}",
            method="url_quick",
            protocol="as-is",
            email=ADDRESS,
        )
    ((method, path, _, form),) = server.requests  # no series_struct, no checkAddress
    assert (method, path) == ("POST", "/cgi-bin/ajax/jsoc_fetch")
    fields = parse_qs(form.decode())
    assert fields["op"] == ["exp_request"]
    assert fields["notify"] == [ADDRESS]
    assert fields["ds"] == ["hmi.M_720s[2024.06.28_00:00:00_TAI][3]{magnetogram}"]
    assert (fields["method"], fields["protocol"]) == (["url_quick"], ["as-is"])


def test_a_query_is_one_get_with_the_keys_and_the_segment(client_of):
    with Answers([reply(b'{"count": 0, "runtime": 0.01, "status": 0}')]) as server:
        client_of(server.base_url).query("hmi.M_720s[x]", keys=("A", "B"), segment="s")
    ((method, path, _, _),) = server.requests
    parts = urlsplit(path)
    assert (method, parts.path) == ("GET", "/cgi-bin/ajax/jsoc_info")
    assert parse_qs(parts.query) == {
        "op": ["rs_list"],
        "ds": ["hmi.M_720s[x]"],
        "key": ["A,B"],
        "seg": ["s"],
    }


@pytest.mark.parametrize(
    ("body", "export"),
    [
        ('{"status": 1, "requestid": "JSOC_1", "wait": -7}', Export(1, "JSOC_1")),
        ('{"status": "2", "requestid": "\\"JSOC_1\\""}', Export(2, "JSOC_1")),
        ('{"status": 0, "requestid": "", "dir": "", "data": []}', Export(0, None)),
        (
            '{"status": 25, "requestid": "JSOC_1"}',
            Export(25, "JSOC_1", "DRMS export request failed. [status=25]"),
        ),
        ('{"status": 4, "error": "User a@b.org"}', Export(4, None, "User <address> [status=4]")),
    ],
)
def test_the_state_of_an_export_is_read_without_waiting(body, export, client_of):
    with Answers([reply(body.encode())]) as server:
        assert client_of(server.base_url).status("JSOC_20240628_000001") == export
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "body",
    ["{}", '{"status": null}', '{"status": "x"}', "[]", '{"status": 0, "data": 7}', "<html>"],
)
def test_an_export_without_a_state_makes_no_sense(body, client_of):
    with Answers([reply(body.encode())]) as server, pytest.raises(SourceProtocolError):
        client_of(server.base_url).status("JSOC_20240628_000001")
