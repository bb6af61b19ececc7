"""Stream the file of a record into the cache; nothing that is not a whole FITS file gets there."""

import math
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

from flaremon.cache import FileCache
from flaremon.domain import Record, StoredFile
from flaremon.errors import (
    DownloadIncompleteError,
    RecordOfflineError,
    SourceProtocolError,
    SourceUnavailableError,
)
from flaremon.politeness import Lane, Turn
from flaremon.web import Web, excerpt

MAX_BYTES = 200_000_000
"""A magnetogram has 15 MB compressed and 64 MB plain."""
_MAGIC = b"SIMPLE  ="
_BLOCK = 2880
_CARD = 80
_MAX_HEADER_BLOCKS = 100
_NUMBER = re.compile(rb"(\w+) *= +([+-]?\d+) *(?:/.*)?", re.DOTALL)
_GONE = frozenset({403, 404, 410})
"""403 is what a file gets that the web server may not read."""


class Downloader:
    """Fetches files by path from one host, one at a time.

    Parameters
    ----------
    base_url : str
        What to put before a path.
    limit_s : float
        Wall-clock limit of one file, all tries together, in s.
    attempts : int
        Tries at most.
    """

    def __init__(  # noqa: PLR0913 - the parts of a download, each with a unit of its own
        self,
        cache: FileCache,
        lane: Lane,
        web: Web,
        *,
        base_url: str,
        limit_s: float,
        attempts: int,
        now: Callable[[], datetime],
    ) -> None:
        self._cache = cache
        self._lane = lane
        self._web = web
        self._base_url = base_url
        self._limit_s = limit_s
        self._attempts = attempts
        self._now = now

    def fetch(self, record: Record, path: str) -> StoredFile:
        """Fetch the file at `path` of the host as the file of `record`.

        Raises
        ------
        RecordOfflineError
            There is no such file any more.
        DownloadIncompleteError
            After all tries, what arrived was not whole.
        SourceUnavailableError, SourceProtocolError
            No answer, or one that is not a FITS file.
        """

        def attempt(turn: Turn) -> StoredFile:
            try:
                return self._attempt(record, path, turn)
            except (SourceUnavailableError, DownloadIncompleteError) as exc:
                raise type(exc)(f"{record.key}: {exc}") from exc

        return self._lane.ask(attempt, limit_s=self._limit_s, attempts=self._attempts)

    def _attempt(self, record: Record, path: str, turn: Turn) -> StoredFile:
        url = f"{self._base_url}{path}"
        with self._web.open(url, turn=turn) as reply:
            if reply.status in _GONE:
                raise RecordOfflineError(
                    f"{record.key}: {path} is not on disk at the JSOC (HTTP {reply.status})"
                )
            reply.raise_for_status(path, turn)
            if (reply.expected_bytes or 0) > MAX_BYTES:
                raise SourceProtocolError(f"{record.key}: {path} has {reply.expected_bytes} bytes")
            return self._cache.put(
                record,
                _only_fits(reply.chunks(), str(record.key)),
                url=url,
                expected_bytes=reply.expected_bytes,
                check=partial(check_structure, name=path),
                now=self._now(),
            )


def _only_fits(chunks: Iterator[bytes], what: str) -> Iterator[bytes]:
    """Pass chunks on; stop at once when they are no FITS file, or too many.

    Raises
    ------
    SourceProtocolError
        Another kind of file, such as a page that says sorry with status 200.
    """
    head, received = b"", 0
    for chunk in chunks:
        received += len(chunk)
        if received > MAX_BYTES:
            raise SourceProtocolError(f"{what}: the file has more than {MAX_BYTES} bytes")
        if len(head) < len(_MAGIC):
            head += chunk
            if not head.startswith(_MAGIC[: len(head)]):
                raise SourceProtocolError(f"{what}: not a FITS file but {excerpt(head)}")
        yield chunk


def check_structure(path: Path, *, name: str) -> None:
    """Check that a file is exactly as long as its FITS headers say, without decoding anything.

    Parameters
    ----------
    name : str
        What the file is, for messages.

    Raises
    ------
    DownloadIncompleteError
        It is shorter or longer, or its headers make no sense.
    """
    size_bytes = path.stat().st_size
    try:
        with path.open("rb") as file:
            end = 0
            while end < size_bytes or end == 0:
                file.seek(end)
                end = file.tell() + _unit_bytes(file)
    except (ValueError, KeyError) as exc:
        raise DownloadIncompleteError(f"{name}: no whole FITS file: {exc}") from exc
    if end != size_bytes:
        raise DownloadIncompleteError(
            f"{name}: {size_bytes} bytes, but its FITS headers describe {end}"
        )


def _unit_bytes(file: BinaryIO) -> int:
    """Return the length of the header and data unit that starts here (FITS 4.0, section 4.4.1)."""
    numbers: dict[bytes, int] = {}
    for block_number in range(1, _MAX_HEADER_BLOCKS + 1):
        block = file.read(_BLOCK)
        if len(block) < _BLOCK:
            raise ValueError("a header is cut short")
        cards = [block[k : k + _CARD] for k in range(0, _BLOCK, _CARD)]
        for card in cards:
            match = _NUMBER.fullmatch(card)
            if match is not None:
                numbers.setdefault(match[1], int(match[2]))
        if any(card.rstrip() == b"END" for card in cards):
            return block_number * _BLOCK + _data_bytes(numbers)
    raise ValueError("a header has no end")


def _data_bytes(numbers: dict[bytes, int]) -> int:
    """Return the padded length of the data unit, in bytes."""
    axes = [numbers[b"NAXIS%d" % (k + 1)] for k in range(numbers[b"NAXIS"])]
    elements = math.prod(axes) if axes else 0
    groups, heap = numbers.get(b"GCOUNT", 1), numbers.get(b"PCOUNT", 0)
    length = abs(numbers[b"BITPIX"]) // 8 * groups * (heap + elements)
    if min([groups, heap, *axes]) < 0:
        raise ValueError("a header has a negative length")
    return -(-length // _BLOCK) * _BLOCK
