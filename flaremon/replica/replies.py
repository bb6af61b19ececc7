"""What the replica sends back: JSON as the JSOC writes it, files, pages."""

import html
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any

_CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes from memory, followed by a piece of a file."""

    head: bytes = b""
    path: Path | None = None
    offset: int = 0
    length: int = 0

    @property
    def size(self) -> int:
        """Bytes in all."""
        return len(self.head) + self.length

    def chunks(self, limit: int | None = None) -> Iterator[bytes]:
        """Yield the bytes, at most `limit` of them, in pieces that fit into memory."""
        left = self.size if limit is None else min(limit, self.size)
        if self.head and left:
            yield self.head[:left]
            left -= min(left, len(self.head))
        if self.path is None or not left:
            return
        with self.path.open("rb") as stream:
            stream.seek(self.offset)
            while left and (piece := stream.read(min(_CHUNK, left))):
                left -= len(piece)
                yield piece

    def cut(self, size: int) -> "Body":
        """Return the first `size` bytes."""
        head = self.head[:size]
        return Body(head, self.path, self.offset, max(0, min(self.length, size - len(head))))


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer."""

    body: Body
    content_type: str = "application/json"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def json_reply(document: Mapping[str, Any]) -> Reply:
    r"""Write a document as the JSOC does: one line, every ``/`` as ``\/``."""
    text = json.dumps(document, separators=(",", ":")).replace("/", "\\/")
    return Reply(Body(f"{text}\n".encode()))


def file_reply(body: Body) -> Reply:
    """Send a FITS file with the date of the file it comes from."""
    assert body.path is not None  # noqa: S101 - by construction of the callers
    modified = formatdate(body.path.stat().st_mtime, usegmt=True)
    return Reply(body, "application/octet-stream", headers={"Last-Modified": modified})


def page_reply(title: str, content: str, *, status: int = 200) -> Reply:
    """Send a small HTML page; `title` is text, `content` is HTML."""
    title = html.escape(title)
    text = (
        '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN">\n'
        f"<html><head><title>{title}</title></head>\n<body><h1>{title}</h1>\n{content}\n"
        "</body></html>\n"
    )
    return Reply(Body(text.encode()), "text/html; charset=iso-8859-1", status)


def not_found(path: str) -> Reply:
    """Answer 404 as Apache does."""
    return page_reply(
        "404 Not Found", f"<p>{html.escape(path)} was not found on this server.</p>", status=404
    )
