"""What SWPC's list answers for, and what a list in a file does."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from support.swpc import NOW, automatic, rising, xray, z

from flaremon.domain import LEAST_FLUX_W_M2
from flaremon.errors import InputError
from flaremon.goes import covered, only_unseen, read_coverage_csv, read_product, unseen

MIN = timedelta(minutes=1)
H, DAY = timedelta(hours=1), timedelta(days=1)


def reading(now=NOW, *, flares=(), latest=None, minutes=range(-360, 1), contaminated=()):
    """All products as of `now`; minutes of X-rays count from it."""
    latest = latest or rising(now - 40 * MIN, time_tag=z(now))
    rows = {
        "xrays-6-hour": [
            xray(now + k * MIN, electron_contaminaton=k in contaminated) for k in minutes
        ],
        "xray-flares-7-day": list(flares),
        "xray-flares-latest": [latest],
    }
    return {name: read_product(name, json.dumps(r).encode()) for name, r in rows.items()}


def test_the_list_answers_for_seven_days_up_to_the_newest_minute_less_what_is_detected_late():
    found = covered(reading(flares=[automatic(NOW - DAY)]), now=NOW + MIN / 2)
    period = found.period
    assert (period.start, period.end) == (NOW - 7 * DAY + H, NOW - 10 * MIN)
    assert (period.catalog, period.flux_w_m2, period.has_ends) == ("swpc", 1e-6, True)
    assert (list(found.gaps), found.why) == ([], "")


def test_no_flare_at_all_in_seven_days_is_covered_as_well():
    assert covered(reading(flares=[]), now=NOW).period.end == NOW - 10 * MIN


@pytest.mark.parametrize("clock", ["the X-rays", "the latest flare"])
def test_stale_products_cover_only_up_to_their_newest_minute(clock):
    stale = reading(NOW - 5 * H)
    observed = reading() | (
        {"xrays-6-hour": stale["xrays-6-hour"]}
        if clock == "the X-rays"
        else {"xray-flares-latest": stale["xray-flares-latest"]}
    )
    found = covered(observed, now=NOW)
    assert found.period.end == NOW - 5 * H - 10 * MIN
    # Seven days back from when it was fetched, and not from its newest minute.
    assert found.period.start == NOW - 7 * DAY + H
    assert "newest minute" in found.why


def test_a_list_that_lacks_the_latest_flare_is_older_than_the_other_products():
    over = automatic(NOW - 3 * H, time_tag=z(NOW))
    old = automatic(NOW - 20 * H)
    found = covered(reading(flares=[old], latest=over), now=NOW)
    assert found.period.end == NOW - 20 * H + 20 * MIN
    assert "does not have the flare of xray-flares-latest" in found.why
    found = covered(reading(flares=[old, automatic(NOW - 3 * H)], latest=over), now=NOW)
    assert (found.period.end, found.why) == (NOW - 10 * MIN, "")
    # At the minimum the latest flare may be weeks old.
    found = covered(reading(latest=automatic(NOW - 30 * DAY, time_tag=z(NOW))), now=NOW)
    assert found.period.end == NOW - 10 * MIN


def test_without_the_latest_flare_what_may_be_in_progress_is_left_open():
    observed = reading()
    del observed["xray-flares-latest"]
    assert covered(observed, now=NOW).period.end == NOW - 6 * H


@pytest.mark.parametrize("missing", ["xrays-6-hour", "xray-flares-7-day"])
def test_without_x_rays_or_list_nothing_is_covered_and_it_is_said(missing):
    observed = reading()
    del observed[missing]
    found = covered(observed, now=NOW)
    assert found.period is None
    assert "read" in found.why
    assert covered({}, now=NOW).period is None


def test_more_than_ten_minutes_without_clean_flux_are_a_gap():
    hole = [k for k in range(-360, 1) if not -100 < k < -80 and not -50 < k < -40]
    found = covered(reading(minutes=hole, contaminated=range(-30, -10)), now=NOW)
    assert [(gap.start, gap.end) for gap in found.gaps] == [
        (NOW - 99 * MIN, NOW - 80 * MIN),
        (NOW - 30 * MIN, NOW - 10 * MIN),
    ]  # and the ten minutes from -50 to -40 are none
    assert {(gap.gap, gap.flux_w_m2) for gap in found.gaps} == {(True, LEAST_FLUX_W_M2)}
    assert found.within == (NOW - 360 * MIN, NOW)
    assert found.period.end == NOW - 10 * MIN


def test_what_the_second_satellite_watched_is_no_gap_if_its_flares_were_read_too():
    observed = reading(minutes=[*range(-360, -100), *range(-40, 1)])
    assert unseen(observed, now=NOW) == [(NOW - 100 * MIN, NOW - 40 * MIN)]
    second = json.dumps([xray(NOW + k * MIN, satellite=19) for k in range(-360, -60)]).encode()
    flares = [automatic(NOW + k * MIN, satellite=19) for k in (-200, -80, -30)]
    observed["xrays-6-hour-secondary"] = read_product("xrays-6-hour-secondary", second)
    assert len(covered(observed, now=NOW).gaps) == 1
    name = "xray-flares-7-day-secondary"
    observed[name] = read_product(name, json.dumps(flares).encode())
    (gap,) = covered(observed, now=NOW).gaps
    assert (gap.start, gap.end) == (NOW - 60 * MIN, NOW - 40 * MIN)
    # Of its flares those are taken that the first satellite cannot have seen, and has not.
    (flare,) = only_unseen(observed[name], observed, now=NOW).flares
    assert flare.start == NOW - 80 * MIN
    late = reading(minutes=[*range(-360, -100), *range(-40, 1)], flares=[automatic(NOW - 77 * MIN)])
    assert only_unseen(observed[name], late, now=NOW).flares == []


def test_flux_that_is_contaminated_to_the_end_is_not_reached_and_no_gap_yet():
    found = covered(reading(contaminated=range(-120, 1)), now=NOW)
    assert found.period.end == NOW - 131 * MIN
    assert list(found.gaps) == []


def test_minutes_of_the_future_are_not_believed():
    found = covered(reading(minutes=range(-360, 600)), now=NOW)
    assert found.period.end == NOW - 10 * MIN


# --- coverage.csv ----------------------------------------------------------------------------

HEADER = "period_start,period_end,complete_for,source,note\n"


def read(folder, text, last=NOW):
    path = folder / "coverage.csv"
    path.write_text(text)
    return read_coverage_csv(path, catalog="list", last_start=last)


def test_periods_of_a_file_end_with_their_last_day_and_with_the_last_flare(tmp_path):
    periods = read(
        tmp_path,
        HEADER
        + "2026-01-01,2026-01-31,C1+,x,\n"
        + "2026-02-01,2026-02-10,M1+,x,no C rows\n"
        + "2026-02-11,2026-03-31,C1+ (LMSAL),x,\n"
        + "2026-04-01,2026-04-30,C1+,x,\n",
    )
    assert [(p.start, p.end, p.flux_w_m2, p.has_ends) for p in periods] == [
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC), 1e-6, True),
        (datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 2, 11, tzinfo=UTC), 1e-5, False),
        (datetime(2026, 2, 11, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC), 1e-6, False),
    ]
    assert {(p.catalog, p.source, p.gap) for p in periods} == {("list", "coverage.csv", False)}


def test_days_whose_report_is_missing_are_gaps(tmp_path):
    note = "true flux; no rows at all on 2022-01-10 2022-06-08 (missing): unknown"
    _, *gaps = read(tmp_path, f"{HEADER}2022-01-01,2022-12-31,C1+,x,{note}\n")
    assert [(gap.start, gap.end - gap.start) for gap in gaps] == [
        (datetime(2022, 1, 10, tzinfo=UTC), DAY),
        (datetime(2022, 6, 8, tzinfo=UTC), DAY),
    ]
    assert all(gap.gap for gap in gaps)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("period_start,period_end\n", "line 1: has no column complete_for, note"),
        (HEADER, "names no period"),
        (HEADER + "2026-01-01,,C1+,x,\n", "line 2, column period_end: is empty"),
        (HEADER + "2026-01-01,2026-02-30,C1+,x,\n", "line 2, column period_end: '2026-02-30'"),
        (HEADER + "2026-02-01,2026-01-01,C1+,x,\n", "column period_end: is before the start"),
        (HEADER + "2026-01-01,2026-01-31,all,x,\n", "column complete_for"),
        (HEADER + "2026-01-01,2026-01-31,C1+\n", "has 3 cells"),
        (HEADER + "2026-01-01,2026-01-31,C1+,x,no rows at all on 2026-13-01\n", "column note"),
        (HEADER + '2026-01-01,2026-01-31,C1+,x,"\n', "line 2"),
    ],
)
def test_what_cannot_be_read_is_named_with_line_and_column(tmp_path, text, words):
    with pytest.raises(InputError, match=words):
        read(tmp_path, text)
