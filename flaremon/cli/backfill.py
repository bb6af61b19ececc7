"""``flaremon backfill``: history, from the JSOC or from files of one's own."""

import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperCommand

from flaremon.cli._app import (
    ERROR,
    AnswerExit,
    Json,
    Series,
    Verbose,
    app,
    print_json,
    settings,
    start_logging,
)
from flaremon.cli._baselines import fill as fill_baselines
from flaremon.cli._progress import Progress, duration
from flaremon.cli._runners import pool, scatter
from flaremon.errors import FlaremonError, InputError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from flaremon.backfill import Backfill, Grid, Plan, Tally
    from flaremon.config import Settings
    from flows.pool import Pool

SHOWN_FAILURES = 20
"""In words; ``--json`` lists all."""

Models = Annotated[
    list[str] | None,
    typer.Option("--model", metavar="NAME@VERSION", help="Model to score with; may be repeated."),
]
Workers = Annotated[
    int | None,
    typer.Option(min=0, help="Processes that decode; 0 decodes in this one [default: the cores]."),
]
Cadence = Annotated[
    str | None,
    typer.Option(metavar="DURATION", help="Time between slots: 12m, 1h [default: the series's]."),
]


class TakesOffsets(TyperCommand):
    """A command that may be told a time such as ``-2d`` in the place of an argument."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Keep times from being read as options: a space before them is no part of a time."""
        return super().parse_args(
            ctx, [f" {arg}" if re.fullmatch(r"-\d[\d.]*[mhd]", arg) else arg for arg in args]
        )


@app.command(
    cls=TakesOffsets,
    epilog="Examples:  flaremon backfill 2024-05 2024-06 --cadence 1h --series hmi.M_720s "
    "--dry-run   |   flaremon backfill --from-dir archive/",
)
def backfill(
    start: Annotated[
        str | None,
        typer.Argument(metavar="START", help="2024, 2024-05, ISO (UTC), DRMS label or -2d."),
    ] = None,
    end: Annotated[
        str | None, typer.Argument(metavar="END", help="Same forms; not included.")
    ] = None,
    cadence: Cadence = None,
    series: Series = None,
    models: Models = None,
    order: Annotated[
        Literal["newest", "oldest"], typer.Option(help="What comes first.")
    ] = "newest",
    from_dir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Score the FITS, JP2 and JPG files of a folder tree."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")] = False,
    workers: Workers = None,
    runner: Annotated[
        Literal["local", "dask", "prefect"],
        typer.Option(help="Who works: this machine, a Dask cluster, a Prefect work pool."),
    ] = "local",
    dask_address: Annotated[
        str | None, typer.Option(metavar="tcp://HOST:PORT", help="Scheduler, for --runner dask.")
    ] = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Score history: every slot of a range that is not decided yet.

    The plan is worked out from the database, so whatever interrupts a backfill, the same command
    goes on. It gives way to the live job. At its end persistence and climatology stand beside the
    predictions, where the flare list answers for the time. Exit code 0: every slot is decided or
    has no record; 3: some failed or were not tried, which the same command tries again.
    """
    from flaremon.backfill import Tally, find_files
    from flaremon.wiring import opened

    start_logging(verbose=verbose)
    configs = per_model(models, series)
    with opened(configs[0]) as engine:
        if from_dir is not None:
            if start is not None or end is not None:
                raise InputError("--from-dir takes all files of a folder; leave out START and END")
            paths = find_files(from_dir, order)
            if dry_run:
                _tell_files(from_dir, paths, _decided(configs, engine, paths), as_json=as_json)
                return
            work = crew(configs, engine, workers)
            tally = Tally(planned=len(paths))
            with watched(work, f"backfill {from_dir}"), told(tally, as_json=as_json):
                work.work_off_files(paths, from_dir, tally=tally)
            fill_baselines(configs[0], engine)
        else:
            grid = grid_of(start, end, configs[0].jsoc.series, cadence)
            plan = _plan(configs, engine, grid, order, workers)
            if not as_json:
                _tell_plan(plan)
            if dry_run or not plan.todo:
                if as_json:
                    print_json({"plan": _plan_json(plan)})
                return
            tally = Tally(planned=plan.todo)
            with told(tally, as_json=as_json, more={"plan": _plan_json(plan)}):
                if runner == "dask":
                    scatter(plan, dask_address, tally)
                elif runner == "prefect":
                    days = pool(plan, configs, tally, order=order, workers=workers)
                    with watched(days, f"backfill {grid.series}"):
                        days.work_off()
                else:
                    work = crew(configs, engine, workers)
                    with watched(work, f"backfill {grid.series}"):
                        work.work_off(plan.chunks, tally=tally)
            fill_baselines(configs[0], engine, slots=grid.slots)
    if not tally.finished:
        raise AnswerExit(ERROR)


def per_model(models: list[str] | None, series: str | None) -> "list[Settings]":
    """Return the settings once per model."""
    names: Sequence[str | None] = list(dict.fromkeys(models)) if models else [None]
    return [settings(model=name, series=series) for name in names]


def grid_of(start: str | None, end: str | None, series: str, cadence: str | None) -> "Grid":
    """Return the slots between two times as people write them.

    Raises
    ------
    InputError
        One is missing, or they make no range.
    """
    from flaremon.backfill import make_grid
    from flaremon.cli.service import parse_duration
    from flaremon.times import parse_utc, utc_now

    if start is None or end is None:
        raise InputError("give START and END, or --from-dir DIR; see `flaremon backfill --help`")
    step_s = None if cadence is None else parse_duration(cadence).total_seconds()
    return make_grid(series, parse_utc(start), parse_utc(end), cadence_s=step_s, now=utc_now())


@contextmanager
def watched(work: "Backfill | Pool", label: str) -> Iterator[None]:
    """Show progress; let the first Ctrl-C or SIGTERM end the work after what is under way."""
    progress = Progress(label)
    work.progress = progress

    def handle(number: int, _frame: Any) -> None:
        signal.signal(number, signal.SIG_DFL)
        work.stop.set()
        sys.stderr.write("\nflaremon: stopping; once more to stop at once\n")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        progress.close()


@contextmanager
def told(tally: "Tally", *, as_json: bool, more: dict[str, Any] | None = None) -> Iterator[None]:
    """Print the counts at the end, an error or not: they are what is stored by then."""
    error: FlaremonError | None = None
    try:
        yield
    except FlaremonError as exc:
        error = exc
    if as_json:
        words = None if error is None else str(error)
        print_json({**(more or {}), "tally": tally.as_json(), "error": words})
    else:
        _tell_tally(tally)
    if error is not None:
        raise error


def crew(configs: "list[Settings]", engine: "Engine", workers: int | None) -> "Backfill":
    """Load the models and return what works off a plan."""
    from datetime import timedelta

    from flaremon import wiring
    from flaremon.pipeline import Run, new_run_id
    from flaremon.times import utc_now

    now = utc_now()
    run = Run(
        run_id=new_run_id("backfill", now),
        now=now,
        live_within=timedelta(hours=configs[0].live_within_h),
    )
    return wiring.backfill(configs, engine, run=run, workers=_cores(workers))


def _cores(workers: int | None) -> int:
    return os.cpu_count() or 1 if workers is None else workers


def _plan(
    configs: "list[Settings]",
    engine: "Engine",
    grid: "Grid",
    order: Literal["newest", "oldest"],
    workers: int | None,
) -> "Plan":
    from flaremon import wiring
    from flaremon.backfill import make_plan
    from flaremon.database import session_scope

    with session_scope(engine) as session:
        return make_plan(
            session,
            grid,
            packages=[wiring.package(config) for config in configs],
            order=order,
            frames=wiring.frame_archive(configs[0]),
            workers=_cores(workers),
        )


def _plan_json(plan: "Plan") -> dict[str, Any]:
    return {
        "series": plan.grid.series,
        "cadence_s": plan.grid.cadence_s,
        "first": plan.grid.slots.low,
        "until": plan.grid.slots.high,
        "models": [str(model) for model in plan.models],
        "slots": plan.slots,
        "predicted": plan.predicted,
        "rejected": plan.rejected,
        "todo": plan.todo,
        "days": len(plan.chunks),
        "archived": plan.archived,
        "download_gb": round(plan.download_bytes / 1e9, 3),
        "minutes": round(plan.minutes, 1),
    }


def _tell_plan(plan: "Plan") -> None:
    slots = plan.grid.slots
    sys.stdout.write(
        f"{slots.series} from {slots.low} until {slots.high}, every "
        f"{duration(plan.grid.cadence_s)}, by {', '.join(map(str, plan.models))}:\n"
        f"  {plan.slots} slots: {plan.predicted} predicted, {plan.rejected} rejected, "
        f"{plan.todo} to do in {len(plan.chunks)} day(s)\n"
    )
    if plan.todo:
        sys.stdout.write(
            f"  {plan.archived} from the archive of frames, the others up to "
            f"{plan.download_bytes / 1e9:.1f} GB to download; about "
            f"{duration(60 * plan.minutes)} in all\n"
        )
    sys.stdout.flush()


def _decided(configs: "list[Settings]", engine: "Engine", paths: list[Path]) -> int:
    from flaremon import wiring
    from flaremon.backfill import FolderFeed

    packages = [wiring.package(config) for config in configs]
    return FolderFeed(paths=paths, engine=engine, packages=packages).decided()


def _tell_files(folder: Path, paths: list[Path], decided: int, *, as_json: bool) -> None:
    size_bytes, todo = sum(path.stat().st_size for path in paths), len(paths) - decided
    if as_json:
        print_json({
            "folder": str(folder), "files": len(paths), "bytes": size_bytes,
            "decided_already": decided, "todo": todo,
        })  # fmt: skip
    else:
        sys.stdout.write(
            f"{folder}: {len(paths)} files, {size_bytes / 1e9:.2f} GB: "
            f"{decided} decided already, {todo} to do\n"
        )


def _tell_tally(tally: "Tally") -> None:
    sys.stdout.write(f"{tally.in_words()}; {tally.new_rows} new rows\n")
    alike = tally.failures_alike()
    for first, *others in alike[:SHOWN_FAILURES]:
        ends = sorted([first.key.t_rec, *(miss.key.t_rec for miss in others)])
        slots = f"{1 + len(others)} slots, {ends[0]} to {ends[-1]}" if others else first.key
        sys.stdout.write(f"  {slots}: {first.reason}: {first.detail}\n")
    if len(alike) > SHOWN_FAILURES:
        more = sum(map(len, alike[SHOWN_FAILURES:]))
        sys.stdout.write(f"  and {more} more (--json has all)\n")
    sys.stdout.flush()
