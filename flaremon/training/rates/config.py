"""What decides weights and figures, read from TOML."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from flaremon.errors import InputError
from flaremon.training.toml import checked
from flaremon.verify.labels import Times

EVENTS = ("M1+/24h", "C1+/24h", "X1+/24h", "C1+/now", "M1+/now")


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberConfig:
    """How one member of the ensemble is fitted."""

    hidden: int = 24
    dropout: float = 0.1
    epochs: int = 20
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    from_meridian_deg: float = 30.0
    """Flares further from the central meridian are not used: maps are honest near it."""
    place_sigma_deg: float = 3.0
    """How well flares are located."""
    batch: int = 8
    """Blocks of a rotation's length at once."""
    threads: int = 1
    """CPU threads; more change the order of sums, and with it the last digits of weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonConfig:
    """How the plain network for comparison is fitted; it never answers anybody."""

    channels: tuple[int, ...] = (16, 32, 64)
    dropout: float = 0.3
    epochs: int = 10
    learning_rate: float = 1e-3
    batch: int = 32
    """Days at once."""
    networks: int = 3
    """One for each of the first groups of years. Years that all of them are fitted to say nothing
    for their last step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RatesConfig:
    """A training of a rate map."""

    folds: tuple[tuple[int, ...], ...] = (
        (2010, 2011),
        (2012, 2013),
        (2014,),
        (2015, 2016),
        (2017, 2018),
    )
    """Groups of years; one member is fitted to all but one of them each. Rotations at the borders
    are left out of both."""
    choose: tuple[int, ...] = (2019, 2020, 2021)
    """Years that no member is fitted to, for calibration beside the left-out ones."""
    thresholds: tuple[int, ...] = (2011, 2012, 2013, 2014, 2015)
    """Years whose out-of-fold hours fix the thresholds: active ones, as those that come."""
    cadence_h: int = 6
    seed: int = 0
    bootstrap: int = 1000
    """Draws of blocks for intervals."""
    beside: str = "fulldisk-cnn@1.0.0"
    """Shipped package that an evaluation shows beside; empty for none."""
    beside_cadence_h: int = 48
    member: MemberConfig = field(default_factory=MemberConfig)
    comparison: ComparisonConfig | None = None
    """None: no other network is trained beside."""

    @property
    def fitted(self) -> tuple[int, ...]:
        """All years that members are fitted to."""
        return tuple(sorted(year for fold in self.folds for year in fold))

    @property
    def before(self) -> tuple[int, ...]:
        """All years before the reported ones."""
        return tuple(sorted((*self.fitted, *self.choose)))

    def times(self, years: tuple[int, ...]) -> Times:
        """Return the instants of observation of some years, to `last_moment` of the last one."""
        step = np.timedelta64(self.cadence_h * 3600, "s")
        end = last_moment(max(self.before))
        every = np.arange(np.datetime64(f"{min(years)}-01-01", "s"), end, step)
        return every[np.isin(every.astype("datetime64[Y]").astype(int) + 1970, years)]


def last_moment(year: int) -> np.datetime64:
    """Return until when observations are used if this is the last year: 40 days to its end."""
    return np.datetime64(f"{year}-11-20", "s")


def config_from(table: dict[str, Any], where: str) -> RatesConfig:
    """Return what a TOML table says.

    Fields of `RatesConfig`, ``[member]`` of `MemberConfig`, and perhaps ``[comparison]`` of
    `ComparisonConfig`.

    Parameters
    ----------
    table : dict
        As tomllib reads it.
    where : str
        For messages.

    Raises
    ------
    InputError
        If it has a key that does not exist or a value of another kind.
    """
    table = dict(table)
    member = checked(MemberConfig, table.pop("member", {}), f"{where}, [member]")
    other = table.pop("comparison", None)
    comparison = None
    if other is not None:
        comparison = ComparisonConfig(**checked(ComparisonConfig, other, f"{where}, [comparison]"))
    config = RatesConfig(
        **checked(RatesConfig, table, where),
        member=MemberConfig(**member),
        comparison=comparison,
    )
    if len(set(config.before)) < len(config.before) or len(config.folds) < 2:
        raise InputError(f"{where}: folds and choose must be different years, in two folds or more")
    return config
