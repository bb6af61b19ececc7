"""``flaremon explain`` and ``flaremon verify-receipt``: where an answer comes from."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flaremon.cli._app import (
    ERROR,
    AnswerExit,
    Events,
    Json,
    app,
    parse_events,
    print_json,
    settings,
    start_logging,
)
from flaremon.errors import InputError

if TYPE_CHECKING:
    from flaremon.receipts import Workshop

Models = Annotated[
    list[str] | None,
    typer.Option("--model", metavar="NAME@VERSION", help="Only by this model; may be repeated."),
]


@app.command(
    epilog="Examples:  flaremon explain 'hmi.M_720s_nrt[2026.02.01_00:00:00_TAI]'   |   "
    "flaremon explain latest --event M1+/24h --json > receipt.json"
)
def explain(
    key: Annotated[
        str,
        typer.Argument(
            metavar="KEY", help="A record, its slot alone, or latest: the newest answer."
        ),
    ],
    events: Events = None,
    models: Models = None,
    as_json: Json = False,
) -> None:
    """Print where an answer comes from: record, file, model, calibrator, outcome.

    The JSON is the receipt: it holds what it takes to compute the number again, and its own hash.
    A record that was rejected or is not decided is explained too. Of a record all models are
    shown, shadows too; latest is the newest answer of the model that answers, or of --model.
    """
    from flaremon.receipts import in_words

    receipt = _receipt(key, events, models)
    if as_json:
        print_json(receipt)
    else:
        sys.stdout.write(in_words(receipt) + "\n")


@app.command(
    "verify-receipt",
    epilog="Examples:  flaremon verify-receipt receipt.json   |   flaremon verify-receipt "
    "'hmi.M_720s_nrt[2026.02.01_00:00:00_TAI]'",
)
def verify_receipt(
    receipt: Annotated[
        str, typer.Argument(metavar="KEY|FILE.json", help="A stored record, or a receipt.")
    ],
    events: Events = None,
    models: Models = None,
    as_json: Json = False,
) -> None:
    """Compute the numbers of a receipt again and compare; the database is not written.

    The file comes from the cache or is fetched once more; one that was scored from a folder must
    lie there still. Exit codes: 0 all agree, 3 something
    differs (JSOC made the record anew, other weights) or could not be checked; it is named.
    """
    from flaremon.receipts import CheckState, check_receipt, checks_in_words, read_receipt

    start_logging(verbose=False)
    path = Path(receipt)
    if path.suffix != ".json" and not path.is_file():
        told = _receipt(receipt, events, models)
    elif events or models:
        raise InputError("--event and --model choose stored answers; a file is checked whole")
    else:
        told = read_receipt(path)
    checks = check_receipt(told, _workshop())
    confirmed = all(check.state is CheckState.SAME for check in checks)
    if as_json:
        print_json(
            {
                "exit_code": 0 if confirmed else ERROR,
                "receipt": told["sha256"],
                "record": told["record"]["key"],
                "confirmed": confirmed,
                "checks": [asdict(check) for check in checks],
            }
        )
    else:
        sys.stdout.write(checks_in_words(checks) + "\n")
    if not confirmed:
        raise AnswerExit(ERROR)


def _receipt(text: str, events: list[str] | None, models: list[str] | None) -> dict[str, Any]:
    from flaremon import store
    from flaremon.database import session_scope
    from flaremon.domain import ModelId
    from flaremon.receipts import find_key, make_receipt
    from flaremon.wiring import opened, serving

    config = settings()
    chosen = parse_events(events)
    by = [ModelId.parse(name) for name in models] if models else None
    with opened(config, reading=True) as engine, session_scope(engine) as session:
        if text == "latest":
            by = by or [serving(config, engine).model]
            newest = [
                next(iter(store.predictions(session, model=model, limit=1)), None) for model in by
            ]
            keys = [item.prediction.key for item in newest if item is not None]
            if not keys:
                names = " or ".join(map(str, by))
                raise InputError(f"nothing was ever scored by {names} in this database")
            key = max(keys, key=lambda key: key.t_rec)
        else:
            key = find_key(session, text)
        return make_receipt(session, key, catalog=config.truth.catalog, events=chosen, models=by)


def _workshop() -> "Workshop":
    from flaremon import wiring
    from flaremon.receipts import Workshop

    config = settings()
    return Workshop(
        source=wiring.source(config),
        cache=wiring.file_cache(config),
        package=lambda model: wiring.package(settings(model=str(model))),
        predictor=lambda model: wiring.predictor(settings(model=str(model))),
    )
