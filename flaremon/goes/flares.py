"""Reports of flares, from the three products of SWPC that have them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from flaremon.domain import ClassScale, Flare, FlareClass
from flaremon.goes.canary import Canary, objects
from flaremon.goes.values import flare_class, flux, region, satellite, swpc_time

_XRAY_FLARE = "XRA"
"""Event type; the others (optical flares, radio bursts) have no class."""


def read_automatic(rows: Sequence[Any], canary: Canary) -> list[Flare]:
    """Read ``xray-flares-latest`` or ``xray-flares-7-day``: found by SWPC's program, unchecked.

    A flare in progress has ``Unk`` or null where the maximum and the end will be.
    """
    return list(_read(rows, canary, _automatic))


def read_as_of(rows: Sequence[Any], canary: Canary) -> datetime | None:
    """Return the minute of ``xray-flares-latest``, whose flare may be days old; None if unknown."""
    found = [canary.parse(row, "time_tag", swpc_time) for row in rows if isinstance(row, dict)]
    return max((minute for minute in found if minute is not None), default=None)


def read_edited(rows: Sequence[Any], canary: Canary) -> list[Flare]:
    """Read ``edited_events``: checked by forecasters, with a region; X-ray flares only."""
    events = [row for row in rows if not isinstance(row, dict) or _is_flare(row, canary)]
    flares = list(_read(events, canary, _edited))
    canary.rows = len(rows)
    canary.read += len(rows) - len(events)  # events of other types are read, and left out
    return flares


def _is_flare(row: Mapping[str, Any], canary: Canary) -> bool:
    # Without a type it may be a flare, so it is tried.
    return bool(canary.take(row, "type") in (_XRAY_FLARE, None))


def _read(rows: Sequence[Any], canary: Canary, read: Any) -> Iterator[Flare]:
    for row in objects(rows, canary):
        flare = read(row, canary)
        if flare is not None:
            canary.read += 1
            yield flare


def _automatic(row: Mapping[str, Any], canary: Canary) -> Flare | None:
    start = canary.parse(row, "begin_time", swpc_time)
    peak, end = (canary.parse(row, name, swpc_time) for name in ("max_time", "end_time"))
    size = canary.parse(row, "max_class", flare_class)
    peak_flux = None if peak is None else canary.parse(row, "max_xrlong", flux)
    source = canary.parse(row, "satellite", satellite)
    if start is None or _runs_backward(start, peak, end, canary):
        return None
    # A maximum so far, without its time, is not the maximum yet.
    size = None if peak is None else size
    return Flare(
        start=start,
        peak=peak,
        end=end,
        flare_class=size,
        peak_flux_w_m2=_flux_or_nominal(peak_flux, size),
        source=canary.product,
        satellite=source or "",
        class_scale=ClassScale.of_operational(start),
        edited=False,
    )


def _edited(row: Mapping[str, Any], canary: Canary) -> Flare | None:
    start = canary.parse(row, "begin_datetime", swpc_time)
    peak, end = (canary.parse(row, f"{name}_datetime", swpc_time) for name in ("max", "end"))
    size = canary.parse(row, "particulars1", flare_class)
    peak_flux = canary.parse(row, "particulars10", flux)
    source = canary.parse(row, "observatory", satellite)
    location = canary.parse(row, "location", lambda value: str(value).strip())
    if start is None or _runs_backward(start, peak, end, canary):
        return None
    return Flare(
        start=start,
        peak=peak,
        end=end,
        flare_class=size,
        peak_flux_w_m2=_flux_or_nominal(peak_flux, size),
        noaa_ar=canary.parse(row, "region", lambda value: region(value, start)),
        location=location or "",
        source=canary.product,
        satellite=source or "",
        class_scale=ClassScale.of_operational(start),
    )


def _runs_backward(
    start: datetime, peak: datetime | None, end: datetime | None, canary: Canary
) -> bool:
    wrong = any(later is not None and later < start for later in (peak, end))
    if wrong:
        canary.unreadable["(times run backward)"] += 1
        canary.example.setdefault("(times run backward)", f"{start:%Y-%m-%dT%H:%MZ}")
    return wrong


def _flux_or_nominal(peak_flux: float | None, size: FlareClass | None) -> float | None:
    return size.flux_w_m2 if peak_flux is None and size is not None else peak_flux
