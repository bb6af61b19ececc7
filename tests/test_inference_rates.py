"""Predictor with an ensemble of rate maps: spread, recent flares, and the regions."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from support.disks import plane
from support.packages import RATE_EVENTS, write_package, write_rate_package

from flaremon.domain import RecentActivity
from flaremon.errors import ModelError
from flaremon.inference import Predictor, activity_sums
from flaremon.inference.activity import DECAYS_H, EXPONENTS, SHAPE, decaying_sums
from flaremon.preprocess import FrameSpec

NOW = datetime(2026, 2, 2, 12, tzinfo=UTC)
QUIET = RecentActivity(until=NOW, flares=(), source="test")
ACTIVE = RecentActivity(
    until=NOW,
    flares=(
        (NOW - timedelta(hours=60), 2e-4),
        (NOW - timedelta(hours=20), 3e-5),
        (NOW - timedelta(hours=1), 4e-6),
    ),
    source="test",
)


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    return Predictor(write_rate_package(tmp_path_factory.mktemp("models")), device="cpu")


def test_probability_is_that_of_the_score_and_comes_with_a_spread(predictor):
    (scores,) = predictor.predict(plane((20.0, 15.0))[None])
    assert tuple(str(score.event) for score in scores) == RATE_EVENTS
    for score in scores:
        assert score.probability == pytest.approx(-np.expm1(-np.exp(score.score)))
        assert score.spread is not None
        assert 0 < score.spread < score.probability


def test_one_network_has_no_spread(tmp_path):
    package = write_package(tmp_path, frame=FrameSpec(size_px=128), network={"pooled_px": 64})
    planes = np.zeros((1, 1, 128, 128), np.float32)
    (scores,) = Predictor(package, device="cpu").predict(planes, [ACTIVE])
    assert all(score.spread is None for score in scores)


def test_recent_flares_raise_the_probability_and_unknown_ones_do_not_count(predictor):
    planes = np.stack([plane((20.0, 15.0))] * 3)
    quiet, active, unknown = predictor.predict(planes, [QUIET, ACTIVE, None])
    (alone,) = predictor.predict(planes[:1])
    assert [s.probability for s in unknown] == pytest.approx([s.probability for s in alone])
    assert all(a.probability > q.probability for a, q in zip(active, quiet, strict=True))


def test_sums_are_those_of_a_process_that_decays():
    sums = activity_sums([ACTIVE, QUIET, None])
    ages, fluxes = np.array([60, 20, 1]), np.array([20, 3, 0.4])
    for exponent, kind in zip(EXPONENTS, sums[0, :3], strict=True):
        expected = [(fluxes**exponent * np.exp(-ages / tau)).sum() for tau in DECAYS_H]
        np.testing.assert_allclose(kind, expected, rtol=1e-6)
    np.testing.assert_array_equal(sums[1], np.zeros(SHAPE))
    assert np.isnan(sums[2]).all()


def test_an_event_in_progress_is_not_told_of_the_flare_that_it_asks_for():
    young, old = activity_sums([ACTIVE])[0].reshape(2, 3, 3)
    without = activity_sums([replace(ACTIVE, flares=ACTIVE.flares[:2])])[0].reshape(2, 3, 3)
    np.testing.assert_allclose(old, without[1])
    assert (young > without[0]).all()


def test_flares_of_the_future_and_from_before_the_reach_do_not_count():
    rows, ages = np.zeros(3, int), np.array([-0.5, 71.9, 72.0])
    sums = decaying_sums(rows, ages, np.full(3, 1e-5), 1)[0]
    np.testing.assert_allclose(sums[0], np.exp(-71.9 / np.array(DECAYS_H)))


def test_the_threshold_is_that_of_what_was_known(tmp_path):
    package = write_rate_package(tmp_path)
    events = tuple(replace(spec, informed_threshold=0.25) for spec in package.events)
    predictor = Predictor(replace(package, events=events), device="cpu")
    planes = np.stack([plane((20.0, 15.0))] * 2)
    unknown, known = predictor.predict(planes, [None, QUIET])
    assert {score.threshold for score in unknown} == {0.5}
    assert {score.threshold for score in known} == {0.25}


def test_as_many_recent_activities_as_planes_are_needed(predictor):
    with pytest.raises(ModelError, match="2 planes with recent activity for 1"):
        predictor.predict(np.zeros((2, 1, 512, 512), np.float32), [None])


def test_regions_are_found_where_they_are_with_their_shares(predictor):
    strong, weak, limb = (-20.0, 17.0), (35.0, -12.0), (72.0, 15.0)
    planes = np.stack([plane(strong, weak), plane(limb), plane()])
    both, at_limb, none = predictor.explain(planes)
    assert {(round(r.longitude_deg / 5) * 5, round(r.latitude_deg / 5) * 5) for r in both[:2]} == {
        (-20, 15),
        (35, -10),
    }
    assert sum(region.share for region in both) <= 1 + 1e-9
    assert [r.share for r in both] == sorted((r.share for r in both), reverse=True)
    assert not any(region.near_limb for region in both[:2])
    assert at_limb[0].near_limb
    assert at_limb[0].x == pytest.approx(np.sin(np.deg2rad(72)) * np.cos(np.deg2rad(15)), abs=0.05)
    assert at_limb[0].y == pytest.approx(np.sin(np.deg2rad(15)), abs=0.05)
    assert all(region.share < 0.2 for region in none)


def test_a_model_without_a_map_cannot_explain(tmp_path):
    package = write_package(tmp_path, frame=FrameSpec(size_px=128), network={"pooled_px": 64})
    with pytest.raises(ModelError, match="cannot say which regions"):
        Predictor(package, device="cpu").explain(np.zeros((1, 1, 128, 128), np.float32))
