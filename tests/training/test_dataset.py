"""Splits that share nothing, and a cache that never serves stale planes."""

from itertools import pairwise

import numpy as np
import pytest
from support.maps import Spot, write_flares, write_maps

from flaremon.domain import FlareEvent
from flaremon.errors import InputError
from flaremon.preprocess import FrameSpec
from flaremon.training.dataset import SEPARATION, SPLITS, DataSource, Split
from flaremon.training.recipe import Recipe
from flaremon.training.synoptic import Rendering

EVENTS = Recipe().events
SPLIT = Split(
    name="train",
    start=np.datetime64("2024-03-08", "s"),
    end=np.datetime64("2024-03-10", "s"),
)


@pytest.fixture
def source(tmp_path):
    data = tmp_path / "data"
    write_maps(data / "synoptic", range(2280, 2284), (Spot(2281, 180.0), Spot(2282, 350.0)))
    write_flares(
        data / "labels",
        [
            ("2024-03-09T03:00:00Z", "2024-03-09T04:00:00Z", "M2.0"),
            ("2024-05-01T00:00:00Z", "2024-05-01T01:00:00Z", "B1.0"),
        ],
        coverage=[("2024-01-01", "2024-12-31", "C1+", "")],
    )
    return DataSource(
        folder=data,
        cache=tmp_path / "cache",
        frame=FrameSpec(size_px=128),
        pooled_px=32,
        cadence_h=6,
    )


def test_splits_are_in_order_and_a_rotation_and_more_apart():
    for before, after in pairwise(SPLITS):
        assert after.start - before.end >= SEPARATION > np.timedelta64(27, "D")


@pytest.mark.parametrize("event", EVENTS, ids=str)
def test_no_flare_window_crosses_a_split(event):
    for before, after in pairwise(SPLITS):
        horizon = np.timedelta64(event.horizon) if event.horizon else np.timedelta64(0, "s")
        assert before.times(6).max() + horizon < after.times(6).min()


def test_no_moment_that_a_view_shows_is_shown_in_two_splits():
    ahead, back = np.timedelta64(7, "D"), np.timedelta64(28, "D")
    for before, after in pairwise(SPLITS):
        assert before.times(6).max() + ahead < after.times(6).min() - back


def test_splits_are_the_years_that_the_card_names():
    assert [str(s.start)[:4] for s in SPLITS] == ["2010", "2020", "2022"]
    assert [str(s.times(6).max())[:4] for s in SPLITS] == ["2019", "2021", "2024"]


def test_samples_are_planes_with_the_labels_of_their_times(source):
    samples = source.samples(SPLIT, Rendering.AS_RENDERED, EVENTS)
    assert len(samples) == 8
    assert samples.planes.shape == (8, 32, 32)
    assert samples.labels.tolist() == [
        [0, 0],  # 2024-03-08 00 UT
        [1, 0],
        [1, 0],
        [1, 0],
        [1, 0],  # 2024-03-09 00 UT
        [0, 0],
        [0, 0],
        [0, 0],
    ]
    assert np.abs(samples.planes).max() > 0.1


def test_the_second_time_planes_come_from_the_cache(source):
    first = source.samples(SPLIT, Rendering.CAUSAL, EVENTS)
    files = {path: path.stat().st_mtime_ns for path in source.cache.rglob("*.npy")}
    second = source.samples(SPLIT, Rendering.CAUSAL, EVENTS)
    np.testing.assert_array_equal(first.planes, second.planes)
    assert {path: path.stat().st_mtime_ns for path in source.cache.rglob("*.npy")} == files
    assert not [path for path in source.cache.iterdir() if path.name.startswith(".")]


def test_another_map_rendering_or_label_is_never_answered_from_the_cache(source):
    before = source.samples(SPLIT, Rendering.AS_RENDERED, EVENTS)
    causal = source.samples(SPLIT, Rendering.CAUSAL, EVENTS)
    assert not np.array_equal(before.planes, causal.planes)
    write_maps(source.folder / "synoptic", range(2281, 2282), (Spot(2281, 90.0),))
    after = source.samples(SPLIT, Rendering.AS_RENDERED, EVENTS)
    assert not np.array_equal(before.planes, after.planes)
    other = source.samples(SPLIT, Rendering.AS_RENDERED, (FlareEvent.parse("M5+/24h"),))
    assert other.labels.sum() == 0


def test_a_split_without_maps_is_refused_and_leaves_no_cache(source):
    split = Split(
        name="train", start=np.datetime64("2012-03-08", "s"), end=np.datetime64("2012-03-09", "s")
    )
    with pytest.raises(InputError, match="covers"):
        source.samples(split, Rendering.AS_RENDERED, EVENTS)
    assert not list(source.cache.iterdir())
