"""Progress of long work on stderr: a bar for who watches, a line at intervals for a log."""

import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flaremon.backfill import Tally

LINE_EVERY_S = 30.0
BAR_EVERY_S = 0.2
_WIDTH = 30


def duration(seconds: float) -> str:
    """Write a duration as ``45 s``, ``12 min`` or ``3.5 h``."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


class Progress:
    """Called with the tally whenever something changed.

    Parameters
    ----------
    label : str
        What is being done, for the lines of a log.
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._bar = sys.stderr.isatty()
        self._began = time.monotonic()
        self._told = self._began if not self._bar else 0.0
        self._drawn = False

    def __call__(self, tally: "Tally") -> None:
        """Tell how far it is, if the last time was long enough ago."""
        now = time.monotonic()
        if now - self._told < (BAR_EVERY_S if self._bar else LINE_EVERY_S):
            return
        self._told = now
        self._tell(tally, now - self._began)

    def close(self) -> None:
        """Leave the bar's line."""
        if self._drawn:
            sys.stderr.write("\n")
            sys.stderr.flush()

    def _tell(self, tally: "Tally", spent_s: float) -> None:
        rate = tally.done / spent_s if spent_s else 0.0
        left = f", {duration((tally.planned - tally.done) / rate)} left" if rate else ""
        words = f"{tally.done} of {tally.planned}, {rate:.1f}/s{left}, {len(tally.failures)} failed"
        if self._bar:
            share = tally.done / tally.planned if tally.planned else 1.0
            full = "#" * round(_WIDTH * share)
            sys.stderr.write(f"\r\x1b[K[{full:.<{_WIDTH}}] {share:4.0%}  {words}")
            self._drawn = True
        else:
            sys.stderr.write(f"flaremon: {self._label}: {words}\n")
        sys.stderr.flush()
