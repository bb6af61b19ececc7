"""``flaremon flares``: what GOES observed, in and out."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from flaremon.cli._app import (
    AnswerExit,
    app,
    print_rows,
    report_error,
    settings,
    start_logging,
)
from flaremon.errors import InputError, SourceError

if TYPE_CHECKING:
    from flaremon.domain import FlareRevision

COLUMNS = (
    "start_utc", "peak_utc", "end_utc", "goes_class", "peak_flux_w_m2", "noaa_ar", "source",
    "goes_sat", "location", "class_scale", "edited", "catalog", "revision", "seen_at",
)  # fmt: skip
"""The first ten are those that ``flares import`` reads."""

flares = typer.Typer(
    help="Flares that GOES observed, as lists report them.",
    epilog="Examples:  flaremon flares list --since -7d   |   flaremon flares import flares.csv",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)
app.add_typer(flares, name="flares")


@flares.command(
    "import",
    epilog="Examples:  flaremon flares import flares.csv   |   flaremon flares import "
    "hek.csv --catalog hek",
)
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="A flare list.")],
    catalog: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of the list; by default that of the file."),
    ] = None,
) -> None:
    """Import a flare list; all of it, or nothing when a row is bad.

    Takes columns start_utc, peak_utc, end_utc, goes_class, noaa_ar and so on, or those of HEK
    and SWPC. Importing it again changes nothing; what the list has changed since becomes a
    revision.
    """
    from flaremon import store
    from flaremon.database import session_scope
    from flaremon.goes import read_flare_csv
    from flaremon.pipeline import new_run_id
    from flaremon.times import utc_now
    from flaremon.wiring import ready_engine

    now, name = utc_now(), catalog or file.stem
    with _bar(file) as advance:
        read = read_flare_csv(file, default_source=name, advance=advance)
    engine = ready_engine(settings())
    try:
        with session_scope(engine) as session:
            added = store.add_flares(
                session, read.flares, catalog=name, seen_at=now, run_id=new_run_id("cli", now)
            )
    finally:
        engine.dispose()
    for duplicate in read.duplicates:
        sys.stderr.write(f"flaremon: {duplicate.in_words}\n")
    sys.stdout.write(
        f"{file}: {read.rows} rows; list {name}: {added.new} new, {added.revised} revised, "
        f"{added.unchanged} unchanged, {len(read.duplicates)} reported twice.\n"
    )


@flares.command(
    epilog="Example for cron:  */10 * * * *  flaremon flares fetch >/dev/null",
)
def fetch() -> None:
    """Fetch SWPC's near-real-time products once and store what is new in them.

    The flow `truth` does the same on a schedule. A product that cannot be had is said, the
    others are stored, and the exit code is 3.
    """
    from flaremon import store
    from flaremon.cli import ERROR
    from flaremon.database import session_scope
    from flaremon.goes import CATALOG, PRODUCTS
    from flaremon.pipeline import new_run_id
    from flaremon.times import utc_now
    from flaremon.wiring import ready_engine, swpc

    start_logging(verbose=False)
    config, now, failed = settings(), utc_now(), 0
    note: dict[str, Any] = {"seen_at": now, "run_id": new_run_id("cli", now)}
    source, engine = swpc(config), ready_engine(config)
    try:
        for name in PRODUCTS:
            try:
                observed = source.read(name)
            except SourceError as exc:
                report_error(exc)
                failed += 1
                continue
            with session_scope(engine) as session:
                added = store.add_flares(session, observed.flares, catalog=CATALOG, **note)
                samples = store.add_xray(session, observed.xrays, **note)
            sys.stdout.write(
                f"{name}: {observed.canary.rows} rows; flares: {added.new} new, {added.revised} "
                f"revised; X-ray samples: {samples} new.\n"
            )
    finally:
        engine.dispose()
    if failed:
        raise AnswerExit(ERROR)


@flares.command(
    "list",
    epilog="Examples:  flaremon flares list --since -7d --class M1   |   flaremon flares list "
    "--since 2026-02-01 --until 2026-03-01 --format csv > february.csv",
)
def list_(
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Started at or after: ISO (UTC) or -7d.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Started before; same forms.")
    ] = None,
    least: Annotated[
        str | None, typer.Option("--class", metavar="CLASS", help="Only from this class on.")
    ] = None,
    catalog: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only of this list, e.g. swpc.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="As they were known then, not now.")
    ] = None,
    form: Annotated[
        Literal["table", "json", "csv"], typer.Option("--format", help="How to print.")
    ] = "table",
) -> None:
    """Print stored flares, oldest first.

    A flare whose class is not known yet is listed whatever --class says. An empty table means
    that none is stored, not that there was none.
    """
    from flaremon import store
    from flaremon.database import session_scope
    from flaremon.domain import FlareClass
    from flaremon.times import iso_z, parse_utc
    from flaremon.wiring import reading_engine

    start, end, known = (parse_utc(text) if text else None for text in (since, until, at))
    if start is not None and end is not None and end <= start:
        raise InputError(f"--until {iso_z(end)} is not after --since {iso_z(start)}")
    size = FlareClass.parse(least) if least else None
    engine = reading_engine(settings())
    try:
        with session_scope(engine) as session:
            rows = store.flares(
                session, since=start, until=end, at=known, catalog=catalog, at_least=size
            )
            print_rows(map(_flat, rows), form=form, columns=COLUMNS, table=_table)
    finally:
        engine.dispose()


@contextmanager
def _bar(file: Path) -> Iterator[Callable[[], None]]:
    """Show a bar on stderr while somebody watches it, and nothing otherwise."""
    if not sys.stderr.isatty() or not file.is_file():
        yield lambda: None
        return
    with file.open("rb") as lines:
        total = max(1, sum(1 for _ in lines) - 1)
    with typer.progressbar(length=total, file=sys.stderr, label=f"Reading {file.name}") as bar:
        yield lambda: bar.update(1)


def _flat(item: "FlareRevision") -> dict[str, Any]:
    from flaremon.times import iso_z

    flare = item.flare
    return {
        "start_utc": iso_z(flare.start),
        "peak_utc": flare.peak and iso_z(flare.peak),
        "end_utc": flare.end and iso_z(flare.end),
        "goes_class": flare.flare_class and str(flare.flare_class),
        "peak_flux_w_m2": flare.peak_flux_w_m2,
        "noaa_ar": flare.noaa_ar,
        "source": flare.source,
        "goes_sat": flare.satellite,
        "location": flare.location,
        "class_scale": flare.class_scale.value,
        "edited": flare.edited,
        "catalog": item.catalog,
        "revision": item.revision,
        "seen_at": iso_z(item.seen_at),
    }


def _table(rows: Iterable[dict[str, Any]]) -> None:
    head = f"{'start':<20} {'peak':<20} {'end':<20} {'class':<6} {'region':>6} {'sat.':<5} "
    sys.stdout.write(head + f"{'list':<10} revision\n")
    n = 0
    for n, row in enumerate(rows, start=1):  # noqa: B007 - counted after the loop
        sys.stdout.write(
            f"{row['start_utc']:<20} {row['peak_utc'] or '-':<20} {row['end_utc'] or '-':<20} "
            f"{row['goes_class'] or '?':<6} {row['noaa_ar'] or '-':>6} {row['goes_sat'] or '-':<5} "
            f"{row['catalog']:<10} {row['revision']}\n"
        )
    sys.stdout.write(f"{n} flare(s).\n")
