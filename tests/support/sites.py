"""A replica of the JSOC, a cache, and the adapter between them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from flaremon.cache import FileCache
from flaremon.config import JsocSettings
from flaremon.domain import Record
from flaremon.jsoc import Jsoc
from flaremon.replica import Replica

NRT = "hmi.M_720s_nrt"
END = datetime(2024, 6, 28, 2, tzinfo=UTC)
"""Two hours after the newest record of the archive of the tests."""
ADDRESS = "somebody@example.org"


class Site:
    """A replica, a cache and the adapter between them."""

    def __init__(self, replica: Replica, folder: Path, **settings: Any) -> None:
        self.replica = replica
        values: dict[str, Any] = {"min_interval_s": 0.0, "deadline_s": 20.0, "attempts": 2}
        if "email" in settings:
            settings["email"] = SecretStr(settings["email"])
        self.cache = FileCache(folder, max_bytes=10**9, max_age=timedelta(days=30))
        self.jsoc = Jsoc(JsocSettings(base_url=replica.base_url, **(values | settings)), self.cache)

    def find(self, hours: float = 6) -> list[Record]:
        return self.jsoc.find(NRT, start=END - timedelta(hours=hours), end=END)

    def endpoints(self) -> list[str]:
        return [call.endpoint for call in self.replica.calls]
