"""What to take of the store, read from TOML."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flaremon.errors import InputError
from flaremon.times import parse_utc
from flaremon.training.toml import checked, refuse_below

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from flaremon.frames import FrameArchive

SOURCE = "store"
"""Value of ``[data] source`` for a training on the store."""


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A machine's history, and what of it is asked for on the command line."""

    engine: "Engine"
    frames: "FrameArchive"
    models_dir: Path
    """Where the model to adapt is, unless it is one that ships."""
    series: str
    """Whose frames to take where the file names none."""
    catalog: str
    """Flare list, where the file names none."""
    since: datetime | None = None
    until: datetime | None = None
    """They win over those of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredConfig:
    """``[data]`` of a file that trains on the store."""

    source: str = SOURCE
    series: tuple[str, ...] = ()
    """Where two have a frame of one step of time, the first named is taken."""
    catalog: str = ""
    cadence_h: int = 6
    choose_share: float = 0.2
    """Of the time, to choose the epoch by; an adapted model needs no such part."""
    report_share: float = 0.3
    """Of the time, kept to report on: the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Observations from `since` (inclusive) to `until` (exclusive); None: as far as there are."""

    since: datetime | None = None
    until: datetime | None = None


def stored_config(
    table: Mapping[str, Any], where: str, stored: Stored
) -> tuple[StoredConfig, Range]:
    """Return what ``[data]`` says, with the command line and the settings for what it does not.

    Raises
    ------
    InputError
        A key does not exist or its value makes no sense; both are named.
    """
    table = dict(table)
    since = stored.since or _instant(table.pop("since", None), f"{where}: since")
    until = stored.until or _instant(table.pop("until", None), f"{where}: until")
    values = checked(StoredConfig, table, where)
    refuse_below({"cadence_h": 1, "choose_share": 0.05, "report_share": 0.05}, values, where)
    values["series"] = values.get("series") or (stored.series,)
    values["catalog"] = values.get("catalog") or stored.catalog
    config = StoredConfig(**values)
    if config.source != SOURCE:
        raise InputError(f"{where}: source must be {SOURCE!r}, is {config.source!r}")
    if not all(isinstance(name, str) for name in config.series):
        raise InputError(f"{where}: series must be a list of names, is {config.series!r}")
    if config.choose_share + config.report_share > 0.8:
        raise InputError(f"{where}: choose_share and report_share leave less than 0.2 to fit to")
    if since is not None and until is not None and since >= until:
        raise InputError(f"{where}: since {since} is not before until {until}")
    return config, Range(since=since, until=until)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Adapt:
    """The rest of a file that adapts a rate map."""

    base: str = ""
    bootstrap: int = 1000


def adapt_config(table: Mapping[str, Any], where: str) -> tuple[str, int]:
    """Return which model to adapt, and the draws for intervals.

    Raises
    ------
    InputError
        A key does not exist or its value makes no sense, or no model is named.
    """
    said = _Adapt(**checked(_Adapt, table, where))
    refuse_below({"bootstrap": 10}, {"bootstrap": said.bootstrap}, where)
    if not said.base:
        raise InputError(
            f'{where}: base is missing: the rate map to adapt, e.g. base = "fulldisk-rate@1.1.0" '
            "(without the store, a rate map is trained from maps: --data)"
        )
    return said.base, said.bootstrap


def _instant(value: Any, what: str) -> datetime | None:
    """Read a TOML date, time or text."""
    if value is None or isinstance(value, str):
        return None if value is None else parse_utc(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(), tzinfo=UTC)
    raise InputError(f"{what} must be a date such as 2026-02-01, is {value!r}")
