"""What the JSOC means by the status of an export request, and what its reply holds.

The statuses are those of jsoc_fetch.c, the JSOC's own program.
"""

import re

from flaremon.domain import SEGMENT, Record
from flaremon.errors import (
    ExportRefusedError,
    RecordOfflineError,
    SourceError,
    SourceProtocolError,
    SourceUnavailableError,
)
from flaremon.jsoc.client import Export
from flaremon.jsoc.keywords import MARKERS, to_camera, to_slot

REGISTER = "http://jsoc.stanford.edu/ajax/register_email.html"

DONE, _RUNNING, _QUEUED, _TOO_LARGE, ERROR, _EXPIRED, UNKNOWN, PENDING_LIMIT = range(8)
_OFFLINE, _CANCELLED = 25, -1
PENDING = frozenset({_RUNNING, _QUEUED, UNKNOWN})
ASK_AGAIN = frozenset({_EXPIRED, UNKNOWN, _CANCELLED})
"""Deleted after its 7 days, never heard of, cancelled: the same wish may be granted anew."""

REQUEST_ID = re.compile(r"JSOC_\d{8}_\d{3,}(?:_X)?(?:_IN)?")
ABOUT_ADDRESS = re.compile(r"regist|e-?mail|address", re.IGNORECASE)
TRANSIENT = re.compile(r"export-request hash", re.IGNORECASE)
_PATH = re.compile(r"/SUM\d+/D\d+/S\d+/\w[\w.-]*\.fits")
_RECORD = re.compile(r"([\w.]+)\[([^\]]+)\]")
_WRAPPED_OFFLINE = "known status code"
"""The public wrapper does not know status 25 and makes a 4 of it."""


def record_set(record: Record, *, again: bool = False) -> str:
    """Write the record set of one file.

    Parameters
    ----------
    again : bool
        Within 24 h the same set gives the same request back, even a failed one, so a second
        request words it differently.
    """
    camera = to_camera(record.keywords.get("CAMERA"))
    filters = "".join(
        [
            f"[{record.key.t_rec}]",
            f"[{camera}]" if camera else "",
            "[? QUALITY>=0 ?]" if again else "",
        ]
    )
    return f"{record.key.series}{filters}{{{SEGMENT}}}"


def checked_id(export: Export) -> str:
    """Return the id of a request.

    Raises
    ------
    SourceProtocolError
        It has none, or one that is not of the JSOC's form.
    """
    if export.request_id is None or not REQUEST_ID.fullmatch(export.request_id):
        raise SourceProtocolError(
            f"the JSOC queued an export under the id {export.request_id!r}, which is none"
        )
    return export.request_id


def path_of(export: Export, record: Record) -> str:
    """Return the path of the record's file among those of a finished request.

    Raises
    ------
    RecordOfflineError
        The request holds no file.
    SourceProtocolError
        It holds files of other records, or in places where the JSOC keeps none.
    """
    ours, strange = [], []
    for name, path in export.files:
        match = _RECORD.match(name)
        if name.startswith("warning=") or path.rpartition("/")[2] in MARKERS:
            continue
        if (
            match is not None
            and match[1].lower() == record.key.series.lower()
            and to_slot(match[2], record.key.series) == record.key.t_rec
        ):
            ours.append(path)
        else:
            strange.append(name)
    if strange:
        raise SourceProtocolError(f"{record.key}: the JSOC exported {strange[0]!r:.80} instead")
    if not ours:
        raise RecordOfflineError(f"{record.key}: the JSOC's export holds no file")
    if not _PATH.fullmatch(ours[0]):
        raise SourceProtocolError(f"{record.key}: the JSOC exported to {ours[0]!r:.80}")
    return ours[0]


def refusal(export: Export, record: Record) -> SourceError:
    """Say why a request ended without a file (the table of statuses of jsoc_fetch.c)."""
    said = export.error or f"status {export.status}"
    if export.status == _OFFLINE or _WRAPPED_OFFLINE in said:
        return RecordOfflineError(
            f"{record.key}: not on disk at the JSOC and only people there can bring it back "
            f"(jsoc@sun.stanford.edu): {said}"
        )
    if export.status == ERROR and ABOUT_ADDRESS.search(said):
        return ExportRefusedError(
            f"{record.key}: the JSOC does not accept the address in FLAREMON_JSOC__EMAIL; "
            f"register it at {REGISTER}: {said}"
        )
    if export.status in {_TOO_LARGE, ERROR}:
        return ExportRefusedError(f"{record.key}: the JSOC refuses to export it: {said}")
    if export.status in ASK_AGAIN | PENDING:
        return SourceUnavailableError(f"{record.key}: the JSOC lost its export twice: {said}")
    return SourceProtocolError(
        f"{record.key}: the JSOC ended its export in a way of its own: {said}"
    )
