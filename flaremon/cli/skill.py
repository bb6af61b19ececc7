"""``flaremon verify``: what forecasts were worth."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flaremon.cli._app import app, print_json

if TYPE_CHECKING:
    from flaremon.domain import FlareEvent
    from flaremon.verify import Forecast


@app.command(
    epilog="Examples:  flaremon predictions --event M1+/24h --format csv > ours.csv; "
    "flaremon verify --forecasts ours.csv --flares flares.csv   |   "
    "flaremon verify --forecasts ours.csv theirs.csv --flares flares.csv --compare --plot skill/"
)
def verify(
    forecasts: Annotated[
        list[Path],
        typer.Option(
            metavar="FILE...",
            help="CSV with time_utc,probability, or from `flaremon predictions --format csv`.",
        ),
    ],
    flares: Annotated[
        Path, typer.Option(metavar="FILE", help="Flare list; coverage.csv must be beside it.")
    ],
    more: Annotated[list[Path] | None, typer.Argument(metavar="[FILE...]", hidden=True)] = None,
    event: Annotated[str, typer.Option(metavar="ID", help="What was forecast.")] = "M1+/24h",
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0.0, max=1.0, help="Flare from here on; by default the forecast's own, else 0.5."
        ),
    ] = None,
    classes: Annotated[
        Literal["true", "listed"],
        typer.Option(
            help="Scale of classes: today's true flux, or as listed, with SWPC's 0.7 before "
            "2019-12-07."
        ),
    ] = "true",
    pooled: Annotated[
        bool, typer.Option("--pooled", help="All files are one forecast (folds).")
    ] = False,
    compare: Annotated[
        bool, typer.Option("--compare", help="First with the others, on the hours of all.")
    ] = False,
    bootstrap: Annotated[
        int, typer.Option(min=0, max=100_000, help="Draws for the intervals; 0 for none.")
    ] = 1000,
    block: Annotated[
        Literal["auto", "day", "rotation"],
        typer.Option(help="What is drawn; auto: rotations where there are 20 of them."),
    ] = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Of the draws.")] = 0,
    plot: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write pictures there.")
    ] = None,
    form: Annotated[Literal["table", "json"], typer.Option("--format", help="How to print.")] = (
        "table"
    ),
) -> None:
    """Judge forecasts beside persistence and trailing climatology, with 95 % intervals.

    Hours whose outcome is unknown are left out and counted, never taken as quiet. Intervals draw
    whole blocks of time, since neighbouring hours are not independent.
    """
    from flaremon import verify as room
    from flaremon.domain import FlareEvent

    what = FlareEvent.parse(event)
    truth = room.read_flares(flares, scale=classes)
    found = _read([*forecasts, *(more or [])], what, pooled=pooled)
    list_name = room.identity(flares, truth)
    draws = room.Bootstrap(repeats=bootstrap, seed=seed, block=block)
    for number, group in enumerate([found] if compare else [[item] for item in found]):
        done = room.verify(group, truth, threshold=threshold, bootstrap=draws)
        if form == "json":
            print_json(room.as_json(done, scale=classes, truth=list_name))
        else:
            text = room.in_words(done, scale=classes, truth=list_name)
            sys.stdout.write(("\n\n" if number else "") + text + "\n")
        if plot is not None:
            from flaremon.verify.pictures import draw

            for path in draw(group, truth, done, plot):
                sys.stderr.write(f"wrote {path}\n")


def _read(paths: list[Path], event: "FlareEvent", *, pooled: bool) -> "list[Forecast]":
    from flaremon import verify as room

    found = [forecast for path in paths for forecast in room.read_forecasts(path, event)]
    return [room.pool(found, "pooled")] if pooled else found
