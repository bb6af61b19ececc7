"""A backfill from start to end: plan, crew, tally."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from flaremon import __version__
from flaremon.backfill.crew import Crew, Feed
from flaremon.backfill.decoding import Decode, decode
from flaremon.backfill.feed import JsocFeed
from flaremon.backfill.folder import SOURCE, FolderFeed, base_url, decode_file
from flaremon.backfill.grid import FIRST_LIGHT, Grid
from flaremon.backfill.patience import insist
from flaremon.backfill.plan import Chunk, Order, Plan, make_plan
from flaremon.backfill.reckoning import span
from flaremon.backfill.rescoring import SLOTS_PER_TRANSACTION, frames_to_score
from flaremon.backfill.scoring import Model, Scorer
from flaremon.backfill.tally import Progress, Tally, no_progress
from flaremon.database import session_scope
from flaremon.errors import ConfigurationError
from flaremon.job.noting import noted
from flaremon.serving import register
from flaremon.store import Job, RunNote, SlotRange
from flaremon.times import tai_label_to_utc, utc_now

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from flaremon.cache import FileCache
    from flaremon.domain import Source
    from flaremon.frames import FrameArchive
    from flaremon.package import ModelPackage
    from flaremon.pipeline import Run


@dataclass(kw_only=True)
class Backfill:
    """What a backfill works with, the same for all of its chunks."""

    engine: "Engine"
    models: Sequence[Model]
    run: "Run"
    workers: int = 2
    frames: "FrameArchive | None" = None
    source: "Source | None" = None
    """None for a backfill from files."""
    cache: "FileCache | None" = None
    progress: Progress = no_progress
    stop: Event = field(default_factory=Event)
    decode: Decode = decode
    outage_s: float = 1800.0
    """How long an outage of the source is waited out, s."""
    first_pause_s: float = 15.0

    @property
    def packages(self) -> "list[ModelPackage]":
        """The packages of the models."""
        return [model.package for model in self.models]

    def plan(self, grid: Grid, *, order: Order = "newest") -> Plan:
        """Work out what is left of a grid.

        Raises
        ------
        StoreError
            The database fails.
        """
        with session_scope(self.engine) as session:
            return make_plan(
                session,
                grid,
                packages=self.packages,
                order=order,
                frames=self.frames,
                workers=self.workers,
            )

    def work_off(self, chunks: Sequence[Chunk], *, tally: Tally | None = None) -> Tally:
        """Take all slots of some chunks to an outcome.

        Parameters
        ----------
        tally : Tally, optional
            To count in; it can be read after an error too.

        Raises
        ------
        FlaremonError
            Database, disk or model fail for good; what was done before is stored.
        """
        if self.source is None or self.cache is None:
            raise TypeError("a backfill of slots needs a source and its cache")
        tally = tally or Tally(planned=sum(len(chunk.labels) for chunk in chunks))
        if not chunks:
            return tally
        feed = JsocFeed(
            source=self.source,
            engine=self.engine,
            packages=self.packages,
            chunks=chunks,
            run_id=self.run.run_id,
            locks=self.cache.folder,
            frames=self.frames,
            outage_s=self.outage_s,
            first_pause_s=self.first_pause_s,
        )
        with self._noted(Job.BACKFILL, span(chunks), _order(chunks), tally):
            return self._work(feed, tally, self.decode)

    def work_off_files(
        self, paths: Sequence[Path], folder: Path, *, tally: Tally | None = None
    ) -> Tally:
        """Take all files of a folder to an outcome.

        Raises
        ------
        FlaremonError
            As `work_off`.
        """
        tally = tally or Tally(planned=len(paths))
        feed = FolderFeed(paths=paths, engine=self.engine, packages=self.packages)
        with self._noted(Job.FILES, None, "newest", tally):
            return self._work(feed, tally, decode_file, listing=(SOURCE, base_url(folder)))

    def rescore(self, slots: SlotRange, *, tally: Tally | None = None) -> Tally:
        """Score again, from the archive, whatever frames of a range a model has not scored.

        Raises
        ------
        FlaremonError
            As `work_off`.
        """
        if self.frames is None:
            raise ConfigurationError("no frames are kept; set FLAREMON_FRAMES__KEEP=true")
        total = tally or Tally(planned=0)
        with self._noted(Job.RESCORE, slots, "newest", total):
            for model in self.models:
                with session_scope(self.engine) as session:
                    feed = frames_to_score(session, self.frames, model.package, slots)
                total.planned += len(feed.keys)
                only = replace(self, models=[model], workers=0, source=None, cache=None)
                only._work(feed, total, self.decode, at_once=SLOTS_PER_TRANSACTION)  # noqa: SLF001
        return total

    @contextmanager
    def _noted(
        self, job: Job, slots: SlotRange | None, policy: str, tally: Tally
    ) -> Iterator[None]:
        """Leave a note of this run; of files nobody knows the times before they are read."""
        now = utc_now()
        note = RunNote(
            run_id=self.run.run_id,
            job=job,
            series=SOURCE if slots is None else slots.series,
            policy=policy,
            since=FIRST_LIGHT if slots is None else tai_label_to_utc(slots.low),
            until=now if slots is None else tai_label_to_utc(slots.high),
            live_within=self.run.live_within,
            began_at=now,
            software=__version__,
        )
        with noted(self.engine, note) as ending:
            try:
                yield
            finally:
                ending.left_over = tally.not_tried

    def _work(
        self,
        feed: Feed,
        tally: Tally,
        decode: Decode,
        *,
        listing: tuple[str, str] | None = None,
        at_once: int = 0,
    ) -> Tally:
        insist(self._register)
        scorer = Scorer(
            models=self.models,
            engine=self.engine,
            run=self.run,
            archive=self.frames,
            listing=listing,
            slots_per_transaction=at_once,
        )
        crew = Crew(
            feed=feed,
            scorer=scorer,
            tally=tally,
            source=self.source,
            decode=decode,
            workers=self.workers,
            cache=self.cache,
            progress=self.progress,
            stop=self.stop,
        )
        crew.work()
        if self.frames is not None:
            self.frames.prune(now=utc_now())
        return tally

    def _register(self) -> None:
        with session_scope(self.engine) as session:
            for package in self.packages:
                register(session, package, now=utc_now())


def _order(chunks: Sequence[Chunk]) -> Order:
    return "oldest" if chunks[0].labels[0] < chunks[-1].labels[-1] else "newest"
