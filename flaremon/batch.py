"""Files in, answers out, no database: what ``flaremon score`` does.

Every file gets exactly one result, in the order given; one that cannot be scored never stops
the others. Planes are scored in batches, so memory does not grow with the number of files.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from flaremon.domain import ModelId, Refusal, RejectionReason
from flaremon.errors import FitsError
from flaremon.gates import screen_magnetogram
from flaremon.images import read_any
from flaremon.preprocess import to_frame, to_plane
from flaremon.times import iso_z, utc_now

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from flaremon.inference import EventScore, Predictor
    from flaremon.preprocess import FrameSpec

FUTURE_TOLERANCE = timedelta(minutes=10)
"""Clocks may differ by this much before an observation counts as one from the future."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileResult:
    """What became of one file."""

    path: Path
    model: ModelId
    t_obs: datetime | None
    scores: "tuple[EventScore, ...]" = ()
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    path: Path
    t_obs: datetime | None = None
    plane: "NDArray[np.float32] | None" = None
    """Shape (1, size, size), dimensionless."""
    refusal: Refusal | None = None


def score_files(paths: Iterable[Path], predictor: "Predictor") -> Iterator[FileResult]:
    """Score magnetogram files: FITS, JP2 or JPG.

    Yields
    ------
    FileResult
        One per path, in order: scores per event of the model, or a refusal.

    Raises
    ------
    ModelError
        The network failed.
    """
    seen: dict[str, tuple[Path, datetime | None]] = {}
    batch: list[_Prepared] = []
    for path in paths:
        batch.append(_prepare(path, predictor.package.frame, seen))
        if len(batch) == predictor.batch_size:
            yield from _scored(batch, predictor)
            batch = []
    yield from _scored(batch, predictor)


def _scored(batch: list[_Prepared], predictor: "Predictor") -> Iterator[FileResult]:
    planes = [item.plane for item in batch if item.plane is not None]
    scores = iter(predictor.predict(np.stack(planes)) if planes else [])
    for item in batch:
        yield FileResult(
            path=item.path,
            model=predictor.package.id,
            t_obs=item.t_obs,
            scores=next(scores) if item.plane is not None else (),
            refusal=item.refusal,
        )


def _prepare(
    path: Path, frame: "FrameSpec", seen: dict[str, tuple[Path, datetime | None]]
) -> _Prepared:
    """Read one file up to the plane; `seen` maps SHA-256 to the file and time that had it."""
    try:
        magnetogram = read_any(path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except (FitsError, OSError) as exc:
        return _Prepared(path=path, refusal=Refusal(RejectionReason.UNREADABLE, str(exc)))
    t_obs = magnetogram.t_obs
    refusal = screen_magnetogram(magnetogram)
    if t_obs > utc_now() + FUTURE_TOLERANCE:
        refusal = Refusal(
            RejectionReason.FUTURE, f"{path} says it was observed at {iso_z(t_obs)}, in the future"
        )
    first, first_t_obs = seen.setdefault(digest, (path, t_obs))
    if first_t_obs != t_obs:
        # A feed that returns its newest picture whatever one asks for names it anew each time.
        refusal = Refusal(RejectionReason.DUPLICATE_IMAGE, f"{path} is byte for byte {first}")
    if refusal is not None:
        return _Prepared(path=path, t_obs=t_obs, refusal=refusal)
    return _Prepared(path=path, t_obs=t_obs, plane=to_plane(to_frame(magnetogram, frame), frame))
