"""Maps, fitting and documents: what a calibrator is."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.calibrators import BASIS, calibrator, cases, curve

from flaremon.calibration import as_document, from_document, read_calibrator, to_text
from flaremon.calibration.cases import LEVELS, Cases, levels_at
from flaremon.calibration.curves import Curve, Method, logit, sigmoid
from flaremon.calibration.document import sha256_of
from flaremon.calibration.fitting import best_threshold, fit_event, probabilities
from flaremon.domain import ActivityLevel, FlareEvent, RecentActivity
from flaremon.errors import InputError, ModelError

DAY_EVENT, NOW_EVENT = FlareEvent.parse("M1+/24h"), FlareEvent.parse("C1+/now")
ACTIVE, QUIET, UNKNOWN = ActivityLevel.ACTIVE, ActivityLevel.QUIET, ActivityLevel.UNKNOWN
THEN = datetime(2026, 1, 1, tzinfo=UTC)


def brier(item: Cases, said) -> float:
    return float(np.mean((said - item.labels) ** 2))


def off(item: Cases, said) -> float:
    """Expected calibration error over ten bins."""
    which = np.minimum((said * 10).astype(int), 9)
    return sum(abs(np.sum(said[which == k] - item.labels[which == k])) for k in range(10)) / len(
        item
    )


@pytest.mark.parametrize("method", Method)
def test_probabilities_that_say_too_much_become_honest_on_hours_not_fitted(method):
    fitted = fit_event(cases(), DAY_EVENT, method)
    later = cases(seed=1)
    said = probabilities(fitted, later)
    assert off(later, later.raw) > 0.25
    assert off(later, said) < 0.03
    # Within 3 % of the Brier score of the truth itself.
    skill = logit(later.raw) - 1.5
    best = brier(later, sigmoid(2 * skill - 2.0 + 2.0 * later.levels))
    assert brier(later, said) < 1.03 * best


@pytest.mark.parametrize("method", Method)
def test_active_and_quiet_hours_have_maps_of_their_own_and_unknown_ones_the_map_of_all(method):
    item = cases()
    fitted = fit_event(item, DAY_EVENT, method)
    at = np.array([0.8])
    active, quiet, unknown = (
        fitted.curve(level).apply(at)[0] for level in (ACTIVE, QUIET, UNKNOWN)
    )
    assert quiet < unknown < active
    blind = Cases(
        times=item.times, raw=item.raw, labels=item.labels, levels=np.full_like(item.levels, -1)
    )
    assert np.array_equal(probabilities(fitted, blind), fitted.curve(UNKNOWN).apply(item.raw))


def test_logistic_finds_the_numbers_that_the_cases_were_made_with():
    fitted = fit_event(cases(days=3000), DAY_EVENT, Method.LOGISTIC)
    intercept, slope = fitted.curve(QUIET).numbers
    assert slope == pytest.approx(2, abs=0.15)
    assert intercept == pytest.approx(-2 - 2 * 1.5, abs=0.25)


@pytest.fixture(scope="module")
def maps():
    return [fit_event(cases(days=120), DAY_EVENT, method).curve(UNKNOWN) for method in Method]


@given(raw=st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_a_map_rises_and_never_says_never(maps, raw):
    for item in maps:
        said = item.apply(np.sort(raw))
        assert np.all(np.diff(said) >= 0)
        assert np.all((said > 0.008) & (said < 0.992))


def test_three_quiet_days_at_one_end_are_not_a_probability_of_zero():
    item = cases()
    quiet = np.arange(len(item)) < 12
    labels = np.where(quiet, 0, item.labels).astype(np.int8)
    raw = np.where(quiet, 0.1, 0.6)
    item = Cases(times=item.times, raw=raw, labels=labels, levels=item.levels)
    fitted = fit_event(item, DAY_EVENT, Method.ISOTONIC)
    # Two days (8 cases) of base rate beside three days (12 cases) without.
    assert fitted.curve(UNKNOWN).apply(raw[:1])[0] == pytest.approx(labels.mean() * 8 / 20)


def test_too_few_days_are_refused_with_what_there_is_and_what_is_needed():
    item = cases(days=20)
    counts = r"\d+ days with and \d+ days without in 80 cases"
    told = rf"M1\+/24h: too few .* {counts}; isotonic needs 30 of either; logistic would do"
    with pytest.raises(InputError, match=told):
        fit_event(item, DAY_EVENT, Method.ISOTONIC)
    few = item.where(np.arange(80) < 24)
    with pytest.raises(InputError, match=r"logistic needs 10 of either$"):
        fit_event(few, DAY_EVENT, Method.LOGISTIC)


def test_ten_thousand_cases_of_one_day_are_too_few():
    item = cases(days=2500)
    one_day = Cases(
        times=np.datetime64("2020-01-01", "s") + np.arange(len(item)) * np.timedelta64(8, "s"),
        raw=item.raw, labels=item.labels, levels=item.levels,
    )  # fmt: skip
    with pytest.raises(InputError, match="1 days with and 1 days without in 10,000 cases"):
        fit_event(one_day, DAY_EVENT, Method.LOGISTIC)


def test_a_level_with_too_few_days_takes_the_map_of_all_hours():
    fitted = fit_event(cases(active=0.01), DAY_EVENT, Method.LOGISTIC)
    assert set(fitted.curves) == {UNKNOWN, QUIET}
    assert fitted.curve(ACTIVE) is fitted.curve(UNKNOWN)


def test_a_level_with_too_few_days_for_isotonic_takes_a_logistic_map():
    fitted = fit_event(cases(active=0.03), DAY_EVENT, Method.ISOTONIC)
    assert fitted.curve(UNKNOWN).method is Method.ISOTONIC
    assert fitted.curve(ACTIVE).method is Method.LOGISTIC


@pytest.mark.parametrize("method", Method)
def test_a_network_that_is_wrong_way_round_is_left_with_the_base_rate(method):
    item = cases(active=0)
    upside_down = Cases(times=item.times, raw=1 - item.raw, labels=item.labels, levels=item.levels)
    said = fit_event(upside_down, DAY_EVENT, method).curve(UNKNOWN).apply(np.linspace(0, 1, 11))
    assert np.ptp(said) < 0.02
    assert said[5] == pytest.approx(item.labels.mean(), abs=0.02)


def test_flares_in_progress_are_not_conditioned_on_themselves():
    fitted = fit_event(cases(), NOW_EVENT, Method.LOGISTIC)
    assert set(fitted.curves) == {UNKNOWN}
    item = calibrator("C1+/now", "M1+/24h")
    assert (item.asks(NOW_EVENT), item.asks(DAY_EVENT)) == (False, True)


def test_the_threshold_has_the_greatest_tss_of_all_on_the_fit_period():
    item = cases(days=300)
    fitted = fit_event(item, DAY_EVENT, Method.LOGISTIC)
    said = probabilities(fitted, item)

    def tss(threshold):
        yes = said >= threshold
        return yes[item.labels == 1].mean() - yes[item.labels == 0].mean()

    assert tss(fitted.threshold) == pytest.approx(max(tss(t) for t in np.unique(said)))
    assert f"{tss(fitted.threshold):.3f}" in fitted.threshold_from


def test_the_threshold_is_that_of_the_last_year_and_the_maps_are_of_all():
    quiet, busy = cases(days=1000, active=0.02), cases(days=400, active=0.9, seed=1)
    item = Cases(
        times=np.concatenate([quiet.times, busy.times + np.timedelta64(1000, "D")]),
        raw=np.concatenate([quiet.raw, busy.raw]),
        labels=np.concatenate([quiet.labels, busy.labels]),
        levels=np.concatenate([quiet.levels, busy.levels]),
    )
    fitted = fit_event(item, DAY_EVENT, Method.LOGISTIC)
    last = item.where(item.times > item.times[-1] - np.timedelta64(365, "D"))
    said = probabilities(fitted, last)
    assert fitted.threshold == best_threshold(last, said)[0]
    assert fitted.threshold > 1.5 * best_threshold(item, probabilities(fitted, item))[0]
    assert "the last 365 days" in fitted.threshold_from
    assert fitted.curve(UNKNOWN).basis.days == 1400


def test_a_last_year_with_too_few_events_leaves_the_threshold_to_the_whole_period():
    item = cases(days=1000)
    labels = np.where(item.times > item.times[-1] - np.timedelta64(365, "D"), 0, item.labels)
    quiet = Cases(times=item.times, raw=item.raw, labels=labels.astype(np.int8), levels=item.levels)
    assert "on the fit period" in fit_event(quiet, DAY_EVENT, Method.LOGISTIC).threshold_from


def test_a_threshold_of_one_single_probability_is_that_probability():
    item = cases().where(np.arange(3200) < 4)
    assert best_threshold(item, np.full(4, 0.2))[0] == 0.2


def test_activity_of_arrays_is_that_of_recent_activity(shared_data):
    from flaremon.verify import read_flares  # noqa: PLC0415

    flares = read_flares(shared_data / "labels" / "flares.csv")
    times = np.arange("2024-05-01", "2024-06-01", 3600, dtype="datetime64[s]")
    inside = (flares.start > times[0] - np.timedelta64(4, "D")) & (flares.start < times[-1])
    listed = [
        (start.astype(datetime).replace(tzinfo=UTC), flux)
        for start, flux in zip(flares.start[inside], flares.flux_w_m2[inside], strict=True)
    ]
    for event in (DAY_EVENT, FlareEvent.parse("X1+/24h")):
        one_by_one = []
        for time in times:
            until = time.astype(datetime).replace(tzinfo=UTC)
            known = tuple(f for f in listed if until - timedelta(hours=72) < f[0] <= until)
            activity = RecentActivity(until=until, flares=known, source="")
            one_by_one.append(LEVELS[activity.level(event)])
        assert levels_at(flares, event, times).tolist() == one_by_one
        assert len(set(one_by_one)) == 2


def test_a_document_gives_back_the_very_calibrator():
    fitted = fit_event(cases(), DAY_EVENT, Method.ISOTONIC)
    item = calibrator(events={DAY_EVENT: fitted}, method=Method.ISOTONIC)
    again = read_calibrator(to_text(item), SimpleNamespace())
    assert again == item
    assert again.id == item.id == item.sha256[:12]
    raw = np.linspace(0, 1, 101)
    for level in ActivityLevel:
        said = [again.apply(DAY_EVENT, float(p), level) for p in raw]
        assert said == fitted.curve(level).apply(raw).tolist()


def test_the_hash_is_of_the_content_and_not_of_its_layout_or_date():
    item = calibrator()
    shuffled = dict(reversed(json.loads(json.dumps(as_document(item))).items()))
    assert sha256_of(shuffled) == item.sha256
    assert calibrator(fitted_at=datetime(2027, 1, 1, tzinfo=UTC)).id == item.id
    assert calibrator(software="tests 2").id != item.id


def test_a_file_that_was_altered_is_refused(tmp_path):
    text = to_text(calibrator()).replace('"threshold": 0.25', '"threshold": 0.35')
    with pytest.raises(ModelError, match="was altered"):
        read_calibrator(text, tmp_path / "calibration.json")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sha256": 1, "document": 2}', "null"])
def test_a_file_of_something_else_is_refused_with_its_name(text, tmp_path):
    with pytest.raises(ModelError, match=r"calibration\.json"):
        read_calibrator(text, tmp_path / "calibration.json")


def _break(document, path, value):
    *parents, last = path
    for key in parents:
        document = document[key]
    if value is ...:
        del document[last]
    else:
        document[last] = value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["format"], 2),
        (["method"], "magic"),
        (["software"], ...),
        (["more"], 1),
        (["events"], {"M1+": {}}),
        (["origin", "since"], ...),
        (["events", "M1+/24h", "threshold"], 1.2),
        (["events", "M1+/24h", "maps", "all"], ...),
        (["events", "M1+/24h", "maps", "sunny"], {}),
        (["events", "M1+/24h", "maps", "all", "numbers"], [0.0]),
        (["events", "M1+/24h", "maps", "all", "numbers"], [0.0, -1.0]),
        (["events", "M1+/24h", "maps", "all", "numbers"], [float("nan"), 1.0]),
        (["events", "M1+/24h", "maps", "all", "least"], 0.7),
        (["events", "M1+/24h", "maps", "all", "cases"], "many"),
        (["events", "M1+/24h", "maps", "all", "method"], "isotonic"),
    ],
)
def test_a_document_that_makes_no_sense_is_refused(path, value):
    document = json.loads(json.dumps(as_document(calibrator())))
    if path[-1] == "method" and value == "isotonic":
        document["events"]["M1+/24h"]["maps"]["all"]["numbers"] = [0.5, 0.2, 0.6, 0.1]
    _break(document, path, value)
    with pytest.raises(ModelError, match="a calibrator cannot be read"):
        from_document(document, fitted_at=THEN)


def test_an_event_that_it_does_not_know_is_an_error_and_not_a_number():
    with pytest.raises(InputError, match=r"is for M1\+/24h, not for C1\+/now"):
        calibrator().apply(NOW_EVENT, 0.5, UNKNOWN)


def test_certain_raw_numbers_are_not_certain_afterwards():
    for item in (
        curve(0.0, 3.0),
        Curve(method=Method.ISOTONIC, numbers=(0.1, 0.0, 0.9, 1.0), least=0.01, basis=BASIS),
    ):
        low, high = item.apply(np.array([0.0, 1.0]))
        assert (low, high) == (item.least, 1 - item.least)


def test_applying_does_not_import_scikit_learn(tmp_path):
    path = tmp_path / "calibration.json"
    path.write_text(to_text(calibrator()))
    code = (
        "import sys, pathlib\n"
        "from flaremon.calibration import read_calibrator\n"
        "from flaremon.domain import ActivityLevel, FlareEvent\n"
        f"path = pathlib.Path({str(path)!r})\n"
        "item = read_calibrator(path.read_text(), path)\n"
        "print(item.apply(FlareEvent.parse('M1+/24h'), 0.5, ActivityLevel.ACTIVE))\n"
        "assert not {'sklearn', 'scipy', 'pandas', 'torch', 'astropy'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) == pytest.approx(sigmoid(np.asarray(1.0)))
