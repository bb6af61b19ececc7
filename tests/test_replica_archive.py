"""A folder becomes series of records, under new dates where asked."""

import logging
import os
import random
import shutil
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from astropy.io import fits
from support.replicas import SMALL_PX, fetch, get, info, order, small_archive
from support.suns import View, write_fits

from flaremon.errors import FlaremonError, InputError
from flaremon.replica import Replica
from flaremon.replica.archive import read_archive
from flaremon.replica.dating import shift_tai, shift_utc, slot_of
from flaremon.replica.files import exported_file, stored_file
from flaremon.replica.records import _read_keywords
from flaremon.replica.redating import latest_as_now, pack
from flaremon.times import slot_index, tai_label_to_utc

NOW = datetime(2026, 2, 1, 12, 5, 30, tzinfo=UTC)
HOUR = timedelta(minutes=60)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return small_archive(tmp_path_factory.mktemp("archive"))


def write(folder, name, **view):
    return write_fits(folder / name, view=View(size_px=SMALL_PX, **view))


def labels(archive, name="hmi.M_720s_nrt"):
    return [record.t_rec for record in archive.find(name).records]


def test_records_are_found_in_sub_folders_whatever_the_suffix(tmp_path):
    write(tmp_path, "a/hmi.M_720s_nrt.20240628_000000_TAI.magnetogram.fits")
    write(tmp_path, "b/c/hmi.M_720s_nrt.20240628_001200_TAI.magnetogram.FITS",
          t_rec="2024.06.28_00:12:00_TAI")  # fmt: skip
    assert labels(read_archive(tmp_path)) == ["2024.06.28_00:00:00_TAI", "2024.06.28_00:12:00_TAI"]


def test_the_name_of_a_file_tells_its_series(tmp_path):
    write(tmp_path, "hmi.m_720s.20240628_000000_TAI.3.magnetogram.fits", series="hmi.M_720s")
    record = read_archive(tmp_path).find("HMI.M_720S").records[0]
    assert record.spec == "hmi.M_720s[2024.06.28_00:00:00_TAI][3]"


@pytest.mark.parametrize(
    ("cadence", "qlook", "series"),
    [
        (720.0, 0, "hmi.M_720s"),
        (720.0, 1, "hmi.M_720s_nrt"),
        (45.0, 0, "hmi.M_45s"),
    ],
)
def test_without_a_telling_name_the_keywords_decide(tmp_path, cadence, qlook, series):
    write(tmp_path, "image.fits", overrides={"CADENCE": cadence, "QLOOK": qlook})
    assert [s.definition.name for s in read_archive(tmp_path).series.values()] == [series]


def test_a_series_can_be_forced(tmp_path):
    write(tmp_path, "hmi.M_720s.20240628_000000_TAI.magnetogram.fits", series="hmi.M_720s")
    record = next(iter(read_archive(tmp_path, series="hmi.M_720s_nrt")))
    assert record.spec.startswith("hmi.M_720s_nrt[")
    assert record.keywords()["QLOOK"] == 1
    with pytest.raises(InputError, match=r"hmi\.M_720s_nrt"):
        read_archive(tmp_path, series="hmi.sharp_720s")


def test_what_is_not_a_magnetogram_is_skipped_with_a_warning_that_says_why(tmp_path, caplog):
    good = write(tmp_path, "hmi.M_720s_nrt.20240628_000000_TAI.magnetogram.fits")
    (tmp_path / "empty.fits").touch()
    (tmp_path / "page.fits").write_text("<html>not found</html>" * 200)
    (tmp_path / "cut.fits").write_bytes(good.read_bytes()[:-2880])
    (tmp_path / "header.fits").write_bytes(good.read_bytes()[:4000])
    fits.PrimaryHDU().writeto(tmp_path / "nothing.fits")
    fits.PrimaryHDU(np.zeros((4, 4), np.int32)).writeto(tmp_path / "bare.fits")
    write(tmp_path, "aia.fits", overrides={"TELESCOP": "SDO/AIA", "CONTENT": None})
    write(tmp_path, "soho.fits", overrides={"TELESCOP": "SOHO"})
    write(tmp_path, "continuum.fits", overrides={"CONTENT": "CONTINUUM INTENSITY"})
    write(tmp_path, "nameless.fits", overrides={"CADENCE": 10.0})
    write(tmp_path, "timeless.fits", overrides={"T_REC": "MISSING"})
    write(tmp_path, "unjudged.fits", overrides={"QUALITY": None})
    (tmp_path / "notes.txt").write_text("not looked at")
    with caplog.at_level(logging.WARNING, logger="flaremon.replica"):
        archive = read_archive(tmp_path)
    assert len(list(archive)) == 1
    told = {line.split(": ")[0].rsplit("/", 1)[1]: line for line in caplog.messages}
    assert {name: reason.split("not served: ")[1] for name, reason in told.items()} == {
        "empty.fits": "empty file",
        "page.fits": "not a FITS file",
        "cut.fits": f"truncated, {good.stat().st_size - 2880} bytes of at least "
        f"{good.stat().st_size}",
        "header.fits": "truncated in a header",
        "nothing.fits": "no image in it",
        "bare.fits": "no T_REC: a file as SUMS keeps it has no keywords",
        "aia.fits": "not an HMI magnetogram",
        "soho.fits": "not an HMI magnetogram",
        "continuum.fits": "not an HMI magnetogram",
        "nameless.fits": "neither its name nor CADENCE and QLOOK tell its series",
        "timeless.fits": "'MISSING' is not a time; write e.g. 2024.06.28_00:00:00_TAI",
        "unjudged.fits": "QUALITY None is not a bit word",
    }


# astropy warns about some of the cards, which is right: they are broken.
@pytest.mark.filterwarnings("ignore::astropy.utils.exceptions.AstropyUserWarning")
def test_a_damaged_header_is_skipped_or_served_but_never_breaks_anything(tmp_path, caplog):
    source = write(tmp_path / "good", "hmi.M_720s_nrt.20240628_000000_TAI.magnetogram.fits")
    content = source.read_bytes()
    random_ = random.Random(20240628)
    served = 0
    for k in range(150):
        damaged = bytearray(content)
        for _ in range(random_.choice([1, 3, 20])):
            damaged[random_.randrange(4 * 2880)] = random_.choice(b"' /=-0&E\xff")
        path = tmp_path / f"{k}" / source.name
        path.parent.mkdir()
        path.write_bytes(damaged)
        try:
            (record,) = read_archive(path.parent)
            record.layout()
            record.keywords()
            stored_file(record)
            exported_file(record)
        except FlaremonError:
            continue
        served += 1
    assert 10 < served < 140


def test_a_folder_without_magnetograms_is_an_input_error(tmp_path, caplog):
    with pytest.raises(InputError, match="holds no full-disk HMI magnetogram"):
        Replica(tmp_path)
    with pytest.raises(InputError, match="not a folder"):
        Replica(tmp_path / "missing")


def test_a_port_that_is_taken_is_an_input_error(folder):
    with Replica(folder) as replica, pytest.raises(InputError, match="another port"):
        Replica(folder, port=int(replica.base_url.rsplit(":", 1)[1]))


def test_of_two_files_of_one_slot_the_later_made_one_counts(tmp_path):
    for name, date in (("new", "2024-06-29T00:00:00.000"), ("old", "2024-06-28T01:00:00.000")):
        write(tmp_path, f"{name}.fits", overrides={"DATE": date})
    with Replica(tmp_path) as replica:
        found = info(replica, "rs_list", "hmi.M_720s_nrt[$]", key="DATE,*recnum*")
        every = info(replica, "rs_list", "hmi.M_720s_nrt[$][! TRUE !]", key="DATE,*recnum*")
    assert [c["values"] for c in found["keywords"]] == [["2024-06-29T00:00:00Z"], ["500002"]]
    assert every["keywords"][1]["values"] == ["500001", "500002"]


def test_thousands_of_files_are_listed_without_reading_their_keywords(tmp_path):
    source = write(tmp_path / "one", "hmi.M_720s_nrt.20240628_000000_TAI.magnetogram.fits")
    for k in range(2000):
        os.link(source, tmp_path / f"{k}.fits")
    before = _read_keywords.cache_info()
    archive = read_archive(tmp_path)
    assert len(list(archive)) == 2001
    assert len(archive.find("hmi.M_720s_nrt").current) == 1
    assert _read_keywords.cache_info() == before


def test_the_newest_slot_is_the_latency_ago_and_the_others_keep_their_distance(folder):
    archive = latest_as_now(read_archive(folder), now=NOW, latency=HOUR)
    # 12:05:30 UTC - 1 h = 11:06:07 TAI, and the last slot before that is 11:00.
    assert labels(archive) == [f"2026.02.01_{t}:00_TAI" for t in ("10:36", "10:48", "11:00")]


def test_times_of_a_re_dated_record_agree_with_each_other(folder):
    before = read_archive(folder).find("hmi.M_720s_nrt").records[-1].keywords()
    record = latest_as_now(read_archive(folder), now=NOW, latency=HOUR).find(
        "hmi.M_720s_nrt"
    ).records[-1]  # fmt: skip
    after = record.keywords()
    shift = tai_label_to_utc(after["T_REC"]) - tai_label_to_utc(before["T_REC"])
    assert after["T_OBS"] == "2026.02.01_11:00:00.156_TAI"
    assert datetime.fromisoformat(after["DATE__OBS"]) == (
        datetime.fromisoformat(before["DATE__OBS"]) + shift
    )
    assert datetime.fromisoformat(f"{after['DATE']}+00:00") == (
        tai_label_to_utc(record.t_rec) + HOUR
    )
    assert {k: v for k, v in after.items() if "DATE" not in k and "T_" not in k} == {
        k: v for k, v in before.items() if "DATE" not in k and "T_" not in k
    }


def test_a_record_is_never_made_in_the_future(folder):
    archive = latest_as_now(read_archive(folder), now=NOW, latency=timedelta(0))
    dates = [datetime.fromisoformat(f"{r.keywords()['DATE']}+00:00") for r in archive]
    assert max(dates) <= NOW


def test_packing_closes_gaps_and_keeps_the_order(tmp_path):
    for t_rec in ("2011.12.17_06:00:00_TAI", "2016.07.07_01:00:00_TAI", "2019.06.21_06:00:00_TAI"):
        stamp = t_rec.replace(".", "").replace(":", "")
        write(tmp_path, f"hmi.M_720s.{stamp}.magnetogram.fits", t_rec=t_rec, series="hmi.M_720s")
    archive = pack(read_archive(tmp_path))
    assert labels(archive, "hmi.M_720s") == [
        f"2019.06.21_{t}:00_TAI" for t in ("05:36", "05:48", "06:00")
    ]
    assert [r.path.name[11:15] for r in archive] == ["2011", "2016", "2019"]
    now = latest_as_now(archive, now=NOW, latency=HOUR)
    assert labels(now, "hmi.M_720s")[-1] == "2026.02.01_11:00:00_TAI"


def test_moving_in_tai_counts_the_leap_seconds_between(tmp_path):
    # 2011 was 34 s behind TAI, 2019 is 37 s: the same shift in TAI moves UTC by 3 s less.
    shift_s = timedelta(days=8 * 365 + 2).total_seconds()
    assert shift_utc("2011-12-17T05:58:10.700", shift_s) == "2019-12-17T05:58:07.700"
    assert shift_tai("2011.12.17_05:59:52.156_TAI", shift_s) == "2019.12.17_05:59:52.156_TAI"
    assert shift_tai("MISSING", shift_s) == "MISSING"


@pytest.mark.parametrize("cadence_s", [45.0, 720.0])
@pytest.mark.parametrize(
    "label",
    [
        "2024.06.28_00:00:00_TAI",
        "2024.06.28_00:05:59.999_TAI",
        "2024.06.28_00:06:00.000_TAI",
        "2016.12.31_23:59:59_TAI",
        "2024-06-28T00:00:00Z",
        "2024.06.28",
    ],
)
def test_the_fast_way_to_a_slot_agrees_with_the_exact_one(label, cadence_s):
    assert slot_of(label, cadence_s) == slot_index(label, cadence_s)


def test_a_file_that_disappears_is_404_and_its_record_stays_listed(tmp_path):
    small_archive(tmp_path, 2)
    with Replica(tmp_path) as replica:
        path = info(replica, "rs_list", "hmi.M_720s_nrt[$]", seg="magnetogram", key="T_REC")
        path = path["segments"][0]["values"][0]
        shutil.rmtree(tmp_path)
        assert get(replica, path).status == 404
        assert info(replica, "rs_summary", "hmi.M_720s_nrt[$]")["count"] == 1


def test_a_file_that_disappears_before_an_export_is_an_application_error(tmp_path):
    small_archive(tmp_path, 1)
    with Replica(tmp_path) as replica:
        shutil.rmtree(tmp_path)
        assert fetch(replica, **order("hmi.M_720s_nrt[$]"))["status"] == 1
        assert info(replica, "series_struct", "hmi.M_720s_nrt")["status"] == 1
        assert info(replica, "rs_list", "hmi.M_720s_nrt[$]", key="*size*")["status"] == 1


def test_nothing_stale_is_served_when_a_file_was_replaced_between_two_replicas(tmp_path):
    name = "hmi.M_720s_nrt.20240628_000000_TAI.magnetogram.fits"
    seen = []
    for crota2 in (180.0, 179.9):
        path = write(tmp_path, name, crota2=crota2)
        os.utime(path, ns=(0, int(crota2 * 1e9)))
        with Replica(tmp_path) as replica:
            reply = info(replica, "rs_list", "hmi.M_720s_nrt[$]", key="CROTA2")
            seen += reply["keywords"][0]["values"]
    assert seen == ["180", "179.9"]
