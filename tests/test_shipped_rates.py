"""The shipped rate map on real files: order of activity, formats, regions."""

from dataclasses import replace

import numpy as np
import pytest

from flaremon.domain import ModelId
from flaremon.images import read_any
from flaremon.inference import Predictor
from flaremon.package import find_package, shipped_models
from flaremon.preprocess import to_frame, to_plane

ACTIVE, QUIETER, QUIET = range(3)

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def predictor():
    package = find_package(shipped_models(), ModelId.parse("fulldisk-rate@1.0.0"))
    return Predictor(package, device="cpu")


@pytest.fixture(scope="module")
def magnetograms(shared_data):
    return [read_any(path) for path in sorted((shared_data / "fits").glob("*.fits"))]


@pytest.fixture(scope="module")
def planes(magnetograms, predictor):
    spec = predictor.package.frame
    return np.stack([to_plane(to_frame(one, spec), spec) for one in magnetograms])


def test_files_of_2011_2016_and_2019_score_in_the_order_of_their_activity(predictor, planes):
    answers = predictor.predict(planes)
    for event in range(len(predictor.package.events)):
        active, quieter, quiet = (scores[event].probability for scores in answers)
        assert active > quieter > quiet


def test_a_file_and_its_own_8_bit_picture_of_512_pixels_agree(predictor, planes):
    levels = np.round((planes + 1) / 2 * 255)
    pictures = np.where(planes == 0, 0, levels / 255 * 2 - 1).astype(np.float32)
    for file, picture in zip(predictor.predict(planes), predictor.predict(pictures), strict=True):
        for one, other in zip(file, picture, strict=True):
            assert other.probability == pytest.approx(one.probability, abs=0.01)


def test_a_picture_clipped_at_full_size_has_nearly_the_probability_of_m1(
    predictor, magnetograms, planes
):
    """As Helioviewer's pictures are: clipped at +-250 G and 8 bits before averaging."""
    active = magnetograms[ACTIVE]
    levels = np.round((np.clip(active.field_gauss, -250, 250) + 250) / 500 * 255)
    clipped = replace(active, field_gauss=(levels / 255 * 500 - 250).astype(np.float32))
    spec = predictor.package.frame
    (file,), (picture,) = (
        predictor.predict(one[np.newaxis])
        for one in (planes[ACTIVE], to_plane(to_frame(clipped, spec), spec))
    )
    assert str(file[0].event) == "M1+/24h"
    assert picture[0].probability == pytest.approx(file[0].probability, abs=0.05)


def test_the_regions_of_an_active_disk_are_where_flares_are(predictor, planes):
    active, _, quiet = predictor.explain(planes)
    assert active[0].share > 0.2
    assert all(5 < abs(region.latitude_deg) < 35 for region in active[:2])
    assert quiet == () or quiet[0].share < 0.1
