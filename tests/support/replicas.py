"""Around the replica: the real drms client, plain HTTP, and series without files."""

import http.client
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from flaremon.replica import Replica
from flaremon.replica.archive import Archive, assemble
from flaremon.replica.records import ArchivedRecord, Definition
from flaremon.times import slot_index
from support import suns

SMALL_PX = 32
"""The replica never looks at pixels, so most of its tests need few of them."""


def drms_client(replica: Replica, *, wrapper: bool = True, email: str | None = None) -> Any:
    """Return the unmodified drms client, pointed at a replica."""
    import drms  # noqa: PLC0415 - pandas is slow to import

    lists = {"cgi_show_series_wrapper": "showextseries", "show_series_wrapper_dbhost": "hmidb2"}
    config = drms.ServerConfig(
        name="replica",
        cgi_baseurl=f"{replica.base_url}/cgi-bin/ajax/",
        cgi_show_series="show_series",
        cgi_jsoc_info="jsoc_info",
        cgi_jsoc_fetch="jsoc_fetch",
        cgi_check_address="checkAddress.sh",
        http_download_baseurl=f"{replica.base_url}/",
        **(lists if wrapper else {}),
    )
    return drms.Client(config, email=email)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def get(
    replica: Replica, path: str, *, verb: str = "GET", timeout_s: float = 10, **args: Any
) -> Answer:
    """Make one request; arguments go into the query (GET) or the form (POST)."""
    where = urlsplit(replica.base_url)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=timeout_s)
    text = urlencode(args)
    try:
        if verb == "POST":
            connection.request(verb, path, body=text)
        else:
            connection.request(verb, f"{path}?{text}" if text else path)
        response = connection.getresponse()
        body = response.read()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, body)
    finally:
        connection.close()


def info(replica: Replica, op: str, ds: str, **args: Any) -> Any:
    """Ask ``jsoc_info`` and return the document."""
    return get(replica, "/cgi-bin/ajax/jsoc_info", op=op, ds=ds, **args).json


def fetch(replica: Replica, op: str, **args: Any) -> Any:
    """Ask ``jsoc_fetch`` and return the document."""
    return get(replica, "/cgi-bin/ajax/jsoc_fetch", op=op, **args).json


def order(ds: str, *, method: str = "url", protocol: str = "fits", **more: Any) -> dict[str, Any]:
    """Return the arguments of an export request."""
    return {
        "op": "exp_request",
        "ds": ds,
        "notify": "someone@example.org",
        "method": method,
        "protocol": protocol,
        "process=n": "0",
        **more,
    }


def small_archive(folder: Path, n: int = 3, **view: Any) -> Path:
    """Write `n` consecutive records of few pixels."""
    suns.archive(folder, n, size_px=SMALL_PX, crpix1=16.0, crpix2=16.0, cdelt=80.0, **view)
    return folder


def virtual_archive(*series: tuple[str, float, str, int]) -> Archive:
    """Return series of records without files: (name, cadence in s, first T_REC, records)."""
    return assemble(
        ArchivedRecord(definition=Definition(name, cadence_s, 0, name), slot=first + i)
        for name, cadence_s, start, n in series
        for first in [slot_index(start, cadence_s)]
        for i in range(n)
    )
