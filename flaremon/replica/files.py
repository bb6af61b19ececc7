"""The two forms in which the JSOC hands out a record's file.

In SUMS a file has no keywords, since those live in the database; an export writes them back into
the header. Either way the tiles are those on disk, byte for byte.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flaremon.errors import FitsError
from flaremon.replica.blocks import BLOCK, CARD, Hdu, read_hdus
from flaremon.replica.keywords import TIMES_TAI, Value, fits_name, is_structure
from flaremon.replica.records import ArchivedRecord
from flaremon.replica.replies import Body

if TYPE_CHECKING:
    from pathlib import Path

_REWRITTEN = ("T_REC", "T_OBS", "DATE", "DATE__OBS", "CAMERA", "QUALITY", "QLOOK", "CADENCE")
"""Keywords in which a served record may differ from the file in the folder."""


def stored_file(record: ArchivedRecord) -> Body:
    """Return the file as it lies in SUMS: no keywords, BSCALE, BZERO and BLANK only.

    Raises
    ------
    FitsError
        If the file in the folder is no longer what it was.
    FileNotFoundError
        If it is gone.
    """
    path = _path(record)
    hdus = read_hdus(path)
    return _assemble(path, hdus, [_bare(hdu) for hdu in hdus])


def exported_file(record: ArchivedRecord) -> Body:
    """Return the file as protocol fits exports it, all keywords in the header.

    Raises
    ------
    FitsError
        If the file in the folder is no longer what it was.
    FileNotFoundError
        If it is gone.
    """
    path = _path(record)
    *before, image = hdus = read_hdus(path)
    head = _rewritten(image, record.keywords())
    return _assemble(path, hdus, [*(hdu.cards for hdu in before), head])


def _path(record: ArchivedRecord) -> "Path":
    if record.path is None:
        raise FileNotFoundError(f"{record.spec} has no file")
    return record.path


def _assemble(path: "Path", hdus: list[Hdu], heads: list[bytes]) -> Body:
    # What comes before the image has no data.
    image = hdus[-1]
    return Body(b"".join(heads), path, image.data_offset, image.data_bytes)


def _bare(hdu: Hdu) -> bytes:
    cards = (hdu.cards[at : at + CARD] for at in range(0, len(hdu.cards), CARD))
    kept = [card for card in cards if is_structure(card[:8].decode("latin-1").rstrip())]
    head = b"".join(kept) + b"END".ljust(CARD)
    return head.ljust(-(-len(head) // BLOCK) * BLOCK)


def _rewritten(image: Hdu, keywords: Mapping[str, Value]) -> bytes:
    """Return a header with the keywords in which the record differs; the very same if in none."""
    from astropy.io import fits  # noqa: PLC0415 - heavy, and the command line imports us

    header = fits.Header.fromstring(image.cards)
    try:
        changed = {
            fits_name(name): value
            for name in _REWRITTEN
            if (value := _fits_value(name, keywords.get(name))) is not None
            and header.get(fits_name(name)) != value
        }
        if not changed:
            return image.cards
        header.update(changed)
    except (fits.VerifyError, ValueError) as exc:
        raise FitsError(f"a card of the header cannot be read: {exc}") from exc
    # DATASUM stays true, the sum over the header does not.
    header.remove("CHECKSUM", ignore_missing=True)
    text: str = header.tostring()
    return text.encode("ascii")


def _fits_value(name: str, value: Value) -> Value:
    if name in TIMES_TAI and isinstance(value, str) and "." not in value[-9:]:
        return value.replace("_TAI", ".000_TAI")
    return value
