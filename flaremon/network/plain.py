"""`plain-cnn`: the whole disk to log odds per event.

The network sees the disk coarsely on purpose. It learns from views rendered from synoptic maps
(0.5 degree cells) and serves 4096-pixel magnetograms and 8-bit pictures, which differ most in
fine structure; so the first thing it does is to average the 512-pixel plane over 4 x 4 pixels.
What is left is compressed logarithmically, which turns differences of calibration and clipping
between sources into small offsets. Each part of the disk then contributes to the odds of a flare,
and the disk's odds are the area-weighted sum of the contributions.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from flaremon.errors import ModelError

ARCHITECTURE = "plain-cnn"
_STRIDE = 8
"""From the pooled plane to the cells whose contributions are summed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """Dimensions of the network; `model.toml` keeps them beside the weights."""

    architecture: str = ARCHITECTURE
    n_events: int = 2
    input_px: int = 512
    """Side of the plane."""
    pooled_px: int = 128
    """Side after the first averaging."""
    radius_fraction: float = 0.475
    """Solar radius as a fraction of the side, as in the frame that makes the planes."""
    knee: float = 0.08
    """Field, in units of the plane, at which compression sets in (0.08 is 20 G of 250 G)."""
    channels: tuple[int, ...] = (24, 32, 48, 48)
    dropout: float = 0.2

    def __post_init__(self) -> None:
        """Refuse dimensions that make no network.

        Raises
        ------
        ModelError
            Naming the dimension.
        """
        if self.architecture != ARCHITECTURE:
            raise ModelError(
                f"network architecture {self.architecture!r} is unknown; "
                f"this version of flaremon builds {ARCHITECTURE!r}"
            )
        if self.n_events < 1 or len(self.channels) != 4 or min(self.channels) < 1:
            raise ModelError(f"network needs events and four channel counts, has {self}")
        if self.pooled_px % _STRIDE or self.input_px % self.pooled_px:
            raise ModelError(
                f"network.pooled_px {self.pooled_px} must divide input_px {self.input_px} "
                f"and be a multiple of {_STRIDE}"
            )
        if not (0 < self.radius_fraction <= 0.5 and self.knee > 0 and 0 <= self.dropout < 1):
            raise ModelError(f"network.radius_fraction, knee or dropout is out of range in {self}")


class FullDiskCnn(nn.Module):
    """A plane of the whole disk to one logit per event."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        a, b, c, d = config.channels
        self.blocks = nn.Sequential(
            _Block(_N_FEATURES, a),  # 64 px
            nn.AvgPool2d(2),
            _Block(a, b),  # 32 px
            nn.AvgPool2d(2),
            _Block(b, c),  # 16 px
            _Block(c, d),
            nn.Dropout2d(config.dropout),
        )
        self.contribution = nn.Conv2d(d, config.n_events, kernel_size=1)

    def forward(self, planes: Tensor) -> Tensor:
        """Return logits (N, n_events) of planes (N, 1, input_px, input_px)."""
        return self.from_pooled(self.pool(planes))

    def pool(self, planes: Tensor) -> Tensor:
        """Average planes (N, 1, input_px, input_px) to (N, 1, pooled_px, pooled_px)."""
        return functional.avg_pool2d(planes, self.config.input_px // self.config.pooled_px)

    def from_pooled(self, pooled: Tensor) -> Tensor:
        """Return logits (N, n_events) of what `pool` returns; training starts here."""
        disk_radius_px = self.config.radius_fraction * self.config.pooled_px
        position = _position(self.config.pooled_px, disk_radius_px, pooled.device)
        strength = _compress(pooled, self.config.knee)  # (N, 1, P, P), signed
        features = torch.cat(
            [
                strength,
                strength.abs(),
                pooled.abs(),
                position.to(strength.dtype).expand(len(pooled), -1, -1, -1),
            ],
            dim=1,
        )
        # Unsigned field is taken before averaging further, so that close opposite polarities
        # do not cancel; where they are mixed, signed and unsigned means differ.
        cells = self.blocks(functional.avg_pool2d(features, 2))  # (N, C, P/8, P/8)
        contributions = self.contribution(cells)  # (N, E, P/8, P/8)
        # Share of each cell that lies on the disk; log 0 = -inf leaves off-disk cells out.
        log_area = functional.avg_pool2d((position[:, :1] > 0).float(), _STRIDE).log()
        return torch.logsumexp(contributions.float() + log_area, dim=(2, 3))  # (N, E)


class _Block(nn.Sequential):
    """3 x 3 convolution, normalisation, ReLU."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__(
            nn.Conv2d(n_in, n_out, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(n_out),
            nn.ReLU(),
        )


_N_FEATURES = 5
"""Signed and unsigned compressed field, unsigned field, mu, distance from the equator."""


def _compress(pooled: Tensor, knee: float) -> Tensor:
    """Sign(b) log(1 + |b| / knee), scaled so that the full plane value 1 stays 1."""
    return pooled.sign() * torch.log1p(pooled.abs() / knee) / math.log1p(1 / knee)


def _position(side_px: int, radius_px: float, device: torch.device) -> Tensor:
    """Return (1, 2, side, side): mu = cos(angle from disk centre), 0 off disk, and |y| / R.

    East and west, north and south are not told apart: synoptic views are more recent on one
    side than on the other, and a network that knew the side would learn that, not the Sun.
    """
    axis = (torch.arange(side_px, device=device) - (side_px - 1) / 2) / radius_px
    y, x = axis[:, None].expand(side_px, side_px), axis[None, :].expand(side_px, side_px)
    mu = (1 - x**2 - y**2).clamp(min=0).sqrt()
    return torch.stack([mu, y.abs() * (mu > 0)])[None]
