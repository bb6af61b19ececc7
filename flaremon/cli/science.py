"""``flaremon train`` and ``flaremon demo``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from flaremon.cli._app import Verbose, app, settings, start_logging


@app.command(
    epilog="Example:  flaremon train --data ../shared/data --out models/fulldisk-cnn/1.0.1"
)
def train(
    data: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="Folder with synoptic/ and labels/ (see models/README.md)."
        ),
    ],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Package folder to write: <name>/<version>.")
    ],
    seed: Annotated[int, typer.Option(help="Seed of weights and order.")] = 0,
    verbose: Verbose = False,
) -> None:
    """Train the first model; takes minutes on two cores.

    Earth views are rendered from synoptic maps; the package folder is written whole or not at
    all, with its card.
    """
    from flaremon.training import train_package

    start_logging(verbose=verbose)
    card = train_package(data, out, seed=seed, cache=settings().cache.dir / "training")
    sys.stdout.write(f"{out} is written; read {card}.\n")


@app.command(epilog="Examples:  flaremon demo   |   flaremon demo --data DIR --out demo/")
def demo(
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder that holds the three magnetograms; else they are fetched once.",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the database and pictures go.")
    ] = Path("var/demo"),
    verbose: Verbose = False,
) -> None:
    """Run the main job off-line on three real magnetograms.

    A replica of the JSOC on loopback serves them as if they were an hour old; Prefect, the
    network and the database are the real ones. Writes a picture per magnetogram.
    """
    from flaremon.demo import demo_files, run_demo
    from flows.serving import run_monitor_here

    start_logging(verbose=verbose)
    config = settings()
    files = demo_files(data, config.cache.dir / "demo")
    for line in run_demo(files, out, config, run_job=run_monitor_here):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
