"""``flaremon flares fetch``: what GOES observed, from SWPC and from the HEK."""

import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flaremon.cli._app import AnswerExit, Verbose, report_error, settings, start_logging
from flaremon.cli.truth import flares
from flaremon.errors import InputError, SourceError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine

    from flaremon.config import Settings
    from flaremon.goes import Covered, Observed, Swpc


@flares.command(
    epilog="Examples:  flaremon flares fetch   |   flaremon flares fetch --source hek 2014-01-01 "
    "2015-01-01   (for cron:  */10 * * * *  flaremon flares fetch >/dev/null)",
)
def fetch(
    start: Annotated[
        str | None, typer.Argument(metavar="START", help="Of the HEK: 2014, 2014-05 or ISO.")
    ] = None,
    end: Annotated[str | None, typer.Argument(metavar="END", help="Of the HEK; same form.")] = None,
    source: Annotated[
        Literal["swpc", "hek"],
        typer.Option(help="swpc: the last days, as they are now; hek: history, by month."),
    ] = "swpc",
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="Where the HEK is, up to and with the ?.")
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Fetch what GOES observed, once, and store what is new in it.

    From SWPC: flares, X-rays, NOAA's own probabilities and regions; the flow `truth` does the same
    on a schedule. A product that cannot be had is said, the others are stored, and the exit code
    is 3.

    From the HEK: NOAA's edited flares from START to END as list hek; months that were answered
    stay when a later one is not.
    """
    from flaremon.times import iso_z, parse_utc, utc_now
    from flaremon.wiring import opened

    start_logging(verbose=verbose)
    config, now = settings(), utc_now()
    if source == "swpc" and not (start is end is url is None):
        raise InputError("START, END and --url are for --source hek; SWPC has the last days only")
    if source == "swpc":
        with opened(config) as engine:
            _fetch_swpc(config, engine, now)
        return
    if start is None or end is None:
        raise InputError("--source hek needs START and END, e.g. 2014 2015")
    first, last = parse_utc(start), parse_utc(end)
    if last <= first:
        raise InputError(f"END {iso_z(last)} is not after START {iso_z(first)}")
    with opened(config) as engine:
        _fetch_hek(config, engine, first, last, url=url, now=now)


def _fetch_swpc(config: "Settings", engine: "Engine", now: "datetime") -> None:
    from flaremon.cli import ERROR
    from flaremon.database import session_scope
    from flaremon.pipeline import new_run_id
    from flaremon.truth.observed import keep_coverage, wanted, wanted_after
    from flaremon.wiring import swpc

    client, run_id, read = swpc(config), new_run_id("cli", now), dict[str, "Observed"]()
    with session_scope(engine) as session:
        names = wanted(session, now=now)
    for name in names:
        _fetch_product(client, name, engine, read, now=now, run_id=run_id)
    complete = len(read) == len(names)
    # The second satellite is a help, and no error where there is none.
    for name in wanted_after(read, now=now):
        _fetch_product(client, name, engine, read, now=now, run_id=run_id)
    with session_scope(engine) as session:
        _say(keep_coverage(session, read, now=now, run_id=run_id))
    if not complete:
        raise AnswerExit(ERROR)


def _fetch_product(
    client: "Swpc",
    name: str,
    engine: "Engine",
    read: "dict[str, Observed]",
    *,
    now: "datetime",
    run_id: str,
) -> None:
    """Fetch, store and tell; what cannot be had is said and is not in `read` then."""
    from flaremon.database import session_scope
    from flaremon.truth.observed import keep_product, worth_keeping

    try:
        read[name] = client.read(name)
    except SourceError as exc:
        report_error(exc)
        return
    observed = worth_keeping(name, read, now=now)
    with session_scope(engine) as session:
        kept = keep_product(session, observed, now=now, run_id=run_id)
    sys.stdout.write(
        f"{name}: {observed.canary.rows} rows; flares: {kept.flares_new} new, "
        f"{kept.flares_revised} revised; X-ray samples: {kept.xrays_new} new; forecasts: "
        f"{kept.forecasts_new} new; regions: {kept.regions_new} new.\n"
    )


def _say(found: "Covered") -> None:
    from flaremon.times import iso_z

    if found.period is not None:
        sys.stdout.write(
            f"The list answers for C1+ from {iso_z(found.period.start)} to "
            f"{iso_z(found.period.end)}; {len(found.gaps)} gap(s) in the X-rays.\n"
        )


def _fetch_hek(
    config: "Settings",
    engine: "Engine",
    start: "datetime",
    end: "datetime",
    *,
    url: str | None,
    now: "datetime",
) -> None:
    from flaremon.database import session_scope
    from flaremon.goes import HEK_URL, Hek
    from flaremon.pipeline import new_run_id
    from flaremon.truth.history import keep_month, months

    client, run_id = Hek(config.cache.dir, url or HEK_URL), new_run_id("cli", now)
    for span in months(start, min(end, now)):
        try:
            observed = client.read(*span)
        except SourceError as exc:
            sys.stderr.write(
                f"flaremon: months before {span[0]:%Y-%m-%d} are stored; go on from there\n"
            )
            raise exc from None
        with session_scope(engine) as session:
            kept = keep_month(session, observed, span, now=now, run_id=run_id)
        added = kept.added
        until = kept.period and f"{kept.period.end:%Y-%m-%d}"
        sys.stdout.write(
            f"{span[0]:%Y-%m-%d}: {len(observed.flares)} flares, {added.new} new, "
            f"{added.revised} revised; answers for "
            f"{f'C1+ until {until}' if until else 'nothing'}.\n"
        )
        sys.stdout.flush()
