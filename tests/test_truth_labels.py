"""Outcomes from our tables are those of a second, simple script (issue 4)."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from support import plain_labels
from support.truths import SOMEBODY, forecast, open_database

from flaremon import store
from flaremon.database import session_scope
from flaremon.domain import FlareEvent, ForecasterKind
from flaremon.truth import decide

pytestmark = pytest.mark.realdata

EVENTS = ("M1+/24h", "C1+/24h", "C1+/now", "M1+/now")
MONTHS = {
    "2026-02": "the month of the recorded images; its list has no end times",
    "2024-05": "the busiest month",
    "2022-06": "a day is missing in it",
    "2019-12": "the scale of classes changes in it",
    "2014-10": "active, on the old scale",
}


def hours(month):
    start = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    t = start
    while t.month == start.month:
        yield t
        t += timedelta(hours=1)


def only_these_months(path, target):
    """Copy the rows that matter: importing all of sixteen years takes half a minute."""
    wanted = {
        f"{t + timedelta(days=days):%Y-%m-%d}"
        for month in MONTHS
        for t in hours(month)
        for days in (-1, 1)
    }
    with path.open() as whole, target.open("w") as part:
        part.write(next(whole))
        part.writelines(line for line in whole if line[:10] in wanted)
    return target


@pytest.fixture(scope="module")
def by_our_tables(tmp_path_factory, shared_data):
    """Import the list as a user does, ask about every hour, decide."""
    folder, labels = tmp_path_factory.mktemp("labels"), shared_data / "labels"
    file = only_these_months(labels / "flares.csv", folder / "flares.csv")
    shutil.copy(labels / "coverage.csv", folder)
    url = f"sqlite:///{folder / 'flaremon.db'}"
    # A fixture of the whole module runs before conftest cleans the environment for a test.
    clean = {name: text for name, text in os.environ.items() if not name.startswith("FLAREMON_")}
    subprocess.run(
        [sys.executable, "-m", "flaremon", "flares", "import", file],
        env={**clean, "FLAREMON_DATABASE_URL": url},
        check=True,
        timeout=200,
    )
    with open_database(url) as engine, session_scope(engine) as session:
        store.register_forecaster(
            session,
            forecaster=SOMEBODY,
            kind=ForecasterKind.EXTERNAL,
            description="asks",
            now=datetime.now(tz=UTC),
        )
        asked = (
            forecast(t, FlareEvent.parse(event))
            for month in MONTHS
            for event in EVENTS
            for t in hours(month)
        )
        store.add_forecasts(session, asked, run_id="test")
        now, lag = datetime(2026, 11, 1, tzinfo=UTC), timedelta(hours=24)
        assert not decide(session, now=now, catalog="flares", lag=lag, run_id="test").more
        found = store.event_outcomes(session, event=None, catalog="flares")
        return {(str(item.event), item.window.start): item.flare for item in found}


@pytest.fixture(scope="module")
def listed(shared_data):
    flares = plain_labels.read_flares(shared_data / "labels/flares.csv")
    last = max(start for start, _, _ in flares)
    return flares, plain_labels.read_coverage(shared_data / "labels/coverage.csv", last)


@pytest.mark.parametrize("month", MONTHS)
def test_every_hour_has_the_label_that_a_second_script_gives_it(month, by_our_tables, listed):
    flares, (periods, missing) = listed
    ends = max(end for _, end, _, _ in periods)
    times = list(hours(month))
    near = [f for f in flares if abs(f[0] - times[0]) < timedelta(days=40)]
    counts = {}
    for event in EVENTS:
        size, when = event[:2], event[4:]
        judge = plain_labels.in_progress if when == "now" else plain_labels.day_ahead
        theirs = {t: judge(near, periods, missing, t, size) for t in times}
        differ = [t for t in times if by_our_tables.get((event, t)) is not theirs[t]]
        assert differ == [], f"{event}: {len(differ)} of {len(times)} hours differ"
        # What has no outcome is pending, and nothing but what the list does not reach.
        pending = [t for t in times if (event, t) not in by_our_tables]
        assert all(when == "24h" and t + timedelta(hours=24) > ends for t in pending)
        counts[event] = dict(Counter(theirs.values())), len(pending)
    sys.stdout.write(f"\n{month}: all of {len(times)} hours agree; (labels, pending): {counts}\n")
    if month == "2026-02":
        assert counts["M1+/24h"][0].keys() >= {True, False}
        assert all(counts[event][0].keys() == {None} for event in ("C1+/now", "M1+/now"))
    if month == "2022-06":
        assert all(None in labels for labels, _ in counts.values())
