"""Files that were scored from a folder: found again by the path that was recorded."""

import hashlib
from pathlib import Path
from urllib.parse import unquote, urlsplit

from flaremon.receipts.check import Check, cannot, compare, short


def recorded_path(url: str | None) -> Path | None:
    """Return the path of a file that was scored where it lay; None for one that was fetched."""
    parts = urlsplit(url or "")
    return Path(unquote(parts.path)) if parts.scheme == "file" and parts.path else None


def find_again(what: str, path: Path, sha256: str | None) -> tuple[Path | None, Check]:
    """Return the very file that was scored, or none; and the check.

    A file with another content is not given back: nobody knows what it is.

    Parameters
    ----------
    what : str
        What is checked, in words.
    sha256 : str or None
        Of the file that was scored.
    """
    said = f"SHA-256 {short(sha256)}"
    try:
        if not path.is_file():
            words = f"{path} is gone or was moved; put it back there and check again"
            return None, cannot(what, said=said, found=words)
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        words = f"{path} cannot be read: {exc.strerror or exc}"
        return None, cannot(what, said=said, found=words)
    if found != sha256:
        words = f"SHA-256 {short(found)}: {path} was altered or replaced since it was scored"
        return None, compare(what, same=False, said=said, found=words)
    return path, compare(what, same=True, said=said, found=f"SHA-256 {short(found)}, from {path}")
