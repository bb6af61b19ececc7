"""8-bit JP2 and JPG magnetograms in, a `Magnetogram` out.

Others publish HMI magnetograms as pictures: Helioviewer as JP2 of 4096 pixels, archives as JPG of
512. All are linear and clipped at +-250 G, black outside the disk, solar north up, the disk in
the middle, 0.6 arcsec to 1/4096 of the side. On real JPGs of a whole month the limb lies within
0.05 px of the radius, and 0.14 px from the middle, that this says.

A JP2 of Helioviewer carries its FITS header in an XML box, which then decides; otherwise the time
comes from the name, and the size and position of the Sun from `flaremon.sun`.

=======  =================================================================
names    the time of observation that a file name tells
boxes    the parts of a JP2 file, and the keywords in it
picture  grey pixels to gauss, and whether the disk is where it should be
reading  all of it put together
=======  =================================================================
"""

from flaremon.images.names import observation_time
from flaremon.images.reading import read_any, read_image

__all__ = ["observation_time", "read_any", "read_image"]
