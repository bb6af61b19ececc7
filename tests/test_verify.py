"""Figures, intervals and what is left out."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scores.categorical import BinaryContingencyManager
from support import plain_scores
from support.verified import M_DAY, flare_file, flare_list, forecast, run_main, write_forecast

from flaremon.domain import FlareEvent
from flaremon.errors import InputError
from flaremon.verify import (
    Bootstrap,
    as_json,
    compare,
    in_words,
    pool,
    read_flares,
    read_forecasts,
    verify,
)
from flaremon.verify.baselines import persistence, trailing_climatology
from flaremon.verify.blocks import blocks_of, draws, interval
from flaremon.verify.canvas import Story
from flaremon.verify.forecasts import only
from flaremon.verify.labels import UNKNOWN, Coverage, FlareList, label
from flaremon.verify.pictures import draw
from flaremon.verify.pictures_skill import draw_reliability
from flaremon.verify.pictures_time import draw_timeline
from flaremon.verify.skill import FIGURES, figures
from flaremon.verify.sums import BINS, block_sums, unpack
from flaremon.verify.verification import judged_hours

QUICK = Bootstrap(repeats=60)
NONE = Bootstrap(repeats=0)


@pytest.fixture(scope="module")
def flares(tmp_path_factory):
    return flare_list(tmp_path_factory.mktemp("labels"))


@pytest.fixture(scope="module")
def done(flares):
    return verify([forecast()], flares, bootstrap=QUICK)


def some(seed, n=2000):
    """Return labels and probabilities with skill, and their blocks."""
    rng = np.random.default_rng(seed)
    probabilities = rng.beta(0.6, 1.4, n).round(3)
    labels = (rng.random(n) < probabilities**1.5).astype(np.int8)
    return labels, probabilities, np.arange(n) // 24


def whole(labels, probabilities, blocks, threshold=0.5):
    reference = np.full(len(labels), 0.3)
    sums = block_sums(labels, probabilities, reference, threshold=threshold, blocks=blocks)
    one = np.ones((blocks.max() + 1, 1))
    drawn, area = sums.drawn(one)
    return {**{key: float(v[0]) for key, v in figures(drawn).items()}, "auc": float(area[0])}


@pytest.mark.parametrize("seed", range(3))
def test_figures_from_sums_are_those_of_the_rows(seed):
    labels, probabilities, blocks = some(seed)
    found = whole(labels, probabilities, blocks)
    rows = BinaryContingencyManager(
        xr.DataArray((probabilities >= 0.5).astype(float)), xr.DataArray(labels.astype(float))
    ).transform()
    assert found["tss"] == pytest.approx(float(rows.peirce_skill_score()))
    assert found["hss"] == pytest.approx(float(rows.heidke_skill_score()))
    assert found["far"] == pytest.approx(float(rows.false_alarm_ratio()))
    assert found["bs"] == pytest.approx(np.mean((probabilities - labels) ** 2))
    rate = labels.mean()
    assert found["bss"] == pytest.approx(1 - found["bs"] / (rate * (1 - rate)))
    assert found["bss_trailing"] == pytest.approx(1 - found["bs"] / np.mean((0.3 - labels) ** 2))
    assert found["auc"] == pytest.approx(plain_scores.roc_auc(labels, probabilities), abs=1e-12)
    assert found["ece"] == pytest.approx(plain_scores.calibration_error(labels, probabilities))


@given(st.integers(0, 2**32 - 1))
def test_a_perfect_forecast_a_constant_and_the_opposite(seed):
    labels = (np.random.default_rng(seed).random(100) < 0.3).astype(np.int8)
    labels[:2] = 0, 1
    blocks = np.zeros(100, dtype=np.intp)
    perfect = whole(labels, labels.astype(float), blocks)
    for key, value in {
        "tss": 1,
        "hss": 1,
        "apss": 1,
        "bss": 1,
        "auc": 1,
        "ece": 0,
        "far": 0,
    }.items():
        assert perfect[key] == pytest.approx(value)
    constant = whole(labels, np.full(100, labels.mean()), blocks, threshold=0.999)
    for key, value in {"tss": 0, "hss": 0, "apss": 0, "bss": 0, "auc": 0.5, "ece": 0}.items():
        assert constant[key] == pytest.approx(value, abs=1e-9)
    assert math.isnan(constant["far"])  # nothing was called
    assert whole(labels, 1.0 - labels, blocks)["tss"] == pytest.approx(-1)


def test_appleman_is_over_the_more_frequent_answer():
    labels = np.array([1] * 30 + [0] * 70, np.int8)
    says = np.array([0.9] * 20 + [0.1] * 10 + [0.9] * 5 + [0.1] * 65)
    blocks = np.zeros(100, np.intp)
    assert whole(labels, says, blocks)["apss"] == pytest.approx((20 - 5) / 30)
    assert whole((1 - labels).astype(np.int8), 1 - says, blocks)["apss"] == pytest.approx(0.5)


def test_joining_ranks_moves_the_area_by_less_than_it_says():
    rng = np.random.default_rng(0)
    labels = (rng.random(50_000) < 0.2).astype(np.int8)
    probabilities = 1 / (1 + np.exp(-rng.normal(labels * 1.2, 1)))
    found = whole(labels, probabilities, np.arange(50_000) // 24)
    exact = plain_scores.roc_auc(labels, probabilities)
    assert found["auc"] == pytest.approx(exact, abs=5e-4)


def test_a_draw_of_blocks_is_the_same_as_resampling_its_rows():
    labels, probabilities, blocks = some(5)
    reference = np.full(len(labels), 0.3)
    sums = block_sums(labels, probabilities, reference, threshold=0.4, blocks=blocks)
    (weights,) = draws(blocks.max() + 1, 3, seed=1)
    drawn, area = sums.drawn(weights)
    for k in range(3):
        rows = np.repeat(np.arange(len(labels)), weights[blocks, k].astype(int))
        alone = block_sums(
            labels[rows], probabilities[rows], reference[rows], threshold=0.4,
            blocks=np.zeros(len(rows), np.intp),
        )  # fmt: skip
        np.testing.assert_allclose(weights[:, k] @ sums.dense, alone.dense[0])
        assert area[k] == pytest.approx(plain_scores.roc_auc(labels[rows], probabilities[rows]))
    assert drawn.bins.shape == (3, BINS, 3)
    assert unpack(sums.dense).n.sum() == len(labels)


def test_intervals_of_independent_blocks_cover_the_truth():
    """Of the mean of a known distribution, about 95 % of the time."""
    covered = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        labels = np.repeat((rng.random(200) < 0.3).astype(np.int8), 24)
        blocks = np.repeat(np.arange(200), 24)
        p = np.full(len(labels), 0.3)
        sums = block_sums(labels, p, p, threshold=0.5, blocks=blocks)
        rates = [
            sums.drawn(weights)[0].events / sums.drawn(weights)[0].n
            for weights in draws(200, 200, seed)
        ]
        low, high = interval(np.concatenate(rates))
        covered += low <= 0.3 <= high
    assert 88 <= covered <= 99


def test_blocks_are_days_until_there_are_twenty_rotations():
    hours = np.arange("2023-01-01", "2023-06-01", 3600, dtype="datetime64[s]")
    days, name = blocks_of(hours)
    assert (name, days.max() + 1) == ("day", 151)
    assert np.all(np.bincount(days) == 24)
    years = np.arange("2021-01-01", "2023-06-01", 3600, dtype="datetime64[s]")
    assert blocks_of(years)[1] == "rotation"
    assert blocks_of(hours, "rotation")[0].max() + 1 in {6, 7}


def test_intervals_contain_their_figure_and_are_repeatable(done, flares):
    for judgement in done.judgements:
        assert set(judgement.figures) == set(FIGURES)
        for key, figure in judgement.figures.items():
            if figure.low is not None:
                # An error that is never negative is greater in a noisier sample.
                assert figure.low - (0.02 if key == "ece" else 0) <= figure.value, key
                assert figure.value <= figure.high
    assert verify([forecast()], flares, bootstrap=QUICK) == done
    other = verify([forecast()], flares, bootstrap=Bootstrap(repeats=60, seed=1))
    assert other.judgements[0].figures["tss"].low != done.judgements[0].figures["tss"].low
    assert other.judgements[0].figures["tss"].value == done.judgements[0].figures["tss"].value


def test_all_are_judged_on_the_same_hours(done):
    assert [j.name for j in done.judgements] == ["ours", "persistence", "trailing climatology"]
    for judgement in done.judgements:
        assert judgement.tp + judgement.fp + judgement.fn + judgement.tn == done.n
        assert judgement.tp + judgement.fn == done.events
        assert sum(row.n for row in judgement.reliability) == done.n
    assert done.judgements[2].figures["bss_trailing"].value == pytest.approx(0)
    assert set(done.over) == {"persistence", "trailing climatology"}


def test_unknown_and_pending_hours_are_left_out_and_counted(tmp_path):
    list_ = flare_list(tmp_path, days=300, note="no rows at all on 2023-05-10")  # to 2023-10-27
    done = verify([forecast()], list_, bootstrap=NONE)
    hours = len(forecast().times)
    assert done.left.unknown == 48  # windows that touch the day: 24 h before, 24 h on it
    assert done.left.pending == 4 * 24 + 23  # windows that end after 10-28T00
    assert done.left.no_baseline == 24  # persistence of the day after the last window
    assert done.n + done.left.unknown + done.left.pending + done.left.no_baseline == hours
    times = forecast().times
    assert done.n == np.sum(label(list_, M_DAY, times) != UNKNOWN) - 24


def test_an_unknown_past_is_not_a_quiet_one(flares):
    times = np.array(["2023-01-01T12", "2023-01-12", "2023-03-01"], "datetime64[s]")
    assert np.isnan(persistence(flares, M_DAY, times)).tolist() == [True, False, False]
    assert np.isnan(trailing_climatology(flares, M_DAY, times)).tolist() == [True, True, False]


def test_too_few_events_give_no_number(tmp_path, flares):
    done = verify([forecast(end="2023-03-01T08")], flares)
    assert done.n == 8
    assert done.why_no_figures.startswith("too few events")
    assert all(not judgement.figures for judgement in done.judgements)
    text = in_words(done, scale="true", truth="a list")
    assert text.count("too few events") == 3 * len(FIGURES) + 1
    assert as_json(done, scale="true", truth="a list")["forecasters"][0]["figures"] == {}
    (path,) = draw([forecast(end="2023-03-01T08")], flares, done, tmp_path)
    assert path.name == "ours-timeline.png"


def test_no_hour_in_common_gives_no_number(flares):
    late = forecast("late", start="2024-06-01", end="2024-06-05")
    done = verify([late], flares)
    assert (done.n, done.left.pending) == (0, 96)
    assert "96 hours, all pending" in in_words(done, scale="true", truth="a list")
    apart = verify([forecast(), late], flares)
    assert (apart.n, apart.left.not_shared) == (0, len(forecast().times) + 96)
    json.dumps(as_json(apart, scale="true", truth="a list"), allow_nan=False)


def test_too_few_blocks_give_no_interval(flares):
    week = forecast(start="2023-03-01", end="2023-03-09")
    done = verify([week], flares, bootstrap=QUICK)
    assert done.blocks == 8
    assert done.why_no_figures is None
    assert done.judgements[0].figures["tss"].value is not None
    assert done.judgements[0].figures["tss"].low is None


def test_events_of_one_flare_give_no_interval(tmp_path):
    """Its hours are in two days, and too many draws have neither."""
    start = np.array(["2023-03-20T12:00:00"], "datetime64[s]")
    year = Coverage(
        start=np.datetime64("2023-01-01", "s"),
        end=np.datetime64("2024-01-01", "s"),
        flux_w_m2=1e-6,
        has_ends=True,
    )
    truth = FlareList(
        start=start,
        end=start,
        flux_w_m2=np.array([2e-5]),
        missing_days=start[:0],
        coverage=(year,),
    )
    done = verify([forecast(end="2023-04-10")], truth, bootstrap=Bootstrap(repeats=200))
    assert done.events == 24
    for key in ("tss", "hss", "auc", "bss"):
        figure = done.judgements[0].figures[key]
        assert figure.value is not None
        assert figure.low is None, key


def test_listed_classes_across_the_break_of_their_scale_are_flagged(done):
    long = replace(done, start=np.datetime64("2019-01-01"), end=np.datetime64("2020-01-01"))
    assert "CAUTION" in in_words(long, scale="listed", truth="x")
    assert "CAUTION" not in in_words(long, scale="true", truth="x")


def test_the_threshold_is_the_callers_the_forecasters_or_a_half(flares):
    own = replace(forecast(), threshold=0.3)
    assert [
        (item.threshold, item.threshold_from)
        for item in (
            verify([own], flares, threshold=0.7, bootstrap=NONE).judgements[0],
            verify([own], flares, bootstrap=NONE).judgements[0],
            verify([forecast()], flares, bootstrap=NONE).judgements[0],
        )
    ] == [(0.7, "given by the caller"), (0.3, "the forecaster's own"), (0.5, "the default")]


def test_a_comparison_is_paired(flares):
    one = forecast("one")
    worse = replace(one, name="worse", probabilities=one.probabilities * 0.9 + 0.05)
    paired = compare(one, worse, flares, bootstrap=QUICK)
    assert paired["auc"].value == pytest.approx(0, abs=1e-9)  # the same order
    assert paired["auc"].high - paired["auc"].low < 1e-9
    alone = verify([one], flares, bootstrap=QUICK).judgements[0].figures["bs"]
    assert paired["bs"].high - paired["bs"].low < 0.5 * (alone.high - alone.low)
    noise = forecast("noise", seed=1)
    noise = replace(noise, probabilities=np.random.default_rng(2).random(len(noise.times)))
    better = compare(one, noise, flares, bootstrap=QUICK)
    assert better["tss"].excludes_zero
    assert better["tss"].low > 0
    assert better["bs"].high < 0


def test_comparisons_are_on_the_hours_of_both(flares):
    one, other = forecast("one"), forecast("other", seed=3, start="2023-05-01", end="2023-12-01")
    done = verify([one, other], flares, bootstrap=QUICK)
    hours, _, probabilities = judged_hours([one, other], flares, "auto")
    assert hours.times.min() == np.datetime64("2023-05-01", "s")
    assert done.left.not_shared == 61 * 24 + 30 * 24
    assert probabilities[1][0] == other.probabilities[0]
    with pytest.raises(InputError, match="more than one forecast is called one"):
        verify([one, one], flares)


def test_words_and_json_say_everything_together(done):
    text = in_words(done, scale="true", truth="flares.csv")
    for part in ("base rate", "P = ", "threshold", "TSS", "HSS", "ApSS", "ROC area", "ECE",
                 "BSS, trailing climatology", "persistence", "reliability of ours"):  # fmt: skip
        assert part in text
    data = json.loads(json.dumps(as_json(done, scale="true", truth="x"), allow_nan=False))
    assert data["n"] == done.n
    figure = data["forecasters"][0]["figures"]["tss"]
    assert figure["low"] < figure["value"] < figure["high"]


def test_pictures_are_whole_and_nothing_is_left_beside_them(tmp_path, flares, done):
    paths = draw([forecast()], flares, replace(done, bootstrap=Bootstrap(repeats=20)), tmp_path)
    assert [path.stem for path in paths] == [
        "ours-reliability", "ours-roc", "ours-rolling", "ours-timeline",
    ]  # fmt: skip
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    for path in paths:
        with Image.open(path) as picture:
            assert min(picture.size) > 600
            assert len(picture.convert("RGB").getcolors(1 << 20)) > 50


def test_a_folder_that_cannot_be_written_is_named(tmp_path, flares, done):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(InputError, match=r"taken/ours-reliability\.png cannot be written"):
        draw([forecast()], flares, done, tmp_path / "taken")


def test_the_command_prints_tables_json_and_names_bad_cells(tmp_path, capsys):
    list_ = flare_file(tmp_path / "labels")
    one = write_forecast(tmp_path / "one.csv", forecast("one"))
    two = write_forecast(tmp_path / "two.csv", forecast("two", seed=1))

    def run(*arguments, code=0):
        assert run_main("verify", *arguments) == code
        return capsys.readouterr()

    common = ("--flares", str(list_), "--bootstrap", "20")
    lines = run("--forecasts", str(one), str(two), *common, "--format", "json").out.splitlines()
    assert [json.loads(line)["forecasters"][0]["name"] for line in lines] == ["one", "two"]
    assert "SHA-256" in json.loads(lines[0])["flares"]
    assert "one minus two" in run("--forecasts", str(one), str(two), *common, "--compare").out
    two.write_text(two.read_text().replace("0.", "O.", 1))
    error = run("--forecasts", str(two), *common, code=3).err
    assert "two.csv, line 2, column probability" in error


def test_columns_are_told_apart_by_whole_names_or_a_legend(flares):
    long = "a name that is much too long for a column, hindcast"
    names = ["fulldisk-rate@1.1.0, hindcast", "fulldisk-rate@1.1.0, hindcast, raw", long]
    group = [forecast(name, seed=k) for k, name in enumerate(names)]
    lines = in_words(verify(group, flares, bootstrap=NONE), scale="true", truth="x").splitlines()
    legend = next(k for k, line in enumerate(lines) if line == f"(3) is {long}")
    head = lines[legend + 1]
    assert head.split("  ")[0] == ""
    assert [cell.strip() for cell in head.split("  ") if cell.strip()] == [
        *names[:2], "(3)", "persistence", "trailing climatology",
    ]  # fmt: skip
    which = next(line for line in lines if line.startswith("  which is"))
    assert which.count("that of column 1") == 2
    assert which.index("that of") == head.index("persistence")


def test_baselines_beside_several_have_the_threshold_of_the_model_that_answers(flares):
    group = [
        replace(forecast("a"), threshold=0.54),
        replace(forecast("b", seed=1), threshold=0.2, answers=True),
    ]
    done = verify(group, flares, bootstrap=NONE)
    assert [(item.threshold, item.threshold_from) for item in done.judgements[2:]] == [
        (0.2, "that of b")
    ] * 2
    assert "that of column 2" in in_words(done, scale="true", truth="x")
    first = verify([replace(item, answers=False) for item in group], flares, bootstrap=NONE)
    assert first.judgements[-1].threshold_from == "that of a"


def test_nothing_to_judge_is_one_sentence_that_says_why(flares):
    now = FlareEvent.parse("C1+/now")
    blind = replace(
        flares, coverage=tuple(replace(period, has_ends=False) for period in flares.coverage)
    )
    some_hours = replace(forecast(end="2023-03-29"), event=now)
    words = in_words(verify([some_hours], blind), scale="true", truth="x")
    assert words == (
        "ours: no figures of C1+/now: 672 hours, all unknown: the flare list has no end times, "
        "which flares in progress need"
    )
    early = forecast(start="2022-12-31", end="2023-01-02")
    reason = verify([early], flares).why_no_figures
    assert reason.startswith("48 hours: ")
    assert "unknown: the flare list has no answer" in reason
    assert "whose past is unknown to the baselines" in reason


def test_the_legend_of_the_reliability_lies_on_no_panel(flares, done):
    picture = draw_reliability(story(flares, done, forecast()))
    picture.draw_without_rendering()
    (legend,) = picture.legends
    box = legend.get_window_extent()
    for axes in picture.axes:
        assert axes.get_legend() is None
        assert not box.overlaps(axes.get_window_extent())


def test_the_timeline_joins_no_hours_that_are_left_out_between(flares):
    whole_one = forecast(end="2023-03-15")
    kept = np.ones(len(whole_one.times), dtype=bool)
    kept[50:60] = kept[100:103] = False  # gaps of ten and of three hours
    part = only(whole_one, "part", kept)
    picture = draw_timeline(story(flares, verify([part], flares, bootstrap=NONE), part))
    (line,) = (line for line in picture.axes[0].lines if line.get_label() == "part")
    assert np.isnan(line.get_ydata()).sum() == 2


def story(flares, done, item):
    hours, _, probabilities = judged_hours([item], flares, done.bootstrap.block)
    return Story(
        done=done, forecasts=[item], flares=flares, hours=hours, probabilities=probabilities,
        thresholds=[0.5] * 3,
    )  # fmt: skip


@pytest.mark.realdata
def test_the_published_forecasts_have_their_published_skill(shared_data):
    """TSS 0.526 +- 0.047, HSS 0.372 +- 0.052 over the folds; persistence 0.426 / 0.424 on most."""
    truth = read_flares(shared_data / "labels" / "flares.csv", scale="listed")
    paths = sorted((shared_data / "peer_predictions").glob("*.csv"))
    folds = [fold for path in paths for fold in read_forecasts(path, M_DAY)]
    judged = [verify([fold], truth, threshold=0.5, bootstrap=NONE) for fold in folds]
    assert sum(item.n for item in judged) == 63_649
    found = [item.judgements[0].figures for item in judged]
    rows = np.array([[item[key].value for key in ("tss", "hss", "bss")] for item in found])
    assert rows.mean(axis=0)[:2] == pytest.approx([0.526, 0.372], abs=0.001)
    assert rows.std(axis=0, ddof=1)[:2] == pytest.approx([0.047, 0.052], abs=0.001)
    assert rows[:, 2].mean() < 0
    pooled = verify([pool(folds, "all")], truth, threshold=0.5, bootstrap=Bootstrap(repeats=200))
    network, last, _ = (item.figures for item in pooled.judgements)
    assert network["bss"].high < 0
    assert network["bss_trailing"].high < 0
    # Published for 61,088 of these 63,649 hours.
    assert last["tss"].value == pytest.approx(0.426, abs=0.005)
    assert last["hss"].value == pytest.approx(0.424, abs=0.005)
