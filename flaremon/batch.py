"""Files in, answers out, no database: what ``flaremon score`` does.

Every file gets exactly one result, in the order given; one that cannot be scored never stops
the others. Planes are scored in batches, so memory does not grow with the number of files.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class _Seen:
    """The files so far; one is read a second time only when another has its very length."""

    _by_size: "dict[int, tuple[Path, datetime] | None]" = field(default_factory=dict)
    """The only file of a length; None: there are several, and all are in the other table."""
    _by_sha256: "dict[str, tuple[Path, datetime]]" = field(default_factory=dict)

    def first(self, path: Path, t_obs: datetime) -> tuple[Path, datetime]:
        """Return the first file that was byte for byte this one, this one included, and its time.

        Raises
        ------
        OSError
            The file cannot be read.
        """
        size = path.stat().st_size
        if size not in self._by_size:
            self._by_size[size] = path, t_obs
            return path, t_obs
        only = self._by_size[size]
        if only is not None:
            with suppress(OSError):  # it is gone, and cannot be compared any more
                self._by_sha256[_sha256(only[0])] = only
            self._by_size[size] = None
        return self._by_sha256.setdefault(_sha256(path), (path, t_obs))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
    seen = _Seen()
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


def _prepare(path: Path, frame: "FrameSpec", seen: _Seen) -> _Prepared:
    """Read one file up to the plane."""
    try:
        magnetogram = read_any(path)
        first, first_t_obs = seen.first(path, magnetogram.t_obs)
    except (FitsError, OSError) as exc:
        return _Prepared(path=path, refusal=Refusal(RejectionReason.UNREADABLE, str(exc)))
    t_obs = magnetogram.t_obs
    refusal = screen_magnetogram(magnetogram)
    if t_obs > utc_now() + FUTURE_TOLERANCE:
        refusal = Refusal(
            RejectionReason.FUTURE, f"{path} says it was observed at {iso_z(t_obs)}, in the future"
        )
    if first_t_obs != t_obs:
        # A feed that returns its newest picture whatever one asks for names it anew each time.
        refusal = Refusal(RejectionReason.DUPLICATE_IMAGE, f"{path} is byte for byte {first}")
    if refusal is not None:
        return _Prepared(path=path, t_obs=t_obs, refusal=refusal)
    return _Prepared(path=path, t_obs=t_obs, plane=to_plane(to_frame(magnetogram, frame), frame))
