"""The regions of stored answers: as they were kept, else computed from the archive of frames."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from flaremon import store
from flaremon.domain import ModelId, Prediction, RecordKey, RegionShare
from flaremon.errors import ModelError
from flaremon.frames import from_tenths
from flaremon.preprocess import to_plane
from flaremon.regions.located import LocatedRegion, locate

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sqlalchemy.orm import Session

    from flaremon.frames import FrameArchive
    from flaremon.inference import Predictor
    from flaremon.package import ModelPackage
    from flaremon.store import StoredPrediction


class Whence(StrEnum):
    """Where the regions of an answer are from."""

    KEPT = "kept"
    """Stored with the answer."""
    FRAME = "frame"
    """Not kept; computed again from the archived frame of the record."""
    NOT_KEPT = "not-kept"
    """Not kept, and the frame is not archived, or the model's package is not at hand."""
    NO_MAP = "no-map"
    """The model makes no map of rates and cannot say."""

    @property
    def in_words(self) -> str:
        """What a reader of the answer is told."""
        return {
            Whence.KEPT: "kept with the answer",
            Whence.FRAME: "regions not kept; computed again from the archived frame",
            Whence.NOT_KEPT: "regions not kept, and nothing is at hand to compute them from",
            Whence.NO_MAP: "makes no map of rates, so it cannot say which regions",
        }[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """An answer's regions."""

    stored: "StoredPrediction"
    regions: Sequence[LocatedRegion] | None
    """Greatest share first; empty when none stands out, None when nobody can say."""
    whence: Whence


@dataclass(kw_only=True)
class Tools:
    """What it takes to compute regions again."""

    package: "Callable[[ModelId], ModelPackage]"
    predictor: "Callable[[ModelId], Predictor]"
    frames: "FrameArchive | None"
    _packages: "dict[ModelId, ModelPackage | None]" = field(default_factory=dict)

    def find(self, model: ModelId) -> "ModelPackage | None":
        """Return the package of a model, None where it is not at hand; asked once per model."""
        if model not in self._packages:
            try:
                self._packages[model] = self.package(model)
            except ModelError:
                self._packages[model] = None
        return self._packages[model]


def headline(stored: "Sequence[StoredPrediction]") -> "StoredPrediction":
    """Return the one of some answers whose regions a picture shows: M1+ ahead, if it is there."""

    def rank(item: "StoredPrediction") -> tuple[bool, bool]:
        event = item.prediction.event
        return event.horizon is None, str(event.threshold) != "M1"

    return min(stored, key=rank)


def explain(
    session: "Session", stored: "Sequence[StoredPrediction]", tools: Tools
) -> list[Explained]:
    """Return the regions of stored answers, with place and number.

    Nothing is written: what is computed from a frame is said to be.

    Raises
    ------
    StoreError
        The database fails.
    ModelError, ConfigurationError
        A network that is needed is damaged, or the device does not exist.
    """
    kept = store.with_regions(session, [item.prediction for item in stored])
    lacking = [
        item for item, p in zip(stored, kept, strict=True) if p.regions is None and _maps(p, tools)
    ]
    computed = _computed(lacking, tools)
    full = [
        p if p.regions is not None else replace(p, regions=computed.get(_asked(p))) for p in kept
    ]
    return [
        Explained(stored=item, regions=regions, whence=_whence(before, after, tools))
        for item, before, after, regions in zip(
            stored, kept, full, locate(session, full), strict=True
        )
    ]


_Asked = tuple[RecordKey, ModelId, str]


def _asked(p: Prediction) -> _Asked:
    return p.key, p.model, str(p.event)


def _maps(p: Prediction, tools: Tools) -> bool:
    package = tools.find(p.model)
    return package is not None and package.maps_rates


def _whence(before: Prediction, after: Prediction, tools: Tools) -> Whence:
    if before.regions is not None:
        return Whence.KEPT
    if after.regions is not None:
        return Whence.FRAME
    package = tools.find(after.model)
    return Whence.NOT_KEPT if package is None or package.maps_rates else Whence.NO_MAP


def _computed(
    stored: "Sequence[StoredPrediction]", tools: Tools
) -> Mapping[_Asked, tuple[RegionShare, ...] | None]:
    """Return the regions of all events of those records whose frame is archived."""
    found: dict[_Asked, tuple[RegionShare, ...] | None] = {}
    wanted = {(s.prediction.model, s.prediction.key, s.recnum): s.sha256 for s in stored}
    for model in {model for model, _, _ in wanted}:
        records = [(key, recnum) for of, key, recnum in sorted(wanted) if of == model]
        planes: list[tuple[RecordKey, NDArray[np.float32]]] = []
        for key, recnum in records:
            plane = _plane(key, recnum, wanted[model, key, recnum], tools.find(model), tools.frames)
            planes += [] if plane is None else [(key, plane)]
            if planes and (len(planes) == tools.predictor(model).batch_size):
                found |= _scored(planes, model, tools)
                planes = []
        if planes:
            found |= _scored(planes, model, tools)
    return found


def _plane(
    key: RecordKey,
    recnum: int,
    sha256: str | None,
    package: "ModelPackage | None",
    frames: "FrameArchive | None",
) -> "NDArray[np.float32] | None":
    if package is None or frames is None:
        return None
    frame = frames.get(key, package.frame, recnum=recnum, sha256=sha256)
    return None if frame is None else to_plane(from_tenths(frame.tenths), package.frame)


def _scored(
    planes: "Sequence[tuple[RecordKey, NDArray[np.float32]]]", model: ModelId, tools: Tools
) -> Mapping[_Asked, tuple[RegionShare, ...] | None]:
    scores = tools.predictor(model).predict(np.stack([plane for _, plane in planes]))
    return {
        (key, model, str(score.event)): score.regions
        for (key, _), row in zip(planes, scores, strict=True)
        for score in row
    }
