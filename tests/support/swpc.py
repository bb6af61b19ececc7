"""A stand-in for NOAA's Space Weather Prediction Center, on loopback, that can misbehave.

The rows are made up here, in the shape that the products have; nothing of them is NOAA's.
"""

import json
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

from flaremon.goes import PRODUCTS
from support.loopback import LoopbackServer

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KINDS = (
    "500", "503", "404", "hang", "truncated", "html", "empty", "malformed", "object", "redirect",
)  # fmt: skip

Row = dict[str, Any]


def z(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def automatic(start: datetime = NOW, size: str = "M1.2", **changes: Any) -> Row:
    """A finished flare as ``xray-flares-7-day`` has it."""
    row: Row = {
        "time_tag": z(start),
        "begin_time": z(start),
        "begin_class": "B5.4",
        "max_time": z(start + timedelta(minutes=9)),
        "max_class": size,
        "max_xrlong": 1.25e-5,
        "max_ratio": None,
        "max_ratio_time": None,
        "current_int_xrlong": 0.01,
        "end_time": z(start + timedelta(minutes=20)),
        "end_class": "C5.0",
        "satellite": 18,
    }
    return row | changes


def rising(start: datetime = NOW, **changes: Any) -> Row:
    """A flare in progress as ``xray-flares-latest`` has it."""
    row: Row = {
        "time_tag": z(start + timedelta(minutes=4)),
        "satellite": 18,
        "current_class": "C8.1",
        "current_ratio": 0.0136,
        "current_int_xrlong": 0.0006,
        "begin_time": z(start),
        "begin_class": "B7.8",
        "max_time": "Unk",
        "end_time": "Unk",
        "max_class": None,
    }
    return row | changes


def edited(start: datetime = NOW, size: str = "M1.3", **changes: Any) -> Row:
    """An X-ray flare as ``edited_events`` has it: no Z, four digits."""
    row: Row = {
        "begin_datetime": z(start)[:-1],
        "begin_quality": "",
        "max_datetime": z(start + timedelta(minutes=9))[:-1],
        "max_quality": "",
        "end_datetime": z(start + timedelta(minutes=20))[:-1],
        "end_quality": "",
        "observatory": "G18",
        "quality": "5",
        "type": "XRA",
        "location": "",
        "frequency": "1-8A",
        "particulars1": size,
        "particulars2": "1.4E-03",
        "particulars10": "1.3E-05",
        "region": 4366,
        "status_code": 5,
        "change_flag": 0,
    }
    return row | changes


def xray(at: datetime = NOW, flux: float | None = 3.7e-7, **changes: Any) -> Row:
    row: Row = {
        "time_tag": z(at),
        "satellite": 18,
        "flux": flux,
        "observed_flux": flux,
        "electron_correction": 1.2e-8,
        "electron_contaminaton": False,
        "energy": "0.1-0.8nm",
    }
    return row | changes


def xrays(minutes: int = 5, start: datetime = NOW) -> list[Row]:
    times = [start + timedelta(minutes=k) for k in range(minutes)]
    return [xray(t, energy=band) for t in times for band in ("0.05-0.4nm", "0.1-0.8nm")]


def probabilities(date: datetime = NOW, c: int = 99, m: int = 35, x: int = 5) -> Row:
    """A row of ``solar_probabilities``, percentages for three days."""
    levels = {"c_class": c, "m_class": m, "x_class": x, "10mev_protons": 1}
    days = {f"{name}_{day}_day": value for name, value in levels.items() for day in (1, 2, 3)}
    return {"date": f"{date:%Y-%m-%dT00:00:00}", **days, "polar_cap_absorption": "green"}


def region(date: datetime = NOW, number: int = 4366, **changes: Any) -> Row:
    """A region at N14W22 as ``solar_regions`` has it: longitudes east positive, four digits."""
    row: Row = {
        "observed_date": f"{date:%Y-%m-%d}",
        "region": number,
        "latitude": 14,
        "longitude": -22,
        "location": "N14W22",
        "carrington_longitude": 60,
        "area": 320,
        "spot_class": "Dkc",
        "number_spots": 17,
        "mag_class": "BGD",
        "status": "f",
        "m_flare_probability": 45,
        "first_date": z(date)[:-1],
    }
    return row | changes


def usual(at: datetime = NOW) -> dict[str, list[Row]]:
    """What the products say on a day with one M flare, at `at`, and one that rises 3 h later."""
    later = at + timedelta(hours=3)
    days = [at - timedelta(days=k) for k in range(2)]
    return {
        "xrays-7-day": xrays(start=at),
        "xrays-6-hour": xrays(start=at),
        "xray-flares-7-day": [automatic(at)],
        "xray-flares-latest": [rising(later)],
        "edited_events": [edited(at), edited(at, type="RBR", particulars1="")],
        "solar_probabilities": [probabilities(day) for day in days],
        "solar_regions": [region(day) for day in days],
        "xrays-6-hour-secondary": xrays(start=at),
        "xray-flares-7-day-secondary": [],
    }


def fresh(now: datetime) -> dict[str, list[Row]]:
    """The same with the newest minute just before `now`, and X-rays since the M flare."""
    at = now.replace(second=0, microsecond=0) - timedelta(minutes=190)
    long = xrays(190, at)
    latest = [rising(at + timedelta(hours=3), time_tag=long[-1]["time_tag"])]
    return usual(at) | {
        "xrays-7-day": long, "xrays-6-hour": long, "xray-flares-latest": latest,
    }  # fmt: skip


class Swpc(LoopbackServer):
    """Serves `rows`, unless a fault of `faults` (product name to kind) says otherwise.

    A fault may be a pair ``(kind, times)``: it passes after so many requests.
    """

    def __init__(self, rows: Mapping[str, list[Row]] | None = None) -> None:
        self.rows = dict(usual() if rows is None else rows)
        self.faults: dict[str, str | tuple[str, int]] = {}
        self.requests: list[str] = []
        """Names of the products that were asked for."""
        self.open = threading.Event()
        """While it is not set, requests are held and not answered."""
        self.open.set()
        self.at_once = 0
        self._working = 0
        self._lock = threading.Lock()
        names = {product.path: name for name, product in PRODUCTS.items()}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = names.get(self.path, "")
                with outer._lock:
                    outer.requests.append(name)
                    outer._working += 1
                    outer.at_once = max(outer.at_once, outer._working)
                try:
                    outer._answer(self, name)
                except OSError:  # the client has left
                    return
                finally:
                    outer._working -= 1

            def log_message(self, *args: object) -> None:
                pass

        super().__init__(Handler)

    def _kind(self, name: str) -> str:
        fault = self.faults.get(name, "")
        if isinstance(fault, str):
            return fault
        kind, times = fault
        self.faults[name] = (kind, times - 1) if times > 1 else ""
        return kind

    def _answer(self, handler: BaseHTTPRequestHandler, name: str) -> None:
        self.open.wait()
        kind = self._kind(name)
        body = json.dumps(self.rows.get(name)).encode()
        head = {"Content-Type": "application/json", "Connection": "close"}
        if kind == "hang":
            time.sleep(1.0)
            return
        status = int(kind) if kind.isdecimal() else 404 if name not in self.rows else 200
        if kind == "redirect":
            status, head["Location"] = 302, "http://127.0.0.2:9/elsewhere.json"
        length = len(body)
        body = {
            "html": b"<html><body>Down for maintenance</body></html>",
            "empty": b"",
            "malformed": body[: length // 2],
            "object": b'{"error": "no data"}',
        }.get(kind, body)
        if kind != "truncated":
            length = len(body)
        handler.send_response(status)
        for field, value in (head | {"Content-Length": str(length)}).items():
            handler.send_header(field, value)
        handler.end_headers()
        handler.wfile.write(body[: len(body) // 2] if kind == "truncated" else body)
