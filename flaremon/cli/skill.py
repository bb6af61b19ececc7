"""``flaremon verify``: what forecasts were worth."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from flaremon.cli._app import Series, app
from flaremon.errors import InputError


@app.command(
    epilog="Examples:  flaremon verify   |   flaremon verify --since -90d --by activity   |   "
    "flaremon verify --model fulldisk-cnn@1.0.0 persistence@1.0.0 --compare --plot skill/   |   "
    "flaremon verify --forecasts theirs.csv --flares flares.csv"
)
def verify(
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            metavar="NAME@VERSION...",
            help="Models and forecasters [default: all but baselines and NOAA, which are beside].",
        ),
    ] = None,
    forecasts: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE...",
            help="Not the stored ones: CSV with time_utc,probability, or from "
            "`flaremon predictions --format csv`; needs --flares.",
        ),
    ] = None,
    flares: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Flare list of files; coverage.csv must be beside it."),
    ] = None,
    more: Annotated[list[str] | None, typer.Argument(metavar="[MORE...]", hidden=True)] = None,
    event: Annotated[str, typer.Option(metavar="ID", help="What was forecast.")] = "M1+/24h",
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Stored, from: ISO (UTC), label or -90d.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Stored, before; same forms.")
    ] = None,
    mode: Annotated[
        Literal["live", "hindcast"] | None, typer.Option(help="Stored, only of this kind.")
    ] = None,
    series: Series = None,
    catalog: Annotated[
        str | None, typer.Option(metavar="NAME", help="Flare list [default: the setting].")
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="What networks say, before calibration.")
    ] = False,
    by: Annotated[
        Literal["mode", "model", "activity", "position", "flares"] | None,
        typer.Option(
            help="In parts: active and quiet hours, central and limb flares, answers with recent "
            "flares known and without, ..."
        ),
    ] = None,
    limb_deg: Annotated[
        float, typer.Option(min=0.0, max=90.0, help="Where the limb begins, from disk centre.")
    ] = 60.0,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0.0, max=1.0, help="Flare from here on; by default the forecast's own, else 0.5."
        ),
    ] = None,
    classes: Annotated[
        Literal["true", "listed"],
        typer.Option(
            help="Of --flares: today's true flux, or as listed, with SWPC's 0.7 before 2019-12-07."
        ),
    ] = "true",
    pooled: Annotated[
        bool, typer.Option("--pooled", help="All files are one forecast (folds).")
    ] = False,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare",
            help="First with the others, on the hours of all; without --model the shadows of the "
            "settings with the model that answers, where there are any.",
        ),
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
    form: Annotated[
        Literal["table", "json", "csv"], typer.Option("--format", help="How to print.")
    ] = "table",
) -> None:
    """Judge forecasts beside persistence and trailing climatology, with 95 % intervals.

    Without --forecasts those that are stored, by their stored outcomes. Hours whose outcome is
    unknown are left out and counted, never taken as quiet. Intervals draw whole blocks of time,
    since neighbouring hours are not independent.
    """
    from flaremon.cli import _skill
    from flaremon.cli.query import _range
    from flaremon.domain import FlareEvent, Mode, ModelId
    from flaremon.verify import Bootstrap
    from flaremon.verify.archive import Choice
    from flaremon.verify.sheets import Ask

    if compare and by is not None:
        raise InputError("--compare and --by cannot be combined; take one after the other")
    what, rest = FlareEvent.parse(event), more or []
    ask = Ask(
        threshold=threshold,
        bootstrap=Bootstrap(repeats=bootstrap, seed=seed, block=block),
        limb_deg=limb_deg,
    )
    if forecasts:
        if flares is None:
            raise InputError("--forecasts needs --flares FILE, the list to judge them by")
        only_stored = {"--model": models, "--since": since, "--until": until, "--mode": mode,
                       "--series": series, "--catalog": catalog, "--raw": raw}  # fmt: skip
        _refuse({name for name, value in only_stored.items() if value}, "for stored forecasts")
        material = _skill.of_files(
            [*forecasts, *map(Path, rest)], flares, event=what, scale=classes, pooled=pooled
        )
    else:
        only_files = {"--flares": flares, "--classes": classes == "listed", "--pooled": pooled}
        _refuse({name for name, value in only_files.items() if value}, "for --forecasts FILE")
        start, end = _range(since, until)
        choice = Choice(
            models=[ModelId.parse(text) for text in [*(models or []), *rest]],
            mode=Mode(mode) if mode else None,
            series=series,
            since=start,
            until=end,
            raw=raw,
        )
        material = _skill.of_store(event=what, choice=choice, catalog=catalog, compare=compare)
    _skill.answer(material, ask, by=by, compare=compare, form=form, plot=plot)


def _refuse(names: set[str], what: str) -> None:
    if names:
        raise InputError(f"{', '.join(sorted(names))}: only {what}")
