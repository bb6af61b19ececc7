"""A stand-in for the HEK on loopback, for sunpy's own client; it turns pages and misbehaves.

The rows are made up here, in the shape that the HEK has; nothing of them is the HEK's.
"""

import json
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support.loopback import LoopbackServer

START = datetime(2014, 2, 1, tzinfo=UTC)

Row = dict[str, Any]


def event(start: datetime = START, size: str = "C3.2", **changes: Any) -> Row:
    """A flare as the HEK has it; of its 142 columns those that say something of a flare."""
    row: Row = {
        "event_type": "FL",
        "event_starttime": f"{start:%Y-%m-%dT%H:%M:%S}",
        "event_peaktime": f"{start + timedelta(minutes=10):%Y-%m-%dT%H:%M:%S}",
        "event_endtime": f"{start + timedelta(minutes=20):%Y-%m-%dT%H:%M:%S}",
        "fl_goescls": size,
        "fl_peakflux": None,
        "ar_noaanum": 11967,
        "hgs_x": -34,
        "hgs_y": -26,
        "event_coordsys": "UTC-HGS-TOPO",
        "event_coordunit": "degrees",
        "event_coord1": -34,
        "event_coord2": -26,
        "event_coord3": None,
        "frm_name": "SWPC",
        "frm_daterun": "2014-02-02T00:00:00",
        "obs_observatory": "GOES",
        "active": "true",
        "noposition": "false",
        "kb_archivid": f"ivo://helio-informatics.org/FL_{start:%Y%m%d%H%M}",
    }
    return row | changes


class Hek(LoopbackServer):
    """Answers searches from `rows`, a page of `page` at once, unless `fault` says otherwise."""

    def __init__(self, rows: list[Row] | None = None, *, page: int = 200) -> None:
        self.rows = [event()] if rows is None else rows
        self.page = page
        self.fault = ""
        self.fault_from = 0
        """Number of the first search that the fault spoils."""
        self.queries: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
                outer.queries.append(query)
                try:
                    outer._answer(self, query)
                except OSError:  # the client has left
                    return

            def log_message(self, *args: object) -> None:
                pass

        super().__init__(Handler)

    @property
    def url(self) -> str:
        return f"{self.base_url}/hek/her?"

    def _answer(self, handler: BaseHTTPRequestHandler, query: dict[str, str]) -> None:
        fault = self.fault if len(self.queries) > self.fault_from else ""
        if fault == "slow":
            time.sleep(1.5)
            return
        number = int(query["page"])
        # Times in a query may be written in several ways; they sort alike to the minute.
        since, until = (
            query[f"event_{end}time"].replace(" ", "T")[:16] for end in ("start", "end")
        )
        found = [
            row
            for row in self.rows
            if str(row["event_endtime"])[:16] >= since and str(row["event_starttime"])[:16] <= until
        ]
        piece = found[(number - 1) * self.page : number * self.page]
        more = number * self.page < len(found) or fault == "endless"
        body = json.dumps({"result": piece, "overmax": more}).encode()
        body = {
            "html": b"<html><body>Service temporarily unavailable</body></html>",
            "truncated": body[: len(body) // 2],
            "other": b'{"results": []}',
        }.get(fault, body)
        handler.send_response(int(fault) if fault.isdecimal() else 200)
        handler.send_header("Content-Type", "application/json")
        length = len(body) + 100 * (fault == "short")
        handler.send_header("Content-Length", str(length))
        handler.end_headers()
        handler.wfile.write(body)
