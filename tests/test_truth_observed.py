"""What SWPC and the HEK say, kept in a real database, and which hours that answers for."""

import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
from support.hek import event
from support.swpc import (
    NOW,
    automatic,
    edited,
    fresh,
    probabilities,
    region,
    rising,
    xray,
    xrays,
    z,
)

from flaremon import store
from flaremon.database import open_engine, session_scope, upgrade
from flaremon.domain import ForecasterKind, Mode
from flaremon.errors import InputError
from flaremon.goes import FORECASTER, PRODUCTS, read_product
from flaremon.goes.hek import read_hek
from flaremon.truth.history import keep_month, months
from flaremon.truth.observed import keep_coverage, keep_product, wanted, wanted_after, worth_keeping

MIN = timedelta(minutes=1)
H, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def session(tmp_path):
    url = f"sqlite:///{tmp_path / 'flaremon.db'}"
    upgrade(url)
    engine = open_engine(url)
    with session_scope(engine) as session:
        yield session
    engine.dispose()


def read(name, *rows):
    return read_product(name, json.dumps(rows).encode())


def keep(session, name, *rows, now=NOW):
    return keep_product(session, read(name, *rows), now=now, run_id="test")


def keep_all(session, rows, now):
    observed = {name: read(name, *said) for name, said in rows.items() if "second" not in name}
    for name in wanted_after(observed, now=now):
        observed[name] = read(name, *rows[name])
    for name in observed:
        kept = worth_keeping(name, observed, now=now)
        keep_product(session, kept, now=now, run_id="test")
    return keep_coverage(session, observed, now=now, run_id="test")


def spans(session, *, gap):
    return [(p.start, p.end) for p in store.periods(session, catalog="swpc") if p.gap is gap]


def test_readings_every_ten_minutes_make_one_period_that_grows(session):
    for k in range(4):
        keep_all(session, fresh(NOW + 10 * k * MIN), NOW + 10 * k * MIN)
    ((start, end),) = spans(session, gap=False)
    assert start == NOW - 7 * DAY + H
    assert end == NOW + 30 * MIN - 11 * MIN
    assert store.catalog_as_of(session, catalog="swpc") == NOW + 30 * MIN
    # After a pause of more than 7 days nobody knows what was in between.
    keep_all(session, fresh(NOW + 9 * DAY), NOW + 9 * DAY)
    assert len(spans(session, gap=False)) == 2


HOLE = [NOW - k * MIN for k in range(40, 60)]
GAP = [(min(HOLE), max(HOLE) + MIN)]


def lacking(minutes, now):
    rows, gone = fresh(now), {z(minute) for minute in minutes}
    left = [row for row in rows["xrays-6-hour"] if row["time_tag"] not in gone]
    return rows | {"xrays-6-hour": left, "xrays-7-day": left}


def test_a_gap_is_kept_while_the_first_minutes_of_the_product_run_through_it(session):
    for later in (0, 135, 145, 160, 200):
        now = NOW + later * MIN
        keep_all(session, lacking(HOLE, now), now)
        assert spans(session, gap=True) == GAP


def test_a_gap_that_the_satellite_fills_later_is_one_no_more(session):
    keep_all(session, lacking(HOLE, NOW), NOW)
    assert spans(session, gap=True) == GAP
    keep_all(session, fresh(NOW + 10 * MIN), NOW + 10 * MIN)
    assert spans(session, gap=True) == []


def test_what_the_second_satellite_saw_in_a_gap_is_kept_once_and_the_gap_is_none(session, caplog):
    rows = lacking(HOLE, NOW)
    in_gap = automatic(NOW - 50 * MIN, "X2.0", satellite=19)
    seen_by_both = automatic(NOW - 191 * MIN, "M1.4", satellite=19)
    rows["xray-flares-7-day-secondary"] = [seen_by_both, in_gap]
    rows["xrays-6-hour-secondary"] = [xray(m, 9e-7, satellite=19) for m in HOLE]
    for _ in range(3):
        keep_all(session, rows, NOW)
    assert spans(session, gap=True) == []
    known = list(store.flares(session, catalog="swpc"))
    assert [(str(i.flare.flare_class), i.flare.satellite, i.revision) for i in known] == [
        ("M1.3", "G18", 2), ("X2", "G19", 1), ("None", "G18", 1),
    ]  # fmt: skip
    # The first satellite's list has never had it, so that it is not withdrawn from it.
    keep(session, "xray-flares-7-day", automatic(NOW - 190 * MIN), automatic(NOW - 20 * MIN))
    assert "no longer" not in caplog.text
    # No minute has two fluxes.
    assert store.latest_xray(session, at=NOW - 45 * MIN).observed_at < min(HOLE)


def test_a_stale_product_is_said_and_covers_no_more_than_it_has(session, caplog):
    found = keep_all(session, fresh(NOW - 8 * H), NOW)
    assert spans(session, gap=False) == [(NOW - 7 * DAY + H, NOW - 8 * H - 11 * MIN)]
    assert "newest minute" in found.why
    assert "was not read up to now: the newest minute of X-rays is 2026-03-01T03:59Z" in caplog.text


def test_the_long_product_of_x_rays_is_wanted_at_first_and_after_pauses_only(session):
    usual = [name for name, product in PRODUCTS.items() if product.usual]
    assert wanted(session, now=NOW) == ["xrays-7-day", *usual]
    keep(session, "xrays-6-hour", xray(NOW - H))
    assert wanted(session, now=NOW) == usual
    assert "xrays-7-day" in wanted(session, now=NOW + 5 * H)


def test_a_flare_that_the_list_no_longer_has_stays_and_is_named(session, caplog):
    flares = [automatic(NOW + k * H, "C2.0") for k in range(6)]
    keep(session, "xray-flares-7-day", *flares, now=NOW + 6 * H)
    keep(session, "edited_events", edited(NOW + 3 * H), now=NOW + 6 * H)
    assert caplog.records == []
    # The third is gone. So is the fourth, but people have confirmed it; the first is too old now.
    later = [flares[1], flares[4], flares[5]]
    kept = keep(session, "xray-flares-7-day", *later, now=NOW + 7 * H)
    assert kept.flares_withdrawn == 1
    (warning,) = caplog.records
    assert "no longer has 1 flare(s) that it had: 2026-03-01T14:00Z (C2)" in warning.getMessage()
    assert len(list(store.flares(session, catalog="swpc"))) == 6


def test_flares_in_rows_that_cannot_be_read_are_not_called_withdrawn(session, caplog):
    flares = [automatic(NOW + k * H, "C2.0") for k in range(3)]
    keep(session, "xray-flares-7-day", *flares)
    broken = dict(flares[1]) | {"begin_time": "soon"}
    assert keep(session, "xray-flares-7-day", flares[0], broken, flares[2]).flares_withdrawn == 0
    assert "begin_time" in caplog.text


def test_a_flare_that_rose_and_was_dated_otherwise_later_is_not_withdrawn(session):
    keep(session, "xray-flares-latest", rising(NOW))
    listed = (automatic(NOW - 2 * MIN), automatic(NOW + 2 * H))
    assert keep(session, "xray-flares-7-day", *listed).flares_withdrawn == 0


def test_noaas_forecasts_are_live_when_seen_before_their_day_and_hindcasts_after(session):
    rows = [probabilities(NOW, m=35), probabilities(NOW - DAY, m=40)]
    assert keep(session, "solar_probabilities", *rows).forecasts_new == 6
    assert keep(session, "solar_probabilities", *rows).forecasts_new == 0
    # The first word that a forecaster gives for a day stands.
    assert keep(session, "solar_probabilities", probabilities(NOW, m=70)).forecasts_new == 0
    kept = [f for f in store.forecasts(session, forecaster=FORECASTER) if str(f.event) == "M1+/24h"]
    assert [(f.window.start.day, f.probability, f.mode, f.issued_at) for f in kept] == [
        (1, 0.4, Mode.HINDCAST, datetime(2026, 2, 28, 22, tzinfo=UTC)),
        (2, 0.35, Mode.LIVE, NOW),  # seen at noon, so issued by then
    ]
    ((who, kind, _),) = store.forecasters(session)
    assert (who, kind) == (FORECASTER, ForecasterKind.OFFICIAL)


# --- history ---------------------------------------------------------------------------------


def test_noaas_regions_are_kept_with_the_revisions_that_the_day_brings(session):
    assert keep(session, "solar_regions", region(), region(number=4370)).regions_new == 2
    assert keep(session, "solar_regions", region(), region(number=4370)).regions_new == 0
    later = NOW + H
    grown = keep(session, "solar_regions", region(area=400), region(number=4370), now=later)
    assert grown.regions_new == 1
    found = list(store.noaa_regions(session))
    assert [(r.number, r.area, revision, at) for r, revision, at in found] == [
        (14366, 400, 2, later), (14370, 320, 1, NOW),
    ]  # fmt: skip


def test_a_span_is_cut_at_the_beginnings_of_months():
    spans = list(months(datetime(2023, 11, 20, 6, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)))
    assert [(f"{a:%m-%d %H}", f"{b:%m-%d %H}") for a, b in spans] == [
        ("11-20 06", "12-01 00"),
        ("12-01 00", "01-01 00"),
        ("01-01 00", "02-01 00"),
        ("02-01 00", "03-01 00"),
    ]
    with pytest.raises(InputError, match="is not after START"):
        list(months(NOW, NOW))


def test_months_that_were_answered_are_covered_but_for_holes_and_the_last_weeks(session, caplog):
    caplog.set_level(logging.WARNING)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    spans = list(months(start, NOW))
    rows = {0: [event(start + DAY)], 2: [event(NOW - H, "M1.0")]}
    periods = []
    for k, span in enumerate(spans):
        observed = read_hek(rows.get(k, []), *span)
        kept = keep_month(session, observed, span, now=NOW, run_id="test")
        periods.append(kept.period and (kept.period.start, kept.period.end))
    assert periods == [(start, start + 31 * DAY), None, None]
    assert "no flare from 2026-02-01 to 2026-03-01: that is taken for a hole" in caplog.text
    assert len(list(store.flares(session, catalog="hek"))) == 2
    late = NOW + 20 * DAY
    again = keep_month(session, observed, spans[2], now=late, run_id="test")
    assert again.period.end == NOW
    assert again.added.unchanged == 1


def test_x_rays_of_seven_days_are_stored_quickly_enough_to_be_a_step_of_a_run(session):
    kept = keep(session, "xrays-7-day", *xrays(7 * 1440, NOW - 7 * DAY))
    assert kept.xrays_new == 7 * 1440
    assert keep(session, "xrays-6-hour", *xrays(360, NOW - DAY)).xrays_new == 0
