"""NOAA's regions: SWPC's product, the daily text, and the CSV of summaries."""

import json
from datetime import UTC, datetime

import pytest
from support.swpc import region

from flaremon.domain import NoaaRegion
from flaremon.errors import InputError, SourceProtocolError
from flaremon.goes import read_product, read_region_file
from flaremon.goes.values import region as noaa_number

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
SUMMARY = """:Product: 0302SRS.txt
:Issued: 2026 Mar 02 0030 UTC
# Prepared jointly by the U.S. Dept. of Commerce, NOAA,
#
Joint USAF/NOAA Solar Region Summary
SRS Number 61 Issued at 0030Z on 02 Mar 2026
Report compiled from data received at SWO on 01 Mar
I.  Regions with Sunspots.  Locations Valid at 01/2400Z
Nmbr Location  Lo  Area  Z   LL   NN Mag Type
4366 N14W22   060  0320 Dkc  09   17 Beta-Gamma-Delta
4370 S08E103  301  0000 Axx  00   01 Alpha
IA. H-alpha Plages without Spots.  Locations Valid at 01/2400Z Mar
Nmbr  Location  Lo
4359  S13W70   160
II. Regions Due to Return 02 Mar to 04 Mar
Nmbr Lat    Lo
4340 N19    009
"""


def read(*rows):
    return read_product("solar_regions", json.dumps(rows).encode())


def written(folder, text, name="srs.txt"):
    path = folder / name
    path.write_text(text)
    return path


def test_a_row_is_a_region_at_the_midnight_after_its_day_west_positive_with_five_digits():
    observed = read(region())
    assert observed.regions == [
        NoaaRegion(
            number=14366,
            valid_at=MIDNIGHT,
            latitude_deg=14,
            longitude_deg=22,
            area=320,
            mount_wilson="beta-gamma-delta",
            source="swpc",
        )
    ]
    assert (observed.canary.read, observed.canary.trouble) == (1, "")


def test_a_location_without_room_for_three_digits_has_them_from_the_number(caplog):
    behind = region(location="N14W0*", longitude=-105)
    (found,) = read(behind).regions
    assert (found.longitude_deg, found.location) == (105, "N14W105")
    # Should the product ever turn its sign round, the letter still tells the side.
    assert read(region(longitude=22)).regions[0].longitude_deg == 22
    assert caplog.records == []


def test_a_plage_has_no_area_and_a_region_that_nobody_saw_is_a_gap():
    plage = region(area=None, mag_class=None, number=4359)
    unseen = region(number=4233, location=None, latitude=None, longitude=None, area=None)
    observed = read(plage, unseen)
    assert [(r.number, r.area, r.mount_wilson) for r in observed.regions] == [(14359, None, "")]
    assert (observed.canary.gaps, observed.canary.trouble) == (1, "")


def test_a_field_that_is_gone_or_changed_is_named_and_the_rest_is_read(caplog):
    changed = region(mag_class="Ekc")
    renamed = region(number=4370)
    renamed["magnetic"] = renamed.pop("mag_class")
    observed = read(changed, renamed)
    assert [r.mount_wilson for r in observed.regions] == ["", ""]
    assert observed.canary.unreadable == {"mag_class": 1}
    assert observed.canary.missing == {"mag_class": 1}
    assert "'mag_class' is missing in 1 of 2 rows" in caplog.text


def test_without_positions_it_has_changed_and_an_empty_list_is_a_quiet_sun():
    with pytest.raises(SourceProtocolError, match=r"none of its rows can be read.*'location'"):
        read(region(location="14 north"))
    assert read().regions == []


def test_the_newer_of_two_rows_of_a_day_counts():
    assert [r.area for r in read(region(area=10), region(area=90)).regions] == [10]


@pytest.mark.parametrize(
    ("value", "day", "number"),
    [
        (9961, "2002-06-13", 9961),
        (9998, "2002-06-14", 9998),  # the last ones below 10000 are still on the disk
        (1, "2002-06-15", 10001),
        (10001, "2002-06-15", 10001),
        (1, "2010-02-28", 10001),
        (1050, "2010-02-28", 11050),
        (9990, "2044-01-01", 19990),
        (8003, "1996-12-09", 8003),
    ],
)
def test_four_digits_get_their_fifth_when_there_was_one(value, day, number):
    assert noaa_number(value, datetime.fromisoformat(f"{day}T00:00+00:00")) == number


def test_the_daily_text_has_regions_with_spots_and_plages_and_not_those_due_to_return(tmp_path):
    spots, limb, plage = read_region_file(written(tmp_path, SUMMARY))
    assert (spots.number, spots.location, spots.area) == (14366, "N14W22", 320)
    assert (spots.valid_at, spots.mount_wilson) == (MIDNIGHT, "beta-gamma-delta")
    assert (limb.location, limb.area, limb.mount_wilson) == ("S08E103", 0, "alpha")
    assert (plage.number, plage.area, plage.mount_wilson) == (14359, None, "")


def test_the_day_that_the_text_names_counts_also_over_the_end_of_a_month(tmp_path):
    moved = SUMMARY.replace("01/2400Z", "28/2400Z")
    assert {r.valid_at for r in read_region_file(written(tmp_path, moved))} == {
        datetime(2026, 3, 1, tzinfo=UTC)
    }


def test_a_day_without_spots_is_no_region_and_no_error(tmp_path):
    kept = [line for line in SUMMARY.splitlines() if not line.startswith("43")]
    kept.insert(9, "None")
    assert read_region_file(written(tmp_path, "\n".join(kept).upper())) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("N14W22", "N14X22", r"line 10: '4366 N14X22.*is not a region"),
        ("N14W22", "N99W22", "line 10: 'N99W22' is not a position"),
        ("Beta-Gamma-Delta", "Better", "line 10: 'Better' is not a magnetic class"),
        (":Issued: 2026 Mar 02", ":Sent:", "does not say when it was issued"),
        (":Issued: 2026 Mar 02", ":Issued: 2026 Foo 02", "line 8: '2026 Foo 02' is not a date"),
        ("01/2400Z", "17/2400Z", "line 8: issued 2026 Mar 02, but valid on day 17"),
        ("I.  Regions with", "Regions with", "cut short: it has no section I"),
    ],
)
def test_a_text_that_is_damaged_is_an_error_that_names_the_line(tmp_path, old, new, said):
    with pytest.raises(InputError, match=said):
        read_region_file(written(tmp_path, SUMMARY.replace(old, new, 1)))


def test_a_csv_with_row_numbers_of_its_own_is_understood(tmp_path):
    text = (
        "ar_noaanum,LOCATION,Carrington_long,AREA,Z,Longitude_extent,No_sunspots,MAGTYPE,date\n"
        "0,11374,S18W37,351,0100,DSO,03,04,BETA,2011-12-17 00:30\n"
        "1,11375,N08W43,358,0040,HSX,01,01,ALPHA,2011-12-17 04:00\n"
    )
    one, other = read_region_file(written(tmp_path, text, "srs.csv"))
    assert (one.number, one.location, one.area, one.mount_wilson) == (11374, "S18W37", 100, "beta")
    assert one.valid_at == other.valid_at == datetime(2011, 12, 17, tzinfo=UTC)
    plain = written(tmp_path, "noaa_ar,location,valid_at\n4366,N14W22,2026-03-02\n", "own.csv")
    assert [(r.number, r.area) for r in read_region_file(plain)] == [(14366, None)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "no column has the number of regions"),
        ("noaa_ar,location,date\n4366,N14,2026-03-02\n", "line 2, column location: 'N14'"),
        ("noaa_ar,location,date\n4366,N14W22,soon\n", "line 2, column date: 'soon' is not a time"),
        ("noaa_ar,location,date\nBig,N14W22,2026-03-02\n", "column noaa_ar: 'Big'"),
        ("noaa_ar,location,date\n4366,N14W22\n", "line 2: has 2 cells and the header 3"),
        ("", "no column has the number"),
    ],
)
def test_a_bad_csv_is_an_error_that_names_line_and_column(tmp_path, text, said):
    with pytest.raises(InputError, match=said):
        read_region_file(written(tmp_path, text, "srs.csv"))


@pytest.mark.realdata
def test_the_recorded_product_is_read_whole(shared_data, caplog):
    body = (shared_data / "swpc" / "solar_regions.json").read_bytes()
    observed = read_product("solar_regions", body)
    assert (observed.canary.rows, observed.canary.read, observed.canary.gaps) == (373, 373, 1)
    assert (len(observed.regions), caplog.records) == (372, [])
    by_day = {(r.valid_at, r.number): r for r in observed.regions}
    known = by_day[datetime(2025, 10, 25, tzinfo=UTC), 14252]
    assert (known.location, known.area, known.mount_wilson) == ("S13W94", 100, "alpha")
    # 19 behind the west limb, and one typed as 2417.
    assert sum(abs(r.longitude_deg) >= 100 for r in observed.regions) == 20


@pytest.mark.realdata
def test_recorded_texts_and_the_csv_of_23_years_are_read_whole(shared_data):
    texts = sorted((shared_data / "swpc").glob("*SRS.txt"))
    read_files = {path.name: read_region_file(path) for path in texts}
    assert {name: [r.number for r in found] for name, found in read_files.items()} == {
        "19961209SRS.txt": [8003],
        "20100228SRS.txt": [11050, 11051],
        "20220104SRS.txt": [12916, 12919, 12922, 12923],
        "20220105SRS.txt": [12924, 12919, 12922],
        "20220106SRS.txt": [12924, 12925, 12919, 12922],
    }
    table = read_region_file(shared_data / "labels" / "srs_1996_2018.csv")
    assert len(table) == 33692
    assert (min(r.number for r in table), max(r.number for r in table)) == (7934, 12731)
    assert len({(r.valid_at, r.number) for r in table}) == len(table)
    (same,) = (r for r in table if r.number == 11051 and r.valid_at.strftime("%F") == "2010-02-28")
    text = read_files["20100228SRS.txt"][1]
    assert (same.location, same.area, same.mount_wilson) == (text.location, text.area, "beta")


@pytest.mark.realdata
def test_texts_agree_with_sunpy_s_own_reader(shared_data):
    from sunpy.io.special.srs import read_srs  # noqa: PLC0415 - slow

    path = shared_data / "swpc" / "20220106SRS.txt"
    theirs = {
        int(row["Number"]): (float(row["Latitude"].value), float(row["Longitude"].value))
        for row in read_srs(path)
        if row["ID"] in {"I", "IA"}
    }
    ours = {r.number: (r.latitude_deg, r.longitude_deg) for r in read_region_file(path)}
    assert ours == theirs
