"""The truth flow: what SWPC's products say now is stored; older revisions stay.

Each product is a task of its own, so that one that has changed or is away does not keep the
others from the database. Products overlap by hours and days, so missed runs need no care.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.runtime import flow_run

from flaremon import store
from flaremon.config import read_settings
from flaremon.database import session_scope
from flaremon.errors import SourceError
from flaremon.goes import CATALOG, PRODUCTS, Observed
from flaremon.pipeline import new_run_id
from flaremon.times import iso_z, utc_now
from flaremon.wiring import swpc
from flows.tasks import RETRIED, opened

log = logging.getLogger(__name__)

ARTIFACT_KEY = "truth-run"


@flow(name="truth")
def truth() -> dict[str, Any]:
    """Fetch SWPC's products, store flares and X-rays; say what was new and what has changed.

    Returns
    -------
    dict
        Counts per product: rows, read, gaps, fields that are missing or make no sense, and the
        rows that were new to the database; the products that failed, and why.

    Raises
    ------
    SourceError
        No product could be had: the run is Failed.
    FlaremonError
        Database or settings are at fault.
    """
    now = utc_now()
    run_id = flow_run.id or new_run_id("flow", now)
    told: dict[str, Any] = {"run_id": run_id, "at": iso_z(now), "products": [], "failed": []}
    error: SourceError | None = None
    for name in PRODUCTS:
        try:
            observed = fetch(name)
        except SourceError as exc:
            log.warning("%s", exc)
            told["failed"].append({"product": name, "error": str(exc), "retriable": exc.retriable})
            error = exc
            continue
        told["products"].append({**observed.canary.as_json(), **keep(observed, now, run_id)})
    create_markdown_artifact(as_markdown(told), key=ARTIFACT_KEY)
    if error is not None and not told["products"]:
        raise error
    return told


@task(name="fetch", task_run_name="fetch {name}", **RETRIED)
def fetch(name: str) -> Observed:
    """Fetch and read one product.

    Raises
    ------
    SourceError
        It cannot be had, or has changed so much that nothing can be read.
    """
    return swpc(read_settings()).read(name)


@task(name="keep", **RETRIED)
def keep(observed: Observed, seen_at: datetime, run_id: str) -> dict[str, int]:
    """Store what a product says in one transaction; return how many rows were new.

    Raises
    ------
    StoreError
        Nothing of the product was stored.
    """
    with opened(read_settings()) as engine, session_scope(engine) as session:
        added = store.add_flares(
            session, observed.flares, catalog=CATALOG, seen_at=seen_at, run_id=run_id
        )
        samples = store.add_xray(session, observed.xrays, seen_at=seen_at, run_id=run_id)
    return {
        "flares_new": added.new,
        "flares_revised": added.revised,
        "flares_reported_twice": len(observed.duplicates),
        "xrays_new": samples,
    }


def as_markdown(told: dict[str, Any]) -> str:
    """Return the summary for people; what has failed or changed comes first."""
    lines = [f"# What GOES observed, {told['at']}", ""]
    lines += [f"- **{_plain(f['product'])} failed:** {_plain(f['error'])}" for f in told["failed"]]
    for item in told["products"]:
        wrong = {**item["missing"], **item["unreadable"]}
        if wrong:
            fields = ", ".join(f"`{name}` in {count}" for name, count in sorted(wrong.items()))
            lines.append(
                f"- **{item['product']} has changed:** of {item['rows']} rows, {_plain(fields)}"
            )
    columns = ("product", "rows", "read", "gaps", "flares_new", "flares_revised", "xrays_new")
    lines += ["", _row(columns), _row(["---"] * len(columns))]
    lines += [_row([item[column] for column in columns]) for item in told["products"]]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[Any]) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def _plain(text: str) -> str:
    """Show text of others as text, on one line."""
    return " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace("[", "&#91;")
