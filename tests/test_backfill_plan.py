"""Exact slots, and what is left of them."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from support import slots as rows

from flaremon import store
from flaremon.backfill import Chunk, make_grid, make_plan
from flaremon.backfill.plan import FILE_BYTES
from flaremon.backfill.reckoning import reckon, span
from flaremon.database import session_scope
from flaremon.domain import RecordKey
from flaremon.errors import InputError
from flaremon.store import Miss, MissReason
from flaremon.times import parse_utc, tai_label_to_utc

NOW = datetime(2026, 11, 24, tzinfo=UTC)
SERIES = "hmi.M_720s"


def grid(start: str, end: str, cadence_s: float | None = None, series: str = SERIES):
    return make_grid(series, parse_utc(start), parse_utc(end), cadence_s=cadence_s, now=NOW)


def test_a_day_in_tai_has_its_120_slots():
    labels = list(grid("2016.12.31_TAI", "2017.01.01_TAI").labels())
    assert len(labels) == 120
    assert labels[0] == "2016.12.31_00:00:00_TAI"
    assert labels[-1] == "2016.12.31_23:48:00_TAI"


def test_a_day_in_utc_takes_the_slots_whose_instants_are_in_it_across_a_leap_second():
    start, end = datetime(2016, 12, 31, tzinfo=UTC), datetime(2017, 1, 1, tzinfo=UTC)
    labels = list(grid("2016-12-31", "2017-01-01").labels())
    assert (labels[0], labels[-1]) == ("2016.12.31_00:12:00_TAI", "2017.01.01_00:00:00_TAI")
    assert all(start <= tai_label_to_utc(label) < end for label in (labels[0], labels[-1]))


@pytest.mark.parametrize(
    ("start", "end", "days"), [("2016", "2017", 366), ("2023", "2024", 365), ("2024", "2025", 366)]
)
def test_whole_years_have_all_their_slots(start, end, days):
    assert len(grid(start, end)) == days * 120
    assert len(grid(start, end, 3600)) == days * 24


def test_neighbouring_ranges_neither_overlap_nor_leave_a_gap():
    cuts = ["2016-12-30T11:07", "2016-12-31T23:59:24", "2017-01-01T00:00:01", "2017-01-02"]
    parts = [
        label for start, end in itertools.pairwise(cuts) for label in grid(start, end).labels()
    ]
    assert parts == list(grid(cuts[0], cuts[-1]).labels())


def test_an_hourly_grid_has_full_hours_whatever_it_begins_with():
    labels = list(grid("2024-05-01T03:17", "2024-05-01T06:00", 3600).labels())
    assert labels == ["2024.05.01_04:00:00_TAI", "2024.05.01_05:00:00_TAI",
                      "2024.05.01_06:00:00_TAI"]  # fmt: skip


def test_an_end_in_the_future_is_now():
    labels = list(grid("2026-11-23T23:00", "2027").labels())
    assert labels[-1] == "2026.11.24_00:00:00_TAI"


@pytest.mark.parametrize(
    ("start", "end", "cadence_s", "words"),
    [
        ("2024-05", "2024-05", None, "empty"),
        ("2027", "2028", None, "future"),
        ("2005", "2006", None, "HMI began"),
        ("2024", "2025", 1000, "does not fit"),
        ("2024-13", "2025", None, "is not a time"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused(start, end, cadence_s, words):
    with pytest.raises(InputError, match=words):
        grid(start, end, cadence_s)


class Package:
    """What a plan asks of a package."""

    id = rows.MODEL
    events = tuple(type("Spec", (), {"event": event}) for event in rows.EVENTS)


def test_the_plan_leaves_out_what_every_model_predicted_and_what_was_rejected(engine):
    records = [rows.record(n) for n in range(5)]
    newer = rows.record(3, recnum=9999)
    with session_scope(engine) as session:
        rows.register(session)
        store.add_records(session, records, **rows.LISTING)
        store.add_file(session, records[0].key, rows.stored_file(records[0]))
        store.add_outcomes(
            session,
            [
                *(rows.prediction(records[0], event) for event in rows.EVENTS),
                rows.prediction(records[1]),  # one event of two
                rows.rejection(records[2]),
                rows.rejection(records[3]),
            ],
        )
        store.add_records(session, [newer], **rows.LISTING)  # made anew: to be tried again
    found = make_grid(
        rows.NRT, parse_utc("2026.02.01_TAI"), parse_utc("2026.02.01_01:12_TAI"), now=NOW
    )
    with session_scope(engine) as session:
        plan = make_plan(session, found, packages=[Package])
        oldest = make_plan(session, found, packages=[Package], order="oldest")
    assert (plan.slots, plan.predicted, plan.rejected, plan.todo) == (6, 1, 1, 4)
    wanted = ["01:00", "00:48", "00:36", "00:12"]
    assert [label[11:16] for chunk in plan.chunks for label in chunk.labels] == wanted
    assert [label[11:16] for chunk in oldest.chunks for label in chunk.labels] == wanted[::-1]
    assert plan.file_bytes == 16_000_000
    assert plan.download_bytes == 4 * 16_000_000
    assert plan.minutes > 0


def test_a_plan_for_a_model_that_never_ran_is_everything_newest_day_first(engine):
    found = grid("2024-05-01", "2024-05-04", 3600)
    with session_scope(engine) as session:
        plan = make_plan(session, found, packages=[Package])
    assert plan.todo == plan.slots == 72
    assert next(chunk.day for chunk in plan.chunks) == "2024.05.04"
    assert plan.file_bytes == FILE_BYTES


def test_a_miss_keeps_its_newest_reason(engine):
    record = rows.record()
    miss = Miss(key=record.key, reason=MissReason.OUTAGE, detail="away")
    later = Miss(key=record.key, reason=MissReason.NO_RECORD, detail="none\0")
    with session_scope(engine) as session:
        for item in (miss, later, later):
            store.add_misses(session, [item], seen_at=NOW + timedelta(hours=1), run_id="test")
    found = make_grid(
        rows.NRT, parse_utc("2026.02.01_TAI"), parse_utc("2026.02.01_01:12_TAI"), now=NOW
    )
    with session_scope(engine) as session:
        assert {label: m.reason for label, m in store.misses(session, found.slots).items()} == {
            record.key.t_rec: MissReason.NO_RECORD
        }


def test_what_others_did_is_counted_by_what_the_database_holds(engine):
    records = [rows.record(n) for n in range(4)]
    began = NOW - timedelta(hours=1)
    label = "2026.02.01_01:{:02}:00_TAI".format
    with session_scope(engine) as session:
        rows.register(session)
        store.add_records(session, records, **rows.LISTING)
        store.add_file(session, records[0].key, rows.stored_file(records[0]))
        store.add_outcomes(
            session,
            [
                *(rows.prediction(records[0], event) for event in rows.EVENTS),
                rows.rejection(records[1]),
            ],
        )
        for k, (reason, hours) in enumerate(
            [(MissReason.NO_RECORD, 0), (MissReason.OFF_LINE, 0), (MissReason.OUTAGE, 9)]
        ):
            miss = Miss(key=RecordKey(series=rows.NRT, t_rec=label(12 * k)), reason=reason,
                        detail="")  # fmt: skip
            seen_at = NOW - timedelta(hours=hours)
            store.add_misses(session, [miss], seen_at=seen_at, run_id="test")
    labels = (*(record.key.t_rec for record in records[:3]), *map(label, (0, 12, 24)))
    days = [Chunk(series=rows.NRT, day="2026.02.01", labels=labels[::-1])]
    assert span(days) == store.SlotRange(
        series=rows.NRT, low="2026.02.01_00:00:00_TAI", high="2026.02.01_01:36:00_TAI"
    )
    with session_scope(engine) as session:
        tally = reckon(session, days, [Package], since=began)
    assert (tally.planned, tally.predicted, tally.absent, tally.not_tried) == (6, 1, 1, 2)
    assert tally.rejected == {rows.rejection(records[1]).reason: 1}
    assert [miss.reason for miss in tally.failures] == [MissReason.OFF_LINE]
    assert tally.new_rows == 3
