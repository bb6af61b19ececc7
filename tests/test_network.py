"""The network: shapes, what it can and cannot see, and what it refuses to be."""

import pytest
import torch

from flaremon.errors import ModelError
from flaremon.network import FullDiskCnn, NetworkConfig
from flaremon.network.plain import _compress, _position


@pytest.fixture
def network():
    torch.manual_seed(3)
    network = FullDiskCnn(NetworkConfig(channels=(4, 6, 8, 8))).eval()
    with torch.no_grad():  # fresh weights hardly react
        for weights in network.blocks.parameters():
            weights.mul_(4)
    return network


def planes_with(*patches):
    """Return one plane (1, 1, 512, 512) with square patches of mixed polarity at (x, y)."""
    planes = torch.zeros(1, 1, 512, 512)
    for x, y in patches:
        planes[0, 0, y : y + 16, x : x + 16] = 0.8
        planes[0, 0, y : y + 16, x + 16 : x + 32] = -0.6
    return planes


def test_one_logit_per_event_and_plane(network):
    with torch.inference_mode():
        logits = network(torch.zeros(3, 1, 512, 512))
    assert logits.shape == (3, 2)
    assert torch.isfinite(logits).all()


def test_pooling_first_and_the_rest_later_is_the_same(network):
    planes = torch.randn(2, 1, 512, 512, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        torch.testing.assert_close(network(planes), network.from_pooled(network.pool(planes)))


def test_odds_of_far_apart_regions_add_up(network):
    west, east = (400, 200), (80, 300)
    with torch.inference_mode():
        quiet, a, b, both = (
            network(planes_with(*regions)).double().exp()
            for regions in ((), (west,), (east,), (west, east))
        )
    assert not torch.allclose(a, quiet, rtol=0.05)
    torch.testing.assert_close(both - quiet, (a - quiet) + (b - quiet), rtol=1e-3, atol=1e-7)


def test_position_does_not_tell_east_from_west_or_north_from_south():
    position = _position(128, 60.8, torch.device("cpu"))
    torch.testing.assert_close(position, position.flip(-1))
    torch.testing.assert_close(position, position.flip(-2))
    mu = position[0, 0]
    assert mu[63, 63] == pytest.approx(1, abs=1e-3)
    assert mu[0, 0] == 0


def test_compression_keeps_sign_and_full_scale():
    field = torch.tensor([-1.0, -0.08, 0.0, 0.08, 1.0])
    squeezed = _compress(field, 0.08)
    torch.testing.assert_close(squeezed, -squeezed.flip(0))
    assert squeezed[-1] == pytest.approx(1)
    assert 0.2 < squeezed[3] < 0.3


def test_default_network_is_small():
    assert sum(p.numel() for p in FullDiskCnn(NetworkConfig()).parameters()) <= 300_000


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"architecture": "resnet"}, "resnet"),
        ({"n_events": 0}, "events"),
        ({"channels": (4, 4)}, "channel"),
        ({"pooled_px": 100}, "pooled_px"),
        ({"input_px": 500}, "input_px"),
        ({"radius_fraction": 0.6}, "radius_fraction"),
        ({"knee": 0.0}, "knee"),
        ({"dropout": 1.0}, "dropout"),
    ],
)
def test_dimensions_that_make_no_network_are_refused(change, named):
    with pytest.raises(ModelError, match=named):
        NetworkConfig(**change)
