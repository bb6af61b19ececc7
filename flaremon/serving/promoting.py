"""The decision that another model answers, checked and stored."""

import getpass
import os
import socket
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flaremon import store
from flaremon.domain import FlareEvent
from flaremon.errors import InputError
from flaremon.package import build_network
from flaremon.serving.choosing import Serving, by_promotion
from flaremon.store import Promotion

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from flaremon.package import ModelPackage


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model that could be promoted, and the one that it would replace."""

    package: "ModelPackage"
    serving: Serving
    reason: str
    lost: tuple[FlareEvent, ...] = ()
    """Events that the other is registered for here, and the candidate does not answer."""


def examine(session: "Session", package: "ModelPackage", *, reason: str) -> Candidate:
    """See that a model can be promoted: a reason, weights that load, and not the same again.

    What the settings of this process say does not count: a promotion is a fact of the database.

    Raises
    ------
    InputError
        There is no reason, or the model is in force already.
    ModelError
        The weights are missing, altered or do not fit.
    """
    if not reason.strip():
        raise InputError("a promotion needs a reason that somebody can read in a year; --reason")
    serving = by_promotion(session)
    if serving.model == package.id:
        raise InputError(f"nothing to promote: {serving} answers already")
    build_network(package)
    answered = {spec.event for spec in package.events}
    said = store.events_of(session, serving.model)
    return Candidate(
        package=package,
        serving=serving,
        reason=reason.strip(),
        lost=tuple(event for event in said if event not in answered),
    )


def promote(session: "Session", candidate: Candidate, *, figures: Any, now: datetime) -> Promotion:
    """Store a promotion; it is in force from the next run on.

    Parameters
    ----------
    figures : plain values
        The comparison that was shown.

    Raises
    ------
    InputError
        Somebody promoted another model since the candidate was examined.
    StoreError
        The version is registered with other weights, or the database fails.
    """
    package, serving = candidate.package, candidate.serving
    register(session, package, now=now)
    found = by_promotion(session)
    if found != serving:
        raise InputError(f"meanwhile {found} came to answer; look at the comparison with it first")
    promotion = Promotion(
        model=package.id,
        weights_sha256=package.weights_sha256,
        replaced=serving.model,
        promoted_at=now,
        promoted_by=_who(),
        reason=candidate.reason,
        figures=figures,
    )
    store.add_promotion(session, promotion)
    return promotion


def register(session: "Session", package: "ModelPackage", *, now: datetime) -> None:
    """Store which model is about to predict.

    Raises
    ------
    StoreError
        The version is registered with other weights or events.
    """
    store.register_model(
        session,
        model=package.id,
        weights_sha256=package.weights_sha256,
        events=[spec.event for spec in package.events],
        now=now,
        frame=asdict(package.frame),
    )


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container without the user in its list
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"
