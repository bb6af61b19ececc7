"""From the store, or from a manifest, to a data set."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from flaremon.database import session_scope
from flaremon.domain import FlareEvent, RecordKey
from flaremon.errors import InputError
from flaremon.preprocess import FrameSpec
from flaremon.times import iso_z
from flaremon.training.dataset import Split
from flaremon.training.labels import UNKNOWN, FlareList, label
from flaremon.training.stored.config import Range, Stored, StoredConfig
from flaremon.training.stored.dataset import DATASET_FILE, StoredSet
from flaremon.training.stored.frames import Wanted, choose_frames, read_frames
from flaremon.training.stored.splits import cut
from flaremon.training.toml import checked
from flaremon.truth import recent_activity
from flaremon.verify.baselines import TRAILING
from flaremon.verify.stored import instants, stored_flares

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_log = logging.getLogger(__name__)

_BEFORE = timedelta(days=TRAILING / np.timedelta64(1, "D") + 5)
"""Of the flare list: what trailing climatology looks back, and the longest windows."""
_AFTER = timedelta(days=4)


def build(
    stored: Stored,
    config: StoredConfig,
    within: Range,
    *,
    spec: FrameSpec,
    events: Sequence[FlareEvent],
    shares: Mapping[str, float],
) -> StoredSet:
    """Choose frames, ask the flare list what became of them, and cut.

    Frames after which the first event is unknown are left out.

    Raises
    ------
    InputError
        There are none, or their span is too short.
    StoreError
        The database fails.
    """
    with session_scope(stored.engine) as session:
        chosen = choose_frames(session, stored.frames, spec, config, within)
        flares = _flares(session, config.catalog, chosen)
        known = label(flares, events[0], instants(w.t_obs for w in chosen)) != UNKNOWN
        kept = [wanted for wanted, sure in zip(chosen, known, strict=True) if sure]
        if not kept:
            raise InputError(
                f"the flare list {config.catalog} does not say what became of any of "
                f"{len(chosen)} frames from {iso_z(chosen[0].t_obs)} to "
                f"{iso_z(chosen[-1].t_obs)}: fetch or import the flares of that time "
                "(`flaremon flares fetch --source hek`, `flaremon flares import`)"
            )
        entries = tuple(entry for entry, _ in read_frames(stored.frames, spec, kept))
        if len(entries) < len(kept):
            _log.warning("%d of %d frames are damaged", len(kept) - len(entries), len(kept))
        if not entries:
            raise InputError(f"all {len(kept)} frames in {stored.frames.folder} are damaged")
        flares = _flares(session, config.catalog, [entry.wanted for entry in entries])
        times = [entry.wanted.t_obs for entry in entries]
        activity = recent_activity(session, times, catalog=config.catalog)
    return StoredSet(
        spec=spec,
        events=tuple(events),
        config=config,
        entries=entries,
        left_out=len(chosen) - len(kept),
        flares=flares,
        activity=tuple(activity),
        splits=cut(instants(times), shares, events),
    )


def rebuild(stored: Stored, manifest: Mapping[str, Any]) -> StoredSet:
    """Return the data set of a manifest, from the frames that it names.

    Labels are those of the flare list as it is now; that they changed is logged.

    Raises
    ------
    InputError
        Frames are gone, or are not what they were.
    StoreError
        The database fails.
    """
    spec = FrameSpec(**manifest["frame"])
    config = StoredConfig(**checked(StoredConfig, manifest["data"], f"{DATASET_FILE}, data"))
    wanted = [
        Wanted(key=RecordKey.parse(key), recnum=recnum, t_obs=datetime.fromisoformat(t_obs))
        for key, recnum, t_obs, _, _ in manifest["frames"]
    ]
    entries = tuple(entry for entry, _ in read_frames(stored.frames, spec, wanted))
    digests = {row[0]: row[3] for row in manifest["frames"]}
    same = [entry for entry in entries if digests[str(entry.wanted.key)] == entry.tenths_sha256]
    if len(same) < len(wanted):
        raise InputError(
            f"{len(wanted) - len(same)} of the {len(wanted)} frames that {DATASET_FILE} names are "
            f"no longer in {stored.frames.folder}, or were made anew; "
            "`flaremon backfill` brings back those that are gone"
        )
    with session_scope(stored.engine) as session:
        flares = _flares(session, config.catalog, wanted)
        times = [one.t_obs for one in wanted]
        activity = recent_activity(session, times, catalog=config.catalog)
    found = StoredSet(
        spec=spec,
        events=tuple(FlareEvent.parse(event) for event in manifest["events"]),
        config=config,
        entries=entries,
        left_out=manifest["left_out"],
        flares=flares,
        activity=tuple(activity),
        splits=tuple(
            Split(name=row["name"], start=_instant(row["start"]), end=_instant(row["end"]))
            for row in manifest["splits"]
        ),
    )
    if found.labels_sha256 != manifest["labels_sha256"]:
        _log.warning("the flare list %s changed since: figures may differ", config.catalog)
    return found


def _flares(session: "Session", catalog: str, chosen: Sequence[Wanted]) -> FlareList:
    return stored_flares(
        session,
        catalog=catalog,
        since=chosen[0].t_obs - _BEFORE,
        until=chosen[-1].t_obs + _AFTER,
    )


def _instant(text: str) -> np.datetime64:
    return np.datetime64(text.removesuffix("Z"), "s")
