"""Labels: by start time, with fixed edges, on one scale, and unknown where nobody knows."""

import csv

import numpy as np
import pytest
from support.maps import write_flares

from flaremon.domain import FlareEvent
from flaremon.errors import InputError
from flaremon.training.labels import NO, UNKNOWN, YES, label, read_flares

M_DAY = FlareEvent.parse("M1+/24h")
C_NOW = FlareEvent.parse("C1+/now")
ALL_YEAR = [("2023-01-01", "2023-12-31", "C1+", "")]
LAST = ("2023-12-31T10:00:00Z", "2023-12-31T10:10:00Z", "B1.0")
"""Lists end with the day of their last flare."""


def say(folder, event, *times):
    return label(read_flares(folder), event, np.array(times, "datetime64[s]")).tolist()


def lists(folder, *rows, coverage=ALL_YEAR, **kwargs):
    return write_flares(folder, [*rows, LAST], coverage=coverage, **kwargs)


def test_a_window_is_open_at_its_start_and_closed_at_its_end(tmp_path):
    lists(tmp_path, ("2023-06-02T06:00:00Z", "2023-06-02T06:30:00Z", "M1.0"))
    times = (
        "2023-06-01T05:59:59",  # starts 24 h + 1 s later
        "2023-06-01T06:00:00",  # exactly 24 h later
        "2023-06-02T05:59:59",
        "2023-06-02T06:00:00",  # at this very moment: not after t
    )
    assert say(tmp_path, M_DAY, *times) == [NO, YES, YES, NO]


def test_in_progress_is_closed_at_both_ends(tmp_path):
    lists(tmp_path, ("2023-06-02T06:00:00Z", "2023-06-02T06:30:00Z", "C1.0"))
    times = [f"2023-06-02T{t}" for t in ("05:59:59", "06:00:00", "06:30:00", "06:30:01")]
    assert say(tmp_path, C_NOW, *times) == [NO, YES, YES, NO]


def test_overlapping_flares_are_in_progress_until_the_last_ends(tmp_path):
    lists(
        tmp_path,
        ("2023-06-02T06:00:00Z", "2023-06-02T09:00:00Z", "M5.0"),
        ("2023-06-02T07:00:00Z", "2023-06-02T07:10:00Z", "C2.0"),
    )
    assert say(tmp_path, C_NOW, "2023-06-02T08:00:00", "2023-06-02T09:00:01") == [YES, NO]


def test_weaker_flares_do_not_count(tmp_path):
    lists(tmp_path, ("2023-06-02T06:00:00Z", "2023-06-02T06:30:00Z", "C9.9"))
    assert say(tmp_path, M_DAY, "2023-06-02T00:00:00") == [NO]


@pytest.mark.parametrize(("name", "expected"), [("C7.0", YES), ("C6.9", NO)])
def test_operational_classes_are_brought_to_true_flux(tmp_path, name, expected):
    rows = ("2023-06-02T06:00:00Z", "2023-06-02T06:30:00Z", name)
    lists(tmp_path, rows, scale="swpc_operational_x0.7")
    assert say(tmp_path, M_DAY, "2023-06-02T00:00:00") == [expected]


def test_hours_that_touch_a_missing_report_are_unknown_even_beside_a_flare(tmp_path):
    lists(
        tmp_path,
        ("2023-06-04T00:30:00Z", "2023-06-04T01:00:00Z", "M1.0"),
        coverage=[("2023-01-01", "2023-12-31", "C1+", "no rows at all on 2023-06-03 (missing)")],
    )
    times = (
        "2023-06-01T23:59:59",  # ends before the day
        "2023-06-02T00:00:00",  # ends with its first moment
        "2023-06-03T12:00:00",  # covers its second half, and the flare
        "2023-06-04T00:00:00",
    )
    assert say(tmp_path, M_DAY, *times) == [NO, UNKNOWN, UNKNOWN, YES]


def test_in_progress_is_unknown_as_long_as_a_flare_of_the_missing_day_could_last(tmp_path):
    lists(tmp_path, coverage=[("2023-01-01", "2023-12-31", "C1+", "no rows at all on 2023-06-03")])
    times = ("2023-06-02T23:59:59", "2023-06-04T05:00:00", "2023-06-04T06:00:00")
    assert say(tmp_path, C_NOW, *times) == [NO, UNKNOWN, NO]


def test_a_flare_without_end_makes_the_next_hours_unknown(tmp_path):
    lists(tmp_path, ("2023-06-02T06:00:00Z", "", "M1.0"))
    times = ("2023-06-02T05:59:59", "2023-06-02T07:00:00", "2023-06-02T12:00:01")
    assert say(tmp_path, C_NOW, *times) == [NO, UNKNOWN, NO]
    assert say(tmp_path, M_DAY, "2023-06-02T00:00:00") == [YES]


def test_a_period_complete_for_m_flares_answers_for_m_only(tmp_path):
    lists(tmp_path, coverage=[("2023-01-01", "2023-12-31", "M1+", "no end times")])
    time = "2023-06-02T00:00:00"
    assert say(tmp_path, M_DAY, time) == [NO]
    assert say(tmp_path, FlareEvent.parse("C1+/24h"), time) == [UNKNOWN]
    assert say(tmp_path, C_NOW, time) == [UNKNOWN]


def test_a_list_with_starts_only_cannot_say_what_is_in_progress(tmp_path):
    lists(tmp_path, coverage=[("2023-01-01", "2023-12-31", "C1+ (LMSAL)", "start only")])
    assert say(tmp_path, FlareEvent.parse("C1+/24h"), "2023-06-02T00:00:00") == [NO]
    assert say(tmp_path, C_NOW, "2023-06-02T00:00:00") == [UNKNOWN]


def test_adjacent_periods_are_one_and_beyond_the_list_nothing_is_known(tmp_path):
    halves = [("2023-01-01", "2023-06-02", "C1+", ""), ("2023-06-03", "2024-06-30", "C1+", "")]
    lists(tmp_path, coverage=halves)
    times = (
        "2022-12-31T23:00:00",
        "2023-06-02T12:00:00",
        "2023-12-31T00:00:00",
        "2023-12-31T00:00:01",
    )
    assert say(tmp_path, M_DAY, *times) == [UNKNOWN, NO, NO, UNKNOWN]


def test_missing_or_foreign_lists_are_named(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_flares(tmp_path)
    lists(tmp_path)
    (tmp_path / "flares.csv").write_text("when,what\n1,2\n")
    with pytest.raises(InputError, match="start_utc"):
        read_flares(tmp_path)


@pytest.mark.realdata
def test_base_rates_of_the_real_lists_are_those_worked_out_independently(shared_data):
    flares = read_flares(shared_data / "labels")
    times = np.arange("2020-01-01", "2025-01-01", 3600, dtype="datetime64[s]")
    years = times.astype("datetime64[Y]").astype(int) + 1970
    for event, rates in (
        (M_DAY, {2020: 0.005, 2021: 0.060, 2022: 0.264, 2023: 0.480, 2024: 0.697}),
        (C_NOW, {2020: 0.004, 2021: 0.022, 2022: 0.098, 2023: 0.132, 2024: 0.149}),
    ):
        outcome = label(flares, event, times)
        for year, rate in rates.items():
            known = outcome[(years == year) & (outcome != UNKNOWN)]
            assert np.mean(known == YES) == pytest.approx(rate, abs=0.005)


@pytest.mark.realdata
def test_the_real_lists_know_their_gaps(shared_data):
    flares = read_flares(shared_data / "labels")
    assert len(flares.missing_days) == 5
    february = np.arange("2026-02-01", "2026-03-01", 3600, dtype="datetime64[s]")
    assert np.all(label(flares, C_NOW, february) == UNKNOWN)
    known = label(flares, M_DAY, february) != UNKNOWN
    assert known.sum() == 27 * 24 + 1


@pytest.mark.realdata
def test_labels_agree_with_those_published_with_63649_forecasts(shared_data):
    """Theirs are operational classes: their M1 is M1.43 on the scale of true flux."""
    times, theirs = [], []
    for path in (shared_data / "peer_predictions").glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                times.append(row["time_utc"].removesuffix("Z"))
                theirs.append(int(row["flare_m1_24h"]))
    event = FlareEvent.parse("M1.42857+/24h")
    ours = label(read_flares(shared_data / "labels"), event, np.array(times, dtype="datetime64[s]"))
    assert np.mean(ours == np.array(theirs)) > 0.9998
