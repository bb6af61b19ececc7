"""The baselines beside predictions that were made of the past, and lists that were never read."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from flaremon.config import Settings
    from flaremon.store import SlotRange


def never_read(engine: "Engine", catalog: str) -> str | None:
    """Say that a flare list was never read, and which ones were; None if it was."""
    from flaremon import store
    from flaremon.database import session_scope

    with session_scope(engine) as session:
        if store.catalog_as_of(session, catalog=catalog) is not None:
            return None
        others = store.catalogs(session)
    why = f"The flare list {catalog} was never read, so nothing can be decided"
    if others:
        return (
            f"{why}; read were {', '.join(others)}: choose with --catalog, or for good with "
            f"FLAREMON_TRUTH__CATALOG={others[0]}.\n"
        )
    return f"{why}: `flaremon flares fetch` or `flaremon flares import` reads one.\n"


def fill(
    config: "Settings",
    engine: "Engine",
    *,
    catalog: str | None = None,
    slots: "SlotRange | None" = None,
) -> int:
    """Store what the baselines say about predicted windows without them; return how many rows.

    It is told on standard error: standard output may be somebody's JSON.

    Parameters
    ----------
    catalog : str, optional
        Flare list; by default that of the settings.
    slots : SlotRange, optional
        Only what was predicted of these; by default everything.

    Raises
    ------
    StoreError
        The database fails.
    """
    from flaremon.pipeline import new_run_id
    from flaremon.times import utc_now
    from flaremon.truth import PERSISTENCE, TRAILING_CLIMATOLOGY, fill_baselines

    now = utc_now()
    new = fill_baselines(
        engine,
        catalog=catalog or config.truth.catalog,
        now=now,
        run_id=new_run_id("cli", now),
        slots=slots,
    )
    if new:
        sys.stderr.write(
            f"flaremon: {new:,} forecasts by {PERSISTENCE} and {TRAILING_CLIMATOLOGY} stored "
            "beside the predictions\n"
        )
    return new
