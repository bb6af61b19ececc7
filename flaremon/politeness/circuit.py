"""The circuit breaker: how long to leave a host alone that keeps failing.

Its state is a small file that all processes share, since each run of a schedule may be a process
of its own. After five failures in a row the circuit opens; once the pause is over, one request
goes through as a probe, and if that fails too the pause doubles.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TextIO

from flaremon.times import iso_z

FAILURES_TO_OPEN = 5
FIRST_PAUSE_S = 60.0
LONGEST_PAUSE_S = 600.0
"""Shorter than the 12 min of a slot: when the JSOC is back, the next poll finds out."""
LONGEST_REST_S = 3600.0
"""The longest pause that a server is obeyed for."""
_MAX_DOUBLINGS = 10


@dataclass
class Circuit:
    """What is known about a host; instants in seconds since 1970."""

    started: float = 0.0
    """When the last request started."""
    failures: int = 0
    """Without a success in between."""
    closed_until: float = 0.0
    """No request before this; 0 when all is well."""

    @classmethod
    def read(cls, file: TextIO) -> "Circuit":
        """Read the file; a torn one counts as new, which errs towards asking again."""
        file.seek(0)
        try:
            fields = json.loads(file.read())
            return cls(
                float(fields["started"]), int(fields["failures"]), float(fields["closed_until"])
            )
        except (ValueError, KeyError, TypeError):
            return cls()

    def write(self, file: TextIO) -> None:
        """Replace the content of the file."""
        file.seek(0)
        file.truncate()
        json.dump(asdict(self), file)
        file.flush()

    def note(self, now: float, rest_s: float, *, failed: bool) -> None:
        """Take in how a request ended.

        Parameters
        ----------
        now : float
            Seconds since 1970.
        rest_s : float
            Pause that the server asked for, in s; 0 if it did not.
        """
        self.failures = self.failures + 1 if failed else 0
        pause_s = min(rest_s, LONGEST_REST_S)
        excess = self.failures - FAILURES_TO_OPEN
        if excess >= 0:
            doubled = FIRST_PAUSE_S * 2.0 ** min(excess, _MAX_DOUBLINGS)
            pause_s = max(pause_s, min(LONGEST_PAUSE_S, doubled))
        self.closed_until = now + pause_s if pause_s else 0.0

    @property
    def is_open(self) -> bool:
        """Whether it takes a probe to go on; a pause that the server asked for does not."""
        return self.failures >= FAILURES_TO_OPEN

    @property
    def in_words(self) -> str:
        """Why there is no request now, and until when."""
        until = iso_z(datetime.fromtimestamp(self.closed_until, tz=UTC))
        if not self.is_open:
            return f"asked for a pause and is left alone until {until}"
        return f"failed {self.failures} times in a row and is left alone until {until}"
