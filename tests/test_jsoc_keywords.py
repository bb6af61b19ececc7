"""Keyword strings of the JSOC, strictly read."""

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from flaremon.domain import SERIES_CADENCE_S
from flaremon.jsoc.keywords import (
    to_camera,
    to_float,
    to_instant,
    to_int,
    to_path,
    to_quality,
    to_slot,
)
from flaremon.times import slot_index, slot_label, tai_label_to_utc

NRT = "hmi.M_720s_nrt"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0x00000000", 0),
        ("0x00000400", 0x400),
        ("0X400", 0x400),
        ("0x80000000", 0x80000000),
        ("1024", 1024),
        ("2147483648", 0x80000000),
        ("-2147483648", 0x80000000),
        ("-1", 0xFFFFFFFF),
        (" 66560 ", 66560),
        ("4294967296", None),
        ("-2147483649", None),
        ("0x100000000", None),
        ("0x", None),
        ("1e3", None),
        ("1024.0", None),
        ("nan", None),
        ("MISSING", None),
        ("Invalid KeyLink", None),
        ("", None),
        (None, None),
    ],
)
def test_quality_is_read_as_an_unsigned_word_or_not_at_all(text, value):
    assert to_quality(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("180.0133", 180.0133),
        ("-1.5e-3", -0.0015),
        ("0", 0.0),
        ("nan", None),
        ("inf", None),
        ("1_000", None),
        ("MISSING", None),
        ("Invalid KeyLink", None),
        ("", None),
        (None, None),
    ],
)
def test_numbers_are_finite_or_none(text, value):
    assert to_float(text) == value


@pytest.mark.parametrize(("text", "value"), [("7", 7), ("-7", -7), ("7.0", None), ("x", None)])
def test_integers_are_integers(text, value):
    assert to_int(text) == value


@pytest.mark.parametrize(
    ("text", "value"), [("1", 1), ("3", 3), ("-2147483648", None), ("0", None), ("MISSING", None)]
)
def test_a_camera_is_one_of_three(text, value):
    assert to_camera(text) == value


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("2024.06.28_00:00:00_TAI", "2024.06.28_00:00:00_TAI"),
        ("2024.06.28_00:00:00.000_TAI", "2024.06.28_00:00:00_TAI"),
        ("2024-06-27T23:59:23Z", "2024.06.28_00:00:00_TAI"),
        ("2024.06.28_00:00_TAI", "2024.06.28_00:00:00_TAI"),
        ("2024.06.28_00:01:00_TAI", None),
        ("2024.06.28_00:00:00", None),
        ("-4712.01.01_11:59:28_TAI", None),
        ("2024.13.28_00:00:00_TAI", None),
        ("MISSING", None),
        (None, None),
    ],
)
def test_a_slot_is_a_time_on_the_grid_and_has_one_label(text, label):
    assert to_slot(text, NRT) == label


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2024.06.28_00:00:08_TAI", datetime(2024, 6, 27, 23, 59, 31, tzinfo=UTC)),
        ("2022-08-02T12:04:20Z", datetime(2022, 8, 2, 12, 4, 20, tzinfo=UTC)),
        ("2022-08-02T12:04:20", datetime(2022, 8, 2, 12, 4, 20, tzinfo=UTC)),
        ("-4712.01.01_11:59_TAI", None),
        ("MISSING", None),
        ("soon", None),
        (None, None),
    ],
)
def test_instants_are_utc(text, instant):
    assert to_instant(text) == instant


@pytest.mark.parametrize(
    "day", ["2010.05.01", "2016.12.31", "2017.01.01", "2017.01.02", "2026.02.28"]
)
def test_the_usual_forms_of_a_time_are_read_as_astropy_reads_them(day):
    rng = np.random.default_rng(1)
    seconds = {0, 35, 36, 37, 38, 86399, *rng.integers(0, 86400, 30).tolist()}
    for second in seconds:
        clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
        for text in (
            f"{day}_{clock}_TAI",
            f"{day}_{clock}.250_TAI",
            f"{day.replace('.', '-')}T{clock}Z",
            f"{day.replace('.', '-')}T{clock}.5",
        ):
            assert to_instant(text) == tai_label_to_utc(text)
        for series, cadence_s in SERIES_CADENCE_S.items():
            label = f"{day}_{clock}_TAI"
            nearest = slot_label(slot_index(label, cadence_s), cadence_s)
            assert to_slot(label, series) == (nearest if nearest == label else None)


def test_a_leap_second_is_read():
    assert to_instant("2016-12-31T23:59:60Z") == datetime(2017, 1, 1, tzinfo=UTC)
    assert to_instant("2017.01.01_00:00:36_TAI") == datetime(2017, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "marker",
    ["MISSING", "NoDataDirectory", "InvalidSegName", "BadSegLink", "Invalid KeyLink", "", None],
)
def test_a_marker_in_place_of_a_path_is_no_path(marker, caplog: pytest.LogCaptureFixture):
    assert to_path(marker, "record") is None
    assert caplog.records == []


@pytest.mark.parametrize(
    "path",
    [
        "/SUM1/D1/S00000/../../../../etc/passwd",
        "/SUM1/D1/S00000/../x.fits",
        "http://elsewhere.invalid/SUM1/D1/S00000/m.fits",
        "//elsewhere.invalid/SUM1/D1/S00000/m.fits",
        "/etc/passwd",
        "/SUM1/D1/S00000/m.tar",
        "/SUM1/D1/S00000/m.fits\n",
        "SUM1/D1/S00000/m.fits",
    ],
)
def test_a_path_that_is_not_of_the_jsocs_disks_is_ignored_and_logged(
    path, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.WARNING):
        assert to_path(path, "record") is None
    assert "record" in caplog.text


@pytest.mark.realdata
def test_the_paths_and_times_of_a_real_reply_are_read(shared_data: Path):
    reply = json.loads((shared_data / "jsoc" / "rs_list.hmi.ic_720s.2017-01-08.json").read_text())
    columns = {column["name"]: column["values"] for column in reply["keywords"]}
    for path in reply["segments"][0]["values"]:
        assert to_path(path, "record") == path
    first = to_instant(columns["T_OBS"][0])
    assert first == datetime(2017, 1, 7, 23, 59, 15, tzinfo=UTC)
