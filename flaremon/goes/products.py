"""What is fetched from SWPC, and how each product is read."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flaremon.domain import Duplicate, Flare, Forecast, NoaaRegion, XrayState, one_per_flare
from flaremon.errors import SourceProtocolError, SourceUnavailableError
from flaremon.goes.canary import Canary
from flaremon.goes.flares import read_as_of, read_automatic, read_edited
from flaremon.goes.probabilities import read_probabilities
from flaremon.goes.regions import read_regions
from flaremon.goes.xrays import read_xrays

log = logging.getLogger(__name__)

CATALOG = "swpc"
"""Name of the list that SWPC's products make together: the edited reports revise the automatic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One file of SWPC."""

    name: str
    path: str
    read_flares: Callable[[Sequence[Any], Canary], list[Flare]] | None = None
    read_xrays: Callable[[Sequence[Any], Canary], list[XrayState]] | None = None
    read_forecasts: Callable[[Sequence[Any], Canary], list[Forecast]] | None = None
    read_regions: Callable[[Sequence[Any], Canary], list[NoaaRegion]] | None = None
    read_as_of: Callable[[Sequence[Any], Canary], datetime | None] | None = None
    never_empty: bool = False
    """Lists of flares and of regions may be empty at solar minimum; the others may not."""
    usual: bool = True
    """Whether it is fetched each time, and not only where the others leave something open."""


PRODUCTS: Mapping[str, Product] = {
    product.name: product
    for product in (
        Product(
            name="xrays-7-day",
            path="/json/goes/primary/xrays-7-day.json",
            read_xrays=read_xrays,
            never_empty=True,
            usual=False,
        ),
        Product(
            name="xrays-6-hour",
            path="/json/goes/primary/xrays-6-hour.json",
            read_xrays=read_xrays,
            never_empty=True,
        ),
        Product(
            name="xray-flares-7-day",
            path="/json/goes/primary/xray-flares-7-day.json",
            read_flares=read_automatic,
        ),
        Product(
            name="xray-flares-latest",
            path="/json/goes/primary/xray-flares-latest.json",
            read_flares=read_automatic,
            read_as_of=read_as_of,
            never_empty=True,
        ),
        Product(name="edited_events", path="/json/edited_events.json", read_flares=read_edited),
        Product(
            name="solar_probabilities",
            path="/json/solar_probabilities.json",
            read_forecasts=read_probabilities,
            never_empty=True,
        ),
        Product(name="solar_regions", path="/json/solar_regions.json", read_regions=read_regions),
        Product(
            name="xrays-6-hour-secondary",
            path="/json/goes/secondary/xrays-6-hour.json",
            read_xrays=read_xrays,
            never_empty=True,
            usual=False,
        ),
        Product(
            name="xray-flares-7-day-secondary",
            path="/json/goes/secondary/xray-flares-7-day.json",
            read_flares=read_automatic,
            usual=False,
        ),
    )
}
"""In the order in which they are fetched and stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What a product says, and what the canary says about the product."""

    canary: Canary
    flares: Sequence[Flare] = ()
    xrays: Sequence[XrayState] = ()
    duplicates: Sequence[Duplicate] = ()
    forecasts: Sequence[Forecast] = ()
    regions: Sequence[NoaaRegion] = ()
    as_of: datetime | None = None
    """The minute up to which the product says it is; None where it does not say."""


def read_product(name: str, body: bytes) -> Observed:
    """Read the reply of a product.

    What is missing in it or makes no sense is named in one warning and counted in the canary.

    Raises
    ------
    SourceUnavailableError
        The reply is empty, as when the file is being replaced.
    SourceProtocolError
        It is not JSON, not a list, has no rows where there are always some, or no row of it can
        be read.
    """
    product = PRODUCTS[name]
    rows = _rows(name, body)
    canary = Canary(product=name)
    if not rows and product.never_empty:
        raise SourceProtocolError(f"SWPC's {name} is an empty list, which it never is")
    flares = product.read_flares(rows, canary) if product.read_flares else []
    xrays = product.read_xrays(rows, canary) if product.read_xrays else []
    forecasts = product.read_forecasts(rows, canary) if product.read_forecasts else []
    regions = product.read_regions(rows, canary) if product.read_regions else []
    as_of = product.read_as_of(rows, canary) if product.read_as_of else None
    if rows and not canary.read:
        raise SourceProtocolError(
            f"SWPC's {name} has changed: none of its rows can be read. {canary.trouble}"
        )
    if canary.trouble:
        log.warning("SWPC's product has changed: %s", canary.trouble)
    if product.read_xrays and canary.gaps and not xrays:
        log.warning("SWPC's %s has a gap in each of its %d minutes", name, canary.gaps)
    kept, duplicates = one_per_flare(flares)
    for duplicate in duplicates:
        log.info("%s: %s", name, duplicate.in_words)
    return Observed(
        canary=canary,
        flares=kept,
        xrays=xrays,
        duplicates=duplicates,
        forecasts=forecasts,
        regions=regions,
        as_of=as_of,
    )


def _rows(name: str, body: bytes) -> list[Any]:
    from flaremon.web import excerpt  # noqa: PLC0415 - httpx, which `status` need not pay

    if not body.strip():
        raise SourceUnavailableError(f"SWPC's {name} is an empty reply")
    try:
        # NaN and Infinity are no JSON; they come out as text and fail where a number is wanted.
        rows = json.loads(body, parse_constant=str)
    except (ValueError, RecursionError) as exc:
        what = "a web page" if body.lstrip()[:1] == b"<" else "not JSON"
        raise SourceProtocolError(f"SWPC's {name} is {what}: {excerpt(body)[:160]}") from exc
    if not isinstance(rows, list):
        raise SourceProtocolError(f"SWPC's {name} is not a list: {excerpt(body)[:160]}")
    return rows
