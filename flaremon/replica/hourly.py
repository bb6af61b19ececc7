"""The tree of hourly files under ``/data/hmi/fits``: complete headers, no query needed."""

import re

from flaremon.replica.archive import Archive
from flaremon.replica.files import exported_file
from flaremon.replica.records import ArchivedRecord
from flaremon.replica.replies import Body, Reply, file_reply, not_found, page_reply

_ROOT = "/data/hmi/fits"
_LABEL = "last_fits "
"""Ten characters before the path in ``latest_fits_time``; readers cut them off."""


class Hourly:
    """Serves the 720 s records that sit on the hour (TAI)."""

    def __init__(self, archive: Archive) -> None:
        self._files: dict[str, ArchivedRecord] = {
            _path(record): record
            for series in archive.series.values()
            for record in series.current
            if record.definition.cadence_s == 720.0
            and record.segment_path
            and record.t_rec.endswith(":00:00_TAI")
        }

    def answer(self, path: str) -> Reply:
        """Answer a file, a folder's list, or the pointer to the newest file."""
        if path == f"{_ROOT}/latest_fits_time":
            if not self._files:
                return not_found(path)
            newest = max(self._files, key=lambda name: self._files[name].t_rec)
            return Reply(Body(f"{_LABEL}{newest}\n".encode()), "text/plain")
        if record := self._files.get(path):
            return file_reply(exported_file(record))
        names = self._children(f"{path.rstrip('/')}/")
        if not names:
            return not_found(path)
        rows = "\n".join(f'<li><a href="{name}">{name}</a></li>' for name in names)
        return page_reply(f"Index of {path}", f"<ul>\n{rows}\n</ul>")

    def _children(self, folder: str) -> list[str]:
        inside = (name.removeprefix(folder) for name in self._files if name.startswith(folder))
        return sorted({re.sub(r"/.*", "/", name) for name in inside})


def _path(record: ArchivedRecord) -> str:
    stamp = record.t_rec.replace(".", "").replace(":", "")
    day = f"{stamp[:4]}/{stamp[4:6]}/{stamp[6:8]}"
    return f"{_ROOT}/{day}/{record.definition.name}.{stamp}.fits"
