"""What there is of history, and how far it moved."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from support import slots as rows
from support.calibrators import calibrator

from flaremon import store
from flaremon.backfill import Chunk, make_grid
from flaremon.backfill.reconciling import LeftOut, left_out, moves, seen_live
from flaremon.calibration import save
from flaremon.coverage import Gap, cover, draw_calendar, is_of_files
from flaremon.coverage.days import in_eclipse_season
from flaremon.database import open_engine, session_scope, upgrade
from flaremon.domain import ActivityLevel, RejectionReason
from flaremon.errors import InputError
from flaremon.store import Miss, MissReason, SlotRange

NOW = datetime(2026, 11, 24, tzinfo=UTC)


class Package:
    """What coverage asks of a package."""

    id = rows.MODEL
    events = tuple(type("Spec", (), {"event": event}) for event in rows.EVENTS)


@pytest.fixture
def engine(tmp_path):
    url = f"sqlite:///{tmp_path / 'flaremon.db'}"
    upgrade(url)
    engine = open_engine(url)
    yield engine
    engine.dispose()


def fill(engine, records, outcomes, misses=()):
    with session_scope(engine) as session:
        rows.register(session)
        store.add_records(session, records, **rows.LISTING)
        store.add_outcomes(session, outcomes)
        store.add_misses(session, misses, seen_at=NOW, run_id="test")


def february(days=2):
    start = datetime(2026, 2, 1, tzinfo=UTC) - timedelta(seconds=37)
    return make_grid(rows.NRT, start, start + timedelta(days=days), now=NOW)


def test_every_expected_slot_is_counted_once_with_the_best_reason_known(engine):
    records = [rows.record(n) for n in range(5)]
    records[2] = rows.record(2, quality=0x80000000, t_obs=None, geometry=None)
    both = [rows.prediction(records[0], event) for event in rows.EVENTS]
    away = [(10, MissReason.OUTAGE), (11, MissReason.NO_RECORD), (12, MissReason.OFF_LINE),
            (0, MissReason.FAILED)]  # fmt: skip
    fill(
        engine,
        records,
        [*both, rows.prediction(records[4]), rows.rejection(records[2]),
         rows.rejection(records[3], reason=RejectionReason.CONSTANT)],
        [Miss(key=rows.record(n).key, reason=reason, detail="x") for n, reason in away],
    )  # fmt: skip
    with session_scope(engine) as session:
        first, second = cover(session, february(), Package)
    assert first.as_json() == {
        "day": "2026-02-01",
        "expected": 120,
        "predicted": 1,
        "rejected": 2,
        "missing": 117,
        "rejected_by_reason": {"constant": 1, "no-image": 1},
        "missing_by_reason": {
            "no-record": 1, "not-tried": 112, "off-line": 1, "outage": 1, "waiting": 2,
        },
    }  # fmt: skip
    assert second.missing == {Gap.NOT_TRIED: 120}


def test_of_files_the_days_with_any_are_shown_and_nothing_between_them_is_missing(engine):
    files = [rows.record(n, series="file.jpg", segment_path=None) for n in (0, 7, 300, 301)]
    fill(
        engine,
        files,
        [*(rows.prediction(files[0], event) for event in rows.EVENTS),
         rows.prediction(files[1]), rows.rejection(files[2])],
    )  # fmt: skip
    assert is_of_files("file.jpg")
    assert not is_of_files(rows.NRT)
    asked = SlotRange(
        series="file.jpg", low="2026.02.01_00:00:00_TAI", high="2026.02.05_00:00:00_TAI"
    )
    with session_scope(engine) as session:
        days = cover(session, asked, Package)
        nothing = cover(session, replace(asked, high=asked.low), Package)
    assert [(day.day, day.expected, day.predicted) for day in days] == [
        ("2026-02-01", 2, 1),
        ("2026-02-03", 2, 0),
    ]
    assert (days[0].missing, days[1].missing) == ({Gap.WAITING: 1}, {Gap.WAITING: 1})
    assert days[1].rejected.total() == 1
    assert nothing == []


def test_a_slot_without_record_at_an_hour_of_eclipses_says_so():
    assert in_eclipse_season("2026.03.10_06:48:00_TAI")
    assert in_eclipse_season("2026.09.25_07:00:00_TAI")
    assert not in_eclipse_season("2026.03.10_12:00:00_TAI")
    assert not in_eclipse_season("2026.06.10_06:48:00_TAI")


def test_a_calendar_is_drawn_and_nothing_else(engine, tmp_path):
    records = [rows.record(n) for n in range(120)]
    outcomes = [rows.prediction(r, event) for r in records[:80] for event in rows.EVENTS]
    outcomes += [rows.rejection(r) for r in records[80:]]
    miss = Miss(key=rows.record(130).key, reason=MissReason.OUTAGE, detail="x")
    fill(engine, records, outcomes, [miss])
    with session_scope(engine) as session:
        days = cover(session, february(40), Package)
    draw_calendar(days, tmp_path / "coverage.png", title="hmi.M_720s_nrt, tiny")
    assert (tmp_path / "coverage.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "coverage.png").stat().st_size > 10_000
    with pytest.raises(InputError, match="cannot be drawn"):
        draw_calendar(days, tmp_path / "coverage.doc", title="x")
    with pytest.raises(InputError, match="no day"):
        draw_calendar([], tmp_path / "coverage.png", title="x")


def test_days_that_a_month_does_not_have_are_blank_in_the_calendar(engine, tmp_path):
    from matplotlib.image import imread  # noqa: PLC0415 - of this test only

    with session_scope(engine) as session:
        days = cover(session, february(28), Package)
    draw_calendar(days, tmp_path / "february.png", title="x")
    picture = imread(tmp_path / "february.png")[..., :3]
    row = picture[int(120 * (0.65 + 0.13))]  # the middle of the only month, at 120 dpi
    inner = 10.0 - 0.85 - 1.0
    colours = [row[int(120 * (0.85 + inner * (day - 0.5) / 31))] for day in (28, 29, 30, 31)]
    assert (colours[0] < 1).any()
    assert all((colour == 1).all() for colour in colours[1:])


def test_only_slots_that_were_scored_live_are_reconciled_and_moves_are_summed_up(engine):
    live = [rows.record(n) for n in range(3)]
    final = [rows.record(n, series=rows.DEFINITIVE) for n in range(2)]
    fill(
        engine,
        live + final,
        [
            *(rows.prediction(r, e, probability=0.2) for r in live for e in rows.EVENTS),
            rows.prediction(final[0], probability=0.4),
            rows.prediction(final[1], probability=0.1),
        ],
    )
    grid = february(1)
    chunk = Chunk(
        series=rows.DEFINITIVE,
        day="2026.02.01",
        labels=("2026.02.01_00:36:00_TAI", "2026.02.01_00:24:00_TAI"),
    )
    with session_scope(engine) as session:
        kept = seen_live(session, [chunk], grid.slots, packages=[Package])
        found = moves(store.pairs(session, grid.slots, other=rows.DEFINITIVE, model=rows.MODEL))
    assert [c.labels for c in kept] == [("2026.02.01_00:24:00_TAI",)]
    (move,) = found
    assert (move.event, move.slots, move.to_flare, move.to_no_flare) == ("M1+/24h", 2, 1, 0)
    assert move.mean == pytest.approx(0.05)
    assert move.mean_size == pytest.approx(0.15)
    assert move.largest == pytest.approx(0.2)


def test_pairs_that_differ_by_more_than_the_record_are_counted_and_not_compared(database_url):
    knew = {"activity": ActivityLevel.QUIET, "activity_source": "swpc as of 2026-02-01T00:00:00Z"}
    alone = {"activity": ActivityLevel.UNKNOWN}
    item = calibrator(model=str(rows.MODEL), weights_sha256="ab" * 32)
    by_it = {**knew, "calibrator": item.id, "raw_probability": 0.3}
    sides = [(knew, knew), (alone, alone), (alone, knew), (knew, by_it), (alone, by_it), ({}, {})]
    upgrade(database_url)
    engine = open_engine(database_url)
    live = [rows.record(n) for n in range(len(sides))]
    final = [rows.record(n, series=rows.DEFINITIVE) for n in range(len(sides))]
    with session_scope(engine) as session:
        rows.register(session)
        save(session, item, now=NOW)
    fill(
        engine,
        live + final,
        [
            rows.prediction(record, probability=probability, **side[which])
            for which, records, probability in ((0, live, 0.2), (1, final, 0.25))
            for record, side in zip(records, sides, strict=True)
        ],
    )
    with session_scope(engine) as session:
        both = list(
            store.pairs(session, february(1).slots, other=rows.DEFINITIVE, model=rows.MODEL)
        )
    engine.dispose()
    (move,) = moves(both)
    assert (move.slots, move.mean) == (3, pytest.approx(0.05))
    assert left_out(both) == LeftOut(recent_flares=2, calibrator=1)
