"""The command line as people and monitoring systems use it: in a process of its own."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from datetime import timedelta

import pytest
from support import suns
from support.packages import write_package

from flaremon.database import open_engine
from flaremon.replica import Fault, Replica
from flaremon.times import parse_utc, utc_now


@pytest.fixture(scope="module")
def models_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    write_package(folder)
    return folder


@pytest.fixture(scope="module")
def replica(hmi_archive):
    with Replica(hmi_archive, latest_as_now=True) as server:
        yield server


def runner(folder, models_dir, replica):
    """A function that runs a command in a process of its own, with state in `folder`."""
    base = {
        "FLAREMON_JSOC__BASE_URL": replica.base_url,
        "FLAREMON_JSOC__MIN_INTERVAL_S": "0",
        "FLAREMON_JSOC__DEADLINE_S": "5",
        "FLAREMON_MODELS_DIR": str(models_dir),
        "FLAREMON_MODEL": "tiny-cnn@0.0.1",
        "FLAREMON_DATABASE_URL": f"sqlite:///{folder / 'test.db'}",
        "FLAREMON_CACHE__DIR": str(folder / "cache"),
    }

    def run(*arguments, code=0, **extra):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("FLAREMON_")}
        done = subprocess.run(
            [sys.executable, "-m", "flaremon", *map(str, arguments)],
            env={**clean, **base, **extra},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        codes = code if isinstance(code, tuple) else (code,)
        assert done.returncode in codes, (done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.fixture
def flaremon(tmp_path, models_dir, replica):
    """Run commands on an empty database; ``code=`` is the exit code expected."""
    replica.faults.clear()
    return runner(tmp_path, models_dir, replica)


@pytest.fixture(scope="module")
def three_records(tmp_path_factory, models_dir, replica):
    """Folder with the state after all three records were decided, and what was said then."""
    folder = tmp_path_factory.mktemp("decided")
    replica.faults.clear()
    done = runner(folder, models_dir, replica)("now", "--catch-up", "--json", code=ANSWER)
    return folder, json.loads(done.stdout)


@pytest.fixture
def decided(three_records, tmp_path, models_dir, replica):
    """As `flaremon`, after all three records were decided."""
    replica.faults.clear()
    shutil.copytree(three_records[0], tmp_path, dirs_exist_ok=True)
    return runner(tmp_path, models_dir, replica)


ANSWER = (0, 1)


def test_now_fetches_scores_stores_and_answers_and_status_agrees(flaremon):
    first = flaremon("now", "--json", code=ANSWER)
    document = json.loads(first.stdout)
    assert document["run"]["predicted"] == 1
    assert {a["event"] for a in document["cnn"]} == {"M1+/24h", "C1+/now"}
    assert all(isinstance(a["flare"], bool) for a in document["cnn"])
    assert document["exit_code"] == first.returncode
    status = json.loads(flaremon("status", "--json", code=ANSWER).stdout)
    for said, stored in zip(document["cnn"], status["cnn"], strict=True):
        assert said["probability"] == stored["probability"]
        assert said["record"] == stored["record"]


def test_now_twice_changes_nothing_and_answers_the_same(decided, three_records):
    first = three_records[1]
    assert first["run"]["predicted"] == 3
    again = json.loads(decided("now", "--catch-up", "--json", code=ANSWER).stdout)
    assert (again["run"]["undecided"], again["run"]["predicted"]) == (0, 0)
    for said, stored in zip(first["cnn"], again["cnn"], strict=True):
        assert (said["record"], said["probability"]) == (stored["record"], stored["probability"])


def test_status_of_an_empty_database_is_unknown(flaremon):
    done = flaremon("status", code=2)
    lines = [line.split()[:2] for line in done.stdout.splitlines() if "UNKNOWN" in line]
    # The outlook, both answers, and GOES: each says so of its own.
    assert lines == [
        ["M1+/24h", "UNKNOWN"],
        ["M1+/24h", "UNKNOWN"],
        ["C1+/now", "UNKNOWN"],
        ["now", "UNKNOWN"],
        ["flare", "UNKNOWN"],
    ]
    assert "flare: no" not in done.stdout


def test_status_turns_stale_with_the_limit(decided):
    done = decided("status", "--stale-after-h", "0.5", code=2)
    assert "STALE" in done.stdout


def test_status_and_predictions_write_nothing(decided, tmp_path):
    before = (tmp_path / "test.db").read_bytes()
    decided("status", code=ANSWER)
    assert "6 prediction(s)." in decided("predictions").stdout
    assert (tmp_path / "test.db").read_bytes() == before


def test_the_label_of_a_slot_finds_its_record(decided, three_records):
    answered = three_records[1]["cnn"][0]
    label = answered["record"].split("[")[1].rstrip("]")
    done = decided("predictions", "--since", label, "--format", "json")
    assert {json.loads(x)["record"] for x in done.stdout.splitlines()} == {answered["record"]}


def test_no_predictions_do_not_read_as_no_flare(flaremon):
    flaremon("db", "upgrade")
    assert "not the same as no flare" in flaremon("predictions").stdout


def test_a_reader_that_goes_away_is_no_error(decided):
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -m flaremon settings | head -n 1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_version_can_be_asked(flaremon):
    assert flaremon("--version").stdout.startswith("flaremon ")


def test_status_can_be_asked_about_one_event(decided):
    done = decided("status", "--event", "C1+/now", "--json", code=ANSWER)
    assert [a["event"] for a in json.loads(done.stdout)["cnn"]] == ["C1+/now"]


def test_what_goes_sees_counts_only_where_it_is_asked_for(decided):
    assert decided("status", "--event", "M1+/24h", code=ANSWER).returncode in ANSWER
    done = decided("status", "--event", "M1+/goes", "--json", code=2)
    document = json.loads(done.stdout)
    assert (document["cnn"], document["outlook"]) == ([], [])
    assert document["goes"]["watched"] == [{"event": "M1+/goes", "verdict": "unknown"}]


def test_scripts_can_ask_since_when_an_answer_has_been_so(decided):
    said = json.loads(decided("status", "--json", code=ANSWER).stdout)
    done = decided("status", "--since-last-change", "--json", code=ANSWER)
    document = json.loads(done.stdout)
    assert document["exit_code"] == done.returncode == said["exit_code"]
    for change, answer in zip(document["cnn"], said["cnn"], strict=True):
        assert (change["event"], change["verdict"]) == (answer["event"], answer["verdict"])
        # All three were caught up in one run: only the newest was ever shown.
        assert (change["since"], change["predictions"]) == (answer["issued_at"], 1)
    assert document["goes"]["verdict"] == "unknown"
    assert "since" in decided("status", "--since-last-change", code=ANSWER).stdout


def test_an_answer_is_explained_and_its_receipt_confirmed(decided, tmp_path):
    receipt = decided("explain", "latest", "--json").stdout
    told = json.loads(receipt)
    assert [answer["event"] for answer in told["answers"]] == ["M1+/24h", "C1+/now"]
    key = told["record"]["key"]
    assert told["record"]["file"]["sha256"] in decided("explain", key).stdout
    file = tmp_path / "receipt.json"
    file.write_text(receipt)
    before = (tmp_path / "test.db").read_bytes()
    # Where the source is gone and no database is there, the receipt and the cache are enough.
    alone = {
        "FLAREMON_JSOC__BASE_URL": "http://127.0.0.1:9",
        "FLAREMON_DATABASE_URL": "sqlite:////nowhere/test.db",
    }
    assert "Confirmed" in decided("verify-receipt", file, **alone).stdout
    document = json.loads(decided("verify-receipt", key, "--event", "C1+/now", "--json").stdout)
    assert (document["confirmed"], document["receipt"] != told["sha256"]) == (True, True)
    assert (tmp_path / "test.db").read_bytes() == before
    told["answers"][0]["probability"] += 0.01
    file.write_text(json.dumps(told))
    assert "was altered" in decided("verify-receipt", file, code=3).stderr


def test_a_receipt_that_cannot_be_confirmed_is_an_error_that_says_why(decided, tmp_path):
    shutil.rmtree(tmp_path / "cache")
    gone = {"FLAREMON_JSOC__BASE_URL": "http://127.0.0.1:9"}
    done = decided("verify-receipt", "latest", "--json", code=3, **gone)
    document = json.loads(done.stdout)
    assert (document["confirmed"], document["exit_code"]) == (False, 3)
    assert {check["state"] for check in document["checks"]} == {"same", "cannot"}


def test_another_series_can_be_asked_for_and_has_its_own_answers(flaremon):
    flaremon("now", code=ANSWER)
    done = flaremon("status", "--series", "hmi.M_720s", code=2)
    assert "nothing of hmi.M_720s was ever scored" in done.stdout
    assert "hmi.V_720s" in flaremon("now", "--series", "hmi.V_720s", code=3).stderr


def test_an_unreachable_jsoc_is_one_sentence_and_an_error(flaremon):
    done = flaremon("now", code=3, FLAREMON_JSOC__BASE_URL="http://127.0.0.1:9")
    assert "UNKNOWN - nothing of hmi.M_720s_nrt was ever scored" in done.stdout
    assert done.stderr.startswith("flaremon: ")
    assert len(done.stderr.strip().splitlines()) == 1
    assert "127.0.0.1:9 cannot be reached" in done.stderr


@pytest.mark.parametrize("kind", ["hang", "http-503", "malformed-json", "html", "empty"])
def test_a_jsoc_in_trouble_is_one_sentence_and_an_error(flaremon, replica, kind):
    replica.faults.append(Fault(kind, on="rs_list"))
    done = flaremon("now", code=3)
    assert done.stderr.startswith("flaremon: ")
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_stored_answer_is_given_with_its_age_beside_the_error(decided):
    done = decided("now", code=3, FLAREMON_JSOC__BASE_URL="http://127.0.0.1:9")
    assert done.stderr.startswith("flaremon: ")
    assert len(done.stderr.strip().splitlines()) == 1
    assert "min ago; tiny-cnn@0.0.1, live" in done.stdout
    assert "OUTLOOK" in done.stdout


def test_a_replay_never_reads_as_the_jsoc(decided, replica):
    words = f"source {replica.base_url}, not the JSOC: a replay or a mirror"
    for command in ("now", "status"):
        assert words in decided(command, code=ANSWER).stdout
        (told, *_) = json.loads(decided(command, "--json", code=ANSWER).stdout)["cnn"]
        assert (told["base_url"], told["from_jsoc"]) == (replica.base_url, False)


def test_a_replica_says_how_to_keep_a_replay_apart(tmp_path, hmi_archive):
    command = [sys.executable, "-m", "flaremon", "replica", str(hmi_archive)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as served:
        told = "".join(served.stdout.readline() for _ in range(6))
        served.terminate()
    for setting in ("DATABASE_URL", "CACHE__DIR", "FRAMES__DIR", "JSOC__BASE_URL"):
        assert f"export FLAREMON_{setting}=" in told


def test_json_says_the_error_and_gives_the_stored_answers(decided):
    done = decided("now", "--json", code=3, FLAREMON_JSOC__BASE_URL="http://127.0.0.1:9")
    document = json.loads(done.stdout)
    assert document["exit_code"] == 3
    assert "cannot be reached" in document["error"]
    assert document["cnn"][0]["probability"] is not None


def test_json_and_process_agree_on_the_exit_code(flaremon, replica):
    replica.faults.append(Fault("http-404", on="sums"))
    done = flaremon("now", "--json", code=3)
    assert json.loads(done.stdout)["exit_code"] == 3


def test_an_answer_from_before_the_trouble_is_still_given_with_the_failure(flaremon, replica):
    flaremon("now", code=ANSWER)
    replica.faults.append(Fault("http-500", on="sums"))
    done = flaremon("now", "--catch-up", code=ANSWER)
    assert "failed" in done.stdout
    assert "flaremon: " in done.stderr


def test_predictions_print_as_table_json_and_csv(decided):
    lines = [json.loads(x) for x in decided("predictions", "--format", "json").stdout.splitlines()]
    rows = list(csv.DictReader(io.StringIO(decided("predictions", "--format", "csv").stdout)))
    table = decided("predictions").stdout
    assert len(lines) == len(rows) == 6
    assert "6 prediction(s)." in table
    assert [x["record"] for x in lines] == [x["record"] for x in rows]
    assert all(x["t_obs"].endswith("Z") for x in lines)
    times = [x["t_obs"] for x in lines]
    assert times == sorted(times, reverse=True)


def test_predictions_can_be_narrowed(decided):
    everything = [
        json.loads(x) for x in decided("predictions", "--format", "json").stdout.splitlines()
    ]
    middle = sorted({x["t_obs"] for x in everything})[1]

    def ask(*options):
        return decided("predictions", "--format", "json", *options).stdout.splitlines()

    assert len(ask("--event", "M1+/24h")) == 3
    assert len(ask("--event", "M1+/24h", "--event", "C1+/now")) == 6
    assert len(ask("--since", middle)) == 4
    assert len(ask("--until", middle)) == 2
    assert len(ask("--limit", "1")) == 1
    assert len(ask("--mode", "hindcast")) == 0
    top = max(x["probability"] for x in everything)
    assert len(ask("--min-probability", top)) == sum(x["probability"] >= top for x in everything)


@pytest.mark.parametrize(
    "arguments",
    [
        ["predictions", "--since", "yesterday"],
        ["predictions", "--since", "2100-01-01"],
        ["predictions", "--since", "2026-02-02", "--until", "2026-02-01"],
        ["predictions", "--event", "M1"],
        ["predictions", "--model", "../x"],
        ["status", "--event", "flare"],
        ["status", "--event", "X1+/24h"],
        ["explain", "latest"],
        ["explain", "hmi.M_720s[2024.06.28_00:00:00_TAI]"],
        ["verify-receipt", "no-such.json"],
        ["status", "--stale-after-h", "inf"],
        ["demo", "--data", "/nowhere"],
        ["monitor", "--every", "soon"],
        ["monitor", "--every", "1s"],
        ["monitor", "--every", "4s"],
        ["monitor", "--truth-every", "1s"],
        ["replica", "/nowhere"],
        ["score", "--device", "toaster", "x.fits"],
        ["score", "--model", "none@1.0.0", "x.fits"],
        ["now", "--no-such-option"],
        ["no-such-command"],
        ["score"],
    ],
    ids=" ".join,
)
def test_what_is_asked_wrongly_is_an_error_and_neither_flare_nor_unknown(flaremon, arguments):
    done = flaremon(*arguments, code=3)
    assert done.stderr.strip()


@pytest.mark.parametrize(
    ("variable", "value"),
    [("FLAREMON_DEVICE", "toaster"), ("FLAREMON_JSOC__SERIES", "x"), ("FLAREMON_TYPO", "1")],
)
def test_a_malformed_setting_is_an_error_that_names_it(flaremon, variable, value):
    assert variable in flaremon("status", code=3, **{variable: value}).stderr


def test_score_prints_a_line_per_file_and_event(flaremon, hmi_archive):
    files = sorted(hmi_archive.glob("*.fits"))
    done = flaremon("score", "--json", *files)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [x["file"] for x in lines] == [str(f) for f in files for _ in range(2)]
    for x in lines:
        assert set(x) >= {"file", "t_obs", "model", "event", "score", "probability", "flare"}
    assert "flare: " in flaremon("score", *files).stdout


def test_score_and_now_agree_about_the_same_magnetogram(decided, hmi_archive):
    files = sorted(hmi_archive.glob("*.fits"), reverse=True)
    for event in ("M1+/24h", "C1+/now"):
        stored = decided("predictions", "--event", event, "--format", "json").stdout.splitlines()
        scored = map(json.loads, decided("score", "--json", *files).stdout.splitlines())
        assert [x["probability"] for x in scored if x["event"] == event] == pytest.approx(
            [json.loads(x)["probability"] for x in stored]
        )


def test_score_goes_past_bad_files_and_says_so(flaremon, hmi_archive, tmp_path):
    empty, page = tmp_path / "empty.fits", tmp_path / "page.fits"
    empty.write_bytes(b"")
    page.write_text("<html>not found</html>")
    good = min(hmi_archive.glob("*.fits"))
    done = flaremon("score", "--json", empty, good, page, tmp_path / "missing.jpg", code=3)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    rejected = [x["file"] for x in lines if "rejection" in x]
    assert rejected == [str(empty), str(page), str(tmp_path / "missing.jpg")]
    assert sum(x["file"] == str(good) for x in lines) == 2
    assert not any("probability" in x for x in lines if "rejection" in x)


def test_a_file_from_the_future_is_rejected(flaremon, tmp_path):
    day = utc_now() + timedelta(days=400)
    t_rec = f"{day:%Y.%m.%d}_00:00:00_TAI"
    path = suns.write_fits(tmp_path / "future.fits", view=suns.View(t_rec=t_rec))
    done = flaremon("score", "--json", path, code=3)
    assert json.loads(done.stdout)["rejection"] == "future"


def test_the_same_picture_under_two_times_is_scored_once(flaremon, shared_data, tmp_path):
    real = min((shared_data / "hmi_jpg").rglob("*.jpg"))
    copies = [tmp_path / f"HMI.m2026.02.01_0{k}.00.00.jpg" for k in range(2)]
    for copy in copies:
        copy.write_bytes(real.read_bytes())
    done = flaremon("score", "--json", *copies, code=3)
    last = json.loads(done.stdout.splitlines()[-1])
    assert last["rejection"] == "duplicate-image"


@pytest.mark.realdata
def test_every_broken_download_is_a_clear_rejection(flaremon, shared_data):
    files = sorted((shared_data / "broken").iterdir())
    done = flaremon("score", "--json", *files, code=3)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [x["file"] for x in lines] == [str(f) for f in files]
    assert all(x["rejection"] and x["file"].split("/")[-1] in x["detail"] for x in lines)


@pytest.mark.realdata
def test_the_day_of_hourly_pictures_is_scored(flaremon, shared_data):
    files = sorted((shared_data / "hmi_jpg" / "2026" / "02" / "01").iterdir())
    lines = [json.loads(x) for x in flaremon("score", "--json", *files).stdout.splitlines()]
    assert len(lines) == 2 * len(files)
    assert parse_utc(lines[0]["t_obs"]) == parse_utc("2026-02-01T00:00Z")


def test_models_settings_and_schema_can_be_looked_at(flaremon, tmp_path):
    assert "tiny-cnn@0.0.1" in flaremon("models").stdout
    assert json.loads(flaremon("models", "--json").stdout)["answers"] is True
    assert "FLAREMON_JSOC__EMAIL" in flaremon("settings").stdout
    assert "s3cret" not in flaremon("settings", FLAREMON_JSOC__EMAIL="s3cret@x.invalid").stdout
    assert "is at schema" in flaremon("db", "upgrade").stdout
    assert flaremon("db", "upgrade").stdout == flaremon("db", "upgrade").stdout


def test_altered_weights_are_refused(flaremon, models_dir, tmp_path):
    package = write_package(tmp_path / "models")
    data = bytearray(package.weights_path.read_bytes())
    data[-1] ^= 1
    package.weights_path.write_bytes(bytes(data))
    done = flaremon("now", code=3, FLAREMON_MODELS_DIR=str(tmp_path / "models"))
    assert "weights" in done.stderr
    assert flaremon("predictions", "--format", "json").stdout == ""


def test_a_database_of_another_version_is_refused_with_the_command_to_run(flaremon, tmp_path):
    flaremon("db", "upgrade")
    engine = open_engine(f"sqlite:///{tmp_path / 'test.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'future'")
    engine.dispose()
    assert "is at schema future" in flaremon("status", code=3).stderr
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM alembic_version")
    engine.dispose()
    assert "flaremon db upgrade" in flaremon("status", code=3).stderr


def test_a_file_that_is_no_database_is_refused(flaremon, tmp_path):
    (tmp_path / "test.db").write_text("this is no database, but it is here")
    done = flaremon("status", code=3)
    assert "test.db" in done.stderr
    assert (tmp_path / "test.db").read_text() == "this is no database, but it is here"
