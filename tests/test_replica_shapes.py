"""Replies have the shapes of those that were recorded from the JSOC."""

import json

import pytest
from support.replicas import drms_client, fetch, get, info, order, small_archive

from flaremon.replica import Fault, Replica

NRT = "hmi.M_720s_nrt"
SERIES = "hmi.M_720s"


@pytest.fixture(scope="module")
def replica(tmp_path_factory):
    folder = small_archive(tmp_path_factory.mktemp("archive"), 5, series=SERIES)
    with Replica(folder, export_delay_s=0) as replica:
        yield replica


@pytest.fixture
def recorded(shared_data):
    def read(name):
        return json.loads((shared_data / "jsoc" / name).read_text())

    return read


def shape(value):
    """Members in order and types all the way down; of a list, the shapes that occur in it."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    if isinstance(value, list):
        distinct = []
        for member in map(shape, value):
            if member not in distinct:
                distinct.append(member)
        return distinct
    return type(value).__name__


def test_rs_list(replica, recorded):
    real = recorded("rs_list.hmi.ic_720s.2017-01-08.json")
    ours = info(
        replica, "rs_list", f"{SERIES}[2024.06.27_TAI/2d]", key="CAR_ROT,T_OBS", seg="magnetogram"
    )
    assert shape(ours) == shape(real)
    assert list(ours) == list(real)
    assert len(ours["keywords"][0]["values"]) == ours["count"] == 5
    # T_OBS without fractions, paths under SUMS: the same text forms.
    real_time, our_time = (reply["keywords"][1]["values"][0] for reply in (real, ours))
    assert len(real_time) == len(our_time)
    assert real["segments"][0]["cparms"] == ours["segments"][0]["cparms"]
    assert ours["segments"][0]["dims"] == ["32x32"] * 5
    assert ours["segments"][0]["bscales"] == ["0.1"] * 5


def test_rs_list_without_segments(replica, recorded):
    real = recorded("rs_list.hmi.mharp_720s_nrt.latest.2021-05-01.json")
    ours = info(replica, "rs_list", f"{SERIES}[$]", key="CAMERA,QUALITY,T_REC")
    assert list(ours) == list(real)
    assert ours["segments"] == real["segments"] == []
    assert shape(ours) == shape(real)


def test_rs_list_that_finds_nothing_has_three_members(replica, recorded):
    ours = info(replica, "rs_list", f"{SERIES}[2030.01.01_TAI]", key="T_REC", R="1")
    assert shape(ours) == shape(recorded("rs_summary.example.json"))
    assert ours["count"] == 0


def test_rs_summary(replica, recorded):
    ours = info(replica, "rs_summary", f"{SERIES}[]")
    assert shape(ours) == shape(recorded("rs_summary.example.json"))


def test_series_struct(replica, recorded):
    real = recorded("series_struct.hmi.M_720s.2019.partial.json")
    ours = info(replica, "series_struct", SERIES)
    assert list(ours) == list(real)
    assert shape(ours) == shape(real)
    same = ("note", "retention", "archive", "tapegroup", "primekeysinfo", "segments", "links")
    assert {name: ours[name] for name in same} == {name: real[name] for name in same}
    assert ours["keywords"][:2] == real["keywords"]
    assert ours["Interval"]["FirstRecord"] == f"{SERIES}[2024.06.27_23:12:00_TAI][3]"


def test_exports_that_are_queued_too_big_or_one_too_many(replica, recorded):
    queued = fetch(replica, **order(f"{SERIES}[$]", protocol="FITS,compress Rice"))
    real = recorded("exp_request.status2_queued.2014-03-25.json")
    assert (list(queued), shape(queued)) == (list(real), shape(real))
    assert queued["protocol"] == real["protocol"]
    replica.faults.append(Fault("export-status", on="exp_request", value=3))
    big = fetch(replica, **order(f"{SERIES}[]", protocol="FITS,compress Rice"))
    replica.faults.clear()
    real = recorded("exp_request.status3_too_big.2014-03-25.json")
    assert (list(big), shape(big)) == (list(real), shape(real))
    assert (big["requestid"], big["error"]) == (real["requestid"], real["error"])


def test_an_export_over_the_pending_limit(tmp_path, recorded):
    small_archive(tmp_path, 1)
    with Replica(tmp_path, export_delay_s=3600) as replica:
        fetch(replica, **order(f"{NRT}[$]"))
        ours = fetch(replica, **order(f"{NRT}[]"))
    real = recorded("exp_request.status7_pending_limit.json")
    assert real.items() >= {"status": 7}.items()
    assert set(ours) >= set(real)
    assert ours["status"] == 7
    assert "has 1 pending export requests" in ours["error"]
    assert "has 1 pending export requests" in real["error"]


def test_the_index_of_a_finished_export(replica, recorded):
    reply = fetch(replica, **order(f"{SERIES}[^]"))
    ours = fetch(replica, "exp_status", requestid=reply["requestid"])
    real = recorded("exp_status.index_from_html.JSOC_20250701_003098.json")
    real.pop("_note")  # added by whoever recorded it
    assert list(ours) == list(real)
    assert shape(ours) == shape(real)
    assert {n: ours[n] for n in ("version", "status", "keywords", "method", "protocol")} == {
        n: real[n] for n in ("version", "status", "keywords", "method", "protocol")
    }


def test_the_urls_of_a_quick_export(replica, recorded):
    real = recorded("url_quick.urls_table.hmi.M_720s.2017-10-10.json")
    client = drms_client(replica, email="someone@example.org")
    urls = client.export(f"{SERIES}[2024.06.27_23:48_TAI/24m]{{magnetogram}}").urls
    assert list(urls.columns) == list(real)
    assert list(urls.filename) == list(real["filename"].values())
    for ours, theirs in zip(urls.record, real["record"].values(), strict=True):
        assert len(ours) == len(theirs)
        assert ours.endswith("][3]{magnetogram}")


def test_slashes_are_escaped_and_the_document_is_one_line(replica):
    body = get(
        replica,
        "/cgi-bin/ajax/jsoc_info",
        op="rs_list",
        ds=f"{SERIES}[$]",
        key="T_REC",
        seg="magnetogram",
    ).body
    assert b"\\/SUM" in body
    assert b'"/SUM' not in body
    assert body.count(b"\n") == 1
