"""Find and download records of the JSOC: one ``rs_list``, then one direct GET per file.

A query gives the keywords and the path of the file on the JSOC's disks; the file is fetched from
there without an address or an export request. A record that is no longer on disk is brought
back by an export request (`export`) if an address is set.

Everything goes through one lane (`flaremon.politeness`), so a host sees one request at a time,
and every call has a wall-clock limit. What can go wrong is in `flaremon.errors`.
"""

from collections.abc import Callable
from datetime import datetime

from flaremon.cache import FileCache
from flaremon.config import JsocSettings
from flaremon.domain import (
    SEGMENT,
    SERIES_CADENCE_S,
    Quality,
    Record,
    StoredFile,
    newest_first,
)
from flaremon.errors import InputError, RecordOfflineError
from flaremon.jsoc.answers import REGISTER
from flaremon.jsoc.client import JsocClient
from flaremon.jsoc.download import Downloader
from flaremon.jsoc.export import Exporter
from flaremon.jsoc.keywords import KEYS
from flaremon.jsoc.listing import read_records
from flaremon.politeness import Lane
from flaremon.times import first_slot_from, iso_z, slot_label, utc_now
from flaremon.web import Web

MAX_SLOTS_PER_QUERY = 2000
"""17 days of 720 s or one of 45 s; the JSOC answers up to 32,000 rows, in a reply of 40 MB."""
POLL_INTERVALS = 5
"""Questions about an export come this many times further apart than other requests: 5 s."""


class Jsoc:
    """The JSOC, or a replica of it; a `flaremon.domain.Source`.

    Making one asks nothing and imports nothing heavy. It may be shared by threads.

    Parameters
    ----------
    settings : JsocSettings
        Where it is, how patient to be, and the registered address, if there is one.
    cache : FileCache
        Where files go; processes with the same cache folder share one connection.
    now
        Tells the time; a replay passes its own.
    background : bool
        Stand behind whoever else of this machine waits for the JSOC, as a backfill does.
    """

    name = "jsoc"

    def __init__(
        self,
        settings: JsocSettings,
        cache: FileCache,
        *,
        now: Callable[[], datetime] = utc_now,
        background: bool = False,
    ) -> None:
        self._cache = cache
        self._now = now
        self.base_url = settings.base_url
        base_url, attempts = settings.base_url, settings.attempts
        lane = Lane(
            cache.folder,
            base_url,
            min_interval_s=settings.min_interval_s,
            patience_s=settings.download_deadline_s,
            background=background,
        )
        web = Web(base_url, silence_s=settings.deadline_s)
        self._client = JsocClient(
            lane, web, base_url=base_url, limit_s=settings.deadline_s, attempts=attempts
        )
        self._downloader = Downloader(
            cache,
            lane,
            web,
            base_url=base_url,
            limit_s=settings.download_deadline_s,
            attempts=attempts,
            now=now,
        )
        self._exporter: Exporter | None = None
        if settings.email is not None:
            self._exporter = Exporter(
                self._client,
                cache,
                email=settings.email.get_secret_value(),
                limit_s=settings.export_deadline_s,
                poll_s=POLL_INTERVALS * lane.interval_s,
                now=now,
                sleep=lane.sleep,
            )

    def find(self, series: str, *, start: datetime, end: datetime) -> list[Record]:
        """List the slots of `series` in [start, end), newest first, one record per slot.

        Slots without an image are listed too: why there is none is in their QUALITY, and
        `geometry` and `segment_path` are None. One request covers `MAX_SLOTS_PER_QUERY` slots.

        Parameters
        ----------
        start, end : datetime
            Aware instants, compared with the slot times in UTC. An `end` in the future is taken
            as now, since slots that are not over have no records.

        Raises
        ------
        InputError
            The series is not known, or the window is empty or in the future.
        SourceUnavailableError
            The JSOC cannot be reached, does not answer in time, or is left alone for a while.
        SourceProtocolError
            The JSOC's reply makes no sense.
        """
        first, stop = self._slots(series, start, end)
        cadence_s = SERIES_CADENCE_S[series]
        records: list[Record] = []
        for upper in range(stop, first, -MAX_SLOTS_PER_QUERY):
            lower = max(first, upper - MAX_SLOTS_PER_QUERY)
            low, high = slot_label(lower, cadence_s), slot_label(upper, cadence_s)
            # Neither [$], which finds the last slot even if it is bad, nor a QUALITY clause:
            # bad slots are wanted, as rejections with a reason.
            window = f"{low}/{(upper - lower) * cadence_s:.0f}s"
            rows = self._client.query(f"{series}[{window}]", keys=KEYS, segment=SEGMENT)
            # The JSOC has been seen to answer with slots that were not asked for.
            records += [r for r in read_records(series, rows) if low <= r.key.t_rec < high]
        return newest_first(records)

    def download(self, record: Record, *, fresh: bool = False) -> StoredFile:
        """Return the complete file of a record.

        Parameters
        ----------
        fresh : bool
            Fetch it even if the cache has it, and replace it.

        Raises
        ------
        RecordOfflineError
            There is no image, or its file is not on disk and cannot be brought back.
        ExportRefusedError
            The address is not registered.
        DownloadIncompleteError
            After all tries, what arrived was not the whole file.
        SourceUnavailableError, SourceProtocolError
            No answer, or one that makes no sense.
        """
        stored = None if fresh else self._cache.get(record)
        if stored is not None:
            return stored
        if record.quality & Quality.NO_DATA:
            raise RecordOfflineError(f"{record.key} has no image (QUALITY {record.quality:#010x})")
        offline: RecordOfflineError | None = None
        if record.segment_path is not None:
            try:
                return self._downloader.fetch(record, record.segment_path)
            except RecordOfflineError as exc:
                offline = exc
        if self._exporter is None:
            raise RecordOfflineError(
                f"{record.key} is not on disk at the JSOC, and an export request needs an "
                f"address: register one at {REGISTER} and set FLAREMON_JSOC__EMAIL to it"
            ) from offline
        return self._export(record, self._exporter)

    def _export(self, record: Record, exporter: Exporter) -> StoredFile:
        offline: RecordOfflineError | None = None
        for path in exporter.paths(record):
            try:
                stored = self._downloader.fetch(record, path)
            except RecordOfflineError as exc:
                offline = exc
            else:
                exporter.forget(record)
                return stored
        raise RecordOfflineError(
            f"{record.key}: the JSOC exported it twice, and both files are gone"
        ) from offline

    def _slots(self, series: str, start: datetime, end: datetime) -> tuple[int, int]:
        """Return the numbers of the first slot in the window and of the first one after it."""
        if series not in SERIES_CADENCE_S:
            raise InputError(f"{series!r} is not one of {', '.join(SERIES_CADENCE_S)}")
        if start.tzinfo is None or end.tzinfo is None:
            raise InputError("the window has no time zone; flaremon takes aware times only")
        if start >= end:
            raise InputError(f"the window [{iso_z(start)}, {iso_z(end)}) is empty")
        now = self._now()
        if start >= now:
            raise InputError(f"the window from {iso_z(start)} on lies in the future")
        cadence_s = SERIES_CADENCE_S[series]
        return first_slot_from(start, cadence_s), first_slot_from(min(end, now), cadence_s)
