"""``flaremon train``, ``evaluate``, ``export`` and ``demo``."""

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flaremon.cli._app import Verbose, app, settings, start_logging
from flaremon.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flaremon.config import Settings
    from flaremon.training.stored.config import Stored

Data = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder with synoptic/ and labels/ (see models/README.md)."),
]


@app.command(
    epilog="Examples:  flaremon train models/fulldisk-rate/train.toml --data ../shared/data "
    "--out models/fulldisk-rate/1.1.1   |   "
    "flaremon train adapt.toml --from-store --since 2026-01-01 --out ~/models/ours/1.0.0   |   "
    "where adapt.toml has the lines: "
    'architecture = "rate-map", base = "fulldisk-rate@1.1.0"'
)
def train(
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG", help="TOML file (see models/README.md).")
    ],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Package folder to write: <name>/<version>.")
    ],
    data: Data = None,
    from_store: Annotated[
        bool,
        typer.Option(
            "--from-store",
            help="Train on archived frames and the stored flare list of this machine, as "
            '[data] source = "store" in the file does.',
        ),
    ] = False,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Of the store, observations from here on.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Of the store, observations before this.")
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Train a model as a file says, from maps (--data) or from your own history (--from-store).

    From maps it takes one core minutes, and much longer with a [comparison]. From the store a
    rate map is adapted in about as long as its frames take to be read and scored: its members
    stay, the numbers that make probabilities of its rates are fitted to your magnetograms and
    flares. A plain-cnn is trained there from the start and needs years of frames.

    The package folder is written whole or not at all, with its card. A training that was killed
    goes on after the last epoch that it had finished, to the very weights of one that was not.
    """
    from flaremon.training import train_model
    from flaremon.training.models import wants_store

    start_logging(verbose=verbose)
    machine = settings()
    cache = machine.cache.dir / "training"
    if from_store or wants_store(config):
        if data is not None:
            raise InputError(f"{config} trains on the store: leave --data out")
        with _store(machine, since, until) as stored:
            card = train_model(config, None, out, cache=cache, stored=stored)
    else:
        if not (since is until is None):
            raise InputError("--since and --until choose from the store: add --from-store")
        card = train_model(config, data, out, cache=cache)
    sys.stdout.write(f"{out} is written; read {card}.\n")


@app.command(
    epilog="Examples:  flaremon evaluate fulldisk-rate@1.1.0 --data ../shared/data > card.md   |   "
    "flaremon evaluate ours@1.0.0 --json"
)
def evaluate(
    model: Annotated[str, typer.Argument(metavar="NAME@VERSION", help="Model package.")],
    data: Data = None,
    json: Annotated[bool, typer.Option("--json", help="The figures as JSON.")] = False,
    verbose: Verbose = False,
) -> None:
    """Judge a model on the hours kept for it and, one from maps, on real images; prints its card.

    A model that was trained on a store is judged on the very frames that its dataset.json names.
    Beside it are climatology, persistence and what is simpler, with 95 % intervals.
    """
    from flaremon.domain import ModelId
    from flaremon.package import find_package
    from flaremon.training import card_of, evaluate_model
    from flaremon.training.models import is_of_store
    from flaremon.wiring import models_dir

    start_logging(verbose=verbose)
    config = settings()
    package = find_package(models_dir(config), ModelId.parse(model))
    cache = config.cache.dir / "training"
    if is_of_store(package):
        with _store(config) as stored:
            report = evaluate_model(package, None, cache=cache, stored=stored)
    else:
        report = evaluate_model(package, data, cache=cache)
    sys.stdout.write(report.to_json() if json else card_of(package, report))


@contextmanager
def _store(
    config: "Settings", since: str | None = None, until: str | None = None
) -> "Iterator[Stored]":
    """Open what a training on the store reads; nothing of it can be written."""
    from flaremon.times import parse_range
    from flaremon.training.stored.config import Stored
    from flaremon.wiring import frame_archive, models_dir, opened

    start, end = parse_range(since, until)
    frames = frame_archive(config)
    if frames is None:
        raise ConfigurationError(
            "no frames are kept, so there is nothing to train on; set FLAREMON_FRAMES__KEEP=true "
            "and run `flaremon backfill`"
        )
    with opened(config, reading=True) as engine:
        yield Stored(
            engine=engine,
            frames=frames,
            models_dir=models_dir(config),
            series=config.jsoc.series,
            catalog=config.truth.catalog,
            since=start,
            until=end,
        )


@app.command(epilog="Example:  flaremon export fulldisk-rate@1.1.0 fulldisk-rate.onnx")
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
