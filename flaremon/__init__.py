"""Near-real-time solar flare monitoring from SDO/HMI magnetograms.

A plain library that happens to be scheduled: `flaremon` knows the Sun, the JSOC, the network
and the database and has never heard of Prefect; `flows` knows Prefect and calls `flaremon`.
Everything runs from a Python prompt or the command line without a Prefect server.

Rooms, in the order in which they may import: a room imports only rooms above it, and
`tests/test_architecture.py` reads this very list.

==============  ==================================================================================
errors          what can go wrong, and whether trying again can help
times           TAI slot times as JSOC writes them, UTC instants; cadence arithmetic
sun             where the Sun is and how large it looks, to the accuracy that an image needs
domain          the things we talk about, as frozen dataclasses and enums
config          settings of this machine; the only reader of the environment
disk            files whole or absent, locks between processes, errors of the disk
politeness      one request at a time to the JSOC: lane, deadline, back-off, circuit breaker
cache           downloaded files by record key: atomic, hashed, bounded
web             HTTP with wall-clock deadlines, from one host
jsoc            find and download records from the JSOC; translates its failures
goes            what GOES observed: SWPC's products and flare lists, parsed with a canary
replica         a JSOC on loopback that serves a folder of FITS files, faults included
compiled        loops compiled to machine code by numba, and kept on disk
fits            a FITS file in, a checked `Magnetogram` out
images          8-bit JP2 and JPG magnetograms in, a `Magnetogram` out
resample        conservative area resampling of a rotated image
preprocess      a magnetogram to the standard frame, the frame to the network's plane
gates           what must not be predicted, and why
network         the CNN, nothing else
package         a model package on disk: card, checksum, weights to network
inference       batches of planes to probabilities, on a device
schema          the tables
migrations      the history of the tables
database        engines, their pragmas, and the schema version they must be at
store           rows in, rows out; takes a session, never commits
verify          skill of forecasts, beside the baselines, with intervals
truth           what became of windows; recent activity; baselines, by the stored flare list
calibration     a network's number to a probability, given recent activity
serving         which model answers, since when, and who decided it
batch           files in, answers out, no database
pipeline        one record from start to end, in one readable function
job             find, download, score and store all that is not decided
frames          an archive of standard frames, to score history again from
backfill        history: an exact plan, and the crew that works it off
coverage        what of the slot grid is predicted, rejected or missing, and why
regions         which regions an answer is from, where these are, and NOAA's numbers for them
wiring          settings to engines, sources, packages and predictors
status          the answer in words, its age, and exit codes
receipts        where one answer comes from, and the same number once more
picture         the magnetogram with limb and grid, and the answer, as a picture
training        data set, loop, evaluation; nothing imports it but the command line
demo            the main job on real files, off-line
cli             the command line: parse, call one function, print one result
==============  ==================================================================================

Decisions that are easy to question
-----------------------------------
A record of class AVOID (eclipse, open loop, camera trouble) is rejected, not scored with a flag:
an honest gap beats a bad answer. Rejections hold for one record number, so a slot that the JSOC
makes anew is tried again; a young file that is not the record's is a failure, not a rejection.

A wrong option ends with 3 and not with Typer's 2, and a traceback with 3 and not with Python's 1:
for whoever watches exit codes, 1 is "flare" and 2 is "unknown".

drms makes the queries and export requests, httpx sends them: drms has no deadlines, and its
downloads report truncated files as success. Resampling is ours, because every library at hand is
ten times slower or loses flux; sunpy is the oracle that the tests compare it with.

A replay and the live source never share a database: old images under new dates would read as
live.

Where do I go to ...
--------------------
change what JSOC is asked          `jsoc` (and `replica`, which must answer it)
accept or refuse another record    `gates`
change the network's input         `preprocess`, then train a new model version
add a column                       `schema`, then a new file in `migrations/versions`
add a command                      `cli`
add a flow                         `flows/`, which holds no science
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("flaremon")
except PackageNotFoundError:  # a bare checkout on the path
    __version__ = "0+unknown"
