"""One frame and where it comes from, in one file.

A safetensors file: a JSON header with our facts as text, then the numbers as they are in memory.
It can be mapped, read without us, and never executes anything.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flaremon.disk import write_atomically
from flaremon.domain import RecordKey, StoredFile
from flaremon.errors import FlaremonError

FORMAT = "1"
"""Version of the layout."""
TENSOR = "tenths_of_gauss"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedFrame:
    """A standard frame, and what it was made from."""

    key: RecordKey
    recnum: int
    """Record number of the JSOC; a record that is made anew has another frame."""
    t_obs: datetime
    source: StoredFile
    """The file that the frame was made from, as it was when it was there."""
    software: str
    """flaremon version that made it."""
    tenths: NDArray[np.int16]
    """Shape (size_px, size_px), steps of 0.1 G, north up; 0 off the disk."""


def write_frame(path: Path, frame: ArchivedFrame) -> None:
    """Write a frame; it appears whole or not at all.

    Raises
    ------
    OSError
        As the operating system says.
    """
    from safetensors.numpy import save  # noqa: PLC0415 - only who archives pays

    facts = {
        "format": FORMAT,
        "record": str(frame.key),
        "recnum": str(frame.recnum),
        "t_obs": frame.t_obs.astimezone(UTC).isoformat(),
        "source_name": frame.source.path.name,
        "source_bytes": str(frame.source.size_bytes),
        "source_sha256": frame.source.sha256,
        "source_url": frame.source.url,
        "source_fetched_at": frame.source.fetched_at.astimezone(UTC).isoformat(),
        "software": frame.software,
        "sha256": _digest(frame.tenths),
    }
    write_atomically(path, save({TENSOR: frame.tenths}, metadata=facts))


def read_frame(path: Path) -> ArchivedFrame | None:
    """Read a frame; None when there is no such file, or one that was altered or is not ours."""
    from safetensors import SafetensorError, safe_open  # noqa: PLC0415

    try:
        with safe_open(path, "numpy") as file:
            facts = file.metadata()
            tenths = file.get_tensor(TENSOR)
        if facts["format"] != FORMAT or facts["sha256"] != _digest(tenths):
            return None
        return ArchivedFrame(
            key=RecordKey.parse(facts["record"]),
            recnum=int(facts["recnum"]),
            t_obs=datetime.fromisoformat(facts["t_obs"]),
            source=StoredFile(
                path=Path(facts["source_name"]),
                size_bytes=int(facts["source_bytes"]),
                sha256=facts["source_sha256"],
                url=facts["source_url"],
                fetched_at=datetime.fromisoformat(facts["source_fetched_at"]),
            ),
            software=facts["software"],
            tenths=tenths,
        )
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, FlaremonError):
        return None


def _digest(tenths: NDArray[np.int16]) -> str:
    return hashlib.sha256(tenths.tobytes()).hexdigest()
