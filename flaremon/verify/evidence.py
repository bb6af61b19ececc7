"""What happened, for a verification: a flare list, the outcomes decided by it, and its version."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flaremon import store
from flaremon.domain import FlareEvent
from flaremon.errors import InputError
from flaremon.times import iso_z
from flaremon.verify.baselines import TRAILING
from flaremon.verify.flares import Scale, identity, read_flares
from flaremon.verify.labels import FlareList
from flaremon.verify.stored import stored_flares

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from flaremon.store import OutcomeTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What forecasts are judged by."""

    flares: FlareList
    truth: str
    """Which list, in words."""
    scale: Scale = "true"
    outcomes: "OutcomeTable | None" = None
    """None where the list decides by itself."""

    @property
    def version(self) -> dict[str, Any]:
        """Which list, for machines; catalogues are revised, and a figure holds for one version."""
        outcomes = self.outcomes
        as_of = self.flares.as_of
        return {
            "catalog": self.flares.catalog or None,
            "catalog_as_of": None if as_of is None else f"{as_of}Z",
            "outcomes": None if outcomes is None else len(outcomes.starts),
            "outcomes_as_of": None if outcomes is None or outcomes.as_of is None
            else iso_z(outcomes.as_of),
            "windows_revised": None if outcomes is None else outcomes.revised,
        }  # fmt: skip


def from_file(path: Path, *, scale: Scale) -> Evidence:
    """Read a flare list from files; see `flaremon.verify.flares.read_flares`."""
    flares = read_flares(path, scale=scale)
    return Evidence(flares=flares, truth=identity(path, flares), scale=scale)


def from_store(session: "Session", *, event: FlareEvent, catalog: str) -> Evidence:
    """Read the stored outcomes of an event, and the flares that baselines are computed from.

    Raises
    ------
    InputError
        If nothing is decided about the event by this list; the message says what to run.
    """
    outcomes = store.outcome_table(session, event=event, catalog=catalog)
    if not len(outcomes.starts):
        raise InputError(
            f"no outcome of {event} by flare list {catalog!r} is stored; "
            "`flaremon outcomes update` decides windows that are over"
        )
    since = _aware(outcomes.starts[0]) - timedelta(days=2 * int(TRAILING / np.timedelta64(1, "D")))
    flares = stored_flares(session, catalog=catalog, since=since)
    as_of = "never read" if flares.as_of is None else f"as of {flares.as_of}Z"
    truth = (
        f"flare list {catalog} {as_of}; {len(outcomes.starts):,} windows decided, "
        f"{outcomes.revised:,} of them revised since"
    )
    return Evidence(flares=flares, truth=truth, outcomes=outcomes)


def _aware(time: np.datetime64) -> datetime:
    instant: datetime = time.astype("datetime64[s]").item()
    return instant.replace(tzinfo=UTC)
