"""Forecasts of other people, from files."""

import hashlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from flaremon import store
from flaremon.domain import FlareEvent, Forecast, ForecasterKind, Mode, ModelId
from flaremon.errors import InputError
from flaremon.times import iso_z
from flaremon.truth.instants import aware
from flaremon.verify import read_forecasts

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class Imported(NamedTuple):
    """What importing a file came to."""

    read: int
    new: int
    """Forecasts that were not stored before; the others were, with the same probability."""


def import_forecasts(
    session: "Session",
    path: Path,
    *,
    forecaster: ModelId,
    event: FlareEvent,
    now: datetime,
    run_id: str,
) -> Imported:
    """Store the forecasts of a CSV file as those of somebody else; all of it, or nothing.

    Formats are those of `flaremon.verify.forecasts`. When they were issued cannot be checked,
    so they count as hindcasts, issued when they are imported. The same file again changes
    nothing.

    Raises
    ------
    InputError
        The file cannot be read, or has forecasts of several; or a window is stored with another
        probability by this forecaster.
    StoreError
        The name is that of a model, or of a forecaster of another kind.
    """
    read = read_forecasts(path, event)
    if len(read) != 1:
        names = ", ".join(item.name for item in read)
        raise InputError(f"{path} has forecasts of {len(read)} ({names}); import one at a time")
    (found,) = read
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    source = f"{path.name}, SHA-256 {digest[:12]}"
    made = [
        Forecast(
            forecaster=forecaster,
            event=event,
            window=event.window(start),
            probability=probability,
            threshold=found.threshold,
            issued_at=now,
            mode=Mode.HINDCAST,
            source=source,
        )
        for start, probability in zip(aware(found.times), found.probabilities.tolist(), strict=True)
    ]
    store.register_forecaster(
        session,
        forecaster=forecaster,
        kind=ForecasterKind.EXTERNAL,
        description=f"Forecasts of others, imported from files; first {path.name}.",
        now=now,
    )
    _refuse_another_word(session, made, path)
    return Imported(len(made), store.add_forecasts(session, made, run_id=run_id))


def _refuse_another_word(session: "Session", made: list[Forecast], path: Path) -> None:
    """Refuse a file that says something else about a window than what is stored.

    The first word about a window stands, so half of such a file would be left out in silence.
    """
    first = made[0]
    stored = {
        item.window.start: item
        for item in store.forecasts(
            session,
            event=first.event,
            forecaster=first.forecaster,
            since=first.window.start,
            until=made[-1].window.start + timedelta(seconds=1),
        )
    }
    for item in made:
        known = stored.get(item.window.start)
        if known is not None and known.probability != item.probability:
            raise InputError(
                f"{path}: {item.forecaster} says {item.probability:g} about the window from "
                f"{iso_z(item.window.start)}, and {known.probability:g} is stored from "
                f"{known.source}; give these forecasts another version"
            )
