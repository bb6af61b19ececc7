"""Which regions an answer is from: where they are on the Sun, and NOAA's numbers for them.

===========  ===========================================================================
coordinates  from the disk to heliographic coordinates, and through time; sunpy's, slow to
             import, so only when positions are asked for
numbering    which of NOAA's regions are near
located      shares to shares with place and number
explaining   the regions of stored answers: as kept, else from the archive of frames
words        all of it for people, and as JSON
===========  ===========================================================================

Networks without a map, and baselines, say nothing of regions, and that is said too.
"""

from flaremon.regions.explaining import Explained, Tools, Whence, explain, headline
from flaremon.regions.located import LocatedRegion, locate
from flaremon.regions.numbering import NEAR_DEG, numbers_near
from flaremon.regions.words import region_as_json, region_lines

__all__ = [
    "NEAR_DEG",
    "Explained",
    "LocatedRegion",
    "Tools",
    "Whence",
    "explain",
    "headline",
    "locate",
    "numbers_near",
    "region_as_json",
    "region_lines",
]
