"""A FITS file in, a checked `Magnetogram` out.

Files come in two kinds: as the JSOC stores them (SUMS), without any keywords of their own, so
that the keywords of the query are the header; and as it exports them, with a full header that
must agree with what was asked for. Whatever is wrong with a file ends in a `FitsError`.

==========  ===================================================================
structure   is the file whole? before anybody decodes a pixel
keywords    cards or keyword strings to numbers, times, a geometry
identity    is it the instrument, the unit and the very record that it should be?
rice        the pixels of files that are made as HMI's are
reading     the pixels of all others, and all of it put together
==========  ===================================================================
"""

from flaremon.fits.keywords import geometry_from
from flaremon.fits.reading import prepare, read_fits, read_magnetogram

__all__ = ["geometry_from", "prepare", "read_fits", "read_magnetogram"]
