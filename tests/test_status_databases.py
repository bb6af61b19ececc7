"""What `status` and `explain` ask of the store is answered alike on SQLite and PostgreSQL."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from support import rows, sky

from flaremon import store
from flaremon.database import session_scope
from flaremon.domain import FlareClass
from flaremon.receipts import find_key, make_receipt
from flaremon.status import Question, facts_as_json, find_changes, gather

NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_all_facts_changes_and_receipts_come_from_either_database(engine):
    records = [rows.record(NOW - 70 * MINUTE - k * 12 * MINUTE) for k in range(5)]
    said = [
        rows.prediction(rec, event, probability=0.2 if k < 3 else 0.4)
        for k, rec in enumerate(records)
        for event in rows.EVENTS
    ]
    rows.store_all(engine, records, said)
    rising = sky.flare(NOW - 18 * MINUTE, minutes=None)
    sky.see(
        engine,
        seen_at=NOW - MINUTE,
        flares=[sky.flare(NOW - 30 * HOUR, "M1.2"), sky.flare(NOW - 3 * HOUR, "C3.1"), rising],
        states=[
            *sky.xrays(NOW - 9 * MINUTE, [1e-6, 3.1e-5, 2e-6]),
            *sky.xrays(NOW - 5 * MINUTE, [9e-5], contaminated=True),
        ],
        periods=[sky.covered(NOW - 40 * DAY, NOW - MINUTE)],
    )
    # A revision that names its region.
    sky.see(engine, seen_at=NOW, flares=[replace(rising, noaa_ar=14366)])
    question = Question(
        model=rows.MODEL,
        events=rows.EVENTS,
        watched=(FlareClass("M", 1.0),),
        series="hmi.M_720s_nrt",
        catalog="swpc",
        now=NOW,
        stale_after=3 * HOUR,
    )
    with session_scope(engine) as session:
        facts = gather(session, question)
        told = facts_as_json(facts)
        changes = find_changes(session, question, facts)
        receipt = make_receipt(session, find_key(session, str(records[0].key)), catalog="swpc")
        near = store.nearest_keys(session, NOW, series="hmi.M_720s_nrt", limit=2)
    assert (told["goes"]["class"], told["goes"]["age_s"]) == ("C2", 540)
    assert told["goes"]["contaminated_since"] is True
    assert told["goes"]["in_progress"]["peak"] == "M3.1"
    assert told["goes"]["in_progress"]["noaa_ar"] == 14366
    assert told["goes"]["last_flare"]["class"] == "C3.1"
    (outlook,) = told["outlook"]
    assert outlook["climatology"]["probability"] == pytest.approx(1 / 30, abs=0.01)
    assert outlook["persistence"]["state"] == "unknown"  # the rising one may be the second
    assert facts.exit_code == 1
    since = [(change.since, change.predictions) for _, change in changes.cnn]
    assert since == [(NOW - 24 * MINUTE, 3)] * 2
    assert [answer["event"] for answer in receipt["answers"]] == ["M1+/24h", "C1+/now"]
    assert near == [records[0].key, records[1].key]
