"""Frames, labels, recent flares and splits under one hash.

The hash is of everything that decides what a training sees: every frame's numbers, the flares and
what the list answers for around them, the parts. When the list was read, or when frames were
made, is not in it: the same Sun gives the same hash. The package keeps what was hashed
(``dataset.json``), so that a figure can be made again from the very same frames.
"""

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flaremon.disk import disk_errors, write_atomically
from flaremon.domain import FlareEvent, RecentActivity
from flaremon.errors import InputError
from flaremon.frames import frame_id, from_tenths
from flaremon.inference import activity_sums
from flaremon.preprocess import FrameSpec, to_plane
from flaremon.times import iso_z
from flaremon.training.dataset import Split
from flaremon.training.labels import FlareList, Times, label
from flaremon.training.stored.config import Stored, StoredConfig
from flaremon.training.stored.frames import Entry, read_frames
from flaremon.training.stored.splits import held, inside
from flaremon.verify.stored import instants

_log = logging.getLogger(__name__)

DATASET_FILE = "dataset.json"
"""In the folder of a package: what it was trained on."""
_FORMAT = 1
_BATCH = 32

Reduce = Callable[[NDArray[np.float32]], NDArray[Any]]
"""Planes (B, 1, side, side) to what is kept of them, shape (B, ...)."""


@dataclass(frozen=True, kw_only=True)
class StoredSet:
    """Frames whose outcome is known, oldest first."""

    spec: FrameSpec
    events: tuple[FlareEvent, ...]
    """The first is the one that parts are counted by."""
    config: StoredConfig
    entries: tuple[Entry, ...]
    left_out: int
    """Frames that were left out because the list does not say what became of them."""
    flares: FlareList
    activity: tuple[RecentActivity | None, ...]
    """Before each frame."""
    splits: tuple[Split, ...]

    @cached_property
    def times(self) -> Times:
        """Of observation, shape (N,)."""
        return instants(entry.wanted.t_obs for entry in self.entries)

    @cached_property
    def labels(self) -> NDArray[np.int8]:
        """What became of each event, shape (N, events); -1 for unknown."""
        return np.stack([label(self.flares, event, self.times) for event in self.events], axis=1)

    @cached_property
    def sums(self) -> NDArray[np.float64]:
        """Recent flares as networks are told of them, shape (N, kinds, decays); NaN: unknown."""
        return activity_sums(self.activity).astype(np.float64)

    def part(self, name: str) -> NDArray[np.bool_]:
        """Return which frames are in a part."""
        return inside(self.split(name), self.times)

    def split(self, name: str) -> Split:
        """Return a part by its name."""
        return next(split for split in self.splits if split.name == name)

    @cached_property
    def labels_sha256(self) -> str:
        """Hash of the flares around the frames, and of what the list answers for."""
        digest = hashlib.sha256()
        for array in (self.flares.start, self.flares.end, self.flares.flux_w_m2):
            digest.update(np.ascontiguousarray(array).tobytes())
        periods = sorted(
            (str(p.start), str(p.end), p.flux_w_m2, p.has_ends) for p in self.flares.coverage
        )
        gaps = sorted((str(start), str(end)) for start, end in self.flares.gaps)
        digest.update(json.dumps([periods, gaps]).encode())
        return digest.hexdigest()

    @cached_property
    def sha256(self) -> str:
        """Hash of all that decides what a training sees."""
        text = json.dumps(self._facts(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def manifest(self) -> dict[str, Any]:
        """Return what is hashed, beside its hash, as JSON values."""
        return {"format": _FORMAT, "sha256": self.sha256, **self._facts()}

    def _facts(self) -> dict[str, Any]:
        parts = [held(split, self.times, self.labels[:, 0]) for split in self.splits]
        return {
            "frame": asdict(self.spec),
            "frame_id": frame_id(self.spec),
            "data": asdict(self.config),
            "events": [str(event) for event in self.events],
            "labels_sha256": self.labels_sha256,
            "left_out": self.left_out,
            "splits": [
                {
                    "name": part.split.name,
                    "start": f"{part.split.start}Z",
                    "end": f"{part.split.end}Z",
                    "frames": part.frames,
                    "days": part.days,
                    "event_days": part.event_days,
                }
                for part in parts
            ],
            "frames": [
                [
                    str(entry.wanted.key),
                    entry.wanted.recnum,
                    iso_z(entry.wanted.t_obs),
                    entry.tenths_sha256,
                    entry.source_sha256,
                ]
                for entry in self.entries
            ],
        }

    def derive(self, stored: Stored, reduce: Reduce, *, name: str, cache: Path) -> NDArray[Any]:
        """Return what `reduce` makes of every plane, shape (N, ...), kept in `cache`.

        Parameters
        ----------
        name : str
            Of what is made, and of whatever decides it beside the frames.

        Raises
        ------
        InputError
            A frame is no longer what it was.
        StoreFullError, ConfigurationError
            The cache cannot be written.
        """
        kept = cache / f"stored-{self.sha256[:16]}-{name}.safetensors"
        found = _read(kept, len(self.entries))
        if found is not None:
            return found
        batch: list[NDArray[np.float32]] = []
        parts: list[NDArray[Any]] = []
        chosen = [entry.wanted for entry in self.entries]
        frames = read_frames(stored.frames, self.spec, chosen)
        for count, (expected, (entry, tenths)) in enumerate(
            zip(self.entries, frames, strict=False), start=1
        ):
            if entry != expected:
                break
            batch.append(to_plane(from_tenths(tenths), self.spec))
            if len(batch) == _BATCH or count == len(self.entries):
                parts.append(reduce(np.stack(batch)))
                batch.clear()
        made = np.concatenate(parts) if parts else np.zeros(0)
        if len(made) != len(self.entries):
            raise InputError("archived frames changed while they were being read; run it again")
        _keep(kept, made)
        return made


def _read(path: Path, count: int) -> NDArray[Any] | None:
    from safetensors import SafetensorError  # noqa: PLC0415
    from safetensors.numpy import load_file  # noqa: PLC0415

    try:
        found = load_file(path)["made"]
    except (OSError, SafetensorError, KeyError):
        return None
    return found if len(found) == count else None


def _keep(path: Path, made: NDArray[Any]) -> None:
    from safetensors.numpy import save  # noqa: PLC0415

    with disk_errors(path.parent):
        write_atomically(path, save({"made": np.ascontiguousarray(made)}))
