"""What GOES observed: SWPC's near-real-time products, and flare lists in files.

A magnetogram forecasts, GOES observes. Products change without notice, so each is read with a
canary: fields that are missing or unreadable are counted and named, once per product, and a
product of which nothing can be read is an error, never "no flares".

=============  ====================================================
canary         what was expected of a product and is not there
values         times, classes, regions as SWPC writes them
products       what is fetched, and how each is read
flares         reports of flares, from three products
xrays          the X-ray flux
probabilities  NOAA's own forecast
regions        NOAA's numbers of active regions, and where these are
covered        what the list answers for, by one reading of them all
swpc           fetches and reads one product
hek            flares of the past, from the HEK
csvfile        flare lists in CSV files
coveragefile   what such a list answers for
csvrows        rows of CSV files that know where they are
srs            summaries of regions in files
=============  ====================================================
"""

from flaremon.goes.canary import Canary
from flaremon.goes.coveragefile import read_coverage_csv
from flaremon.goes.covered import (
    SECOND_LIST,
    SECOND_XRAYS,
    Covered,
    covered,
    only_unseen,
    unseen,
)
from flaremon.goes.csvfile import FlareFile, read_flare_csv
from flaremon.goes.hek import HEK_CATALOG, HEK_URL, Hek
from flaremon.goes.probabilities import DESCRIPTION as FORECASTER_DESCRIPTION
from flaremon.goes.probabilities import FORECASTER
from flaremon.goes.products import CATALOG, PRODUCTS, Observed, read_product
from flaremon.goes.srs import read_region_file
from flaremon.goes.swpc import Swpc

__all__ = [
    "CATALOG",
    "FORECASTER",
    "FORECASTER_DESCRIPTION",
    "HEK_CATALOG",
    "HEK_URL",
    "PRODUCTS",
    "SECOND_LIST",
    "SECOND_XRAYS",
    "Canary",
    "Covered",
    "FlareFile",
    "Hek",
    "Observed",
    "Swpc",
    "covered",
    "only_unseen",
    "read_coverage_csv",
    "read_flare_csv",
    "read_product",
    "read_region_file",
    "unseen",
]
