"""Flares from the HEK: sunpy's own client against a stand-in on loopback."""

import json
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from astropy.table import Table
from support.hek import START, Hek, event

from flaremon.domain import ClassScale
from flaremon.errors import InputError, SourceError, SourceProtocolError
from flaremon.goes import hek

MONTH_END = datetime(2014, 3, 1, tzinfo=UTC)
H = timedelta(hours=1)


@pytest.fixture
def server():
    with Hek() as server:
        yield server


def ask(server, folder, **settings):
    return hek.Hek(folder, server.url, **({"attempts": 1} | settings)).read(START, MONTH_END)


def test_a_flare_is_read_with_its_class_region_and_position(server, tmp_path):
    observed = ask(server, tmp_path)
    (flare,) = observed.flares
    assert (flare.start, flare.peak, flare.end) == (START, START + H / 6, START + H / 3)
    assert (str(flare.flare_class), flare.peak_flux_w_m2) == ("C3.2", pytest.approx(3.2e-6))
    assert (flare.noaa_ar, flare.location) == (11967, "S26E34")
    assert (flare.source, flare.satellite, flare.edited) == ("HEK, SWPC", "", True)
    assert flare.class_scale is ClassScale.OPERATIONAL
    assert observed.canary.trouble == ""
    (query,) = server.queries
    assert (query["event_type"], query["value0"], query["value1"]) == ("FL", "SWPC", "GOES")


def test_all_pages_are_read_and_flares_of_neighbouring_months_left_out(server, tmp_path):
    server.page = 3
    server.rows = [event(START - H / 6), *(event(START + k * H) for k in range(7))]
    server.rows.append(event(MONTH_END))
    assert [flare.start for flare in ask(server, tmp_path).flares] == [
        START + k * H for k in range(7)
    ]
    assert [query["page"] for query in server.queries] == ["1", "2", "3"]


def test_no_position_no_region_and_no_flux_are_nothing_and_not_zero(server, tmp_path):
    server.rows = [
        event(hgs_x=0, hgs_y=0, ar_noaanum=0, noposition="true"),
        event(START + H, hgs_x=51.4, hgs_y=7, ar_noaanum=None, fl_peakflux=4.1e-6),
    ]
    first, second = ask(server, tmp_path).flares
    assert (first.location, first.noaa_ar) == ("", None)
    assert (second.location, second.noaa_ar, second.peak_flux_w_m2) == ("N07W51", None, 4.1e-6)


def test_other_methods_retired_and_repeated_events_are_left_out(server, tmp_path):
    server.rows = [
        event(),
        event(),
        event(START + H / 30, frm_name="SSW Latest Events"),
        event(START + H, active="false"),
    ]
    observed = ask(server, tmp_path)
    assert len(observed.flares) == 1
    assert len(observed.duplicates) == 1


def test_an_empty_answer_is_an_answer(server, tmp_path):
    server.rows = []
    assert list(ask(server, tmp_path).flares) == []


@pytest.mark.parametrize(
    ("fault", "passing", "words"),
    [
        ("503", True, "503"),
        ("429", True, "429"),
        ("404", False, "404"),
        ("html", False, "JSONDecodeError"),
        ("truncated", False, "JSONDecodeError"),
        ("other", False, "KeyError"),
        ("short", True, "IncompleteRead"),
    ],
)
def test_every_fault_is_one_of_our_errors(server, tmp_path, fault, passing, words):
    server.fault = fault
    with pytest.raises(SourceError, match=words) as caught:
        ask(server, tmp_path)
    assert caught.value.retriable is passing


@pytest.mark.parametrize("fault", ["slow", "endless"])
def test_an_answer_that_takes_too_long_is_waited_for_no_longer_than_allowed(
    server, tmp_path, fault
):
    hek.Hek(tmp_path, server.url).read(START, MONTH_END)  # sunpy is imported once
    server.fault = fault
    began = time.monotonic()
    with pytest.raises(SourceError, match=r"no whole answer in time|timed out") as caught:
        ask(server, tmp_path, limit_s=0.7)
    assert caught.value.retriable
    assert time.monotonic() - began < 10
    server.fault = ""
    server.rows.clear()


def test_nobody_there_is_an_error_in_words(tmp_path):
    with Hek() as server:
        pass
    with pytest.raises(SourceError, match=r"the HEK at http://127\.0\.0\.1:\d+/hek/her did not"):
        ask(server, tmp_path)


@pytest.mark.parametrize("url", ["file:///etc/passwd?", "http://127.0.0.1/her", "her?"])
def test_only_the_web_is_asked(url, tmp_path):
    with pytest.raises(InputError, match="not where a HEK can be"):
        hek.Hek(tmp_path, url)


def test_a_column_that_has_moved_is_named_and_never_a_silent_zero(server, tmp_path, caplog):
    rows = [event(START + k * H) for k in range(2)]
    server.rows = [{("class" if k == "fl_goescls" else k): v for k, v in r.items()} for r in rows]
    observed = ask(server, tmp_path)
    assert [flare.flare_class for flare in observed.flares] == [None, None]
    assert "field 'fl_goescls' is missing in 2 of 2 rows" in caplog.text
    server.rows = [{("begin" if k == "event_peaktime" else k): v for k, v in r.items()}
                   for r in rows]  # fmt: skip
    ask(server, tmp_path)
    server.rows = [r | {"event_starttime": "lately"} for r in rows]
    with pytest.raises(SourceProtocolError, match="'event_starttime' makes no sense in 2"):
        hek.read_hek(server.rows, START, MONTH_END)


@pytest.mark.realdata
def test_the_recorded_answer_of_142_columns_is_read_through_sunpy(shared_data, tmp_path, caplog):
    table = Table.read(shared_data / "swpc" / "hek_swpc_20120101-20120103.ecsv")
    rows = [{n: _json(row[n]) for n in table.colnames} for row in table]
    with Hek(json.loads(json.dumps(rows)), page=5) as server:
        start = datetime(2012, 1, 1, tzinfo=UTC)
        observed = hek.Hek(tmp_path, server.url).read(start, start + timedelta(days=31))
    assert caplog.records == []
    assert len(observed.flares) == len(rows) == 12
    assert [(str(f.flare_class), f.noaa_ar, f.location) for f in observed.flares[:3]] == [
        ("B8.1", None, ""), ("C3.2", 11389, "S26E34"), ("B8", None, ""),
    ]  # fmt: skip


def _json(value):
    if np.ma.is_masked(value):
        return ""
    value = getattr(value, "isot", value)
    value = value.item() if hasattr(value, "item") else value
    return None if str(value) == "None" else value
