"""``flaremon db`` and ``flaremon settings``: what this installation is."""

import sys

import typer

from flaremon.cli._app import Json, app, print_json
from flaremon.cli._app import settings as read
from flaremon.errors import FlaremonError

db = typer.Typer(
    help="Look after the database.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)
app.add_typer(db, name="db")


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
    """Print every setting and its value, secrets masked; and which model that makes answer."""
    from flaremon.config import describe
    from flaremon.serving import serving_as_json
    from flaremon.wiring import serving

    config = read()
    rows = describe(config)
    answers, why = None, ""
    try:
        answers = serving(config)
    except FlaremonError as exc:
        why = str(exc)  # settings are looked at when something is wrong
    if as_json:
        told = serving_as_json(answers) if answers is not None else {"error": why}
        print_json({row.variable: row.value for row in rows} | {"model": told})
        return
    for row in rows:
        sys.stdout.write(f"{row.variable}={row.value}\n    {row.description}\n")
    sys.stdout.write(f"The model that answers: {answers or f'not known, {why}'}\n")
