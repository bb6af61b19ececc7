"""The truth flow: what SWPC says now is stored, and windows that are over get their outcome.

Each product is a task of its own, so that one that has changed or is away does not keep the
others from the database. Products overlap by hours and days, so missed runs need no care, unless
more than 7 days are missed: those hours then stay unknown.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.runtime import flow_run

from flaremon.config import read_settings
from flaremon.database import session_scope
from flaremon.errors import SourceError
from flaremon.goes import Observed
from flaremon.pipeline import new_run_id
from flaremon.times import iso_z, utc_now
from flaremon.truth import observed as truth_observed
from flaremon.truth import outcomes
from flaremon.wiring import opened, swpc
from flows.tasks import RETRIED

log = logging.getLogger(__name__)

ARTIFACT_KEY = "truth-run"


@flow(name="truth")
def truth() -> dict[str, Any]:
    """Fetch SWPC's products, store what they say, and decide what became of windows.

    Returns
    -------
    dict
        Counts per product: rows, read, gaps, fields that are missing or make no sense, and the
        rows that were new to the database; the products that failed, and why; what the list
        answers for; and how many windows got an outcome.

    Raises
    ------
    SourceError
        No product could be had: the run is Failed, but outcomes are decided.
    FlaremonError
        Database or settings are at fault.
    """
    now = utc_now()
    run_id = flow_run.id or new_run_id("flow", now)
    told: dict[str, Any] = {"run_id": run_id, "at": iso_z(now), "products": [], "failed": []}
    errors: list[SourceError] = []
    read: dict[str, Observed] = {}
    for name in wanted(now):
        errors += _take(name, read, told, now, run_id)
    for name in truth_observed.wanted_after(read, now=now):
        _take(name, read, told, now, run_id)
    told["covered"] = cover(read, now, run_id)
    told["outcomes"] = decide(now, run_id)
    create_markdown_artifact(as_markdown(told), key=ARTIFACT_KEY)
    if errors and not read:
        raise errors[-1]
    return told


def _take(
    name: str, read: dict[str, Observed], told: dict[str, Any], now: datetime, run_id: str
) -> list[SourceError]:
    """Fetch and keep a product, and tell of it; return the error where it cannot be had."""
    try:
        read[name] = fetch(name)
    except SourceError as exc:
        log.warning("%s", exc)
        told["failed"].append({"product": name, "error": str(exc), "retriable": exc.retriable})
        return [exc]
    counts = keep(truth_observed.worth_keeping(name, read, now=now), now, run_id)
    told["products"].append({**read[name].canary.as_json(), **counts})
    return []


@task(name="wanted", **RETRIED)
def wanted(now: datetime) -> list[str]:
    """Return the names of the products to fetch; after a pause they reach further back.

    Raises
    ------
    StoreError
        The database fails.
    """
    with opened(read_settings()) as engine, session_scope(engine) as session:
        return truth_observed.wanted(session, now=now)


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
def keep(observed: Observed, now: datetime, run_id: str) -> dict[str, int]:
    """Store what a product says in one transaction; return how many rows were new.

    Raises
    ------
    StoreError
        Nothing of the product was stored.
    """
    with opened(read_settings()) as engine, session_scope(engine) as session:
        return asdict(truth_observed.keep_product(session, observed, now=now, run_id=run_id))


@task(name="cover", **RETRIED)
def cover(read: Mapping[str, Observed], now: datetime, run_id: str) -> dict[str, Any]:
    """Store what the list answers for, and its gaps.

    Raises
    ------
    StoreError
        Nothing of it was stored.
    """
    with opened(read_settings()) as engine, session_scope(engine) as session:
        found = truth_observed.keep_coverage(session, read, now=now, run_id=run_id)
    return {
        "since": found.period and iso_z(found.period.start),
        "until": found.period and iso_z(found.period.end),
        "gaps": len(found.gaps),
        "why": found.why,
    }


@task(name="decide", **RETRIED)
def decide(now: datetime, run_id: str) -> dict[str, Any]:
    """Give windows their outcome by the flare list of the settings.

    Raises
    ------
    StoreError
        Nothing was decided.
    """
    settings = read_settings()
    with opened(settings) as engine, session_scope(engine) as session:
        decided = outcomes.decide(
            session,
            now=now,
            catalog=settings.truth.catalog,
            lag=timedelta(hours=settings.truth.lag_h),
            run_id=run_id,
        )
    counts = ("scored", "unknown", "revised", "pending")
    return {"catalog": decided.catalog} | {name: getattr(decided, name) for name in counts}


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
        if item["flares_withdrawn"]:
            lines.append(f"- **{item['flares_withdrawn']} flare(s) withdrawn**, see the log")
    covered, decided = told["covered"], told["outcomes"]
    if covered["until"]:
        lines.append(
            f"- The list answers for C1+ from {covered['since']} to {covered['until']}; "
            f"{covered['gaps']} gap(s) in the X-rays. {_plain(covered['why'])}"
        )
    else:
        lines.append(f"- **The list was not read up to now:** {_plain(covered['why'])}")
    lines.append(
        f"- Outcomes by list {_plain(decided['catalog'])}: {decided['scored']} scored, "
        f"{decided['unknown']} unknown, {decided['revised']} revised, {decided['pending']} pending"
    )
    columns = (
        "product", "rows", "read", "gaps", "flares_new", "flares_revised", "xrays_new",
        "forecasts_new", "regions_new",
    )  # fmt: skip
    lines += ["", _row(columns), _row(["---"] * len(columns))]
    lines += [_row([item[column] for column in columns]) for item in told["products"]]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[Any]) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def _plain(text: str) -> str:
    """Show text of others as text, on one line."""
    return " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace("[", "&#91;")
