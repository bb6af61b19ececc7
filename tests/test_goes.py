"""SWPC's products: what is read, what is left out, and what is said of a product that changed."""

import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
from support.swpc import (
    KINDS,
    NOW,
    Swpc,
    automatic,
    edited,
    probabilities,
    region,
    rising,
    xray,
    xrays,
)

from flaremon import goes
from flaremon.config import SwpcSettings
from flaremon.domain import ClassScale, FlareClass, class_of_flux, one_per_flare
from flaremon.errors import SourceError, SourceProtocolError
from flaremon.goes import PRODUCTS, read_product

M1 = timedelta(minutes=1)


def read(name, rows):
    return read_product(name, json.dumps(rows).encode())


@pytest.fixture
def swpc():
    with Swpc() as server:
        yield server


def client(server, folder, **settings):
    values = {"min_interval_s": 0.0, "attempts": 2, "deadline_s": 20.0} | settings
    return goes.Swpc(SwpcSettings(base_url=server.base_url, **values), folder)


# --- flares ----------------------------------------------------------------------------------


def test_a_finished_flare_is_read_with_its_class_flux_and_times():
    observed = read("xray-flares-7-day", [automatic()])
    (flare,) = observed.flares
    assert (flare.start, flare.peak, flare.end) == (NOW, NOW + 9 * M1, NOW + 20 * M1)
    assert (flare.flare_class, flare.peak_flux_w_m2) == (FlareClass("M", 1.2), 1.25e-5)
    assert (flare.satellite, flare.noaa_ar, flare.edited) == ("G18", None, False)
    assert flare.class_scale is ClassScale.TRUE_FLUX
    assert observed.canary.trouble == ""  # a null max_ratio is nothing unusual


def test_a_flare_in_progress_has_no_class_no_maximum_and_no_end(caplog):
    (flare,) = read("xray-flares-latest", [rising()]).flares
    assert (flare.start, flare.peak, flare.end) == (NOW, None, None)
    assert flare.flare_class is flare.peak_flux_w_m2 is None
    assert caplog.records == []


def test_a_flare_past_its_maximum_has_a_class_and_no_end():
    (flare,) = read("xray-flares-latest", [automatic(end_time="Unk")]).flares
    assert str(flare.flare_class) == "M1.2"
    assert flare.end is None


def test_edited_events_are_utc_without_saying_so_and_regions_get_their_fifth_digit():
    observed = read("edited_events", [edited(), edited(type="RSP"), edited(type="FLA")])
    (flare,) = observed.flares
    assert flare.start == NOW
    assert flare.noaa_ar == 14366
    assert (str(flare.flare_class), flare.peak_flux_w_m2) == ("M1.3", 1.3e-5)
    assert flare.edited
    assert (observed.canary.rows, observed.canary.read) == (3, 3)


@pytest.mark.parametrize(("region", "number"), [(0, None), (None, None), (14366, 14366)])
def test_other_regions_stay_as_they_are(region, number):
    assert read("edited_events", [edited(region=region)]).flares[0].noaa_ar == number


@pytest.mark.parametrize(
    ("start", "scale"),
    [
        (datetime(2019, 12, 6, 23, 59, tzinfo=UTC), ClassScale.OPERATIONAL),
        (datetime(2019, 12, 7, tzinfo=UTC), ClassScale.TRUE_FLUX),
    ],
)
def test_the_scale_of_classes_breaks_on_2019_12_07(start, scale):
    for name, row in (("edited_events", edited(start)), ("xray-flares-7-day", automatic(start))):
        assert read(name, [row]).flares[0].class_scale is scale


@pytest.mark.parametrize("swap", [False, True])
def test_two_satellites_report_one_flare_and_the_one_that_is_kept_is_said(swap, caplog):
    caplog.set_level(logging.INFO, logger="flaremon")
    rows = [edited(size="M1.3", observatory="G16"), edited(NOW + M1, size="M1.4")]
    observed = read("edited_events", rows[::-1] if swap else rows)
    assert [(f.satellite, str(f.flare_class)) for f in observed.flares] == [("G18", "M1.4")]
    (duplicate,) = observed.duplicates
    assert "G18 (M1.4) kept, G16 (M1.3) left out" in duplicate.in_words
    assert duplicate.in_words in caplog.text


def test_two_flares_that_start_in_one_minute_are_two():
    # As on 2024-06-10 10:18: M5.3 with its maximum at 10:58, X1.5 at 11:08.
    rows = [
        edited(size="M5.3", max_datetime="2026-03-01T12:10:00"),
        edited(size="X1.5", max_datetime="2026-03-01T12:20:00"),
    ]
    assert len(read("edited_events", rows).flares) == 2


def test_one_satellite_may_see_two_flares_within_minutes():
    flares = read("xray-flares-7-day", [automatic(), automatic(NOW + M1)]).flares
    assert len(flares) == 2
    assert one_per_flare(flares) == (list(flares), [])


def test_no_flares_in_seven_days_is_possible_and_not_an_error():
    observed = read("xray-flares-7-day", [])
    assert (list(observed.flares), observed.canary.rows) == ([], 0)


# --- X-rays ----------------------------------------------------------------------------------


def test_only_the_band_that_classes_are_defined_in_is_read():
    observed = read("xrays-6-hour", xrays(3))
    assert len(observed.xrays) == 3
    assert str(observed.xrays[0].flare_class) == "B3.7"
    assert observed.xrays[0].contaminated is False
    assert (observed.canary.rows, observed.canary.read) == (6, 6)


@pytest.mark.parametrize("nothing", [0, 0.0, None])
def test_a_minute_without_flux_is_a_gap_and_not_quiet(nothing, caplog):
    observed = read("xrays-6-hour", [xray(), xray(NOW + M1, nothing)])
    assert [state.observed_at for state in observed.xrays] == [NOW]
    assert observed.canary.gaps == 1
    assert caplog.records == []


def test_nothing_but_gaps_is_a_warning(caplog):
    assert read("xrays-6-hour", [xray(flux=None)]).xrays == []
    assert "a gap in each of its 1 minutes" in caplog.text


def test_the_misspelt_field_is_known_and_its_correction_is_understood_and_reported(caplog):
    row = xray(electron_contaminaton=True)
    assert read("xrays-6-hour", [row]).xrays[0].contaminated is True
    assert caplog.records == []
    row["electron_contamination"] = row.pop("electron_contaminaton")
    observed = read("xrays-6-hour", [row])
    assert observed.xrays[0].contaminated is True
    assert observed.canary.missing == {"electron_contaminaton": 1}
    assert "field 'electron_contaminaton' is missing in 1 of 1 rows" in caplog.text


@pytest.mark.parametrize(
    ("flux", "size"),
    [(9.96e-6, "C9.9"), (1e-5, "M1"), (9.999999e-6, "C9.9"), (2.5e-4, "X2.5"), (1.2e-3, "X12"),
     (3e-9, "A0.3"), (1.4e-6, "C1.4"), (7.3e-7, "B7.3")],
)  # fmt: skip
def test_the_class_of_a_flux_is_cut_and_never_rounded_over_a_threshold(flux, size):
    assert str(class_of_flux(flux)) == size


# --- NOAA's probabilities --------------------------------------------------------------------


def test_probabilities_are_forecasts_for_the_ut_day_after_the_date():
    observed = read("solar_probabilities", [probabilities(m=35), probabilities(NOW - 24 * 60 * M1)])
    first = {str(f.event): f for f in observed.forecasts[:3]}
    assert {event: f.probability for event, f in first.items()} == {
        "C1+/24h": 0.99, "M1+/24h": 0.35, "X1+/24h": 0.05,
    }  # fmt: skip
    forecast = first["M1+/24h"]
    assert forecast.window.start == datetime(2026, 3, 2, tzinfo=UTC)
    assert forecast.window.end == datetime(2026, 3, 3, tzinfo=UTC)
    assert forecast.issued_at == datetime(2026, 3, 1, 22, tzinfo=UTC)
    assert forecast.threshold is None
    assert str(forecast.forecaster) == "noaa-swpc@1.0.0"
    assert [f.window.start.day for f in observed.forecasts] == [2, 2, 2, 1, 1, 1]
    assert observed.canary.trouble == ""


@pytest.mark.parametrize("odd", [101, -1, "35", True, float("nan"), None])
def test_a_percentage_that_makes_no_sense_is_left_out_and_named(odd, caplog):
    row = probabilities() | {"m_class_1_day": odd}
    forecasts = read("solar_probabilities", [row]).forecasts
    assert [str(f.event) for f in forecasts] == ["C1+/24h", "X1+/24h"]
    assert ("'m_class_1_day' makes no sense" in caplog.text) is (odd is not None)


# --- the canary ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "row", "field", "kept"),
    [
        ("xray-flares-7-day", automatic(), "max_class", 1),
        ("xray-flares-7-day", automatic(), "max_xrlong", 1),
        ("xray-flares-7-day", automatic(), "satellite", 1),
        ("edited_events", edited(), "region", 1),
        ("edited_events", edited(), "type", 1),
        ("edited_events", edited(), "particulars10", 1),
    ],
)
def test_a_missing_field_is_named_in_one_warning_and_counted(name, row, field, kept, caplog):
    rows = [dict(row), dict(row)]
    for item in rows:
        item.pop(field)
    rows[1] = dict(row) | {"begin_time": "2026-03-02T00:00:00Z", "max_time": "Unk"}
    observed = read(name, rows)
    assert len(observed.flares) >= kept
    assert observed.canary.missing == {field: 1}
    (warning,) = caplog.records
    assert f"{name}: field {field!r} is missing in 1 of 2 rows" in warning.message


@pytest.mark.parametrize(
    ("name", "rows", "field"),
    [
        ("xray-flares-7-day", [automatic()], "begin_time"),
        ("xray-flares-latest", [rising()], "begin_time"),
        ("solar_probabilities", [probabilities()], "date"),
        ("edited_events", [edited()], "begin_datetime"),
        ("xrays-6-hour", [xray()], "flux"),
        ("xrays-6-hour", [xray()], "energy"),
        ("xrays-6-hour", [xray()], "time_tag"),
    ],
)
def test_a_field_that_has_moved_is_an_error_and_never_a_silent_zero(name, rows, field):
    moved = [{("new_" + k if k == field else k): v for k, v in row.items()} for row in rows]
    with pytest.raises(SourceProtocolError, match=f"field '{field}' is missing in 1 of 1 rows"):
        read(name, moved)


def test_values_that_make_no_sense_are_named_with_the_first_of_them(caplog):
    rows = [automatic(), automatic(NOW + 60 * M1, max_class="Q7", max_xrlong="a lot")]
    observed = read("xray-flares-7-day", rows)
    assert [str(flare.flare_class) for flare in observed.flares] == ["M1.2", "None"]
    assert observed.canary.unreadable == {"max_class": 1, "max_xrlong": 1}
    assert "field 'max_class' makes no sense in 1 of 2 rows (first 'Q7')" in caplog.text


@pytest.mark.parametrize(
    "row", [None, 7, [], automatic(begin_time=7), automatic(end_time="2020-01-01T00:00:00Z"),
            automatic(begin_time="yesterday"), automatic(begin_time={})]
)  # fmt: skip
def test_a_row_that_is_no_flare_does_not_stop_the_others(row, caplog):
    observed = read("xray-flares-7-day", [row, automatic()])
    assert len(observed.flares) == 1
    assert sum(observed.canary.unreadable.values()) == 1
    assert len(caplog.records) == 1


@pytest.mark.parametrize("odd", [True, [], {}, "x", -1, 2, "NaN", float("nan"), float("inf")])
@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("xrays-6-hour", xray()),
        ("xray-flares-7-day", automatic()),
        ("edited_events", edited()),
        ("xray-flares-latest", rising()),
        ("solar_probabilities", probabilities()),
        ("solar_regions", region()),
    ],
)
def test_any_odd_value_anywhere_is_an_answer_or_our_error(name, row, odd):
    for field in row:
        try:
            read(name, [row | {field: odd}, row])
        except SourceProtocolError as exc:
            pytest.fail(f"{field}={odd!r} spoils the other row: {exc}")


# --- over HTTP -------------------------------------------------------------------------------


def test_every_product_is_fetched_one_at_a_time(swpc, tmp_path):
    source = client(swpc, tmp_path)
    observed = {name: source.read(name) for name in PRODUCTS}
    assert swpc.requests == list(PRODUCTS)
    assert swpc.at_once == 1
    assert {name: len(o.flares) for name, o in observed.items()} == {
        "xrays-7-day": 0, "xrays-6-hour": 0, "xray-flares-7-day": 1, "xray-flares-latest": 1,
        "edited_events": 1, "solar_probabilities": 0, "solar_regions": 0,
        "xrays-6-hour-secondary": 0, "xray-flares-7-day-secondary": 0,
    }  # fmt: skip
    assert len(observed["xrays-6-hour"].xrays) == 5


PASSING = {"500", "503", "hang", "truncated", "empty"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_fault_is_one_of_our_errors_and_tried_again_only_where_that_helps(
    swpc, tmp_path, kind
):
    swpc.faults["edited_events"] = kind
    passing = kind in PASSING
    limit_s = 0.3 if kind == "hang" else 20.0
    with pytest.raises(SourceError) as caught:
        client(swpc, tmp_path, deadline_s=limit_s).read("edited_events")
    assert caught.value.retriable is passing
    if kind in {"500", "503", "truncated", "empty"}:
        assert swpc.requests == ["edited_events"] * 2
    else:
        assert swpc.requests == ["edited_events"]
    if kind in {"404", "redirect"}:
        assert "FLAREMON_SWPC__BASE_URL" in str(caught.value)
    if kind == "html":
        assert "a web page" in str(caught.value)


def test_a_fault_that_passes_is_not_seen(swpc, tmp_path):
    swpc.faults["edited_events"] = ("503", 1)
    assert len(client(swpc, tmp_path).read("edited_events").flares) == 1


def test_a_reply_that_never_ends_is_cut_off(swpc, tmp_path, monkeypatch):
    monkeypatch.setattr("flaremon.goes.swpc.MAX_BYTES", 1000)
    with pytest.raises(SourceProtocolError, match="larger than 1000 bytes"):
        client(swpc, tmp_path).read("xrays-6-hour")


@pytest.mark.parametrize("name", ["xrays-6-hour", "xray-flares-latest", "solar_probabilities"])
def test_an_empty_list_where_there_is_always_something_is_an_error(name):
    with pytest.raises(SourceProtocolError, match="empty list"):
        read(name, [])


@pytest.mark.realdata
def test_the_recorded_products_are_read_without_a_word(shared_data, caplog):
    folder = shared_data / "swpc"
    read_files = {
        file: read_product(name, (folder / file).read_bytes())
        for file, name in {
            "xray-flares-latest.json": "xray-flares-latest",
            "xray-flares-latest.in-progress.partial.json": "xray-flares-latest",
            "xray-flares-7-day.sample.json": "xray-flares-7-day",
            "edited_events.sample.json": "edited_events",
            "xrays-6-hour.sample.json": "xrays-6-hour",
        }.items()
    }
    forecasts = read_product(
        "solar_probabilities", (folder / "solar_probabilities.json").read_bytes()
    ).forecasts
    assert len(forecasts) == 3 * 29
    assert caplog.records == []
    classes = [str(f.flare_class) for o in read_files.values() for f in o.flares]
    assert classes == ["C1.1", "None", "C4.7", "B9.4", "C4.1"]
    (event,) = read_files["edited_events.sample.json"].flares
    assert (event.noaa_ar, event.satellite) == (13697, "G16")
    # SWPC's own word for that minute, in the record of the flare.
    assert str(read_files["xrays-6-hour.sample.json"].xrays[-1].flare_class) == "B3.7"
