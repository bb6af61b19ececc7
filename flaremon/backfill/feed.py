"""Slots, one after the other, as far as the JSOC's one connection takes them.

A feed runs on a thread of its own: it lists a chunk with one query, screens its records, and
downloads what may be scored while workers decode and the network scores what came before.
"""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from flaremon import store
from flaremon.backfill.decoding import distinct_frames
from flaremon.backfill.patience import Patience, insist
from flaremon.backfill.plan import Chunk
from flaremon.database import session_scope
from flaremon.disk import FileLock
from flaremon.domain import Record, RecordKey, Refusal, Source, StoredFile
from flaremon.errors import RecordOfflineError, SourceError
from flaremon.gates import screen_record
from flaremon.job import refuse_to_mix
from flaremon.store import Miss, MissReason
from flaremon.times import tai_label_to_utc, utc_now

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sqlalchemy import Engine

    from flaremon.frames import FrameArchive
    from flaremon.package import ModelPackage

log = logging.getLogger(__name__)

LISTING_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A slot on its way: exactly one of file, frames (with file), refusal, miss or decided."""

    record: Record | None = None
    """None for a file that must say itself what it is."""
    file: StoredFile | None = None
    frames: "tuple[NDArray[np.int16], ...]" = ()
    refusal: Refusal | None = None
    miss: Miss | None = None
    decided: bool = False
    release: ExitStack | None = None
    """Nothing but the end of a chunk: to be closed when all of it is stored."""


@dataclass(frozen=True, kw_only=True)
class JsocFeed:
    """The slots of a plan, from the JSOC or the archive of frames."""

    source: Source
    engine: "Engine"
    packages: "Sequence[ModelPackage]"
    chunks: Sequence[Chunk]
    run_id: str
    locks: Path
    """Folder of the locks that keep two backfills of a machine off the same chunk."""
    frames: "FrameArchive | None" = None
    outage_s: float = 1800.0
    first_pause_s: float = 15.0

    def items(self, stop: threading.Event) -> Iterator[Item]:
        """Yield all slots of all chunks; those that another process works on come last.

        Raises
        ------
        StoreError, StoreFullError, ConfigurationError
            Database or disk fail for good.
        """
        patience = Patience(self.outage_s, wait=stop.wait, first_pause_s=self.first_pause_s)
        later: list[Chunk] = []
        for chunk in self.chunks:
            if stop.is_set() or patience.spent:
                return
            release = self._lock(chunk, limit_s=0.0)
            if release is None:
                later.append(chunk)
                continue
            with release:
                yield from self._chunk(chunk, patience, stop)
                yield Item(release=release.pop_all())
        for chunk in later:
            if stop.is_set() or patience.spent:
                return
            log.info("waiting for another backfill to finish %s", chunk.day)
            release = None
            while release is None and not stop.is_set():
                release = self._lock(chunk, limit_s=1.0)
            with release or ExitStack():
                yield from self._chunk(chunk, patience, stop)
                if release is not None:
                    yield Item(release=release.pop_all())

    def _lock(self, chunk: Chunk, *, limit_s: float) -> ExitStack | None:
        """Return something that releases the chunk, or None when somebody else has it."""
        lock = FileLock(self.locks / f".chunk-{chunk.series}-{chunk.day}.lock")
        with ExitStack() as stack:
            try:
                stack.enter_context(lock.hold(limit_s=limit_s))
            except TimeoutError:
                return None
            return stack.pop_all()

    def _chunk(self, chunk: Chunk, patience: Patience, stop: threading.Event) -> Iterator[Item]:
        records = self._listed(chunk, patience)
        if isinstance(records, SourceError):
            yield from (_miss(chunk.series, label, records) for label in chunk.labels)
            return
        todo = insist(lambda: self._undecided(records))
        yield from self._lost(chunk, records, todo)
        failed: list[Item] = []
        for record in todo:
            if stop.is_set() or patience.spent:
                break
            item = self._item(record, patience)
            if item.miss is not None and item.miss.reason is MissReason.OUTAGE:
                failed.append(item)
            else:
                yield item
        # Once more, now that some time has passed.
        for item in failed:
            if stop.is_set() or patience.spent or item.record is None:
                yield Item(miss=item.miss)
            else:
                yield self._item(item.record, patience)

    def _listed(self, chunk: Chunk, patience: Patience) -> list[Record] | SourceError:
        """List a chunk, at the second try if need be: a garbled reply must not cost a day."""
        failure = SourceError("never asked")
        for _ in range(LISTING_TRIES):
            try:
                records = self._list(chunk)
            except SourceError as exc:
                log.warning("%s %s cannot be listed: %s", chunk.series, chunk.day, exc)
                failure = exc
                patience.failed()
            else:
                patience.succeeded()
                return records
        return failure

    def _list(self, chunk: Chunk) -> list[Record]:
        """List the chunk with one query, in its own order."""
        first, last = min(chunk.labels), max(chunk.labels)
        found = self.source.find(
            chunk.series,
            start=tai_label_to_utc(first),
            end=tai_label_to_utc(last) + timedelta(seconds=1),
        )
        by_label = {record.key.t_rec: record for record in found}
        return [by_label[label] for label in chunk.labels if label in by_label]

    def _undecided(self, records: Sequence[Record]) -> list[Record]:
        """Store what was listed; return the records that some model has not decided."""
        now = utc_now()
        with session_scope(self.engine) as session:
            if records:
                refuse_to_mix(store.base_urls(session, records[0].key.series), self.source.base_url)
            store.add_records(
                session,
                records,
                source=self.source.name,
                base_url=self.source.base_url,
                run_id=self.run_id,
                listed_at=now,
            )
            left: set[RecordKey] = set()
            for package in self.packages:
                events = [spec.event for spec in package.events]
                undecided = store.undecided(session, records, model=package.id, events=events)
                left |= {record.key for record in undecided}
        return [record for record in records if record.key in left]

    def _lost(
        self, chunk: Chunk, records: Sequence[Record], todo: Sequence[Record]
    ) -> Iterator[Item]:
        """Account for the slots that need nothing: decided meanwhile, or without a record."""
        listed = {record.key.t_rec for record in records}
        for label in chunk.labels:
            if label not in listed:
                key = RecordKey(series=chunk.series, t_rec=label)
                words = f"{self.source.name} lists no record"
                yield Item(miss=Miss(key=key, reason=MissReason.NO_RECORD, detail=words))
        yield from (Item(decided=True) for _ in range(len(records) - len(todo)))

    def _item(self, record: Record, patience: Patience) -> Item:
        refusal = screen_record(record)
        if refusal is not None:
            return Item(record=record, refusal=refusal)
        archived = self._archived(record)
        if archived is not None:
            return archived
        try:
            file = self.source.download(record)
        except SourceError as exc:
            log.warning("%s", exc)
            if exc.retriable:
                patience.failed()
            return _miss(record.key.series, record.key.t_rec, exc, record)
        patience.succeeded()
        return Item(record=record, file=file)

    def _archived(self, record: Record) -> Item | None:
        """Return the record with its frames, where the archive has them for every model."""
        if self.frames is None:
            return None
        found = [
            self.frames.get(record.key, spec, recnum=record.recnum)
            for spec in distinct_frames(self.packages)
        ]
        frames = [frame for frame in found if frame is not None]
        if len(frames) < len(found):
            return None
        return Item(
            record=record, file=frames[0].source, frames=tuple(frame.tenths for frame in frames)
        )


def _miss(series: str, label: str, error: SourceError, record: Record | None = None) -> Item:
    if isinstance(error, RecordOfflineError):
        reason = MissReason.OFF_LINE
    else:
        reason = MissReason.OUTAGE if error.retriable else MissReason.FAILED
    key = RecordKey(series=series, t_rec=label)
    return Item(record=record, miss=Miss(key=key, reason=reason, detail=str(error)))
