"""The rate map: not negative, nested, a sum over places, the same for mirrors and polarities."""

import pytest
import torch
from support.disks import plane
from support.packages import write_rate_package

from flaremon.errors import ModelError
from flaremon.inference.activity import SHAPE
from flaremon.network import RateConfig, RateMap
from flaremon.network.rates import N_DECAYS, N_KINDS, cell_axes
from flaremon.network.surface import features
from flaremon.package import build_network

EAST, WEST = (-35.0, 18.0), (30.0, -15.0)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return build_network(write_rate_package(tmp_path_factory.mktemp("models")))


def rates(network, *places, **options):
    with torch.inference_mode():
        return network.rates(torch.from_numpy(plane(*places, **options))[None])


def test_rates_are_not_negative_and_those_of_higher_classes_are_parts_of_lower_ones(network):
    c1, m1, x1 = rates(network, EAST, WEST).unbind(dim=2)
    assert (x1 >= 0).all()
    assert (m1 >= x1).all()
    assert (c1 >= m1).all()


def test_no_higher_class_is_more_probable_than_a_lower_one_in_the_same_window():
    network = RateMap(RateConfig(hidden=4, members=3))
    torch.nn.init.normal_(network.plain, generator=torch.Generator().manual_seed(2))
    totals = torch.rand(50, 3, 3, generator=torch.Generator().manual_seed(3)).cumsum(2).flip(2)
    m1, c1, x1, c1_now, m1_now = network.expected(totals).unbind(dim=2)
    assert (c1 >= m1).all()
    assert (m1 >= x1).all()
    assert (c1_now >= m1_now).all()
    assert (c1 > m1).any()


def test_rates_of_far_apart_regions_add_up(network):
    quiet, a, b, both = (
        rates(network, *places).sum(dim=(3, 4)) for places in ((), (EAST,), (WEST,), (EAST, WEST))
    )
    assert (a > 1.05 * quiet).all()
    torch.testing.assert_close(both - quiet, (a - quiet) + (b - quiet), rtol=1e-3, atol=1e-6)


def test_the_rate_is_where_the_region_is(network):
    latitudes, longitudes = cell_axes(network.config)
    m1 = rates(network, WEST)[0, 0, 1].double()
    m1 = m1 - m1.min()
    assert float((m1.sum(1) @ latitudes) / m1.sum()) == pytest.approx(WEST[1], abs=2)
    assert float((m1.sum(0) @ longitudes) / m1.sum()) == pytest.approx(WEST[0], abs=2)


@pytest.mark.parametrize("change", [lambda p: -p, lambda p: p.flip(-1), lambda p: p.flip(-2)])
def test_polarity_and_mirrors_do_not_change_the_disk(network, change):
    planes = torch.from_numpy(plane(EAST, WEST))[None]
    with torch.inference_mode():
        torch.testing.assert_close(network(change(planes)), network(planes), rtol=1e-4, atol=1e-4)


def test_recent_flares_count_where_they_are_known_and_only_there(network):
    planes = torch.from_numpy(plane(EAST))[None].expand(3, -1, -1, -1)
    sums = torch.stack([torch.full(SHAPE, value) for value in (0.0, 2.0, torch.nan)])
    with torch.inference_mode():
        alone, informed = network(planes), network(planes, sums)
    assert torch.equal(informed[2], alone[2])
    assert (informed[1] > informed[0]).all()


def test_without_recent_flares_the_head_that_knows_them_does_not_matter():
    """Two heads: the answer of the magnetogram alone cannot be spoilt by the other."""
    network = RateMap(RateConfig(hidden=4, members=2))
    totals = torch.rand(5, 2, 3, generator=torch.Generator().manual_seed(1)).cumsum(2).flip(2)
    unknown = torch.full((5, *SHAPE), torch.nan)
    before = network.expected(totals)
    torch.nn.init.normal_(network.informed, generator=torch.Generator().manual_seed(2))
    assert torch.equal(network.expected(totals, unknown), before)
    assert not torch.equal(network.expected(totals, torch.ones(5, *SHAPE)), before)


def test_each_event_is_told_the_sums_of_its_class_and_of_its_kind_of_window():
    network = RateMap(RateConfig(hidden=4, members=1))
    network.informed[:, 2:] = 1.0
    totals = torch.tensor([[[3.0, 1.0, 0.5]]])
    quiet = torch.zeros(1, *SHAPE)
    before = network.expected(totals, quiet)[0, 0]
    groups = network.config.event_groups
    for event, kind in enumerate(network.config.event_kinds):
        more = quiet.clone()
        more[0, kind] = 1.0
        changed = (network.expected(totals, more)[0, 0] != before).tolist()
        # A lower class holds higher ones down; nothing reaches the other kind of window.
        assert not any(changed[k] for k in range(len(groups)) if groups[k] != groups[event])
    more = quiet.clone()
    more[0, network.config.event_kinds[1]] = 1.0
    assert (network.expected(totals, more)[0, 0] != before).tolist() == [False, True, *[False] * 3]


def test_the_network_takes_sums_as_inference_makes_them():
    assert (N_KINDS, N_DECAYS) == SHAPE


def test_features_hardly_change_where_strong_field_does():
    """Pictures that are clipped before averaging lose a third of the strongest field."""
    field = torch.zeros(1, 1, 180, 320)
    field[..., 80:100, 100:120], field[..., 80:100, 120:140] = 250.0, -250.0
    full, weak = features(field)[0], features(field * 0.7)[0]
    shares = slice(1, 3)  # above 30 and 60 G
    torch.testing.assert_close(weak[shares].sum(), full[shares].sum(), rtol=0.1, atol=0)


def test_the_network_is_small():
    assert sum(p.numel() for p in RateMap(RateConfig()).parameters()) <= 50_000


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"architecture": "plain-cnn"}, "plain-cnn"),
        ({"event_classes": (3,)}, "event_classes"),
        ({"event_classes": ()}, "event_classes"),
        ({"event_groups": (0,)}, "event_groups"),
        ({"event_groups": (0, 0, 0, 1, 2)}, "event_groups"),
        ({"input_px": 511}, "input_px"),
        ({"hidden": 0}, "hidden"),
        ({"members": 0}, "members"),
        ({"radius_fraction": 0.6}, "radius_fraction"),
        ({"longitude_deg": 90.0}, "longitude_deg"),
        ({"longitude_deg": 75.0}, "longitude_deg"),
    ],
)
def test_dimensions_that_make_no_network_are_refused(change, named):
    with pytest.raises(ModelError, match=named):
        RateConfig(**change)
