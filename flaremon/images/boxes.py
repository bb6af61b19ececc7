"""The parts of a JP2 file, and the FITS keywords that Helioviewer puts into one of them.

A JP2 file is a chain of boxes, each with its length, a type of four letters and content
(ISO/IEC 15444-1, annex I). The picture is in ``jp2c``; in ``xml `` Helioviewer keeps the FITS
header as ``<meta><fits><CRPIX1>2048.50</CRPIX1>...``.
"""

import struct
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree as ET

from flaremon.errors import FitsError

SIGNATURE = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
"""First bytes of a JP2 file."""
CODESTREAM = b"\xff\x4f\xff\x51"
"""First bytes of a bare JPEG 2000 codestream, which has no boxes and so no keywords."""
_MAX_XML_BYTES = 2**20
"""The header of a real one has 5 kB."""


def keywords_in(content: bytes) -> Mapping[str, str]:
    """Return the FITS keywords of a JP2 file, as text; empty if it has none.

    Parameters
    ----------
    content : bytes
        The whole file, with boxes.

    Raises
    ------
    FitsError
        A box does not end within the file, there is no picture, or the XML cannot be read.
    """
    keywords: dict[str, str] = {}
    pictures = 0
    for kind, box in _boxes(memoryview(content)):
        pictures += kind == b"jp2c"
        if kind == b"xml ":
            if len(box) > _MAX_XML_BYTES:
                raise FitsError(
                    f"the header in the XML box has {len(box)} bytes; not Helioviewer's"
                )
            keywords |= _parse(bytes(box))
    if not pictures:
        raise FitsError("the JP2 file holds no picture; download it again")
    return keywords


def _boxes(content: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield type and content of the boxes of a file, which must fill it exactly."""
    begin = 0
    while begin < len(content):
        head = 8
        if len(content) - begin < head:
            raise FitsError(_broken(begin, len(content)))
        length, kind = struct.unpack_from(">I4s", content, begin)
        if length == 1:  # the length did not fit and follows in 8 bytes
            head = 16
            if len(content) - begin < head:
                raise FitsError(_broken(begin, len(content)))
            (length,) = struct.unpack_from(">Q", content, begin + 8)
        elif length == 0:  # the last box: to the end of the file
            length = len(content) - begin
        if not head <= length <= len(content) - begin:
            raise FitsError(_broken(begin, len(content)))
        yield kind, content[begin + head : begin + length]
        begin += length


def _broken(begin: int, size: int) -> str:
    return (
        f"the JP2 box at byte {begin} of {size} is not whole: the download broke off or the file "
        "was altered; download it again"
    )


def _parse(xml: bytes) -> dict[str, str]:
    """Read the keywords; documents that declare anything of their own are refused.

    Without a document type there are no entities, so the standard parser can neither be made to
    read other files nor to grow without limit.
    """
    try:
        document = xml.decode("utf-8").rstrip("\x00")
        if "<!DOCTYPE" in document.upper():
            raise FitsError("the XML header declares a document type; not Helioviewer's")
        root = ET.fromstring(document)  # noqa: S314 - no document type, see above
    except (UnicodeDecodeError, ET.ParseError) as exc:
        raise FitsError(f"the XML header cannot be read ({exc}); download it again") from exc
    header = root if root.tag == "fits" else root.find("fits")
    if header is None:
        return {}
    return {card.tag: card.text.strip() for card in header if card.text and card.text.strip()}
