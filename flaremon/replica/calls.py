"""Who asked what: the log that tests of politeness read."""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class Call:
    """One request."""

    time: datetime
    endpoint: str
    number: int
    """How many requests of this endpoint there were, this one included."""
    method: str
    path: str
    args: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    status: int = 0
    """HTTP status of the answer; 0 as long as there is none."""
    bytes: int = 0
    """Bytes of the body that were sent."""


class CallLog:
    """Counts calls, and how many were in flight at once."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.max_in_flight = 0
        self.in_flight = 0
        self._numbers: Counter[str] = Counter()
        self._lock = threading.Lock()

    def enter(self, call: Call) -> None:
        """Note a request that has arrived; numbers it."""
        with self._lock:
            self._numbers[call.endpoint] += 1
            call.number = self._numbers[call.endpoint]
            self.calls.append(call)
            self.in_flight += 1
            self.max_in_flight = max(self.max_in_flight, self.in_flight)

    def leave(self) -> None:
        """Note that a request is answered."""
        with self._lock:
            self.in_flight -= 1
