"""What is refused, for which reason, and that good images pass."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from support.suns import Sun, View, field_gauss, keywords

from flaremon.domain import (
    Calibration,
    Geometry,
    Magnetogram,
    Record,
    RecordKey,
    RejectionReason,
)
from flaremon.fits import geometry_from
from flaremon.gates import screen_duplicate, screen_magnetogram, screen_record
from flaremon.images import read_any
from flaremon.times import tai_label_to_utc

VIEW = View()
KEY = RecordKey(series=VIEW.series, t_rec=VIEW.t_rec)
GEOMETRY = Geometry(
    centre_x_px=2037.86,
    centre_y_px=2045.77,
    radius_px=944.6 / 0.5043,
    arcsec_per_px=0.5043,
    roll_deg=180.0133,
    b0_deg=3.2,
    carrington_deg=120.0,
)
RECORD = Record(
    key=KEY,
    quality=0x400,
    calibration=Calibration.NEAR_REAL_TIME,
    t_obs=tai_label_to_utc(KEY.t_rec) + timedelta(seconds=8.2),
    geometry=GEOMETRY,
    segment_path="/SUM1/D1/S00000/magnetogram.fits",
)


@pytest.fixture(scope="module")
def good() -> Magnetogram:
    return Magnetogram(
        field_gauss=field_gauss(Sun(), VIEW),
        geometry=GEOMETRY,
        t_obs=tai_label_to_utc(VIEW.t_rec),
        name="synthetic",
        key=KEY,
    )


@pytest.fixture(scope="module")
def picture() -> Magnetogram:
    """An 8-bit picture of 512 px of the same Sun."""
    view = View(
        size_px=512, crota2=0.0, crpix1=256.5, crpix2=256.5, cdelt=4.8, noise_gauss=4.0, seed=3
    )
    field = np.clip(np.rint((field_gauss(Sun(), view) + 250) * 0.51) / 0.51 - 250, -250, 250)
    y, x = np.mgrid[0:512, 0:512] - 255.5
    field[np.hypot(x, y) > view.rsun_obs / 4.8 - 1] = np.nan
    return Magnetogram(
        field_gauss=field.astype(np.float32),
        geometry=replace(
            GEOMETRY,
            centre_x_px=255.5,
            centre_y_px=255.5,
            radius_px=view.rsun_obs / 4.8,
            arcsec_per_px=4.8,
            roll_deg=0.0,
        ),
        t_obs=tai_label_to_utc(VIEW.t_rec),
        name="picture",
        saturation_gauss=250.0,
    )


# Records


@pytest.mark.parametrize("quality", [0, 0x400, 0x10000, 0x10400, 0x8000, 0x800])
def test_usable_records_pass(quality: int) -> None:
    assert screen_record(replace(RECORD, quality=quality)) is None


def test_a_record_that_is_not_on_disk_is_left_to_the_export() -> None:
    assert screen_record(replace(RECORD, segment_path=None)) is None


@pytest.mark.parametrize("quality", [0x80000000, 0x80000400, 0x4000, 0x200, 0x100, 0x40, 0x20])
def test_without_an_image_or_in_eclipse_records_and_files_are_refused(
    good: Magnetogram, quality: int
) -> None:
    for refusal in (
        screen_record(replace(RECORD, quality=quality)),
        screen_magnetogram(replace(good, quality=quality)),
    ):
        assert refusal is not None
        assert refusal.reason is RejectionReason.QUALITY
        assert f"{quality:#010x}" in refusal.detail


@pytest.mark.parametrize(
    ("changes", "words"), [({"t_obs": None}, "T_OBS"), ({"geometry": None}, "geometry")]
)
def test_records_without_keywords_are_refused(changes: dict[str, None], words: str) -> None:
    refusal = screen_record(replace(RECORD, **changes))
    assert refusal is not None
    assert refusal.reason is RejectionReason.MISSING_KEYWORDS
    assert words in refusal.detail


def test_the_quality_is_named_before_the_keywords_that_it_explains() -> None:
    failed = replace(RECORD, quality=0x80000000, t_obs=None, geometry=None)
    refusal = screen_record(failed)
    assert refusal is not None
    assert refusal.reason is RejectionReason.QUALITY


@pytest.mark.parametrize("off_s", [-361, 361, 86400])
def test_an_image_of_another_slot_is_stale(off_s: int) -> None:
    at = tai_label_to_utc(KEY.t_rec) + timedelta(seconds=off_s)
    refusal = screen_record(replace(RECORD, t_obs=at))
    assert refusal is not None
    assert refusal.reason is RejectionReason.STALE
    assert f"{off_s:+d} s" in refusal.detail


# Geometry


GEOMETRY_CASES = [
    ({"centre_x_px": 1930.0}, RejectionReason.GEOMETRY, "middle"),
    ({"radius_px": 920 / 0.5043}, RejectionReason.GEOMETRY, "920.0 arcsec"),
    ({"radius_px": 992 / 0.5043}, RejectionReason.GEOMETRY, "992.0 arcsec"),
    ({"arcsec_per_px": 0.52, "radius_px": 944.6 / 0.52}, RejectionReason.GEOMETRY, "0.5200"),
    ({"roll_deg": 37.0}, RejectionReason.GEOMETRY, "37.00 deg"),
    ({"roll_deg": 177.9}, RejectionReason.GEOMETRY, "2.10 deg"),
    ({"roll_deg": float("nan")}, RejectionReason.GEOMETRY, "roll_deg is nan"),
    ({"b0_deg": float("inf")}, RejectionReason.GEOMETRY, "b0_deg is inf"),
    ({"centre_y_px": 1700.0}, RejectionReason.DISK_OUTSIDE_FRAME, "does not fit"),
    ({"centre_x_px": 4000.0}, RejectionReason.DISK_OUTSIDE_FRAME, "does not fit"),
]


@pytest.mark.parametrize(("changes", "reason", "words"), GEOMETRY_CASES)
def test_geometry_out_of_range_is_refused_before_and_after_the_download(
    good: Magnetogram, changes: dict[str, float], reason: RejectionReason, words: str
) -> None:
    geometry = replace(GEOMETRY, **changes)
    for refusal in (
        screen_record(replace(RECORD, geometry=geometry)),
        screen_magnetogram(replace(good, geometry=geometry)),
    ):
        assert refusal is not None
        assert refusal.reason is reason
        assert words in refusal.detail


@pytest.mark.parametrize("roll_deg", [-0.07, 0.0, 0.12, 179.93, 180.0135, -180.0, 359.9, 540.0])
def test_north_or_south_up_is_in_range(roll_deg: float) -> None:
    assert screen_record(replace(RECORD, geometry=replace(GEOMETRY, roll_deg=roll_deg))) is None


@pytest.mark.parametrize("month", range(1, 13))
def test_every_season_is_in_range(month: int) -> None:
    radius_arcsec = 960 + 16 * np.cos((month - 1) / 6 * np.pi)
    geometry = replace(GEOMETRY, radius_px=float(radius_arcsec / 0.5043))
    assert screen_record(replace(RECORD, geometry=geometry)) is None


# Fields


def test_a_good_image_passes(good: Magnetogram, picture: Magnetogram) -> None:
    assert screen_magnetogram(good) is None
    assert screen_magnetogram(picture) is None


def test_a_quiet_sun_passes(good: Magnetogram) -> None:
    noise = field_gauss(Sun(bipoles=()), replace(VIEW, noise_gauss=4.0))
    assert screen_magnetogram(replace(good, field_gauss=noise)) is None


def blank(field: np.ndarray) -> None:
    field[:] = np.nan


def lost_packet(field: np.ndarray) -> None:
    n = field.shape[0]
    field[n // 2 : n // 2 + max(1, n // 80)] = np.nan


def every_other_row(field: np.ndarray) -> None:
    field[1::2] = np.nan


def zeros(field: np.ndarray) -> None:
    field[np.isfinite(field)] = 0


def half_filled(field: np.ndarray) -> None:
    field[: int(field.shape[0] * 0.55)] = 0


def ends_of_the_scale(field: np.ndarray) -> None:
    n = field.shape[0]
    field[n // 2 : n // 2 + n // 10, ::2] = 32767.0
    field[n // 2 : n // 2 + n // 10, 1::2] = -32768.0


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (blank, RejectionReason.BLANK),
        (lost_packet, RejectionReason.MISSING_PIXELS),
        (every_other_row, RejectionReason.MISSING_PIXELS),
        (zeros, RejectionReason.CONSTANT),
        (half_filled, RejectionReason.CONSTANT),
        (ends_of_the_scale, RejectionReason.SATURATED),
    ],
)
@pytest.mark.parametrize("kind", ["fits", "picture"])
def test_an_image_without_a_sun_is_refused_for_its_reason(
    good: Magnetogram,
    picture: Magnetogram,
    kind: str,
    spoil: Callable[[np.ndarray], None],
    reason: RejectionReason,
) -> None:
    magnetogram = good if kind == "fits" else picture
    field = magnetogram.field_gauss.copy()
    spoil(field)
    refusal = screen_magnetogram(replace(magnetogram, field_gauss=field))
    assert refusal is not None
    assert refusal.reason is reason
    assert any(character.isdigit() for character in refusal.detail) or reason is reason.BLANK


def test_a_few_missing_pixels_are_no_reason(good: Magnetogram) -> None:
    field = good.field_gauss.copy()
    field[2000:2100, 2000:2100] = np.nan
    assert screen_magnetogram(replace(good, field_gauss=field)) is None


def test_what_is_missing_at_the_limb_is_no_reason(good: Magnetogram) -> None:
    field = good.field_gauss.copy()
    y, x = np.mgrid[0:4096, 0:4096]
    distance = np.hypot(x - GEOMETRY.centre_x_px, y - GEOMETRY.centre_y_px) / GEOMETRY.radius_px
    field[distance > 0.96] = np.nan
    assert screen_magnetogram(replace(good, field_gauss=field)) is None


def test_a_strong_sunspot_is_no_reason(good: Magnetogram) -> None:
    field = good.field_gauss.copy()
    field[2000:2080, 2000:2080] = 4200.0
    assert screen_magnetogram(replace(good, field_gauss=field)) is None


# Duplicates


def test_the_same_file_under_another_slot_is_a_duplicate() -> None:
    earlier = replace(KEY, t_rec="2024.06.27_23:48:00_TAI")
    refusal = screen_duplicate("abc", {"abc": earlier}, KEY)
    assert refusal is not None
    assert refusal.reason is RejectionReason.DUPLICATE_IMAGE
    assert str(earlier) in refusal.detail


def test_a_record_is_no_duplicate_of_itself_or_of_nothing() -> None:
    assert screen_duplicate("abc", {"abc": KEY}, KEY) is None
    assert screen_duplicate("abc", {"def": KEY}, KEY) is None
    assert screen_duplicate("abc", {}, KEY) is None


# Real images


@pytest.mark.realdata
def test_real_images_of_every_kind_pass(shared_data: Path) -> None:
    files = [
        *sorted((shared_data / "fits").glob("*.fits")),
        *(shared_data / "helioviewer").glob("*.jp2"),
        *sorted((shared_data / "hmi_jpg").rglob("*.jpg"))[::24],
    ]
    assert len(files) == 3 + 1 + 28
    assert {
        path.name: refusal for path in files if (refusal := screen_magnetogram(read_any(path)))
    } == {}


def test_the_header_of_a_synthetic_sun_is_in_range(good: Magnetogram) -> None:
    assert geometry_from(keywords(VIEW, good.field_gauss)) == GEOMETRY
