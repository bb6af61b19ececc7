"""The picture shows the disk, north up, with limb and grid, marks regions, says the answer."""

from itertools import combinations

import numpy as np
import pytest
from PIL import Image
from support import suns
from support.rows import EVENTS, prediction, record

from flaremon.domain import Calibration, RegionShare
from flaremon.fits import read_fits
from flaremon.picture import draw
from flaremon.picture.drawing import region_words
from flaremon.picture.marks import label_places
from flaremon.regions import Explained, LocatedRegion, Whence
from flaremon.regions.coordinates import Place
from flaremon.store import StoredPrediction
from flaremon.times import tai_label_to_utc

# sunpy's and astropy's plotting warn about things that are not ours (missing HMI colour tables,
# deprecated matplotlib calls); what we assert is the picture itself.
pytestmark = pytest.mark.filterwarnings("ignore")


CYAN = (23, 190, 207)
"""Of rings, matplotlib's tab:cyan."""
RECORD = record(tai_label_to_utc("2024.06.28_00:00:00_TAI"))
SAID = [prediction(RECORD, event, probability=0.7, threshold=0.5) for event in EVENTS]


@pytest.fixture(scope="module")
def magnetogram(tmp_path_factory):
    # One bipole in the north-west: leading (west) polarity negative, as suns.field_gauss makes it.
    sun = suns.Sun(bipoles=((0.4, 0.4, 2000.0),), width=0.1)
    path = tmp_path_factory.mktemp("sun") / "sun.fits"
    return read_fits(suns.write_fits(path, sun, suns.View(noise_gauss=1.0)))


@pytest.fixture(scope="module")
def picture(magnetogram, tmp_path_factory):
    return draw(magnetogram, SAID, tmp_path_factory.mktemp("picture") / "out" / "sun.png")


def explained(*regions, whence=Whence.KEPT):
    """An answer with regions (x, y, share), or with None."""
    stored = StoredPrediction(
        prediction=SAID[0], recnum=1, quality=0, calibration=Calibration.NEAR_REAL_TIME,
        sha256=None, file_url=None, processed_at=None,
    )  # fmt: skip
    found = []
    for x, y, share in regions:
        latitude = np.rad2deg(np.arcsin(y))
        longitude = np.rad2deg(np.arcsin(x / np.cos(np.arcsin(y))))
        found.append(
            LocatedRegion(
                share=RegionShare(
                    latitude_deg=latitude, longitude_deg=longitude, rate_per_day=0.1, share=share
                ),
                place=Place(latitude_deg=latitude, longitude_deg=longitude, carrington_deg=100.0),
                noaa_ar=(14366,),
            )
        )
    return Explained(stored=stored, regions=found if whence is Whence.KEPT else None, whence=whence)


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), dtype=int)


def coloured(path, colour, within=40):
    """Rows and columns of the pixels of a colour."""
    return np.nonzero(np.abs(pixels(path) - colour).max(axis=2) < within)


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


def test_a_region_is_ringed_where_it_is_on_the_disk(magnetogram, picture, tmp_path):
    assert len(coloured(picture, CYAN)[0]) == 0
    west = draw(magnetogram, SAID, tmp_path / "w.png", explained=explained((0.4, 0.4, 0.6)))
    east = draw(magnetogram, SAID, tmp_path / "e.png", explained=explained((-0.4, 0.4, 0.6)))
    south = draw(magnetogram, SAID, tmp_path / "s.png", explained=explained((0.4, -0.4, 0.6)))
    (row, column), (e_row, e_column), (s_row, s_column) = (
        [float(np.median(axis)) for axis in coloured(path, CYAN)] for path in (west, east, south)
    )
    assert e_column < column - 100
    assert s_row > row + 100
    assert (e_row, s_column) == (pytest.approx(row, abs=30), pytest.approx(column, abs=30))
    # The bipole lies in the ring: its pixels are blacker and whiter than those of the disk.
    inside = pixels(west)[int(row) - 12 : int(row) + 12, int(column) - 12 : int(column) + 12]
    elsewhere = pixels(west)[int(s_row) - 12 : int(s_row) + 12, int(column) - 12 : int(column) + 12]
    assert inside.std() > 2 * elsewhere.std()


def test_lines_of_text_make_the_picture_taller_and_small_regions_are_not_marked(
    magnetogram, picture, tmp_path
):
    without = pixels(picture).shape[0]
    none = draw(magnetogram, SAID, tmp_path / "n.png", explained=explained(whence=Whence.NO_MAP))
    two = draw(
        magnetogram, SAID, tmp_path / "t.png",
        explained=explained((0.4, 0.4, 0.6), (-0.3, 0.2, 0.2), (0.1, -0.4, 0.04)),
    )  # fmt: skip
    heights = [pixels(path).shape[0] for path in (none, two)]
    line = (heights[0] - without) / 1
    assert line > 15
    assert heights[1] - without == pytest.approx(4 * line, abs=3)  # a heading, two, the rest
    assert len(coloured(none, CYAN)[0]) == 0


def test_small_regions_are_not_said_to_be_none():
    (some,) = region_words(explained((0.4, 0.4, 0.04), (0.1, -0.4, 0.03)))
    assert some.startswith("Regions: none of 5 % or more (M1+/24h by ")
    (none,) = region_words(explained())
    assert none.startswith("Regions: none stands out")


def test_every_line_of_the_note_has_its_room(magnetogram, picture, tmp_path):
    one, two = (
        draw(magnetogram, SAID, tmp_path / f"{n}.png", note="\n".join(["a note"] * n))
        for n in (1, 2)
    )
    heights = [pixels(path).shape[0] for path in (picture, one, two)]
    assert heights[0] == heights[1] < heights[2]


SIZE, KEEP_OFF, SIDE = (88.0, 34.0), 34.0, 1024.0


def boxes_overlap(one, other):
    return all(abs(a - b) < part for a, b, part in zip(one, other, SIZE, strict=True))


@pytest.mark.parametrize("seed", range(12))
def test_labels_of_scattered_regions_do_not_cover_each_other_nor_leave_the_picture(seed):
    rng = np.random.default_rng(seed)
    # Nine regions, no nearer than two that the map tells apart, the limb included.
    points = []
    while len(points) < 9:
        x, y = rng.uniform(-0.97, 0.97, 2)
        place = (511.5 + 486 * x, 511.5 + 486 * y)
        apart = all(np.hypot(place[0] - p[0], place[1] - p[1]) > 50 for p in points)
        if np.hypot(x, y) < 0.97 and abs(y) < 0.65 and apart:
            points.append(place)
    places = label_places(points, size=SIZE, keep_off=KEEP_OFF, side=SIDE)
    assert not any(boxes_overlap(*pair) for pair in combinations(places, 2))
    for at in places:
        assert all(part / 2 <= c <= SIDE - part / 2 for c, part in zip(at, SIZE, strict=True))
    for point, at in zip(points, places, strict=True):
        assert np.hypot(point[0] - at[0], point[1] - at[1]) < 200


def test_a_region_that_finds_no_place_is_labelled_all_the_same():
    points = [(500.0 + k, 500.0) for k in range(40)]
    assert len(label_places(points, size=SIZE, keep_off=KEEP_OFF, side=SIDE)) == 40
    assert label_places([], size=SIZE, keep_off=KEEP_OFF, side=SIDE) == []
