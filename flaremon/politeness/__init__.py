"""One request at a time to the JSOC, and the live job first: lane, deadline, circuit breaker, way.

The JSOC asks its users for one connection and blocks addresses that ask too much.

==========  =======================================================
circuit     how long to leave a host alone that keeps failing
lane        the one connection of this machine to one host
way         the one device of this machine
==========  =======================================================
"""

from flaremon.politeness.circuit import FAILURES_TO_OPEN, FIRST_PAUSE_S
from flaremon.politeness.lane import LEAST_INTERVAL_S, Deadline, Lane, Turn
from flaremon.politeness.way import Way

__all__ = [
    "FAILURES_TO_OPEN",
    "FIRST_PAUSE_S",
    "LEAST_INTERVAL_S",
    "Deadline",
    "Lane",
    "Turn",
    "Way",
]
