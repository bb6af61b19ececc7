"""Recent activity, baselines and forecasts of others, by the stored flare list."""

import shutil
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from support import slots
from support.truths import (
    C_NOW,
    DAY,
    M_24H,
    MIN,
    NOTE,
    SOMEBODY,
    T0,
    X_24H,
    H,
    empty_database,
    flare,
    forecast,
    gap,
    list_flares,
    open_database,
    period,
    speak,
)

from flaremon import store
from flaremon.database import session_scope, upgrade
from flaremon.domain import ActivityLevel, ClassScale, ForecasterKind, Mode, ModelId
from flaremon.errors import InputError, StoreError
from flaremon.truth import (
    PERSISTENCE,
    TRAILING_CLIMATOLOGY,
    import_forecasts,
    issue_baselines,
    keep_baselines,
    recent_activity,
)

THEM = ModelId("alexnet-gsu", "1.0.0")


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return empty_database(tmp_path_factory.mktemp("template"))


@pytest.fixture
def engine(template, tmp_path):
    file = shutil.copy(template, tmp_path)
    with open_database(f"sqlite:///{file}") as engine:
        yield engine


@pytest.fixture
def session(engine):
    with session_scope(engine) as session:
        yield session


def activity(session, *hours):
    return recent_activity(session, [T0 + h * H for h in hours], catalog="swpc")


def test_activity_is_what_started_in_the_72_hours_up_to_the_observation_and_never_later(session):
    list_flares(
        session, period(-200, 200), flare(-72), flare(-71, "X1.0"), flare(-30, "B9.9"),
        flare(-24, "C2.0"), flare(0, "C5.0"), flare(0.1, "M5.0"),
    )  # fmt: skip
    (known,) = activity(session, 0)
    assert [(start, f"{flux:.1e}") for start, flux in known.flares] == [
        (T0 - 71 * H, "1.0e-04"),
        (T0 - 24 * H, "2.0e-06"),
        (T0, "5.0e-06"),
    ]
    assert known.until == T0
    assert known.source == "swpc as of 2026-02-11T00:00:00Z"
    assert known.count(C_NOW.threshold, within=DAY) == 1  # (t - 24 h, t]
    assert known.level(C_NOW) is ActivityLevel.ACTIVE
    assert known.level(M_24H) is ActivityLevel.QUIET


def test_activity_of_many_times_is_in_their_order_whatever_that_is(session):
    list_flares(session, period(-200, 200), flare(10))
    found = activity(session, 11, 0, 83)
    assert [len(item.flares) for item in found] == [1, 0, 0]
    assert [item.until for item in found] == [T0 + h * H for h in (11, 0, 83)]
    assert recent_activity(session, [], catalog="swpc") == []


@pytest.mark.parametrize(
    "listed",
    [
        pytest.param([], id="no list"),
        pytest.param([flare(-3)], id="a list that answers for nothing"),
        pytest.param([period(-71, 100)], id="begins too late"),
        pytest.param([period(-100, -1)], id="ends before the observation"),
        pytest.param([period(-100, 100, size="M1")], id="M flares only"),
        pytest.param([period(-100, 100), gap(-50, -49)], id="gap"),
        pytest.param([period(-100, 100), flare(-7, None, edited=False)], id="never got a class"),
    ],
)
def test_activity_is_unknown_and_not_quiet_where_the_list_does_not_answer(session, listed):
    list_flares(session, *listed)
    assert activity(session, 0) == [None]


def test_activity_is_known_again_once_gap_and_unclassed_flare_are_out_of_reach(session):
    list_flares(session, period(-100, 100), gap(-50, -49), flare(1, None, edited=False))
    assert [item is not None for item in activity(session, 22.9, 23.1)] == [False, False]
    list_flares(session, flare(1, "M1.0"), seen_at=T0 + 11 * DAY)
    assert [item is not None for item in activity(session, 22.9, 23.1)] == [False, True]


def test_a_flare_in_progress_without_a_class_does_not_hide_those_before_it(session):
    list_flares(
        session, period(-100, 100), flare(-30, "M2.0"), flare(-9, "C3.0"),
        flare(-3.5, None, edited=False),
    )  # fmt: skip
    before, known, too_long = activity(session, -4, 0, 3)
    assert [len(item.flares) for item in (before, known)] == [2, 2]
    assert (before.unclassed, known.unclassed) == ((), (T0 - 3.5 * H,))
    # It may be an M flare; that the last day had a C flare is certain all the same.
    assert before.level(M_24H) is ActivityLevel.QUIET
    assert known.level(M_24H) is ActivityLevel.UNKNOWN
    assert known.level(C_NOW) is ActivityLevel.ACTIVE
    assert too_long is None  # flares do not last that long: the list lacks something


def test_activity_is_on_the_scale_of_true_flux(session):
    start = datetime(2019, 12, 1, tzinfo=UTC)
    hours = (start - T0) / H
    old = ClassScale.of_operational(start)
    list_flares(
        session, period(hours - 100, hours + 10), flare(0, "M0.7", start=start, class_scale=old)
    )
    (known,) = activity(session, hours + 1)
    assert known.level(M_24H) is ActivityLevel.ACTIVE


def baselines(session, *hours, events=(M_24H,), now=T0 + 100 * H, mode=Mode.LIVE):
    return issue_baselines(
        session,
        times=[T0 + h * H for h in hours],
        events=events,
        now=now,
        catalog="swpc",
        mode=mode,
        run_id="test",
    )


def said(session, who, event=M_24H):
    return {
        (item.window.start - T0) / H: item.probability
        for item in store.forecasts(session, event=event, forecaster=who)
    }


def test_baselines_are_stored_like_any_forecast_and_the_first_stands(session):
    list_flares(session, period(-33 * 24, 200), flare(-2), flare(10, "X2.0"))
    assert baselines(session, 0, 23, events=(M_24H, X_24H)) == 8
    assert said(session, PERSISTENCE) == {0: 1.0, 23: 1.0}
    assert said(session, PERSISTENCE, X_24H) == {0: 0.0, 23: 1.0}
    # Windows of the 30 days before that were over and saw the flare: those of one hour.
    share = said(session, TRAILING_CLIMATOLOGY)
    assert share[0] == pytest.approx(2 / (30 * 24), rel=0.1)
    assert share[23] == pytest.approx(24 / (30 * 24), rel=0.1)
    (first, *_) = store.forecasts(session, forecaster=PERSISTENCE)
    assert (first.threshold, first.mode, first.issued_at) == (0.5, Mode.LIVE, T0 + 100 * H)
    assert first.source == "swpc as of 2026-02-11T00:00:00Z"
    (climatology, *_) = store.forecasts(session, forecaster=TRAILING_CLIMATOLOGY)
    assert climatology.threshold is None
    # A flare that the list has later changes nothing that was said.
    list_flares(session, flare(-20 * 24), flare(22, "X9.0"), seen_at=T0 + 11 * DAY)
    assert baselines(session, 0, 23) == 0
    assert said(session, TRAILING_CLIMATOLOGY) == share
    kinds = {str(who): kind for who, kind, _ in store.forecasters(session)}
    assert kinds == {
        "persistence@1.0.0": ForecasterKind.BASELINE,
        "trailing-climatology@1.0.0": ForecasterKind.BASELINE,
    }


def test_baselines_do_not_look_beyond_the_start_of_the_window(session):
    list_flares(session, period(-33 * 24, 200), flare(0), flare(1 / 60))
    baselines(session, 0)
    with_late = said(session, PERSISTENCE), said(session, TRAILING_CLIMATOLOGY)
    assert with_late[0] == {0: 1.0}  # the flare at the very start has happened
    baselines(session, -1 / 60)
    assert said(session, PERSISTENCE)[-1 / 60] == 0.0


def test_where_the_past_is_unknown_no_baseline_is_stored(session):
    assert baselines(session, 0) == 0
    list_flares(session, period(-10 * 24, 200), gap(100, 101), flare(-3))
    # Ten days are not enough for a climatology of thirty.
    assert baselines(session, 0, 110) == 1
    assert said(session, PERSISTENCE) == {0: 1.0}
    assert baselines(session, 1000) == 0  # far beyond what the list has been read for


def test_persistence_of_events_in_progress_is_the_share_of_the_last_day(session):
    list_flares(session, period(-40 * 24, 200), flare(-5, "C5.0", end=T0 - 3 * H))
    baselines(session, 0, events=(C_NOW,))
    assert said(session, PERSISTENCE, C_NOW)[0] == pytest.approx(2 / 24, abs=0.01)


def test_a_run_stores_baselines_for_what_it_predicted_and_for_the_hour(engine):
    live = slots.prediction(slots.record(100), M_24H)
    late = slots.prediction(slots.record(10), M_24H, mode=Mode.HINDCAST)
    now = live.t_obs + 40 * MIN
    with session_scope(engine) as session:
        list_flares(session, period(-40 * 24, 200), flare(-3))

    def keep(*predictions):
        return keep_baselines(
            predictions, engine, events=[M_24H], catalog="swpc", now=now, run_id="test"
        )

    # Without a magnetogram there is the hour.
    assert keep() == 2
    assert keep(live, late) == 4
    assert keep(live, late) == 0
    with session_scope(engine) as session:
        found = {f.window.start: f.mode for f in store.forecasts(session, forecaster=PERSISTENCE)}
    hour = now.replace(minute=0, second=0)
    assert found == {live.t_obs: Mode.LIVE, late.t_obs: Mode.HINDCAST, hour: Mode.LIVE}


def write(path, rows, header="time_utc,probability"):
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def take(session, path, event=M_24H):
    return import_forecasts(
        session, path, forecaster=THEM, event=event, now=T0 + 90 * DAY, run_id="test"
    )


def test_forecasts_of_others_are_imported_once_as_hindcasts(session, tmp_path):
    file = write(tmp_path / "fold1.csv", ["2026-02-01 00:00:00,0.125", "2026-02-01T01:00Z,0.5"])
    assert take(session, file) == (2, 2)
    assert take(session, file) == (2, 0)
    first, second = store.forecasts(session, forecaster=THEM)
    assert (first.window, first.probability) == (M_24H.window(T0), 0.125)
    assert (second.window.start, second.mode) == (T0 + H, Mode.HINDCAST)
    assert first.source.startswith("fold1.csv, SHA-256 ")
    more = write(tmp_path / "fold2.csv", ["2026-02-01T01:00Z,0.5", "2026-02-01T02:00Z,1"])
    assert take(session, more) == (2, 1)
    span = store.forecaster_spans(session)[THEM]
    assert span == (3, T0, T0 + 2 * H)


def test_another_word_about_the_same_window_is_refused(session, tmp_path):
    take(session, write(tmp_path / "a.csv", ["2026-02-01T00:00Z,0.125"]))
    other = write(tmp_path / "b.csv", ["2026-02-01T00:00Z,0.25"])
    with pytest.raises(InputError, match=r"b\.csv.*0\.25.*0\.125 is stored from a\.csv.*version"):
        take(session, other)


def test_a_file_of_several_models_is_refused(session, tmp_path):
    header = "t_obs,event,probability,threshold,mode,model"
    rows = [f"2026-02-01T00:00:00Z,M1+/24h,0.5,0.5,live,net@{k}.0.0" for k in (1, 2)]
    with pytest.raises(InputError, match="forecasts of 2"):
        take(session, write(tmp_path / "ours.csv", rows, header))


def test_a_forecaster_is_not_a_model_and_has_one_kind(session):
    slots.register(session)

    def register(who, kind):
        store.register_forecaster(session, forecaster=who, kind=kind, description="", now=T0)

    with pytest.raises(StoreError, match="is a model"):
        register(slots.MODEL, ForecasterKind.EXTERNAL)
    register(SOMEBODY, ForecasterKind.EXTERNAL)
    register(SOMEBODY, ForecasterKind.EXTERNAL)
    with pytest.raises(StoreError, match="registered as external and not as official"):
        register(SOMEBODY, ForecasterKind.OFFICIAL)
    with pytest.raises(StoreError, match="not registered"):
        store.add_forecasts(session, [forecast(T0, forecaster=THEM)], run_id="test")


def test_forecasts_come_back_as_they_were_stored_on_both_databases(database_url):
    upgrade(database_url)
    with open_database(database_url) as engine, session_scope(engine) as session:
        assert speak(session, 2, 1, 0) == 3
        assert speak(session, 0, 3) == 1
        full = forecast(T0 + 5 * H, X_24H, threshold=0.5, mode=Mode.HINDCAST, probability=1 / 3)
        assert store.add_forecasts(session, [full], run_id="test") == 1

        def hours(**arguments):
            return [(f.window.start - T0) / H for f in store.forecasts(session, **arguments)]

        assert hours() == [0, 1, 2, 3, 5]
        assert hours(newest_first=True) == [5, 3, 2, 1, 0]
        assert hours(since=T0 + H, until=T0 + 3 * H) == [1, 2]
        assert hours(event=X_24H) == hours(mode=Mode.HINDCAST) == [5]
        assert hours(forecaster=SOMEBODY, event=M_24H) == [0, 1, 2, 3]
        assert hours(forecaster=THEM) == []
        (back,) = store.forecasts(session, event=X_24H)
        assert back == full
        assert store.forecaster_spans(session) == {SOMEBODY: (5, T0, T0 + 5 * H)}
        # And the arrays that activity and baselines are made of.
        list_flares(session, period(-40 * 24, 200), flare(-3), flare(-30, "C2.0"))
        assert baselines(session, 0, events=(M_24H, C_NOW)) == 4
        (known,) = activity(session, 0)
        assert np.allclose([flux for _, flux in known.flares], [2e-6, 1e-5])
        assert NOTE["seen_at"] - T0 == timedelta(days=10)
