"""FITS files of every kind, right and wrong: a checked magnetogram or one clear error."""

import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st
from support.suns import BLANK, Sun, View, counts, field_gauss, keywords, write_field

from flaremon.domain import Calibration, Geometry, Record, RecordKey
from flaremon.errors import FitsError
from flaremon.fits import geometry_from, read_fits, read_magnetogram
from flaremon.times import tai_label_to_utc

VIEW = View()
DEFINITIVE = replace(VIEW, series="hmi.M_720s", quality=0)
HEADER_ONLY = ("DATAVALS", "DATAMIN2", "DATAMAX2")


@pytest.fixture(scope="module")
def field() -> np.ndarray:
    return field_gauss(Sun(), VIEW)


@pytest.fixture(scope="module")
def other_field(field: np.ndarray) -> np.ndarray:
    """The next slot: the same disk, other noise."""
    return np.roll(field, 1, axis=1) * np.float32(1.01)


@pytest.fixture(scope="module")
def exported(field: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_field(tmp_path_factory.mktemp("fits") / "exported.fits", field, VIEW)


@pytest.fixture(scope="module")
def sums(field: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bare(tmp_path_factory.mktemp("sums") / "magnetogram.fits", field)


def write_bare(path: Path, values: np.ndarray) -> Path:
    """As the JSOC stores it: pixels and how to scale them, not a word about what they are."""
    hdu = fits.CompImageHDU(counts(values), compression_type="RICE_1", tile_shape=(1, 4096))
    hdu.header["BSCALE"], hdu.header["BZERO"], hdu.header["BLANK"] = 0.1, 0.0, BLANK
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    return path


def record(view: View, values: np.ndarray, **changes: Any) -> Record:
    """The record that lists the file, with its keywords as the strings that the JSOC writes."""
    cards = {name: str(value) for name, value in keywords(view, values).items()}
    nrt = view.series.endswith("_nrt")
    made = Record(
        key=RecordKey(series=view.series, t_rec=view.t_rec),
        quality=view.quality,
        calibration=Calibration.NEAR_REAL_TIME if nrt else Calibration.DEFINITIVE,
        t_obs=tai_label_to_utc(cards["T_OBS"]),
        geometry=geometry_from(cards),
        keywords=cards,
    )
    return replace(made, **changes)


def recard(path: Path, target: Path, **cards: Any) -> Path:
    """Copy a file with some cards changed; None removes one."""
    shutil.copy(path, target)
    with fits.open(target, mode="update", disable_image_compression=True) as hdus:
        for name, value in cards.items():
            keyword = name.replace("_", "-") if name == "DATE_OBS" else name
            if value is None:
                del hdus[1].header[keyword]
            else:
                hdus[1].header[keyword] = value
    return target


# What is right


def test_an_exported_file_stands_alone(exported: Path, field: np.ndarray) -> None:
    magnetogram = read_fits(exported)
    assert magnetogram.key == RecordKey(series="hmi.M_720s_nrt", t_rec="2024.06.28_00:00:00_TAI")
    assert magnetogram.quality == 0x400
    assert magnetogram.t_obs == tai_label_to_utc("2024.06.28_00:00:00.156_TAI")
    assert magnetogram.saturation_gauss is None
    assert magnetogram.field_gauss.dtype == np.float32
    assert magnetogram.geometry == Geometry(
        centre_x_px=2037.86,
        centre_y_px=2045.77,
        radius_px=944.6 / 0.5043,
        arcsec_per_px=0.5043,
        roll_deg=180.0133,
        b0_deg=3.2,
        carrington_deg=120.0,
    )
    np.testing.assert_array_equal(np.isnan(magnetogram.field_gauss), np.isnan(field))
    assert np.nanmax(np.abs(magnetogram.field_gauss - field)) <= 0.051


def test_a_stored_file_takes_its_header_from_the_record(sums: Path, field: np.ndarray) -> None:
    listed = record(VIEW, field)
    magnetogram = read_magnetogram(sums, listed)
    assert magnetogram.key == listed.key
    assert magnetogram.name == str(listed.key)
    assert magnetogram.geometry == listed.geometry
    assert magnetogram.t_obs == listed.t_obs
    assert np.nanmax(np.abs(magnetogram.field_gauss - field)) <= 0.051


def test_an_exported_file_serves_a_record_that_lacks_keywords(
    exported: Path, field: np.ndarray
) -> None:
    bare = record(VIEW, field, geometry=None, t_obs=None, keywords={})
    magnetogram = read_magnetogram(exported, bare)
    assert magnetogram.geometry == read_fits(exported).geometry
    assert magnetogram.t_obs == read_fits(exported).t_obs


def test_a_stored_file_without_any_keywords_names_what_is_missing(
    sums: Path, field: np.ndarray
) -> None:
    with pytest.raises(FitsError, match=r"M_720s_nrt\[2024.*keyword CRPIX1 is missing"):
        read_magnetogram(sums, record(VIEW, field, geometry=None, keywords={}))
    with pytest.raises(FitsError, match="T_OBS"):
        read_magnetogram(sums, record(VIEW, field, t_obs=None, keywords={}))


def test_definitive_statistics_agree(sums: Path, field: np.ndarray) -> None:
    assert read_magnetogram(sums, record(DEFINITIVE, field)).quality == 0


def test_uncompressed_files_of_either_kind_of_number_are_read(
    exported: Path, field: np.ndarray, tmp_path: Path
) -> None:
    header = fits.getheader(exported, 1)
    whole = fits.PrimaryHDU(counts(field))
    whole.header.update({k: v for k, v in header.items() if k not in {"COMMENT", "HISTORY", ""}})
    whole.writeto(tmp_path / "integers.fits")
    floats = fits.PrimaryHDU(field)
    dropped = {"BSCALE", "BZERO", "BLANK", "BITPIX", "COMMENT", "HISTORY", ""}
    floats.header.update({k: v for k, v in header.items() if k not in dropped})
    floats.writeto(tmp_path / "floats.fits")
    want = read_fits(exported).field_gauss
    np.testing.assert_array_equal(read_fits(tmp_path / "integers.fits").field_gauss, want)
    got = read_fits(tmp_path / "floats.fits").field_gauss
    assert np.nanmax(np.abs(got - want)) <= 0.051
    assert got.dtype == np.float32


def test_threads_read_at_the_same_time(exported: Path) -> None:
    shapes: list[tuple[int, ...]] = []
    threads = [
        threading.Thread(target=lambda: shapes.append(read_fits(exported).field_gauss.shape))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shapes == [(4096, 4096)] * 3


@pytest.mark.realdata
def test_real_files_are_read_and_agree_with_their_own_statistics(shared_data: Path) -> None:
    files = sorted((shared_data / "fits").glob("*.fits"))
    assert len(files) == 3
    for path in files:
        header = fits.getheader(path, 1)
        magnetogram = read_fits(path)
        assert magnetogram.key is not None
        assert path.name.startswith(magnetogram.key.file_stem)
        assert int(np.isfinite(magnetogram.field_gauss).sum()) == header["DATAVALS"]
        y, x = np.ogrid[0:4096, 0:4096]
        g = magnetogram.geometry
        disk = (x - g.centre_x_px) ** 2 + (y - g.centre_y_px) ** 2 < (0.99 * g.radius_px) ** 2
        values = magnetogram.field_gauss[disk].astype(float)
        assert values.mean() == pytest.approx(header["DATAMEAN"], abs=1e-4)
        assert values.std() == pytest.approx(header["DATARMS"], rel=1e-5)


# What belongs to something else


def test_another_slots_file_is_found_by_its_header(exported: Path, field: np.ndarray) -> None:
    later = record(replace(VIEW, t_rec="2024.06.28_00:12:00_TAI"), field)
    with pytest.raises(FitsError, match=r"is of T_REC 2024.06.28_00:00:00.000_TAI, not of hmi"):
        read_magnetogram(exported, later)


@pytest.mark.parametrize("view", [VIEW, DEFINITIVE], ids=lambda v: v.series)
def test_another_slots_file_is_found_by_its_pixels(
    sums: Path, field: np.ndarray, other_field: np.ndarray, view: View
) -> None:
    with pytest.raises(FitsError, match="another record's file"):
        read_magnetogram(sums, record(view, other_field))


def test_extremes_of_the_inner_disk_will_do_as_a_fingerprint(sums: Path, field: np.ndarray) -> None:
    listed = record(VIEW, field)
    g = listed.geometry
    assert g is not None
    y, x = np.ogrid[0:4096, 0:4096]
    disk = (x - g.centre_x_px) ** 2 + (y - g.centre_y_px) ** 2 < (0.99 * g.radius_px) ** 2
    inner = {"DATAMIN": str(field[disk].min()), "DATAMAX": str(field[disk].max())}
    assert read_magnetogram(sums, replace(listed, keywords=inner)).key == listed.key
    wrong = {"DATAMIN": "-1234.5", "DATAMAX": "1234.5"}
    with pytest.raises(FitsError, match=r"DATAMIN -?[0-9.]+ instead of -1234\.5"):
        read_magnetogram(sums, replace(listed, keywords=wrong))


def test_near_real_time_statistics_may_contradict_each_other(sums: Path, field: np.ndarray) -> None:
    # As in the real header of 2022-08-02: 30 % fewer values than pixels, and extremes of the
    # whole image that are less than those of the inner disk.
    listed = record(VIEW, field)
    odd = dict(listed.keywords) | {"DATAVALS": "8549874", "DATAMIN2": "-4880.66"}
    assert read_magnetogram(sums, replace(listed, keywords=odd)).key == listed.key
    definitive = record(DEFINITIVE, field)
    with pytest.raises(FitsError, match="DATAVALS"):
        read_magnetogram(sums, replace(definitive, keywords=dict(definitive.keywords) | odd))


@pytest.mark.parametrize(
    ("cards", "words"),
    [
        ({"INSTRUME": "MDI"}, "INSTRUME is 'MDI'"),
        ({"INSTRUME": None}, "INSTRUME is missing"),
        ({"CONTENT": "DOPPLERGRAM"}, "CONTENT is 'DOPPLERGRAM'"),
        ({"BUNIT": "m/s"}, "BUNIT is 'm/s'"),
        ({"BUNIT": None}, "BUNIT is missing"),
        ({"CRPIX1": None}, "CRPIX1 is missing"),
        ({"CDELT2": 0.6}, "square"),
        ({"CDELT1": -0.5043, "CDELT2": -0.5043}, "square"),
        ({"RSUN_OBS": "MISSING"}, "RSUN_OBS is MISSING"),
        ({"RSUN_OBS": -3.0}, "RSUN_OBS"),
        ({"CROTA2": "nan"}, "CROTA2 is nan"),
        ({"T_OBS": "MISSING"}, "T_OBS"),
        ({"T_OBS": "-4712.01.01_11:59:28_TAI"}, "T_OBS"),
        ({"T_REC": "yesterday"}, "T_REC"),
        ({"QUALITY": "good"}, "QUALITY"),
        ({"QUALITY": None}, "QUALITY"),
        ({"DATAVALS": 1, "QLOOK": 0}, "DATAVALS"),
    ],
    ids=str,
)
def test_a_header_that_does_not_fit_is_an_error_naming_the_keyword(
    exported: Path, tmp_path: Path, cards: dict[str, Any], words: str
) -> None:
    path = recard(exported, tmp_path / "odd.fits", **cards)
    with pytest.raises(FitsError, match=f"odd.fits: .*{words}"):
        read_fits(path)


@pytest.mark.parametrize(
    ("cards", "key"),
    [
        ({"DRMS_ID": "hmi.M_45s:8261956:magnetogram"}, "hmi.M_45s[2024.06.28_00:00:00_TAI]"),
        ({"QLOOK": 0}, "hmi.M_720s[2024.06.28_00:00:00_TAI]"),
        ({"CADENCE": 45.0, "QLOOK": 1}, "None"),
        ({"T_REC": None}, "None"),
    ],
    ids=str,
)
def test_the_header_says_which_record_it_is(
    exported: Path, tmp_path: Path, cards: dict[str, Any], key: str
) -> None:
    assert str(read_fits(recard(exported, tmp_path / "f.fits", **cards)).key) == key


@pytest.mark.parametrize("quality", [-2147483648, "0x80000000"])
def test_quality_is_an_unsigned_word(exported: Path, tmp_path: Path, quality: int | str) -> None:
    path = recard(exported, tmp_path / "f.fits", QUALITY=quality)
    assert read_fits(path).quality == 0x80000000


# What is broken


@pytest.mark.realdata
def test_every_broken_download_is_one_clear_error(shared_data: Path) -> None:
    files = sorted((shared_data / "broken").iterdir())
    assert len(files) == 23
    for path in files:
        with pytest.raises(FitsError, match=path.name) as error:
            read_fits(path)
        assert "download it again" in str(error.value)


@pytest.mark.realdata
def test_a_real_patch_is_not_a_full_disk(shared_data: Path) -> None:
    patches = list((shared_data / "sharp").glob("*.fits"))
    assert patches
    for path in patches:
        with pytest.raises(FitsError, match="not the 4096 x 4096"):
            read_fits(path)


def test_a_smaller_disk_is_not_a_full_disk(tmp_path: Path) -> None:
    small = replace(VIEW, size_px=512, crpix1=256.0, crpix2=256.0, cdelt=4.0)
    path = write_field(tmp_path / "small.fits", field_gauss(Sun(), small), small)
    with pytest.raises(FitsError, match="512 x 512 pixels, not the 4096 x 4096"):
        read_fits(path)


def test_no_image_no_file_no_fits(tmp_path: Path) -> None:
    fits.PrimaryHDU().writeto(tmp_path / "nothing.fits")
    (tmp_path / "page.fits").write_text("<html>503 Service Unavailable</html>")
    (tmp_path / "empty.fits").touch()
    for name, words in {
        "nothing.fits": "no image",
        "page.fits": "not a FITS file",
        "empty.fits": "empty",
        "absent.fits": "cannot be read",
    }.items():
        with pytest.raises(FitsError, match=words):
            read_fits(tmp_path / name)
    with pytest.raises(FitsError, match="cannot be read"):
        read_fits(tmp_path)


@given(fraction=st.floats(0, 0.9999))
def test_a_file_cut_anywhere_is_an_error(exported: Path, fraction: float) -> None:
    content = exported.read_bytes()
    path = exported.with_name("cut.fits")
    path.write_bytes(content[: int(fraction * len(content))])
    with pytest.raises(FitsError, match=r"cut.fits: .*download it again"):
        read_fits(path)


def damage_header(content: bytearray, rng: np.random.Generator) -> None:
    for at in rng.integers(2880, 6 * 2880, 3):
        content[at] = rng.integers(32, 127)


def damage_table(content: bytearray, rng: np.random.Generator) -> None:
    end = len(content)
    for at in rng.integers(end - 14_000_000, end, 40):
        content[at] = rng.integers(0, 256)


@pytest.mark.parametrize("damage", [damage_header, damage_table])
@pytest.mark.parametrize("seed", range(8))
def test_damaged_bytes_are_an_error_or_do_no_harm(
    exported: Path, tmp_path: Path, damage: Callable[..., None], seed: int
) -> None:
    content = bytearray(exported.read_bytes())
    damage(content, np.random.default_rng(seed))
    path = tmp_path / "damaged.fits"
    path.write_bytes(content)
    # What a flipped bit does is up to chance; that it is one of these two is not.
    assert outcome(path) in {"damaged.fits", (4096, 4096)}


def outcome(path: Path) -> str | tuple[int, ...]:
    """The name with which the error begins, or the shape of what was read."""
    try:
        return read_fits(path).field_gauss.shape
    except FitsError as exc:
        return str(exc).partition(":")[0]
