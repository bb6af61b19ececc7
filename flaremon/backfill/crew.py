"""The crew: a feed, decoding processes, one network, one transaction per batch.

While a file downloads, others are decoded and those before them are scored. Between the three
are short rows of paths, so memory does not depend on how much there is to do. Whatever is killed
at any moment has stored whole batches, and the next plan begins behind them.
"""

import logging
import queue
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from flaremon import store
from flaremon.backfill.decoding import Assignment, Decode, Decoded, decode
from flaremon.backfill.feed import Item
from flaremon.backfill.patience import insist
from flaremon.backfill.pool import Decoders
from flaremon.backfill.scoring import Ready, Scorer
from flaremon.backfill.tally import NOBODYS, Progress, Tally, no_progress
from flaremon.database import session_scope
from flaremon.domain import Record, RecordKey, Refusal, RejectionReason, Source
from flaremon.errors import SourceError
from flaremon.gates import screen_duplicate
from flaremon.job import may_get_better
from flaremon.pipeline import Run
from flaremon.store import Miss, MissReason
from flaremon.times import utc_now

if TYPE_CHECKING:
    from flaremon.cache import FileCache

log = logging.getLogger(__name__)

ROW = 4
"""Downloaded files that may wait for a worker: the JSOC is slower than any of us."""
COMMIT_EVERY_S = 5.0
"""A batch that does not fill is stored after this time."""
_TICK_S = 0.02
_JOIN_S = 10.0


class Feed(Protocol):
    """Where slots come from; see `flaremon.backfill.feed`."""

    def items(self, stop: threading.Event) -> Iterator[Item]:
        """Yield every slot of the plan, until told to stop."""
        ...


@dataclass(frozen=True, kw_only=True)
class _Crash:
    error: BaseException


@dataclass(kw_only=True)
class Crew:
    """Works off a feed.

    Call `work` once; `tally` can be read at any time, after an error too.
    """

    feed: Feed
    scorer: Scorer
    tally: Tally
    source: Source | None = None
    """Fetches a file anew that is not the record's; None where there is nothing to fetch from."""
    decode: Decode = decode
    workers: int = 2
    cache: "FileCache | None" = None
    """Pruned after every chunk."""
    progress: Progress = no_progress
    stop: threading.Event = field(default_factory=threading.Event)
    """Set it to end the work after what is under way."""
    _under_way: dict[RecordKey, str] = field(default_factory=dict)
    """SHA-256 of files that are not stored yet; those before them are in the database."""
    _finished: list[RecordKey] = field(default_factory=list)
    """Those of them that the next transaction stores."""
    _releases: list[ExitStack] = field(default_factory=list)
    """Of chunks whose slots have all come out of the feed."""
    _left: bool = False
    _halt: threading.Event = field(default_factory=threading.Event)
    """Ends the feed: somebody asked us to stop, or we failed."""

    def work(self) -> Tally:
        """Take every slot of the feed to an outcome, a failure, or "no record".

        Raises
        ------
        FlaremonError
            Database, disk or model fail for good; what was done before is stored.
        """
        row: queue.Queue[Item | _Crash | None] = queue.Queue(maxsize=ROW)
        thread = threading.Thread(target=self._fill, args=(row,), name="feed", daemon=True)
        thread.start()
        try:
            with Decoders[Item](self.decode, self.workers) as decoders:
                self._drain(row, decoders)
        finally:
            self._halt.set()
            self._left = True
            # A download that is under way may last minutes; the thread dies with the process.
            thread.join(timeout=_JOIN_S)
            for release in self._releases:
                release.close()
        return self.tally

    def _fill(self, row: "queue.Queue[Item | _Crash | None]") -> None:
        """Put the feed's items into the row; the feed's errors are raised at its other end."""
        last: _Crash | None = None
        try:
            for item in self.feed.items(self._halt):
                self._put(row, item)
        except BaseException as exc:  # noqa: BLE001 - raised again in the thread that called us
            last = _Crash(error=exc)
        self._put(row, last)

    def _put(self, row: "queue.Queue[Item | _Crash | None]", item: Item | _Crash | None) -> None:
        """Wait for a place in the row, unless nobody takes anything out of it any more."""
        if isinstance(item, Item) and item.release is not None:
            self._releases.append(item.release)
        while not self._left:
            try:
                row.put(item, timeout=_TICK_S)
            except queue.Full:
                continue
            return

    def _drain(self, row: "queue.Queue[Item | _Crash | None]", decoders: Decoders[Item]) -> None:
        """Take what comes out of the row, and out of the processes, until the feed ends."""
        stored_at = time.monotonic()
        while True:
            if self.stop.is_set():
                self._halt.set()
            if decoders.ready or decoders.full:
                self._finish(*decoders.take())
            if self.scorer.full or time.monotonic() - stored_at > COMMIT_EVERY_S:
                self._store()
                stored_at = time.monotonic()
            try:
                item = row.get(block=not decoders.ready, timeout=_TICK_S)
            except queue.Empty:
                continue
            if not isinstance(item, Item):
                break
            self._begin(item, decoders)
        while len(decoders):
            self._finish(*decoders.take())
            if self.scorer.full:
                self._store()
        self._store()
        if isinstance(item, _Crash):
            raise item.error

    def _begin(self, item: Item, decoders: Decoders[Item]) -> None:
        """Order what is to be decoded; all else keeps its place in the row."""
        if item.file is None or item.frames:
            decoders.put(item, None)
            return
        refusal = self._duplicate(item.file.sha256, item.record)
        if refusal is not None:
            decoders.put(replace(item, refusal=refusal), None)
            return
        order = Assignment(path=item.file.path, record=item.record, specs=self.scorer.specs)
        decoders.put(item, order)

    def _duplicate(self, sha256: str, record: Record | None) -> Refusal | None:
        """Tell whether an earlier slot holds the very same file.

        A later one that came before is no reason: it gives the picture up when this one turns out
        to be good, see `Scorer.add`.
        """
        if record is None:
            return None

        def ask() -> Mapping[str, RecordKey]:
            with session_scope(self.scorer.engine) as session:
                return store.known_hashes(session, [sha256])

        holders = [*insist(ask).values()]
        holders += [key for key, held in self._under_way.items() if held == sha256]
        self._under_way[record.key] = sha256
        earliest = min(holders, key=lambda key: key.t_rec, default=record.key)
        return screen_duplicate(sha256, {sha256: earliest}, record.key)

    def _finish(self, item: Item, decoded: Decoded | None) -> None:
        """Turn a slot, decoded or not, into something to score or to store."""
        run = replace(self.scorer.run, now=utc_now())
        if item.record is not None:
            self._finished.append(item.record.key)
        if decoded is not None:
            self._take(item, decoded, run)
        elif item.release is not None:
            self._end_chunk(item.release)
        elif item.decided:
            self.tally.decided += 1
        elif item.miss is not None:
            self._miss(item.miss)
        elif item.record is not None and item.refusal is not None:
            self.scorer.reject(item.record, item.file, item.refusal, run)
        elif item.record is not None and item.file is not None:
            self.scorer.add(
                Ready(record=item.record, file=item.file, frames=item.frames, archived=True)
            )

    def _take(self, item: Item, decoded: Decoded, run: Run) -> None:
        if decoded.unreadable is not None and item.record is not None and self.source is not None:
            item, decoded = self._fetch_again(item, item.record, decoded, self.source)
        record, file = decoded.record or item.record, item.file
        if item.miss is not None:
            self._miss(item.miss)
        elif file is None:
            raise TypeError("a decoded slot has a file")
        elif record is None or decoded.crashed is not None:
            key = record.key if record else RecordKey(series=NOBODYS, t_rec=file.path.name)
            self._miss(_unreadable(key, decoded))
        elif (copy := self._copy(item, record)) is not None:
            self.scorer.reject(record, file, copy, run)
        elif decoded.unreadable is not None:
            refusal = Refusal(RejectionReason.UNREADABLE, decoded.unreadable)
            if may_get_better(record, refusal, run):
                self._miss(_unreadable(record.key, decoded))
            else:
                self.scorer.reject(record, file, refusal, run)
        elif decoded.refusal is not None:
            self.scorer.reject(record, file, decoded.refusal, run)
        else:
            self.tally.downloaded_bytes += file.size_bytes
            self.scorer.add(Ready(record=record, file=file, frames=decoded.frames, archived=False))

    def _copy(self, item: Item, record: Record) -> Refusal | None:
        """Ask about the file of a record that was not known before it was decoded."""
        if item.record is not None or item.file is None:
            return None
        self._finished.append(record.key)
        return self._duplicate(item.file.sha256, record)

    def _fetch_again(
        self, item: Item, record: Record, decoded: Decoded, source: Source
    ) -> tuple[Item, Decoded]:
        """Fetch a file anew that is not the record's: a mirror or a proxy can hand out another."""
        log.warning("%s; fetching it again", decoded.unreadable)
        try:
            file = source.download(record, fresh=True)
        except SourceError as exc:
            miss = Miss(key=record.key, reason=MissReason.FAILED, detail=str(exc))
            return replace(item, miss=miss), decoded
        order = Assignment(path=file.path, record=record, specs=self.scorer.specs)
        return replace(item, file=file), self.decode(order)

    def _miss(self, miss: Miss) -> None:
        self.tally.miss(miss)
        if miss.key.series != NOBODYS:
            self.scorer.miss(miss)

    def _end_chunk(self, release: ExitStack) -> None:
        self._store()
        release.close()
        if self.cache is not None:
            self.cache.prune(now=utc_now(), keep=set(self._under_way))

    def _store(self) -> None:
        self.scorer.store(self.tally)
        for key in self._finished:
            self._under_way.pop(key, None)
        self._finished.clear()
        self.progress(self.tally)


def _unreadable(key: RecordKey, decoded: Decoded) -> Miss:
    words = decoded.crashed or decoded.unreadable or "unreadable"
    return Miss(key=key, reason=MissReason.FAILED, detail=words)
