"""Stored flare lists and windows for tests of what became of forecasts."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from flaremon import store
from flaremon.database import open_engine, upgrade
from flaremon.domain import (
    LEAST_FLUX_W_M2,
    CatalogPeriod,
    ClassScale,
    Flare,
    FlareClass,
    FlareEvent,
    Forecast,
    ForecasterKind,
    Mode,
    ModelId,
)

T0 = datetime(2026, 2, 1, tzinfo=UTC)
H, MIN, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
M_24H, C_24H, X_24H = (FlareEvent.parse(f"{size}+/24h") for size in ("M1", "C1", "X1"))
C_NOW, M_NOW = FlareEvent.parse("C1+/now"), FlareEvent.parse("M1+/now")
SOMEBODY = ModelId("somebody", "1.0.0")
NOTE: dict[str, Any] = {"seen_at": T0 + 10 * DAY, "run_id": "test"}


def empty_database(folder: Path) -> Path:
    """Make an empty SQLite database, to be copied: that is faster than to make each anew."""
    file = folder / "flaremon.db"
    upgrade(f"sqlite:///{file}")
    return file


@contextmanager
def open_database(url: str) -> Iterator[Engine]:
    """Open a database for a while."""
    engine = open_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def flare(hours: float, size: str | None = "M1.0", **changes: Any) -> Flare:
    """Edited flare that starts so many hours after `T0` and lasts 20 minutes."""
    start = changes.pop("start", T0 + hours * H)
    made: dict[str, Any] = {
        "start": start,
        "peak": start + 9 * MIN if size else None,
        "end": start + 20 * MIN if size else None,
        "flare_class": FlareClass.parse(size) if size else None,
        "peak_flux_w_m2": FlareClass.parse(size).flux_w_m2 if size else None,
        "location": "N12E32",
        "source": "test",
        "class_scale": ClassScale.TRUE_FLUX,
    }
    return Flare(**made | changes)


def period(first: float, last: float, *, size: str = "C1", **changes: Any) -> CatalogPeriod:
    """Period from and to so many hours after `T0`."""
    made: dict[str, Any] = {
        "catalog": "swpc",
        "start": T0 + first * H,
        "end": T0 + last * H,
        "flux_w_m2": FlareClass.parse(size).flux_w_m2,
        "has_ends": True,
    }
    return CatalogPeriod(**made | changes)


def gap(first: float, last: float) -> CatalogPeriod:
    """Gap from and to so many hours after `T0`."""
    return period(first, last, flux_w_m2=LEAST_FLUX_W_M2, has_ends=False, gap=True)


def list_flares(session: Session, *items: Flare | CatalogPeriod, **note: Any) -> None:
    """Store what the list ``swpc`` says."""
    seen = NOTE | note
    flares = [item for item in items if isinstance(item, Flare)]
    store.add_flares(session, flares, catalog="swpc", **seen)
    periods = [item for item in items if isinstance(item, CatalogPeriod)]
    store.add_periods(session, periods, **seen)


def forecast(start: datetime, event: FlareEvent = M_24H, **changes: Any) -> Forecast:
    """Forecast by `SOMEBODY` of the window that starts then."""
    made: dict[str, Any] = {
        "forecaster": SOMEBODY,
        "event": event,
        "window": event.window(start),
        "probability": 0.25,
        "issued_at": start,
        "mode": Mode.LIVE,
        "source": "test",
    }
    return Forecast(**made | changes)


def speak(session: Session, *hours: float, event: FlareEvent = M_24H) -> int:
    """Store forecasts of the windows that start so many hours after `T0`."""
    store.register_forecaster(
        session, forecaster=SOMEBODY, kind=ForecasterKind.EXTERNAL, description="test", now=T0
    )
    made = [forecast(T0 + hour * H, event) for hour in hours]
    return store.add_forecasts(session, made, run_id="test")
