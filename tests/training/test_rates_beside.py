"""Other forecasters beside the network: their own thresholds, and only where they answer."""

import numpy as np
import pytest

from flaremon.domain import FlareEvent
from flaremon.package import EventSpec
from flaremon.training.evaluation import NETWORK, Hours, verify
from flaremon.training.labels import Coverage, FlareList
from flaremon.training.rates.beside import Beside, beside

START, END = np.datetime64("2014-01-01", "s"), np.datetime64("2014-12-31", "s")
SPECS = [
    EventSpec(FlareEvent.parse("M1+/24h"), 0.3),
    EventSpec(FlareEvent.parse("C1+/24h"), 0.6),
]


@pytest.fixture(scope="module")
def flares():
    rng = np.random.default_rng(1)
    start = np.sort(START + rng.integers(0, 360 * 86400, 200).astype("timedelta64[s]"))
    return FlareList(
        start=start,
        end=start + np.timedelta64(20, "m"),
        flux_w_m2=np.where(np.arange(200) % 3 == 0, 2e-5, 3e-6),
        coverage=(Coverage(start=START, end=END, flux_w_m2=1e-6, has_ends=True),),
        missing_days=np.array([], "datetime64[s]"),
    )


@pytest.fixture(scope="module")
def hours():
    rng = np.random.default_rng(2)
    times = np.arange(START, END, np.timedelta64(1, "D"))[40:300]
    other = rng.uniform(size=(len(times), 2))
    only_m1 = other.copy()
    only_m1[:, 1] = np.nan
    return Hours(
        name="test",
        times=times,
        logits=rng.normal(size=(len(times), 2)),
        others={"all": other, "only M1": only_m1},
        pairs=((NETWORK, "only M1"), (NETWORK, "all")),
        tss_pairs=(("only M1", "all"),),
        thresholds={"all": [0.7, 0.8]},
    )


def test_each_forecaster_is_judged_at_its_own_threshold(hours, flares):
    m1, c1 = verify(hours, SPECS, flares, repeats=20)
    for verification, own, cut in ((m1, 0.7, 0.3), (c1, 0.8, 0.6)):
        cuts = {who.name: who.threshold for who in verification.forecasters}
        assert cuts["all"] == own
        assert cuts[NETWORK] == cut


def test_an_event_that_one_does_not_answer_is_left_out_with_its_pairs(hours, flares):
    m1, c1 = verify(hours, SPECS, flares, repeats=20)
    assert "only M1" in [who.name for who in m1.forecasters]
    assert {"bss of network over only M1", "tss of only M1 minus all"} <= set(m1.paired)
    assert "only M1" not in [who.name for who in c1.forecasters]
    assert not any("only M1" in pair for pair in c1.paired)
    assert "bss of network over all" in c1.paired


@pytest.fixture(scope="module")
def cnn() -> Beside:
    found = beside("fulldisk-cnn@1.0.0")
    assert found is not None
    return found


def test_a_package_beside_answers_its_own_events_and_no_other(cnn):
    events = [spec.event for spec in SPECS]
    side = cnn.package.frame.size_px
    said = cnn.says(np.zeros((1, side, side), np.float32), events)
    assert 0 < said[0] < 1
    assert np.isnan(said[1])


def test_hours_are_shared_for_the_events_of_both(cnn, hours):
    said = np.full((len(hours.times), 2), np.nan)
    said[:, 0] = 0.5
    joined = cnn.joined(hours, said, [spec.event for spec in SPECS])
    shared, specs = cnn.shared(joined, SPECS)
    assert [str(spec.event) for spec in specs] == ["M1+/24h"]
    assert shared.logits.shape == (len(hours.times), 1)
    assert {who: values.shape[1] for who, values in shared.others.items()} == {
        "all": 1,
        "only M1": 1,
        cnn.name: 1,
    }
    (spec,) = (spec for spec in cnn.package.events if str(spec.event) == "M1+/24h")
    assert shared.thresholds[cnn.name] == [spec.threshold]


def test_nobody_is_beside_where_nobody_is_named():
    assert beside("") is None
