"""The server itself: what it logs, how it ends, and that it stays at home."""

import contextlib
import http.client
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from support.replicas import get, info, small_archive

from flaremon.replica import Fault, Replica

NRT = "hmi.M_720s_nrt"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return small_archive(tmp_path_factory.mktemp("archive"))


def test_every_call_is_logged_with_what_was_asked_and_answered(folder):
    now = datetime(2026, 2, 1, tzinfo=UTC)
    with Replica(folder, now=lambda: now) as replica:
        answer = get(replica, "/cgi-bin/ajax/jsoc_info", op="rs_list", ds=f"{NRT}[$]", key="T_REC")
        get(replica, "/nothing/here")
    first, second = replica.calls
    assert first.time == now
    assert (first.endpoint, first.number, first.method) == ("rs_list", 1, "GET")
    assert first.path == "/cgi-bin/ajax/jsoc_info"
    assert first.args == {"op": "rs_list", "ds": f"{NRT}[$]", "key": "T_REC"}
    assert (first.status, first.bytes) == (200, len(answer.body))
    assert (second.endpoint, second.status) == ("other", 404)


def test_one_polite_client_is_never_in_flight_twice(folder):
    with Replica(folder) as replica:
        for _ in range(50):
            info(replica, "rs_list", f"{NRT}[$]", key="T_REC")
        assert replica.max_in_flight == 1


def test_impatient_clients_are_counted(folder):
    def ask():
        # Nobody is answered before all four have asked, and then the replica ends.
        with contextlib.suppress(OSError, http.client.HTTPException):
            info(replica, "rs_summary", f"{NRT}[$]")

    clients = [threading.Thread(target=ask) for _ in range(4)]
    with Replica(folder, faults=[Fault("hang", on="rs_summary")]) as replica:
        for client in clients:
            client.start()
        while replica.in_flight < 4:
            time.sleep(0.01)
    for client in clients:
        client.join()
    assert replica.max_in_flight == 4
    assert replica.in_flight == 0


def test_one_connection_serves_many_requests(folder):
    with Replica(folder) as replica:
        where = urlsplit(replica.base_url)
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=10)
        for _ in range(3):
            connection.request("GET", f"/cgi-bin/ajax/jsoc_info?op=rs_summary&ds={NRT}[$]")
            assert b'"count":1' in connection.getresponse().read()
        # Left open on purpose: an idle connection must not keep the replica from ending.
        sock = connection.sock
    assert sock.recv(1) == b""
    connection.close()
    assert len(replica.calls) == 3


def test_it_listens_on_loopback_and_is_gone_afterwards(folder):
    with Replica(folder) as replica:
        assert replica.base_url.startswith("http://127.0.0.1:")
        assert not replica.base_url.endswith("/")
    where = urlsplit(replica.base_url)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((where.hostname, where.port), timeout=1)


def test_a_client_that_leaves_in_mid_file_harms_nobody(folder):
    with Replica(folder) as replica:
        path = info(replica, "rs_list", f"{NRT}[$]", seg="magnetogram", key="T_REC")
        path = path["segments"][0]["values"][0]
        where = urlsplit(replica.base_url)
        for _ in range(5):
            with socket.create_connection((where.hostname, where.port), timeout=5) as connection:
                connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                connection.recv(10)
        assert get(replica, path).status == 200


@pytest.mark.parametrize(
    "request_line", ["NONSENSE", "GET", "PUT / HTTP/1.1", "GET / HTTP/9.9", "POST / HTTP/1.1"]
)
def test_nonsense_gets_an_http_error(folder, request_line):
    with Replica(folder) as replica:
        where = urlsplit(replica.base_url)
        with socket.create_connection((where.hostname, where.port), timeout=5) as connection:
            connection.sendall(f"{request_line}\r\nContent-Length: x\r\n\r\n".encode())
            assert b" 4" in (reply := connection.recv(200)) or b" 50" in reply
        assert info(replica, "rs_summary", f"{NRT}[$]")["count"] == 1


def test_it_serves_as_a_command_until_ctrl_c(folder):
    code = textwrap.dedent("""
        import signal
        import sys
        from pathlib import Path
        from flaremon.replica import Replica
        # A shell's background jobs are born deaf to it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with Replica(Path(sys.argv[1])) as replica:
            print(replica.base_url, flush=True)
            replica.wait()
        print("closed", flush=True)
    """)
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True
    )
    with process:
        where = urlsplit(process.stdout.readline().strip())
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=10)
        connection.request("GET", f"/cgi-bin/ajax/jsoc_info?op=rs_summary&ds={NRT}[$]")
        assert b'"count":1' in connection.getresponse().read()
        process.send_signal(signal.SIGINT)
        assert process.stdout.read().strip() == "closed"
        connection.close()
    assert process.returncode == 0
