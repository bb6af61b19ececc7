"""``flaremon rescore``, ``coverage`` and ``reconcile``: what there is of history."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from flaremon.cli._app import (
    ERROR,
    AnswerExit,
    Json,
    Series,
    Verbose,
    app,
    print_rows,
    start_logging,
)
from flaremon.cli._baselines import fill
from flaremon.cli.backfill import (
    Cadence,
    Models,
    Workers,
    crew,
    grid_of,
    per_model,
    told,
    watched,
)
from flaremon.errors import InputError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from flaremon.backfill import Grid
    from flaremon.backfill.reconciling import LeftOut, Move
    from flaremon.coverage import Day
    from flaremon.store import SlotRange

COLUMNS = (
    "day", "expected", "predicted", "rejected", "missing", "rejected_by_reason",
    "missing_by_reason",
)  # fmt: skip
EVER = "1993"
"""DRMS counts slots from here; no magnetogram of any satellite is older than 1996."""
Since = Annotated[
    str, typer.Option(metavar="TIME", help="From this slot on: 2024-05, ISO (UTC), label or -7d.")
]
Until = Annotated[str, typer.Option(metavar="TIME", help="Up to this slot, not included.")]


@app.command(
    epilog="Examples:  flaremon rescore --model fulldisk-cnn@1.0.0   |   flaremon rescore "
    "--model fulldisk-cnn@1.0.0 --since 2024 --until 2025 --series hmi.M_720s"
)
def rescore(
    models: Models = None,
    since: Since = "2010-05",
    until: Until = "now",
    series: Series = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Score history again from the archive of frames: no download, no decoding.

    Takes every archived frame of the series that the model has not scored; --series file.jpg,
    file.jp2 or file.fits takes what came from folders. Exit code as of backfill.
    """
    from flaremon.backfill import Tally
    from flaremon.wiring import opened

    start_logging(verbose=verbose)
    files = _series_of_files(series)
    configs = per_model(models, None if files else series)
    if files is None:
        slots = grid_of(since, until, configs[0].jsoc.series, None).slots
    else:
        slots = _range_of_files(files, since, until, None)
    with opened(configs[0]) as engine:
        work = crew(configs, engine, 0)
        tally = Tally(planned=0)
        with watched(work, f"rescore {slots.series}"), told(tally, as_json=as_json):
            work.rescore(slots, tally=tally)
        fill(configs[0], engine, slots=slots)
    if not tally.finished:
        raise AnswerExit(ERROR)


@app.command(
    epilog="Examples:  flaremon coverage --since -7d   |   flaremon coverage --since 2024 "
    "--until 2025 --series hmi.M_720s --cadence 1h --plot coverage.png"
)
def coverage(
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="From this slot on: 2024-05, ISO (UTC), label or -7d [default: -7d; of folders "
            "everything].",
        ),
    ] = None,
    until: Until = "now",
    cadence: Cadence = None,
    series: Series = None,
    models: Models = None,
    form: Annotated[
        Literal["table", "json", "csv"], typer.Option("--format", help="How to print.")
    ] = "table",
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw a calendar, e.g. coverage.png.")
    ] = None,
) -> None:
    """Print, per day, what is predicted, rejected or missing, and why.

    --series file.jpg, file.jp2 or file.fits: what was scored from folders. Nobody promised a
    cadence for those, so the days that have any are listed, and nothing is missing between them.
    """
    from flaremon import wiring
    from flaremon.coverage import cover, draw_calendar
    from flaremon.database import session_scope

    if models is not None and len(models) > 1:
        raise InputError("coverage is of one model; give --model once")
    files = _series_of_files(series)
    config = per_model(models, None if files else series)[0]
    package = wiring.package(config)
    asked: Grid | SlotRange
    if files is None:
        asked = grid_of("-7d" if since is None else since, until, config.jsoc.series, cadence)
    else:
        asked = _range_of_files(files, EVER if since is None else since, until, cadence)
    with wiring.opened(config, reading=True) as engine, session_scope(engine) as session:
        days = cover(session, asked, package)
        elsewhere = _elsewhere(session, files) if files is not None and not days else ""
    print_rows(map(_flat(form), days), form=form, columns=COLUMNS, table=_table)
    sys.stderr.write(elsewhere)
    if plot is not None:
        draw_calendar(days, plot, title=f"{asked.series}, {package.id}")
        sys.stderr.write(f"flaremon: wrote {plot}\n")


@app.command(
    epilog="Example:  flaremon reconcile --since -30d   (once a day is enough: definitive records "
    "come about five days late)"
)
def reconcile(
    since: Since = "-30d",
    until: Until = "now",
    models: Models = None,
    workers: Workers = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Score the definitive records of slots that were scored in near real time; compare.

    Both predictions are kept. Pairs for which recent flares were known on one side only, or that
    are by different calibrators, are counted and not compared. Slots without a definitive record
    yet are left for the next time and are no failure.
    """
    from dataclasses import asdict

    from flaremon import store
    from flaremon.backfill import Tally
    from flaremon.backfill.reconciling import (
        DEFINITIVE,
        NEAR_REAL_TIME,
        left_out,
        moves,
        seen_live,
    )
    from flaremon.database import session_scope
    from flaremon.wiring import opened

    start_logging(verbose=verbose)
    configs = per_model(models, DEFINITIVE)
    grid = grid_of(since, until, DEFINITIVE, None)
    live = grid_of(since, until, NEAR_REAL_TIME, None).slots
    with opened(configs[0]) as engine:
        work = crew(configs, engine, workers)
        with session_scope(engine) as session:
            chunks = seen_live(session, work.plan(grid).chunks, live, packages=work.packages)
        tally = Tally(planned=sum(len(chunk.labels) for chunk in chunks))
        more: dict[str, Any] = {}
        with watched(work, "reconcile"), told(tally, as_json=as_json, more=more):
            work.work_off(chunks, tally=tally)
            with session_scope(engine) as session:
                both = {
                    str(model): list(store.pairs(session, live, other=DEFINITIVE, model=model))
                    for model in (package.id for package in work.packages)
                }
            found = {name: (moves(of), left_out(of)) for name, of in both.items()}
            more["moves"] = {name: [asdict(move) for move in of] for name, (of, _) in found.items()}
            more["left_out"] = {name: asdict(left) for name, (_, left) in found.items()}
        fill(configs[0], engine, slots=grid.slots)
    if not as_json:
        for name, (of, left) in found.items():
            _tell_moves(name, of, left)
    if not tally.finished:
        raise AnswerExit(ERROR)


def _series_of_files(series: str | None) -> str | None:
    """Return a series of files from folders; None for one of the JSOC.

    Raises
    ------
    InputError
        It is neither.
    """
    from flaremon.coverage import SERIES_OF_FILES
    from flaremon.domain import SERIES_CADENCE_S

    if series is None or series in SERIES_CADENCE_S:
        return None
    if series not in SERIES_OF_FILES:
        known = ", ".join([*SERIES_CADENCE_S, *SERIES_OF_FILES])
        raise InputError(f"--series: {series!r} is none of {known}")
    return series


def _elsewhere(session: "Session", series: str) -> str:
    """Say from when to when there is something of a series of files, where a range has nothing."""
    from flaremon import store

    labels = store.listed_slots(session, _range_of_files(series, EVER, "now", None))
    if not labels:
        return f"flaremon: nothing of {series} is stored; `flaremon backfill --from-dir DIR`\n"
    return (
        f"flaremon: nothing of {series} is in this range; {len(labels)} are stored from "
        f"{min(labels)} to {max(labels)}: choose with --since and --until\n"
    )


def _range_of_files(series: str, since: str, until: str, cadence: str | None) -> "SlotRange":
    from flaremon.store import SlotRange
    from flaremon.times import iso_z, parse_utc, utc_to_tai_label

    if cadence is not None:
        raise InputError(f"--cadence: {series} has none, since its files come as they come")
    start, end = parse_utc(since), parse_utc(until)
    if end <= start:
        raise InputError(f"the range from {iso_z(start)} to {iso_z(end)} is empty")
    low, high = (utc_to_tai_label(bound) for bound in (start, end))
    return SlotRange(series=series, low=low, high=high)


def _tell_moves(model: str, found: "list[Move]", left: "LeftOut") -> None:
    sys.stdout.write(f"{model}, definitive against near-real-time:\n")
    if not found and not (left.recent_flares or left.calibrator):
        sys.stdout.write("  no slot has both yet\n")
    for move in found:
        sys.stdout.write(
            f"  {move.event}: {move.slots} slots, moved by {move.mean:+.4f} on average, "
            f"{move.mean_size:.4f} in size (nine of ten within {move.p90_size:.4f}, largest "
            f"{move.largest:.4f}); {move.to_flare} became flare, {move.to_no_flare} no flare\n"
        )
    reasons = {
        "recent flares were known for one side only": left.recent_flares,
        "another calibrator": left.calibrator,
    }
    for reason, count in reasons.items():
        if count:
            sys.stdout.write(f"  {count} pairs left out: {reason}\n")


def _flat(form: str) -> Any:
    def flat(day: "Day") -> dict[str, Any]:
        row = day.as_json()
        if form == "json":
            return row
        return row | {
            name: " ".join(f"{reason}={n}" for reason, n in row[name].items())
            for name in ("rejected_by_reason", "missing_by_reason")
        }

    return flat


def _table(rows: Iterable[dict[str, Any]]) -> None:
    sys.stdout.write(f"{'day (TAI)':<11}{'expected':>9}{'predicted':>10}{'rejected':>9}")
    sys.stdout.write(f"{'missing':>8}  why\n")
    sums = dict.fromkeys(("expected", "predicted", "rejected", "missing"), 0)
    for row in rows:
        for name in sums:
            sums[name] += row[name]
        _line(row["day"], row)
    _line("all", {**sums, "rejected_by_reason": "", "missing_by_reason": ""})


def _line(name: str, row: dict[str, Any]) -> None:
    why = " ".join(filter(None, (row["rejected_by_reason"], row["missing_by_reason"])))
    sys.stdout.write(
        f"{name:<11}{row['expected']:>9}{row['predicted']:>10}{row['rejected']:>9}"
        f"{row['missing']:>8}  {why}".rstrip()
        + "\n"
    )
