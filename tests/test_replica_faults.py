"""Each fault does on the wire what it says, at the requests where it should."""

import http.client
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest
from support.replicas import get, info, small_archive

from flaremon.errors import InputError
from flaremon.replica import KINDS, Fault, Replica

NRT = "hmi.M_720s_nrt"
ASK = {"key": "T_REC,CAMERA,QUALITY,CRPIX1,CROTA2", "seg": "magnetogram"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return small_archive(tmp_path_factory.mktemp("archive"))


@pytest.fixture
def replica(folder):
    with Replica(folder) as replica:
        yield replica


def listed(replica, ds=f"{NRT}[]"):
    """Return columns of a reply by name, and the segment's paths under their own."""
    reply = info(replica, "rs_list", ds, **ASK)
    columns = {c["name"]: c["values"] for c in reply.get("keywords", [])}
    return columns | {c["name"]: c["values"] for c in reply.get("segments", [])}


def sums(replica, number=-1):
    return listed(replica)["magnetogram"][number]


def test_a_fault_strikes_at_the_numbered_requests_of_its_endpoint_only(replica):
    replica.faults.append(Fault("http-500", on="rs_list", at=(2, 4)))
    cgi = "/cgi-bin/ajax/jsoc_info"
    seen = [get(replica, cgi, op="rs_list", ds=f"{NRT}[$]", key="T_REC").status for _ in range(5)]
    assert seen == [200, 500, 200, 500, 200]
    assert info(replica, "rs_summary", f"{NRT}[$]")["count"] == 1


def test_a_fault_can_strike_at_each_nth_request_everywhere(replica):
    replica.faults.append(Fault("empty", on="*", every=2))
    paths = ["/data/hmi/fits/latest_fits_time"] * 4
    assert [bool(get(replica, path).body) for path in paths] == [True, False, True, False]


def test_chance_is_repeatable_and_as_frequent_as_asked():
    fault = Fault("empty", probability=0.3, seed=5)
    struck = [fault.strikes("rs_list", n) for n in range(1, 1001)]
    assert struck == [fault.strikes("rs_list", n) for n in range(1, 1001)]
    assert 250 < sum(struck) < 350
    other = Fault("empty", probability=0.3, seed=6)
    assert struck != [other.strikes("rs_list", n) for n in range(1, 1001)]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("truncated", Fault("truncated", on="sums")),
        ("truncated:on=sums,at=1+3", Fault("truncated", on="sums", at=(1, 3))),
        ("http-503:at=2-4,value=7", Fault("http-503", on="rs_list", at=(2, 3, 4), value="7")),
        ("html:on=*,every=5", Fault("html", on="*", every=5)),
        ("reset:probability=0.1,seed=3", Fault("reset", probability=0.1, seed=3)),
        ("nodata:record=-1", Fault("nodata", record=-1)),
        ("missing-keywords:value=CRPIX1+CROTA2", Fault("missing-keywords", value="CRPIX1+CROTA2")),
    ],
)
def test_faults_are_read_from_the_command_line(text, fault):
    assert Fault.parse(text) == fault


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mischief", "not a fault; there are http-NNN, hang, stall"),
        ("http-200", "not a fault"),
        ("http-NNN", "not a fault"),
        ("", "not a fault"),
        ("html:on=nowhere", "no endpoint 'nowhere'; there are showextseries"),
        ("html:at", "not an option"),
        ("html:when=1", "not an option"),
        ("html:at=first", "cannot be read"),
        ("hang:value=long", "not a number"),
    ],
)
def test_what_is_not_a_fault_is_an_input_error_that_lists_what_is(text, message):
    with pytest.raises(InputError, match=message):
        Fault.parse(text)


def test_the_package_can_list_its_faults_in_words():
    assert all(kind.text for kind in KINDS.values())


@pytest.mark.parametrize("status", [403, 404, 429, 500, 502, 503])
def test_http_errors_come_as_pages_and_say_when_to_retry(replica, status):
    replica.faults.append(Fault(f"http-{status}", value=7))
    answer = get(replica, "/cgi-bin/ajax/jsoc_info", op="rs_list", ds=f"{NRT}[$]", key="T_REC")
    assert answer.status == status
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers.get("retry-after") == ("7" if status in {429, 503} else None)


def test_a_truncated_body_announces_more_than_it_has(replica):
    path = sums(replica)
    replica.faults.append(Fault("truncated", on="sums"))
    with pytest.raises(http.client.IncompleteRead) as caught:
        get(replica, path)
    assert len(caught.value.partial) == pytest.approx(caught.value.expected, abs=1)


def test_a_wrong_length_is_honest_http_but_contradicts_the_record(replica):
    path = sums(replica)
    size = int(info(replica, "rs_list", f"{NRT}[$]", key="*size*")["keywords"][0]["values"][0])
    replica.faults.append(Fault("wrong-length", value=0.25))
    answer = get(replica, path)
    assert answer.headers["content-length"] == str(len(answer.body)) == str(size // 4)


def test_html_and_nothing_can_come_instead_of_a_file(replica):
    path = sums(replica)
    replica.faults += [Fault("html", on="sums", at=(1,)), Fault("empty", on="sums", at=(2,))]
    page, nothing, file = (get(replica, path) for _ in range(3))
    assert (page.status, page.body[:9]) == (200, b"<!DOCTYPE")
    assert (nothing.status, nothing.body) == (200, b"")
    assert file.body.startswith(b"SIMPLE")


def test_a_file_can_be_missing_or_another_records(replica):
    first, second, third = (sums(replica, k) for k in range(3))
    bodies = [get(replica, path).body for path in (first, second, third)]
    replica.faults += [Fault("missing-file", at=(4,)), Fault("wrong-file", at=(5, 6))]
    assert get(replica, third).status == 404
    assert get(replica, first).body == bodies[1]
    assert get(replica, third).body == bodies[0]


def test_silence_lasts_until_the_client_leaves(replica):
    replica.faults.append(Fault("hang"))
    with pytest.raises(TimeoutError):
        get(replica, "/cgi-bin/ajax/jsoc_info", timeout_s=0.2, op="rs_list", ds=f"{NRT}[$]")
    call = replica.calls[-1]
    assert (call.endpoint, call.status, call.bytes) == ("rs_list", 0, 0)
    replica.faults.clear()
    deadline = time.monotonic() + 5
    while replica.in_flight and time.monotonic() < deadline:
        time.sleep(0.01)
    assert replica.in_flight == 0


def test_silence_and_dripping_end_with_the_replica(folder):
    replica = Replica(folder, faults=[Fault("hang", at=(1,)), Fault("slow-drip", value=60)])
    failures = []

    def ask():
        try:
            get(replica, "/cgi-bin/ajax/jsoc_info", op="rs_list", ds=f"{NRT}[$]", key="T_REC")
        except (OSError, http.client.HTTPException) as exc:
            failures.append(type(exc).__name__)

    with replica:
        clients = [threading.Thread(target=ask) for _ in range(2)]
        for client in clients:
            client.start()
        while len(replica.calls) < 2 or not any(call.bytes for call in replica.calls):
            time.sleep(0.01)
    for client in clients:
        client.join(timeout=5)
    assert len(failures) == 2


def test_a_slow_drip_sends_single_bytes_until_all_are_sent(replica):
    replica.faults.append(Fault("slow-drip", on="rs_summary", value=0.001))
    where = urlsplit(replica.base_url)
    with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
        request = (
            f"GET /cgi-bin/ajax/jsoc_info?op=rs_summary&ds={NRT}[$] HTTP/1.1\r\n"
            "Host: x\r\nConnection: close\r\n\r\n"
        )
        connection.sendall(request.encode())
        pieces = iter(lambda: connection.recv(65536), b"")
        received = list(pieces)
    assert b'"count":1' in b"".join(received)
    assert len(received) > 10


def test_a_reset_is_a_reset(replica):
    replica.faults.append(Fault("reset", on="sums"))
    with pytest.raises(ConnectionResetError):
        get(replica, sums(replica))


def received_until_silence(replica, path, silence_s=0.3):
    where = urlsplit(replica.base_url)
    received = b""
    with socket.create_connection((where.hostname, where.port), timeout=silence_s) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        try:
            while piece := connection.recv(65536):
                received += piece
        except TimeoutError:
            return received
    raise AssertionError("the connection was closed")


def test_a_download_can_stall_in_the_middle(replica):
    path = sums(replica)
    replica.faults.append(Fault("stall", value=0.5))
    received = received_until_silence(replica, path)
    head, _, body = received.partition(b"\r\n\r\n")
    announced = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert len(body) == announced // 2


def test_a_redirect_leads_where_it_is_told_to(replica):
    replica.faults.append(Fault("redirect", value="https://example.org/login"))
    answer = get(replica, "/cgi-bin/ajax/jsoc_info", op="rs_list", ds=f"{NRT}[$]", key="T_REC")
    assert (answer.status, answer.headers["location"]) == (302, "https://example.org/login")


def test_an_off_line_record_has_no_directory_and_the_others_do(replica):
    replica.faults.append(Fault("off-line", record=-1))
    paths = listed(replica)["magnetogram"]
    assert paths[-1] == "NoDataDirectory"
    assert all(path.startswith("/SUM") for path in paths[:-1])
    facts = info(replica, "rs_list", f"{NRT}[]", key="*online*,*size*,*recdir*")["keywords"]
    assert [column["values"][-1] for column in facts] == ["N", "0", "NoDataDirectory"]


def test_a_record_without_data_is_bad_to_conditions_too(replica):
    replica.faults.append(Fault("nodata", record=-1))
    row = {name: values[-1] for name, values in listed(replica).items()}
    assert row == {
        "T_REC": "2024.06.28_00:00:00_TAI",
        "CAMERA": "3",
        "QUALITY": "0x80000400",
        "CRPIX1": "MISSING",
        "CROTA2": "MISSING",
        "magnetogram": "NoDataDirectory",
    }
    assert len(listed(replica, f"{NRT}[][? QUALITY>=0 ?]")["T_REC"]) == 2
    assert listed(replica, f"{NRT}[$][? QUALITY>=0 ?]") == {}


def test_keywords_can_be_missing_by_name_or_all_but_the_prime_ones(replica):
    replica.faults.append(Fault("missing-keywords", value="CRPIX1"))
    columns = listed(replica)
    assert set(columns["CRPIX1"]) == {"MISSING"}
    assert "MISSING" not in columns["CROTA2"]
    replica.faults[:] = [Fault("missing-keywords", record=0)]
    columns = listed(replica)
    assert columns["CRPIX1"] == ["MISSING", "16", "16"]
    assert columns["CROTA2"][0] == "MISSING"
    assert "MISSING" not in columns["T_REC"] + columns["QUALITY"]


def test_a_slot_can_have_a_failed_twin(replica):
    replica.faults.append(Fault("duplicate-rows", record=-1))
    columns = listed(replica)
    assert columns["T_REC"][-2:] == ["2024.06.28_00:00:00_TAI"] * 2
    assert columns["CAMERA"] == ["3", "3", "-2147483648", "3"]
    assert columns["magnetogram"][-2] == "NoDataDirectory"
    assert columns["QUALITY"][-2:] == ["0x80000000", "0x00000400"]
    assert len(listed(replica, f"{NRT}[][? QUALITY>=0 ?]")["T_REC"]) == 3


@pytest.mark.parametrize(("kind", "text"), [("decimal-quality", "1024"), ("hex-quality", "0x400")])
def test_quality_can_be_written_in_other_ways(replica, kind, text):
    replica.faults.append(Fault(kind))
    assert listed(replica)["QUALITY"] == [text] * 3


@pytest.mark.parametrize("value", [None, "http://127.0.0.1:1/evil.fits"])
def test_a_path_can_lead_elsewhere(replica, value):
    replica.faults.append(Fault("path-escape", value=value))
    paths = listed(replica)["magnetogram"]
    assert set(paths) == {value or "/SUM1/D1/S00000/../../../../etc/passwd"}


def test_columns_can_differ_in_length(replica):
    replica.faults.append(Fault("unequal-columns"))
    assert [len(values) for values in listed(replica).values()] == [3, 3, 3, 3, 2, 3]


def test_an_application_error_comes_with_http_200(replica):
    replica.faults.append(Fault("status-nonzero", value=6))
    answer = get(replica, "/cgi-bin/ajax/jsoc_info", op="rs_list", ds=f"{NRT}[$]", key="T_REC")
    assert (answer.status, answer.json["status"]) == (200, 6)


def test_faults_leave_no_trace_once_they_are_taken_back(replica):
    before = listed(replica)
    kinds = ("nodata", "off-line", "missing-keywords", "duplicate-rows", "decimal-quality")
    replica.faults += [Fault(kind) for kind in kinds]
    assert listed(replica) != before
    replica.faults.clear()
    assert listed(replica) == before
