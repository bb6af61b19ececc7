"""SWPC over HTTP: one request at a time, with a wall-clock limit."""

from pathlib import Path
from typing import TYPE_CHECKING

from flaremon.errors import SourceProtocolError
from flaremon.goes.products import PRODUCTS, Observed, read_product
from flaremon.politeness import Lane, Turn

if TYPE_CHECKING:
    from flaremon.config import SwpcSettings

MAX_BYTES = 16_000_000
"""The largest product, seven days of X-rays, has 4.6 MB."""
SETTING = "FLAREMON_SWPC__BASE_URL"


class Swpc:
    """NOAA's Space Weather Prediction Center, or a stand-in for it.

    Parameters
    ----------
    settings : SwpcSettings
        Where it is, and how patient to be.
    folder : Path
        Where the lane's file is; processes with the same folder share one connection.
    """

    def __init__(self, settings: "SwpcSettings", folder: Path) -> None:
        from flaremon.web import Web  # noqa: PLC0415 - httpx, which `flaremon status` need not pay

        self._base_url = settings.base_url
        self._limit_s = settings.deadline_s
        self._attempts = settings.attempts
        self._lane = Lane(folder, settings.base_url, min_interval_s=settings.min_interval_s)
        self._web = Web(settings.base_url, silence_s=settings.deadline_s, setting=SETTING)

    def read(self, name: str) -> Observed:
        """Fetch and read one of `PRODUCTS`.

        Raises
        ------
        SourceUnavailableError
            No whole answer in time; trying again can help.
        SourceProtocolError
            An answer that we do not understand.
        """
        return self._lane.ask(
            lambda turn: read_product(name, self._body(name, turn)),
            limit_s=self._limit_s,
            attempts=self._attempts,
        )

    def _body(self, name: str, turn: Turn) -> bytes:
        url = f"{self._base_url}{PRODUCTS[name].path}"
        with self._web.open(url, turn=turn) as reply:
            reply.raise_for_status(f"SWPC's {name}", turn)
            body = bytearray()
            for chunk in reply.chunks():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise SourceProtocolError(
                        f"SWPC's {name} is larger than {MAX_BYTES} bytes; it has at most 5 MB"
                    )
            return bytes(body)
