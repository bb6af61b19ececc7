"""What a calibrator is fitted to where predictions are stored: those whose outcome is known."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from flaremon.calibration.study import Whose, left_out_in_words
from flaremon.domain import FlareEvent, Mode
from flaremon.errors import InputError
from flaremon.store.outcome_table import outcome_table
from flaremon.store.prediction_table import prediction_table
from flaremon.times import iso_z
from flaremon.verify import Forecast
from flaremon.verify.labels import UNKNOWN, FlareList
from flaremon.verify.stored import stored_flares

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from flaremon.package import ModelPackage

BEFORE = timedelta(days=32)
"""Flares are needed so long before the first prediction: by the baselines that judge."""


def stored_material(
    session: "Session",
    package: "ModelPackage",
    *,
    events: Iterable[FlareEvent] | None,
    catalog: str,
    mode: Mode | None,
) -> tuple[list[Forecast], FlareList, Whose]:
    """Return the network's own numbers of a model, where the outcome is scored, and the truth.

    Of a network that reads recent flares only what it said when they were known: without them
    other networks answer, with another threshold, and one curve does not fit both. Hours that
    have no such answer are counted. Of several predictions for one time of observation (of two
    series) the first stored counts.

    Parameters
    ----------
    events : iterable of FlareEvent, optional
        By default all of the model.
    catalog : str
        Flare list by which outcomes were decided.
    mode : Mode, optional
        By default both: what a network says of an image, and of the flares that it is told, is
        the same whenever it is said.

    Raises
    ------
    InputError
        No prediction has a known outcome, or none of those that have was made with recent flares
        known and the network reads them.
    """
    wanted = None if events is None else set(events)
    forecasts, live, versions = [], np.array([], dtype=bool), []
    uninformed: dict[FlareEvent, int] = {}
    for spec in package.events:
        if wanted is not None and spec.event not in wanted:
            continue
        outcomes = outcome_table(session, event=spec.event, catalog=catalog)
        said = prediction_table(session, model=package.id, event=spec.event, mode=mode)
        known = np.isin(said.times, outcomes.starts[outcomes.state != UNKNOWN])
        rows = np.flatnonzero(known & said.knew_flares if package.reads_activity else known)
        times, first = np.unique(said.times[rows], return_index=True)
        if package.reads_activity and known.any():
            uninformed[spec.event] = len(np.unique(said.times[known])) - len(times)
        if outcomes.as_of is None or not len(times):
            continue
        raw = np.where(np.isnan(said.raw_probability), said.probability, said.raw_probability)
        live = np.concatenate([live, said.live[rows[first]]])
        versions.append(outcomes.as_of)
        forecasts.append(
            Forecast(
                name=str(package.id),
                event=spec.event,
                times=times,
                probabilities=raw[rows[first]],
                threshold=spec.threshold_where(informed=package.reads_activity),
            )
        )
    if not forecasts:
        raise InputError(_why_none(package, catalog, uninformed))
    earliest: datetime = min(item.times[0] for item in forecasts).item()
    flares = stored_flares(session, catalog=catalog, since=earliest.replace(tzinfo=UTC) - BEFORE)
    whose = Whose(
        model=str(package.id),
        weights_sha256=package.weights_sha256,
        source="stored predictions"
        + (", made with recent flares known" if package.reads_activity else ""),
        modes=_modes(live),
        truth=f"outcomes by the list {catalog} as of {iso_z(max(versions))}",
        uninformed=uninformed,
    )
    return forecasts, flares, whose


def _why_none(package: "ModelPackage", catalog: str, uninformed: Mapping[FlareEvent, int]) -> str:
    if any(uninformed.values()):
        return (
            f"no stored prediction of {package.id} with a known outcome by the list {catalog} was "
            f"made with recent flares known; {left_out_in_words(uninformed)}. Bring in the flare "
            "list before history is scored (`flaremon flares import`): what was said stays"
        )
    return (
        f"no stored prediction of {package.id} has a known outcome by the list {catalog}; "
        "`flaremon outcomes update` decides them once their windows are over"
    )


def _modes(live: NDArray[np.bool_]) -> str:
    there = {Mode.HINDCAST: not live.all(), Mode.LIVE: live.any()}
    return ", ".join(mode for mode, found in there.items() if found)
