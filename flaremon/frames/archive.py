"""The folder of frames: put, get, list, prune.

``DIR/<frame id>/<series>/YYYY/MM/DD/<series>.<YYYYMMDD_HHMMSS_TAI>.frame.safetensors``: a frame
id per geometry of frames, so that models that look at the same frame share it, and a folder per
day, so that a range is found without reading a single file.

A record has one frame per origin: the host that its file came from, or the file itself where it lay
in a folder. The first origin has the plain name; a frame of another one, such as a replay of other
days under the same labels, lies beside it, with 12 digits of its origin in the name. Within one
origin the highest record number counts.
"""

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from flaremon.disk import disk_errors
from flaremon.domain import RecordKey
from flaremon.errors import InputError
from flaremon.frames.file import ArchivedFrame, read_frame, write_frame
from flaremon.frames.gauss import STEP_GAUSS
from flaremon.preprocess import FrameSpec

SUFFIX = ".frame.safetensors"
_STAMP = re.compile(r"\.(\d{4})(\d\d)(\d\d)_(\d\d)(\d\d)(\d\d)_TAI(?:\.[0-9a-f]{12})?$")


def frame_id(spec: FrameSpec) -> str:
    """Return 12 digits that name a geometry of frames.

    The clip is not part of it: frames are kept unclipped.
    """
    facts = {
        "size_px": spec.size_px,
        "radius_fraction": spec.radius_fraction,
        "edge": spec.edge,
        "step_gauss": STEP_GAUSS,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]


class FrameArchive:
    """A folder of frames.

    Parameters
    ----------
    folder : Path
        Made when the first frame arrives.
    max_bytes : int
        `prune` removes the frames of the oldest observations above this total, in bytes.
    """

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        self.folder = folder
        self._max_bytes = max_bytes

    def path(self, key: RecordKey, spec: FrameSpec) -> Path:
        """Return where the frame of a record is kept, that of the first origin.

        Raises
        ------
        InputError
            The key would lead out of the folder.
        """
        name = key.file_stem
        stamp = _STAMP.search(name)
        if stamp is None or not re.fullmatch(r"\w[\w.]*", name):
            raise InputError(f"{key} cannot be a file name")
        year, month, day = stamp.groups()[:3]
        return self._of(spec, key.series) / year / month / day / f"{name}{SUFFIX}"

    def put(self, frame: ArchivedFrame, spec: FrameSpec) -> None:
        """Keep a frame; one of another origin stays, and of the same one a higher record number.

        Raises
        ------
        StoreFullError, ConfigurationError
            The folder cannot be written.
        """
        plain, origin = self.path(frame.key, spec), _origin(frame)
        digits = hashlib.sha256(origin.encode()).hexdigest()[:12]
        beside = plain.with_name(f"{plain.name.removesuffix(SUFFIX)}.{digits}{SUFFIX}")
        with disk_errors(self.folder, setting="FLAREMON_FRAMES__DIR"):
            there, path = read_frame(plain), plain
            if there is not None and _origin(there) != origin:
                there, path = read_frame(beside), beside
            if there is None or there.recnum <= frame.recnum:
                write_frame(path, frame)

    def get(
        self, key: RecordKey, spec: FrameSpec, *, recnum: int, sha256: str | None = None
    ) -> ArchivedFrame | None:
        """Return the frame of a record, or None.

        Parameters
        ----------
        recnum : int
            The frame of another record number does not count.
        sha256 : str, optional
            Nor does one of a file with another hash, where that of the file is known.
        """
        side = (spec.size_px, spec.size_px)

        def wanted(frame: ArchivedFrame) -> bool:
            same = (frame.key, frame.recnum, frame.tenths.shape) == (key, recnum, side)
            return same and sha256 in {None, frame.source.sha256}

        plain = self.path(key, spec)
        first = read_frame(plain)
        if first is not None and wanted(first):
            return first
        others = map(read_frame, plain.parent.glob(f"{plain.name.removesuffix(SUFFIX)}.*{SUFFIX}"))
        found = [frame for frame in others if frame is not None and wanted(frame)]
        return max(found, key=lambda frame: frame.source.fetched_at, default=None)

    def keys(self, series: str, spec: FrameSpec, *, low: str, high: str) -> Iterator[RecordKey]:
        """Yield the records in ``low <= T_REC < high`` that have a frame, newest first."""
        for day in self._days(self._of(spec, series), low[:10], high[:10]):
            names = (path.name.removesuffix(SUFFIX) for path in day.glob(f"*{SUFFIX}"))
            stamps = filter(None, map(_STAMP.search, names))
            labels = {"{}.{}.{}_{}:{}:{}_TAI".format(*stamp.groups()) for stamp in stamps}
            for label in sorted(labels, reverse=True):
                if low <= label < high:
                    yield RecordKey(series=series, t_rec=label)

    def series(self, spec: FrameSpec) -> list[str]:
        """Return the names of the series that have frames of this geometry."""
        return sorted(path.name for path in (self.folder / frame_id(spec)).glob("*"))

    def prune_if_due(self, *, now: datetime) -> int:
        """Prune once a day: a large archive takes a second to look through."""
        mark = self.folder / ".pruned"
        with contextlib.suppress(OSError):
            if now - datetime.fromtimestamp(mark.stat().st_mtime, tz=UTC) < timedelta(days=1):
                return 0
        removed = self.prune(now=now)
        if self.folder.is_dir():
            with disk_errors(self.folder, setting="FLAREMON_FRAMES__DIR"):
                mark.touch()
        return removed

    def prune(self, *, now: datetime, max_age: timedelta | None = None) -> int:
        """Remove frames of observations that are too old, or too many; return how many.

        Parameters
        ----------
        max_age : timedelta, optional
            Of the observation, not of the file: a year of history must survive its making.
        """
        oldest = None if max_age is None else (now - max_age).astimezone(UTC)
        files = sorted(
            ((_stamp(path), path) for path in self.folder.glob(f"*/*/*/*/*/*{SUFFIX}")),
            key=lambda item: item[0],
        )
        total = sum(path.stat().st_size for _, path in files)
        removed = 0
        with disk_errors(self.folder, setting="FLAREMON_FRAMES__DIR"):
            for stamp, path in files:
                too_old = oldest is not None and stamp < f"{oldest:%Y%m%d_%H%M%S}"
                if not too_old and total <= self._max_bytes:
                    break
                total -= path.stat().st_size
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def _of(self, spec: FrameSpec, series: str) -> Path:
        return self.folder / frame_id(spec) / series

    def _days(self, series: Path, low: str, high: str) -> Iterator[Path]:
        """Yield the folders of the days from `low` to `high` (``YYYY.MM.DD``), newest first."""
        days = (path for path in series.glob("[0-9]*/[0-9]*/[0-9]*") if path.is_dir())
        named = sorted(((".".join(path.parts[-3:]), path) for path in days), reverse=True)
        yield from (path for name, path in named if low <= name <= high)


def _origin(frame: ArchivedFrame) -> str:
    """Return where a frame's file came from: a host, with its port, or the file itself."""
    parts = urlsplit(frame.source.url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else frame.source.url


def _stamp(path: Path) -> str:
    match = _STAMP.search(path.name.removesuffix(SUFFIX))
    return "".join(match.groups()[:3]) + "_" + "".join(match.groups()[3:]) if match else ""
