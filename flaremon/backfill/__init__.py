"""History: an exact plan, and the crew that works it off.

::

    what to do      grid -> plan                       slots of a range, without what is decided
    where from      feed (JSOC, archive of frames)     folder (files of one's own)
    how             decoding -> pool -> scoring        in worker processes, in batches
    all of it       crew -> work                       patience (outages), tally (counts)
    elsewhere       cluster                            days to the workers of a Dask cluster
                    reckoning                          what became of days that others worked on
    afterwards      rescoring, reconciling             from the archive of frames

Nothing here is a second main job: gates, preprocessing, network, calibration and transactions are
those of `flaremon.job` and `flaremon.pipeline`. What is new is that they overlap.
"""

from flaremon.backfill.crew import Crew
from flaremon.backfill.folder import FolderFeed, find_files
from flaremon.backfill.grid import Grid, make_grid
from flaremon.backfill.plan import Chunk, Order, Plan, grouped, make_plan
from flaremon.backfill.scoring import Model
from flaremon.backfill.tally import Tally
from flaremon.backfill.work import Backfill

__all__ = [
    "Backfill",
    "Chunk",
    "Crew",
    "FolderFeed",
    "Grid",
    "Model",
    "Order",
    "Plan",
    "Tally",
    "find_files",
    "grouped",
    "make_grid",
    "make_plan",
]
