"""Baselines: what was known at the time, and nothing after it."""

import numpy as np
import pytest
from support.maps import write_flares

from flaremon.domain import FlareEvent
from flaremon.training.baselines import persistence, trailing_climatology
from flaremon.training.labels import read_flares

M_DAY = FlareEvent.parse("M1+/24h")
C_NOW = FlareEvent.parse("C1+/now")
T = np.array(["2023-06-15T00:00:00"], "datetime64[s]")
LAST = ("2023-12-31T10:00:00Z", "2023-12-31T10:10:00Z", "B1.0")


@pytest.fixture
def flares(tmp_path):
    def make(*rows):
        rows = [(start + "Z", end + "Z", name) for start, end, name in rows]
        coverage = [("2023-01-01", "2023-12-31", "C1+", "")]
        return read_flares(write_flares(tmp_path, [*rows, LAST], coverage=coverage))

    return make


def test_persistence_is_what_the_last_day_did(flares):
    yesterday = flares(("2023-06-14T12:00:00", "2023-06-14T12:30:00", "M1.0"))
    earlier = flares(("2023-06-13T12:00:00", "2023-06-13T12:30:00", "M1.0"))
    assert persistence(yesterday, M_DAY, T) == [1]
    assert persistence(earlier, M_DAY, T) == [0]


def test_recent_activity_is_the_share_of_the_last_day_in_flare(flares):
    half = flares(("2023-06-14T06:00:00", "2023-06-14T12:00:00", "C1.0"))
    assert persistence(half, C_NOW, T) == pytest.approx([0.25], abs=0.01)


def test_trailing_climatology_is_the_share_of_the_last_thirty_days_of_windows(flares):
    one = flares(("2023-06-01T12:00:00", "2023-06-01T12:30:00", "M1.0"))
    assert trailing_climatology(one, M_DAY, T) == pytest.approx([1 / 30], abs=0.001)
    outside = flares(("2023-05-10T12:00:00", "2023-05-10T12:30:00", "M1.0"))
    assert trailing_climatology(outside, M_DAY, T) == [0]


@pytest.mark.parametrize("event", [M_DAY, C_NOW], ids=str)
@pytest.mark.parametrize("baseline", [persistence, trailing_climatology])
def test_what_comes_later_does_not_move_a_baseline(flares, baseline, event):
    past = [("2023-06-14T06:00:00", "2023-06-14T12:00:00", "M1.0")]
    future = [("2023-06-15T00:00:01", "2023-06-15T05:00:00", "X1.0")]
    assert baseline(flares(*past), event, T) == baseline(flares(*past, *future), event, T)


def test_several_times_are_answered_each_for_itself(flares):
    busy = flares(
        ("2023-06-01T12:00:00", "2023-06-01T12:30:00", "M1.0"),
        ("2023-06-14T12:00:00", "2023-06-14T12:30:00", "M1.0"),
    )
    times = np.array(["2023-06-02T00:00:00", "2023-06-15T00:00:00", "2023-08-01"], "datetime64[s]")
    for baseline in (persistence, trailing_climatology):
        alone = np.concatenate([baseline(busy, M_DAY, times[i : i + 1]) for i in range(3)])
        np.testing.assert_allclose(baseline(busy, M_DAY, times), alone)
