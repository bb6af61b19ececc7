"""Models that score beside the one that answers, and say nothing.

A shadow sees the magnetograms that the model that answers has seen, after that one's answer is
stored. Whatever goes wrong with it, its package, its weights, its memory, is noted and logged
here and goes no further: it can neither cost an answer nor change an exit code.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from flaremon import store
from flaremon.calibration import Calibrating
from flaremon.database import session_scope
from flaremon.domain import Magnetogram, ModelId, Prediction, Record, Refusal, Source
from flaremon.errors import SourceError
from flaremon.job.report import ShadowTold
from flaremon.job.steps import calibrate, keep
from flaremon.pipeline import RecentFlares, Run, examine, predict
from flaremon.preprocess import FrameSpec, to_frame, to_plane
from flaremon.serving import register

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sqlalchemy import Engine

    from flaremon.inference import Predictor
    from flaremon.package import ModelPackage

log = logging.getLogger(__name__)

BATCH = 8
"""Records that are caught up before they are stored."""


@dataclass(frozen=True, kw_only=True)
class Shadow:
    """A model that scores silently; nothing of it is read before it is needed."""

    model: ModelId
    load_package: "Callable[[], ModelPackage]"
    load_predictor: "Callable[[], Predictor]"
    calibrating: Calibrating | None = None


@dataclass(kw_only=True)
class _Seat:
    """A shadow in a run."""

    shadow: Shadow
    told: ShadowTold
    package: "ModelPackage | None" = None
    out: bool = False
    """Whether its package cannot be had in this run."""
    waiting: "list[tuple[Record, NDArray[np.float32]]]" = field(default_factory=list)


class Shadows:
    """The shadows of one run.

    Parameters
    ----------
    shadows : sequence of Shadow
    frame : FrameSpec
        Frame of the model that answers; where it is a shadow's too it is made once.
    run : Run
        Issues the answers of all.
    """

    def __init__(self, shadows: Sequence[Shadow], *, frame: FrameSpec, run: Run) -> None:
        self._seats = [
            _Seat(shadow=shadow, told=ShadowTold(model=shadow.model)) for shadow in shadows
        ]
        self._frame = frame
        self._run = run

    @property
    def told(self) -> list[ShadowTold]:
        """What each has done so far."""
        return [seat.told for seat in self._seats]

    def look_on(
        self, record: Record, magnetogram: Magnetogram, frame: "NDArray[np.float32] | None"
    ) -> None:
        """Take what shadows need of a record that may be scored; they score it later.

        Parameters
        ----------
        frame : ndarray of float32, shape (size_px, size_px), or None
            Of the model that answers, gauss, not clipped; None where there is none at hand.
        """
        self._take(self._seats, record, magnetogram, frame)

    def score(self, engine: "Engine", *, recent: RecentFlares | None) -> None:
        """Score and store whatever was taken; the records must be stored by now.

        One record at a time, so that one that fails does not take the others with it.

        Parameters
        ----------
        recent
            Tells the flares before each observation, the same as for the model that answers.
        """
        for seat in self._seats:
            waiting, seat.waiting = seat.waiting, []
            if waiting:
                self._score(seat, waiting, engine, recent)

    def catch_up(  # noqa: PLR0913 - where, what, since when, and how much of it
        self,
        source: Source,
        engine: "Engine",
        *,
        model: ModelId,
        series: str,
        since: datetime,
        recent: RecentFlares | None,
        limit: int | None = None,
        until: Callable[[], bool] = lambda: False,
    ) -> None:
        """Score what the model that answers has scored since an instant and a shadow has not.

        Newest first. The files are in the cache, unless they are older than what it keeps.

        Parameters
        ----------
        model : ModelId
            The model that answers.
        limit : int, optional
            At most so many records per shadow.
        until
            Tells that there is no time left.
        """
        for seat in self._seats:
            with self._guarded(seat, 0):
                with session_scope(engine) as session:
                    todo = store.lacking(
                        session, series=series, since=since, has=model, lacks=seat.shadow.model
                    )
                for number, listed in enumerate(todo[:limit]):
                    if until() or not self._ready(seat):
                        break
                    self._catch_up(seat, listed.record, source)
                    if number % BATCH == BATCH - 1:
                        self.score(engine, recent=recent)
                self.score(engine, recent=recent)

    def _catch_up(self, seat: _Seat, record: Record, source: Source) -> None:
        with self._guarded(seat):
            magnetogram = examine(record, source.download(record), source)
            if isinstance(magnetogram, Refusal):
                # The record was scored once; that its file is gone is no word about it.
                raise SourceError(f"{record.key}: {magnetogram.detail}")
            self._take([seat], record, magnetogram, None)

    def _take(
        self,
        seats: Sequence[_Seat],
        record: Record,
        magnetogram: Magnetogram,
        frame: "NDArray[np.float32] | None",
    ) -> None:
        frames = {} if frame is None else {_geometry(self._frame): frame}
        for seat in seats:
            with self._guarded(seat):
                package = self._ready(seat)
                if package is not None:
                    spec = package.frame
                    if _geometry(spec) not in frames:
                        frames[_geometry(spec)] = to_frame(magnetogram, spec)
                    seat.waiting.append((record, to_plane(frames[_geometry(spec)], spec)))

    def _ready(self, seat: _Seat) -> "ModelPackage | None":
        """Return the package of a shadow; None from the first time on that it cannot be had."""
        if seat.package is None and not seat.out:
            seat.out = True
            with self._guarded(seat):
                seat.package = seat.shadow.load_package()
                seat.out = False
        return seat.package

    def _score(
        self,
        seat: _Seat,
        waiting: "list[tuple[Record, NDArray[np.float32]]]",
        engine: "Engine",
        recent: RecentFlares | None,
    ) -> None:
        done: list[list[Prediction]] = []
        predictor = self._loaded(seat, len(waiting))
        if predictor is None:
            return
        for record, plane in waiting:
            with self._guarded(seat):
                done.append(predict([record], [plane], predictor, self._run, recent=recent))
        if not done:
            return
        with self._guarded(seat, len(done)):
            with session_scope(engine) as session:
                register(session, predictor.package, now=self._run.now)
            outcomes = [prediction for predictions in done for prediction in predictions]
            calibrated = calibrate(outcomes, engine, seat.shadow.calibrating, run=self._run)
            seat.told.stored += keep(calibrated, [], engine)
            seat.told.scored += len(done)

    def _loaded(self, seat: _Seat, records: int) -> "Predictor | None":
        with self._guarded(seat, records):
            return seat.shadow.load_predictor()
        seat.package, seat.out = None, True
        return None

    @contextmanager
    def _guarded(self, seat: _Seat, records: int = 1) -> Iterator[None]:
        """Let nothing out; note it, and that so many records were not scored for it."""
        try:
            yield
        except Exception as exc:  # noqa: BLE001 - the border: also a bug of an experiment ends here
            told, why = seat.told, str(exc) or type(exc).__name__
            level = logging.DEBUG if told.error else logging.WARNING
            log.log(level, "shadow %s, which nobody is waiting for: %s", told.model, why)
            told.error = told.error or why
            told.failed += records


def _geometry(spec: FrameSpec) -> FrameSpec:
    """Return a frame without its clip, which is for planes: frames are not clipped."""
    return replace(spec, clip_gauss=1.0)
