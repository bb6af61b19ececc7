"""Regions of predictions and NOAA's summaries, on both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from support import rows

from flaremon import store
from flaremon.database import session_scope
from flaremon.domain import NoaaRegion, RegionShare
from flaremon.errors import InputError, StoreError
from flaremon.schema import RegionShareRow

NOW = datetime(2026, 2, 3, 12, tzinfo=UTC)
MIDNIGHT = NOW.replace(hour=0)
DAY = timedelta(days=1)
STRONG = RegionShare(latitude_deg=14.5, longitude_deg=22.25, rate_per_day=0.6, share=0.6)
WEAK = RegionShare(latitude_deg=-20.5, longitude_deg=-71.0, rate_per_day=0.3, share=0.3)
REGION = NoaaRegion(
    number=14366,
    valid_at=MIDNIGHT,
    latitude_deg=14,
    longitude_deg=22,
    area=320,
    mount_wilson="beta-gamma-delta",
    source="swpc",
)


def kept(engine, said):
    with session_scope(engine) as session:
        return [p.regions for p in store.with_regions(session, said)]


def add(engine, *regions, seen_at=NOW):
    with session_scope(engine) as session:
        added = store.add_noaa_regions(session, regions, seen_at=seen_at, run_id="test")
    return added.new, added.revised, added.unchanged


def listed(engine, **span):
    with session_scope(engine) as session:
        return list(store.noaa_regions(session, **span))


# --- regions of predictions ------------------------------------------------------------------


def test_regions_come_back_with_their_own_prediction_in_their_order(engine):
    records = [rows.record(NOW + k * timedelta(minutes=12)) for k in range(3)]
    day, hour = rows.EVENTS
    said = [
        rows.prediction(records[0], day, regions=(STRONG, WEAK)),
        rows.prediction(records[0], hour, regions=(WEAK,)),
        rows.prediction(records[1], day, regions=()),
        rows.prediction(records[2], day),
    ]
    assert rows.store_all(engine, records, said) == 4
    plain = [replace(p, regions=None) for p in said]
    # An empty disk is told from one whose regions nobody kept.
    assert kept(engine, plain) == [(STRONG, WEAK), (WEAK,), (), None]
    assert kept(engine, plain[::-1]) == [None, (), (WEAK,), (STRONG, WEAK)]
    assert kept(engine, []) == []
    with session_scope(engine) as session:
        stored = [item.prediction for item in store.predictions(session)]
    assert all(p.regions is None for p in stored)  # whoever wants them asks for them
    assert kept(engine, stored).count(None) == 1


def test_the_shares_of_a_prediction_sum_to_one_with_the_rest_of_the_disk(engine):
    record = rows.record(NOW)
    rows.store_all(engine, [record], [rows.prediction(record, rows.EVENTS[0], regions=(STRONG,))])
    with session_scope(engine) as session:
        total = session.scalar(select(func.sum(RegionShareRow.share)))
        rest = session.execute(
            select(RegionShareRow.latitude_deg, RegionShareRow.rate_per_day, RegionShareRow.share)
            .where(RegionShareRow.number == 0)
        ).one()  # fmt: skip
    assert total == pytest.approx(1)
    assert tuple(rest) == (None, None, pytest.approx(0.4))


def test_the_first_answer_keeps_its_regions_when_it_is_stored_again(engine):
    record = rows.record(NOW)
    first = rows.prediction(record, rows.EVENTS[0], regions=(STRONG,))
    assert rows.store_all(engine, [record], [first]) == 1
    assert rows.store_all(engine, [record], [replace(first, regions=(WEAK,))]) == 0
    late = rows.prediction(record, rows.EVENTS[1], regions=(WEAK,))
    assert rows.store_all(engine, [record], [first, late]) == 1
    assert kept(engine, [first, late]) == [(STRONG,), (WEAK,)]
    # A prediction without regions does not get them later: the first answer stands.
    other = rows.record(NOW + DAY)
    bare = rows.prediction(other, rows.EVENTS[0])
    rows.store_all(engine, [other], [bare])
    rows.store_all(engine, [other], [replace(bare, regions=(STRONG,))])
    assert kept(engine, [bare]) == [None]


@pytest.mark.parametrize("share", [1.2, -0.1, float("nan")])
def test_a_share_that_is_none_is_refused_and_its_prediction_with_it(engine, share):
    record = rows.record(NOW)
    bad = rows.prediction(record, rows.EVENTS[0], regions=(replace(STRONG, share=share),))
    with pytest.raises(StoreError, match="share"):
        rows.store_all(engine, [record], [bad])
    with session_scope(engine) as session:
        assert store.count(session)["predictions"] == 0


def test_thousands_of_predictions_keep_theirs(engine):
    records = [rows.record(NOW + k * timedelta(minutes=12)) for k in range(300)]
    said = [
        rows.prediction(rec, event, regions=(replace(STRONG, share=0.0005 * k), WEAK))
        for k, rec in enumerate(records)
        for event in rows.EVENTS
    ]
    rows.store_all(engine, records, said)
    assert kept(engine, said) == [p.regions for p in said]


def test_the_orientation_of_the_disk_is_that_of_the_record(engine):
    record = rows.record(NOW)
    turned = replace(record.geometry, b0_deg=-6.2, carrington_deg=123.4)
    other = rows.record(NOW + DAY, geometry=turned)
    nowhere = rows.record(NOW + 2 * DAY, geometry=None)
    rows.store_all(engine, [record, other, nowhere], [])
    with session_scope(engine) as session:
        found = store.disk_centres(session, [record.key, other.key, nowhere.key])
    assert found == {record.key: (0.0, 0.0), other.key: (-6.2, 123.4)}


# --- NOAA's summaries ------------------------------------------------------------------------


def test_a_summary_is_stored_once_and_a_change_is_a_revision(engine):
    grown = replace(REGION, area=400)
    plage = replace(REGION, number=14359, area=None, mount_wilson="")
    assert add(engine, REGION, plage) == (2, 0, 0)
    assert add(engine, REGION, plage) == (0, 0, 2)
    assert add(engine, grown, plage, seen_at=NOW + DAY) == (0, 1, 1)
    assert add(engine, grown) == (0, 0, 1)
    assert listed(engine) == [(plage, 1, NOW), (grown, 2, NOW + DAY)]
    # Back again is a change as well.
    assert add(engine, REGION) == (0, 1, 0)
    assert [revision for _, revision, _ in listed(engine)] == [1, 3]


def test_two_sources_do_not_revise_each_other(engine):
    text = replace(REGION, source="srs", longitude_deg=21)
    assert add(engine, REGION, text) == (2, 0, 0)
    assert [(r.source, revision) for r, revision, _ in listed(engine)] == [("srs", 1), ("swpc", 1)]


def test_of_one_region_twice_in_one_file_the_last_counts_and_nothing_at_all_is_no_error(engine):
    assert add(engine) == (0, 0, 0)
    assert add(engine, REGION, replace(REGION, area=1)) == (1, 0, 0)
    assert [r.area for r, _, _ in listed(engine)] == [1]


def test_ranges_are_half_open(engine):
    days = [replace(REGION, valid_at=MIDNIGHT + k * DAY) for k in range(4)]
    add(engine, *days)
    found = listed(engine, since=MIDNIGHT + DAY, until=MIDNIGHT + 3 * DAY)
    assert [r.valid_at for r, _, _ in found] == [MIDNIGHT + DAY, MIDNIGHT + 2 * DAY]


def test_a_source_without_end_is_an_error(engine):
    with pytest.raises(InputError, match="too long"):
        add(engine, replace(REGION, source="s" * 65))


def test_a_position_that_is_nowhere_is_refused(engine):
    with pytest.raises(StoreError, match="latitude"):
        add(engine, replace(REGION, latitude_deg=91))
