"""Rows of a reply to records."""

import logging
from datetime import UTC, datetime

import pytest

from flaremon.domain import Calibration, Geometry, QualityClass
from flaremon.errors import SourceProtocolError
from flaremon.jsoc.keywords import KEYS
from flaremon.jsoc.listing import read_record, read_records

NRT = "hmi.M_720s_nrt"
PATH = "/SUM89/D990049682/S00001/magnetogram.fits"
GOOD = {
    "T_REC": "2024.06.28_00:00:00_TAI",
    "T_OBS": "2024.06.28_00:00:08.212_TAI",
    "DATE": "2024-06-28T01:16:20Z",
    "DATE__OBS": "2024-06-27T23:58:46.20Z",
    "CAMERA": "3",
    "QUALITY": "0x00000400",
    "CRPIX1": "2038.860107",
    "CRPIX2": "2046.770020",
    "CDELT1": "0.504300",
    "CROTA2": "180.013290",
    "RSUN_OBS": "944.605530",
    "CRLT_OBS": "2.345678",
    "CRLN_OBS": "123.456789",
    "QLOOK": "1",
    "*recnum*": "8261956",
}
BAD = dict.fromkeys(GOOD, "MISSING") | {
    "T_REC": "2024.06.28_00:00:00_TAI",
    "CAMERA": "-2147483648",
    "QUALITY": "0x80000000",
    "DATE": "2024-06-28T01:16:20Z",
    "*recnum*": "8261950",
}


def test_a_good_row_becomes_a_record_with_geometry_in_pixels_from_zero():
    record = read_record(NRT, GOOD, PATH)
    assert record is not None
    assert str(record.key) == "hmi.M_720s_nrt[2024.06.28_00:00:00_TAI]"
    assert record.quality_class is QualityClass.CLEAN
    assert record.recnum == 8261956
    assert record.t_obs == datetime(2024, 6, 27, 23, 59, 31, 212000, tzinfo=UTC)
    assert record.processed_at == datetime(2024, 6, 28, 1, 16, 20, tzinfo=UTC)
    assert record.segment_path == PATH
    assert record.keywords == GOOD
    assert record.geometry == Geometry(
        centre_x_px=2037.860107,
        centre_y_px=2045.770020,
        radius_px=pytest.approx(944.605530 / 0.5043),
        arcsec_per_px=0.5043,
        roll_deg=180.01329,
        b0_deg=2.345678,
        carrington_deg=123.456789,
    )


def test_a_row_without_an_image_becomes_a_record_without_geometry_but_with_its_quality():
    record = read_record(NRT, BAD, "NoDataDirectory")
    assert record is not None
    assert record.quality_class is QualityClass.UNUSABLE
    assert (record.geometry, record.t_obs, record.segment_path) == (None, None, None)
    assert record.keywords["CRPIX1"] == "MISSING"


@pytest.mark.parametrize("name", ["CRPIX1", "CRPIX2", "CDELT1", "CROTA2", "RSUN_OBS", "CRLT_OBS"])
@pytest.mark.parametrize("value", ["MISSING", "nan", "Invalid KeyLink", "-nan"])
def test_one_missing_keyword_of_the_geometry_is_no_geometry(name, value):
    record = read_record(NRT, GOOD | {name: value}, PATH)
    assert record is not None
    assert record.geometry is None
    assert record.segment_path == PATH


@pytest.mark.parametrize(
    ("name", "value"), [("CDELT1", "0"), ("CDELT1", "-0.5"), ("RSUN_OBS", "0")]
)
def test_a_sun_without_a_size_is_no_geometry(name, value):
    record = read_record(NRT, GOOD | {name: value}, PATH)
    assert record is not None
    assert record.geometry is None


@pytest.mark.parametrize(
    ("series", "qlook", "calibration"),
    [
        (NRT, "1", Calibration.NEAR_REAL_TIME),
        (NRT, "0", Calibration.DEFINITIVE),
        (NRT, "MISSING", Calibration.NEAR_REAL_TIME),
        ("hmi.M_720s", "MISSING", Calibration.DEFINITIVE),
    ],
)
def test_qlook_tells_the_calibration_and_the_series_where_it_is_missing(series, qlook, calibration):
    record = read_record(series, GOOD | {"QLOOK": qlook}, PATH)
    assert record is not None
    assert record.calibration is calibration


@pytest.mark.parametrize("swap", [False, True])
def test_of_two_rows_of_a_slot_the_one_with_data_is_taken(swap):
    rows = [(BAD, "NoDataDirectory"), (GOOD, PATH)]
    records = read_records(NRT, rows[::-1] if swap else rows)
    assert [record.recnum for record in records] == [8261956]


def test_of_two_rows_with_data_the_newer_record_is_taken():
    newer = GOOD | {"*recnum*": "9000000"}
    assert read_records(NRT, [(newer, PATH), (GOOD, PATH)])[0].recnum == 9000000


def test_rows_without_a_slot_are_left_out_and_logged(caplog: pytest.LogCaptureFixture):
    lost = GOOD | {"T_REC": "MISSING"}
    unknown = GOOD | {"QUALITY": "MISSING", "T_REC": "2024.06.28_00:12:00_TAI"}
    with caplog.at_level(logging.WARNING):
        records = read_records(NRT, [(lost, PATH), (unknown, PATH), (GOOD, PATH)])
    assert len(records) == 1
    assert "2 rows" in caplog.text


def test_a_reply_in_which_no_row_makes_sense_is_an_error():
    with pytest.raises(SourceProtocolError, match="Invalid KeyLink"):
        read_records(NRT, [(dict.fromkeys(KEYS, "Invalid KeyLink"), PATH)])


def test_no_rows_are_no_records():
    assert read_records(NRT, []) == []
