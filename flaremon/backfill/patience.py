"""How long to wait for a source, or a database, that does not answer."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from flaremon.errors import StoreUnavailableError

log = logging.getLogger(__name__)

T = TypeVar("T")
OUTAGE_FAILURES = 3
"""Failures in a row that are no longer the fault of single files."""
STORE_PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
"""A PostgreSQL server restarts in seconds, its machine in two minutes."""


class Patience:
    """Tells an outage from bad luck, and waits it out.

    Parameters
    ----------
    limit_s : float
        How long an outage may last before the run gives up, s.
    first_pause_s : float
        Doubles until `longest_pause_s`.
    wait
        Sleeps; returns True when the run is to stop.
    """

    def __init__(
        self,
        limit_s: float,
        *,
        wait: Callable[[float], bool],
        first_pause_s: float = 15.0,
        longest_pause_s: float = 600.0,
    ) -> None:
        self._limit_s = limit_s
        self._wait = wait
        self._first_pause_s = first_pause_s
        self._longest_pause_s = longest_pause_s
        self._failures = 0
        self._pause_s = first_pause_s
        self._waited_s = 0.0

    @property
    def spent(self) -> bool:
        """Whether an outage has lasted too long."""
        return self._waited_s >= self._limit_s and self._failures >= OUTAGE_FAILURES

    def succeeded(self) -> None:
        """Forget what went wrong before."""
        self._failures = 0
        self._waited_s = 0.0
        self._pause_s = self._first_pause_s

    def failed(self) -> None:
        """Count a failure that may pass; wait when it is one of an outage."""
        self._failures += 1
        if self._failures < OUTAGE_FAILURES or self._waited_s >= self._limit_s:
            return
        pause_s = min(self._pause_s, self._limit_s - self._waited_s)
        log.warning("the source fails again and again; asking it again in %.0f s", pause_s)
        self._wait(pause_s)
        self._waited_s += pause_s
        self._pause_s = min(2 * self._pause_s, self._longest_pause_s)


def insist(call: Callable[[], T]) -> T:
    """Make a transaction again while the database cannot be reached; it must be repeatable.

    Raises
    ------
    StoreUnavailableError
        It stayed away for two minutes.
    StoreError
        Any other trouble, at once.
    """
    for pause_s in STORE_PAUSES_S:
        try:
            return call()
        except StoreUnavailableError as exc:
            log.warning("%s; trying again in %.1f s", exc, pause_s)
            time.sleep(pause_s)
    return call()
