"""What became of windows; recent activity; baselines, by the stored flare list.

::

    observed    SWPC's products into the database: flares, X-rays, what the list answers for
    history     flares of the past from the HEK, by month
    outcomes    windows that were forecast to what became of them, by judging and reasons
    activity    what the Sun did in the 72 h up to an observation
    baselines   persistence and trailing climatology, stored as forecasts; live: beside a run,
                filling: beside predictions of the past
    external    other people's forecasts from files, stored as forecasts

Functions take a session and never commit. Flares count by their start, classes are of true
flux, and what a list does not answer for is unknown, never negative.
"""

from flaremon.truth.activity import recent_activity
from flaremon.truth.baselines import PERSISTENCE, TRAILING_CLIMATOLOGY, issue_baselines
from flaremon.truth.external import Imported, import_forecasts
from flaremon.truth.filling import fill_baselines
from flaremon.truth.live import keep_baselines
from flaremon.truth.outcomes import AT_ONCE, REVISED_WITHIN, Decided, Tally, decide

__all__ = [
    "AT_ONCE",
    "PERSISTENCE",
    "REVISED_WITHIN",
    "TRAILING_CLIMATOLOGY",
    "Decided",
    "Imported",
    "Tally",
    "decide",
    "fill_baselines",
    "import_forecasts",
    "issue_baselines",
    "keep_baselines",
    "recent_activity",
]
