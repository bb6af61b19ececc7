"""How a plain network is trained, read from TOML."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flaremon.domain import FlareEvent
from flaremon.errors import InputError
from flaremon.training.loop import FitConfig
from flaremon.training.toml import checked, refuse_below

_LEAST = {
    "epochs": 1,
    "share_per_epoch": 0.01,
    "batch_size": 1,
    "learning_rate": 1e-9,
    "weight_decay": 0,
    "threads": 1,
    "bootstrap": 10,
    "seed": 0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainConfig:
    """What a file may say; the defaults are those of the package that ships."""

    seed: int = 0
    bootstrap: int = 1000
    """Draws of blocks for intervals."""
    events: tuple[str, ...] = ("M1+/24h", "C1+/now")
    """The first is the one that parts of a store are counted by."""
    channels: tuple[int, ...] = (16, 24, 32, 32)
    fit: FitConfig = field(default_factory=FitConfig)

    @property
    def parsed_events(self) -> tuple[FlareEvent, ...]:
        """The events."""
        return tuple(FlareEvent.parse(event) for event in self.events)


def plain_config(table: Mapping[str, Any], where: str) -> PlainConfig:
    """Return what a TOML table says: fields of `PlainConfig`, ``[fit]`` of `FitConfig`.

    Raises
    ------
    InputError
        A key does not exist or its value makes no sense; it is named.
    """
    table = dict(table)
    fit = checked(FitConfig, table.pop("fit", {}), f"{where}, [fit]")
    refuse_below(_LEAST, fit, f"{where}, [fit]")
    values = checked(PlainConfig, table, where)
    refuse_below(_LEAST, values, where)
    config = PlainConfig(**values, fit=FitConfig(**fit))
    if not config.events or not all(isinstance(event, str) for event in config.events):
        raise InputError(f"{where}: events must be a list of such as M1+/24h, is {config.events}")
    try:
        _ = config.parsed_events
    except InputError as exc:
        raise InputError(f"{where}: events: {exc}") from exc
    if len(config.channels) != 4 or not all(
        isinstance(width, int) and width > 0 for width in config.channels
    ):
        raise InputError(f"{where}: channels must be four whole numbers, is {config.channels}")
    return config
