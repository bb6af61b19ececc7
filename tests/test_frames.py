"""The archive of frames: no frame is lost to one of another file, and each is told by its file."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from flaremon.domain import RecordKey, StoredFile
from flaremon.frames import ArchivedFrame, FrameArchive
from flaremon.preprocess import FrameSpec

SPEC = FrameSpec(size_px=16)
KEY = RecordKey(series="hmi.M_720s_nrt", t_rec="2026.02.01_00:00:00_TAI")
JSOC = "http://jsoc.stanford.edu/SUM7/D1/S00000/magnetogram.fits"
REPLAY = "http://127.0.0.1:8080/SUM1/D5/S00000/magnetogram.fits"
DAY = {"low": "2026.02.01_00:00:00_TAI", "high": "2026.02.02_00:00:00_TAI"}


@pytest.fixture
def archive(tmp_path):
    return FrameArchive(tmp_path / "frames", max_bytes=10**9)


def frame(url, *, recnum=1, digit="a"):
    """A frame whose pixels tell the file that it is from."""
    return ArchivedFrame(
        key=KEY,
        recnum=recnum,
        t_obs=datetime(2026, 2, 1, tzinfo=UTC),
        source=StoredFile(
            path=Path("x.fits"),
            size_bytes=1,
            sha256=digit * 64,
            url=url,
            fetched_at=datetime(2026, 2, 1, 1, int(digit, 16), tzinfo=UTC),
        ),
        software="0.0.0",
        tenths=np.full((16, 16), int(digit, 16), np.int16),
    )


def pixel(archive, **asked):
    found = archive.get(KEY, SPEC, **asked)
    return None if found is None else f"{found.tenths[0, 0]:x}"


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("recnum", [1, 500_001])
def test_a_replay_and_a_live_record_of_one_slot_both_keep_their_frames(archive, first, recnum):
    both = [frame(JSOC, recnum=1, digit="a"), frame(REPLAY, recnum=recnum, digit="b")]
    archive.put(both[first], SPEC)
    archive.put(both[1 - first], SPEC)
    assert pixel(archive, recnum=1, sha256="a" * 64) == "a"
    assert pixel(archive, recnum=recnum, sha256="b" * 64) == "b"
    if recnum != 1:
        assert (pixel(archive, recnum=1), pixel(archive, recnum=recnum)) == ("a", "b")
    assert list(archive.keys(KEY.series, SPEC, **DAY)) == [KEY]


def test_a_record_that_its_source_made_anew_has_one_frame_of_the_highest_number(archive):
    archive.put(frame(JSOC, recnum=2, digit="b"), SPEC)
    archive.put(frame(JSOC, recnum=1, digit="a"), SPEC)
    assert pixel(archive, recnum=2) == "b"
    archive.put(frame(JSOC, recnum=3, digit="c"), SPEC)
    assert [pixel(archive, recnum=n) for n in (1, 2, 3)] == [None, None, "c"]
    assert len(list(archive.folder.rglob("*.safetensors"))) == 1


def test_files_of_one_name_in_two_folders_both_keep_their_frames(archive):
    archive.put(frame("file:///one/x.fits", recnum=0, digit="a"), SPEC)
    archive.put(frame("file:///two/x.fits", recnum=0, digit="b"), SPEC)
    archive.put(frame("file:///two/x.fits", recnum=0, digit="c"), SPEC)  # altered since
    found = [pixel(archive, recnum=0, sha256=digit * 64) for digit in "abc"]
    assert found == ["a", None, "c"]
    assert pixel(archive, recnum=0) == "a"


def test_a_frame_of_a_file_with_another_hash_does_not_count(archive):
    archive.put(frame(JSOC, digit="a"), SPEC)
    assert pixel(archive, recnum=1, sha256="b" * 64) is None
    assert pixel(archive, recnum=1) == "a"


def test_frames_that_lie_beside_others_are_pruned_as_these_are(archive):
    archive.put(frame(JSOC), SPEC)
    archive.put(frame(REPLAY, digit="b"), SPEC)
    small = FrameArchive(archive.folder, max_bytes=1)
    assert small.prune(now=datetime(2026, 2, 2, tzinfo=UTC)) == 2
