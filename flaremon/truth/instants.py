"""Between arrays of instants and aware UTC, and how a version of a list is written."""

from datetime import UTC, datetime

import numpy as np

from flaremon.verify.labels import FlareList, Times


def aware(times: Times) -> list[datetime]:
    """Return datetime64[s] in UTC as aware instants."""
    return [time.replace(tzinfo=UTC) for time in times.astype("datetime64[s]").tolist()]


def list_version(flares: FlareList) -> str:
    """Say which list it was: ``swpc as of 2026-11-24T09:00:00Z``."""
    as_of = (
        "never read" if flares.as_of is None else f"as of {np.datetime_as_string(flares.as_of)}Z"
    )
    return f"{flares.catalog} {as_of}"
