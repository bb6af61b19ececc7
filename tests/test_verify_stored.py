"""Verification of what is stored: forecasts and outcomes from the database, and in parts."""

import csv
import io
import json
import re
import shutil
from datetime import timedelta

import numpy as np
import pytest
from support import verified
from support.truths import T0, H, empty_database
from support.verified import CATALOG, M_DAY, MODEL, Stored

from flaremon import store
from flaremon.domain import ActivityLevel, FlareEvent, ForecasterKind, Mode, ModelId
from flaremon.errors import InputError
from flaremon.verify import Bootstrap, read_flares, read_forecasts, verify
from flaremon.verify.archive import Choice, in_force, stored_forecasts
from flaremon.verify.evidence import from_store
from flaremon.verify.forecasts import only
from flaremon.verify.labels import NO, UNKNOWN, YES, Coverage, FlareList, covered, label
from flaremon.verify.parts import by_activity, by_position
from flaremon.verify.pictures import draw
from flaremon.verify.sentence import bin_edges, reliability
from flaremon.verify.stored import instants, stored_flares

NONE = Bootstrap(repeats=0)
KNEW = {"activity": ActivityLevel.QUIET, "activity_source": "swpc as of 2026-02-01T00:00:00Z"}
ALONE = {"activity": ActivityLevel.UNKNOWN}


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    return empty_database(tmp_path_factory.mktemp("empty"))


@pytest.fixture
def world(empty, tmp_path):
    """An empty database."""
    shutil.copy(empty, tmp_path / "flaremon.db")
    with verified.opened(f"sqlite:///{tmp_path / 'flaremon.db'}") as world:
        yield world


@pytest.fixture
def both(database_url):
    """An empty database, in turn on SQLite and PostgreSQL."""
    with verified.opened(database_url) as world:
        yield world


@pytest.fixture(scope="module")
def year(tmp_path_factory):
    """A year of flares and eight months of forecasts, in files and in a database."""
    folder = tmp_path_factory.mktemp("year")
    with verified.opened(f"sqlite:///{folder / 'flaremon.db'}") as world:
        yield verified.a_year(world, folder)


# --- the flare list ---------------------------------------------------------------------------


def test_a_stored_list_has_true_fluxes_and_says_what_it_does_not_know(world: Stored):
    world.flare(0, "M1.0", location="N10W30")
    world.flare(5, None, end=None)
    world.flare(30, "C7.0", scale="swpc_operational_x0.7")
    world.period(-200, 100)
    world.gap(60, 61)
    found = world.read(lambda session: stored_flares(session, catalog=CATALOG))
    assert found.flux_w_m2[[0, 2]] == pytest.approx([1e-5, 1e-5])
    assert found.unclassed.tolist() == [False, True, False]
    assert found.location.tolist() == ["N10W30", "", ""]
    assert (found.catalog, str(found.as_of)[:10]) == (CATALOG, "2026-02-11")
    times = instants([T0 + hours * H for hours in (-1, 0, 6, 20, 35.5, 36.5, 62, 77)])
    expected = [YES, UNKNOWN, YES, YES, NO, UNKNOWN, NO, UNKNOWN]
    assert label(found, M_DAY, times).tolist() == expected


def test_nothing_outside_of_what_was_read_is_called_quiet(world: Stored):
    world.flare(10, "M1.0")
    world.period(0, 200)
    found = world.read(
        lambda session: stored_flares(
            session, catalog=CATALOG, since=T0 + 24 * H, until=T0 + 100 * H
        )
    )
    times = instants([T0 + 2 * H, T0 + 30 * H, T0 + 90 * H])
    assert label(found, M_DAY, times).tolist() == [UNKNOWN, NO, UNKNOWN]
    assert str(found.ends) == "2026-02-05T04:00:00"


def test_a_list_as_it_was_known_ends_there(world: Stored):
    world.flare(10, "C9.0", seen=12)
    world.flare(10, "M1.0", seen=40)
    world.period(0, 200)
    times = instants([T0])
    for at, ends, state in ((30, "2026-02-02T06:00:00", NO), (90, "2026-02-04T18:00:00", YES)):
        found = world.read(
            lambda session, at=at: stored_flares(session, catalog=CATALOG, at=T0 + at * H)
        )
        assert str(found.ends) == ends
        assert label(found, M_DAY, times).tolist() == [state]


def test_a_list_without_a_period_answers_for_nothing(world: Stored):
    world.flare(10, "M1.0")
    found = world.read(lambda session: stored_flares(session, catalog=CATALOG))
    assert label(found, M_DAY, instants([T0])).tolist() == [UNKNOWN]
    assert np.isnat(found.ends)


def test_periods_that_overlap_cover_once():
    """Two hours of overlap must not make up for two hours that nobody covers."""

    def period(start, end, flux=1e-6, *, has_ends=True):
        return Coverage(start=day(start), end=day(end), flux_w_m2=flux, has_ends=has_ends)

    def day(number):
        return np.datetime64("2023-06-01", "s") + np.timedelta64(number, "h")

    none = instants([])
    flares = FlareList(
        start=none,
        end=none,
        flux_w_m2=np.zeros(0),
        missing_days=none,
        coverage=(
            period(0, 12),
            period(10, 20, 1e-5),
            period(22, 50),
            period(50, 60, has_ends=False),
        ),
    )
    spans = [(0, 20), (0, 24), (21, 23), (22, 60), (59, 61)]
    since, until = (np.array([day(h) for h in column]) for column in zip(*spans, strict=True))
    found = covered(flares, M_DAY, since, until)
    assert found.tolist() == [True, False, False, True, False]
    assert covered(flares, FlareEvent.parse("C1+/24h"), since[:1], until[:1]).tolist() == [False]
    assert covered(flares, FlareEvent.parse("M1+/now"), since[3:4], until[3:4]).tolist() == [False]


# --- tables ------------------------------------------------------------------------------------


def test_tables_are_what_was_stored_in_the_order_of_time(both: Stored):
    both.say(5, 0.7, raw=0.9, threshold=0.4)
    both.say(3, 0.2, mode=Mode.HINDCAST)
    both.say(4, 0.3, event=FlareEvent.parse("C1+/now"))
    table = both.read(lambda session: store.prediction_table(session, model=MODEL, event=M_DAY))
    assert [str(time)[11:13] for time in table.times] == ["03", "05"]
    assert (table.ends - table.times).tolist() == [timedelta(days=1)] * 2
    assert (table.issued - table.times).tolist() == [timedelta(minutes=70)] * 2
    assert table.probability.tolist() == [0.2, 0.7]
    assert np.isnan(table.raw_probability).tolist() == [True, False]
    assert (table.threshold.tolist(), table.live.tolist()) == ([0.3, 0.4], [False, True])
    assert table.informed is None
    both.say(6, 0.1, **KNEW)
    both.say(7, 0.1, **ALONE)
    table = both.read(lambda session: store.prediction_table(session, model=MODEL, event=M_DAY))
    assert table.in_training.tolist() == [False, False, True, True]
    assert table.informed.tolist() == [False, False, True, False]
    nobody = both.read(
        lambda session: store.prediction_table(session, model=ModelId("no", "0.0.0"), event=M_DAY)
    )
    assert len(nobody.times) == 0
    some = both.read(
        lambda session: store.prediction_table(
            session, model=MODEL, event=M_DAY, since=T0 + 3 * H, until=T0 + 5 * H,
            mode=Mode.HINDCAST, series="hmi.M_720s_nrt",
        )
    )  # fmt: skip
    assert some.probability.tolist() == [0.2]


def test_the_newest_outcome_of_a_window_counts_and_revisions_are_counted(both: Stored):
    both.outcome(3, flare=False)
    both.outcome(2, flare=None)
    both.outcome(1, flare=True)
    both.outcome(3, flare=True, decided=48)
    table = both.read(lambda s: store.outcome_table(s, event=M_DAY, catalog=CATALOG))
    assert table.starts.tolist() == [(T0 + h * H).replace(tzinfo=None) for h in (1, 2, 3)]
    assert (table.state.tolist(), table.revised) == ([YES, UNKNOWN, YES], 1)
    earlier = both.read(
        lambda s: store.outcome_table(s, event=M_DAY, catalog=CATALOG, at=T0 + 40 * H)
    )
    assert (earlier.state.tolist(), earlier.revised) == ([YES, UNKNOWN, NO], 0)
    other = both.read(lambda s: store.outcome_table(s, event=M_DAY, catalog="another"))
    assert (len(other.starts), other.revised, other.as_of) == (0, 0, None)


# --- which forecasts ---------------------------------------------------------------------------


def test_models_and_modes_are_forecasts_of_their_own_and_the_first_record_counts(both: Stored):
    both.say(1, 0.1)
    both.say(2, 0.2)
    both.say(2, 0.9, series="hmi.M_720s", mode=Mode.LIVE)
    both.say(3, 0.3, mode=Mode.HINDCAST)
    both.tell("persistence@1.0.0", ForecasterKind.BASELINE, {1: 1.0})
    both.tell("others@1.0.0", ForecasterKind.EXTERNAL, {1: 0.6})

    def names(**choice):
        return [
            (item.forecast.name, item.forecast.probabilities.tolist(), item.again)
            for item in both.read(
                lambda s: stored_forecasts(s, event=M_DAY, choice=Choice(**choice))
            )
        ]

    assert names() == [
        ("tiny-cnn@0.0.1, live", [0.1, 0.2], 1),
        ("tiny-cnn@0.0.1, hindcast", [0.3], 0),
        ("others@1.0.0, live", [0.6], 0),
    ]
    assert names(models=[ModelId.parse("persistence@1.0.0")], mode=Mode.LIVE) == [
        ("persistence@1.0.0, live", [1.0], 0)
    ]
    assert names(series="hmi.M_720s", models=[MODEL]) == [("tiny-cnn@0.0.1, live", [0.9], 0)]
    with pytest.raises(InputError, match=r"by nobody@1\.0\.0 .* has: tiny-cnn@0\.0\.1, others@1"):
        names(models=[ModelId.parse("nobody@1.0.0")])


def test_raw_and_calibrated_probabilities_have_each_their_threshold(world: Stored):
    for hour, calibrated, raw, threshold in ((1, 0.2, 0.9, 0.15), (2, 0.4, 0.95, 0.25)):
        world.say(hour, calibrated, raw=raw, threshold=threshold)

    def one(*, raw):
        (item,) = world.read(lambda s: stored_forecasts(s, event=M_DAY, choice=Choice(raw=raw)))
        return item.forecast

    assert one(raw=True).probabilities.tolist() == [0.9, 0.95]
    assert (one(raw=True).threshold, one(raw=True).thresholds) == (None, None)
    standing = one(raw=False)
    assert standing.probabilities.tolist() == [0.2, 0.4]
    assert (standing.threshold, standing.thresholds.tolist()) == (None, [0.15, 0.25])


def test_the_official_probability_in_force_is_that_of_the_day_if_it_was_said_by_then(world: Stored):
    world.tell("noaa-swpc@1.0.0", ForecasterKind.OFFICIAL, {0: 0.35}, issued=-2)
    world.tell("noaa-swpc@1.0.0", ForecasterKind.OFFICIAL, {24: 0.5}, issued=30)
    times = instants([T0 + h * H for h in (-1, 0, 23, 25, 31, 48)])
    found = world.read(lambda s: in_force(s, event=M_DAY, times=times))
    assert [(str(t)[8:13], p) for t, p in zip(found.times, found.probabilities, strict=True)] == [
        ("01T00", 0.35), ("01T23", 0.35), ("02T07", 0.5),
    ]  # fmt: skip
    assert world.read(lambda s: in_force(s, event=M_DAY, times=times[:1])) is None


# --- judging -----------------------------------------------------------------------------------


def test_windows_without_outcome_are_pending_and_decided_ones_count_whatever_the_list_says(year):
    forecast, outcomes = year.forecast, year.evidence.outcomes
    state = 1 - outcomes.state[:2000]
    state[:100] = UNKNOWN
    part = store.OutcomeTable(
        starts=outcomes.starts[:2000], state=state, revised=0, as_of=outcomes.as_of
    )
    done = verify([forecast], year.flares, bootstrap=NONE, outcomes=part)
    whole = verify([forecast], year.flares, bootstrap=NONE)
    assert done.left.pending == len(forecast.times) - 2000
    assert (done.left.unknown, done.n) == (100, 1900)
    assert done.events == 1900 - int((outcomes.state[100:2000] == 1).sum())
    assert whole.left.pending == 0


def test_file_and_database_give_the_same_figures(year):
    """The same forecasts and flares, by two ways: the very same numbers."""
    files = verify([year.forecast], read_flares(year.list_file), bootstrap=Bootstrap(repeats=50))
    (stored,) = year.world.read(lambda s: stored_forecasts(s, event=M_DAY, choice=Choice()))
    done = verify(
        [stored.forecast], year.evidence.flares, bootstrap=Bootstrap(repeats=50),
        outcomes=year.evidence.outcomes,
    )  # fmt: skip
    assert (done.n, done.events, done.left) == (files.n, files.events, files.left)
    for one, other in zip(done.judgements, files.judgements, strict=True):
        assert dict(one.figures) == dict(other.figures)
        assert one.reliability == other.reliability


def test_a_threshold_that_changed_is_that_of_each_hour(year):
    forecast = year.forecast
    each = np.where(np.arange(len(forecast.times)) % 2, 0.2, 0.8)
    changed = verified.with_thresholds(forecast, each)
    done = verify([changed], year.flares, bootstrap=NONE)
    own = done.judgements[0]
    kept = np.isin(forecast.times, verified.judged(year, forecast))
    said = forecast.probabilities[kept] >= each[kept]
    assert (own.threshold, own.threshold_from) == (None, "the forecaster's, changing")
    assert own.tp + own.fp == said.sum()


def test_active_and_quiet_hours_are_all_hours_but_those_nobody_knows(year):
    parts, unknown = by_activity(year.forecast, year.flares)
    assert set(parts) == {"active", "quiet"}
    active, quiet = (parts[name].times for name in ("active", "quiet"))
    assert len(active) + len(quiet) + unknown == len(year.forecast.times)
    starts = year.flares.start[year.flares.flux_w_m2 >= 1e-5]
    for times, wanted in ((active, True), (quiet, False)):
        for time in times[::97]:
            recent = (starts > time - np.timedelta64(24, "h")) & (starts <= time)
            assert bool(recent.any()) is wanted


def test_the_largest_flare_of_a_window_says_central_or_limb(world: Stored):
    world.period(-200, 300)
    world.flare(10, "M1.0", location="N05E10")
    world.flare(20, "M5.0", location="S10W75")
    world.flare(100, "M2.0", location="")
    world.flare(110, "C5.0", location="N01E01")
    flares = world.read(lambda s: stored_flares(s, catalog=CATALOG))
    hours = (-20, 0, 12, 40, 90)  # none but a weak one, both, the second, none, unknown position
    forecast = verified.at([T0 + h * H for h in hours])
    parts, unknown = by_position(forecast, flares)
    at = {name: [str(t)[5:13] for t in part.times] for name, part in parts.items()}
    assert unknown == 1
    assert at["central"] == ["01-31T04", "02-02T16"]
    assert at["limb"] == ["01-31T04", "02-01T00", "02-01T12", "02-02T16"]
    near, _ = by_position(forecast, flares, limb_deg=80)
    assert len(near["limb"].times) == 2


def test_a_window_of_one_small_and_one_large_flare_is_where_the_large_one_was(world: Stored):
    world.period(-200, 300)
    world.flare(20, "M5.0", location="N00W00")
    world.flare(22, "M1.0", location="N00E89")
    flares = world.read(lambda s: stored_flares(s, catalog=CATALOG))
    parts, _ = by_position(verified.at([T0]), flares)
    assert (len(parts["central"].times), len(parts["limb"].times)) == (1, 0)


# --- the sentence ------------------------------------------------------------------------------


def test_the_sentence_counts_scored_windows_of_the_bin(both: Stored):
    for hour in range(40):
        both.say(hour, 0.2 + 0.004 * hour)
        both.outcome(hour, flare=hour % 4 == 0)
    both.say(0, 0.25, series="hmi.M_720s")  # the same window once more
    both.outcome(1, flare=True, decided=48)  # revised
    both.outcome(2, flare=None, decided=48)  # and no longer known
    ask = {"model": MODEL, "event": M_DAY, "catalog": CATALOG}
    found = both.read(lambda s: reliability(s, probability=0.33, **ask))
    assert found == (0.2, 0.4, 39, 11)
    assert both.read(lambda s: reliability(s, probability=0.5, **ask)) is None
    assert both.read(lambda s: reliability(s, probability=0.3, mode=Mode.HINDCAST, **ask)) is None
    assert both.read(lambda s: reliability(s, probability=0.3, mode=None, **ask)) == found
    nobody = ask | {"model": ModelId("no", "0.0.0")}
    assert both.read(lambda s: reliability(s, probability=0.3, **nobody)) is None


@pytest.mark.parametrize(
    ("probability", "edges"),
    [(0.0, (0, 0.2)), (0.2, (0.2, 0.4)), (0.6, (0.6, 0.8)), (0.799, (0.6, 0.8)), (1.0, (0.8, 1))],
)
def test_bins_include_their_lower_edge_and_the_last_one_both(probability, edges):
    assert bin_edges(probability) == edges


# --- the command -------------------------------------------------------------------------------


def test_the_command_judges_what_is_stored(year, capsys):
    text = year.command(capsys, "--bootstrap", "20")
    for part in ("ours@1.0.0, hindcast", "persistence", "trailing climatology", "windows decided",
                 "0 of them revised", "reliability of ours@1.0.0, hindcast"):  # fmt: skip
        assert part in text
    (line,) = year.command(capsys, "--bootstrap", "20", "--format", "json").splitlines()
    data = json.loads(line)
    assert (data["catalog"], data["windows_revised"]) == (CATALOG, 0)
    assert data["outcomes"] == len(year.evidence.outcomes.starts)
    assert (data["bootstrap"]["seed"], data["part"], data["beside_official"]) == (0, "", None)
    assert "Peirce" in data["definitions"]["tss"]


def test_the_command_prints_parts_comparisons_and_rows(year, capsys):
    text = year.command(capsys, "--by", "activity", "--bootstrap", "20")
    assert "ours@1.0.0, hindcast, active: n = " in text
    assert "ours@1.0.0, hindcast, quiet: n = " in text
    assert "ours@1.0.0, hindcast: n = " in year.command(capsys, "--by", "mode", "--bootstrap", "0")
    rows = list(csv.DictReader(io.StringIO(
        year.command(capsys, "--by", "position", "--bootstrap", "0", "--format", "csv")
    )))  # fmt: skip
    assert {row["part"] for row in rows} == {"central", "limb"}
    assert {row["forecaster"] for row in rows} >= {"persistence", "trailing climatology"}
    assert all(row["catalog"] == CATALOG and row["catalog_as_of"] for row in rows)
    few = [row for row in rows if row["part"] == "central"]
    assert all(row["definition"].startswith("too few events") for row in few)
    text = year.command(capsys, "ours@1.0.0", "--mode", "hindcast", "--compare", "--bootstrap", "0")
    assert "no intervals" not in text
    assert "ours@1.0.0, hindcast minus persistence" in text


def test_the_command_draws_what_is_stored(year, capsys, tmp_path):
    year.command(
        capsys, "--since", "2023-07-01", "--until", "2023-07-02", "--plot", str(tmp_path)
    )  # too few events for figures
    assert [path.name for path in tmp_path.iterdir()] == ["ours-1.0.0-hindcast-timeline.png"]


def test_pictures_follow_thresholds_that_changed_and_the_stored_outcomes(year, tmp_path):
    times = year.forecast.times
    summer = only(year.forecast, "ours", (times > times[3000]) & (times <= times[5000]))
    changed = verified.with_thresholds(summer, np.where(np.arange(2000) < 900, 0.3, 0.5))
    outcomes = year.evidence.outcomes
    done = verify([changed], year.flares, bootstrap=Bootstrap(repeats=12), outcomes=outcomes)
    assert done.judgements[1].threshold is None
    paths = draw([changed], year.flares, done, tmp_path, outcomes=outcomes)
    assert [path.stem for path in paths] == [
        "ours-reliability", "ours-roc", "ours-rolling", "ours-timeline",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--catalog", "other"], "no outcome of M1\\+/24h by flare list 'other'.*outcomes update"),
        (["--event", "X1+/24h"], "no forecast of X1\\+/24h by any model is stored"),
        (["--flares", "x.csv"], "--flares: only for --forecasts FILE"),
        (["--forecasts", "x.csv"], "--forecasts needs --flares"),
        (["--forecasts", "x.csv", "--flares", "y", "--raw"], "--raw: only for stored forecasts"),
        (["--compare", "--by", "mode"], "cannot be combined"),
    ],
)
def test_the_command_says_what_is_missing(year, capsys, arguments, error):
    assert re.search(error, year.command(capsys, *arguments, code=3, catalog=False))


def test_noaas_probability_in_force_stands_beside(world: Stored, capsys):
    world.period(-2000, 2000)
    for day in range(40):
        if day % 3 == 0:
            world.flare(24 * day + 12, "M1.0")
        world.tell(
            "noaa-swpc@1.0.0", ForecasterKind.OFFICIAL, {24 * day: 0.1 + 0.02 * day},
            issued=24 * day - 2,
        )  # fmt: skip
        for hour in (0, 6, 18):
            world.say(24 * day + hour, (day % 5) / 5)
    world.decide()
    text = world.command(capsys, "--bootstrap", "0")
    assert "beside noaa-swpc@1.0.0 in force: n = " in text
    data = json.loads(world.command(capsys, "--bootstrap", "0", "--format", "json"))
    beside = data["beside_official"]
    assert beside["n"] == data["n"]
    assert [item["name"] for item in beside["forecasters"]][:2] == [
        "tiny-cnn@0.0.1, live", "noaa-swpc@1.0.0 in force",
    ]  # fmt: skip
    assert beside["first_minus"]["noaa-swpc@1.0.0 in force"]["bss"]["value"] is not None


def two_kinds(world: Stored, *, knew=KNEW, alone=ALONE, **changes):
    """Forty days of a model that knew recent flares twice a day, and once did not."""
    world.period(-2000, 2000)
    for day in range(40):
        if day % 3 == 0:
            world.flare(24 * day + 12, "M1.0")
        for hour, told in ((0, knew), (6, alone), (18, knew)):
            world.say(24 * day + hour, (day % 5) / 5, **told | changes)
    world.decide()


def test_answers_with_and_without_recent_flares_are_never_one_figure_without_a_word(
    world: Stored, capsys
):
    two_kinds(world)
    caution = (
        "CAUTION: tiny-cnn@0.0.1, live answered 40 of the 120 without recent flares, as if by "
        "another model; `flaremon verify --by flares` judges both kinds apart"
    )
    for more in ((), ("--by", "mode"), ("--raw",)):
        name = "live, raw answered" if more == ("--raw",) else "live answered"
        text = world.command(capsys, "--bootstrap", "0", *more)
        assert caution.replace("live answered", name) in text
    data = json.loads(world.command(capsys, "--bootstrap", "0", "--format", "json"))
    assert data["without_recent_flares"] == {"tiny-cnn@0.0.1, live": 40}
    table = csv.DictReader(
        io.StringIO(world.command(capsys, "--bootstrap", "0", "--format", "csv"))
    )
    counts = {row["forecaster"]: row["without_recent_flares"] for row in table}
    assert counts["tiny-cnn@0.0.1, live"] == "40"
    assert counts["persistence"] == ""


def test_answers_with_and_without_recent_flares_are_judged_apart(world: Stored, capsys):
    two_kinds(world)
    text = world.command(capsys, "--by", "flares", "--bootstrap", "0")
    assert "tiny-cnn@0.0.1, live, flares known: n = 80" in text
    assert "tiny-cnn@0.0.1, live, flares unknown: n = 40" in text
    assert "CAUTION" not in text


def test_a_model_that_asks_for_no_flares_is_judged_whole(world: Stored, capsys):
    none = {"activity": None}
    two_kinds(world, knew=none, alone=none)
    assert "CAUTION" not in world.command(capsys, "--bootstrap", "0")
    assert "tiny-cnn@0.0.1, live: n = 120" in world.command(
        capsys, "--by", "flares", "--bootstrap", "0"
    )
    data = json.loads(world.command(capsys, "--bootstrap", "0", "--format", "json"))
    assert data["without_recent_flares"] == {}


@pytest.mark.realdata
def test_published_forecasts_have_the_same_skill_from_the_database(shared_data, tmp_path):
    """On the true scale, of two years of a fold; the listed scale of their labels is for files."""
    path = verified.cut(shared_data / "peer_predictions" / "fold4_alex.csv", tmp_path / "f", 2013)
    list_file = verified.cut(shared_data / "labels" / "flares.csv", tmp_path / "labels", 2012)
    shutil.copy(shared_data / "labels" / "coverage.csv", list_file.with_name("coverage.csv"))
    (fold,) = read_forecasts(path, M_DAY)
    files = verify([fold], read_flares(list_file), threshold=0.5, bootstrap=NONE)
    with verified.opened(f"sqlite:///{tmp_path / 'flaremon.db'}") as world:
        world.bring(path, list_file, name="alexnet-gsu@1.0.0")
        (stored,) = world.read(lambda s: stored_forecasts(s, event=M_DAY, choice=Choice()))
        evidence = world.read(lambda s: from_store(s, event=M_DAY, catalog=CATALOG))
    done = verify(
        [stored.forecast],
        evidence.flares,
        threshold=0.5,
        bootstrap=NONE,
        outcomes=evidence.outcomes,
    )
    assert (done.n, done.events, done.left) == (files.n, files.events, files.left)
    assert done.n > 3000
    for one, other in zip(done.judgements, files.judgements, strict=True):
        assert dict(one.figures) == dict(other.figures)


def test_the_sentence_can_be_of_one_kind_of_answers(both: Stored):
    for hour in range(80):
        both.say(hour, 0.3, **(KNEW if hour % 2 else ALONE))
        both.outcome(hour, flare=hour % 2 == 1)
    ask = {"model": MODEL, "event": M_DAY, "catalog": CATALOG, "probability": 0.3}
    assert both.read(lambda s: reliability(s, **ask)) == (0.2, 0.4, 80, 40)
    assert both.read(lambda s: reliability(s, told=True, **ask)) == (0.2, 0.4, 40, 40)
    assert both.read(lambda s: reliability(s, told=False, **ask)) == (0.2, 0.4, 40, 0)
