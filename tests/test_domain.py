from datetime import UTC, datetime, timedelta

import pytest

from flaremon.domain import (
    Calibration,
    FlareClass,
    FlareEvent,
    ModelId,
    QualityClass,
    RecordKey,
    quality_class,
)
from flaremon.errors import InputError

NRT, DEFINITIVE = Calibration.NEAR_REAL_TIME, Calibration.DEFINITIVE


@pytest.mark.parametrize(
    ("quality", "calibration", "expected"),
    [
        (0, DEFINITIVE, QualityClass.CLEAN),
        (0x400, NRT, QualityClass.CLEAN),  # cosmic-ray lists are never ready in time
        (0x400, DEFINITIVE, QualityClass.DEGRADED),
        (66560, DEFINITIVE, QualityClass.DEGRADED),
        (0x10400, NRT, QualityClass.DEGRADED),
        (0x20, NRT, QualityClass.AVOID),
        (0x4000, DEFINITIVE, QualityClass.AVOID),
        (0x100 | 0x400, NRT, QualityClass.AVOID),
        (0x80000000, NRT, QualityClass.UNUSABLE),
        (0x80000400, NRT, QualityClass.UNUSABLE),
        (0xC0000020, DEFINITIVE, QualityClass.UNUSABLE),
    ],
)
def test_quality_words_fall_into_classes(quality, calibration, expected):
    assert quality_class(quality, calibration) is expected


def test_a_record_key_prints_as_drms_does_and_reads_back():
    key = RecordKey(series="hmi.M_720s_nrt", t_rec="2024.06.28_00:00:00_TAI")
    assert str(key) == "hmi.M_720s_nrt[2024.06.28_00:00:00_TAI]"
    assert RecordKey.parse(str(key)) == key
    assert key.file_stem == "hmi.M_720s_nrt.20240628_000000_TAI"
    patch = RecordKey(series="hmi.sharp_720s", harpnum=377, t_rec="2011.02.15_02:00:00_TAI")
    assert RecordKey.parse(str(patch)) == patch


@pytest.mark.parametrize("text", ["", "hmi.M_720s", "hmi.M_720s[../../x]", "hmi.M_720s[$]"])
def test_what_is_not_a_record_key_is_refused(text):
    with pytest.raises(InputError, match="is not a record"):
        RecordKey.parse(text)


@pytest.mark.parametrize(
    ("text", "flux"),
    [("C1", 1e-6), ("M1.0", 1e-5), ("X10", 1e-3), ("B9.9", 9.9e-7), ("x1.5", 1.5e-4)],
)
def test_flare_classes_are_peak_fluxes(text, flux):
    assert FlareClass.parse(text).flux_w_m2 == pytest.approx(flux)


@pytest.mark.parametrize("text", ["M1+/24h", "C1+/now", "X1+/6h", "M2.5+/24h"])
def test_event_ids_survive_parsing(text):
    assert str(FlareEvent.parse(text)) == text


@pytest.mark.parametrize("text", ["M+", "M1+", "M1/24h", "M1+/24", "flare", "D1+/now"])
def test_what_is_not_an_event_is_refused(text):
    with pytest.raises(InputError, match="is not an event"):
        FlareEvent.parse(text)


def test_windows_begin_at_the_observation():
    t_obs = datetime(2026, 2, 1, tzinfo=UTC)
    day = FlareEvent.parse("M1+/24h").window(t_obs)
    assert (day.start, day.end) == (t_obs, t_obs + timedelta(hours=24))
    now = FlareEvent.parse("C1+/now").window(t_obs)
    assert now.start == now.end == t_obs


@pytest.mark.parametrize("text", ["fulldisk-cnn", "../x@1.0.0", "a@1", "a@1.0.0/.."])
def test_model_ids_cannot_leave_the_models_folder(text):
    with pytest.raises(InputError, match="is not a model"):
        ModelId.parse(text)
