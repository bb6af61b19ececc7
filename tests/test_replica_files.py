"""Files go out as the JSOC hands them out: bare from SUMS, with their header from an export."""

from email.utils import parsedate_to_datetime

import numpy as np
import pytest
from astropy.io import fits
from support.replicas import SMALL_PX, get, info, small_archive
from support.suns import Sun, View, counts, field_gauss

from flaremon.replica import Replica
from flaremon.replica.archive import read_archive
from flaremon.replica.files import exported_file, stored_file


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return small_archive(tmp_path_factory.mktemp("archive"))


def sums_path(replica, ds="hmi.M_720s_nrt[$]"):
    reply = info(replica, "rs_list", ds, key="T_REC", seg="magnetogram")
    return reply["segments"][0]["values"][0]


def save(folder, body):
    path = folder / "served.fits"
    path.write_bytes(b"".join(body.chunks()))
    return path


def test_a_file_in_sums_has_the_tiles_but_no_keywords(hmi_archive, tmp_path):
    record = next(iter(read_archive(hmi_archive)))
    path = save(tmp_path, stored_file(record))
    with (
        fits.open(path, disable_image_compression=True) as served,
        fits.open(record.path, disable_image_compression=True) as original,
    ):
        assert not {"T_REC", "QUALITY", "CRPIX1", "DATE"} & set(served[1].header)
        for name in ("BSCALE", "BZERO", "BLANK", "ZCMPTYPE", "ZNAXIS1", "PCOUNT"):
            assert served[1].header[name] == original[1].header[name]
        heap = served[1].fileinfo()
        with path.open("rb") as a, record.path.open("rb") as b:
            a.seek(heap["datLoc"])
            b.seek(original[1].fileinfo()["datLoc"])
            assert a.read() == b.read(heap["datSpan"])
    with fits.open(path) as served, fits.open(record.path) as original:
        served.verify("exception")
        assert served[1].data.shape == (4096, 4096)
        np.testing.assert_array_equal(served[1].data, original[1].data)


def test_an_export_of_an_unchanged_record_is_the_file_itself(folder, tmp_path):
    record = next(iter(read_archive(folder)))
    assert save(tmp_path, exported_file(record)).read_bytes() == record.path.read_bytes()


def test_an_export_of_a_re_dated_record_carries_its_new_times_in_fits_form(folder, tmp_path):
    with Replica(folder, latest_as_now=True) as replica:
        record = replica.archive.find("hmi.M_720s_nrt").records[-1]
    original = fits.getheader(record.path, 1)
    header = fits.getheader(save(tmp_path, exported_file(record)), 1)
    assert header["T_REC"] == record.t_rec.replace("_TAI", ".000_TAI")
    assert header["DATE-OBS"] == record.keywords()["DATE__OBS"]
    changed = {name for name in original if header[name] != original[name]}
    assert changed == {"DATE", "DATE-OBS", "T_OBS", "T_REC"}
    np.testing.assert_array_equal(
        fits.getdata(save(tmp_path, exported_file(record)), 1), fits.getdata(record.path, 1)
    )


@pytest.mark.parametrize("primary", [True, False])
def test_images_that_are_not_compressed_are_stripped_too(tmp_path, primary):
    view = View(size_px=SMALL_PX, crpix1=16.0, crpix2=16.0, cdelt=80.0)
    values = counts(field_gauss(Sun(), view))
    source = small_archive(tmp_path / "source", 1)
    header = fits.getheader(next(source.iterdir()), 1)
    hdu = fits.PrimaryHDU(values) if primary else fits.ImageHDU(values)
    hdu.header.update({"BSCALE": 0.1, "BZERO": 0.0, "BLANK": -2147483648})
    for card in header.cards:
        if card.keyword not in hdu.header:
            hdu.header.append(card)
    folder = tmp_path / "plain"
    folder.mkdir()
    hdus = [hdu] if primary else [fits.PrimaryHDU(), hdu]
    fits.HDUList(hdus).writeto(folder / "image.fits", output_verify="fix")
    record = next(iter(read_archive(folder)))
    path = save(tmp_path, stored_file(record))
    served = fits.getdata(path)
    np.testing.assert_array_equal(served, fits.getdata(record.path))
    assert "T_REC" not in fits.getheader(path, 0 if primary else 1)


def test_a_file_comes_with_its_length_and_its_date(folder):
    with Replica(folder) as replica:
        path = sums_path(replica)
        record = replica.archive.find("hmi.M_720s_nrt").records[-1]
        answer = get(replica, path)
        head = get(replica, path, verb="HEAD")
        size = info(replica, "rs_list", "hmi.M_720s_nrt[$]", key="*size*")
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert size["keywords"][0]["values"] == [str(len(answer.body))]
    assert parsedate_to_datetime(answer.headers["last-modified"]).timestamp() == int(
        record.path.stat().st_mtime
    )
    assert head.body == b""
    assert head.headers["content-length"] == answer.headers["content-length"]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/etc/passwd",
        "/SUM0/D1700000000/S00009/magnetogram.fits",
        "/SUM80/D1700000000/S00000/../S00000/magnetogram.fits",
        "/SUM80/D1700000000/S00000/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/SUM80/D1700000000/S00000/continuum.fits",
        "/cgi-bin/ajax/../../etc/passwd",
        "/cgi-bin/ajax/other",
        "/data/hmi/fits/../../../etc/passwd",
    ],
)
def test_other_paths_are_not_found(folder, path):
    with Replica(folder) as replica:
        assert get(replica, path).status == 404


def test_hourly_files_lie_in_their_tree_with_full_headers(folder, tmp_path):
    with Replica(folder) as replica:
        pointer = get(replica, "/data/hmi/fits/latest_fits_time").body.decode().strip()
        assert pointer[10:] == ("/data/hmi/fits/2024/06/28/hmi.M_720s_nrt.20240628_000000_TAI.fits")
        answer = get(replica, pointer[10:])
        listing = get(replica, "/data/hmi/fits/2024/06/28/").body.decode()
        # Not on the hour: not in the tree.
        missing = get(replica, "/data/hmi/fits/2024/06/27/hmi.M_720s_nrt.20240627_234800_TAI.fits")
    (tmp_path / "hourly.fits").write_bytes(answer.body)
    assert fits.getheader(tmp_path / "hourly.fits", 1)["T_REC"] == "2024.06.28_00:00:00.000_TAI"
    assert "hmi.M_720s_nrt.20240628_000000_TAI.fits" in listing
    assert missing.status == 404
