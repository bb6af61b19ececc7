"""Rice tiles: the very integers that astropy decodes, or one clear error, and never a crash."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from support import rolled
from support.suns import Sun, View, write_fits

from flaremon.errors import FitsError
from flaremon.fits import read_fits
from flaremon.fits.reading import _cards, _decode
from flaremon.fits.rice import RowTiles, read_rows, row_tiles

AS_THEY_ARE = 25
"""Bits that say: the differences follow as they are."""
NOTHING = -1
"""And: they are all 0."""


class Bits:
    """A row of the kind that the standard describes, written bit by bit."""

    def __init__(self) -> None:
        self.text: list[str] = []

    def put(self, value: int, width: int) -> None:
        if width:
            self.text.append(format(value & (2**width - 1), f"0{width}b"))

    @property
    def bytes(self) -> bytes:
        text = "".join(self.text)
        text += "0" * (-len(text) % 8)
        return bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8))


def encode(pixels: Sequence[int], block_px: int, low_bits: Callable[[int], int]) -> bytes:
    """Encode a row; `low_bits` chooses for each block how, unless its differences forbid that."""
    bits = Bits()
    bits.put(pixels[0], 32)
    steps = np.diff(np.array([pixels[0], *pixels], dtype=np.int64)).astype(np.int32)
    folded = [int(step) * 2 if step >= 0 else -2 * int(step) - 1 for step in steps]
    for number, first in enumerate(range(0, len(folded), block_px)):
        block = folded[first : first + block_px]
        low = low_bits(number)
        if low == NOTHING and any(block):
            low = 0
        if low < AS_THEY_ARE and max(block) >> max(low, 0) > 200:
            low = AS_THEY_ARE
        bits.put(low + 1, 5)
        for value in block if low != NOTHING else []:
            if low == AS_THEY_ARE:
                bits.put(value, 32)
            else:
                bits.put(1, (value >> low) + 1)
                bits.put(value, low)
    return bits.bytes


def write(path: Path, rows: Sequence[bytes], columns: int, block_px: int = 32) -> Path:
    """Write encoded rows as the table that HMI's files have."""
    cells = np.empty(len(rows), dtype=object)
    cells[:] = [np.frombuffer(row, np.uint8) for row in rows]
    table = fits.BinTableHDU.from_columns(
        [fits.Column("COMPRESSED_DATA", format="PB()", array=cells)]
    )
    cards = {
        "ZIMAGE": True, "ZBITPIX": 32, "ZNAXIS": 2, "ZNAXIS1": columns, "ZNAXIS2": len(rows),
        "ZTILE1": columns, "ZTILE2": 1, "ZCMPTYPE": "RICE_1", "ZNAME1": "BLOCKSIZE",
        "ZVAL1": block_px, "ZNAME2": "BYTEPIX", "ZVAL2": 4,
    }  # fmt: skip
    table.header.update(cards)
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path, overwrite=True)
    return path


def by_astropy(path: Path) -> np.ndarray:
    with fits.open(path, memmap=False, do_not_scale_image_data=True) as hdus:
        return hdus[1].data


def place(path: Path) -> tuple[int, RowTiles]:
    with fits.open(path, disable_image_compression=True) as hdus:
        tiles = row_tiles(hdus[1].header)
        assert tiles is not None
        return hdus[1].fileinfo()["datLoc"], tiles


def by_us(path: Path) -> np.ndarray:
    return read_rows(path, *place(path))


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rice") / "image.fits"


def segment(kind: str, length: int, rng: np.random.Generator) -> np.ndarray:
    match kind:
        case "flat":
            return np.full(length, rng.integers(-(2**31), 2**31), np.int64)
        case "noise":
            return rng.normal(0, 2.0 ** rng.integers(0, 24), length).astype(np.int64)
        case "spikes":
            return np.where(rng.random(length) < 0.1, rng.integers(-(2**28), 2**28, length), 3)
        case _:
            return rng.integers(-(2**31), 2**31, length)


images = st.tuples(
    st.integers(1, 5),
    st.lists(
        st.tuples(st.sampled_from(["flat", "noise", "spikes", "any"]), st.integers(1, 70)),
        min_size=1,
        max_size=4,
    ),
    st.integers(0, 2**32 - 1),
)


@settings(max_examples=60)
@given(images)
def test_any_image_that_astropy_compresses_comes_back(scratch, image):
    rows, kinds, seed = image
    rng = np.random.default_rng(seed)
    lines = [np.concatenate([segment(*kind, rng) for kind in kinds]) for _ in range(rows)]
    pixels = np.clip(lines, -(2**31), 2**31 - 1).astype(np.int32)
    hdu = fits.CompImageHDU(pixels, compression_type="RICE_1", tile_shape=(1, pixels.shape[1]))
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(scratch, overwrite=True)
    np.testing.assert_array_equal(by_us(scratch), pixels)


@settings(max_examples=60)
@given(
    st.sampled_from([16, 32]),
    st.lists(st.integers(-1, 25), min_size=1, max_size=8),
    st.integers(1, 130),
    st.integers(0, 31),
    st.integers(0, 2**32 - 1),
)
def test_every_way_to_write_a_block_is_understood(scratch, block_px, ways, columns, spread, seed):
    steps = np.random.default_rng(seed).integers(-(2**spread), 2**spread, columns)
    pixels = np.cumsum(steps).astype(np.int32)
    if ways[0] == NOTHING:
        pixels[: 2 * block_px] = 7
    row = encode(pixels.tolist(), block_px, lambda number: ways[number % len(ways)])
    write(scratch, [row, row], columns, block_px)
    np.testing.assert_array_equal(by_us(scratch), [pixels, pixels])
    np.testing.assert_array_equal(by_us(scratch), by_astropy(scratch))


@pytest.mark.parametrize("zeros", [54, 55, 56, 57, 63, 64, 65, 111, 112, 113, 199])
@pytest.mark.parametrize("low", [0, 1, 7, 24])
def test_long_runs_of_zeros_are_counted(scratch, zeros, low):
    step = (zeros << low) // 2
    pixels = np.array([0, step, 0, 1, 5], np.int64).astype(np.int32)
    write(scratch, [encode(pixels.tolist(), 32, lambda _: low)], 5)
    np.testing.assert_array_equal(by_us(scratch), [pixels])


@settings(max_examples=150)
@given(st.binary(min_size=1, max_size=120), st.integers(1, 100), st.sampled_from([16, 32]))
def test_noise_is_an_error_or_what_astropy_makes_of_it(scratch, row, columns, block_px):
    write(scratch, [row], columns, block_px)
    try:
        pixels = by_us(scratch)
    except FitsError:
        return
    np.testing.assert_array_equal(pixels, by_astropy(scratch))


@pytest.mark.parametrize("code", range(27, 32))
def test_a_block_with_a_number_that_does_not_exist_is_an_error(scratch, code):
    write(scratch, [bytes([0, 0, 0, 0, code << 3, *[255] * 40])], 4)
    with pytest.raises(FitsError, match="row 1 of the image is not whole"):
        by_us(scratch)


def test_a_row_with_bytes_to_spare_is_an_error(scratch):
    write(scratch, [encode([5, 6, 7], 32, lambda _: 3) + bytes(1)], 3)
    with pytest.raises(FitsError, match="row 1 of the image is not whole"):
        by_us(scratch)


@pytest.mark.parametrize("short", [1, 2, 3, 40])
def test_a_row_that_ends_too_early_is_an_error_and_names_its_row(scratch, short):
    pixels = np.random.default_rng(1).integers(-50, 50, 100).tolist()
    whole = encode(pixels, 32, lambda _: 4)
    write(scratch, [whole, whole[:-short], whole], 100)
    with pytest.raises(FitsError, match=r"row 2 of the image is not whole.*download it again"):
        by_us(scratch)


def test_a_file_that_ends_within_a_row_is_an_error(scratch):
    row = encode(list(range(100)), 32, lambda _: 3)
    offset, tiles = place(write(scratch, [row] * 50, 100))
    os.truncate(scratch, offset + tiles.data_bytes - 1)
    with pytest.raises(FitsError, match="ends before its image does"):
        read_rows(scratch, offset, tiles)


@pytest.mark.parametrize("descriptor", [(-1, 0), (10, -1), (2**31 - 1, 0), (10, 2**31 - 1)])
def test_a_descriptor_that_points_outside_the_heap_is_an_error(scratch, descriptor):
    row = encode(list(range(100)), 32, lambda _: 3)
    offset, tiles = place(write(scratch, [row] * 3, 100))
    with scratch.open("r+b") as file:
        file.seek(offset + 8)
        file.write(np.array(descriptor, ">i4").tobytes())
    with pytest.raises(FitsError, match="row 2 of the image is not whole"):
        read_rows(scratch, offset, tiles)


def test_no_stream_makes_the_decoder_look_outside_its_buffer(tmp_path):
    """Numba's own check of indices is off in service; here it is on, for streams made to hurt."""
    code = """if True:
        import sys
        import numpy as np
        from pathlib import Path
        from flaremon.errors import FitsError
        from flaremon.fits.rice import RowTiles, read_rows
        rng = np.random.default_rng(5)
        path = Path(sys.argv[1])
        bodies = [bytes(n) for n in (0, 3, 4, 5, 9, 300)]
        bodies += [b"\\0\\0\\0\\0" + bytes([byte]) * n for byte in (0xFF, 0x08, 0x0F, 0xD0, 0xD6)
                   for n in (1, 5, 60, 300)]
        bodies += [rng.bytes(rng.integers(4, 80)) for _ in range(300)]
        # Codes with all their differences as long as one word takes, to the very last byte.
        bodies += [b"\\0\\0\\0\\0" + bytes([low << 3, *[0] * 6, 1] * n) for low in range(1, 32)
                   for n in (1, 2, 30)]
        errors = 0
        for body in bodies:
            table = np.array([len(body), 0], ">i4").tobytes()
            path.write_bytes(table + body)
            tiles = RowTiles(shape=(1, 4000), block_px=32, heap_offset=8, data_bytes=8 + len(body))
            try:
                read_rows(path, 0, tiles)
            except FitsError:
                errors += 1
        assert errors > 350, errors
        try:
            from flaremon.fits.rice import _decode
            one = np.zeros(1, np.int64)
            _decode(np.zeros(9, np.uint8), one, one + 9, 32, np.zeros((1, 9), np.int32))
        except IndexError:
            print("checked")
    """
    environment = {
        "NUMBA_BOUNDSCHECK": "1",
        "NUMBA_CACHE_DIR": str(tmp_path / "numba"),
        "PYTHONPATH": str(Path(__file__).parent.parent),
        "PATH": os.environ["PATH"],
    }
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "row")],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout == "checked\n"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fits(tmp_path_factory.mktemp("exported") / "sun.fits", Sun(), View())


OTHERS = {
    "another code": {"ZCMPTYPE": "GZIP_1"},
    "16 bits": {"ZBITPIX": 16, "ZVAL2": 2},
    "8 bits": {"ZBITPIX": 8, "ZVAL2": 1},
    "16 bits in 4 bytes": {"ZBITPIX": 16},
    "floating point": {"ZBITPIX": -32},
    "tiles of two rows": {"ZTILE2": 2},
    "half rows": {"ZTILE1": 2048},
    "rows that lack": {"NAXIS2": 4095},
    "large blocks": {"ZVAL1": 64},
    "no block size": {"ZVAL1": None},
    "a missing value of its own": {"ZBLANK": 0},
    "scales": {"ZSCALE": 2.0},
    "two columns": {"TFIELDS": 2},
    "long descriptors": {"TFORM1": "1QB(4000)"},
    "another element": {"TFORM1": "1PI(4000)"},
    "a heap elsewhere": {"THEAP": 2**40},
    "a heap within the table": {"THEAP": 8},
    "three axes": {"ZNAXIS": 3},
    "a number in words": {"ZNAXIS1": "4096"},
}


def test_a_file_of_hmi_is_taken(exported):
    with fits.open(exported, disable_image_compression=True) as hdus:
        assert row_tiles(hdus[1].header) == RowTiles(
            shape=(4096, 4096), block_px=32, heap_offset=32768,
            data_bytes=32768 + hdus[1].header["PCOUNT"],
        )  # fmt: skip


@pytest.mark.parametrize("cards", OTHERS.values(), ids=OTHERS)
def test_what_is_made_in_another_way_is_left_to_astropy(exported, cards):
    with fits.open(exported, disable_image_compression=True) as hdus:
        header = hdus[1].header.copy()
    for name, value in cards.items():
        if value is None:
            del header[name]
        else:
            header[name] = value
    assert row_tiles(header) is None


def check_alike(path: Path) -> None:
    pixels, cards = _decode(path, required=True)
    with fits.open(path, memmap=False, do_not_scale_image_data=True) as hdus:
        # astropy leaves out a BZERO that says nothing.
        assert cards == {"BZERO": 0.0} | _cards(hdus[1].header)
        assert pixels.dtype == np.int32
        assert pixels.flags.writeable
        np.testing.assert_array_equal(pixels, hdus[1].data)


def test_a_full_disk_has_the_pixels_and_cards_that_astropy_reads(exported):
    check_alike(exported)


def test_rows_may_lie_in_any_order(exported, tmp_path):
    still = read_fits(exported)
    last, up = rolled.archive(
        [exported], tmp_path, 2, series="hmi.M_720s_nrt", last="2024.06.29_00:00:00_TAI"
    )
    assert read_fits(last).field_gauss.tobytes() == still.field_gauss.tobytes()
    moved = read_fits(up)
    np.testing.assert_array_equal(moved.field_gauss, np.roll(still.field_gauss, 1, axis=0))
    assert moved.geometry.centre_y_px == still.geometry.centre_y_px + 1
    assert moved.t_obs - still.t_obs == timedelta(days=1, minutes=-12)


@pytest.mark.realdata
def test_real_full_disks_have_the_pixels_and_cards_that_astropy_reads(shared_data):
    files = sorted((shared_data / "fits").glob("*.fits"))
    assert len(files) == 3
    for path in files:
        place(path)
        check_alike(path)


@pytest.mark.parametrize("seed", range(4))
def test_a_full_disk_with_damaged_bytes_is_never_a_magnetogram(exported, tmp_path, seed):
    path = Path(shutil.copy(exported, tmp_path / "damaged.fits"))
    offset, tiles = place(path)
    rng = np.random.default_rng(seed)
    with path.open("r+b") as file:
        file.seek(offset + tiles.heap_offset + int(rng.integers(tiles.data_bytes // 2)))
        file.write(rng.bytes(2000))
    with pytest.raises(FitsError, match="damaged"):
        read_fits(path)
