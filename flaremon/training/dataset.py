"""Chronological splits, planes and labels, cached by a hash of what they came from."""

import hashlib
import json
import logging
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flaremon.domain import FlareEvent
from flaremon.errors import InputError
from flaremon.preprocess import FrameSpec
from flaremon.training.labels import FlareList, Times, label, read_flares
from flaremon.training.synoptic import Rendering, Strip, pooled_plane, read_strip, render

_log = logging.getLogger(__name__)

_CACHE_FORMAT = 1
"""Raise it when rendering changes, so that old planes are not used."""

SEPARATION = np.timedelta64(36, "D")
"""Least distance between splits: a whole rotation (27.3 d), by which the causal rendering looks
back, and a quarter (6.9 d), by which the other looks ahead. No column of a map is then seen by
two splits, and flare windows (1 d) are far apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Observations from `start` (inclusive) to `end` (exclusive), UTC."""

    name: str
    start: np.datetime64
    end: np.datetime64

    def times(self, cadence_h: int) -> Times:
        """Return the instants of observation."""
        step = np.timedelta64(cadence_h * 3600, "s")
        return np.arange(self.start, self.end, step).astype("datetime64[s]")


def refuse_crossing(splits: Sequence[Split], events: Sequence[FlareEvent]) -> None:
    """Refuse splits of which the window of an observation reaches into the next one.

    Parameters
    ----------
    splits : sequence of Split
        In the order of time.
    events : sequence of FlareEvent
        Whose windows count.

    Raises
    ------
    InputError
        Naming the two splits and the event; also where they overlap or are out of order.
    """
    for before, after in pairwise(splits):
        for event in events:
            horizon = np.timedelta64((event.horizon or timedelta(0)) // timedelta(seconds=1), "s")
            # The end of a split is exclusive, and a window includes its own end.
            if before.end + horizon > after.start or before.start > before.end:
                raise InputError(
                    f"{before.name} ({before.start}Z to {before.end}Z) and {after.name} (from "
                    f"{after.start}Z): a window of {event} crosses from one into the other; "
                    "leave a rotation of the Sun between them"
                )


TRAIN = Split(
    name="train", start=np.datetime64("2010-05-01", "s"), end=np.datetime64("2019-11-20", "s")
)
CHOOSE = Split(
    name="choose", start=np.datetime64("2020-01-01", "s"), end=np.datetime64("2021-11-20", "s")
)
REPORT = Split(
    name="report", start=np.datetime64("2022-01-01", "s"), end=np.datetime64("2024-07-01", "s")
)
SPLITS = (TRAIN, CHOOSE, REPORT)
"""2010-2019 to train, 2020-2021 to choose, 2022 to the last map (June 2024) to report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """What a network is trained on or judged by."""

    times: Times
    planes: NDArray[np.float16]
    """Shape (N, pooled_px, pooled_px): the plane after the network's first averaging."""
    labels: NDArray[np.int8]
    """Shape (N, events): 1, 0, or -1 for unknown."""

    def __len__(self) -> int:
        return len(self.times)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """Where the data lie and how they are rendered."""

    folder: Path
    """Has ``synoptic/`` and ``labels/``."""
    cache: Path
    """Rendered planes are kept here, about 32 kB each."""
    frame: FrameSpec
    pooled_px: int
    cadence_h: int = 6

    def flares(self) -> FlareList:
        """Read the flare lists."""
        return read_flares(self.folder / "labels")

    def samples(self, split: Split, rendering: Rendering, events: Sequence[FlareEvent]) -> Samples:
        """Return planes and labels of a split, rendering what is not in the cache.

        Times at which the maps do not cover the disk are left out.

        Raises
        ------
        InputError
            If maps or lists are missing, or cover nothing of the split.
        """
        folder = self.cache / self._key(split, rendering)
        if not folder.exists():
            self._render(split, rendering, folder)
        times = np.load(folder / "times.npy")
        planes = np.load(folder / "planes.npy", mmap_mode="r")
        flares = self.flares()
        labels = np.stack([label(flares, event, times) for event in events], axis=1)
        return Samples(times=times, planes=planes, labels=labels)

    def _key(self, split: Split, rendering: Rendering) -> str:
        """Name of the cache: a hash of the maps and of how they are rendered."""
        digest = hashlib.sha256()
        for path in sorted((self.folder / "synoptic").glob("*.fits")):
            digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
        how = {
            "format": _CACHE_FORMAT,
            "frame": asdict(self.frame),
            "pooled_px": self.pooled_px,
            "cadence_h": self.cadence_h,
            "split": [str(split.start), str(split.end)],
            "rendering": rendering,
        }
        digest.update(json.dumps(how, sort_keys=True).encode())
        return f"{split.name}-{rendering}-{digest.hexdigest()[:16]}"

    def _render(self, split: Split, rendering: Rendering, folder: Path) -> None:
        strip = read_strip(self.folder / "synoptic")
        times = split.times(self.cadence_h)
        _log.info("rendering %d views, %s, %s", len(times), split.name, rendering)
        self.cache.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=self.cache))
        try:
            kept, planes = self._views(strip, times, rendering)
            if not kept:
                raise InputError(f"no map in {self.folder / 'synoptic'} covers {split}")
            np.save(partial / "times.npy", times[kept])
            np.save(partial / "planes.npy", np.stack(planes))
            partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _views(
        self, strip: Strip, times: Times, rendering: Rendering
    ) -> tuple[list[int], list[NDArray[np.float16]]]:
        kept, planes = [], []
        for index, time in enumerate(times):
            frame = render(strip, time, self.frame, rendering)
            if frame is not None:
                kept.append(index)
                planes.append(pooled_plane(frame, self.frame, self.pooled_px).astype(np.float16))
            if index % 2000 == 1999:
                _log.info("%d of %d views", index + 1, len(times))
        return kept, planes
