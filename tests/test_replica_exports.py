"""The export desk behaves as the JSOC's does, on a clock that the test moves."""

from datetime import UTC, datetime, timedelta

import pytest
from support.replicas import fetch, get, order, small_archive

from flaremon.replica import Fault, Replica

NRT = "hmi.M_720s_nrt"


class Clock:
    def __init__(self):
        self.now = datetime(2024, 6, 28, 2, tzinfo=UTC)

    def __call__(self):
        return self.now

    def advance(self, **time):
        self.now += timedelta(**time)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return small_archive(tmp_path_factory.mktemp("archive"))


@pytest.fixture
def replica(folder, clock):
    with Replica(folder, now=clock, export_delay_s=30) as replica:
        yield replica


def submit(replica, ds=f"{NRT}[$]", **args):
    return fetch(replica, **order(ds, **args))


def status(replica, reply):
    return fetch(replica, "exp_status", requestid=reply["requestid"])


def test_a_request_is_queued_runs_is_done_and_is_deleted_after_a_week(replica, clock):
    reply = submit(replica)
    assert reply["status"] == 2
    assert reply["requestid"] == "JSOC_20240628_000001"
    assert reply["wait"] == 10
    clock.advance(seconds=20)
    running = status(replica, reply)
    assert running["status"] == 1
    assert running["wait"] == -10
    clock.advance(seconds=10)
    done = status(replica, reply)
    assert done["status"] == "0"
    assert get(replica, f"{done['dir']}/{done['data'][0]['filename']}").status == 200
    clock.advance(days=7)
    assert status(replica, reply)["status"] == 5
    assert get(replica, f"{done['dir']}/{done['data'][0]['filename']}").status == 404


def test_files_of_an_export_appear_when_it_is_done(replica, clock):
    clock.advance(seconds=1)
    reply = submit(replica)
    directory = "/SUM1/D1900000001/S00000"
    assert get(replica, f"{directory}/index.json").status == 404
    clock.advance(minutes=1)
    done = status(replica, reply)
    assert get(replica, f"{done['dir']}/index.json").json == done
    page = get(replica, f"{done['dir']}/index.html").body.decode()
    assert done["data"][0]["record"] in page
    assert get(replica, f"{done['dir']}/other.fits").status == 404


def test_one_address_has_one_request_pending(replica, clock):
    reply = submit(replica)
    refused = submit(replica, f"{NRT}[^]")
    assert refused["status"] == 7
    assert reply["requestid"] in refused["error"]
    assert submit(replica, f"{NRT}[^]", notify="other@example.org")["status"] == 2
    clock.advance(minutes=1)
    assert submit(replica, f"{NRT}[^]", protocol="fits,compress Rice")["status"] == 2


def test_the_same_work_within_a_day_is_the_same_request(replica, clock):
    first = submit(replica)
    clock.advance(hours=23)
    again = submit(replica, "HMI.M_720S_NRT[$]", notify="other@example.org")
    assert (again["requestid"], again["status"]) == (first["requestid"], 2)
    clock.advance(hours=2)
    assert submit(replica)["requestid"] != first["requestid"]


def test_a_quick_request_is_answered_at_once(replica):
    reply = submit(replica, method="url_quick", protocol="as-is")
    assert reply["status"] == 0
    assert reply["requestid"] == ""
    assert reply["dir"] == ""
    assert reply["data"][0]["record"] == f"{NRT}[2024.06.28_00:00:00_TAI][3]{{magnetogram}}"
    assert get(replica, reply["data"][0]["filename"]).status == 200


def test_a_quick_request_for_files_that_are_off_line_is_queued(replica, clock):
    replica.faults.append(Fault("off-line", on="exp_request"))
    reply = submit(replica, method="url_quick", protocol="as-is")
    assert reply["status"] == 2
    clock.advance(minutes=1)
    done = status(replica, reply)
    bare = get(replica, f"{done['dir']}/{done['data'][0]['filename']}")
    assert b"T_REC" not in bare.body


def test_forms_are_taken_by_post_as_the_web_page_sends_them(replica):
    # process=n as the JSOC's own page writes it: a field "process" whose value starts with n=.
    args = {**order(f"{NRT}[]"), "process": "n=-2|no_op", "requestor": "none"}
    del args["process=n"]
    reply = get(replica, "/cgi-bin/ajax/jsoc_fetch", verb="POST", **args).json
    assert (reply["status"], reply["rcount"]) == (2, 2)


def test_names_of_files_follow_the_format_and_stay_in_their_folder(replica, clock):
    first = submit(replica, filenamefmt=f"{NRT}.{{T_REC:A}}.{{CAMERA}}.{{recnum:%lld}}.{{segment}}")
    clock.advance(minutes=1)
    second = submit(replica, f"{NRT}[^]", filenamefmt="../../etc/{segment}")
    clock.advance(minutes=1)
    names = [status(replica, reply)["data"][0]["filename"] for reply in (first, second)]
    assert names[0] == f"{NRT}.20240628_000000_TAI.3.500003.magnetogram.fits"
    assert "/" not in names[1]
    assert not names[1].startswith(".")


@pytest.mark.parametrize(
    "args",
    [
        {"ds": "hmi.nothing[$]"},
        {"ds": f"{NRT}[yesterday]"},
        {"ds": f"{NRT}[$],{NRT}[^]"},
        {"ds": f"{NRT}[$]{{continuum}}"},
        {"ds": f"{NRT}[$]; true"},
        {"method": "url-tar"},
        {"protocol": "jpg,CT=grey.sao"},
        {"process=n": "0|im_patch,t=2024"},
        {"process=n": "many"},
        {"notify": "someone"},
        {"notify": ""},
    ],
)
def test_what_cannot_be_served_is_refused_with_status_4(replica, args):
    reply = fetch(replica, **{**order(f"{NRT}[$]"), **args})
    assert reply["status"] == 4
    assert reply["error"]


def test_unknown_ids_and_operations_are_refused(replica):
    assert fetch(replica, "exp_status", requestid="JSOC_20240628_999999")["status"] == 6
    assert fetch(replica, "exp_repeat", requestid="x")["status"] == 4
    assert fetch(replica, "nothing")["status"] == 4


@pytest.mark.parametrize("value", [3, 4, 5, 6, 7, 12, 25, -1])
def test_each_failed_status_can_be_had_from_either_call(replica, clock, value):
    reply = submit(replica)
    clock.advance(minutes=1)
    replica.faults.append(Fault("export-status", on="*", value=value))
    assert status(replica, reply)["status"] == value
    refused = submit(replica, f"{NRT}[^]")
    assert refused["status"] == value
    assert refused["error"]
    replica.faults.clear()
    assert status(replica, reply)["status"] == "0"


@pytest.mark.parametrize("value", [1, 2])
def test_a_request_can_be_stuck(replica, clock, value):
    reply = submit(replica)
    clock.advance(days=1)
    replica.faults.append(Fault("export-stuck", value=value))
    assert status(replica, reply)["status"] == value


def test_an_id_may_be_unknown_at_first(replica, clock):
    replica.faults.append(Fault("export-status", on="exp_status", at=(1, 2), value=6))
    reply = submit(replica)
    clock.advance(minutes=1)
    assert [status(replica, reply)["status"] for _ in range(3)] == [6, 6, "0"]


@pytest.mark.parametrize(
    ("fault", "filename"),
    [
        (Fault("warning-row"), ""),
        (Fault("no-data-file"), "NoDataFile"),
        (Fault("path-escape", on="exp_status", value="../../x.fits"), "../../x.fits"),
    ],
)
def test_a_finished_export_can_list_nonsense(replica, clock, fault, filename):
    replica.faults.append(fault)
    reply = submit(replica)
    clock.advance(minutes=1)
    assert [row["filename"] for row in status(replica, reply)["data"]] == [filename]


def test_an_exported_file_can_be_another_records(replica, clock):
    replica.faults.append(Fault("wrong-file", on="export"))
    reply = submit(replica)
    clock.advance(minutes=1)
    done = status(replica, reply)
    body = get(replica, f"{done['dir']}/{done['data'][0]['filename']}").body
    assert b"2024.06.27_23:36:00.000_TAI" in body
