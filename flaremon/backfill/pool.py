"""Worker processes that survive the death of one of them; results in the order of the orders."""

import logging
import multiprocessing
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import forkserver
from types import TracebackType
from typing import Generic, Self, TypeVar

from flaremon.backfill.decoding import Assignment, Decode, Decoded, start_worker

log = logging.getLogger(__name__)

T = TypeVar("T")

_PRELOADED = "flaremon.backfill.preloaded"


@dataclass
class _Pending(Generic[T]):
    tag: T
    order: Assignment | None
    future: Future[Decoded] | None


class Decoders(Generic[T]):
    """Decodes files in processes; 0 workers decode in this one.

    Parameters
    ----------
    decode
        Module-level function that takes an order; it is sent by name.
    workers : int
        How many processes.
    """

    def __init__(self, decode: Decode, workers: int) -> None:
        self._decode = decode
        self._workers = workers
        self._pending: deque[_Pending[T]] = deque()
        self._pool = self._new_pool()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=kind is None, cancel_futures=True)

    def __len__(self) -> int:
        return len(self._pending)

    @property
    def ready(self) -> bool:
        """Whether `take` would not wait."""
        if not self._pending:
            return False
        future = self._pending[0].future
        return future is None or future.done()

    @property
    def full(self) -> bool:
        """Whether enough is ordered to keep every worker busy."""
        return len(self._pending) > 2 * self._workers

    def put(self, tag: T, order: Assignment | None) -> None:
        """Order a file; without an order the tag just keeps its place in the row."""
        future = None
        if order is not None:
            future = self._submit(order)
        self._pending.append(_Pending(tag, order, future))

    def take(self) -> tuple[T, Decoded | None]:
        """Return the oldest order's tag and result, waiting for it; None where nothing was ordered.

        When a worker died nobody knows whose order it had, so the oldest is tried once more,
        alone: if its worker dies again it is the one, and is given back as unreadable.
        """
        item = self._pending.popleft()
        if item.future is None or item.order is None:
            return item.tag, None
        try:
            return item.tag, item.future.result()
        except BrokenProcessPool:
            decoded = self._alone(item.order)
            self._order_again()
            return item.tag, decoded

    def _submit(self, order: Assignment) -> Future[Decoded]:
        if self._pool is None:
            future: Future[Decoded] = Future()
            future.set_result(self._decode(order))
            return future
        try:
            return self._pool.submit(self._decode, order)
        except BrokenProcessPool:
            self._replace_pool()
            self._order_again()
            return self._pool.submit(self._decode, order)

    def _alone(self, order: Assignment) -> Decoded:
        self._replace_pool()
        try:
            return self._submit(order).result()
        except BrokenProcessPool:
            self._replace_pool()
            words = f"{order.path}: the process that decoded it died, twice"
            return Decoded(record=order.record, crashed=words)

    def _order_again(self) -> None:
        """Order again what a broken pool had not finished."""
        for item in self._pending:
            if item.order is not None and item.future is not None and _lost(item.future):
                item.future = self._submit(item.order)

    def _replace_pool(self) -> None:
        log.warning("a decoding process died; starting %d new ones", self._workers)
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = self._new_pool()

    def _new_pool(self) -> ProcessPoolExecutor | None:
        if not self._workers:
            return None
        # Neither torch nor a database connection survives a fork, so workers are forked from a
        # process that has neither.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([_PRELOADED])
        forkserver.ensure_running()  # and not at the first file: it has a second of work to do
        return ProcessPoolExecutor(self._workers, mp_context=context, initializer=start_worker)


def _lost(future: Future[Decoded]) -> bool:
    if not future.done():
        return True
    return future.cancelled() or isinstance(future.exception(), BrokenProcessPool)
