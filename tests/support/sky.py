"""What GOES saw, for tests that need rows: flares, X-rays, and what a list answers for."""

import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from flaremon import store
from flaremon.database import open_engine, session_scope, upgrade
from flaremon.domain import CatalogPeriod, ClassScale, Flare, FlareClass, XrayState


@cache
def _blank() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "blank.db"
        upgrade(f"sqlite:///{file}")
        return file.read_bytes()


def blank_engine(folder: Path) -> Any:
    """Open an empty SQLite database in a folder; its tables are made once per process."""
    file = folder / "test.db"
    file.write_bytes(_blank())
    return open_engine(f"sqlite:///{file}")


def flare(
    start: datetime, size: str | None = None, *, minutes: float | None = 30, **changes: Any
) -> Flare:
    """Return a flare of SWPC's list; without a size it still rises, without minutes it lasts."""
    known = None if size is None else FlareClass.parse(size)
    values: dict[str, Any] = {
        "start": start,
        "peak": start + timedelta(minutes=5) if known else None,
        "end": start + timedelta(minutes=minutes) if minutes is not None else None,
        "flare_class": known,
        "peak_flux_w_m2": known and known.flux_w_m2,
        "source": "test",
        "satellite": "G18",
        "class_scale": ClassScale.TRUE_FLUX,
    }
    return Flare(**{**values, **changes})


def xrays(
    newest: datetime, fluxes: Sequence[float], *, contaminated: bool | None = False
) -> list[XrayState]:
    """Return a flux a minute, the last one at `newest`."""
    first = newest - timedelta(minutes=len(fluxes) - 1)
    return [
        XrayState(
            observed_at=first + timedelta(minutes=k),
            satellite="G18",
            flux_w_m2=flux,
            contaminated=contaminated,
        )
        for k, flux in enumerate(fluxes)
    ]


def covered(
    since: datetime, until: datetime, *, catalog: str = "swpc", least: str = "C1"
) -> CatalogPeriod:
    """Return a period for which a list is complete from a class on."""
    return CatalogPeriod(
        catalog=catalog,
        start=since,
        end=until,
        flux_w_m2=FlareClass.parse(least).flux_w_m2,
        has_ends=True,
        source="test",
    )


def see(
    engine: Any,
    *,
    seen_at: datetime,
    flares: Sequence[Flare] = (),
    states: Sequence[XrayState] = (),
    periods: Sequence[CatalogPeriod] = (),
    catalog: str = "swpc",
) -> None:
    """Store what was seen, as of an instant."""
    note: dict[str, Any] = {"seen_at": seen_at, "run_id": "test"}
    with session_scope(engine) as session:
        store.add_flares(session, flares, catalog=catalog, **note)
        store.add_xray(session, states, **note)
        store.add_periods(session, periods, **note)
