"""A plain residual network for comparison: the deprojected disk to the rates of its flares.

It sees everything that the rate map's fixed features leave out, and nobody tells it that regions
add up. After He et al. 2016 (arXiv:1512.03385), as small as disks of 1 degree ask for.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from flaremon.network.rates import N_CLASSES

_LARGEST_LOG_STEP = 2.0
_LOG_RATE_RANGE = (-10.0, 5.0)
_START_LOG_RATES = (0.0, -2.0, -2.5)
_FIELD_GAUSS = 100.0


class DiskResNet(nn.Module):
    """Fields of disks to logs of nested rates per day, of C1+, M1+ and X1+ flares.

    Parameters
    ----------
    channels : sequence of int
        Of the stages; each halves the picture and has one residual block.
    dropout : float
        Before the last layer.
    """

    def __init__(self, channels: tuple[int, ...], dropout: float) -> None:
        super().__init__()
        widths = (2, *channels)
        self.stages = nn.Sequential(*(_Stage(a, b) for a, b in pairwise(widths)))
        self.dropout = nn.Dropout(dropout)
        self.last = nn.Linear(channels[-1], N_CLASSES)
        nn.init.zeros_(self.last.weight)
        self.last.bias.data.copy_(torch.tensor(_START_LOG_RATES))

    def forward(self, fields: Tensor) -> Tensor:
        """Return logs of rates (N, N_CLASSES) of C, M and X flares, not nested.

        Parameters
        ----------
        fields : Tensor, shape (N, rows, columns)
            Gauss, from south to north and from east to west.
        """
        signed = fields[:, None] / _FIELD_GAUSS
        pooled = self.stages(torch.cat([signed, signed.abs()], dim=1)).mean(dim=(2, 3))
        c, m_over_c, x_over_m = self.last(self.dropout(pooled)).unbind(dim=1)
        m = c + m_over_c.clamp(max=_LARGEST_LOG_STEP)
        x = m + x_over_m.clamp(max=_LARGEST_LOG_STEP)
        return torch.stack([c, m, x], dim=1).clamp(*_LOG_RATE_RANGE)

    def nested(self, fields: Tensor) -> Tensor:
        """Return nested rates per day (N, N_CLASSES): the first is of C1+, all above included."""
        apart: Tensor = self(fields).exp()
        return apart.flip(1).cumsum(dim=1).flip(1)


class _Stage(nn.Module):
    """Halve, then one residual block."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.down = nn.Sequential(
            nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(after)
        )
        self.block = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(after, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
        )

    def forward(self, values: Tensor) -> Tensor:
        down = self.down(values)
        return functional.relu(down + self.block(down))
