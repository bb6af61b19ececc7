"""``flaremon predictions``: what is stored."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from flaremon.cli._app import Events, app, parse_events, print_rows, settings
from flaremon.cli._known import see_known
from flaremon.cli._regions import (
    REGION_COLUMNS,
    explained,
    region_table,
    row_per_region,
    without_map,
)
from flaremon.errors import InputError

if TYPE_CHECKING:
    from datetime import datetime

    from flaremon.domain import FlareEvent, Forecast
    from flaremon.store import StoredPrediction

COLUMNS = (
    "t_obs", "event", "flare", "probability", "threshold", "score", "window_start", "window_end",
    "issued_at", "latency_s", "mode", "model", "record", "quality", "quality_class", "sha256",
    "device", "software", "run_id", "raw_probability", "calibrator", "activity", "activity_source",
    "spread",
)  # fmt: skip
ALL_MODELS = "all"
_ANSWERS = {True: "yes", False: "no", None: "-"}
"""Who has no threshold says neither."""


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
        str | None,
        typer.Option(
            metavar="NAME@VERSION",
            help="Only of this model, or all [default: the model that answered at the time].",
        ),
    ] = None,
    mode: Annotated[
        Literal["live", "hindcast"] | None, typer.Option(help="Only of this kind.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many, newest first.")] = None,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="With the regions that each answer is from."),
    ] = False,
    form: Annotated[
        Literal["table", "json", "csv"], typer.Option("--format", help="How to print.")
    ] = "table",
) -> None:
    """Print stored predictions, newest first.

    Nothing stored in the range prints an empty table: it means "not predicted", not "no flare".
    Without --model they are what the model that answered said while it did; what shadows and other
    models say comes with --model. It takes the baselines and forecasters of others too (`flaremon
    forecasts list`); they have no record, and are dated by the start of their window.

    --explain adds regions, greatest share of the rate first: place, NOAA's number (all that are
    near where that is ambiguous, - where none is), and a warning near the limb. JSON has them as
    regions, CSV a row per region with the columns region_*, and regions_from tells kept (with the
    answer), frame (computed again from the archived frame), not-kept, or no-map (the model cannot
    say).
    """
    from flaremon import store
    from flaremon.database import session_scope
    from flaremon.domain import Mode, ModelId
    from flaremon.serving import tenures
    from flaremon.wiring import opened, serving

    start, end = _range(since, until)
    chosen = parse_events(events)
    model_id = ModelId.parse(model) if model is not None and model != ALL_MODELS else None
    kind = Mode(mode) if mode else None
    config = settings()
    with opened(config, reading=True) as engine, session_scope(engine) as session:
        see_known(config, session, model_id, chosen)
        if model_id in {who for who, _, _ in store.forecasters(session)}:
            said = store.forecasts(
                session, forecaster=model_id, since=start, until=end, mode=kind, newest_first=True
            )
            rows: Iterator[dict[str, Any]] = islice(
                _flat_forecasts(said, chosen, min_probability), limit
            )
            rows = map(without_map, rows) if explain else rows
        else:
            stored = store.predictions(
                session,
                since=start,
                until=end,
                events=chosen,
                model=model_id,
                min_probability=min_probability,
                mode=kind,
                limit=limit,
                tenures=None if model is not None else tenures(session, serving(config, engine)),
            )
            rows = explained(config, session, stored, _flat) if explain else map(_flat, stored)
        columns: tuple[str, ...] = COLUMNS
        if explain and form == "csv":
            rows, columns = row_per_region(rows), (*COLUMNS, *REGION_COLUMNS)
        print_rows(rows, form=form, columns=columns, table=_table)


def _range(since: str | None, until: str | None) -> "tuple[datetime | None, datetime | None]":
    from flaremon.times import SLOT_TOLERANCE, iso_z, parse_range, utc_now

    def earlier(instant: "datetime | None", text: str | None) -> "datetime | None":
        """Let the label of a slot mean its record, whose T_OBS is up to 8 s earlier."""
        of_slot = instant is not None and text is not None and text.strip().endswith("_TAI")
        return instant - SLOT_TOLERANCE if instant is not None and of_slot else instant

    start, end = parse_range(since, until)
    if start is not None and start > utc_now():
        raise InputError(f"--since {iso_z(start)} is in the future; nothing can be observed yet")
    return earlier(start, since), earlier(end, until)


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
        "raw_probability": p.raw_probability,
        "calibrator": p.calibrator,
        "activity": p.activity and str(p.activity),
        "activity_source": p.activity_source,
        "spread": p.spread,
    }


def _flat_forecasts(
    forecasts: "Iterable[Forecast]",
    events: "Sequence[FlareEvent] | None",
    min_probability: float | None,
) -> Iterator[dict[str, Any]]:
    """Return forecasts without a record in the same columns; those of the record are empty."""
    from flaremon.times import iso_z

    for item in forecasts:
        if events is not None and item.event not in events:
            continue
        if item.probability < (min_probability or 0):
            continue
        yield {
            **dict.fromkeys(COLUMNS),
            "t_obs": iso_z(item.window.start),
            "event": str(item.event),
            "flare": None if item.threshold is None else item.probability >= item.threshold,
            "probability": item.probability,
            "threshold": item.threshold,
            "window_start": iso_z(item.window.start),
            "window_end": iso_z(item.window.end),
            "issued_at": iso_z(item.issued_at),
            "latency_s": round((item.issued_at - item.window.start).total_seconds()),
            "mode": str(item.mode),
            "model": str(item.forecaster),
        }


def _table(rows: Iterable[dict[str, Any]]) -> None:
    head = f"{'observed':<20} {'event':<8} {'flare':<5} {'prob.':>6} {'thr.':>6} {'mode':<8} "
    sys.stdout.write(head + f"{'model':<20} record\n")
    n = 0
    for n, row in enumerate(rows, start=1):  # noqa: B007 - counted after the loop
        sys.stdout.write(
            f"{row['t_obs']:<20} {row['event']:<8} {_ANSWERS[row['flare']]:<5} "
            f"{row['probability']:>6.1%} {_percent(row['threshold']):>6} {row['mode']:<8} "
            f"{row['model']:<20} {row['record'] or '-'}\n{region_table(row)}"
        )
    sys.stdout.write(f"{n} prediction(s).\n")
    if n == 0:
        sys.stdout.write(
            "Nothing was predicted in this range; that is not the same as no flare. "
            "Every model's: --model all.\n"
        )


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
