"""``flaremon models``: the packages at hand, which of them answers, and how that changes."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flaremon.cli._app import Json, app, print_json, settings
from flaremon.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flaremon.calibration import Calibrator
    from flaremon.domain import ModelId
    from flaremon.package import ModelPackage
    from flaremon.serving import Candidate, Serving
    from flaremon.store import Promotion

DRAWS = 1000
"""Of the intervals of a comparison, as `flaremon verify` has them."""

models = typer.Typer(
    help="List model packages, compare them, and say which one answers.",
    epilog="Examples:  flaremon models   |   flaremon models promote fulldisk-rate@1.1.0 --reason "
    "'better BSS in two months of shadow' --dry-run",
    rich_markup_mode=None,
    add_completion=False,
    invoke_without_command=True,
)
app.add_typer(models, name="models")
Name = Annotated[str, typer.Argument(metavar="NAME@VERSION", help="Model package.")]


@models.callback()
def _models(context: typer.Context, as_json: Json = False) -> None:
    """List model packages, compare them, and say which one answers."""
    if context.invoked_subcommand is None:
        _list(as_json=as_json)


@models.command("list", epilog="Examples:  flaremon models list   |   flaremon models list --json")
def list_models(as_json: Json = False) -> None:
    """List model packages: * answers, + scores beside it as a shadow."""
    _list(as_json=as_json)


@models.command(epilog="Example:  flaremon models show fulldisk-cnn@1.0.0")
def show(name: Name, as_json: Json = False) -> None:
    """Print what a package says of itself, and whether its weights are unaltered."""
    from flaremon.domain import ModelId
    from flaremon.package import CARD_FILE, check_weights, find_package
    from flaremon.serving import thresholds_in_words
    from flaremon.wiring import models_dir

    package = find_package(models_dir(settings()), ModelId.parse(name))
    check_weights(package)
    calibrator = _calibrator(package)
    training = package.training
    facts = {
        **_facts(package, calibrator),
        "output": str(package.output),
        "network": dict(package.network),
        "training": {
            "start": f"{training.start}", "end": f"{training.end}", "data": training.data,
            "labels": training.labels, "seed": training.seed, "software": training.software,
        },
        "card": str(package.folder / CARD_FILE),
    }  # fmt: skip
    if as_json:
        print_json(facts)
        return
    facts["events"] = "\n  ".join(["", *thresholds_in_words(package, calibrator)])
    for key, value in facts.items():
        shown = value.items() if isinstance(value, dict) else None
        text = ", ".join(f"{k} {v}" for k, v in shown) if shown else value
        sys.stdout.write(f"{key}: {text}\n")


@models.command(
    epilog="Examples:  flaremon models promote fulldisk-rate@1.1.0 --reason 'BSS +0.05 in two "
    "months of shadow' --dry-run   |   ... --yes"
)
def promote(
    name: Name,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept for good.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the comparison; store nothing.")
    ] = False,
    bootstrap: Annotated[
        int, typer.Option(min=0, max=100_000, help="Draws for the intervals; 0 for none.")
    ] = DRAWS,
    as_json: Json = False,
) -> None:
    """Make a model the one that answers, from the next run on.

    Prints how it compares with the model that answers on the hours that both have, by the stored
    outcomes, with 95 % intervals of paired differences; the figures are kept with the reason.
    To go back, promote the old model. A model in FLAREMON_MODEL or --model wins over this.
    """
    from flaremon.database import session_scope
    from flaremon.domain import ModelId
    from flaremon.package import find_package
    from flaremon.serving import compare, comparison_in_words, examine, figures_as_json
    from flaremon.serving import promote as decide
    from flaremon.times import utc_now
    from flaremon.verify import Bootstrap
    from flaremon.wiring import models_dir, opened

    config = settings()
    package = find_package(models_dir(config), ModelId.parse(name))
    with opened(config, reading=dry_run) as engine:
        with session_scope(engine) as session:
            candidate = examine(session, package, reason=reason)
            found = compare(
                session,
                package.id,
                candidate.serving.model,
                events=[spec.event for spec in package.events],
                catalog=config.truth.catalog,
                bootstrap=Bootstrap(repeats=bootstrap),
            )
        figures = figures_as_json(found)
        if not as_json:
            sys.stdout.write(f"{package.id} against {candidate.serving}\n\n")
            sys.stdout.write(comparison_in_words(found) + "\n\n")
        _warn(candidate, config.model)
        promotion = None
        if not dry_run:
            _confirm(candidate, yes=yes)
            with session_scope(engine) as session:
                promotion = decide(session, candidate, figures=figures, now=utc_now())
    _tell(candidate, promotion, figures, as_json=as_json)


@models.command(epilog="Examples:  flaremon models history   |   flaremon models history --json")
def history(as_json: Json = False) -> None:
    """List promotions, newest first: who, when, why; with --json the figures too."""
    from flaremon import store
    from flaremon.database import session_scope
    from flaremon.serving import promotion_as_json
    from flaremon.times import iso_z
    from flaremon.wiring import opened

    with opened(settings(), reading=True) as engine, session_scope(engine) as session:
        made = store.promotions(session)
    for promotion in made:
        if as_json:
            print_json({**promotion_as_json(promotion), "figures": promotion.figures})
            continue
        sys.stdout.write(
            f"{iso_z(promotion.promoted_at)}  {promotion.replaced} -> {promotion.model}  "
            f"weights {promotion.weights_sha256[:12]}  by {promotion.promoted_by}\n"
            f"    {promotion.reason}\n"
        )
    if not made and not as_json:
        sys.stdout.write("No model was ever promoted in this database.\n")


def _list(*, as_json: bool) -> None:
    from flaremon.package import CARD_FILE, list_packages
    from flaremon.serving import thresholds_in_words
    from flaremon.wiring import models_dir, promotions, serving

    config = settings()
    answers, made = serving(config), promotions(config)
    packages = list_packages(models_dir(config))
    for package in packages:
        own = next((promotion for promotion in made if promotion.model == package.id), None)
        role = _role(package.id, answers, config.shadows)
        calibrator = _calibrator(package)
        if as_json:
            facts = _facts(package, calibrator)
            facts |= {"answers": role == "serving", "role": role or None}
            print_json(facts | _since(own, answers if role == "serving" else None))
            continue
        sys.stdout.write(f"{_MARKS[role]} {package.id}{_story(role, answers, own)}\n")
        for line in thresholds_in_words(package, calibrator):
            sys.stdout.write(f"    {line}\n")
        sys.stdout.write(
            f"    weights {package.weights_sha256[:12]}, frame {package.frame.size_px} px "
            f"{package.frame.clip_gauss:.0f} G; {package.folder / CARD_FILE}\n"
        )
    there = {package.id for package in packages}
    for model in (answers.model, *config.shadows):
        if model not in there:
            role = _role(model, answers, config.shadows)
            sys.stderr.write(f"flaremon: {model} ({role}) is not among these packages\n")


_MARKS = {"serving": "*", "shadow": "+", "": " "}


def _role(model: "ModelId", answers: "Serving", shadows: "Sequence[ModelId]") -> str:
    if model == answers.model:
        return "serving"
    return "shadow" if model in shadows else ""


def _story(role: str, answers: "Serving", promotion: "Promotion | None") -> str:
    """Say what a package does, and since when: ``, answers since ... (promoted by ...)``."""
    from flaremon.times import iso_z

    if role == "serving" and answers.promotion is not None:
        made = answers.promotion
        return f"  answers since {iso_z(made.promoted_at)}, promoted by {made.promoted_by}"
    past = f"; last promoted {iso_z(promotion.promoted_at)}" if promotion is not None else ""
    if role == "serving":
        how = "set by FLAREMON_MODEL" if answers.origin == "setting" else "as shipped"
        return f"  answers, {how}{past}"
    return ("  shadow" if role else "") + past


def _since(promotion: "Promotion | None", answers: "Serving | None") -> dict[str, Any]:
    from flaremon.times import iso_z

    return {
        "from": answers and str(answers.origin),
        "last_promoted": promotion and iso_z(promotion.promoted_at),
    }


def _calibrator(package: "ModelPackage") -> "Calibrator | None":
    """Return the calibrator that a package uses; a damaged one is told and not used."""
    from flaremon.errors import ModelError
    from flaremon.wiring import calibrator_of

    try:
        return calibrator_of(settings(), package)
    except ModelError as exc:
        sys.stderr.write(f"flaremon: {package.id}: its calibrator cannot be used: {exc}\n")
        return None


def _facts(package: "ModelPackage", calibrator: "Calibrator | None") -> dict[str, Any]:
    from dataclasses import asdict

    from flaremon.serving import thresholds_as_json

    return {
        "model": str(package.id),
        "events": thresholds_as_json(package, calibrator),
        "series": package.series,
        "frame": asdict(package.frame),
        "weights_sha256": package.weights_sha256,
        "folder": str(package.folder),
    }


def _warn(candidate: "Candidate", setting: str | None) -> None:
    """Say what somebody may not expect of this promotion."""
    lost = candidate.lost
    if lost:
        sys.stderr.write(
            f"flaremon: {candidate.package.id} does not answer {', '.join(map(str, lost))}, which "
            f"{candidate.serving.model} does\n"
        )
    if setting is not None:
        sys.stderr.write(
            f"flaremon: FLAREMON_MODEL={setting} is set here and wins over any promotion\n"
        )


def _confirm(candidate: "Candidate", *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise InputError("nobody is there to be asked; promote with --yes, or look with --dry-run")
    if not typer.confirm(f"Let {candidate.package.id} answer from the next run on?", err=True):
        raise InputError("nothing was promoted")


def _tell(
    candidate: "Candidate", promotion: "Promotion | None", figures: Any, *, as_json: bool
) -> None:
    from flaremon.serving import promotion_as_json, serving_as_json

    if as_json:
        print_json(
            {
                "candidate": str(candidate.package.id),
                "serving": serving_as_json(candidate.serving),
                "figures": figures,
                "promotion": promotion and promotion_as_json(promotion),
            }
        )
    elif promotion is None:
        sys.stdout.write("Nothing was stored: --dry-run.\n")
    else:
        sys.stdout.write(f"{promotion.model} answers from the next run on.\n")
