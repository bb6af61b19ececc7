"""The adapter against a replica of the JSOC."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support import suns
from support.scripted import Answers, reply
from support.sites import ADDRESS, END, NRT

from flaremon import __version__
from flaremon.cache import FileCache
from flaremon.config import JsocSettings
from flaremon.domain import Calibration, QualityClass, Source
from flaremon.errors import (
    InputError,
    RecordOfflineError,
)
from flaremon.jsoc import Jsoc
from flaremon.replica import Fault, Replica
from flaremon.times import slot_index, slot_label, tai_label_to_utc


def test_it_is_a_source():
    source: type[Source] = Jsoc
    assert source.name == "jsoc"


def test_making_one_asks_nothing_and_writes_nothing(site):
    made = site(email=ADDRESS)
    assert made.replica.calls == []
    assert not made.cache.folder.exists()


def test_the_records_of_a_window_are_found_newest_first_with_one_request(site):
    made = site()
    records = made.find()
    assert [record.key.t_rec for record in records] == [
        "2024.06.28_00:00:00_TAI",
        "2024.06.27_23:48:00_TAI",
        "2024.06.27_23:36:00_TAI",
    ]
    assert made.endpoints() == ["rs_list"]
    call = made.replica.calls[0]
    assert call.args["ds"].startswith(f"{NRT}[2024.06.27_20:")
    assert call.args["ds"].endswith("_TAI/21600s]")
    assert call.headers["user-agent"] == f"flaremon/{__version__}"


def test_a_record_has_what_the_archive_says(site):
    record = site().find()[0]
    view = suns.View()
    assert record.quality_class is QualityClass.CLEAN
    assert record.calibration is Calibration.NEAR_REAL_TIME
    assert record.geometry is not None
    assert record.geometry.centre_x_px == pytest.approx(view.crpix1 - 1)
    assert record.geometry.radius_px == pytest.approx(view.rsun_obs / view.cdelt)
    assert record.geometry.roll_deg == pytest.approx(view.crota2)
    assert record.t_obs is not None
    assert record.processed_at is not None
    assert record.recnum > 0
    assert abs(record.t_obs - tai_label_to_utc(record.key.t_rec)) < timedelta(seconds=1)
    assert record.processed_at - record.t_obs == pytest.approx(
        timedelta(minutes=76), abs=timedelta(seconds=1)
    )


@pytest.mark.parametrize(
    ("start_s", "end_s", "expected"),
    [
        (0, 1, ["00:00:00"]),
        (0, 720, ["00:00:00"]),
        (1, 720, []),
        (-720, 0, ["23:48:00"]),
        (-720, 0.5, ["00:00:00", "23:48:00"]),
        (-719.5, 0, []),
        (0.5, 0.9, []),
        (-1440, 720, ["00:00:00", "23:48:00", "23:36:00"]),
    ],
)
def test_a_window_holds_its_start_and_not_its_end(start_s, end_s, expected, site):
    newest = tai_label_to_utc("2024.06.28_00:00:00_TAI")
    records = site().jsoc.find(
        NRT, start=newest + timedelta(seconds=start_s), end=newest + timedelta(seconds=end_s)
    )
    assert [record.key.t_rec[11:19] for record in records] == expected


def test_a_window_without_records_is_an_empty_list(site):
    early = datetime(2024, 6, 1, tzinfo=UTC)
    assert site().jsoc.find(NRT, start=early, end=early + timedelta(days=1)) == []


def test_a_long_window_is_cut_into_several_requests(site):
    made = site()
    assert len(made.find(hours=24 * 40)) == 3
    assert made.endpoints() == ["rs_list"] * 3


@pytest.mark.parametrize(
    ("series", "start", "end"),
    [
        ("hmi.M_45s_nrt", END - timedelta(hours=1), END),
        (NRT, END, END),
        (NRT, END, END - timedelta(hours=1)),
        (NRT, datetime(2024, 6, 28), END),  # noqa: DTZ001 - that is the point
        (NRT, datetime(2999, 1, 1, tzinfo=UTC), datetime(2999, 1, 2, tzinfo=UTC)),
    ],
)
def test_a_window_that_cannot_be_is_refused_without_a_request(series, start, end, site):
    made = site()
    with pytest.raises(InputError):
        made.jsoc.find(series, start=start, end=end)
    assert made.replica.calls == []


def test_a_window_is_cut_at_the_clock_that_was_given(hmi_archive: Path, tmp_path: Path):
    then = tai_label_to_utc("2024.06.27_23:48:00_TAI")
    cache = FileCache(tmp_path, max_bytes=10**9, max_age=timedelta(days=1))
    with Replica(hmi_archive) as replica:
        settings = JsocSettings(base_url=replica.base_url, min_interval_s=0)
        jsoc = Jsoc(settings, cache, now=lambda: then + timedelta(minutes=1))
        records = jsoc.find(NRT, start=then - timedelta(hours=1), end=then + timedelta(hours=1))
        assert records[0].key.t_rec == "2024.06.27_23:48:00_TAI"
        assert jsoc.download(records[0]).fetched_at == then + timedelta(minutes=1)


def test_rows_outside_the_window_or_out_of_order_do_not_matter(tmp_path: Path):
    first = slot_index("2024.06.28_00:00:00_TAI", 720)
    labels = [slot_label(first + k, 720) for k in (1, -50, 0, 99)]
    columns = {"T_REC": labels, "QUALITY": ["0x00000400"] * 4, "*recnum*": list("1234")}
    document = {
        "keywords": [{"name": name, "values": values} for name, values in columns.items()],
        "segments": [{"name": "magnetogram", "values": ["NoDataDirectory"] * 4}],
        "count": 4,
        "status": 0,
    }
    cache = FileCache(tmp_path, max_bytes=10**9, max_age=timedelta(days=1))
    with Answers([reply(json.dumps(document).encode())]) as server:
        jsoc = Jsoc(JsocSettings(base_url=server.base_url, min_interval_s=0), cache)
        records = jsoc.find(NRT, start=END - timedelta(hours=6), end=END)
    assert [record.key.t_rec for record in records] == [labels[0], labels[2]]


# Downloading


def test_a_file_is_fetched_by_its_path_once_and_then_comes_from_the_cache(site):
    made = site()
    record = made.find()[0]
    stored = made.jsoc.download(record)
    content = stored.path.read_bytes()
    assert stored.size_bytes == len(content)
    assert stored.sha256 == hashlib.sha256(content).hexdigest()
    assert stored.url == f"{made.replica.base_url}{record.segment_path}"
    assert made.jsoc.download(record) == stored
    assert made.endpoints() == ["rs_list", "sums"]


def test_a_fresh_download_replaces_the_file_in_the_cache(site):
    made = site()
    record = made.find()[0]
    first = made.jsoc.download(record)
    first.path.write_bytes(b"altered")
    second = made.jsoc.download(record, fresh=True)
    third = made.jsoc.download(record, fresh=True)
    assert first.sha256 == second.sha256 == third.sha256
    assert made.endpoints() == ["rs_list", "sums", "sums", "sums"]


def test_a_record_without_an_image_is_not_asked_for(site):
    made = site(Fault("nodata"), email=ADDRESS)
    record = made.find()[0]
    with pytest.raises(RecordOfflineError, match="no image"):
        made.jsoc.download(record)
    assert made.endpoints() == ["rs_list"]


def test_threads_take_turns(site):
    made = site()
    records = made.find()
    threads = [
        threading.Thread(target=made.jsoc.download, args=(record,), kwargs={"fresh": True})
        for record in records * 2
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made.endpoints().count("sums") == 6
    assert made.replica.max_in_flight == 1


# Being killed

WORKER = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from flaremon.cache import FileCache
from flaremon.config import JsocSettings
from flaremon.jsoc import Jsoc
base_url, folder = sys.argv[1:]
cache = FileCache(Path(folder), max_bytes=10**9, max_age=timedelta(days=1))
jsoc = Jsoc(JsocSettings(base_url=base_url, min_interval_s=0), cache)
end = datetime(2024, 6, 28, 2, tzinfo=UTC)
for record in jsoc.find("hmi.M_720s_nrt", start=end - timedelta(hours=6), end=end):
    print(record.key, jsoc.download(record).sha256, flush=True)
"""


def worker(replica: Replica, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WORKER, replica.base_url, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_processes_that_share_a_cache_folder_ask_one_at_a_time(hmi_archive: Path, tmp_path: Path):
    with Replica(hmi_archive) as replica:
        processes = [worker(replica, tmp_path) for _ in range(3)]
        outputs = {process.communicate(timeout=120)[0] for process in processes}
        assert [process.returncode for process in processes] == [0, 0, 0]
        assert replica.max_in_flight == 1
    assert len(outputs) == 1


def test_a_download_that_was_killed_is_made_good_by_the_next_run(hmi_archive: Path, tmp_path: Path):
    interrupted, undisturbed = tmp_path / "a", tmp_path / "b"
    with Replica(hmi_archive, faults=[Fault("slow-drip", on="sums", at=(2,))]) as replica:
        with worker(replica, interrupted) as process:
            until = time.monotonic() + 60
            while not any(interrupted.glob(".*.part")) or len(replica.calls) < 3:
                assert time.monotonic() < until
                time.sleep(0.01)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        assert any(interrupted.glob(".*.part"))
        replica.faults.clear()
        outputs = []
        for folder in (interrupted, undisturbed):
            with worker(replica, folder) as process:
                outputs.append(process.communicate(timeout=120)[0])
                assert process.returncode == 0
    assert outputs[0] == outputs[1]
    assert len(outputs[0].splitlines()) == 3
    assert _files(interrupted) == _files(undisturbed)
    later = datetime.now(tz=UTC) + timedelta(hours=2)
    cache = FileCache(interrupted, max_bytes=10**9, max_age=timedelta(days=1))
    assert [path.suffix for path in cache.prune(now=later)] == [".part"]


def _files(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.fits")
    }
