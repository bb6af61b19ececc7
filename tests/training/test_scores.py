"""Scores of cards: those of verification, checked against definitions by brute force."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.plain_scores import (
    Contingency,
    brier,
    brier_skill,
    calibration_error,
    intervals,
    reliability,
    roc_auc,
)

from flaremon.training.scores import FIGURES, best_threshold, interval, score

FORECASTS = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0])),
    min_size=2,
    max_size=40,
).filter(lambda rows: 0 < sum(yes for yes, _ in rows) < len(rows))


def arrays(rows):
    labels, probabilities = zip(*rows, strict=True)
    return np.array(labels, np.int8), np.array(probabilities)


def test_finley_s_tornadoes():
    """The oldest verification table there is (1884), with its published scores."""
    table = Contingency(tp=28, fp=72, fn=23, tn=2680)
    assert table.tss == pytest.approx(0.523, abs=5e-4)
    assert table.hss == pytest.approx(0.355, abs=5e-4)


def test_counts_follow_labels_and_answers():
    labels = np.array([1, 1, 1, 0, 0, 0, 0], np.int8)
    answers = np.array([1, 1, 0, 1, 0, 0, 0], bool)
    assert Contingency.of(labels, answers) == Contingency(tp=2, fp=1, fn=1, tn=3)


def test_skill_without_events_or_without_quiet_hours_is_not_a_number():
    assert np.isnan(Contingency(tp=0, fp=1, fn=0, tn=5).tss)
    assert np.isnan(Contingency(tp=3, fp=0, fn=1, tn=0).tss)
    assert np.isnan(roc_auc(np.ones(3, np.int8), np.array([0.1, 0.2, 0.3])))


@given(FORECASTS)
def test_auc_is_the_share_of_pairs_in_the_right_order(rows):
    labels, p = arrays(rows)
    difference = p[labels == 1][:, None] - p[labels == 0][None, :]
    pairs = np.mean((difference > 0) + 0.5 * (difference == 0))
    assert roc_auc(labels, p) == pytest.approx(pairs)


@given(FORECASTS)
def test_no_threshold_beats_the_best(rows):
    labels, p = arrays(rows)
    best = Contingency.of(labels, p >= best_threshold(labels, p)).tss
    between = [Contingency.of(labels, p >= cut).tss for cut in np.linspace(0.05, 0.95, 19)]
    assert best >= max(between) - 1e-12 or len(np.unique(p)) == 1 or max(between) <= 0


def test_brier_skill_is_zero_for_the_reference_and_one_for_the_truth():
    labels = np.array([1, 0, 0, 1], np.int8)
    reference = np.full(4, 0.5)
    assert brier(labels, reference) == 0.25
    assert brier_skill(labels, reference, reference) == 0
    assert brier_skill(labels, labels.astype(float), reference) == 1
    assert brier_skill(labels, 1.0 - labels, reference) == -3


def test_calibrated_forecasts_have_no_calibration_error():
    p = np.repeat([0.2, 0.7], 10)
    labels = np.array([1, 1] + [0] * 8 + [1] * 7 + [0] * 3, np.int8)
    assert calibration_error(labels, p) == pytest.approx(0)
    assert calibration_error(labels, p + 0.1) == pytest.approx(0.1)
    assert reliability(labels, p) == [
        (10, pytest.approx(0.2), pytest.approx(0.2)),
        (10, pytest.approx(0.7), pytest.approx(0.7)),
    ]
    assert reliability(np.array([1], np.int8), np.array([1.0])) == [(1, 1.0, 1.0)]


def test_intervals_hold_the_truth_and_know_that_hours_of_a_block_are_one_sample():
    rng = np.random.default_rng(1)
    per_block, blocks = 50, 40
    values = np.repeat(rng.normal(0.3, 0.1, blocks), per_block)
    which = np.repeat(np.arange(blocks), per_block)

    def mean(index):
        return np.array([values[index].mean()])

    (low,), (high,) = intervals(mean, which)
    assert low < 0.3 < high
    assert high - low == pytest.approx(4 * values.std() / np.sqrt(blocks), rel=0.3)
    (low1,), (high1,) = intervals(mean, np.arange(len(values)))
    assert high1 - low1 < 0.3 * (high - low)


def test_intervals_are_the_same_again_for_the_same_seed():
    values = np.random.default_rng(2).random(100)
    blocks = np.arange(100) // 10

    def mean(index):
        return np.array([values[index].mean()])

    first, second = (intervals(mean, blocks, repeats=50, seed=4) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def by_definition(labels, p, threshold):
    best = Contingency.of(labels, p >= best_threshold(labels, p))
    counts = Contingency.of(labels, p >= threshold)
    return {
        "tss": counts.tss,
        "tss_hindsight": best.tss,
        "hss": counts.hss,
        "bss": brier_skill(labels, p, np.full(len(labels), labels.mean())),
        "auc": roc_auc(labels, p),
        "ece": calibration_error(labels, p),
    }


@pytest.mark.parametrize("seed", range(4))
def test_figures_and_intervals_are_those_of_the_definitions_draw_by_draw(seed):
    """Among the draws are some without events, and some in which one probability is left."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(120) < 0.15).astype(np.int8)
    labels[0] = 1
    blocks = np.repeat(rng.permutation(12), 10)
    p = np.clip(rng.normal(0.2 + 0.2 * labels, 0.15), 0, 1)
    p[blocks < 5] = np.round(p[blocks < 5], 1)
    found = score(labels, {"one": (p, 0.3)}, blocks, repeats=200)["one"]
    expected = by_definition(labels, p, 0.3)

    def figures(index):
        return np.array(list(by_definition(labels[index], p[index], 0.3).values()))

    low, high = intervals(figures, blocks, repeats=200)
    for k, name in enumerate(FIGURES):
        assert found.values[name][0] == pytest.approx(expected[name], abs=1e-12), name
        limits = interval(found.values[name][1:])
        assert limits == pytest.approx((low[k], high[k]), abs=1e-12, nan_ok=True), name
    sums = found.whole
    counts = Contingency.of(labels, p >= 0.3)
    assert [sums.tp[0], sums.fp[0], sums.fn[0], sums.tn[0]] == [
        counts.tp, counts.fp, counts.fn, counts.tn,
    ]  # fmt: skip


def test_skill_over_another_is_paired_draw_by_draw():
    rng = np.random.default_rng(3)
    labels = (rng.random(200) < 0.3).astype(np.int8)
    blocks = np.arange(200) // 10
    one, other = (np.clip(0.3 + 0.2 * labels + rng.normal(0, 0.2, 200), 0, 1) for _ in range(2))
    found = score(labels, {"one": (one, 0.5), "other": (other, 0.5)}, blocks, repeats=50)
    over = found["one"].skill_over(found["other"])

    def skill(index):
        return np.array([brier_skill(labels[index], one[index], other[index])])

    assert over[0] == pytest.approx(skill(np.arange(200))[0])
    (low,), (high,) = intervals(skill, blocks, repeats=50)
    assert interval(over[1:]) == pytest.approx((low, high))
    assert np.all(found["one"].skill_over(found["one"]) == 0)


def test_a_figure_that_no_draw_has_has_no_interval():
    assert np.isnan(interval(np.full(5, np.nan))).all()


@pytest.mark.realdata
def test_published_forecasts_get_their_published_scores(shared_data):
    """A full-disk AlexNet, 4 folds: TSS 0.526 +- 0.047, HSS 0.372 +- 0.052 at 0.5."""
    scores = []
    for path in sorted((shared_data / "peer_predictions").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = [
                (row["flare_m1_24h"] == "1", float(row["probability"]))
                for row in csv.DictReader(file)
            ]
        labels, p = arrays(rows)
        scores.append(Contingency.of(labels, p >= 0.5))
    assert np.mean([s.tss for s in scores]) == pytest.approx(0.526, abs=0.001)
    assert np.std([s.tss for s in scores]) == pytest.approx(0.047, abs=0.01)
    assert np.mean([s.hss for s in scores]) == pytest.approx(0.372, abs=0.001)
