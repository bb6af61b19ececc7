"""What a file of the cache must be, in a small JSON file beside it."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flaremon.disk import write_atomically
from flaremon.domain import Record, StoredFile

SUFFIX = ".json"
_PARTITION = re.compile(r"^/SUM\d+/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    """The facts that decide whether a file counts."""

    record: str
    """Key, e.g. ``hmi.M_720s[2024.06.28_00:00:00_TAI]``."""
    recnum: int
    segment_path: str | None
    file: StoredFile

    @classmethod
    def read(cls, path: Path) -> "Sidecar | None":
        """Read the sidecar of the file at `path`; None when there is none that makes sense."""
        try:
            content = json.loads(sidecar_path(path).read_text())
            segment_path = content["segment_path"]
            return cls(
                record=str(content["record"]),
                recnum=int(content["recnum"]),
                segment_path=None if segment_path is None else str(segment_path),
                file=StoredFile(
                    path=path,
                    size_bytes=int(content["size_bytes"]),
                    sha256=str(content["sha256"]),
                    url=str(content["url"]),
                    fetched_at=datetime.fromisoformat(content["fetched_at"]).astimezone(UTC),
                ),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def is_of(self, record: Record) -> bool:
        """Tell whether the file was fetched for this very record.

        A file may move between the JSOC's partitions /SUM1, /SUM2 ...; its storage unit stays.
        """
        if self.record != str(record.key) or self.recnum != record.recnum:
            return False
        if self.segment_path is None or record.segment_path is None:
            return True
        return _PARTITION.sub("", self.segment_path) == _PARTITION.sub("", record.segment_path)


def write_sidecar(record: Record, stored: StoredFile) -> None:
    """Write the sidecar of a file, with the record's keywords, which the file itself lacks.

    Raises
    ------
    OSError
        As the operating system says.
    """
    content = {
        "record": str(record.key),
        "recnum": record.recnum,
        "segment_path": record.segment_path,
        "size_bytes": stored.size_bytes,
        "sha256": stored.sha256,
        "url": stored.url,
        "fetched_at": stored.fetched_at.astimezone(UTC).isoformat(),
        "keywords": dict(record.keywords),
    }
    write_atomically(sidecar_path(stored.path), json.dumps(content, indent=1).encode())


def sidecar_path(path: Path) -> Path:
    """Return where the sidecar of the file at `path` is."""
    return path.with_name(f"{path.name}{SUFFIX}")
