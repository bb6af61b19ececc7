"""``flaremon calibrate`` and ``calibrators``: from a network's numbers to probabilities."""

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flaremon.cli._app import Events, Json, Verbose, app, parse_events, print_json, settings
from flaremon.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from sqlalchemy.orm import Session

    from flaremon.calibration import Calibrator
    from flaremon.calibration.study import Study, Whose
    from flaremon.config import Settings
    from flaremon.domain import FlareEvent
    from flaremon.verify import Forecast
    from flaremon.verify.labels import FlareList

    Material = tuple[list[Forecast], FlareList, Whose]

Classes = Literal["true", "listed"]


@app.command(
    epilog="Examples:  flaremon calibrate --dry-run   |   "
    "flaremon calibrate --judge-from 2026-06-01 --method logistic   |   "
    "flaremon calibrate --model fulldisk-cnn@1.0.0 --data ../shared/data --event M1+/24h "
    "--judge-from 2026-02-01 --into-package   |   "
    "flaremon calibrate --forecasts theirs.csv --flares flares.csv --dry-run"
)
def calibrate(
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME@VERSION", help="Model package [default: the setting]."),
    ] = None,
    events: Events = None,
    method: Annotated[
        Literal["isotonic", "logistic"],
        typer.Option(help="Logistic needs 10 days with the event, isotonic 30."),
    ] = "logistic",
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Fit to observations from here on.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Fit to observations before this.")
    ] = None,
    judge_from: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Judge from here on [default: the last third, less 27 days]."
        ),
    ] = None,
    judge_until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Judge observations before this.")
    ] = None,
    mode: Annotated[
        Literal["live", "hindcast"] | None,
        typer.Option(help="Only predictions of this mode [default: both]."),
    ] = None,
    catalog: Annotated[
        str | None, typer.Option(metavar="NAME", help="Flare list [default: the setting].")
    ] = None,
    forecasts: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Calibrate forecasts of a CSV file instead."),
    ] = None,
    flares: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Flare list for --forecasts.")
    ] = None,
    classes: Annotated[
        Classes, typer.Option(help="Scale of its classes, as for `flaremon verify`.")
    ] = "true",
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Calibrate a package on the data that it was evaluated with."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the calibrator there too.")
    ] = None,
    into_package: Annotated[
        bool,
        typer.Option("--into-package", help="Write it into the model's package, to ship with it."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Fit and judge; store and write nothing.")
    ] = False,
    bootstrap: Annotated[
        int, typer.Option(min=0, max=100_000, help="Draws for the intervals; 0 for none.")
    ] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of the draws.")] = 0,
    form: Annotated[Literal["table", "json"], typer.Option("--format", help="How to print.")] = (
        "table"
    ),
    verbose: Verbose = False,
) -> None:
    """Fit a calibrator on an earlier period, judge it on a later one, and store it.

    Takes the stored predictions of a model whose outcome is known; of one that reads recent flares
    those that knew them, and counts the others. The windows of the two periods
    do not overlap; the threshold is chosen on the fitted one. The newest stored calibrator is used
    by the next run (FLAREMON_CALIBRATOR); stored predictions are never changed. The same data
    give the same calibrator, which is stored once.
    """
    from flaremon.calibration.curves import Method
    from flaremon.calibration.study import Plan, study
    from flaremon.calibration.words import as_json, in_words
    from flaremon.cli._app import start_logging
    from flaremon.times import utc_now
    from flaremon.verify import Bootstrap

    start_logging(verbose=verbose)
    config = settings(model=model)
    plan = Plan(
        method=Method(method),
        since=_instant(since),
        until=_instant(until),
        judge_from=_instant(judge_from),
        judge_until=_instant(judge_until),
        bootstrap=Bootstrap(repeats=bootstrap, seed=seed),
    )
    chosen = parse_events(events)
    if forecasts:
        found, truth, whose = _others(forecasts, flares, chosen, classes)
    elif data is not None:
        found, truth, whose = _rendered(config, data, chosen)
    else:
        found, truth, whose = _stored(config, chosen, catalog, mode)
    done = study(found, truth, whose=whose, plan=plan, now=utc_now())
    if form == "json":
        print_json(as_json(done, scale=classes))
    else:
        sys.stdout.write(in_words(done, scale=classes) + "\n")
    if not dry_run:
        _keep(done, config, in_database=not forecasts and data is None)
        if out is not None:
            _write(done, out)
        if into_package:
            _ship(done, config)


@app.command(
    epilog="Examples:  flaremon calibrators   |   flaremon calibrators 1a2b3c4d5e6f --json"
)
def calibrators(
    which: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Only this one, with its whole document.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="NAME@VERSION", help="Only of this model.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the calibrators there are: stored ones, newest first, then those of packages.

    With an ID and --json it prints the file that a model package can hold as calibration.json.
    """
    from flaremon.calibration import to_text
    from flaremon.calibration.words import about, describe

    found = _all(settings(), model)
    if which is not None:
        found = [(item, place) for item, place in found if item.id == which]
        if not found:
            raise InputError(f"there is no calibrator {which}; `flaremon calibrators` lists them")
        text = to_text(found[0][0]) if as_json else "\n".join(describe(found[0][0])) + "\n"
        sys.stdout.write(text)
        return
    for item, place in found:
        if as_json:
            print_json({**about(item), "place": place})
        else:
            sys.stdout.write("\n".join(describe(item)) + f"\n  {place}\n")
    if not found and not as_json:
        sys.stdout.write("no calibrators: probabilities are the networks' own\n")


def _all(config: "Settings", model: str | None) -> "list[tuple[Calibrator, str]]":
    """Return calibrators and where they are, each once."""
    from flaremon.calibration import package_calibrator, stored_calibrators
    from flaremon.domain import ModelId
    from flaremon.package import list_packages
    from flaremon.wiring import models_dir

    wanted = ModelId.parse(model) if model else None
    with _session(config, writing=False) as session:
        found = [(item, "stored") for item in stored_calibrators(session, model=wanted)]
    for package in list_packages(models_dir(config)):
        item = package_calibrator(package) if wanted in {None, package.id} else None
        if item is not None and item.id not in {other.id for other, _ in found}:
            found.append((item, f"of the package {package.folder}"))
    return found


def _stored(
    config: "Settings",
    events: "list[FlareEvent] | None",
    catalog: str | None,
    mode: str | None,
) -> "Material":
    from flaremon.calibration.stored import stored_material
    from flaremon.domain import Mode
    from flaremon.wiring import package

    with _session(config, writing=False) as session:
        return stored_material(
            session,
            package(config),
            events=events,
            catalog=catalog or config.truth.catalog,
            mode=Mode(mode) if mode else None,
        )


def _rendered(config: "Settings", data: Path, events: "list[FlareEvent] | None") -> "Material":
    from flaremon.calibration.study import Whose
    from flaremon.training.rendered import raw_forecasts
    from flaremon.verify import identity, read_flares
    from flaremon.wiring import package

    model, path = package(config), data / "labels" / "flares.csv"
    found, source = raw_forecasts(model, data, cache=config.cache.dir / "training")
    if events:
        found = [item for item in found if item.event in events]
    truth = read_flares(path)
    whose = Whose(
        model=str(model.id), weights_sha256=model.weights_sha256, source=source, modes="",
        truth=identity(path, truth),
    )  # fmt: skip
    return found, truth, whose


def _others(
    paths: list[Path], flares: Path | None, events: "list[FlareEvent] | None", classes: Classes
) -> "Material":
    from flaremon import verify as room
    from flaremon.calibration.study import Whose
    from flaremon.domain import FlareEvent

    if flares is None:
        raise InputError("--forecasts needs a flare list with coverage.csv beside it: --flares")
    (event,) = events or [FlareEvent.parse("M1+/24h")]
    truth = room.read_flares(flares, scale=classes)
    found = [item for path in paths for item in room.read_forecasts(path, event)]
    name = found[0].name if len(found) == 1 else "pooled"
    whose = Whose(
        model=name,
        weights_sha256=None,
        source=", ".join(path.name for path in paths),
        modes="",
        truth=f"{room.identity(flares, truth)}, classes {classes}",
    )
    return [room.pool(found, name)], truth, whose


def _keep(done: "Study", config: "Settings", *, in_database: bool) -> None:
    from flaremon.calibration import save
    from flaremon.times import utc_now

    if in_database:
        with _session(config, writing=True) as session:
            new = save(session, done.calibrator, now=utc_now())
        words = "stored" if new else "was stored already; nothing is new"
        sys.stderr.write(f"calibrator {done.calibrator.id} {words}\n")


def _write(done: "Study", out: Path) -> None:
    from flaremon.calibration import FILE, to_text

    if out.exists():
        raise InputError(f"{out} exists; a calibrator is never overwritten")
    out.write_text(to_text(done.calibrator), encoding="utf-8")
    sys.stderr.write(f"wrote {out}; a model package holds it as {FILE}\n")


def _ship(done: "Study", config: "Settings") -> None:
    """Write a calibrator into the package of its model, if that has none yet."""
    from flaremon.calibration import FILE, package_calibrator
    from flaremon.wiring import package

    model = package(config)
    if (done.calibrator.model, done.calibrator.weights_sha256) != (
        str(model.id),
        model.weights_sha256,
    ):
        raise InputError(
            f"the calibrator is of {done.calibrator.model}, not of the weights of {model.id}"
        )
    there = package_calibrator(model)
    if there is None:
        _write(done, model.folder / FILE)
    elif there.id == done.calibrator.id:
        sys.stderr.write(f"{model.folder / FILE} holds calibrator {there.id} already\n")
    else:
        raise InputError(
            f"{model.folder / FILE} holds calibrator {there.id}; the new one is "
            f"{done.calibrator.id}: remove that file first if it is to be replaced"
        )


@contextmanager
def _session(config: "Settings", *, writing: bool) -> "Iterator[Session]":
    from flaremon.database import session_scope
    from flaremon.wiring import opened

    with opened(config, reading=not writing) as engine, session_scope(engine) as session:
        yield session


def _instant(text: str | None) -> "np.datetime64 | None":
    import numpy as np

    from flaremon.times import parse_utc

    return None if text is None else np.datetime64(parse_utc(text).replace(tzinfo=None), "s")
