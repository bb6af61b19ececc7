"""The answer in words, its age, and exit codes: three facts that never stand for each other.

==========  =======================================================
ages        how old something is, and whether that is too old
whence      a replay's or a mirror's record, told from the JSOC's own
cnn         (a) what the network says: flare or no flare
goes        (b) what GOES observes: the class now, a flare in progress
baselines   climatology and persistence, stored or computed
outlook     (c) the next 24 h, beside the baselines and NOAA's own
facts       all three, and the exit code
changes     since when each has been so
words       for people
document    for machines
==========  =======================================================

An answer is never stale without saying so, and "no data" never reads as "no flare": each fact
turns STALE or UNKNOWN on its own, and says why. GOES never makes up for a network that is
silent, nor the network for GOES.
"""

from flaremon.status.ages import CLOCK_TOLERANCE, FactState, in_hours
from flaremon.status.baselines import Beside
from flaremon.status.changes import Change, Changes, find_changes
from flaremon.status.cnn import Answer, answer
from flaremon.status.document import as_json, changes_as_json, facts_as_json
from flaremon.status.facts import Facts, Question, Watch, exit_code, gather
from flaremon.status.goes import InProgress, Observed, observe
from flaremon.status.outlook import Outlook, Reliability
from flaremon.status.whence import elsewhere
from flaremon.status.words import changes_in_words, facts_in_words, in_words, yes_or_no

__all__ = [
    "CLOCK_TOLERANCE",
    "Answer",
    "Beside",
    "Change",
    "Changes",
    "FactState",
    "Facts",
    "InProgress",
    "Observed",
    "Outlook",
    "Question",
    "Reliability",
    "Watch",
    "answer",
    "as_json",
    "changes_as_json",
    "changes_in_words",
    "elsewhere",
    "exit_code",
    "facts_as_json",
    "facts_in_words",
    "find_changes",
    "gather",
    "in_hours",
    "in_words",
    "observe",
    "yes_or_no",
]
