"""Models and events that nobody knows are mistyped, and nothing stored of them says nothing."""

from typing import TYPE_CHECKING

from flaremon.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from flaremon.config import Settings
    from flaremon.domain import FlareEvent, ModelId


def see_known(
    config: "Settings",
    session: "Session",
    model: "ModelId | None",
    events: "Sequence[FlareEvent] | None",
) -> None:
    """See that the database or the packages know a model and events, whatever is stored of them.

    Raises
    ------
    InputError
        If neither knows one; the message lists what there is.
    ModelError
        If a package is malformed.
    """
    from flaremon import store
    from flaremon.package import list_packages
    from flaremon.wiring import models_dir

    if model is None and not events:
        return
    answers = dict(store.registered_models(session))
    for package in list_packages(models_dir(config)):
        answers.setdefault(package.id, frozenset(str(spec.event) for spec in package.events))
    others = {who for who, _, _ in store.forecasters(session)}
    if model is not None and model not in answers.keys() | others:
        there = ", ".join(sorted(map(str, answers.keys() | others))) or "none at all"
        raise InputError(
            f"no model {model} in the database or in {models_dir(config)}; there is {there}"
        )
    offered = frozenset[str]().union(*answers.values())
    for event in events or ():
        if str(event) not in offered and not store.who_said(session, event=event):
            there = ", ".join(sorted(offered)) or "nothing"
            raise InputError(f"nobody answers {event}; the models answer {there}")
