"""A folder of FITS files as DRMS series.

Starting up reads the headers of all files, never their data; the full keywords of a record are
read when a query first asks for them.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from flaremon.errors import FitsError, InputError
from flaremon.replica.blocks import Hdu, read_hdus
from flaremon.replica.dating import slot_of
from flaremon.replica.records import CAMERA_MISSING, DEFINITIONS, ArchivedRecord, Definition

logger = logging.getLogger(__name__)

_UNIT_RECORDS = 32
"""Records per storage unit (``unitsize`` of the real series)."""
_VOLUMES = 90
_FIRST_SUNUM = 1_700_000_000
_FIRST_RECNUM = 500_001


@dataclass(frozen=True, slots=True)
class Series:
    """All records of one definition, by slot, camera and record number."""

    definition: Definition
    records: tuple[ArchivedRecord, ...]

    @property
    def current(self) -> list[ArchivedRecord]:
        """Records without those that a newer version replaces."""
        newest = {(record.slot, record.camera): record for record in self.records}
        return list(newest.values())


@dataclass(frozen=True, slots=True)
class Archive:
    """The series that a folder holds, by lower-case name."""

    series: Mapping[str, Series]

    def find(self, name: str) -> Series:
        """Return a series whatever the case of its name.

        Raises
        ------
        InputError
            If there is none.
        """
        found = self.series.get(name.lower())
        if found is None:
            held = ", ".join(s.definition.name for s in self.series.values())
            raise InputError(f"series {name!r} does not exist here; there is {held}")
        return found

    def __iter__(self) -> Iterator[ArchivedRecord]:
        for series in self.series.values():
            yield from series.records


def read_archive(folder: Path, *, series: str | None = None) -> Archive:
    """Read a folder of HMI magnetograms.

    Parameters
    ----------
    folder : Path
        Searched with all its sub-folders for ``*.fits`` and ``*.fts``.
    series : str, optional
        Serve every file as a record of this series, whatever its name says.

    Raises
    ------
    InputError
        If there is no such folder, no magnetogram in it, or no such series.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; the replica serves a folder of FITS files")
    definition = None if series is None else _definition(series)
    records = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in {".fits", ".fts"}):
        try:
            records.append(_record(path, definition))
        except (FitsError, InputError, OSError) as exc:
            text = str(exc).removeprefix(f"{path}: ")
            logger.warning("%s: not served: %s", path, text)
    if not records:
        raise InputError(
            f"{folder} holds no full-disk HMI magnetogram with its keywords; "
            "export some with protocol fits"
        )
    return assemble(records)


def assemble(records: Iterable[ArchivedRecord]) -> Archive:
    """Sort records into series and give them record numbers and places in SUMS."""
    grouped: dict[str, list[ArchivedRecord]] = {}
    for record in records:
        grouped.setdefault(record.definition.name, []).append(record)
    unit = _FIRST_SUNUM
    archive: dict[str, Series] = {}
    for name in sorted(grouped):
        ordered = sorted(grouped[name], key=_order)
        numbered = [
            replace(record, recnum=_FIRST_RECNUM + i, sums_dir=sums_dir(unit, i))
            for i, record in enumerate(ordered)
        ]
        unit += -(-len(ordered) // _UNIT_RECORDS)
        archive[name.lower()] = Series(numbered[0].definition, tuple(numbered))
    return Archive(archive)


def sums_dir(first_sunum: int, index: int = 0) -> str:
    """Return the directory of the record number `index` of a run of storage units."""
    sunum = first_sunum + index // _UNIT_RECORDS
    return f"/SUM{sunum % _VOLUMES}/D{sunum}/S{index % _UNIT_RECORDS:05d}"


def _order(record: ArchivedRecord) -> tuple[int, int, str]:
    return record.slot, record.camera, record.date


def _definition(name: str) -> Definition:
    for definition in DEFINITIONS.values():
        if definition.name.lower() == name.lower():
            return definition
    raise InputError(f"{name!r} is not a series of magnetograms; one of {', '.join(DEFINITIONS)}")


def _record(path: Path, definition: Definition | None) -> ArchivedRecord:
    image = read_hdus(path)[-1]
    t_rec = image.value("T_REC")
    if not isinstance(t_rec, str):
        raise FitsError("no T_REC: a file as SUMS keeps it has no keywords")
    if not str(image.value("TELESCOP")).startswith("SDO") or _other_content(image):
        raise FitsError("not an HMI magnetogram")
    definition = definition or _definition_of(path, image)
    camera = image.value("CAMERA")
    return ArchivedRecord(
        definition=definition,
        slot=slot_of(t_rec, definition.cadence_s),
        camera=camera if isinstance(camera, int) else CAMERA_MISSING,
        quality=_bit_word(image.value("QUALITY")),
        path=path,
        version=path.stat().st_mtime_ns,
        date=str(image.value("DATE") or ""),
    )


def _other_content(image: Hdu) -> bool:
    return image.value("CONTENT") != "MAGNETOGRAM" or image.value("HARPNUM") is not None


def _definition_of(path: Path, image: Hdu) -> Definition:
    match = re.match(r"(hmi\.\w+)\.\d{8}_", path.name, re.IGNORECASE)
    if match is not None:
        return _definition(match[1])
    for definition in DEFINITIONS.values():
        if (image.value("CADENCE"), image.value("QLOOK") or 0) == (
            definition.cadence_s,
            definition.qlook,
        ):
            return definition
    raise FitsError("neither its name nor CADENCE and QLOOK tell its series")


def _bit_word(value: object) -> int:
    try:
        word = int(value, 0) if isinstance(value, str) else value
    except ValueError:
        word = None
    if not isinstance(word, int):
        raise FitsError(f"QUALITY {value!r} is not a bit word")
    return word & 0xFFFFFFFF
