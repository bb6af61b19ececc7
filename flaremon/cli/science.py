"""``flaremon train``, ``evaluate``, ``export`` and ``demo``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from flaremon.cli._app import Verbose, app, settings, start_logging

Data = Annotated[
    Path,
    typer.Option(metavar="DIR", help="Folder with synoptic/ and labels/ (see models/README.md)."),
]


@app.command(
    epilog="Example:  flaremon train models/fulldisk-rate/train.toml --data ../shared/data "
    "--out models/fulldisk-rate/1.0.1"
)
def train(
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG", help="TOML file (see models/README.md).")
    ],
    data: Data,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Package folder to write: <name>/<version>.")
    ],
    verbose: Verbose = False,
) -> None:
    """Train a model as a file says; takes minutes on one core.

    The package folder is written whole or not at all, with its card. A training that was cut off
    goes on from the members of the ensemble that it had finished.
    """
    from flaremon.training import train_model

    start_logging(verbose=verbose)
    card = train_model(config, data, out, cache=settings().cache.dir / "training")
    sys.stdout.write(f"{out} is written; read {card}.\n")


@app.command(
    epilog="Example:  flaremon evaluate fulldisk-rate@1.0.0 --data ../shared/data > card.md"
)
def evaluate(
    model: Annotated[str, typer.Argument(metavar="NAME@VERSION", help="Model package.")],
    data: Data,
    json: Annotated[bool, typer.Option("--json", help="The figures as JSON.")] = False,
    verbose: Verbose = False,
) -> None:
    """Judge a model on the years kept for it and on real images; prints its card.

    Beside it are climatology, persistence and what is simpler, with 95 % intervals.
    """
    from flaremon.domain import ModelId
    from flaremon.package import find_package
    from flaremon.training import card_of, evaluate_model
    from flaremon.wiring import models_dir

    start_logging(verbose=verbose)
    config = settings()
    package = find_package(models_dir(config), ModelId.parse(model))
    report = evaluate_model(package, data, cache=config.cache.dir / "training")
    sys.stdout.write(report.to_json() if json else card_of(package, report))


@app.command(epilog="Example:  flaremon export fulldisk-rate@1.0.0 fulldisk-rate.onnx")
def export(
    model: Annotated[str, typer.Argument(metavar="NAME@VERSION", help="Model package.")],
    path: Annotated[Path, typer.Argument(metavar="FILE", help="File to write, *.onnx.")],
    verbose: Verbose = False,
) -> None:
    """Write a model as an ONNX file, from planes to probabilities, to serve it elsewhere.

    Needs the extra: pip install flaremon[onnx].
    """
    from flaremon.domain import ModelId
    from flaremon.package import find_package
    from flaremon.training.export import export_onnx
    from flaremon.wiring import models_dir

    start_logging(verbose=verbose)
    package = find_package(models_dir(settings()), ModelId.parse(model))
    export_onnx(package, path)
    sys.stdout.write(f"{path} is written: {package.id} for planes as {package.frame} makes them.\n")


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
