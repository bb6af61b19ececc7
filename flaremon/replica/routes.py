"""From a path and its arguments to an answer."""

import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote, unquote_plus

from flaremon.errors import FitsError, InputError
from flaremon.replica import info
from flaremon.replica.archive import Archive, Series
from flaremon.replica.export_replies import refusal
from flaremon.replica.exports import ExportDesk
from flaremon.replica.fault_data import alter_series, spoil_document
from flaremon.replica.faults import Fault
from flaremon.replica.filing import Filing
from flaremon.replica.replies import Reply, json_reply, not_found
from flaremon.replica.structure import series_struct

logger = logging.getLogger(__name__)

_CGI = "/cgi-bin/ajax/"
_OPERATIONS = {
    "jsoc_info": ("series_struct", "rs_summary", "rs_list"),
    "jsoc_fetch": ("exp_request", "exp_status"),
}
_PROGRAMS = {
    "showextseries": "showextseries",
    "show_series": "show_series",
    "checkAddress.sh": "check_address",
}

Document = dict[str, Any]
Args = Mapping[str, str]


def endpoint_of(path: str, args: Args) -> str:
    """Return the name under which a request is counted, ``other`` for what nobody serves."""
    if not path.startswith(_CGI):
        return Filing.endpoint_of(unquote(path))
    program = path.removeprefix(_CGI)
    if args.get("op") in _OPERATIONS.get(program, ()):
        return args["op"]
    return _PROGRAMS.get(program, "other")


class Routes:
    """Answers requests from an archive; knows nothing of sockets."""

    def __init__(self, archive: Archive, exports: ExportDesk) -> None:
        self._archive = archive
        self._exports = exports
        self._filing = Filing(archive, exports)
        self._documents: Mapping[str, Callable[[Args, Sequence[Fault]], Document]] = {
            "showextseries": lambda args, _: info.show_ext_series(archive, args),
            "show_series": lambda args, _: info.show_series(archive, args),
            # Clients encode the address twice.
            "check_address": lambda args, _: exports.check_address(
                unquote_plus(args.get("address", ""))
            ),
            "exp_request": exports.request,
            "exp_status": lambda args, faults: exports.status(args.get("requestid", ""), faults),
            "series_struct": lambda args, _: self._info(_structure, args, ()),
            "rs_summary": lambda args, faults: self._info(info.rs_summary, args, faults),
            "rs_list": lambda args, faults: self._info(info.rs_list, args, faults),
        }

    def answer(self, endpoint: str, path: str, args: Args, faults: Sequence[Fault]) -> Reply:
        """Answer one request, with the faults in what is answered."""
        if endpoint == "other":
            return _other(path, args)
        if endpoint not in self._documents:
            try:
                return self._filing.answer(endpoint, unquote(path), faults)
            except (OSError, FitsError) as exc:
                # Deleted or overwritten since the start: at the JSOC that is an expired file.
                logger.warning("%s: %s", path, exc)
                return not_found(path)
        if any(";" in value or value.count('"') % 2 for value in args.values()):
            return json_reply(refusal(4, "arguments with ';' or unbalanced quotes are refused"))
        try:
            document = self._documents[endpoint](args, faults)
        except (OSError, FitsError) as exc:
            logger.warning("%s: %s", endpoint, exc)
            document = refusal(1, "a file of the archive cannot be read any more")
        return json_reply(spoil_document(document, faults))

    def _info(
        self,
        operation: Callable[[Archive, Args, info.Alter], Document],
        args: Args,
        faults: Sequence[Fault],
    ) -> Document:
        def alter(series: Series) -> Series:
            return alter_series(series, faults)

        started = time.perf_counter()
        try:
            return operation(self._archive, args, alter)
        except InputError as exc:
            runtime = round(time.perf_counter() - started, 3)
            return {"status": 1, "error": str(exc), "runtime": runtime}


def _structure(archive: Archive, args: Args, _alter: info.Alter) -> Document:
    name = re.split(r"[\[{]", args.get("ds", ""))[0].strip()
    return series_struct(archive.find(name))


def _other(path: str, args: Args) -> Reply:
    operation = args.get("op", "")
    if path == f"{_CGI}jsoc_info":
        return json_reply({"status": 1, "error": f"unknown op {operation!r}"})
    if path == f"{_CGI}jsoc_fetch":
        text = "re-export is disabled" if operation == "exp_repeat" else "unknown op"
        return json_reply(refusal(4, f"{text}: {operation!r}"))
    return not_found(path)
