"""``flaremon score``: files in, answers out, no database."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flaremon.cli._app import (
    ERROR,
    AnswerExit,
    Json,
    Verbose,
    app,
    print_json,
    progress,
    settings,
    start_logging,
)

if TYPE_CHECKING:
    from flaremon.batch import FileResult
    from flaremon.calibration import Calibrator
    from flaremon.inference import EventScore

Files = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="FITS, JP2 or JPG magnetograms.")
]


@app.command(
    epilog="Examples:  flaremon score hmi.M_720s.20111217_060000_TAI.magnetogram.fits   |   "
    "flaremon score --json HMI.m2026.02.*.jpg > scores.jsonl"
)
def score(
    files: Files,
    model: Annotated[
        str | None, typer.Option(metavar="NAME@VERSION", help="Model package to use.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Score magnetogram files without storing anything.

    Takes full-disk HMI FITS and 8-bit (+-250 G) JP2 or JPG; the time comes from the header or,
    for pictures without one, from the name. One line per file and event. A file that cannot be
    scored gets a line that says why, and the exit code is 3.

    Recent activity, which only a database knows, is unknown to calibrators and networks here.
    """
    from flaremon.batch import score_files
    from flaremon.calibration import without_database
    from flaremon.wiring import predictor

    start_logging(verbose=verbose)
    config = settings(model=model, device=device)
    network = predictor(config)
    calibrator = without_database(network.package, choice=config.calibrator)
    reads = network.package.reads_activity
    bad = 0
    with progress(len(files)) as advance:
        for result in score_files(files, network):
            bad += result.refusal is not None
            if as_json:
                _json(result, calibrator, reads=reads)
            else:
                _words(result, calibrator, reads=reads)
            advance()
    if bad:
        sys.stderr.write(f"flaremon: {bad} of {len(files)} file(s) could not be scored\n")
        raise AnswerExit(ERROR)


def _answer(
    item: "EventScore", calibrator: "Calibrator | None"
) -> "tuple[float, float, str | None]":
    """Return probability, threshold, and which calibrator they are by."""
    from flaremon.domain import ActivityLevel

    if calibrator is None or not calibrator.answers(item.event):
        return item.probability, item.threshold, None
    probability = calibrator.apply(item.event, item.probability, ActivityLevel.UNKNOWN)
    return probability, calibrator.threshold(item.event), calibrator.id


def _json(result: "FileResult", calibrator: "Calibrator | None", *, reads: bool) -> None:
    from flaremon.times import iso_z

    t_obs = iso_z(result.t_obs) if result.t_obs else None
    if result.refusal is not None:
        print_json(
            {
                "file": str(result.path),
                "t_obs": t_obs,
                "rejection": str(result.refusal.reason),
                "detail": result.refusal.detail,
            }
        )
    for item in result.scores:
        probability, threshold, by = _answer(item, calibrator)
        print_json(
            {
                "file": str(result.path),
                "t_obs": t_obs,
                "model": str(result.model),
                "event": str(item.event),
                "score": item.score,
                "probability": probability,
                "threshold": threshold,
                "flare": probability >= threshold,
                "raw_probability": item.probability,
                "calibrator": by,
                "activity": "unknown" if by or reads else None,
            }
        )


def _words(result: "FileResult", calibrator: "Calibrator | None", *, reads: bool) -> None:
    from flaremon.times import iso_z

    if result.refusal is not None:
        detail = result.refusal.detail.removeprefix(f"{result.path.name}: ")
        sys.stdout.write(f"{result.path}: not scored, {result.refusal.reason}: {detail}\n")
        return
    assert result.t_obs is not None  # noqa: S101 - a scored file has a time
    sys.stdout.write(f"{result.path}: observed {iso_z(result.t_obs)}, {result.model}\n")
    for item in result.scores:
        probability, threshold, by = _answer(item, calibrator)
        verdict = "yes" if probability >= threshold else "no"
        how = f"; calibrated {f'by {by}' if by else 'in training'}, recent activity unknown"
        how = how if by or reads else "; not calibrated"
        sys.stdout.write(
            f"  {item.event}  {probability:.1%} for a {item.event.in_words}; "
            f"flare: {verdict} (from {threshold:.1%}{how})\n"
        )
