"""What training tells the last step of recent flares is what serving tells the network."""

from datetime import UTC, timedelta

import numpy as np
import pytest
import torch

from flaremon.domain import ACTIVITY_REACH, FlareEvent, RecentActivity
from flaremon.inference import activity_sums
from flaremon.network import RateConfig, RateMap
from flaremon.training.labels import Coverage, FlareList
from flaremon.training.rates.config import EVENTS
from flaremon.training.rates.disks import Disks
from flaremon.training.rates.fitting import (
    fit_events,
    numbers,
    rate_logs,
    recent_logs,
    recent_sums,
    thresholds,
)
from flaremon.training.rates.simpler import CNN, FLUX, RECENT, Seen, Simpler

START, END = np.datetime64("2014-01-01", "s"), np.datetime64("2014-12-31", "s")


@pytest.fixture(scope="module")
def flares():
    rng = np.random.default_rng(1)
    start = np.sort(START + rng.integers(0, 360 * 86400, 1500).astype("timedelta64[s]"))
    return FlareList(
        start=start,
        end=start + np.timedelta64(20, "m"),
        flux_w_m2=np.round(1e-6 * rng.pareto(1.0, 1500) + 8e-7, 8),
        coverage=(Coverage(start=START, end=END, flux_w_m2=1e-6, has_ends=True),),
        missing_days=np.array([np.datetime64("2014-06-10", "s")]),
    )


@pytest.fixture(scope="module")
def times():
    return np.arange(START, END, np.timedelta64(5, "h"))


def recent(flares, time):
    """Return what the store would answer of this list, by its own definition."""
    until = time.item().replace(tzinfo=UTC)
    large = flares.flux_w_m2 >= 1e-6 * (1 - 1e-6)
    there = [
        (start.item().replace(tzinfo=UTC), float(flux))
        for start, flux in zip(flares.start[large], flares.flux_w_m2[large], strict=True)
    ]
    return RecentActivity(
        until=until,
        flares=tuple(
            (start, flux) for start, flux in there if until - ACTIVITY_REACH < start <= until
        ),
        source="test",
    )


def test_training_and_serving_tell_the_same(flares, times):
    some = times[20:1500:97]
    known = recent_sums(flares, some)
    served = activity_sums([recent(flares, time) for time in some])
    np.testing.assert_allclose(known, served, rtol=1e-5)


def test_flares_that_are_not_known_for_the_whole_reach_are_not_told(flares, times):
    sums = recent_sums(flares, times)
    unknown = np.isnan(sums).any(axis=(1, 2))
    reach, gap = np.timedelta64(72, "h"), np.datetime64("2014-06-10", "s")
    after_gap = (times >= gap) & (times - reach <= gap + np.timedelta64(1, "D"))
    np.testing.assert_array_equal(unknown, (times - reach < START) | after_gap)


def test_the_network_computes_what_was_fitted(flares, times):
    """The last step of `RateMap` from its buffers is the regression that training fitted."""
    rng = np.random.default_rng(2)
    totals = rng.gamma(2.0, size=(len(times), 3)) * [3.0, 0.3, 0.02]
    disks = Disks(times=times, totals=totals, years=np.full(len(times), 2014))
    config = RateConfig(hidden=4, members=1)
    events = [FlareEvent.parse(event) for event in EVENTS]
    plain, informed = fit_events(disks, events, config, flares)
    network = RateMap(config)
    network.plain.copy_(torch.from_numpy(plain))
    network.informed.copy_(torch.from_numpy(informed))
    sums = recent_sums(flares, times)
    known = np.isfinite(sums).all(axis=(1, 2))
    with torch.inference_mode():
        said = network.expected(
            torch.from_numpy(totals).float()[:, None], torch.from_numpy(sums).float()
        )[:, 0].numpy()
    c1 = EVENTS.index("C1+/24h")  # nothing is more probable, so nothing holds it down
    inputs = np.concatenate([rate_logs(totals, 0), recent_logs(sums, 0)], axis=1)
    np.testing.assert_allclose(said[known, c1], numbers(informed[c1], inputs[known]), rtol=1e-3)
    alone = numbers(plain[c1], rate_logs(totals, 0))
    np.testing.assert_allclose(said[~known, c1], alone[~known], rtol=1e-3)


def test_thresholds_are_found_where_an_answer_is_known(flares, times):
    event = FlareEvent.parse("M1+/24h")
    later = times + np.timedelta64(timedelta(hours=24) // timedelta(seconds=1), "s")
    starts = flares.start[flares.flux_w_m2 >= 1e-5]
    events = np.searchsorted(starts, later, "right") > np.searchsorted(starts, times, "right")
    said = np.where(events, 0.6, 0.2)[:, None]
    said[::3] = np.nan
    assert thresholds(said, [event], times, flares) == (0.4,)


def test_simpler_forecasters_answer_what_they_see_and_have_thresholds_of_their_own(flares, times):
    config, events = RateConfig(), [FlareEvent.parse(event) for event in EVENTS]
    rng = np.random.default_rng(3)
    seen = Seen(
        times=times,
        flux=rng.gamma(5.0, size=len(times)),
        sums=recent_sums(flares, times),
        cnn=None,
    )
    simpler = Simpler(config, events, flares)
    simpler.learn(seen, np.ones(len(times), bool))
    said = simpler.say(seen)
    assert CNN not in said
    assert {RECENT, FLUX} <= set(simpler.thresholds)
    assert np.isfinite(said[FLUX]).all()
    np.testing.assert_array_equal(np.isnan(said[RECENT][:, 0]), np.isnan(seen.sums[:, 0, 0]))
    assert all(0 < cut < 1 for cuts in simpler.thresholds.values() for cut in cuts)
