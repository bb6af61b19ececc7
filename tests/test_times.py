import warnings
from datetime import UTC, datetime, timedelta

import pytest

from flaremon.errors import InputError
from flaremon.times import (
    iso_z,
    parse_range,
    parse_utc,
    slot_index,
    slot_label,
    tai_label_to_utc,
    utc_now,
    utc_to_tai_label,
)


@pytest.mark.parametrize(
    ("label", "utc"),
    [
        ("2024.06.28_00:00:00_TAI", "2024-06-27T23:59:23+00:00"),
        ("2024.06.28_00:00_TAI", "2024-06-27T23:59:23+00:00"),
        ("2011.12.17_05:59:52.156_TAI", "2011-12-17T05:59:18.156000+00:00"),
        ("2010.05.01_00:00:00_TAI", "2010-04-30T23:59:26+00:00"),
        ("2017.01.01_00:00:37_TAI", "2017-01-01T00:00:00+00:00"),
        ("2016-12-31T12:00:00Z", "2016-12-31T12:00:00+00:00"),
        ("2017.1.8", "2017-01-08T00:00:00+00:00"),
    ],
)
def test_drms_times_become_utc_instants(label, utc):
    assert tai_label_to_utc(label).isoformat() == utc


def test_a_leap_second_becomes_the_next_midnight():
    assert tai_label_to_utc("2017.01.01_00:00:36_TAI") == datetime(2017, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["MISSING", "", "-4712.01.01_11:59:28_TAI", "2024.13.01_00:00:00_TAI", "2024.06.28_25:00_TAI"],
)
def test_what_is_not_a_time_is_an_error_that_quotes_it(text):
    with pytest.raises(InputError, match="is not a time"):
        tai_label_to_utc(text)


@pytest.mark.parametrize("label", ["2024.06.28_00:00:00_TAI", "2016.12.31_23:48:00_TAI"])
def test_labels_survive_the_way_to_utc_and_back(label):
    assert utc_to_tai_label(tai_label_to_utc(label)) == label


def test_slots_count_from_the_drms_epoch_and_snap_to_the_nearest():
    assert slot_index("1993.01.01_00:00:00_TAI", 720) == 0
    index = slot_index("2024.06.28_00:00:00_TAI", 720)
    assert slot_label(index, 720) == "2024.06.28_00:00:00_TAI"
    assert slot_index("2024.06.28_00:05:59_TAI", 720) == index
    assert slot_index("2024.06.28_00:06:00_TAI", 720) == index + 1
    assert slot_index("2024.06.27_23:54:00_TAI", 720) == index


def test_slots_are_continuous_over_a_leap_second():
    before = slot_index("2016.12.31_23:48:00_TAI", 720)
    assert slot_label(before + 1, 720) == "2017.01.01_00:00:00_TAI"


def test_people_may_write_iso_offsets_labels_and_relative_times():
    assert parse_utc("2026-02-01") == datetime(2026, 2, 1, tzinfo=UTC)
    assert parse_utc("2026-02-01T02:00+02:00") == datetime(2026, 2, 1, tzinfo=UTC)
    assert parse_utc("2026.02.01_00:00:37_TAI") == datetime(2026, 2, 1, tzinfo=UTC)
    before, six_hours_ago, after = utc_now(), parse_utc("-6h"), utc_now()
    assert before <= six_hours_ago + timedelta(hours=6) <= after
    with pytest.raises(InputError, match="yesterday"):
        parse_utc("yesterday")


def test_years_and_months_are_their_first_instants_and_nothing_is_no_time():
    assert parse_utc("2024") == datetime(2024, 1, 1, tzinfo=UTC)
    assert parse_utc(" 2024-05 ") == datetime(2024, 5, 1, tzinfo=UTC)
    for text in ("", " ", "2024-13", "0000"):
        with pytest.raises(InputError, match="is not a time"):
            parse_utc(text)


def test_a_range_may_be_open_but_neither_empty_nor_reversed():
    assert parse_range(None, None) == (None, None)
    assert parse_range("2024", None) == (datetime(2024, 1, 1, tzinfo=UTC), None)
    with pytest.raises(InputError, match="is not after"):
        parse_range("2024", "2023")
    for ends in (("", None), (None, "")):
        with pytest.raises(InputError, match="is not a time"):
            parse_range(*ends)


def test_instants_are_written_in_utc_with_z_and_naive_ones_are_refused():
    assert iso_z(datetime(2026, 2, 1, 12, tzinfo=UTC)) == "2026-02-01T12:00:00Z"
    with pytest.raises(InputError, match="no time zone"):
        iso_z(datetime(2026, 2, 1))  # noqa: DTZ001 - the point


def test_a_day_that_does_not_exist_is_called_so():
    with pytest.raises(InputError, match=r"'2026-02-30' is not a time: there is no such day"):
        parse_utc("2026-02-30")


def test_years_whose_leap_seconds_are_not_known_pass_in_silence():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert tai_label_to_utc("2099.01.01_00:00:37_TAI") == datetime(2099, 1, 1, tzinfo=UTC)
        assert utc_to_tai_label(datetime(2099, 1, 1, tzinfo=UTC)) == "2099.01.01_00:00:37_TAI"
        assert slot_label(slot_index("2099.01.01_00:12:00_TAI", 720.0), 720.0).startswith("2099")
