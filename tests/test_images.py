"""8-bit pictures, real and synthetic: the same frame as from FITS, or one clear error."""

import struct
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.pictures import NAME, SUN, T_OBS, levels, save, view
from support.suns import Sun, View, write_fits

from flaremon.domain import Geometry, Magnetogram
from flaremon.errors import FitsError
from flaremon.images import observation_time, read_any, read_image
from flaremon.preprocess import FrameSpec, to_frame
from flaremon.sun import angular_radius_arcsec, disk_centre


def with_header(jp2: Path, xml: bytes) -> Path:
    """Put an XML box before the picture, as Helioviewer does."""
    content = jp2.read_bytes()
    at = content.index(b"jp2c") - 4
    box = struct.pack(">I4s", 8 + len(xml), b"xml ") + xml
    jp2.write_bytes(content[:at] + box + content[at:])
    return jp2


HEADER = {
    "NAXIS1": "512",
    "INSTRUME": "HMI_FRONT2",
    "CONTENT": "MAGNETOGRAM",
    "BUNIT": "Gauss",
    "QUALITY": "1024",
    "CRPIX1": "256.5",
    "CRPIX2": "256.5",
    "CDELT1": "4.8",
    "CDELT2": "4.8",
    "CROTA2": "0.0",
    "RSUN_OBS": "945.42",
    "CRLT_OBS": "5.86",
    "CRLN_OBS": "204.4",
    "T_OBS": "2022.08.02_10:48:52.509_TAI",
}


def xml(**changes: str | None) -> bytes:
    cards = {name: value for name, value in (HEADER | changes).items() if value is not None}
    inner = "".join(f"<{name}>{value}</{name}>\n" for name, value in cards.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<meta><fits>\n{inner}</fits></meta>'.encode()


def helioviewer(folder: Path, header: bytes, name: str = "picture.jp2") -> Path:
    grey = levels(view(512, rsun_obs=945.42))
    return with_header(save(folder / name, grey, irreversible=False), header)


# Names


@pytest.mark.parametrize(
    ("name", "instant"),
    [
        (NAME, datetime(2026, 2, 1, tzinfo=UTC)),
        (
            "2022_08_02__10_47_53_000__SDO_HMI_HMI_magnetogram.jp2",
            datetime(2022, 8, 2, 10, 47, 53, tzinfo=UTC),
        ),
        ("2022_08_02__10_47_53_250__SDO.jp2", datetime(2022, 8, 2, 10, 47, 53, 250000, tzinfo=UTC)),
        (
            "hmi.M_720s.20111217_060000_TAI.magnetogram.jpg",
            datetime(2011, 12, 17, 5, 59, 26, tzinfo=UTC),
        ),
        ("20260201_061500_512_HMIB.jpg", datetime(2026, 2, 1, 6, 15, tzinfo=UTC)),
        ("2026-02-01T06:15:00.jpg", datetime(2026, 2, 1, 6, 15, tzinfo=UTC)),
    ],
)
def test_names_tell_the_time(name: str, instant: datetime) -> None:
    assert observation_time(name) == instant


@pytest.mark.parametrize(
    "name", ["latest_512_HMIB.jpg", "HMI.m2026.13.01_00.00.00.jpg", "2026.02.30_00.00.00_TAI.jpg"]
)
def test_names_without_a_time_that_exists_are_an_error(name: str) -> None:
    with pytest.raises(FitsError, match="holds no time"):
        observation_time(name)


# Pictures


def test_a_jpg_is_read_with_geometry_from_its_time(tmp_path: Path) -> None:
    magnetogram = read_image(save(tmp_path / NAME, levels(view(512)), quality=95))
    b0, l0 = disk_centre(T_OBS)
    assert magnetogram.t_obs == T_OBS
    assert magnetogram.saturation_gauss == 250
    assert magnetogram.key is None
    assert magnetogram.geometry == Geometry(
        centre_x_px=255.5,
        centre_y_px=255.5,
        radius_px=angular_radius_arcsec(T_OBS) / 4.8,
        arcsec_per_px=4.8,
        roll_deg=0.0,
        b0_deg=b0,
        carrington_deg=l0,
    )
    assert np.isnan(magnetogram.field_gauss[0, 0])
    assert np.nanmin(magnetogram.field_gauss) >= -250
    assert np.nanmax(magnetogram.field_gauss) <= 250


@pytest.mark.parametrize("kind", ["jpg", "jp2"])
def test_a_picture_gives_the_same_frame_as_the_fits_file(tmp_path: Path, kind: str) -> None:
    size = 512 if kind == "jpg" else 1024
    options = {"quality": 97} if kind == "jpg" else {}
    name = f"HMI.m2026.02.01_00.00.00.{kind}"
    picture = read_any(save(tmp_path / name, levels(view(size)), **options))
    hmi = View(noise_gauss=0.0, rsun_obs=angular_radius_arcsec(T_OBS))
    file = read_any(write_fits(tmp_path / "hmi.fits", SUN, hmi))
    spec = FrameSpec(size_px=256)
    difference = to_frame(picture, spec) - to_frame(file, spec)
    # A grey level is 1.96 G; compression adds its own.
    assert np.abs(difference).mean() < 1.0
    assert np.sqrt(np.mean(difference**2)) < 1.6
    assert np.abs(difference).max() < 20


def test_north_is_up_and_west_is_right(tmp_path: Path) -> None:
    north_west = Sun(bipoles=((0.5, 0.4, 240.0),), width=0.08)
    magnetogram = read_image(save(tmp_path / NAME, levels(view(512), north_west)))
    strong = np.argwhere(np.abs(np.nan_to_num(magnetogram.field_gauss)) > 100)
    row, column = strong.mean(axis=0)
    assert row == pytest.approx(255.5 + 0.4 * magnetogram.geometry.radius_px, abs=2)
    assert column == pytest.approx(255.5 + 0.5 * magnetogram.geometry.radius_px, abs=2)


def test_the_bytes_tell_the_kind_not_the_name(tmp_path: Path) -> None:
    jpg = save(tmp_path / NAME, levels(view(512)))
    misnamed = tmp_path / "HMI.m2026.02.01_00.00.00.fits"
    misnamed.write_bytes(jpg.read_bytes())
    assert read_any(misnamed).t_obs == T_OBS
    fits_as_jpg = write_fits(tmp_path / "HMI.m2001.01.01_00.00.00.jpg")
    assert read_any(fits_as_jpg).saturation_gauss is None


def test_a_grey_picture_stored_in_colours_is_grey(tmp_path: Path) -> None:
    grey = levels(view(512))
    plain = read_image(save(tmp_path / NAME, grey, quality=95))
    (tmp_path / "rgb").mkdir()
    colours = save(tmp_path / "rgb" / NAME, np.dstack([grey] * 3), quality=95)
    np.testing.assert_allclose(read_image(colours).field_gauss, plain.field_gauss, atol=8)


def test_the_header_of_a_jp2_decides(tmp_path: Path) -> None:
    magnetogram = read_any(helioviewer(tmp_path, xml()))
    assert magnetogram.t_obs == datetime(2022, 8, 2, 10, 48, 15, 509000, tzinfo=UTC)
    assert magnetogram.quality == 1024
    assert magnetogram.geometry.radius_px == pytest.approx(945.42 / 4.8)
    assert magnetogram.geometry.b0_deg == 5.86


def test_a_jp2_without_boxes_or_header_is_read_by_its_name(tmp_path: Path) -> None:
    grey = levels(view(512))
    name = "2026_02_01__00_00_00_000__SDO_HMI_HMI_magnetogram.jp2"
    boxed = read_any(save(tmp_path / name, grey))
    content = (tmp_path / name).read_bytes()
    (tmp_path / "bare").mkdir()
    bare = tmp_path / "bare" / name
    bare.write_bytes(content[content.index(b"jp2c") + 4 :])
    assert read_any(bare).t_obs == boxed.t_obs == T_OBS
    np.testing.assert_array_equal(read_any(bare).field_gauss, boxed.field_gauss)


# What is wrong


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"INSTRUME": "AIA_4"}, "INSTRUME is 'AIA_4'"),
        ({"CONTENT": "CONTINUUM INTENSITY"}, "CONTENT"),
        ({"NAXIS1": "4096"}, "4096 pixels wide, the picture is 512"),
        ({"CDELT1": "MISSING"}, "CDELT1"),
        ({"RSUN_OBS": None}, "RSUN_OBS"),
        ({"T_OBS": "MISSING"}, "T_OBS"),
        ({"QUALITY": "?"}, "QUALITY"),
        ({"CRPIX1": "300.0"}, "disk is not where it should be"),
    ],
    ids=str,
)
def test_a_jp2_whose_header_does_not_fit_is_an_error(
    tmp_path: Path, changes: dict[str, str | None], words: str
) -> None:
    with pytest.raises(FitsError, match=f"picture.jp2: .*{words}"):
        read_any(helioviewer(tmp_path, xml(**changes)))


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (b"<meta><fits><CRPIX1>1</CRPIX1></meta>", "cannot be read"),
        (b"\xff\xfe<meta/>", "cannot be read"),
        (
            b'<!DOCTYPE m [<!ENTITY a SYSTEM "file:///etc/passwd">]><meta><fits>&a;</fits></meta>',
            "document type",
        ),
        (b"<meta>" + b" " * 2**20 + b"</meta>", "bytes"),
    ],
)
def test_a_header_that_is_not_helioviewers_is_refused(
    tmp_path: Path, header: bytes, words: str
) -> None:
    with pytest.raises(FitsError, match=words):
        read_any(helioviewer(tmp_path, header))


@pytest.mark.parametrize(
    ("grey", "words"),
    [
        (np.zeros((512, 512), np.uint8), "disk is not where"),
        (np.full((512, 512), 127, np.uint8), "disk is not where"),
        (np.roll(levels(view(512)), 8, axis=1), "disk is not where"),
        (levels(view(512, rsun_obs=angular_radius_arcsec(T_OBS) * 1.03)), "disk is not where"),
        (levels(view(512, rsun_obs=angular_radius_arcsec(T_OBS) * 0.97)), "disk is not where"),
        (levels(view(512))[:500], "512 x 500"),
        (np.zeros((64, 64), np.uint8), "64 x 64"),
        (np.zeros((4098, 4098), np.uint8), "4098 x 4098"),
    ],
    ids=["black", "grey", "shifted", "large", "small", "oblong", "tiny", "huge"],
)
def test_a_picture_without_the_disk_in_its_place_is_an_error(
    tmp_path: Path, grey: np.ndarray, words: str
) -> None:
    with pytest.raises(FitsError, match=f"{NAME}: .*{words}"):
        read_image(save(tmp_path / NAME, grey))


def test_colours_are_not_a_field(tmp_path: Path) -> None:
    grey = levels(view(512))
    rainbow = np.dstack([grey, grey, 255 - grey])
    with pytest.raises(FitsError, match="in colours"):
        read_image(save(tmp_path / NAME, rainbow))
    cmyk = tmp_path / "HMI.m2026.02.01_01.00.00.jpg"
    Image.fromarray(np.dstack([grey] * 4), mode=None).convert("CMYK").save(cmyk)
    with pytest.raises(FitsError, match="CMYK"):
        read_image(cmyk)


def test_sixteen_bits_are_not_eight(tmp_path: Path) -> None:
    path = tmp_path / "2026_02_01__00_00_00_000__SDO.jp2"
    Image.fromarray(levels(view(512)).astype(np.uint16) * 256).save(path)
    with pytest.raises(FitsError, match="not 8-bit grey"):
        read_image(path)


def test_a_picture_named_without_its_time_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FitsError, match=r"sun\.jpg: .*holds no time"):
        read_image(save(tmp_path / "sun.jpg", levels(view(512))))


@pytest.mark.parametrize("kind", ["jpg", "jp2"])
@pytest.mark.parametrize("fraction", [0.999, 0.7, 0.1, 0.003, 0.001])
def test_a_picture_cut_anywhere_is_an_error(tmp_path: Path, kind: str, fraction: float) -> None:
    noisy = view(512, noise_gauss=20.0)
    path = save(tmp_path / f"HMI.m2026.02.01_00.00.00.{kind}", levels(noisy))
    content = path.read_bytes()
    path.write_bytes(content[: int(fraction * len(content))])
    with pytest.raises(FitsError, match=r"HMI.m2026.02.01_00.00.00.*download it again"):
        read_any(path)


def outcome(path: Path) -> str:
    try:
        read_any(path)
    except FitsError as exc:
        return f"error: {path.name in str(exc)}"
    return "read"


@pytest.mark.parametrize("kind", ["jpg", "jp2"])
def test_damaged_bytes_never_crash(tmp_path: Path, kind: str) -> None:
    path = save(tmp_path / f"HMI.m2026.02.01_00.00.00.{kind}", levels(view(512, noise_gauss=20.0)))
    content = path.read_bytes()
    for seed in range(30):
        rng = np.random.default_rng(seed)
        damaged = bytearray(content)
        for at in rng.integers(0, len(content) if seed % 2 else 200, 4):
            damaged[at] = rng.integers(0, 256)
        path.write_bytes(damaged)
        assert outcome(path) in {"read", "error: True"}


def test_other_files_are_neither(tmp_path: Path) -> None:
    png = BytesIO()
    Image.fromarray(levels(view(512))).save(png, format="png")
    for name, content in {"a.jpg": png.getvalue(), "b.fits": b"", "c.jp2": b"<html>"}.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(FitsError, match=f"{name}: neither FITS nor JP2 nor JPG"):
            read_any(path)
        with pytest.raises(FitsError, match=f"{name}: neither JP2 nor JPG"):
            read_image(path)
    for read in (read_any, read_image):
        with pytest.raises(FitsError, match=r"absent.jpg: .*cannot be read"):
            read(tmp_path / "absent.jpg")


def test_what_is_too_large_for_a_picture_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / NAME
    with path.open("wb") as file:
        file.write(b"\xff\xd8\xff")
        file.truncate(65 * 2**20)
    with pytest.raises(FitsError, match="too many"):
        read_image(path)


# Real pictures


def _similarity(a: Magnetogram, b: Magnetogram, shift_px: int) -> float:
    """Correlation of the middle of two pictures, the second moved to the left."""
    cut = slice(156, 356)
    one = a.field_gauss[cut, cut]
    two = np.roll(b.field_gauss, -shift_px, axis=1)[cut, cut]
    return float(np.corrcoef(one.ravel(), two.ravel())[0, 1])


@pytest.mark.realdata
def test_real_jpgs_rotate_to_the_west(shared_data: Path) -> None:
    folder = shared_data / "hmi_jpg" / "2026" / "02" / "10"
    first, later = (read_any(folder / f"HMI.m2026.02.10_{h}.00.00.jpg") for h in ("00", "12"))
    # 13.2 deg a day: at the centre 201 px * sin(6.6 deg) = 23 px in 12 hours.
    best = max(range(-40, 41), key=lambda px: _similarity(first, later, px))
    assert best == pytest.approx(22, abs=4)


@pytest.mark.realdata
def test_real_jpgs_of_a_month_are_read(shared_data: Path) -> None:
    files = sorted((shared_data / "hmi_jpg").rglob("*.jpg"))
    assert len(files) == 672
    for path in files[::16]:
        magnetogram = read_any(path)
        assert magnetogram.t_obs == observation_time(path.name)
        assert 10 < np.nanstd(magnetogram.field_gauss) < 50


@pytest.mark.realdata
def test_the_real_jp2_agrees_with_its_header(shared_data: Path) -> None:
    (path,) = (shared_data / "helioviewer").glob("*.jp2")
    magnetogram = read_any(path)
    assert magnetogram.quality == 1024
    assert magnetogram.geometry.radius_px == pytest.approx(945.41888 / 0.60000002)
    assert abs((magnetogram.t_obs - observation_time(path.name)).total_seconds()) < 45
    assert magnetogram.field_gauss.shape == (4096, 4096)
    # A strong group of the south, whose leading polarity in cycle 25 is negative and in the west.
    frame = to_frame(magnetogram, FrameSpec(size_px=128))
    row, column = np.unravel_index(np.argmin(frame), frame.shape)
    assert row < 64
    assert column > 64
