"""The main job: find, download, score, store whatever is not decided yet, newest first.

`run_once` does it in one call; the flows call its four steps as separate tasks, so both are the
same code. What is left to do is worked out from the database each time, so a run that was
killed at any step is finished by the next one, and running twice changes nothing.

=======  ===========================================================
report   what a run did, and what it could not do this time
steps    find, fetch, score, calibrate, keep
shadows  models that score the same records, silently
run      all of them, one after the other
noting   what a run was told to do, and how it ended
=======  ===========================================================
"""

from flaremon.job.report import Failure, Fetched, Report, ShadowTold
from flaremon.job.run import Job, chunks, run_once
from flaremon.job.shadows import Shadow, Shadows
from flaremon.job.steps import (
    UNREADABLE_UNTIL,
    calibrate,
    fetch,
    find,
    keep,
    known_files,
    may_get_better,
    recent_flares,
    refuse_to_mix,
    score,
)

__all__ = [
    "UNREADABLE_UNTIL",
    "Failure",
    "Fetched",
    "Job",
    "Report",
    "Shadow",
    "ShadowTold",
    "Shadows",
    "calibrate",
    "chunks",
    "fetch",
    "find",
    "keep",
    "known_files",
    "may_get_better",
    "recent_flares",
    "refuse_to_mix",
    "run_once",
    "score",
]
