"""What GOES observed: SWPC's near-real-time products, and flare lists in files.

A magnetogram forecasts, GOES observes. Products change without notice, so each is read with a
canary: fields that are missing or unreadable are counted and named, once per product, and a
product of which nothing can be read is an error, never "no flares".

==========  =======================================================
canary      what was expected of a product and is not there
values      times, classes, regions as SWPC writes them
products    what is fetched, and how each is read
flares      reports of flares, from three products
xrays       the X-ray flux
swpc        fetches and reads one product
csvfile     flare lists in CSV files
==========  =======================================================
"""

from flaremon.goes.canary import Canary
from flaremon.goes.csvfile import FlareFile, read_flare_csv
from flaremon.goes.products import CATALOG, PRODUCTS, Observed, read_product
from flaremon.goes.swpc import Swpc

__all__ = [
    "CATALOG",
    "PRODUCTS",
    "Canary",
    "FlareFile",
    "Observed",
    "Swpc",
    "read_flare_csv",
    "read_product",
]
