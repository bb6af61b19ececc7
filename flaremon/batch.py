"""Files in, answers out, no database: what ``flaremon score`` does.

Every file gets exactly one result, in the order given; one that cannot be scored never stops
the others. Planes are scored in batches, so memory does not grow with the number of files.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
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


def equal_files(paths: Iterable[Path]) -> list[list[Path]]:
    """Return groups of files that are byte for byte the same; those without an equal are in none.

    A file is read only when another has its very length. One that is gone has no equal.
    """
    by_size: dict[int, list[Path]] = {}
    for path in dict.fromkeys(paths):
        with suppress(OSError):
            by_size.setdefault(path.stat().st_size, []).append(path)
    by_content: dict[tuple[int, str], list[Path]] = {}
    for size, some in by_size.items():
        for path in some if len(some) > 1 else ():
            with suppress(OSError):
                by_content.setdefault((size, _sha256(path)), []).append(path)
    return [group for group in by_content.values() if len(group) > 1]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _originals(paths: Iterable[Path]) -> "Mapping[Path, tuple[Path, datetime]]":
    """Return of files that have equals the one that was observed first, and when.

    A feed that returns its newest picture whatever one asks for names it anew each time; the
    earliest name is the one that it had when it was new.
    """
    originals = {}
    for group in equal_files(paths):
        times = {}
        for path in group:
            with suppress(FitsError, OSError):  # `_prepare` says it
                times[path] = read_any(path).t_obs
        if times:
            earliest = min(times.items(), key=lambda item: item[1])
            originals.update(dict.fromkeys(times, earliest))
    return originals


def score_files(paths: Iterable[Path], predictor: "Predictor") -> Iterator[FileResult]:
    """Score magnetogram files: FITS, JP2 or JPG.

    Equal files are compared before the first is scored: of several under different times only the
    earliest is, in whatever order they are given.

    Yields
    ------
    FileResult
        One per path, in order: scores per event of the model, or a refusal.

    Raises
    ------
    ModelError
        The network failed.
    """
    paths = list(paths)
    originals = _originals(paths)
    batch: list[_Prepared] = []
    for path in paths:
        batch.append(_prepare(path, predictor.package.frame, originals))
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
    path: Path, frame: "FrameSpec", originals: "Mapping[Path, tuple[Path, datetime]]"
) -> _Prepared:
    """Read one file up to the plane."""
    try:
        magnetogram = read_any(path)
    except (FitsError, OSError) as exc:
        return _Prepared(path=path, refusal=Refusal(RejectionReason.UNREADABLE, str(exc)))
    t_obs = magnetogram.t_obs
    refusal = screen_magnetogram(magnetogram)
    if t_obs > utc_now() + FUTURE_TOLERANCE:
        refusal = Refusal(
            RejectionReason.FUTURE, f"{path} says it was observed at {iso_z(t_obs)}, in the future"
        )
    first, first_t_obs = originals.get(path, (path, t_obs))
    if first_t_obs < t_obs:
        refusal = Refusal(RejectionReason.DUPLICATE_IMAGE, f"{path} is byte for byte {first}")
    if refusal is not None:
        return _Prepared(path=path, t_obs=t_obs, refusal=refusal)
    return _Prepared(path=path, t_obs=t_obs, plane=to_plane(to_frame(magnetogram, frame), frame))
