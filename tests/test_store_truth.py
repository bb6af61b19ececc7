"""Flares with their revisions, and X-ray samples, on both databases."""

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from support.slots import contents
from support.swpc import NOW

from flaremon import migrations
from flaremon.database import check_schema, open_engine, session_scope, upgrade
from flaremon.domain import ClassScale, Flare, FlareClass, XrayState
from flaremon.errors import InputError, StoreError
from flaremon.store import add_flares, add_xray, flare_history, flares, latest_xray

M1 = timedelta(minutes=1)
DAY = timedelta(days=1)
ROOT = Path(__file__).resolve().parent.parent
AUTOMATIC = Flare(
    start=NOW,
    peak=NOW + 9 * M1,
    end=NOW + 20 * M1,
    flare_class=FlareClass("M", 9.9),
    peak_flux_w_m2=9.95e-5,
    source="xray-flares-7-day",
    satellite="G18",
    class_scale=ClassScale.TRUE_FLUX,
    edited=False,
)
EDITED = replace(
    AUTOMATIC,
    flare_class=FlareClass("X", 1.0),
    peak_flux_w_m2=1e-4,
    noaa_ar=14366,
    source="edited_events",
    edited=True,
)
RISING = replace(AUTOMATIC, peak=None, end=None, flare_class=None, peak_flux_w_m2=None)


@pytest.fixture
def session(engine):
    with session_scope(engine) as session:
        yield session


def add(session, *items, days=0, catalog="swpc"):
    seen_at = NOW + days * DAY
    added = add_flares(session, items, catalog=catalog, seen_at=seen_at, run_id="test")
    return added.new, added.revised, added.unchanged


def current(session, **arguments):
    return [item.flare for item in flares(session, **arguments)]


def test_what_is_stored_comes_back_and_the_same_again_changes_nothing(session):
    assert add(session, EDITED) == (1, 0, 0)
    assert current(session) == [EDITED]
    assert add(session, EDITED, days=1) == (0, 0, 1)
    (item,) = flares(session)
    assert (item.catalog, item.revision, item.seen_at) == ("swpc", 1, NOW)


def test_a_flare_revised_from_m_to_x_keeps_what_was_known_before(session):
    add(session, AUTOMATIC)
    assert add(session, EDITED, days=2) == (0, 1, 0)
    assert current(session) == [EDITED]
    assert current(session, at=NOW + DAY) == [AUTOMATIC]
    assert current(session, at=NOW + 2 * DAY) == [EDITED]
    assert current(session, at=NOW - DAY) == []
    (history,) = flare_history(session, NOW, catalog="swpc")
    assert [(i.revision, str(i.flare.flare_class), i.flare.noaa_ar) for i in history] == [
        (1, "M9.9", None),
        (2, "X1", 14366),
    ]


def test_an_automatic_report_does_not_take_back_what_was_edited(session):
    add(session, AUTOMATIC)
    add(session, EDITED, days=1)
    # The 7-day list keeps on saying what it said.
    assert add(session, AUTOMATIC, days=2) == (0, 0, 1)
    assert current(session) == [EDITED]


def test_a_flare_is_followed_from_its_rise_to_its_end(session):
    shifted = replace(AUTOMATIC, start=NOW + 2 * M1, end=None)
    assert add(session, RISING) == (1, 0, 0)
    assert add(session, shifted) == (0, 1, 0)
    assert add(session, replace(shifted, end=NOW + 20 * M1)) == (0, 1, 0)
    assert add(session, replace(EDITED, start=NOW - M1, peak=NOW + 10 * M1), days=1) == (0, 1, 0)
    (flare,) = current(session)
    assert (flare.start, str(flare.flare_class)) == (NOW - M1, "X1")


@pytest.mark.parametrize("minutes", [-30, -5, 3, 7])
def test_an_edited_report_with_another_start_is_of_the_flare_with_that_maximum(session, minutes):
    add(session, AUTOMATIC)
    moved = replace(EDITED, start=NOW + minutes * M1, peak=NOW + 10 * M1)
    assert add(session, moved, days=1) == (0, 1, 0)
    # The 7-day list still has the old start; it makes no second flare of it.
    assert add(session, AUTOMATIC, days=2) == (0, 0, 1)
    assert current(session) == [moved]


@pytest.mark.parametrize("minutes", [-8, 0, 3])
def test_a_rise_that_is_dated_anew_leaves_no_flare_that_never_ends(session, minutes):
    add(session, RISING)
    later = replace(AUTOMATIC, start=NOW + minutes * M1)
    assert add(session, later) == (0, 1, 0)
    assert current(session) == [later]


def test_a_flare_after_another_is_not_taken_for_it(session):
    add(session, EDITED)
    second = replace(AUTOMATIC, start=NOW + 30 * M1, peak=NOW + 40 * M1, end=None)
    assert add(session, second) == (1, 0, 0)
    assert add(session, replace(RISING, start=NOW + 60 * M1)) == (1, 0, 0)
    assert len(current(session)) == 3


def test_what_a_report_leaves_out_stays_known(session):
    add(session, EDITED)
    sparse = replace(EDITED, noaa_ar=None, location="", peak=None, flare_class=FlareClass("X", 1.1))
    assert add(session, sparse, days=1) == (0, 1, 0)
    (flare,) = current(session)
    assert (flare.noaa_ar, flare.peak, str(flare.flare_class)) == (14366, EDITED.peak, "X1.1")


@pytest.mark.parametrize(
    "change",
    [
        {"flare_class": FlareClass("X", 1.2)},
        {"noaa_ar": 14370},
        {"peak": NOW + 10 * M1},
        {"end": NOW + 30 * M1},
        {"start": NOW + M1},
        {"location": "N10W20"},
    ],
)
def test_a_changed_fact_is_a_revision(session, change):
    add(session, EDITED)
    assert add(session, replace(EDITED, **change), days=1) == (0, 1, 0)
    assert current(session) == [replace(EDITED, **change)]


def test_a_flux_with_other_digits_is_no_revision(session):
    add(session, EDITED)
    assert add(session, replace(EDITED, peak_flux_w_m2=1.04e-4)) == (0, 0, 1)


def test_lists_do_not_mix(session):
    add(session, AUTOMATIC)
    assert add(session, EDITED, catalog="other") == (1, 0, 0)
    assert current(session, catalog="swpc") == [AUTOMATIC]
    assert len(current(session)) == 2


def test_two_flares_of_one_minute_stay_two_however_often_they_are_stored(session):
    other = replace(EDITED, peak=NOW + 40 * M1, end=NOW + 50 * M1)
    assert add(session, EDITED, other) == (2, 0, 0)
    assert add(session, other, EDITED) == (0, 0, 2)
    assert add(session, replace(other, noaa_ar=14400), EDITED) == (0, 1, 1)


def test_another_satellite_of_a_later_reply_makes_no_second_flare(session):
    add(session, EDITED)
    seen_by_another = replace(EDITED, start=NOW + M1, peak=NOW + 10 * M1, satellite="G19")
    assert add(session, seen_by_another) == (0, 1, 0)


def test_ranges_are_half_open_and_classes_are_from_here_on(session):
    sizes = ("C9.9", "M1.0", "X1.0")
    items = [
        replace(EDITED, start=NOW + k * DAY, peak=None, end=None, flare_class=FlareClass.parse(s))
        for k, s in enumerate(sizes)
    ]
    add(session, *items)
    assert current(session, since=NOW, until=NOW + 2 * DAY) == items[:2]
    assert current(session, at_least=FlareClass.parse("M1")) == items[1:]


def test_a_flare_whose_class_is_not_known_yet_is_never_left_out_by_class(session):
    add(session, RISING)
    assert current(session, at_least=FlareClass.parse("X1")) == [RISING]


def test_no_flares_are_no_work_and_a_list_needs_a_name(session):
    assert add(session) == (0, 0, 0)
    for name in ("", "x" * 65):
        with pytest.raises(InputError, match="cannot name a flare list"):
            add(session, EDITED, catalog=name)


@pytest.mark.parametrize(
    ("change", "promise"),
    [
        ({"peak": NOW - M1}, "peak_is_not_before_start"),
        ({"end": NOW - M1}, "end_is_not_before_start"),
        ({"peak_flux_w_m2": 0.0}, "flux_is_possible"),
        ({"peak_flux_w_m2": float("inf")}, "flux_is_possible"),
    ],
)
def test_impossible_flares_are_refused_whole(engine, change, promise):
    bad = replace(EDITED, start=NOW, **change)
    with pytest.raises(StoreError, match=promise), session_scope(engine) as session:
        add(session, replace(EDITED, start=NOW - DAY, peak=None), bad)
    with session_scope(engine) as session:
        assert current(session) == []


def test_text_that_is_damaged_is_stored_readable(session):
    add(session, replace(EDITED, location="N\0\ud800"))
    assert current(session)[0].location == "N\ufffd?"


# --- X-rays ----------------------------------------------------------------------------------


def state(minute, flux=1e-6, **changes):
    values = {"satellite": "G18", "contaminated": False} | changes
    return XrayState(observed_at=NOW + minute * M1, flux_w_m2=flux, **values)


def xray(session, *states):
    return add_xray(session, states, seen_at=NOW, run_id="test")


def test_samples_are_stored_once_and_the_first_stands(session):
    assert xray(session, state(0), state(1)) == 2
    assert xray(session, state(1, 2e-6), state(2), state(1, satellite="G19")) == 2
    assert latest_xray(session) == state(2)
    assert latest_xray(session, at=NOW + 1.5 * M1) == state(1, satellite="G19")
    assert latest_xray(session, at=NOW - M1) is None


def test_the_state_now_is_not_told_from_a_contaminated_sample(session):
    xray(session, state(0, contaminated=None), state(1, contaminated=True))
    assert latest_xray(session) == state(0, contaminated=None)


@pytest.mark.parametrize("flux", [0.0, -1e-7, float("nan"), float("inf")])
def test_a_flux_that_cannot_be_is_refused(engine, flux):
    with pytest.raises(StoreError), session_scope(engine) as session:
        xray(session, state(0, flux))


# --- the migration, and others who write -------------------------------------------------------


@pytest.mark.parametrize("older", migrations.revisions()[:-1])
def test_rows_of_older_versions_survive_the_upgrade(database_url, monkeypatch, older):
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "revisions", lambda: ("0001", older))
        patch.setattr(migrations, "run", lambda connection: _run_to(connection, older))
        assert upgrade(database_url) == older
    engine = open_engine(database_url)
    with session_scope(engine) as session:
        session.execute(text(OLD_MODEL), {"sha256": "0" * 64})
        before = session.execute(text("SELECT name, events, registered_at FROM models")).all()
    assert len(before) == 1
    assert upgrade(database_url) == migrations.revisions()[-1]
    check_schema(engine)
    with session_scope(engine) as session:
        after = session.execute(text("SELECT name, events, registered_at FROM models")).all()
        assert after == before
        assert add(session, EDITED) == (1, 0, 0)
    assert len(contents(engine)["flare_revisions"]) == 1
    engine.dispose()


OLD_MODEL = """
    INSERT INTO models (name, version, weights_sha256, events, registered_at) VALUES
    ('old', '1.0.0', :sha256, '["M1+/24h"]', '2026-01-01 00:00:00')
"""


def _run_to(connection, revision):
    from alembic import command  # noqa: PLC0415 - as flaremon.migrations does it
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(ROOT / "flaremon" / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


WRITER = """
import sys
from dataclasses import replace
from datetime import timedelta
sys.path[:0] = ["tests"]
from test_store_truth import DAY, EDITED, NOW
from flaremon.database import open_engine, session_scope
from flaremon.store import add_flares
engine = open_engine(sys.argv[1], busy_timeout_s=60)
for k in range(10):
    some = [replace(EDITED, start=NOW + n * DAY, peak=None, end=None) for n in range(k, k + 10)]
    with session_scope(engine) as session:
        add_flares(session, some, catalog="swpc", seen_at=NOW, run_id="test")
"""


def test_two_processes_that_store_the_same_flares_make_each_once(database_url, engine):
    command = [sys.executable, "-c", WRITER, database_url]
    writers = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) for _ in range(3)]
    said = [writer.communicate()[1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * 3, said
    with session_scope(engine) as session:
        found = current(session)
    assert [flare.start for flare in found] == [NOW + n * DAY for n in range(19)]
