"""``backfill``, ``rescore``, ``coverage`` and ``reconcile`` as people type them."""

import csv
import io
import json
import os
import signal
import sqlite3
import threading
from datetime import UTC, datetime, timedelta

import pytest
from support import suns
from support.packages import write_package

from flaremon import store
from flaremon.backfill import Tally
from flaremon.cli import main
from flaremon.cli.backfill import told
from flaremon.database import open_engine, session_scope, upgrade
from flaremon.domain import RecordKey
from flaremon.replica import Fault, Replica
from flaremon.store import Job, Miss, MissReason, RunNote

RANGE = ("2024.06.27_23:36:00_TAI", "2024.06.28_00:12:00_TAI")


@pytest.fixture(scope="module")
def models_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    write_package(folder)
    write_package(folder, name="other-cnn", seed=3)
    return folder


@pytest.fixture
def at(models_dir, tmp_path, monkeypatch):
    """A function that points the command line to a replica."""

    def point(replica: Replica) -> None:
        for name, value in {
            "JSOC__BASE_URL": replica.base_url,
            "JSOC__MIN_INTERVAL_S": "0",
            "MODELS_DIR": str(models_dir),
            "MODEL": "tiny-cnn@0.0.1",
            "DEVICE": "cpu",
            "DATABASE_URL": f"sqlite:///{tmp_path / 'test.db'}",
            "CACHE__DIR": str(tmp_path / "cache"),
            "FRAMES__DIR": str(tmp_path / "frames"),
        }.items():
            monkeypatch.setenv(f"FLAREMON_{name}", value)

    return point


@pytest.fixture
def flaremon(capsys):
    """A function that runs a command and returns what it prints."""

    def run(*arguments: object, code: int = 0) -> str:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        told = capsys.readouterr()
        assert (ended.value.code or 0) == code, told
        return told.out

    return run


def test_history_is_planned_scored_covered_and_scored_again(at, flaremon, hmi_archive, tmp_path):
    with Replica(hmi_archive) as replica:
        at(replica)
        planned = flaremon("backfill", *RANGE, "--dry-run")
        assert "3 slots: 0 predicted, 0 rejected, 3 to do in 2 day(s)" in planned
        assert "GB to download" in planned
        assert replica.calls == []
        replica.faults += [Fault("missing-file", on="sums", at=(1,)), Fault("nodata", record=0)]
        first = json.loads(flaremon("backfill", *RANGE, "--workers", 0, "--json", code=3))
        tally = first["tally"]
        assert first["plan"]["todo"] == tally["planned"] == 3
        assert (tally["predicted"], tally["rejected"], tally["failed"]) == (1, 1, 1)
        assert tally["failures"][0]["reason"] == "off-line"
        replica.faults.clear()
        told = flaremon("backfill", *RANGE, "--workers", 0)
        assert "1 slots: 1 predicted" in told
        assert "0 to do" in flaremon("backfill", *RANGE)
    between = ("--since", RANGE[0], "--until", RANGE[1])
    covered = flaremon("coverage", *between, "--plot", tmp_path / "coverage.png")
    assert covered.splitlines()[-1].split() == ["all", "3", "2", "1", "0"]
    assert "no-image=1" in covered
    assert (tmp_path / "coverage.png").exists()
    rows = list(csv.DictReader(io.StringIO(flaremon("coverage", *between, "--format", "csv"))))
    assert [row["day"] for row in rows] == ["2024-06-27", "2024-06-28"]
    again = json.loads(
        flaremon("rescore", "--model", "other-cnn@0.0.1", *between, "--json")
    )["tally"]  # fmt: skip
    assert (again["planned"], again["predicted"], again["from_archive"]) == (2, 2, 2)
    assert "other-cnn@0.0.1" in flaremon("predictions", "--model", "other-cnn@0.0.1")


def test_definitive_records_are_scored_beside_the_live_ones_and_compared(
    at, flaremon, hmi_archive, tmp_path
):
    final = tmp_path / "final"
    suns.archive(final, 1, series="hmi.M_720s", quality=0, noise_gauss=5.0)
    between = ("--since", RANGE[0], "--until", RANGE[1])
    with Replica(hmi_archive) as replica:
        at(replica)
        flaremon("backfill", *RANGE, "--workers", 0)
    with Replica(final) as replica:
        at(replica)
        told = flaremon("reconcile", *between, "--workers", 0)
        assert "3 slots: 1 predicted, 0 rejected, 2 without a record" in told
        assert "M1+/24h: 1 slots, moved by" in told
        again = json.loads(flaremon("reconcile", *between, "--workers", 0, "--json"))
        assert [move["slots"] for move in again["moves"]["tiny-cnn@0.0.1"]] == [1, 1]
        assert again["left_out"]["tiny-cnn@0.0.1"] == {"recent_flares": 0, "calibrator": 0}
        with sqlite3.connect(tmp_path / "test.db") as database:
            database.execute(
                "UPDATE predictions SET activity_source = 'swpc as of 2024-06-28T00:00:00Z' "
                "WHERE series = 'hmi.M_720s'"
            )
        database.close()
        told = flaremon("reconcile", *between, "--workers", 0)
        assert "moved by" not in told
        assert "  2 pairs left out: recent flares were known for one side only\n" in told
    assert len(json.loads("[" + flaremon("predictions", "--format", "json").strip().replace(
        "\n", ",") + "]")) == 8  # fmt: skip


@pytest.fixture
def hearing_ctrl_c():
    """A shell's background jobs are born deaf to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("hearing_ctrl_c")
def test_ctrl_c_ends_after_what_is_under_way_and_says_what_is_left(at, flaremon, hmi_archive):
    with Replica(hmi_archive, faults=[Fault("hang", on="sums", at=(2,), value=2)]) as replica:
        at(replica)
        timer = threading.Timer(
            0.0, lambda: _when(lambda: _files(replica) >= 2, lambda: os.kill(os.getpid(), 2))
        )
        timer.start()
        told = json.loads(flaremon("backfill", *RANGE, "--workers", 0, "--json", code=3))
        timer.join()
    assert told["tally"]["not_tried"] >= 1
    assert told["tally"]["predicted"] >= 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    left = told["tally"]["not_tried"]
    assert f"interrupted, {left} slots left" in flaremon("runs")


def _files(replica: Replica) -> int:
    return sum(call.endpoint == "sums" for call in replica.calls)


def _when(true, act) -> None:
    done = threading.Event()
    while not true():
        done.wait(0.02)
    act()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("backfill",), "give START and END"),
        (("backfill", "2024", "--from-dir", "."), "leave out"),
        (("backfill", "2024", "2025", "--cadence", "7m"), "does not fit"),
        (("backfill", "2030", "2031"), "future"),
        (("coverage", "--model", "a@1.0.0", "--model", "b@1.0.0"), "of one model"),
    ],
)
def test_what_cannot_be_is_refused_in_words(at, capsys, hmi_archive, arguments, words):
    with Replica(hmi_archive) as replica:
        at(replica)
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
    assert ended.value.code == 3
    said = capsys.readouterr().err
    assert words in said


def test_what_a_backfill_was_told_to_do_is_found_by_the_id_in_its_rows(at, flaremon, hmi_archive):
    with Replica(hmi_archive) as replica:
        at(replica)
        flaremon("db", "upgrade")
        assert "no run is noted" in flaremon("runs")
        flaremon("backfill", *RANGE, "--order", "oldest", "--workers", 0)
    rows = list(csv.DictReader(io.StringIO(flaremon("predictions", "--format", "csv"))))
    (run_id,) = {row["run_id"] for row in rows}
    (note,) = (json.loads(line) for line in flaremon("runs", "--format", "json").splitlines())
    assert (note["run_id"], note["job"], note["policy"]) == (run_id, "backfill", "oldest")
    assert (note["since"], note["until"]) == ("2024-06-27T23:35:23Z", "2024-06-28T00:11:23Z")
    assert (note["live_within_h"], note["left_over"], note["error"]) == (6.0, 0, None)
    assert note["began_at"] <= note["ended_at"]
    assert "done, 0 slot(s) left" in flaremon("runs", "--id", run_id)
    assert "no run is noted" in flaremon("runs", "--job", "monitor", "--since", "-1d")


def test_offsets_are_times_and_no_options(at, flaremon, hmi_archive):
    with Replica(hmi_archive, latest_as_now=True) as replica:
        at(replica)
        assert "15 slots: 0 predicted" in flaremon("backfill", "-3h", "now", "--dry-run")
        flaremon("backfill", "-3x", "now", "--dry-run", code=3)


def test_an_outage_is_one_line_with_a_count_and_the_range_of_its_slots(capsys):
    tally = Tally(planned=4)
    words = "it failed 5 times in a row and is left alone until 2024-06-28T01:00:00Z"
    for hour in (2, 1, 0):
        key = RecordKey(series="hmi.M_720s_nrt", t_rec=f"2024.06.28_0{hour}:00:00_TAI")
        tally.miss(Miss(key=key, reason=MissReason.OUTAGE, detail=f"{key}: {words}"))
    other = RecordKey(series="hmi.M_720s_nrt", t_rec="2024.06.28_03:00:00_TAI")
    tally.miss(Miss(key=other, reason=MissReason.FAILED, detail="no FITS file"))
    with told(tally, as_json=False):
        pass
    _, outage, alone = capsys.readouterr().out.splitlines()
    assert outage.startswith(
        "  3 slots, 2024.06.28_00:00:00_TAI to 2024.06.28_02:00:00_TAI: outage"
    )
    assert outage.count(words) == 1
    assert alone == f"  {other}: failed: no FITS file"
    with told(tally, as_json=True):
        pass
    document = json.loads(capsys.readouterr().out)
    assert len(document["tally"]["failures"]) == 4


def test_the_plan_of_a_folder_says_what_is_left_to_do(at, flaremon, hmi_archive, tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    first, second = sorted(hmi_archive.glob("*.fits"))[-2:]
    (folder / first.name).write_bytes(first.read_bytes())
    with Replica(hmi_archive) as replica:
        at(replica)
        plan = ("backfill", "--from-dir", folder, "--dry-run")
        assert "1 files, 0.0" in (said := flaremon(*plan))
        assert "0 decided already, 1 to do" in said
        flaremon("backfill", "--from-dir", folder, "--workers", 0)
        (folder / second.name).write_bytes(second.read_bytes())
        assert "1 decided already, 1 to do" in flaremon(*plan)
        document = json.loads(flaremon(*plan, "--json"))
    assert (document["files"], document["decided_already"], document["todo"]) == (2, 1, 1)
    assert "file a folder, live within" in flaremon("runs")
    note = json.loads(flaremon("runs", "--format", "json"))
    assert (note["since"], note["until"]) == (None, None)


def test_the_error_of_a_run_is_told_in_one_sentence(flaremon, tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path / 'notes.db'}"
    monkeypatch.setenv("FLAREMON_DATABASE_URL", url)
    upgrade(url)
    error = 'the JSOC answered with HTTP 500: \'{\\n  "status": 1,\\n  "error": "x"\\n}\''
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    note = RunNote(
        run_id="now-1", job=Job.NOW, series="hmi.M_720s_nrt", policy="newest_only",
        since=now - timedelta(hours=6), until=now, live_within=timedelta(hours=6),
        began_at=now, software="1.0",
    )  # fmt: skip
    engine = open_engine(url)
    with session_scope(engine) as session:
        store.begin_run(session, note)
        store.end_run(session, "now-1", at=now, left_over=0, error=error)
    engine.dispose()
    (line,) = flaremon("runs").splitlines()
    assert line.endswith("the JSOC answered with HTTP 500 ... (--format json has all)  [now-1]")
    assert json.loads(flaremon("runs", "--format", "json"))["error"] == error
