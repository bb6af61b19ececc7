"""The unmodified drms client cannot tell the replica from the JSOC."""

import numpy as np
import pytest
from astropy.io import fits
from support.replicas import SMALL_PX, drms_client, get, small_archive
from support.suns import View, write_fits

from flaremon.replica import Fault, Replica

NRT = "hmi.M_720s_nrt"
drms = pytest.importorskip("drms")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three near-real-time records until 00:00 (the newest is bad) and two definitive ones."""
    folder = small_archive(tmp_path_factory.mktemp("archive"), 3, end="2024.06.27_23:48:00_TAI")
    write_fits(
        folder / f"{NRT}.20240628_000000_TAI.magnetogram.fits",
        view=View(size_px=SMALL_PX, quality=0x80000100),
    )
    return small_archive(folder, 2, series="hmi.M_720s", quality=0, camera=1)


@pytest.fixture(scope="module")
def replica(folder):
    with Replica(folder, export_delay_s=0) as replica:
        yield replica


@pytest.fixture(scope="module")
def client(replica):
    return drms_client(replica, email="someone@example.org")


def test_series_are_listed_by_pattern_whatever_its_case(replica, client):
    assert client.series(r"hmi\.m_") == ["hmi.M_720s", NRT]
    assert client.series("NRT$") == [NRT]
    assert client.series("aia") == []
    full = client.series(full=True)
    assert list(full.columns) == ["name", "note"]
    # A broken pattern goes unnoticed, as at the JSOC: the client ignores errMsg.
    assert client.series("(") == []


def test_series_are_listed_without_the_wrapper_too(replica):
    plain = drms_client(replica, wrapper=False)
    full = plain.series(r"hmi\.m_", full=True)
    assert list(full.name) == ["hmi.M_720s", NRT]
    assert list(full.primekeys) == [["T_REC", "CAMERA"]] * 2


def test_a_series_describes_itself(client):
    info = client.info(NRT)
    assert info.primekeys == ["T_REC", "CAMERA"]
    assert client.pkeys(NRT) == ["T_REC", "CAMERA"]
    assert {"T_REC", "DATE__OBS", "QUALITY", "CRPIX1", "QLOOK"} <= set(client.keys(NRT))
    assert list(info.segments.index) == ["magnetogram"]
    assert info.segments.loc["magnetogram", "dims"] == "4096x4096"
    assert info.keywords.loc["T_REC"].is_time
    assert info.keywords.loc["QUALITY"].is_integer
    assert info.keywords.loc["CRPIX1"].is_real
    assert info.retention == 100


def test_an_unknown_series_is_a_query_error(client):
    with pytest.raises(drms.DrmsQueryError, match="does not exist"):
        client.info("hmi.nothing")
    with pytest.raises(drms.DrmsQueryError, match="does not exist"):
        client.query("hmi.nothing[$]", key="T_REC")


def test_keywords_and_segments_come_as_text_in_slot_order(client):
    keys, segments = client.query(
        f"{NRT}[2024.06.27_TAI/1d]",
        key="T_REC, T_OBS, DATE__OBS, DATE, CAMERA, QUALITY, CADENCE, CRPIX1",
        seg="magnetogram",
        convert_numeric=False,
    )
    assert list(keys.T_REC) == [f"2024.06.27_23:{m}:00_TAI" for m in (24, 36, 48)]
    assert keys.iloc[0].to_dict() == {
        "T_REC": "2024.06.27_23:24:00_TAI",
        "T_OBS": "2024.06.27_23:24:00_TAI",
        "DATE__OBS": "2024-06-27T23:23:26.00Z",
        "DATE": "2024-06-28T00:39:23Z",
        "CAMERA": "3",
        "QUALITY": "0x00000400",
        "CADENCE": "720",
        "CRPIX1": "16",
    }
    assert segments.magnetogram.str.fullmatch(r"/SUM\d+/D\d+/S\d{5}/magnetogram\.fits").all()


def test_record_names_can_be_the_index(client):
    keys = client.query(f"{NRT}[^]", key="T_REC", rec_index=True)
    assert list(keys.index) == [f"{NRT}[2024.06.27_23:24:00_TAI][3]"]


def test_numbers_are_converted_except_for_quality_which_pandas_3_spoils(client):
    keys = client.query("hmi.M_720s[^]", key="CRPIX1, QUALITY, *recnum*", pkeys=True)
    assert keys.CRPIX1[0] == 16.0
    assert keys["*recnum*"][0] == 500001
    # drms 0.9.0 with pandas 3: hexadecimal text becomes NaN (sunpy/drms issue 167).
    assert np.isnan(keys.QUALITY[0]) or keys.QUALITY[0] == 0


def test_the_number_of_records_can_be_limited_from_either_end(client):
    assert list(client.query(f"{NRT}[]", key="T_REC", n=1).T_REC) == ["2024.06.27_23:24:00_TAI"]
    assert list(client.query(f"{NRT}[]", key="T_REC", n=-2).T_REC) == [
        "2024.06.27_23:48:00_TAI",
        "2024.06.28_00:00:00_TAI",
    ]


def test_the_last_slot_is_taken_before_its_quality_is_looked_at(client):
    assert len(client.query(f"{NRT}[$]", key="T_REC")) == 1
    assert len(client.query(f"{NRT}[$][? QUALITY>=0 ?]", key="T_REC")) == 0
    assert len(client.query("hmi.M_720s[$][? QUALITY>=0 ?]", key="T_REC")) == 1
    good = client.query(f"{NRT}[2024.06.28_TAI-2024.06.27_TAI][? QUALITY>=0 ?]", key="T_REC")
    assert len(good) == 0
    good = client.query(f"{NRT}[2024.06.27_18:00_TAI/12h][? QUALITY>=0 ?]", key="T_REC", n=-8)
    assert list(good.T_REC)[-1] == "2024.06.27_23:48:00_TAI"


def test_a_bad_slot_has_a_row_with_little_in_it(client):
    keys, segments = client.query(
        f"{NRT}[$]", key="T_REC,CAMERA,QUALITY,CRPIX1,T_OBS", seg="magnetogram",
        convert_numeric=False,
    )  # fmt: skip
    assert list(keys.iloc[0]) == [
        "2024.06.28_00:00:00_TAI", "3", "0x80000100", "MISSING", "MISSING",
    ]  # fmt: skip
    assert segments.magnetogram[0] == "NoDataDirectory"


def test_what_does_not_exist_is_marked_in_the_cells(client):
    keys, segments, links = client.query(
        f"{NRT}[^]", key="NOTHING,*nothing*", seg="continuum", link="MHARP"
    )
    assert list(keys.iloc[0]) == ["Invalid KeyLink", "Invalid KeyLink"]
    assert segments.continuum[0] == "InvalidSegName"
    assert links.MHARP[0] == "Invalid_Link"


def test_nothing_found_is_an_empty_frame(client):
    assert client.query(f"{NRT}[2030.01.01_TAI/1d]", key="T_REC").empty


def test_all_keywords_and_facts_about_storage_can_be_asked_for(client):
    every = client.query(f"{NRT}[^]", key="**ALL**", convert_numeric=False)
    assert {"T_REC", "CRPIX1", "RSUN_OBS"} <= set(every.columns)
    facts = client.query(
        f"{NRT}[^]", key="*recnum*,*sunum*,*online*,*recdir*,*spec*,*retain*", convert_numeric=False
    ).iloc[0]
    assert facts["*recdir*"] == f"/SUM{int(facts['*sunum*']) % 90}/D{facts['*sunum*']}/S00000"
    assert facts["*spec*"] == f"{NRT}[2024.06.27_23:24:00_TAI][3]"
    assert facts["*online*"] == "Y"


def test_a_quick_export_downloads_the_very_bytes_of_sums(replica, client, tmp_path):
    request = client.export(f"{NRT}[^]{{magnetogram}}")
    assert (request.id, request.status) == (None, 0)
    assert request.data.record[0] == f"{NRT}[2024.06.27_23:24:00_TAI][3]{{magnetogram}}"
    done = request.download(tmp_path)
    saved = next(tmp_path.iterdir())
    assert saved.name == "hmi.m_720s_nrt.20240627_232400_TAI.3.magnetogram.fits"
    assert str(done.download[0]) == str(saved)
    assert saved.read_bytes() == get(replica, request.data.filename[0]).body


def test_an_export_as_fits_downloads_files_with_all_keywords(client, tmp_path):
    request = client.export(
        f"{NRT}[][? QUALITY>=0 ?]{{magnetogram}}", method="url", protocol="fits"
    )
    assert request.status == 2
    assert request.id.startswith("JSOC_")
    assert request.wait(timeout=10, sleep=0)
    assert request.data.record[0] == f"{NRT}[2024.06.27_23:24:00_TAI][3]"
    assert request.keywords == "**IN FITS FILES**"
    request.download(tmp_path)
    headers = [fits.getheader(path, 1) for path in sorted(tmp_path.iterdir())]
    assert [header["T_REC"] for header in headers] == [
        f"2024.06.27_23:{m}:00.000_TAI" for m in (24, 36, 48)
    ]


def test_an_export_can_be_taken_up_again_by_its_id(replica, client, tmp_path):
    request = client.export("hmi.M_720s[$]", method="url", protocol="fits")
    later = drms_client(replica).export_from_id(request.id)
    assert later.has_succeeded()
    assert len(later.download(tmp_path)) == 1
    assert later.request_url.startswith(replica.base_url)


def test_the_number_of_exported_records_can_be_limited(client):
    request = client.export("hmi.M_720s[]", method="url", protocol="fits", n=-1)
    request.wait(timeout=10, sleep=0)
    assert list(request.data.record) == ["hmi.M_720s[2024.06.28_00:00:00_TAI][1]"]


def test_records_without_an_image_vanish_from_an_export(client):
    request = client.export(f"{NRT}[$]", method="url", protocol="fits")
    request.wait(timeout=10, sleep=0)
    assert list(request.data.filename) == [""]
    assert request.data.record[0].startswith("warning=No FITS files were exported")


def test_addresses_are_checked_for_what_they_are(folder):
    addresses = {"known+tag@example.org": 2, "new@example.org": 3, "down@example.org": -6}
    with Replica(folder, addresses=addresses) as replica:
        client = drms_client(replica)
        assert client.check_email("known+tag@example.org")
        for address in ("new@example.org", "down@example.org", "other@example.org", "no address"):
            assert not client.check_email(address)
        with pytest.raises(ValueError, match="not registered"):
            drms_client(replica, email="other@example.org")
        refused = client.export("hmi.M_720s[$]", email="other@example.org")
        with pytest.raises(drms.DrmsExportError, match="not registered"):
            refused.wait(timeout=1)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("http-500"), "HTTPError"),
        (Fault("http-503"), "HTTPError"),
        (Fault("reset"), "ConnectionResetError"),
        (Fault("hang", value=0.05), "RemoteDisconnected"),
        (Fault("truncated", on="rs_list"), "IncompleteRead"),
        (Fault("wrong-length", on="rs_list"), "JSONDecodeError"),
        (Fault("malformed-json"), "JSONDecodeError"),
        (Fault("html"), "JSONDecodeError"),
        (Fault("empty"), "JSONDecodeError"),
        (Fault("status-nonzero"), "DrmsQueryError"),
        (Fault("unequal-columns"), "ValueError"),
    ],
)
def test_each_fault_raises_in_the_client_what_it_does_at_the_jsoc(folder, fault, error):
    with Replica(folder, faults=[fault]) as replica:
        client = drms_client(replica)
        with pytest.raises(Exception) as caught:  # noqa: PT011 - of many unrelated families
            client.query(f"{NRT}[]", key="T_REC,CAMERA", seg="magnetogram", convert_numeric=False)
    assert error in {kind.__name__ for kind in type(caught.value).__mro__}
    if hasattr(caught.value, "close"):
        caught.value.close()  # an HTTPError is also the response, which drms leaves open
