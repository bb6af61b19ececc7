"""Flare lists in files, and `flaremon flares` that takes and gives them."""

import csv
import json
import logging
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from support.hek import Hek, event
from support.swpc import Swpc, fresh

from flaremon import store
from flaremon.cli import main
from flaremon.database import open_engine, session_scope
from flaremon.domain import ClassScale, FlareClass
from flaremon.errors import InputError
from flaremon.goes import read_flare_csv
from flaremon.times import utc_now

HEADER = (
    "start_utc,peak_utc,end_utc,goes_class,peak_flux_w_m2,noaa_ar,source,goes_sat,location,"
    "class_scale\n"
)
GOOD = "2026-02-01T00:10:00Z,2026-02-01T00:20:00Z,,M1.5,1.52e-05,14366,mine,G18,N10W20,true_flux\n"
OLD = "2014-02-01T00:10:00,,,C2.0,,1967,,,,\n"


def write(folder, text, name="list.csv"):
    path = folder / name
    path.write_text(text)
    return path


def read(folder, text):
    return read_flare_csv(write(folder, text), default_source="list")


def test_our_columns_are_read_and_what_is_absent_stays_unknown(tmp_path):
    new, old = sorted(read(tmp_path, HEADER + GOOD + OLD).flares, key=lambda f: -f.start.year)
    assert new.start == datetime(2026, 2, 1, 0, 10, tzinfo=UTC)
    assert (new.end, str(new.flare_class), new.peak_flux_w_m2) == (None, "M1.5", 1.52e-5)
    assert (new.noaa_ar, new.source, new.satellite, new.location) == (
        14366, "mine", "G18", "N10W20",
    )  # fmt: skip
    # Without a scale it is that of NOAA's lists then; without a flux that of the class.
    assert (old.class_scale, old.peak_flux_w_m2) == (ClassScale.OPERATIONAL, 2e-6)
    assert (old.noaa_ar, old.source, old.satellite, old.peak) == (11967, "list", "", None)


def test_columns_of_hek_and_swpc_are_understood(tmp_path):
    hek = "event_starttime,event_peaktime,event_endtime,fl_goescls,ar_noaanum,fl_peakflux\n"
    (flare,) = read(
        tmp_path, hek + "2012-01-01 07:24:00,2012-01-01 07:30:00,2012-01-01 07:36:00,C3.2,11389,\n"
    ).flares
    assert (flare.noaa_ar, str(flare.flare_class)) == (11389, "C3.2")
    swpc = "begin_time,max_time,end_time,max_class,satellite\n"
    (flare,) = read(
        tmp_path, swpc + "2026-02-01T00:10:00Z,2026-02-01T00:20:00+00:00,,X1.0,18\n"
    ).flares
    assert flare.satellite == "G18"


def test_a_zone_other_than_utc_is_converted(tmp_path):
    text = "start_time,goes_class\n2026-02-01T09:10:00+09:00,C1\n"
    assert read(tmp_path, text).flares[0].start == datetime(2026, 2, 1, 0, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (HEADER + GOOD + GOOD.replace("M1.5", "N1.5"), r"line 3, column goes_class: 'N1\.5'"),
        (HEADER + GOOD.replace("M1.5", ""), "line 2, column goes_class: is empty"),
        (HEADER + GOOD.replace("M1.5", "M0"), "line 2, column goes_class: .* no possible"),
        (HEADER + GOOD.replace("2026-02-01T00:10:00Z", ""), "line 2, column start_utc: is empty"),
        (HEADER + GOOD.replace("2026-02-01T00:10", "01.02.2026 00:10"), "column start_utc: .*time"),
        (HEADER + GOOD.replace("00:20", "00:05"), "column peak_utc: is before the start"),
        (HEADER + GOOD.replace("1.52e-05", "nan"), "column peak_flux_w_m2: 'nan'"),
        (HEADER + GOOD.replace("14366", "AR-x"), "column noaa_ar: 'AR-x'"),
        (HEADER + GOOD.replace("true_flux", "x0.7"), "column class_scale: 'x0.7'.*write swpc_"),
        (HEADER + GOOD.rstrip() + ",more\n", "line 2: has 11 cells and the header 10"),
        (HEADER + '"2026-02-01T00:10:00Z,', "line 2: .*"),
        ("start_time,goes_class\n2026-02-01T00:10:00,C1\n",
         "line 2, column start_time: '2026-02-01T00:10:00' has no time zone; write a Z"),
        ("when,goes_class\n", "line 1: no column has the start of flares; one of start_utc"),
        ("start_utc,size\n", "line 1: no column has the class"),
        ("start_utc,start_utc,goes_class\n", "line 1: two columns"),
        ("", "line 1: no column"),
        ("<html>", "line 1: no column"),
    ],
)  # fmt: skip
def test_a_bad_row_is_an_error_that_names_line_and_column(tmp_path, text, where):
    with pytest.raises(InputError, match=rf"list\.csv, {where}" if where[:4] == "line" else where):
        read(tmp_path, text)


def test_files_that_are_no_text_or_are_not_there_are_our_errors(tmp_path, monkeypatch):
    (tmp_path / "list.csv").write_bytes(b"start_utc,goes_class\n\xff\xfe\n")
    with pytest.raises(InputError, match="not a text file"):
        read_flare_csv(tmp_path / "list.csv", default_source="x")
    for path in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(InputError, match="cannot be read"):
            read_flare_csv(path, default_source="x")
    monkeypatch.setattr("flaremon.goes.csvrows.MAX_BYTES", 10)
    with pytest.raises(InputError, match="larger than 10 bytes"):
        read_flare_csv(tmp_path / "list.csv", default_source="x")


# --- the commands ----------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path, monkeypatch, capsys, caplog):
    """Give the command, in this process: starting one takes longer than all it does."""
    monkeypatch.setenv("FLAREMON_DATABASE_URL", f"sqlite:///{tmp_path / 'flaremon.db'}")

    def run(*arguments):
        caplog.set_level(logging.WARNING, logger="flaremon")  # undone with the test
        with pytest.raises(SystemExit) as done:
            main(["flares", *map(str, arguments)])
        said = capsys.readouterr()
        return SimpleNamespace(returncode=done.value.code, stdout=said.out, stderr=said.err)

    return run


def test_a_list_that_is_exported_and_imported_again_is_the_same_list(run, tmp_path):
    done = run("import", write(tmp_path, HEADER + GOOD + OLD))
    assert done.returncode == 0
    assert "all of them stay unknown; import it again with --coverage FILE" in done.stderr
    assert "2 rows; list list: 2 new, 0 revised, 0 unchanged" in done.stdout
    assert "0 new, 0 revised, 2 unchanged" in run("import", tmp_path / "list.csv").stdout
    listed = ("list", "--catalog", "list")
    table = run(*listed, "--class", "M1", "--since", "2026-01-01").stdout
    assert "M1.5" in table
    assert table.endswith("1 flare(s) of list list.\n")
    (row,) = map(json.loads, run(*listed, "--class", "M1", "--format", "json").stdout.splitlines())
    assert (row["goes_class"], row["revision"], row["catalog"]) == ("M1.5", 1, "list")
    other = run("list", "--format", "csv")
    assert len(other.stdout.splitlines()) == 1
    assert "of list swpc, which was never read. Read too: list" in other.stderr
    exported = run(*listed, "--format", "csv").stdout
    assert len(list(csv.DictReader(exported.splitlines()))) == 2
    again = run("import", write(tmp_path, exported, "again.csv"), "--catalog", "list")
    assert "0 new, 0 revised, 2 unchanged" in again.stdout


def test_a_bad_row_imports_nothing(run, tmp_path):
    done = run("import", write(tmp_path, HEADER + GOOD + GOOD.replace("M1.5", "?")))
    assert done.returncode == 3
    assert "line 3, column goes_class" in done.stderr
    assert "there is no database" in run("list").stderr


def test_a_range_that_runs_backward_is_an_error(run):
    done = run("list", "--since", "2026-02-02", "--until", "2026-02-01")
    assert (done.returncode, done.stdout) == (3, "")
    assert "is not after --since" in done.stderr


def answered(tmp_path, name):
    engine = open_engine(f"sqlite:///{tmp_path / 'flaremon.db'}")
    with session_scope(engine) as session:
        found = store.periods(session, catalog=name)
    engine.dispose()
    return [(f"{p.start:%Y-%m-%d}", f"{p.end:%Y-%m-%d}", p.has_ends, p.gap) for p in found]


def test_a_coverage_file_beside_the_list_says_what_it_answers_for(run, tmp_path):
    path = write(tmp_path, HEADER + GOOD)
    text = "period_start,period_end,complete_for,source,note\n2026-01-01,2026-02-28,C1+,x,{}\n"
    write(tmp_path, text.format("no rows at all on 2026-01-10 2026-01-12"), "coverage.csv")
    done = run("import", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "answers for 1 period(s) from 2026-01-01 to 2026-02-02, with 2 gap(s)" in done.stdout
    assert answered(tmp_path, "list") == [
        ("2026-01-01", "2026-02-02", True, False),
        ("2026-01-10", "2026-01-11", False, True),
        ("2026-01-12", "2026-01-13", False, True),
    ]
    other = write(tmp_path, text.format("no rows at all on 2026-01-12"), "other.csv")
    assert "with 1 gap(s)" in run("import", path, "--coverage", other).stdout
    write(tmp_path, text.replace("2026-02-28", "soon"), "coverage.csv")
    assert run("import", path).returncode == 3


def test_what_a_list_answers_for_may_be_said_on_the_command_line(run, tmp_path):
    path = write(tmp_path, HEADER + GOOD)
    options = ("--covers", "2026-01-01", "2026-03-01", "--complete-for", "M1")
    done = run("import", path, *options)
    assert (done.returncode, done.stderr) == (0, "")
    # The flare of this list has no end, so what was in progress cannot be told from it.
    assert answered(tmp_path, "list") == [("2026-01-01", "2026-03-01", False, False)]
    for wrong in (options[:3], options[3:], (*options, "--coverage", path)):
        assert run("import", path, *wrong).returncode == 3


def test_swpc_is_fetched_and_stored_and_a_product_that_is_away_is_an_exit_code(
    run, tmp_path, monkeypatch
):
    with Swpc(fresh(utc_now())) as server:
        monkeypatch.setenv("FLAREMON_SWPC__BASE_URL", server.base_url)
        monkeypatch.setenv("FLAREMON_SWPC__MIN_INTERVAL_S", "0")
        first, again = run("fetch"), run("fetch")
        server.faults["edited_events"] = "html"
        third = run("fetch")
    assert (first.returncode, first.stderr) == (0, "")
    assert "edited_events: 2 rows; flares: 0 new, 1 revised" in first.stdout
    assert "The list answers for C1+ from" in first.stdout
    assert "xrays-7-day: 380 rows; flares: 0 new, 0 revised; X-ray samples: 190 new" in first.stdout
    # The long product of X-rays is for the first time and after pauses.
    assert "xrays-7-day" not in again.stdout
    nothing = "0 new, 0 revised; X-ray samples: 0 new; forecasts: 0 new; regions: 0 new."
    assert again.stdout.count(nothing) == 6
    assert third.returncode == 3
    assert "edited_events is a web page" in third.stderr
    assert third.stdout.count("0 new, 0 revised") == 5
    first_flare = run("list").stdout.splitlines()[1].split()
    assert first_flare[3:] == ["M1.3", "14366", "G18", "swpc", "2"]
    assert "?" in run("list", "--class", "X1").stdout  # the one in progress
    ((_, _, has_ends, gap),) = answered(tmp_path, "swpc")
    assert (has_ends, gap) == (True, False)


def test_history_is_fetched_by_month_and_what_was_answered_stays(run, tmp_path):
    february, march = datetime(2014, 2, 3, tzinfo=UTC), datetime(2014, 3, 3, tzinfo=UTC)
    with Hek([event(february), event(march, "X1.2")]) as server:
        span = ("2014-02-01", "2014-04-01", "--url", server.url)
        server.fault, server.fault_from = "404", 1
        broken = run("fetch", "--source", "hek", *span)
        assert (broken.returncode, broken.stdout.count("\n")) == (3, 1)
        assert "months before 2014-03-01 are stored; go on from there" in broken.stderr
        assert answered(tmp_path, "hek") == [("2014-02-01", "2014-03-01", True, False)]
        server.fault = ""
        done = run("fetch", "--source", "hek", *span)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2014-02-01: 1 flares, 0 new, 0 revised; answers for C1+ until" in done.stdout
    assert answered(tmp_path, "hek") == [("2014-02-01", "2014-04-01", True, False)]
    assert "X1.2" in run("list", "--catalog", "hek").stdout


@pytest.mark.parametrize(
    "wrong",
    [
        ("--source", "hek"),
        ("--source", "hek", "2014-02-01"),
        ("2014-02-01", "2014-03-01"),
        ("--url", "http://127.0.0.1:1/her?"),
        ("--source", "hek", "2014-02-01", "2014-01-01"),
    ],
)
def test_spans_are_for_the_hek_and_needed_there(run, wrong):
    done = run("fetch", *wrong)
    assert (done.returncode, done.stdout) == (3, "")


@pytest.mark.parametrize("command", ["import", "list", "fetch"])
def test_every_command_of_the_group_has_help_with_an_example(run, command):
    assert "Example" in run(command, "--help").stdout


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a terminal")
def test_a_bar_is_shown_to_somebody_who_watches(tmp_path, monkeypatch):
    monkeypatch.setenv("FLAREMON_DATABASE_URL", f"sqlite:///{tmp_path / 'flaremon.db'}")
    monkeypatch.setenv("TERM", "xterm")
    ours, theirs = os.openpty()
    path = write(tmp_path, HEADER + GOOD + OLD)
    command = [sys.executable, "-m", "flaremon", "flares", "import", str(path)]
    subprocess.run(command, stderr=theirs, stdout=subprocess.DEVNULL, check=True)
    os.close(theirs)
    shown = os.read(ours, 10_000).decode()
    os.close(ours)
    assert "Reading list.csv" in shown
    assert "100%" in shown


@pytest.mark.realdata
def test_the_public_list_is_imported_whole_twice_and_counts_as_an_independent_count(
    run, shared_data, tmp_path
):
    path = shared_data / "labels" / "flares.csv"
    done = run("import", path)
    assert "from 2010-01-01 to 2026-03-01, with 5 gap(s)" in done.stdout
    assert "31079 rows; list flares: 31071 new, 0 revised, 0 unchanged, 8 reported" in done.stdout
    assert done.stderr.count("left out as the same flare") == 8
    assert "0 new, 0 revised, 31071 unchanged" in run("import", path).stdout
    with path.open() as file:
        rows = [r for r in csv.DictReader(file) if r["start_utc"].startswith("2026-02")]
    expected = sorted((r["start_utc"], r["noaa_ar"]) for r in rows if r["goes_class"][0] in "MX")
    engine = open_engine(f"sqlite:///{tmp_path / 'flaremon.db'}")
    start = datetime(2026, 2, 1, tzinfo=UTC)
    with session_scope(engine) as session:
        found = list(
            store.flares(
                session,
                since=start,
                until=start + timedelta(days=28),
                at_least=FlareClass.parse("M1"),
            )
        )
    engine.dispose()
    assert [
        (f"{i.flare.start:%Y-%m-%dT%H:%M:%SZ}", str(i.flare.noaa_ar or "")) for i in found
    ] == expected
    assert len(expected) > 30
