"""Record sets select what the JSOC's would."""

import pytest
from support.replicas import drms_client, virtual_archive

from flaremon.errors import InputError
from flaremon.replica import Replica
from flaremon.replica.recordset import KeyFilter, WhereFilter, parse_record_set, parse_record_sets
from flaremon.replica.selection import select

VECTORS = [
    # From drms' live tests, its tutorial and logs of real requests (design: jsoc.md 2.1).
    ("hmi.v_45s[2013.07.03_08:42_TAI/3m]", 4, "2013.07.03_08:42:00_TAI"),
    ("hmi.V_45s[2013.07.03_08:42_TAI/4m]", 5, "2013.07.03_08:42:00_TAI"),
    ("hmi.B_720s[2013.07.03_08:42_TAI/40m]", 3, "2013.07.03_08:48:00_TAI"),
    ("hmi.v_45s[2016.04.01_TAI/1d@6h]", 4, "2016.04.01_00:00:00_TAI"),
    ("hmi.M_720s[2020-10-17_22:12:00_TAI/24m]", 2, "2020.10.17_22:12:00_TAI"),
    (
        "hmi.m_45s[2013.12.09_03:00:00_TAI-2013.12.11_08:00:00_TAI]",
        4241,
        "2013.12.09_03:00:00_TAI",
    ),
    ("hmi.ic_720s[2017.1.8/60m]", 5, "2017.01.08_00:00:00_TAI"),
]


@pytest.fixture(scope="module")
def archive():
    return virtual_archive(
        ("hmi.V_45s", 45, "2013.07.03_08:00:00_TAI", 200),
        ("hmi.V_45s", 45, "2016.04.01_00:00:00_TAI", 2 * 1920),
        ("hmi.B_720s", 720, "2013.07.03_00:00:00_TAI", 120),
        ("hmi.M_720s", 720, "2020.10.17_00:00:00_TAI", 240),
        ("hmi.M_45s", 45, "2013.12.09_00:00:00_TAI", 4 * 1920),
        ("hmi.Ic_720s", 720, "2017.01.07_12:00:00_TAI", 120),
    )


@pytest.fixture(scope="module")
def day(archive):
    """Ten slots of 12 minutes from midnight, camera 3."""
    return virtual_archive(("hmi.M_720s", 720, "2024.06.28_00:00:00_TAI", 10)).find("hmi.M_720s")


def times(series, text, n=None):
    records = select(parse_record_set(f"hmi.M_720s{text}"), series, n=n)
    return [record.t_rec[11:16] for record in records]


@pytest.mark.parametrize(("query", "count", "first"), VECTORS)
def test_counts_of_real_queries_are_reproduced(archive, query, count, first):
    record_set = parse_record_set(query)
    records = select(record_set, archive.find(record_set.series))
    assert (len(records), records[0].t_rec) == (count, first)


def test_counts_of_real_queries_are_reproduced_through_the_drms_client(archive):
    with Replica(archive) as replica:
        client = drms_client(replica)
        counts = {query: len(client.query(query, key="T_REC")) for query, _, _ in VECTORS}
    assert counts == {query: count for query, count, _ in VECTORS}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [f"{m // 60:02d}:{m % 60:02d}" for m in range(0, 120, 12)]),
        ("[]", [f"{m // 60:02d}:{m % 60:02d}" for m in range(0, 120, 12)]),
        ("[2024.06.28_00:24_TAI]", ["00:24"]),
        ("[2024.06.28_00:29:59_TAI]", ["00:24"]),
        ("[2024.06.28_00:30:00_TAI]", ["00:36"]),
        ("[T_REC=2024.06.28_00:24_TAI]", ["00:24"]),
        ("[t_rec = 2024.06.28_00:24_TAI ]", ["00:24"]),
        ("[2024.06.28_00:24_TAI,2024.06.28_01:00_TAI]", ["00:24", "01:00"]),
        ("[2024.06.28_00:00_TAI-2024.06.28_00:12_TAI,2024.06.28_01:00_TAI/1u]",
         ["00:00", "00:12", "01:00"]),
        ("[2024-06-28T00:12:00_TAI-2024-06-28T00:36:00_TAI]", ["00:12", "00:24", "00:36"]),
        ("[2024.06.28_00:24_TAI/1s]", ["00:24"]),
        ("[2024.06.28_00:24_TAI/2u]", ["00:24", "00:36"]),
        ("[2024.06.28_00:00_TAI/1h@24m]", ["00:00", "00:24", "00:48"]),
        ("[2024.06.28_00:12_TAI-2024.06.28_01:00_TAI@36m]", ["00:12", "00:48"]),
        ("[2024.06.28_00:00_TAI/1h@1s]", ["00:00", "00:12", "00:24", "00:36", "00:48"]),
        # A zone that is not given is UTC: 37 s later in TAI, which snaps to the same slot.
        ("[2024.06.28_00:24]", ["00:24"]),
        ("[2024.06.28_00:23:30Z]", ["00:24"]),
        ("[$]", ["01:48"]),
        ("[^]", ["00:00"]),
        ("[^-2024.06.28_00:12_TAI]", ["00:00", "00:12"]),
        ("[2024.06.28_01:36_TAI-$]", ["01:36", "01:48"]),
        ("[$][3]", ["01:48"]),
        ("[$][1]", []),
        ("[$][1-3]", ["01:48"]),
        ("[$][CAMERA=1,3]", ["01:48"]),
        ("[][$]", [f"{m // 60:02d}:{m % 60:02d}" for m in range(0, 120, 12)]),
        ("[:#500001-#500003]", ["00:00", "00:12", "00:24"]),
        ("[:#500002]", ["00:12"]),
        ("[:#$]", ["01:48"]),
        ("[2030.01.01_TAI/1d]", []),
        ("{magnetogram}", [f"{m // 60:02d}:{m % 60:02d}" for m in range(0, 120, 12)]),
    ],
)  # fmt: skip
def test_each_form_of_filter_selects_its_slots(day, text, expected):
    assert times(day, text) == expected


def test_n_counts_from_either_end_and_keeps_the_order(day):
    assert times(day, "[]", n=2) == ["00:00", "00:12"]
    assert times(day, "[]", n=-2) == ["01:36", "01:48"]
    assert times(day, "[]", n=-99) == times(day, "[]")


def test_conditions_and_segments_are_kept_apart_from_key_filters():
    record_set = parse_record_set(
        'hmi.M_720s[2024.06.28_TAI/1d][? QUALITY>=0 AND NOAA ~ "[0-9]" ?]{magnetogram, other}'
    )
    assert [type(f) for f in record_set.filters] == [KeyFilter, WhereFilter]
    assert record_set.filters[1].clause == 'QUALITY>=0 AND NOAA ~ "[0-9]"'
    assert record_set.segments == ("magnetogram", "other")
    assert record_set.tests_quality


def test_sets_joined_by_commas_are_read_one_by_one():
    sets = parse_record_sets("hmi.M_720s[2024.06.28_TAI,2024.06.29_TAI], hmi.M_45s[$]{magnetogram}")
    assert [s.series for s in sets] == ["hmi.M_720s", "hmi.M_45s"]
    with pytest.raises(InputError, match="several sets"):
        parse_record_set("hmi.M_720s[$],hmi.M_45s[$]")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing",
        "hmi.M_720s[",
        "hmi.M_720s[$",
        "hmi.M_720s[? QUALITY>=0 ]",
        "hmi.M_720s{magnetogram",
        "hmi.M_720s[yesterday]",
        "hmi.M_720s[2024.06.28_TAI/6x]",
        "hmi.M_720s[2024.06.28_TAI@]",
        "hmi.M_720s[:1..2]",
        "hmi.M_720s[$]garbage",
    ],
)
def test_what_is_not_a_record_set_is_an_input_error(text):
    with pytest.raises(InputError):
        parse_record_set(text)


@pytest.mark.parametrize(
    "text",
    [
        "[$][3][5]",
        "[QUALITY=0]",
        "[][3/2u]",
        "[][2024.06.28_TAI]",
        "[12345]",
        "[? NO_SUCH_KEYWORD > 1 ?]",
        "[? QUALITY >= ?]",
    ],
)
def test_filters_that_make_no_sense_for_the_series_are_input_errors(day, text):
    with pytest.raises(InputError):
        times(day, text)
