"""A map of flare rates: how many flares of each class every part of the disk makes per day.

Each cell of 2 x 2 degrees is judged by itself and by its surroundings of 6 and 14 degrees, by a
small network that is the same everywhere. What comes out is not negative, rates of higher classes
are parts of those of lower ones, and the disk's rate is the sum over its cells: a region's share
of the sum is the explanation, nothing else is needed.

Several such networks, fitted to different years, are the ensemble; their spread is kept.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from flaremon.errors import ModelError
from flaremon.network.surface import (
    CELL_DEG,
    LATITUDE_DEG,
    N_FEATURES,
    Surface,
    axis_deg,
    features,
)

ARCHITECTURE = "rate-map"
N_CLASSES = 3
"""C1+, M1+, X1+."""
M1 = 1
"""Which of them is M1+."""
SURROUNDINGS_CELLS = (3, 7)
N_KINDS, N_DECAYS = 6, 3
"""Of sums over recent flares, as `flaremon.inference.activity` makes them: kinds are those for
windows (C1+, M1+, X1+), then those for events in progress; each with three times of decay."""
SUM_FLOOR = 0.03
"""Added to a sum before its logarithm: without recent flares it is small, not minus infinity."""
_LOG_RATE_RANGE = (-18.0, 4.0)
_LARGEST_LOG_STEP = 2.0
"""Of the log rate from one class to the next above it."""
_TINY_RATE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class RateConfig:
    """Dimensions of the network; `model.toml` keeps them beside the weights."""

    architecture: str = ARCHITECTURE
    event_classes: tuple[int, ...] = (1, 0, 2, 0, 1)
    """Per event, which rate it is of: 0 for C1+, 1 for M1+, 2 for X1+."""
    event_groups: tuple[int, ...] = (0, 0, 0, 1, 1)
    """Per event, a number that it shares with those of the same window: among them no higher
    class is more probable than a lower one. 0 is a window to come, 1 an event in progress."""
    input_px: int = 512
    """Side of the plane."""
    radius_fraction: float = 0.475
    """Solar radius as a fraction of the side."""
    longitude_deg: float = 80.0
    """The map reaches this far from the central meridian."""
    hidden: int = 32
    members: int = 5
    """Networks of the ensemble."""

    @property
    def n_events(self) -> int:
        """Number of events that are answered."""
        return len(self.event_classes)

    @property
    def event_kinds(self) -> tuple[int, ...]:
        """Per event, which kind of sum over recent flares it is told."""
        pairs = zip(self.event_groups, self.event_classes, strict=True)
        return tuple(N_CLASSES * group + level for group, level in pairs)

    def __post_init__(self) -> None:
        """Refuse dimensions that make no network.

        Raises
        ------
        ModelError
            Naming the dimension.
        """
        if self.architecture != ARCHITECTURE:
            raise ModelError(f"{self.architecture!r} is not the architecture {ARCHITECTURE!r}")
        if not self.event_classes or not set(self.event_classes) <= set(range(N_CLASSES)):
            raise ModelError(
                f"network.event_classes must be numbers from 0 to {N_CLASSES - 1}, "
                f"is {self.event_classes}"
            )
        if len(self.event_groups) != len(self.event_classes):
            raise ModelError(
                f"network.event_groups {self.event_groups} must be one number per event"
            )
        if not set(self.event_groups) <= {0, 1}:
            raise ModelError(f"network.event_groups must be 0 or 1, is {self.event_groups}")
        if self.input_px < 2 or self.input_px % 2:
            raise ModelError(f"network.input_px {self.input_px} must be even")
        if self.hidden < 1 or self.members < 1:
            raise ModelError(f"network.hidden and members must be at least 1 in {self}")
        if not 0 < self.radius_fraction <= 0.5:
            raise ModelError(f"network.radius_fraction {self.radius_fraction} is not in (0, 0.5]")
        if not 0 < self.longitude_deg < 90 or self.longitude_deg % CELL_DEG:
            raise ModelError(
                f"network.longitude_deg {self.longitude_deg} must be a multiple of "
                f"{CELL_DEG:g} below 90"
            )


class RateMember(nn.Module):
    """One network of the ensemble: features of cells to rates of cells."""

    centre: Tensor
    scale: Tensor

    def __init__(self, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        width = N_FEATURES * (1 + len(SURROUNDINGS_CELLS))
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))
        self.layers = nn.Sequential(
            nn.Conv2d(width, hidden, kernel_size=1),
            nn.SiLU(),
            nn.Dropout(dropout),
            nn.Conv2d(hidden, hidden, kernel_size=1),
            nn.SiLU(),
            nn.Conv2d(hidden, N_CLASSES, kernel_size=1),
        )

    def begin_at(self, log_rates: tuple[float, float, float]) -> None:
        """Let everything have one rate: of C flares, and log ratios of M to C and X to M."""
        last = self.layers[-1]
        if isinstance(last, nn.Conv2d) and last.bias is not None:
            nn.init.zeros_(last.weight)
            last.bias.data.copy_(torch.tensor(log_rates))

    def forward(self, cells: Tensor) -> Tensor:
        """Return rates of C, M and X flares, each without those of the classes above it.

        Parameters
        ----------
        cells : Tensor, shape (N, width, rows, columns)
            As `surroundings` makes them.

        Returns
        -------
        Tensor, shape (N, N_CLASSES, rows, columns)
            Flares per day and cell.
        """
        scaled = (cells - self.centre[:, None, None]) / self.scale[:, None, None]
        c, m_over_c, x_over_m = self.layers(scaled).unbind(dim=1)
        m = c + m_over_c.clamp(max=_LARGEST_LOG_STEP)
        x = m + x_over_m.clamp(max=_LARGEST_LOG_STEP)
        return torch.stack([c, m, x], dim=1).clamp(*_LOG_RATE_RANGE).exp()


def surroundings(cells: Tensor) -> Tensor:
    """Return features of cells beside the means of their neighbourhoods, logarithmic.

    Parameters
    ----------
    cells : Tensor, shape (N, N_FEATURES, rows, columns)
        From `flaremon.network.surface.features`.

    Returns
    -------
    Tensor, shape (N, 3 * N_FEATURES, rows, columns)
    """
    wider = [
        functional.avg_pool2d(functional.pad(cells, (size // 2,) * 4), size, stride=1)
        for size in SURROUNDINGS_CELLS
    ]
    return torch.log1p(10 * torch.cat([cells, *wider], dim=1))


class RateMap(nn.Module):
    """A plane of the whole disk to expected numbers of flares, by every member of the ensemble."""

    plain: Tensor
    informed: Tensor

    def __init__(self, config: RateConfig) -> None:
        super().__init__()
        self.config = config
        self.surface = Surface(config.radius_fraction, config.longitude_deg)
        self.members = nn.ModuleList(RateMember(config.hidden) for _ in range(config.members))
        # Fitted after the members, and kept with the weights: per event,
        # log number = offset + slope x log rate (+ weights x logs of sums over recent flares).
        # Two heads and not one that is told zeros now and then: what is known is known for a
        # whole plane or not at all, so each head can be the best one for its case, and the one
        # without recent flares cannot be spoilt by the other.
        self.register_buffer("plain", torch.tensor([0.0, 1.0]).repeat(config.n_events, 1))
        self.register_buffer(
            "informed",
            torch.tensor([0.0, 1.0] + [0.0] * N_DECAYS).repeat(config.n_events, 1),
        )

    def forward(self, planes: Tensor, sums: Tensor | None = None) -> Tensor:
        """Return the log of the expected number of flares per event's window.

        Parameters
        ----------
        planes : Tensor, shape (N, 1, input_px, input_px)
        sums : Tensor, shape (N, N_KINDS, N_DECAYS), optional
            Over recent flares; NaN where they are not known.

        Returns
        -------
        Tensor, shape (N, members, n_events)
            The probability of at least one is ``1 - exp(-exp(it))``.
        """
        return self.expected(self.rates(planes).sum(dim=(3, 4)), sums)

    def rates(self, planes: Tensor) -> Tensor:
        """Return nested rates (N, members, N_CLASSES, rows, columns): flares per day and cell.

        The first class is C1+, with all above it. Rows run from south to north, columns from
        east to west.
        """
        cells = surroundings(features(self.surface(planes)))
        apart = torch.stack([member(cells) for member in self.members], dim=1)
        return apart.flip(2).cumsum(dim=2).flip(2)

    def expected(self, totals: Tensor, sums: Tensor | None = None) -> Tensor:
        """Return what `forward` does, from the disk's nested rates (N, members, N_CLASSES)."""
        log_rates = (totals + _TINY_RATE).log()[:, :, list(self.config.event_classes)]
        numbers = self.plain[:, 0] + self.plain[:, 1] * log_rates
        if sums is not None:
            known = ~sums.isnan().flatten(1).any(dim=1)
            recent = (sums.nan_to_num(nan=0.0) + SUM_FLOOR).log()[:, list(self.config.event_kinds)]
            told = (recent * self.informed[:, 2:]).sum(dim=2)  # (N, n_events)
            informed = self.informed[:, 0] + self.informed[:, 1] * log_rates + told[:, None]
            numbers = torch.where(known[:, None, None], informed, numbers)
        return torch.stack([numbers[:, :, lower].amin(dim=2) for lower in self._at_most], dim=2)

    @property
    def _at_most(self) -> list[list[int]]:
        """Per event, the events that are at least as probable, itself included."""
        kinds = list(zip(self.config.event_groups, self.config.event_classes, strict=True))
        return [
            [k for k, (other, lower) in enumerate(kinds) if other == group and lower <= level]
            for group, level in kinds
        ]


def cell_axes(config: RateConfig) -> tuple[Tensor, Tensor]:
    """Return latitudes and longitudes of the middles of the map's cells, degrees."""
    return axis_deg(LATITUDE_DEG, CELL_DEG), axis_deg(config.longitude_deg, CELL_DEG)
