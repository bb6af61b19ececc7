"""Real images through the serving path: the shipped baseline on another domain."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from support.packages import write_package

from flaremon.domain import ModelId
from flaremon.images import read_any
from flaremon.inference import Predictor
from flaremon.package import find_package, shipped_models
from flaremon.preprocess import to_frame, to_plane
from flaremon.training.outside import score_images


def test_without_images_there_is_nothing_to_say(tmp_path):
    assert score_images(write_package(tmp_path), tmp_path) is None


@pytest.mark.realdata
def test_images_come_back_in_order_with_their_times_and_logits(shared_data, tmp_path):
    day = tmp_path / "hmi_jpg" / "2026" / "02" / "03"
    day.mkdir(parents=True)
    images = sorted((shared_data / "hmi_jpg" / "2026" / "02" / "03").glob("*.jpg"))[:3]
    for path in images:
        shutil.copy(path, day)
    (day / "HMI.m2026.02.03_23.59.00.jpg").write_bytes(b"not an image")
    hours = score_images(write_package(tmp_path / "models"), tmp_path)
    assert hours.logits.shape == (3, 2)
    assert np.isfinite(hours.logits).all()
    assert [str(time)[:13] for time in hours.times] == [
        "2026-02-03T00",
        "2026-02-03T01",
        "2026-02-03T02",
    ]
    assert "3 of 4" in hours.name
    assert hours.block == "day"


@pytest.mark.realdata
def test_the_baseline_ranks_real_disks_by_activity_and_stands_clipping_at_8_bits(shared_data):
    package = find_package(shipped_models(), ModelId("fulldisk-cnn", "1.0.0"))
    planes = []
    for path in sorted((shared_data / "fits").glob("*.fits")):  # 2011, 2016, 2019
        magnetogram = read_any(path)
        eight_bits = np.rint(np.clip(magnetogram.field_gauss / 250, -1, 1) * 127.5) / 127.5 * 250
        for field in (magnetogram.field_gauss, eight_bits.astype(np.float32)):
            frame = to_frame(replace(magnetogram, field_gauss=field), package.frame)
            planes.append(to_plane(frame, package.frame))
    answers = Predictor(package, device="cpu").predict(np.stack(planes))
    probabilities = np.array([[s.probability for s in scores] for scores in answers])
    floats, pictures = probabilities[::2], probabilities[1::2]
    for active, quieter in ((0, 1), (1, 2)):
        assert np.all(floats[active] > 2 * floats[quieter])
    assert np.abs(floats - pictures).max() < 0.05
