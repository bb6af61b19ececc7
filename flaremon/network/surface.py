"""A plane of the disk to the Sun's surface, and its features.

Everything here is fixed arithmetic without weights, the same for a magnetogram, an 8-bit picture
and a synoptic map, so that a network trained on one can serve on another.

Sources differ most where field is strong and fine: 8-bit pictures are clipped at +-250 G before
they are averaged, FITS files after, synoptic maps never. So most features do not grow with strong
field: the shares of the area above 30 and 60 G change by a few percent where the field itself
changes by a third.

What is missing on purpose: how near both polarities come to each other. It is the best single
sign of flares at disk centre (Schrijver 2007, ApJ 655 L117) and no quantity that survives the way
from maps to images: at equal field it differed between them by factors of 1.4 to 2.5, and on real
images it grows toward the limb, where it is an effect of projection.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

STEP_DEG = 0.5
"""Of the grid in latitude and longitude; synoptic maps have no finer cells."""
LATITUDE_DEG = 45.0
"""Rows reach from -45 to 45 degrees: regions that flare are not seen beyond 40."""
CELL_STEPS = 4
"""Grid steps per cell: features are averaged over 2 x 2 degrees."""
CELL_DEG = STEP_DEG * CELL_STEPS
N_FEATURES = 5
CLIP_GAUSS = 250.0
"""Radial field is clipped here, as planes are."""

_BLUR_STEPS = 1.0
"""First smoothing (sigma), to a resolution that all sources have."""
_LEVELS_GAUSS = (30.0, 60.0, 120.0)
_NETWORK_STEPS = 6.0
FORESHORTENING = 0.4
"""Line-of-sight field falls toward the limb as mu to this power, not as mu: on 672 real pictures
all quantiles of a month's field are flat from 0 to 80 degrees with it (fields are not radial, and
clip less where they are seen from the side). The radial field would be 4 times too strong there.
"""
_PLANE_GAUSS = 250.0
"""Planes are in units of this."""


def axis_deg(half_deg: float, step_deg: float) -> Tensor:
    """Return the middles of steps from -half to +half, degrees, float64."""
    count = round(2 * half_deg / step_deg)
    return -half_deg + step_deg * (torch.arange(count, dtype=torch.float64) + 0.5)


class Surface(nn.Module):
    """Deprojects planes: the field in gauss as at disk centre, on latitudes and longitudes.

    Coordinates are those of a disk seen from the solar equator: ``x = cos(lat) sin(lon)`` and
    ``y = sin(lat)`` in solar radii, west and north positive. The latitude of the disk centre
    (B0, at most 7.3 degrees) is not taken out: it moves a region by no more than its own size.

    Parameters
    ----------
    radius_fraction : float
        Solar radius as a fraction of the plane's side.
    longitude_deg : float
        Half width of the grid; 80 degrees are 98.5 % of the radius.
    """

    grid: Tensor
    mu: Tensor

    def __init__(self, radius_fraction: float, longitude_deg: float) -> None:
        super().__init__()
        with torch.device("cpu"):  # weights are built on "meta"; these are not weights
            latitude = torch.deg2rad(axis_deg(LATITUDE_DEG, STEP_DEG))
            longitude = torch.deg2rad(axis_deg(longitude_deg, STEP_DEG))
            lat, lon = torch.meshgrid(latitude, longitude, indexing="ij")
            x, y = lat.cos() * lon.sin(), lat.sin()
            grid = torch.stack([2 * radius_fraction * x, 2 * radius_fraction * y], dim=-1)
            mu = lat.cos() * lon.cos()
        self.register_buffer("grid", grid.float()[None], persistent=False)
        self.register_buffer("mu", mu.float(), persistent=False)

    def forward(self, planes: Tensor) -> Tensor:
        """Return (N, 1, latitudes, longitudes) of planes (N, 1, side, side)."""
        # Two pixels of 512 are a step of the grid at disk centre: without averaging it would
        # skip some.
        halved = functional.avg_pool2d(planes.float(), 2)
        grid = self.grid.expand(planes.shape[0], -1, -1, -1)
        line_of_sight = functional.grid_sample(halved, grid, mode="bilinear", align_corners=False)
        return line_of_sight * _PLANE_GAUSS / self.mu**FORESHORTENING


def features(field_gauss: Tensor) -> Tensor:
    """Return what the network sees of a radial field on the grid.

    Parameters
    ----------
    field_gauss : Tensor, shape (N, 1, rows, columns)
        Radial field at steps of `STEP_DEG`; of a disk or of a strip of synoptic maps.

    Returns
    -------
    Tensor, shape (N, N_FEATURES, rows / CELL_STEPS, columns / CELL_STEPS)
        Non-negative: unsigned field in 100 G; shares of the area above 30, 60, 120 G; the field
        of large scale in 50 G.
    """
    field = smooth(field_gauss.clamp(-CLIP_GAUSS, CLIP_GAUSS), _BLUR_STEPS)
    unsigned = field.abs()
    above = [_share_above(unsigned, level) for level in _LEVELS_GAUSS]
    large = smooth(field, _NETWORK_STEPS).abs() / 50
    return functional.avg_pool2d(torch.cat([unsigned / 100, *above, large], dim=1), CELL_STEPS)


def _share_above(unsigned_gauss: Tensor, level_gauss: float) -> Tensor:
    cubed = (unsigned_gauss / level_gauss) ** 3
    return cubed / (1 + cubed)


def smooth(values: Tensor, sigma_steps: float) -> Tensor:
    """Return values (N, 1, rows, columns) after a Gaussian; edges are continued."""
    reach = math.ceil(3 * sigma_steps)
    offset = torch.arange(-reach, reach + 1, dtype=values.dtype, device=values.device)
    kernel = torch.exp(-0.5 * (offset / sigma_steps) ** 2)
    kernel = kernel / kernel.sum()
    wide = functional.pad(values, (reach, reach, 0, 0), mode="replicate")
    rows = functional.conv2d(wide, kernel.view(1, 1, 1, -1))
    tall = functional.pad(rows, (0, 0, reach, reach), mode="replicate")
    return functional.conv2d(tall, kernel.view(1, 1, -1, 1))
