"""What all commands share: the application, options, and the way errors are said."""

import csv
import json
import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flaremon.errors import InputError

if TYPE_CHECKING:
    from flaremon.config import Settings
    from flaremon.domain import FlareEvent

ERROR = 3
"""Exit code of everything that went wrong."""

app = typer.Typer(
    name="flaremon",
    help=(
        "Near-real-time solar flare monitoring from SDO/HMI magnetograms.\n\n"
        "Exit codes of now and status: 0 no flare, 1 flare, 2 stale or unknown, 3 error. "
        "Of all others: 0 done, 3 error."
    ),
    epilog="Start with:  flaremon demo   |   flaremon now   |   flaremon status",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Events = Annotated[
    list[str] | None,
    typer.Option("--event", metavar="ID", help="Only this event, e.g. M1+/24h; may be repeated."),
]
Series = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="hmi.M_720s_nrt, hmi.M_720s or hmi.M_45s [default: the setting]."
    ),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say on stderr what is being done.")]


class AnswerExit(Exception):  # noqa: N818 - not an error: the way a verdict becomes an exit code
    """Ends the command with a verdict's exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def settings(*, series: str | None = None, **overrides: Any) -> "Settings":
    """Read the settings, options of the command line first.

    Raises
    ------
    InputError
        There is no such series.
    ConfigurationError
        A setting is malformed.
    """
    from flaremon.config import read_settings
    from flaremon.domain import SERIES_CADENCE_S

    given = {name: value for name, value in overrides.items() if value is not None}
    if series is not None:
        if series not in SERIES_CADENCE_S:
            raise InputError(f"--series: {series!r} is none of {', '.join(SERIES_CADENCE_S)}")
        given["jsoc"] = {"series": series}
    return read_settings(**given)


def parse_events(texts: list[str] | None) -> "list[FlareEvent] | None":
    """Parse ``--event`` options."""
    from flaremon.domain import FlareEvent

    return [FlareEvent.parse(text) for text in texts] if texts else None


def print_json(value: Any) -> None:
    """Print one JSON document on one line."""
    sys.stdout.write(json.dumps(value, allow_nan=False) + "\n")


def print_rows(
    rows: Iterable[dict[str, Any]],
    *,
    form: str,
    columns: Sequence[str],
    table: Callable[[Iterable[dict[str, Any]]], None],
) -> None:
    """Print rows as they come: ``json`` (one document a line), ``csv`` or with `table`."""
    if form == "table":
        table(rows)
    elif form == "json":
        for row in rows:
            print_json(row)
    else:
        writer = csv.DictWriter(sys.stdout, fieldnames=columns, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            # Yes and no as 1 and 0: every reader of CSV takes them.
            writer.writerow({k: int(v) if isinstance(v, bool) else v for k, v in row.items()})


@contextmanager
def progress(total: int) -> Iterator[Callable[[], None]]:
    """Show a bar on stderr while somebody watches it, and nothing otherwise.

    Yields a function to call once per item.
    """
    if not sys.stderr.isatty() or sys.stdout.isatty() or total < 2:
        yield lambda: None
        return
    with typer.progressbar(length=total, file=sys.stderr, show_pos=True, show_eta=True) as bar:
        yield lambda: bar.update(1)


def report_error(error: Exception) -> None:
    """Say an error in one sentence on stderr."""
    sys.stderr.write(f"flaremon: {error}\n")


def start_logging(*, verbose: bool) -> None:
    """Send the log to stderr: warnings, or with ``--verbose`` what is being done."""
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.WARNING,
        format="%(asctime)sZ %(levelname)s %(name)s: %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S",
    )
    logging.Formatter.converter = time.gmtime  # logs in UTC, as everything else
    logging.getLogger("flaremon").setLevel(logging.INFO if verbose else logging.WARNING)


def _print_version(asked: bool) -> None:
    if asked:
        from flaremon import __version__

        sys.stdout.write(f"flaremon {__version__}\n")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    pass
