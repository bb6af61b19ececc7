"""Fitted on an earlier period than judged; others' forecasts; the command line."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest
from support.verified import M_DAY, flare_file, flare_list, forecast, write_forecast

from flaremon.calibration import read_calibrator
from flaremon.calibration.cases import cases_of
from flaremon.calibration.curves import Method
from flaremon.calibration.fitting import fit_event, probabilities
from flaremon.calibration.study import ALONE, ROTATION, Plan, Whose, study
from flaremon.cli import main
from flaremon.errors import InputError
from flaremon.verify import Bootstrap, pool, read_flares, read_forecasts
from flaremon.verify.labels import NO, YES, label

NOW = datetime(2026, 11, 24, tzinfo=UTC)
WHOSE = Whose(model="theirs", weights_sha256=None, source="theirs.csv", modes="", truth="tests")
JULY = np.datetime64("2023-07-01", "s")
DAY = np.timedelta64(86400, "s")


def plan(**changes) -> Plan:
    return Plan(**{"method": Method.LOGISTIC, "bootstrap": Bootstrap(repeats=0), **changes})


def bss(verification, name) -> float:
    (item,) = [item for item in verification.judgements if item.name.startswith(name)]
    return item.figures["bss"].value


@pytest.fixture
def flares(tmp_path):
    return flare_list(tmp_path)


def test_windows_of_the_fit_are_over_before_the_first_judged_one_begins(flares):
    done = study([forecast()], flares, whose=WHOSE, plan=plan(judge_from=JULY), now=NOW)
    assert done.periods.until == JULY - DAY
    assert done.calibrator.origin.until == "2023-06-29T23:00:00Z"
    assert done.judged[M_DAY].start == JULY


def test_without_a_wish_two_thirds_are_fitted_and_a_rotation_is_left_out(flares):
    done = study([forecast()], flares, whose=WHOSE, plan=plan(), now=NOW)
    first, last = np.datetime64("2023-03-01", "s"), np.datetime64("2023-10-31T23:00:01", "s")
    fitted = done.periods.until - first
    assert fitted / (last - first) == pytest.approx(2 / 3, abs=0.001)
    assert done.periods.judge_from - done.periods.until == ROTATION + DAY


@pytest.mark.parametrize("hours", [0, 23])
def test_overlapping_periods_are_refused(flares, hours):
    late = plan(until=JULY, judge_from=JULY + np.timedelta64(hours, "h"))
    with pytest.raises(InputError, match="overlap: windows are 24 h long"):
        study([forecast()], flares, whose=WHOSE, plan=late, now=NOW)


def test_an_empty_fit_period_is_refused(flares):
    with pytest.raises(InputError, match="nothing to fit to"):
        study([forecast()], flares, whose=WHOSE, plan=plan(since=JULY, until=JULY), now=NOW)


def test_where_nothing_would_be_left_to_judge_it_is_refused_and_says_how_to_cut(flares):
    short = plan(since=np.datetime64("2023-10-01", "s"))
    with pytest.raises(InputError, match=r"nothing is left to judge.*--judge-from"):
        study([forecast()], flares, whose=WHOSE, plan=short, now=NOW)


def test_what_is_judged_changes_nothing_in_the_calibrator(flares):
    item = forecast()
    other = item.probabilities.copy()
    other[item.times >= JULY] = 0.999
    changed = type(item)(name=item.name, event=item.event, times=item.times, probabilities=other)
    one, two = (
        study([it], flares, whose=WHOSE, plan=plan(judge_from=JULY), now=NOW)
        for it in (item, changed)
    )
    assert one.calibrator.sha256 == two.calibrator.sha256
    assert one.judged[M_DAY].judgements[0] != two.judged[M_DAY].judgements[0]


def test_the_same_data_give_the_same_calibrator_at_any_time_and_other_data_another(flares):
    later = datetime(2027, 1, 1, tzinfo=UTC)
    ids = [
        study([forecast(seed=seed)], flares, whose=WHOSE, plan=plan(), now=now).calibrator.id
        for seed, now in ((0, NOW), (0, later), (1, NOW))
    ]
    assert ids[0] == ids[1] != ids[2]


def test_it_is_judged_beside_the_raw_forecast_activity_alone_and_the_baselines(flares):
    done = study([forecast()], flares, whose=WHOSE, plan=plan(judge_from=JULY), now=NOW)
    names = [item.name for item in done.judged[M_DAY].judgements]
    assert names == ["ours, calibrated", "ours, raw", ALONE, "persistence", "trailing climatology"]
    assert bss(done.judged[M_DAY], "ours, cal") > bss(done.judged[M_DAY], "ours, raw")


def test_too_few_events_to_judge_are_said_and_the_calibrator_stands(flares):
    late = plan(judge_from=np.datetime64("2023-10-31T20", "s"))
    done = study([forecast()], flares, whose=WHOSE, plan=late, now=NOW)
    assert done.calibrator.answers(M_DAY)
    assert "too few events" in done.judged[M_DAY].why_no_figures


# Others' forecasts: a published full-disk network, 2010-12 to 2018-12, in four folds.


@pytest.fixture(scope="module")
def peers(shared_data):
    folder = shared_data / "peer_predictions"
    return [read_forecasts(path, M_DAY)[0] for path in sorted(folder.glob("*.csv"))]


@pytest.fixture(scope="module", params=["listed", "true"])
def history(request, shared_data):
    return request.param, read_flares(shared_data / "labels" / "flares.csv", scale=request.param)


@pytest.mark.realdata
def test_a_published_network_beats_persistence_once_it_is_calibrated_given_persistence(
    peers, history
):
    """Fitted on 2010-12 .. mid 2014, judged on mid 2014 .. 2018; raw it is worse than nothing."""
    _, flares = history
    cut = np.datetime64("2014-07-01", "s")
    wish = Plan(
        method=Method.ISOTONIC, until=cut - 28 * DAY, judge_from=cut,
        bootstrap=Bootstrap(repeats=200),
    )  # fmt: skip
    done = study([pool(peers, "alexnet")], flares, whose=WHOSE, plan=wish, now=NOW)
    judged = done.judged[M_DAY]
    for name in ("alexnet, raw", ALONE, "persistence", "trailing climatology"):
        better = judged.over[name]["bss"]
        assert better.value > 0.1
        assert better.low > 0
    assert judged.judgements[0].figures["bss"].low > 0.15
    assert judged.judgements[0].figures["ece"].value < 0.03


@pytest.mark.realdata
def test_fold_by_fold_the_published_network_gains_as_much(peers, history):
    """Each fold by a calibrator of the other three; the study of peers has +0.25 for VGG16."""
    scale, flares = history
    every = pool(peers, "alexnet")
    item = cases_of(every, flares)
    fold = np.concatenate([np.full(len(peer.times), k) for k, peer in enumerate(peers)])
    fold = fold[np.argsort(np.concatenate([peer.times for peer in peers]), kind="stable")]
    fold = fold[np.isin(every.times, item.times)]
    said = np.empty(len(item))
    for k in range(len(peers)):
        fitted = fit_event(item.where(fold != k), M_DAY, Method.ISOTONIC)
        said[fold == k] = probabilities(fitted, item.where(fold == k))

    def skill(probability):
        climate = item.labels.mean() * (1 - item.labels.mean())
        return 1 - np.mean((probability - item.labels) ** 2) / climate

    assert skill(said) > 0.25
    assert skill(said) > skill(item.raw) + 0.15
    if scale == "listed":
        assert skill(item.raw) == pytest.approx(-0.17, abs=0.02)


@pytest.mark.realdata
def test_labels_of_activity_are_yes_and_no_only_where_the_list_answers(history):
    _, flares = history
    times = np.arange("2022-01-08", "2022-01-14", 21600, dtype="datetime64[s]")
    item = cases_of(
        type(forecast())(name="x", event=M_DAY, times=times, probabilities=np.full(24, 0.5)), flares
    )
    # No report of 2022-01-10 exists: neither those windows nor that activity are known.
    assert set(np.unique(label(flares, M_DAY, item.times))) <= {YES, NO}
    assert len(item) < 24
    assert (item.levels == -1).any()


# The command line.


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["calibrate", *arguments])
    return end.value.code


@pytest.fixture
def files(tmp_path):
    theirs = write_forecast(tmp_path / "theirs.csv", forecast(name="theirs"))
    return ["--forecasts", str(theirs), "--flares", str(flare_file(tmp_path))]


def test_others_forecasts_are_calibrated_from_files_and_written_where_one_wants(
    files, tmp_path, capsys
):
    out = tmp_path / "calibration.json"
    arguments = [*files, "--bootstrap", "0", "--out", str(out)]
    assert run(*arguments) == 0
    said = capsys.readouterr().out
    item = read_calibrator(out.read_text(), out)
    assert f"calibrator {item.id} of theirs, logistic" in said
    assert "BSS, sample climatology" in said
    assert "classes true" in item.origin.truth
    assert run(*arguments) == 3
    assert "never overwritten" in capsys.readouterr().err


def test_a_dry_run_writes_nothing_and_its_json_has_everything(files, tmp_path, capsys):
    out = tmp_path / "calibration.json"
    options = ["--bootstrap", "0", "--out", str(out), "--dry-run", "--format", "json"]
    assert run(*files, *options) == 0
    told = json.loads(capsys.readouterr().out)
    assert not out.exists()
    assert told["fit_until"] < told["judge_from"]
    assert told["document"]["events"]["M1+/24h"]["maps"]["all"]["event_days"] > 10
    names = [item["name"] for item in told["judged"][0]["forecasters"]]
    assert names[:3] == ["theirs, calibrated", "theirs, raw", ALONE]


def test_too_few_events_end_with_3_and_the_numbers(files, capsys):
    assert run(*files, "--until", "2023-03-10", "--method", "isotonic") == 3
    assert "isotonic needs 30 of either" in capsys.readouterr().err


def test_forecasts_without_a_flare_list_are_refused(files, capsys):
    assert run(*files[:2]) == 3
    assert "--flares" in capsys.readouterr().err
