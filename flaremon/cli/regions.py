"""``flaremon regions``: NOAA's numbers of active regions, in and out."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from flaremon.cli._app import app, print_rows, settings

COLUMNS = (
    "valid_at", "noaa_ar", "location", "latitude_deg", "longitude_deg", "area", "mount_wilson",
    "source", "revision", "seen_at",
)  # fmt: skip

regions = typer.Typer(
    help="NOAA's active regions, to name those that an answer is from.",
    epilog="Examples:  flaremon regions list --since -3d   |   flaremon regions import "
    "20220104SRS.txt",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)
app.add_typer(regions, name="regions")


@regions.command(
    "import",
    epilog="Examples:  flaremon regions import 2022*SRS.txt   |   flaremon regions import "
    "srs_1996_2018.csv",
)
def import_(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Daily summaries (SRS) as text, or a CSV of them."),
    ],
) -> None:
    """Import region summaries; all of the files, or nothing when a line is bad.

    Takes SWPC's daily text, and CSV with the columns ar_noaanum (or noaa_ar), location, date (of
    issue) and, where there are any, area and magtype. The newest days come by themselves, with
    what GOES observed (`flaremon flares fetch`). Importing a file again changes nothing.
    """
    from flaremon import store
    from flaremon.database import session_scope
    from flaremon.goes import read_region_file
    from flaremon.pipeline import new_run_id
    from flaremon.times import utc_now
    from flaremon.wiring import opened

    now = utc_now()
    read = [(file, read_region_file(file)) for file in files]
    with opened(settings()) as engine, session_scope(engine) as session:
        run_id = new_run_id("cli", now)
        for file, found in read:
            added = store.add_noaa_regions(session, found, seen_at=now, run_id=run_id)
            sys.stdout.write(
                f"{file}: {len(found)} regions: {added.new} new, {added.revised} revised, "
                f"{added.unchanged} unchanged.\n"
            )


@regions.command("list", epilog="Example:  flaremon regions list --since -3d --format csv")
def list_(
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Seen at or after: ISO (UTC) or -3d.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Seen before; same forms.")
    ] = None,
    form: Annotated[
        Literal["table", "json", "csv"], typer.Option("--format", help="How to print.")
    ] = "table",
) -> None:
    """Print stored region summaries, oldest first, as they are known now.

    Positions hold at the time in the first column: 24:00 UTC of the day of the summary. West is
    positive. A region without an area is a plage without spots.
    """
    from flaremon import store
    from flaremon.database import session_scope
    from flaremon.times import iso_z, parse_range
    from flaremon.wiring import opened

    start, end = parse_range(since, until)
    with opened(settings(), reading=True) as engine, session_scope(engine) as session:
        rows = (
            {
                "valid_at": iso_z(region.valid_at),
                "noaa_ar": region.number,
                "location": region.location,
                "latitude_deg": region.latitude_deg,
                "longitude_deg": region.longitude_deg,
                "area": region.area,
                "mount_wilson": region.mount_wilson,
                "source": region.source,
                "revision": revision,
                "seen_at": iso_z(seen_at),
            }
            for region, revision, seen_at in store.noaa_regions(session, since=start, until=end)
        )
        print_rows(rows, form=form, columns=COLUMNS, table=_table)


def _table(rows: Iterable[dict[str, Any]]) -> None:
    head = f"{'valid at':<20} {'region':>6} {'place':<7} {'area':>5} {'magnetic class':<17} "
    sys.stdout.write(head + f"{'source':<8} revision\n")
    n = 0
    for n, row in enumerate(rows, start=1):  # noqa: B007 - counted after the loop
        area = "-" if row["area"] is None else row["area"]
        sys.stdout.write(
            f"{row['valid_at']:<20} {row['noaa_ar']:>6} {row['location']:<7} {area:>5} "
            f"{row['mount_wilson'] or '-':<17} {row['source']:<8} {row['revision']}\n"
        )
    sys.stdout.write(f"{n} region(s).\n")
