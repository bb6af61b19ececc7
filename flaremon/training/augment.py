"""The same Sun as another instrument, or its mirror, would show it.

Mirrors and polarity: the physics of flares does not know north from south, nor one cycle's
polarity from the next one's. East and west are mirrored as well, because in rendered views the
east half is more recent than the west; a network that never knows which is which cannot use it.
Gain and noise: sources differ by some 10 % in strong field (8-bit pictures are clipped before
they are averaged: -7 to -12 % on three real files) and in quiet-Sun noise.
"""

import torch
from torch import Tensor

_GAIN_SIGMA = 0.12
_NOISE_MAX = 0.012
"""In units of the plane (3 G of 250 G), after the first averaging."""


def augment(pooled: Tensor, generator: torch.Generator) -> Tensor:
    """Return other views of the same disks.

    Parameters
    ----------
    pooled : Tensor, shape (N, 1, P, P)
        Planes after the network's first averaging; off-disk pixels are exactly 0 and stay so.
    generator : torch.Generator
        All randomness comes from it; on the device of the planes.
    """
    shape, device = (len(pooled), 1, 1, 1), generator.device

    def coin() -> Tensor:
        return torch.rand(shape, generator=generator, device=device) < 0.5

    seen = torch.where(coin(), pooled.flip(-2), pooled)
    seen = torch.where(coin(), seen.flip(-1), seen)
    gain = torch.exp(_GAIN_SIGMA * torch.randn(shape, generator=generator, device=device))
    noise = torch.randn(seen.shape, generator=generator, device=device)
    noise *= _NOISE_MAX * torch.rand(shape, generator=generator, device=device)
    return torch.where(coin(), seen, -seen) * gain + noise * (seen != 0)
