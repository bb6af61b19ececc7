"""``flaremon models``, ``flaremon db`` and ``flaremon settings``: what this installation is."""

import sys

import typer

from flaremon.cli._app import Json, app, print_json
from flaremon.cli._app import settings as read

db = typer.Typer(
    help="Look after the database.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)
app.add_typer(db, name="db")


@app.command(epilog="Examples:  flaremon models   |   flaremon models --json")
def models(as_json: Json = False) -> None:
    """List model packages; * marks the one that answers."""
    from flaremon.package import list_packages
    from flaremon.wiring import models_dir

    config = read()
    for package in list_packages(models_dir(config)):
        answers = package.id == config.model_id
        events = {str(spec.event): spec.threshold for spec in package.events}
        if as_json:
            print_json(
                {
                    "model": str(package.id),
                    "answers": answers,
                    "events": events,
                    "series": package.series,
                    "weights_sha256": package.weights_sha256,
                    "folder": str(package.folder),
                }
            )
            continue
        wording = ", ".join(f"{event} (flare from {t:.1%})" for event, t in events.items())
        sys.stdout.write(f"{'*' if answers else ' '} {package.id}  {wording}\n")
        sys.stdout.write(f"    {package.folder / 'MODEL_CARD.md'}\n")


@db.command(epilog="Example:  FLAREMON_DATABASE_URL=postgresql://... flaremon db upgrade")
def upgrade() -> None:
    """Bring the database to the schema of this version; safe to repeat."""
    from flaremon.database import safe_url
    from flaremon.database import upgrade as to_head

    url = read().database_url.get_secret_value()
    revision = to_head(url)
    sys.stdout.write(f"{safe_url(url)} is at schema {revision}.\n")


@app.command(epilog="Examples:  flaremon settings   |   FLAREMON_DEVICE=cpu flaremon settings")
def settings(as_json: Json = False) -> None:
    """Print every setting and its value; secrets masked."""
    from flaremon.config import describe

    rows = describe(read())
    if as_json:
        print_json({row.variable: row.value for row in rows})
        return
    for row in rows:
        sys.stdout.write(f"{row.variable}={row.value}\n    {row.description}\n")
