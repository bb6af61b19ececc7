"""An archive of standard frames: what is left of a magnetogram once it is scored.

A frame has 0.5 MB where its file has 15, and reading one takes a tenth of a millisecond where
decoding takes a tenth of a second, so history is scored again, and models are trained, from
here.

=======  ===========================================================================
gauss    frames to 16-bit integers of 0.1 G, and back
file     one frame and where it comes from, in one file
archive  the folder: put, get, list, prune
=======  ===========================================================================

One file per frame and not one large array: a file appears whole or not at all, any number of
processes and machines can write at once without an index to agree on, retention is deleting, and
whoever copies a file copies its provenance. zarr would store each frame as a file too (a chunk),
but without its provenance, behind one index that concurrent writers must not grow together.
"""

from flaremon.frames.archive import FrameArchive, frame_id
from flaremon.frames.file import ArchivedFrame
from flaremon.frames.gauss import STEP_GAUSS, from_tenths, to_tenths

__all__ = [
    "STEP_GAUSS",
    "ArchivedFrame",
    "FrameArchive",
    "frame_id",
    "from_tenths",
    "to_tenths",
]
