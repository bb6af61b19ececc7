"""Only whole FITS files get through; the length of a FITS file is in its headers."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from support.scripted import Answers, reply

from flaremon.cache import FileCache
from flaremon.domain import Calibration, Record, RecordKey
from flaremon.errors import (
    DownloadIncompleteError,
    RecordOfflineError,
    SourceProtocolError,
    SourceUnavailableError,
)
from flaremon.jsoc import download
from flaremon.jsoc.download import Downloader, check_structure
from flaremon.politeness import Lane
from flaremon.web import Web

RECORD = Record(
    key=RecordKey(series="hmi.M_720s_nrt", t_rec="2024.06.28_00:00:00_TAI"),
    quality=0x400,
    calibration=Calibration.NEAR_REAL_TIME,
    segment_path="/SUM1/D1/S00000/magnetogram.fits",
)


def content(*hdus: fits.hdu.base.ExtensionHDU) -> bytes:
    stream = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(stream)
    return stream.getvalue()


FIELD = np.arange(64 * 64, dtype=np.int32).reshape(64, 64)
COMPRESSED = content(fits.CompImageHDU(FIELD, compression_type="RICE_1"))
FILES = {
    "empty primary": content(),
    "compressed": COMPRESSED,
    "plain": content(fits.ImageHDU(FIELD)),
    "several": content(fits.ImageHDU(FIELD[:5]), fits.CompImageHDU(FIELD), fits.ImageHDU(FIELD)),
    "long header": content(fits.ImageHDU(FIELD, fits.Header([(f"K{k}", k) for k in range(500)]))),
    "three axes": content(fits.ImageHDU(FIELD.reshape(4, 16, 64))),
}


@pytest.mark.parametrize("name", FILES)
def test_the_length_of_a_whole_file_is_what_its_headers_say(name, tmp_path: Path):
    path = tmp_path / "file.fits"
    path.write_bytes(FILES[name])
    check_structure(path, name="file")


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_cut_anywhere_is_incomplete(name, tmp_path: Path):
    whole = FILES[name]
    path = tmp_path / "file.fits"
    rng = np.random.default_rng(1)
    cuts = {0, 1, 2879, len(whole) - 1, len(whole) - 2880, *rng.integers(0, len(whole), 20)}
    # Between two units the rest is a whole FITS file again; only the announced size knows better.
    with fits.open(io.BytesIO(whole), disable_image_compression=True) as hdus:
        starts = {hdu.fileinfo()["hdrLoc"] for hdu in hdus} - {0}
    for cut in cuts - starts:
        path.write_bytes(whole[:cut])
        with pytest.raises(DownloadIncompleteError, match="file"):
            check_structure(path, name="file")


@pytest.mark.parametrize(
    "junk",
    [b"x", bytes(2880), b"X" * 28800, b"SIMPLE  =" + b" " * 2871, b"END".ljust(2880)],
)
def test_junk_after_a_file_or_instead_of_it_is_noticed(junk, tmp_path: Path):
    path = tmp_path / "file.fits"
    for text in (junk, COMPRESSED + junk):
        path.write_bytes(text)
        with pytest.raises(DownloadIncompleteError):
            check_structure(path, name="file")


def test_a_negative_length_is_no_length(tmp_path: Path):
    path = tmp_path / "file.fits"
    path.write_bytes(
        FILES["plain"].replace(b"PCOUNT  =                    0", b"PCOUNT  =".ljust(27) + b" -9")
    )
    with pytest.raises(DownloadIncompleteError):
        check_structure(path, name="file")


@pytest.mark.realdata
def test_real_downloads_that_went_wrong_are_noticed(shared_data: Path):
    broken = sorted((shared_data / "broken").glob("*.fits"))
    assert broken
    for path in broken:
        with pytest.raises(DownloadIncompleteError):
            check_structure(path, name=path.name)


@pytest.mark.realdata
def test_real_whole_files_are_whole(shared_data: Path):
    for folder in ("fits", "sharp", "synoptic"):
        for path in (shared_data / folder).glob("*.fits"):
            check_structure(path, name=path.name)


class Desk:
    """A downloader with its cache, for a scripted server."""

    def __init__(self, folder: Path, base_url: str, *, attempts: int = 2) -> None:
        self.cache = FileCache(folder, max_bytes=10**9, max_age=timedelta(days=1))
        self.downloader = Downloader(
            self.cache,
            Lane(folder, base_url, min_interval_s=0),
            Web(base_url, silence_s=30.0),
            base_url=base_url,
            limit_s=30.0,
            attempts=attempts,
            now=lambda: datetime(2024, 6, 28, 2, tzinfo=UTC),
        )

    def fetch(self) -> bytes:
        assert RECORD.segment_path is not None
        return self.downloader.fetch(RECORD, RECORD.segment_path).path.read_bytes()

    @property
    def left(self) -> list[str]:
        """Names in the cache, without the file of the lane."""
        return [path.name for path in self.cache.folder.iterdir() if "lane" not in path.name]


def chunked(body: bytes, size: int) -> bytes:
    """Return a reply that announces no length."""
    pieces = (body[k : k + size] for k in range(0, len(body), size))
    coded = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + coded + b"0\r\n\r\n"


@pytest.mark.parametrize(
    "answer", [reply(COMPRESSED), chunked(COMPRESSED, 5), chunked(COMPRESSED, 10**6)]
)
def test_a_file_arrives_as_it_is(answer, tmp_path: Path):
    with Answers([answer]) as server:
        assert Desk(tmp_path, server.base_url).fetch() == COMPRESSED


@pytest.mark.parametrize(
    "answer",
    [
        reply(COMPRESSED)[:-100],
        reply(COMPRESSED[:-2880]),
        chunked(COMPRESSED[:-100], 1000),
        chunked(COMPRESSED, 1000)[:-20],
        reply(COMPRESSED + bytes(2880)),
        reply(b""),
        reply(b"SIMPL"),
    ],
    ids=["cut", "cut honestly", "cut in chunks", "chunks cut", "too long", "empty", "a few bytes"],
)
def test_a_file_that_is_not_whole_is_tried_again_and_never_kept(answer, tmp_path: Path):
    with Answers([answer, reply(COMPRESSED)]) as server:
        assert Desk(tmp_path, server.base_url).fetch() == COMPRESSED
    with Answers([answer]) as server:
        desk = Desk(tmp_path / "other", server.base_url)
        with pytest.raises(DownloadIncompleteError, match="2 tries"):
            desk.fetch()
        assert len(server.requests) == 2
        assert desk.left == []


@pytest.mark.parametrize(
    "body", [b"<html><body>Sorry</body></html>", b"\x1f\x8b" + bytes(9000), b"S", b"{}"]
)
def test_another_kind_of_file_makes_no_sense_and_is_shown(body, tmp_path: Path):
    with Answers([reply(body + b" " * 20)]) as server:
        desk = Desk(tmp_path, server.base_url)
        with pytest.raises(SourceProtocolError, match=r"2024\.06\.28_00:00:00_TAI.*not a FITS"):
            desk.fetch()
        assert len(server.requests) == 1
        assert desk.left == []


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone", "403 Forbidden"])
def test_a_file_that_is_gone_is_off_line(status, tmp_path: Path):
    with Answers([reply(b"<html>", status=status)]) as server:
        with pytest.raises(RecordOfflineError, match=f"HTTP {status[:3]}"):
            Desk(tmp_path, server.base_url).fetch()
        assert len(server.requests) == 1


def test_a_server_in_trouble_is_tried_again(tmp_path: Path):
    with Answers([reply(status="500 x"), reply(COMPRESSED)]) as server:
        assert Desk(tmp_path, server.base_url).fetch() == COMPRESSED
    with (
        Answers([reply(status="502 Bad Gateway")]) as server,
        pytest.raises(SourceUnavailableError, match="502 Bad Gateway"),
    ):
        Desk(tmp_path / "other", server.base_url).fetch()


@pytest.mark.parametrize("answer", [reply(COMPRESSED), chunked(COMPRESSED, 500)])
def test_a_file_that_is_far_too_large_is_given_up(
    answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(download, "MAX_BYTES", 1000)
    with Answers([answer]) as server:
        desk = Desk(tmp_path, server.base_url)
        with pytest.raises(SourceProtocolError, match="bytes"):
            desk.fetch()
        assert desk.left == []
