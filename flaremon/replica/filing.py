"""Where the files are: SUMS, the directories of exports, and the hourly tree."""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flaremon.domain import SEGMENT
from flaremon.replica.archive import Archive
from flaremon.replica.exports import ExportDesk
from flaremon.replica.faults import Fault
from flaremon.replica.files import stored_file
from flaremon.replica.hourly import Hourly
from flaremon.replica.records import ArchivedRecord
from flaremon.replica.replies import Reply, file_reply, json_reply, not_found, page_reply

_SUMS = re.compile(r"(/SUM\d+/D\d+/S\d+)(?:/([\w.+-]+))?/?")
_FILE = f"{SEGMENT}.fits"


class Filing:
    """Answers requests for files. Paths are looked up in tables, never joined to a folder."""

    def __init__(self, archive: Archive, exports: ExportDesk) -> None:
        self._exports = exports
        self._hourly = Hourly(archive)
        self._stored = {f"{r.sums_dir}/{_FILE}": r for r in archive if r.path}
        self._records = list(self._stored.values())

    @staticmethod
    def endpoint_of(path: str) -> str:
        """Return the name under which a request is counted."""
        if path.startswith("/data/hmi/fits"):
            return "hourly"
        match = _SUMS.fullmatch(path)
        if match is None:
            return "other"
        return "sums" if match[2] == _FILE else "export"

    def answer(self, endpoint: str, path: str, faults: Sequence[Fault]) -> Reply:
        """Answer one request.

        Raises
        ------
        FileNotFoundError, FitsError
            If the file in the folder is gone or no longer what it was.
        """
        wrong = any(fault.kind == "wrong-file" for fault in faults)
        if endpoint == "hourly":
            return self._hourly.answer(path)
        if endpoint == "export":
            return self._exported(path, wrong=wrong)
        record = self._stored.get(path)
        if record is None or record.segment_path is None:
            return not_found(path)
        return file_reply(stored_file(self._another(record) if wrong else record))

    def _exported(self, path: str, *, wrong: bool) -> Reply:
        match = _SUMS.fullmatch(path)
        job = self._exports.find(match[1]) if match else None
        if match is None or job is None:
            return not_found(path)
        name = match[2] or "index.html"
        if name == "index.json":
            return json_reply(self._exports.index(job))
        if name == "index.html":
            return _summary(self._exports.index(job))
        product = job.products.get(name)
        if product is None:
            return not_found(path)
        if wrong:
            product = replace(product, record=self._another(product.record))
        return file_reply(product.body())

    def _another(self, record: ArchivedRecord) -> ArchivedRecord:
        at = next(i for i, known in enumerate(self._records) if known.path == record.path)
        return self._records[(at + 1) % len(self._records)]


def _summary(index: Mapping[str, Any]) -> Reply:
    """Write the page that is the twin of ``index.json``."""
    facts = "\n".join(
        f"<tr><td><b>{name}</b></td><td>{html.escape(value)}</td></tr>"
        for name, value in index.items()
        if name != "data"
    )
    rows = "\n".join(
        f"<tr><td>{html.escape(row['record'])}</td>"
        f'<td><a href="{row["filename"]}">{row["filename"]}</a></td></tr>'
        for row in index["data"]
    )
    tables = f"<table>\n{facts}\n</table>\n<h2>Selected Data</h2>\n<table>\n{rows}\n</table>"
    return page_reply("JSOC Data Request Summary", tables)
