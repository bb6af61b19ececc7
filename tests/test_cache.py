"""A file is in the cache as a whole, of the right record and unaltered, or it is not there."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flaremon.cache import FRESH_FOR, NOTE_MAX_AGE, TEMP_MAX_AGE, FileCache
from flaremon.cache.sidecar import sidecar_path
from flaremon.disk import temp_path
from flaremon.domain import Calibration, Record, RecordKey
from flaremon.errors import DownloadIncompleteError, FitsError, InputError
from flaremon.times import slot_index, slot_label

NOW = datetime(2024, 6, 28, 2, tzinfo=UTC)
FIRST = slot_index("2024.06.28_00:00:00_TAI", 720)
URL = "http://127.0.0.1/SUM1/D1/S00000/magnetogram.fits"


def record(
    slot: int = 0, *, recnum: int = 1, path: str | None = "/SUM1/D1/S00000/m.fits"
) -> Record:
    key = RecordKey(series="hmi.M_720s_nrt", t_rec=slot_label(FIRST + slot, 720))
    return Record(
        key=key,
        quality=0x400,
        calibration=Calibration.NEAR_REAL_TIME,
        recnum=recnum,
        segment_path=path,
        keywords={"T_REC": key.t_rec, "QUALITY": "0x00000400"},
    )


def put(cache: FileCache, which: Record, content: bytes = b"abcdef", *, at: datetime = NOW) -> Path:
    halves = [content[: len(content) // 2], content[len(content) // 2 :]]
    stored = cache.put(which, halves, url=URL, expected_bytes=len(content), now=at)
    return stored.path


@pytest.fixture
def cache(tmp_path: Path) -> FileCache:
    return FileCache(tmp_path / "cache", max_bytes=100, max_age=timedelta(days=30))


def names(cache: FileCache) -> list[str]:
    return sorted(path.name for path in cache.folder.iterdir())


def test_a_file_is_found_again_with_its_size_and_hash(cache: FileCache):
    assert cache.get(record()) is None
    stored = cache.put(record(), [b"abc", b"def"], url=URL, expected_bytes=6, now=NOW)
    assert stored.path.name == "hmi.M_720s_nrt.20240628_000000_TAI.magnetogram.fits"
    assert stored.path.read_bytes() == b"abcdef"
    assert (stored.size_bytes, stored.url, stored.fetched_at) == (6, URL, NOW)
    assert stored.sha256 == "bef57ec7f53a6d40beb640a780a639c83bc29ac8a9816f1fc6c5c6dcd93c4721"
    again = FileCache(cache.folder, max_bytes=100, max_age=timedelta(days=30)).get(record())
    assert again == stored


def test_the_keywords_are_kept_beside_the_file(cache: FileCache):
    content = json.loads(sidecar_path(put(cache, record())).read_text())
    assert content["keywords"]["QUALITY"] == "0x00000400"
    assert content["recnum"] == 1


@pytest.mark.parametrize(
    "alter",
    [
        lambda path: path.write_bytes(b"abcdeF"),
        lambda path: path.write_bytes(b"abcde"),
        lambda path: path.unlink(),
        lambda path: sidecar_path(path).unlink(),
        lambda path: sidecar_path(path).write_text("{"),
        lambda path: sidecar_path(path).write_text("[]"),
        lambda path: sidecar_path(path).write_text('{"record": 1}'),
    ],
)
def test_an_altered_file_counts_as_absent_and_can_be_put_again(alter, cache: FileCache):
    alter(put(cache, record()))
    assert cache.get(record()) is None
    put(cache, record())
    assert cache.get(record()) is not None


def test_a_slot_that_was_processed_again_needs_its_new_file(cache: FileCache):
    put(cache, record(recnum=1))
    assert cache.get(record(recnum=2)) is None
    put(cache, record(recnum=2), b"newer")
    assert cache.get(record(recnum=1)) is None
    assert cache.get(record(recnum=2)) is not None


def test_a_file_that_moved_to_another_partition_is_still_the_same(cache: FileCache):
    put(cache, record(path="/SUM1/D7/S00000/m.fits"))
    assert cache.get(record(path="/SUM88/D7/S00000/m.fits")) is not None
    assert cache.get(record(path=None)) is not None
    assert cache.get(record(path="/SUM1/D8/S00000/m.fits")) is None


def test_a_file_of_another_size_than_announced_is_not_kept(cache: FileCache):
    with pytest.raises(DownloadIncompleteError, match="6 bytes, 7 announced"):
        cache.put(record(), [b"abcdef"], url=URL, expected_bytes=7, now=NOW)
    assert names(cache) == []


def test_a_file_that_fails_its_check_is_not_kept_and_the_older_one_stays(cache: FileCache):
    def check(path: Path) -> None:
        assert path.read_bytes() == b"newer"
        raise FitsError("no")

    old = put(cache, record())
    with pytest.raises(FitsError):
        cache.put(record(), [b"newer"], url=URL, expected_bytes=None, check=check, now=NOW)
    assert old.read_bytes() == b"abcdef"
    assert cache.get(record()) is not None
    assert names(cache) == [old.name, f"{old.name}.json"]


def test_a_source_that_breaks_off_leaves_nothing(cache: FileCache):
    def chunks() -> Iterator[bytes]:
        yield b"abc"
        raise DownloadIncompleteError("broke off")

    with pytest.raises(DownloadIncompleteError):
        cache.put(record(), chunks(), url=URL, expected_bytes=6, now=NOW)
    assert names(cache) == []


def test_a_key_that_leads_out_of_the_folder_is_refused(cache: FileCache):
    evil = replace(record(), key=RecordKey(series="../../etc", t_rec="x"))
    with pytest.raises(InputError, match="file name"):
        cache.get(evil)


def test_pruning_removes_old_files_with_their_sidecars(cache: FileCache):
    old = put(cache, record(0), at=NOW - timedelta(days=31))
    new = put(cache, record(1), at=NOW - timedelta(days=29))
    assert cache.prune(now=NOW) == [old]
    assert names(cache) == [new.name, f"{new.name}.json"]


def test_pruning_removes_the_oldest_first_until_the_rest_fits(cache: FileCache):
    paths = [
        put(cache, record(k), bytes(40), at=NOW - timedelta(hours=10 - (k * 3) % 5))
        for k in range(4)
    ]
    oldest_first = [paths[0], paths[2], paths[1], paths[3]]
    assert cache.prune(now=NOW) == oldest_first[:2]
    assert cache.prune(now=NOW) == []


def test_pruning_spares_what_is_in_use_or_was_just_written(cache: FileCache):
    put(cache, record(0), bytes(90), at=NOW - timedelta(days=40))
    put(cache, record(1), bytes(90), at=NOW - FRESH_FOR / 2)
    assert cache.prune(now=NOW, keep=[record(0).key]) == []


def test_pruning_removes_abandoned_temporary_files_and_notes_but_no_fresh_ones(cache: FileCache):
    path = put(cache, record())
    stale, fresh = temp_path(path), temp_path(path)
    old_note = cache.path(record().key, ".url.export.json")
    new_note = cache.path(record(1).key, ".url.export.json")
    for leftover, age in (
        (stale, TEMP_MAX_AGE * 2),
        (fresh, TEMP_MAX_AGE / 2),
        (old_note, NOTE_MAX_AGE * 2),
        (new_note, NOTE_MAX_AGE / 2),
    ):
        leftover.write_bytes(b"half")
        then = (NOW - age).timestamp()
        os.utime(leftover, (then, then))
    assert sorted(cache.prune(now=NOW)) == sorted([stale, old_note])
    assert fresh.exists()
    assert new_note.exists()


def test_pruning_never_touches_files_that_are_not_ours(tmp_path: Path):
    cache = FileCache(tmp_path, max_bytes=1, max_age=timedelta(seconds=1))
    foreign = [
        tmp_path / "hmi.M_720s.20240628_000000_TAI.magnetogram.fits",
        tmp_path / "hmi.M_720s.20240628_001200_TAI.magnetogram.fits",
        tmp_path / "hmi.M_720s.20240628_001200_TAI.magnetogram.fits.json",
        tmp_path / "notes.json",
    ]
    for path in foreign:
        path.write_text("{}")
        os.utime(path, (0, 0))
    assert cache.prune(now=NOW) == []
    assert all(path.exists() for path in foreign)


def test_pruning_a_folder_that_does_not_exist_yet_is_fine(cache: FileCache):
    assert cache.prune(now=NOW) == []
