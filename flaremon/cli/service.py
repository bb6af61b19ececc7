"""``flaremon monitor`` and ``flaremon replica``: commands that stay."""

import re
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from flaremon.cli._app import Series, Verbose, app, settings, start_logging
from flaremon.errors import InputError

SHORTEST_S = 5
"""Least time between two runs of a schedule: each is a process, which takes seconds to start."""


@app.command(
    epilog="Examples:  flaremon monitor   |   flaremon monitor --every 6m --no-truth   (stop with "
    "Ctrl-C)"
)
def monitor(
    every: Annotated[
        str, typer.Option(metavar="DURATION", help="Time between runs: 45s, 12m or 1h.")
    ] = "12m",
    truth_every: Annotated[
        str, typer.Option(metavar="DURATION", help="The same for what GOES observed, from SWPC.")
    ] = "10m",
    truth: Annotated[
        bool, typer.Option("--truth/--no-truth", help="Whether to fetch that at all.")
    ] = True,
    series: Series = None,
    verbose: Verbose = False,
) -> None:
    """Run the main job on a schedule until stopped, and fetch what GOES observed on another.

    Prefect runs it: on the server of PREFECT_API_URL, or on a private one. Each run takes every
    slot of the look-back that is not decided, newest first. The other schedule stores flares,
    X-rays and NOAA's forecasts, and decides what became of earlier predictions; it does not
    wait for the main job, nor the main job for it.
    """
    from flows.serving import serve_monitor

    start_logging(verbose=verbose)
    interval, truth_interval = _period("--every", every), _period("--truth-every", truth_every)
    config = settings(series=series)
    from flaremon.wiring import package, ready_engine

    # Both fail here, at once and in words, rather than in every run of the schedule.
    ready_engine(config).dispose()
    package(config)
    serve_monitor(every=interval, settings=config, truth_every=truth_interval if truth else None)


@app.command(
    epilog="Examples:  flaremon replica archive/ --port 8080   |   flaremon replica archive/ "
    "--latest-as-now --fault truncated:on=sums,at=1+3"
)
def replica(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of HMI FITS files.")],
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on loopback; 0 takes a free one.")
    ] = 0,
    series: Annotated[
        str | None, typer.Option(help="Serve every file as a record of this series.")
    ] = None,
    latest_as_now: Annotated[
        bool, typer.Option("--latest-as-now", help="Re-date records: the newest is an hour old.")
    ] = False,
    pack: Annotated[
        bool, typer.Option("--pack", help="Close gaps: records sit on consecutive slots.")
    ] = False,
    faults: Annotated[
        list[str] | None,
        typer.Option(
            "--fault",
            metavar="SPEC",
            help="Misbehave: KIND[:on=rs_list|sums|...,at=1+3,every=5]; a wrong KIND lists all.",
        ),
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Serve a folder of FITS files as the JSOC would, on loopback.

    For tests, demonstrations, and for replaying an archive through exactly the live path: set
    FLAREMON_JSOC__BASE_URL to the address that is printed.
    """
    from flaremon.replica import Fault, Replica

    start_logging(verbose=verbose)
    parsed = [Fault.parse(text) for text in faults or []]
    with Replica(
        folder, port=port, series=series, latest_as_now=latest_as_now, pack=pack, faults=parsed
    ) as server:
        names = sorted(series.definition.name for series in server.archive.series.values())
        sys.stdout.write(
            f"Serving {folder} as a JSOC at {server.base_url}: {', '.join(names)} "
            "(stop with Ctrl-C).\n"
            "In another shell, with a database, a cache and frames of the replay's own:\n"
            f"  export FLAREMON_JSOC__BASE_URL={server.base_url}\n"
            "  export FLAREMON_DATABASE_URL=sqlite:///replay.db\n"
            "  export FLAREMON_CACHE__DIR=replay-cache\n"
            "  export FLAREMON_FRAMES__DIR=replay-frames\n"
            f"  flaremon now --catch-up --series {names[0]}\n"
        )
        sys.stdout.flush()
        server.wait()


def _period(option: str, text: str) -> timedelta:
    """Read the time between two runs of a schedule."""
    period = parse_duration(text)
    if period < timedelta(seconds=SHORTEST_S):
        raise InputError(
            f"{option} {text} is too often; give {SHORTEST_S}s or more: a magnetogram comes every "
            "12 minutes"
        )
    return period


def parse_duration(text: str) -> timedelta:
    """Read ``45s``, ``12m`` or ``1h``.

    Raises
    ------
    InputError
        If it is none of these, or zero.
    """
    match = re.fullmatch(r"(\d+)([smh])", text)
    seconds = int(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]] if match else 0
    if seconds == 0:
        raise InputError(f"{text!r} is not a duration; write e.g. 45s, 12m or 1h")
    return timedelta(seconds=seconds)
