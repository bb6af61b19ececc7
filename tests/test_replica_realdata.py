"""Three real magnetograms through the real drms client, as if they were near real time."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from astropy.io import fits
from support.replicas import drms_client

from flaremon.replica import Replica
from flaremon.replica.archive import read_archive
from flaremon.times import tai_label_to_utc

pytestmark = pytest.mark.realdata

NRT = "hmi.M_720s_nrt"
NOW = datetime(2026, 2, 1, 12, 5, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def client(shared_data):
    with Replica(
        shared_data / "fits", latest_as_now=True, pack=True, series=NRT, now=lambda: NOW,
        export_delay_s=0,
    ) as replica:  # fmt: skip
        yield drms_client(replica, email="someone@example.org")


def test_real_files_are_listed_with_what_their_headers_say(shared_data):
    records = list(read_archive(shared_data / "fits"))
    assert [record.spec for record in records] == [
        "hmi.M_720s[2011.12.17_06:00:00_TAI][1]",
        "hmi.M_720s[2016.07.07_01:00:00_TAI][3]",
        "hmi.M_720s[2019.06.21_06:00:00_TAI][3]",
    ]
    assert [record.quality for record in records] == [66560, 0, 65536]
    keywords = records[0].keywords()
    assert keywords["DATE__OBS"] == "2011-12-17T05:58:10.700"
    assert keywords["T_REC_epoch"] == "1993.01.01_00:00:00.000_TAI"
    assert keywords["CSYSER1"] is None
    assert keywords["CRPIX1"] == 2038.86462
    assert keywords["SOURCE"].startswith("hmi.lev1[:#30974979,")
    assert keywords["HISTORY"].endswith("CROTA2 corrected by adding -0.0691 degrees")


def test_they_are_an_hour_old_and_on_consecutive_slots(client):
    keys = client.query(
        f"{NRT}[2026.02.01_06:00_UTC/6h][? QUALITY>=0 ?]",
        key="T_REC,T_OBS,DATE,QUALITY,QLOOK", n=-8, convert_numeric=False,
    )  # fmt: skip
    assert list(keys.T_REC) == [f"2026.02.01_{t}:00_TAI" for t in ("10:36", "10:48", "11:00")]
    assert list(keys.QUALITY) == ["0x00010400", "0x00000000", "0x00010000"]
    assert set(keys.QLOOK) == {"1"}
    for t_rec, t_obs in zip(keys.T_REC, keys.T_OBS, strict=True):
        # The light-time effect of the original day.
        assert abs(tai_label_to_utc(t_obs) - tai_label_to_utc(t_rec)) < timedelta(seconds=9)
    assert max(keys.DATE) <= "2026-02-01T12:05:30Z"


def test_files_from_sums_have_the_real_pixels_and_no_keywords(client, shared_data, tmp_path):
    client.export(f"{NRT}[^]{{magnetogram}}").download(tmp_path)
    original = min((shared_data / "fits").iterdir())
    with fits.open(next(tmp_path.iterdir())) as served, fits.open(original) as real:
        assert "T_REC" not in served[1].header
        np.testing.assert_array_equal(served[1].data, real[1].data)


def test_an_exported_file_is_a_map_to_sunpy(client, tmp_path):
    sunpy_map = pytest.importorskip("sunpy.map")
    request = client.export(f"{NRT}[$]{{magnetogram}}", method="url", protocol="fits")
    assert request.wait(timeout=10, sleep=0)
    request.download(tmp_path)
    hmi = sunpy_map.Map(next(tmp_path.iterdir()))
    assert hmi.instrument == "HMI COMBINED"
    assert hmi.measurement == "magnetogram"
    assert hmi.meta["t_rec"] == "2026.02.01_11:00:00.000_TAI"
    assert hmi.date.isot.startswith("2026-02-01T10:58:")
    assert hmi.rsun_obs.to_value("arcsec") == pytest.approx(944.6, abs=1)
