"""``flaremon flares``: what GOES observed, in and out."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from flaremon.cli._app import app, print_rows, settings
from flaremon.errors import InputError

if TYPE_CHECKING:
    from flaremon.domain import CatalogPeriod, Flare, FlareRevision

COLUMNS = (
    "start_utc", "peak_utc", "end_utc", "goes_class", "peak_flux_w_m2", "noaa_ar", "source",
    "goes_sat", "location", "class_scale", "edited", "catalog", "revision", "seen_at",
)  # fmt: skip
"""The first ten are those that ``flares import`` reads."""
ALL_LISTS = "all"

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
    "hek.csv --catalog hek --covers 2014-01-01 2015-01-01 --complete-for C1",
)
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="A flare list.")],
    catalog: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of the list; by default that of the file."),
    ] = None,
    coverage: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What the list answers for; by default coverage.csv beside it, if any.",
        ),
    ] = None,
    covers: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="START END", help="The period that it answers for, instead."),
    ] = None,
    complete_for: Annotated[
        str | None,
        typer.Option(metavar="CLASS", help="With --covers: complete from this class on, e.g. C1."),
    ] = None,
) -> None:
    """Import a flare list; all of it, or nothing when a row is bad.

    Takes columns start_utc, peak_utc, end_utc, goes_class, noaa_ar and so on, or those of HEK
    and SWPC. Importing it again changes nothing; what the list has changed since becomes a
    revision. A list does not say whether an hour without flare was quiet or not watched: without
    --coverage or --covers all of its hours stay unknown.
    """
    from flaremon import store
    from flaremon.database import session_scope
    from flaremon.goes import read_flare_csv
    from flaremon.pipeline import new_run_id
    from flaremon.times import utc_now
    from flaremon.wiring import opened

    now, name = utc_now(), catalog or file.stem
    with _bar(file) as advance:
        read = read_flare_csv(file, default_source=name, advance=advance)
    beside = file.with_name("coverage.csv")
    if coverage is None and covers is None and beside != file and beside.is_file():
        coverage = beside
    found = _periods(read.flares, name, coverage, covers, complete_for)
    note: dict[str, Any] = {"seen_at": now, "run_id": new_run_id("cli", now)}
    with opened(settings()) as engine, session_scope(engine) as session:
        added = store.add_flares(session, read.flares, catalog=name, **note)
        if found and coverage is not None:
            # The file says where gaps are, and with it, where none are any more.
            within = (min(p.start for p in found), max(p.end for p in found))
            gaps = [period for period in found if period.gap]
            store.replace_gaps(session, gaps, catalog=name, within=within, **note)
        store.add_periods(session, [p for p in found if not p.gap], **note)
        known = store.periods(session, catalog=name)
    for duplicate in read.duplicates:
        sys.stderr.write(f"flaremon: {duplicate.in_words}\n")
    sys.stdout.write(
        f"{file}: {read.rows} rows; list {name}: {added.new} new, {added.revised} revised, "
        f"{added.unchanged} unchanged, {len(read.duplicates)} reported twice.\n"
    )
    _say_what_it_answers_for(name, known)


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
        str | None,
        typer.Option(
            metavar="NAME|all", help="Only of this list, or of all [default: the setting]."
        ),
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="As they were known then, not now.")
    ] = None,
    form: Annotated[
        Literal["table", "json", "csv"], typer.Option("--format", help="How to print.")
    ] = "table",
) -> None:
    """Print stored flares, oldest first.

    Those of one list, since lists have the same flares: the one that status and verify take, or
    --catalog. A flare whose class is not known yet is listed whatever --class says. An empty table
    means that none is stored, not that there was none.
    """
    from flaremon import store
    from flaremon.database import session_scope
    from flaremon.domain import FlareClass
    from flaremon.times import parse_range, parse_utc
    from flaremon.wiring import opened

    start, end = parse_range(since, until)
    known = None if at is None else parse_utc(at)
    size = None if least is None else FlareClass.parse(least)
    config = settings()
    name = config.truth.catalog if catalog is None else catalog
    with opened(config, reading=True) as engine, session_scope(engine) as session:
        rows = store.flares(
            session,
            since=start,
            until=end,
            at=known,
            catalog=None if name == ALL_LISTS else name,
            at_least=size,
        )
        print_rows(map(_flat, rows), form=form, columns=COLUMNS, table=_table)
        read = store.catalogs(session)
        if form == "table":
            sys.stdout.write(_whose(name, read))
        elif name not in {ALL_LISTS, *read}:
            sys.stderr.write(f"flaremon: 0 flare(s) {_whose(name, read)}")


def _periods(
    listed: "Sequence[Flare]",
    name: str,
    coverage: Path | None,
    covers: tuple[str, str] | None,
    complete_for: str | None,
) -> "list[CatalogPeriod]":
    """Return what the options say that the list answers for."""
    from flaremon.domain import CatalogPeriod, FlareClass
    from flaremon.goes import read_coverage_csv
    from flaremon.times import parse_utc

    if (covers is None) is not (complete_for is None):
        raise InputError("--covers START END and --complete-for CLASS go together")
    if covers is not None and complete_for is not None:
        if coverage is not None:
            raise InputError("give --coverage or --covers, not both")
        start, end = map(parse_utc, covers)
        if end <= start:
            raise InputError(f"--covers {covers[0]} {covers[1]}: END is not after START")
        inside = [flare for flare in listed if start <= flare.start < end]
        period = CatalogPeriod(
            catalog=name,
            start=start,
            end=end,
            flux_w_m2=FlareClass.parse(complete_for).flux_w_m2,
            has_ends=all(flare.end is not None for flare in inside),
            source="--covers",
        )
        return [period]
    if coverage is None or not listed:
        return []
    last = max(flare.start for flare in listed)
    return read_coverage_csv(coverage, catalog=name, last_start=last)


def _say_what_it_answers_for(name: str, known: "Sequence[CatalogPeriod]") -> None:
    answered = [period for period in known if not period.gap]
    if not answered:
        sys.stderr.write(
            f"flaremon: nothing says which hours list {name} answers for, so all of them stay "
            "unknown; import it again with --coverage FILE, or --covers START END --complete-for "
            "C1\n"
        )
        return
    first, last = min(p.start for p in answered), max(p.end for p in answered)
    gaps = len(known) - len(answered)
    sys.stdout.write(
        f"List {name} answers for {len(answered)} period(s) from {first:%Y-%m-%d} to "
        f"{last:%Y-%m-%d}, with {gaps} gap(s).\n"
    )


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
    sys.stdout.write(f"{n} flare(s) ")


def _whose(name: str, read: "Sequence[str]") -> str:
    """Say whose flares the table had, and which other lists there are."""
    if name == ALL_LISTS:
        return f"of all lists: {', '.join(read) or 'none was read'}.\n"
    others = ", ".join(other for other in read if other != name)
    never = "" if name in read else ", which was never read"
    beside = f" Read too: {others} (--catalog NAME or all)." if others else ""
    return f"of list {name}{never}.{beside}\n"
