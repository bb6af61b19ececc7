"""``flaremon predictions``: what is stored."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from flaremon.cli._app import Events, app, parse_events, print_rows, settings
from flaremon.errors import InputError

if TYPE_CHECKING:
    from datetime import datetime

    from flaremon.store import StoredPrediction

COLUMNS = (
    "t_obs", "event", "flare", "probability", "threshold", "score", "window_start", "window_end",
    "issued_at", "latency_s", "mode", "model", "record", "quality", "quality_class", "sha256",
    "device", "software", "run_id",
)  # fmt: skip


@app.command(
    epilog="Examples:  flaremon predictions --since -24h   |   flaremon predictions "
    "--since 2026-02-01 --until 2026-03-01 --event M1+/24h --format csv > february.csv"
)
def predictions(
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Observed at or after: ISO (UTC), DRMS label or -6h."),
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Observed before; same forms.")
    ] = None,
    events: Events = None,
    min_probability: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="Only probabilities from here on.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="NAME@VERSION", help="Only of this model.")
    ] = None,
    mode: Annotated[
        Literal["live", "hindcast"] | None, typer.Option(help="Only of this kind.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many, newest first.")] = None,
    form: Annotated[
        Literal["table", "json", "csv"], typer.Option("--format", help="How to print.")
    ] = "table",
) -> None:
    """Print stored predictions, newest first.

    Nothing stored in the range prints an empty table: it means "not predicted", not "no flare".
    """
    from flaremon import store
    from flaremon.database import session_scope
    from flaremon.domain import Mode, ModelId
    from flaremon.wiring import reading_engine

    start, end = _range(since, until)
    chosen = parse_events(events)
    model_id = ModelId.parse(model) if model else None
    with session_scope(reading_engine(settings())) as session:
        rows = store.predictions(
            session,
            since=start,
            until=end,
            events=chosen,
            model=model_id,
            min_probability=min_probability,
            mode=Mode(mode) if mode else None,
            limit=limit,
        )
        print_rows(map(_flat, rows), form=form, columns=COLUMNS, table=_table)


def _range(since: str | None, until: str | None) -> "tuple[datetime | None, datetime | None]":
    from flaremon.times import iso_z, utc_now

    start = _instant(since) if since else None
    end = _instant(until) if until else None
    if start is not None and start > utc_now():
        raise InputError(f"--since {iso_z(start)} is in the future; nothing can be observed yet")
    if start is not None and end is not None and end <= start:
        raise InputError(f"--until {iso_z(end)} is not after --since {iso_z(start)}")
    return start, end


def _instant(text: str) -> "datetime":
    """Read a time; the label of a slot means its record, whose T_OBS is up to 8 s earlier."""
    from flaremon.times import SLOT_TOLERANCE, parse_utc

    instant = parse_utc(text)
    return instant - SLOT_TOLERANCE if text.strip().endswith("_TAI") else instant


def _flat(stored: "StoredPrediction") -> dict[str, Any]:
    from flaremon.times import iso_z

    p = stored.prediction
    return {
        "t_obs": iso_z(p.t_obs),
        "event": str(p.event),
        "flare": p.flare,
        "probability": p.probability,
        "threshold": p.threshold,
        "score": p.score,
        "window_start": iso_z(p.window.start),
        "window_end": iso_z(p.window.end),
        "issued_at": iso_z(p.issued_at),
        "latency_s": round(p.latency.total_seconds()),
        "mode": str(p.mode),
        "model": str(p.model),
        "record": str(p.key),
        "quality": stored.quality,
        "quality_class": str(stored.quality_class),
        "sha256": stored.sha256,
        "device": p.device,
        "software": p.software,
        "run_id": p.run_id,
    }


def _table(rows: Iterable[dict[str, Any]]) -> None:
    head = f"{'observed':<20} {'event':<8} {'answer':<8} {'prob.':>6} {'thr.':>6} {'mode':<8} "
    sys.stdout.write(head + f"{'model':<20} record\n")
    n = 0
    for n, row in enumerate(rows, start=1):  # noqa: B007 - counted after the loop
        sys.stdout.write(
            f"{row['t_obs']:<20} {row['event']:<8} {'FLARE' if row['flare'] else 'no flare':<8} "
            f"{row['probability']:>6.1%} {row['threshold']:>6.1%} {row['mode']:<8} "
            f"{row['model']:<20} {row['record']}\n"
        )
    sys.stdout.write(f"{n} prediction(s).\n")
    if n == 0:
        sys.stdout.write("Nothing was predicted in this range; that is not the same as no flare.\n")
