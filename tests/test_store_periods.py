"""What flare lists answer for, on both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from flaremon.database import open_engine, session_scope, upgrade
from flaremon.domain import LEAST_FLUX_W_M2, CatalogPeriod, ClassScale, Flare, FlareClass
from flaremon.errors import InputError
from flaremon.store import add_flares, add_periods, catalog_as_of, periods, replace_gaps

T0 = datetime(2026, 2, 1, tzinfo=UTC)
H = timedelta(hours=1)
C1, M1 = 1e-6, 1e-5
NOTE = {"seen_at": T0 + 100 * H, "run_id": "test"}


@pytest.fixture
def session(database_url):
    upgrade(database_url)
    engine = open_engine(database_url)
    with session_scope(engine) as session:
        yield session
    engine.dispose()


def period(first, last, *, flux=C1, ends=True, catalog="swpc"):
    return CatalogPeriod(
        catalog=catalog,
        start=T0 + first * H,
        end=T0 + last * H,
        flux_w_m2=flux,
        has_ends=ends,
        source="product",
    )


def gap(first, last):
    return replace(period(first, last, flux=LEAST_FLUX_W_M2, ends=False), gap=True)


def stored(session, *, catalog="swpc"):
    return [
        (int((p.start - T0) / H), int((p.end - T0) / H), p.flux_w_m2, p.has_ends, p.gap)
        for p in periods(session, catalog=catalog)
    ]


def test_a_list_that_is_read_again_and_again_has_one_row_that_grows(session):
    for hour in range(5):
        note = {"seen_at": T0 + hour * H, "run_id": f"run-{hour}"}
        assert add_periods(session, [period(hour, hour + 10)], **note) == 1
    assert stored(session) == [(0, 14, C1, True, False)]
    assert add_periods(session, [period(3, 9)], **NOTE) == 0
    assert stored(session) == [(0, 14, C1, True, False)]
    assert catalog_as_of(session, catalog="swpc") == NOTE["seen_at"]


def test_periods_that_touch_join_and_a_hole_between_them_stays(session):
    add_periods(session, [period(0, 10), period(20, 30)], **NOTE)
    assert len(stored(session)) == 2
    add_periods(session, [period(10, 12)], **NOTE)
    assert stored(session) == [(0, 12, C1, True, False), (20, 30, C1, True, False)]
    add_periods(session, [period(11, 21)], **NOTE)
    assert stored(session) == [(0, 30, C1, True, False)]


def test_where_ends_are_known_from_one_reading_they_are_known(session):
    add_periods(session, [period(0, 10, ends=False)], **NOTE)
    add_periods(session, [period(0, 4), period(6, 8)], **NOTE)
    expected = [
        (0, 4, C1, True, False),
        (4, 6, C1, False, False),
        (6, 8, C1, True, False),
        (8, 10, C1, False, False),
    ]
    assert stored(session) == expected
    assert add_periods(session, [period(0, 10, ends=False)], **NOTE) == 0
    assert stored(session) == expected


def test_lists_classes_and_gaps_stay_apart(session):
    several = [period(0, 9), period(0, 9, flux=M1), period(0, 9, catalog="hek"), gap(0, 1)]
    assert add_periods(session, several, **NOTE) == 4
    assert stored(session) == [
        (0, 1, LEAST_FLUX_W_M2, False, True),
        (0, 9, C1, True, False),
        (0, 9, M1, True, False),
    ]
    assert stored(session, catalog="hek") == [(0, 9, C1, True, False)]


def test_a_gap_that_was_filled_later_goes_and_what_is_outside_of_the_span_stays(session):
    add_periods(session, [gap(0, 4), gap(6, 7), gap(9, 12), gap(20, 21)], **NOTE)
    replace_gaps(session, [gap(5, 6)], catalog="swpc", within=(T0 + 3 * H, T0 + 10 * H), **NOTE)
    assert [row[:2] for row in stored(session)] == [(0, 3), (5, 6), (10, 12), (20, 21)]


def test_as_of_is_the_newest_of_readings_and_changes(session):
    assert catalog_as_of(session, catalog="swpc") is None
    add_periods(session, [period(0, 10)], seen_at=T0 + 10 * H, run_id="test")
    flare = Flare(
        start=T0,
        flare_class=FlareClass("M", 1.0),
        source="list",
        class_scale=ClassScale.TRUE_FLUX,
    )
    add_flares(session, [flare], catalog="swpc", seen_at=T0 + 11 * H, run_id="test")
    assert catalog_as_of(session, catalog="swpc") == T0 + 11 * H
    assert catalog_as_of(session, catalog="hek") is None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (period(3, 3), "not after its start"),
        (period(0, 3, catalog=""), "cannot name"),
        (replace(gap(0, 1), flux_w_m2=C1), "by definition"),
    ],
)
def test_a_period_that_cannot_be_is_refused_in_words(session, wrong, words):
    with pytest.raises(InputError, match=words):
        add_periods(session, [period(0, 1), wrong], **NOTE)
