"""Flares of the past from the Heliophysics Events Knowledgebase, asked by sunpy.

The HEK has each flare from several detection methods; those of NOAA's edited reports (FRM
"SWPC") are asked for. Its answers have pages and 142 columns; sunpy turns the pages. Classes
are never compared in the query, where "M10" would be less than "M9". sunpy's client has no
time-out of its own, so it works on a thread that is left behind when its time is up.
"""

import http.client
import logging
import socket
import threading
import urllib.error
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from flaremon.domain import ClassScale, Flare, one_per_flare
from flaremon.errors import InputError, SourceError, SourceProtocolError, SourceUnavailableError
from flaremon.goes.canary import Canary, objects
from flaremon.goes.products import Observed
from flaremon.goes.values import flare_class, flux, region, swpc_time
from flaremon.politeness import Lane, Turn

log = logging.getLogger(__name__)

HEK_CATALOG = "hek"
HEK_URL = "https://www.lmsal.com/hek/her?"
_METHOD = "SWPC"
_SILENCE_S = 60.0
"""Longest pause within an answer; the HEK thinks for up to half a minute."""


class Hek:
    """The HEK, or a stand-in for it.

    Parameters
    ----------
    folder : Path
        Where the lane's file is; processes with the same folder share one connection.
    url : str
        Where it is, up to and with the question mark.
    limit_s : float
        Wall-clock limit of one query with all its pages, all tries together.

    Raises
    ------
    InputError
        `url` is not an http or https address that ends with a question mark.
    """

    def __init__(
        self, folder: Path, url: str = HEK_URL, *, limit_s: float = 300.0, attempts: int = 3
    ) -> None:
        if not url.startswith(("http://", "https://")) or not url.endswith("?"):
            raise InputError(f"{url!r} is not where a HEK can be; write e.g. {HEK_URL}")
        self._url = url
        self._limit_s = limit_s
        self._attempts = attempts
        self._lane = Lane(folder, url, min_interval_s=0.0)  # the lane's own least counts

    def read(self, start: datetime, end: datetime) -> Observed:
        """Return the flares that started in ``start <= t < end``; edited, with their regions.

        Raises
        ------
        SourceUnavailableError
            No whole answer in time; trying again can help.
        SourceProtocolError
            An answer that we do not understand.
        """
        return self._lane.ask(
            lambda turn: read_hek(self._rows(start, end, turn), start, end),
            limit_s=self._limit_s,
            attempts=self._attempts,
        )

    def _rows(self, start: datetime, end: datetime, turn: Turn) -> list[dict[str, Any]]:
        answer: Future[list[dict[str, Any]]] = Future()

        def search() -> None:
            try:
                answer.set_result(_search(self._url, start, end))
            except BaseException as exc:  # noqa: BLE001 - handed over to the thread that waits
                answer.set_exception(exc)

        limit_s = turn.deadline.remaining_s
        with _silence_is_an_error(min(_SILENCE_S, limit_s)):
            threading.Thread(target=search, name="hek", daemon=True).start()
            try:
                return answer.result(limit_s)
            except (OSError, http.client.HTTPException, LookupError, TypeError, ValueError) as exc:
                raise _translated(exc, self._url, answer_came=answer.done()) from exc


def read_hek(rows: Sequence[Mapping[str, Any]], start: datetime, end: datetime) -> Observed:
    """Read the rows of an answer.

    What is missing in them or makes no sense is named in one warning and counted in the canary.
    A flare at 0, 0 is one without position, and region 0 is none.

    Raises
    ------
    SourceProtocolError
        No row can be read.
    """
    canary = Canary(product="the HEK")
    asked = [
        row
        for row in objects(rows, canary)
        if canary.take(row, "frm_name") == _METHOD and _text(row.get("active")) != "false"
    ]
    canary.read = len(rows) - len(asked)
    flares = [flare for row in asked if (flare := _flare(row, canary)) is not None]
    canary.read += len(flares)
    if rows and not canary.read:
        raise SourceProtocolError(
            f"the HEK's answer has changed: none of its rows can be read. {canary.trouble}"
        )
    if canary.trouble:
        log.warning("the HEK's answer has changed: %s", canary.trouble)
    # Flares that only reach into the span are given too.
    kept, duplicates = one_per_flare(flare for flare in flares if start <= flare.start < end)
    return Observed(canary=canary, flares=kept, duplicates=duplicates)


def _flare(row: Mapping[str, Any], canary: Canary) -> Flare | None:
    start, peak, end = (
        canary.parse(row, f"event_{name}time", swpc_time) for name in ("start", "peak", "end")
    )
    size = canary.parse(row, "fl_goescls", flare_class)
    if start is None:
        return None
    if any(instant is not None and instant < start for instant in (peak, end)):
        canary.unreadable["event_starttime"] += 1
        canary.example.setdefault("event_starttime", "(after the maximum or the end)")
        return None
    peak_flux = canary.parse(row, "fl_peakflux", flux)
    return Flare(
        start=start,
        peak=peak,
        end=end,
        flare_class=size,
        peak_flux_w_m2=peak_flux or (None if size is None else size.flux_w_m2),
        noaa_ar=canary.parse(row, "ar_noaanum", lambda number: region(number, start)),
        location=_location(row, canary),
        source=f"HEK, {_METHOD}",
        class_scale=ClassScale.of_operational(start),
    )


def _location(row: Mapping[str, Any], canary: Canary) -> str:
    """Return the position as ``S26E34``; Stonyhurst longitudes are positive in the west."""
    x, y = (canary.take(row, name) for name in ("hgs_x", "hgs_y"))
    numbers = [v for v in (x, y) if isinstance(v, int | float) and abs(v) <= 90]
    if len(numbers) < 2 or (x, y) == (0, 0):
        return ""
    return f"{'S' if y < 0 else 'N'}{round(abs(y)):02d}{'E' if x < 0 else 'W'}{round(abs(x)):02d}"


def _search(url: str, start: datetime, end: datetime) -> list[dict[str, Any]]:
    from sunpy.net import attrs as a  # noqa: PLC0415 - 2 s
    from sunpy.net.hek import HEKClient  # noqa: PLC0415

    found = HEKClient(url=url).search(
        a.Time(start.strftime("%Y-%m-%dT%H:%M:%S"), end.strftime("%Y-%m-%dT%H:%M:%S")),
        a.hek.EventType("FL"),
        a.hek.FRM.Name == _METHOD,
        a.hek.OBS.Observatory == "GOES",
    )
    names = found.raw.colnames
    return [{name: _plain(row[name]) for name in names} for row in found.raw]


def _plain(value: Any) -> Any:
    """Return what astropy made of a value as the JSON had it."""
    return value.item() if hasattr(value, "item") else value


def _text(value: Any) -> str:
    return str(value).lower()


@contextmanager
def _silence_is_an_error(seconds: float) -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _translated(error: BaseException, url: str, *, answer_came: bool) -> SourceError:
    where = f"the HEK at {url.removesuffix('?')}"
    if not answer_came:
        return SourceUnavailableError(f"{where} gave no whole answer in time")
    if isinstance(error, urllib.error.HTTPError):
        error.close()  # it is the reply, too, and nobody will read it
        passing = error.code >= 500 or error.code == http.HTTPStatus.TOO_MANY_REQUESTS
        kind = SourceUnavailableError if passing else SourceProtocolError
        return kind(f"{where} answered {error.code} {error.reason}")
    # sunpy hides whatever happened while an answer was read in an OSError without words.
    cause = error.__cause__ or error
    if isinstance(cause, OSError | http.client.HTTPException):
        words = str(cause) or type(cause).__name__
        return SourceUnavailableError(f"{where} did not answer: {words}")
    return SourceProtocolError(f"{where} did not answer as it used to: {cause!r:.160}")
