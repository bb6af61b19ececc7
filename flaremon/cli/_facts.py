"""What people ask for, and what is known of it."""

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from flaremon.cli._app import parse_events
from flaremon.errors import InputError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from flaremon.config import Settings
    from flaremon.domain import FlareClass, FlareEvent
    from flaremon.serving import Serving
    from flaremon.status import Changes, Facts

Asked = tuple["tuple[FlareEvent, ...]", "tuple[FlareClass, ...]"]


def read_events(config: "Settings", texts: list[str] | None) -> Asked:
    """Return events of the model, all of them if none is named, and classes to watch GOES for.

    Raises
    ------
    InputError
        A text is no event, or one that the model does not answer.
    """
    from flaremon.domain import FlareClass
    from flaremon.wiring import package

    model = package(config)
    offered = tuple(spec.event for spec in model.events)
    if not texts:
        return offered, ()
    matches = {text: re.fullmatch(r"([CMX]\d+(?:\.\d+)?)\+/goes", text) for text in texts}
    watched = tuple(FlareClass.parse(found[1]) for found in matches.values() if found)
    events = tuple(parse_events([text for text, found in matches.items() if not found]) or ())
    for event in events:
        if event not in offered:
            raise InputError(
                f"{model.id} does not answer {event}; it answers {', '.join(map(str, offered))}"
            )
    return events, watched


def look_up(
    config: "Settings", engine: "Engine", asked: Asked, served: "Serving", *, changes: bool = False
) -> "tuple[Facts, Changes | None]":
    """Return what is known now, and since when if that is asked for.

    Parameters
    ----------
    served : Serving
        The model that answers, and why it does.
    """
    from flaremon.database import session_scope
    from flaremon.status import Question, find_changes, gather
    from flaremon.times import utc_now

    question = Question(
        model=served.model,
        served=served,
        events=asked[0],
        watched=asked[1],
        series=config.jsoc.series,
        catalog=config.truth.catalog,
        now=utc_now(),
        stale_after=timedelta(hours=config.stale_after_h),
    )
    with session_scope(engine) as session:
        facts = gather(session, question)
        return facts, find_changes(session, question, facts) if changes else None
