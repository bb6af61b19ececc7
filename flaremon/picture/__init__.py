"""The magnetogram with limb and grid, the regions and the answer, as a picture.

=======  ==================================================
drawing  the disk, with everything that is said about it
marks    where the names of regions fit
=======  ==================================================

sunpy draws: it knows where the limb and the heliographic grid are. This room only builds the
header of the standard frame, marks regions and writes the words.
"""

from flaremon.picture.drawing import draw

__all__ = ["draw"]
