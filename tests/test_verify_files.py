"""Forecasts and flare lists from files: what is read, and what is refused with its place."""

import contextlib
import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.maps import write_flares
from support.verified import M_DAY, forecast

from flaremon.cli.query import COLUMNS
from flaremon.domain import FlareEvent
from flaremon.errors import InputError
from flaremon.verify import pool, read_flares, read_forecasts
from flaremon.verify.labels import NO, UNKNOWN, YES, label


def theirs(tmp_path, text, header="time_utc,probability"):
    path = tmp_path / "theirs.csv"
    path.write_text(f"{header}\n{text}", encoding="utf-8")
    return path


def ours(tmp_path, *rows):
    """Write rows as `flaremon predictions --format csv` does."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="x")
    writer.writeheader()
    for t_obs, event, probability, threshold, mode in rows:
        writer.writerow({"t_obs": t_obs, "event": event, "probability": probability,
                         "threshold": threshold, "mode": mode, "model": "cnn@1.0.0"})  # fmt: skip
    path = tmp_path / "ours.csv"
    path.write_text(out.getvalue(), encoding="utf-8")
    return path


def test_others_times_are_utc_by_their_column_and_offsets_are_converted(tmp_path):
    text = "2023-06-01T03:00:00,0.3\n2023-06-01T02:00:00+01:00,0.1\n2023-06-01T02:00:00Z,0.2\n"
    (found,) = read_forecasts(theirs(tmp_path, text), M_DAY)
    assert found.name == "theirs"
    assert found.threshold is None
    assert [str(t)[11:13] for t in found.times] == ["01", "02", "03"]
    assert found.probabilities.tolist() == [0.1, 0.2, 0.3]


def test_our_export_gives_one_forecast_per_mode_with_its_threshold(tmp_path):
    path = ours(
        tmp_path,
        ("2023-06-01T02:00:00Z", "M1+/24h", 0.4, 0.25, "live"),
        ("2023-06-01T01:00:00Z", "M1+/24h", 0.3, 0.25, "live"),
        ("2023-06-01T01:00:00Z", "C1+/now", 0.9, 0.5, "live"),
        ("2023-06-01T01:00:00Z", "M1+/24h", 0.2, 0.25, "hindcast"),
    )
    live, hindcast = read_forecasts(path, M_DAY)
    assert (live.name, hindcast.name) == ("cnn@1.0.0, live", "cnn@1.0.0, hindcast")
    assert live.probabilities.tolist() == [0.3, 0.4]
    assert live.threshold == 0.25


def test_an_exported_forecaster_that_never_says_flare_has_no_threshold(tmp_path):
    path = ours(tmp_path, ("2023-06-01T02:00:00Z", "M1+/24h", 0.4, "", "live"))
    (found,) = read_forecasts(path, M_DAY)
    assert found.threshold is None
    assert found.probabilities.tolist() == [0.4]


def test_a_naive_time_in_our_export_is_refused_with_its_place(tmp_path):
    path = ours(tmp_path, ("2023-06-01T02:00:00", "M1+/24h", 0.4, 0.25, "live"))
    with pytest.raises(InputError, match=r"ours\.csv, line 2, column t_obs: .* no time zone"):
        read_forecasts(path, M_DAY)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("2023-06-01T00:00:00Z,0.1\nyesterday,0.2\n", "line 3, column time_utc: 'yesterday'"),
        ("2023-06-01T00:00:00Z,1.1\n", "line 2, column probability: '1.1' is not from 0 to 1"),
        ("2023-06-01T00:00:00Z,nan\n", "line 2, column probability: 'nan'"),
        ("2023-06-01T00:00:00Z,\n", "line 2, column probability: '' is not a number"),
        ("2023-06-01T00:00:00Z,0.1\n2023-06", "line 3: 1 cells"),
        ("2023-06-01T00:00:00Z,.1\n2023-06-01T01:00:00+01:00,.2\n", "line 3.* is there twice"),
        ("", "has no rows"),
    ],
)
def test_a_bad_cell_is_named_with_file_line_and_column(tmp_path, text, place):
    with pytest.raises(InputError, match=r"theirs\.csv.*" + place):
        read_forecasts(theirs(tmp_path, text), M_DAY)


def test_the_same_row_twice_is_one_forecast(tmp_path):
    (found,) = read_forecasts(theirs(tmp_path, "2023-06-01T00:00:00Z,0.1\n" * 2), M_DAY)
    assert len(found.times) == 1


def test_files_of_another_kind_are_refused(tmp_path):
    with pytest.raises(InputError, match="neither the columns"):
        read_forecasts(theirs(tmp_path, "2023-06-01,0.1\n", header="date,p"), M_DAY)
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_forecasts(tmp_path / "absent.csv", M_DAY)
    picture = tmp_path / "picture.csv"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
    with pytest.raises(InputError, match="UTF-8"):
        read_forecasts(picture, M_DAY)
    path = ours(tmp_path, ("2023-06-01T02:00:00Z", "C1+/now", 0.4, 0.25, "live"))
    with pytest.raises(InputError, match="no forecast for M1\\+/24h"):
        read_forecasts(path, M_DAY)


@given(st.text(max_size=200))
def test_no_text_is_worse_than_an_input_error(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text("time_utc,probability\n" + text, encoding="utf-8", errors="ignore")
    with contextlib.suppress(InputError):
        read_forecasts(path, M_DAY)


def test_folds_are_pooled_in_order_and_never_twice_the_same_hour():
    early = forecast("a", end="2023-06-01")
    late = forecast("b", start="2023-06-01")
    pooled = pool([late, early], "all")
    assert np.all(np.diff(pooled.times) > np.timedelta64(0, "s"))
    assert len(pooled.times) == len(early.times) + len(late.times)
    assert pooled.probabilities[0] == early.probabilities[0]
    with pytest.raises(InputError, match="more than one forecast"):
        pool([early, forecast("c", end="2023-03-02")], "all")


def test_classes_before_2019_can_be_taken_as_listed_or_as_true_flux(tmp_path):
    rows = [
        ("2015-06-02T06:00:00Z", "2015-06-02T06:30:00Z", "C8.0"),
        ("2015-06-05T10:00:00Z", "2015-06-05T10:10:00Z", "B1.0"),
    ]
    period = [("2015-01-01", "2015-12-31", "C1+", "")]
    folder = write_flares(tmp_path, rows, coverage=period, scale="swpc_operational_x0.7")
    time = np.array(["2015-06-02"], "datetime64[s]")
    path = folder / "flares.csv"
    assert label(read_flares(path, scale="true"), M_DAY, time) == [YES]
    assert label(read_flares(path, scale="listed"), M_DAY, time) == [NO]


def test_a_flare_list_needs_its_coverage_and_says_which_cell_is_wrong(tmp_path):
    rows = [("2023-06-02T06:00:00Z", "", "M1.0"), ("2023-06-03T06:00:00+02:00", "", "M1.0")]
    path = write_flares(tmp_path, rows, coverage=[("2023-01-01", "2023-12-31", "C1+", "")])
    path = path / "flares.csv"
    assert str(read_flares(path).start[1]) == "2023-06-03T04:00:00"
    good = path.read_text()
    path.write_text(good.replace("1.00e-05", "strong", 1))
    with pytest.raises(InputError, match=r"flares\.csv, line 2, column peak_flux_w_m2: 'strong'"):
        read_flares(path)
    path.write_text(good)
    coverage = tmp_path / "coverage.csv"
    coverage.write_text(coverage.read_text().replace("2023-12-31", "31 Dec"))
    with pytest.raises(InputError, match=r"coverage\.csv, line 2, column period_end: '31 Dec'"):
        read_flares(path)
    coverage.unlink()
    with pytest.raises(InputError, match=r"coverage\.csv cannot be read"):
        read_flares(path)


def test_beyond_the_lists_end_nothing_is_negative(tmp_path):
    rows = [("2023-06-02T06:00:00Z", "2023-06-02T06:10:00Z", "B1.0")]
    path = write_flares(tmp_path, rows, coverage=[("2023-01-01", "2023-12-31", "C1+", "")])
    times = np.array(["2023-06-02T00:00:00", "2023-06-02T00:00:01"], "datetime64[s]")
    found = label(read_flares(path / "flares.csv"), FlareEvent.parse("C1+/24h"), times)
    assert found.tolist() == [NO, UNKNOWN]
