"""The picture shows the disk, north up, with limb and grid, and says the answer."""

import numpy as np
import pytest
from PIL import Image
from support import suns
from support.rows import EVENTS, prediction, record

from flaremon.fits import read_fits
from flaremon.picture import draw
from flaremon.times import tai_label_to_utc

# sunpy's and astropy's plotting warn about things that are not ours (missing HMI colour tables,
# deprecated matplotlib calls); what we assert is the picture itself.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    folder = tmp_path_factory.mktemp("picture")
    # One bipole in the north-west: leading (west) polarity negative, as suns.field_gauss makes it.
    sun = suns.Sun(bipoles=((0.4, 0.4, 2000.0),), width=0.1)
    path = suns.write_fits(folder / "sun.fits", sun, suns.View(noise_gauss=1.0))
    magnetogram = read_fits(path)
    rec = record(tai_label_to_utc("2024.06.28_00:00:00_TAI"))
    said = [prediction(rec, event, probability=0.7, threshold=0.5) for event in EVENTS]
    return draw(magnetogram, said, folder / "out" / "sun.png")


def test_the_picture_is_a_complete_png_and_nothing_else_is_left(picture):
    with Image.open(picture) as image:
        assert image.format == "PNG"
        assert min(image.size) > 800
        image.load()
    assert [p.name for p in picture.parent.iterdir()] == ["sun.png"]


def test_north_is_up_and_west_is_right(picture):
    with Image.open(picture) as image:
        grey = np.asarray(image.convert("L"), dtype=float)
    rows, columns = grey.shape
    # The axes fill the middle; the bipole must show as black and white in the upper right of it.
    upper_right = grey[
        int(0.25 * rows) : int(0.40 * rows), int(0.52 * columns) : int(0.72 * columns)
    ]
    lower_left = grey[
        int(0.58 * rows) : int(0.72 * rows), int(0.28 * columns) : int(0.45 * columns)
    ]
    assert upper_right.std() > 3 * lower_left.std()


def test_limb_and_grid_are_drawn_in_colour(picture):
    with Image.open(picture) as image:
        rgb = np.asarray(image.convert("RGB"), dtype=int)
    coloured = (rgb.max(axis=2) - rgb.min(axis=2)) > 60
    assert coloured.mean() > 0.003
