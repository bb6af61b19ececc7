"""Commands that read: they make nothing, take no limit for none, and know what there is."""

import pytest
from support import slots
from support.truths import (
    T0,
    flare,
    list_flares,
    open_database,
    period,
    speak,
)

from flaremon import store
from flaremon.cli import main
from flaremon.database import session_scope, upgrade

READING = [
    ["predictions"],
    ["coverage"],
    ["verify"],
    ["models", "history"],
    ["runs"],
    ["explain", "latest"],
    ["outcomes", "list"],
    ["flares", "list"],
    ["forecasts", "list"],
    ["regions", "list"],
]


@pytest.fixture
def flaremon(capsys):
    """A function that runs a command and returns what it prints, errors too."""

    def run(*arguments, code=0):
        with pytest.raises(SystemExit) as ended:
            main(list(map(str, arguments)))
        told = capsys.readouterr()
        assert (ended.value.code or 0) == code, told
        return told.out + told.err

    return run


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """Folder in which there is no database, and no folder for it either."""
    monkeypatch.setenv("FLAREMON_DATABASE_URL", f"sqlite:///{tmp_path / 'nope' / 'x.db'}")
    return tmp_path


@pytest.fixture
def engine(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path / 'flaremon.db'}"
    monkeypatch.setenv("FLAREMON_DATABASE_URL", url)
    upgrade(url)
    with open_database(url) as engine:
        yield engine


@pytest.fixture
def two_lists(engine):
    with session_scope(engine) as session:
        list_flares(session, period(0, 100), flare(25, "M2.5"))
        store.add_flares(session, [flare(25, "M2.5")], catalog="hek", seen_at=T0, run_id="test")
    return engine


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_without_a_database_commands_that_read_say_so_and_make_none(nowhere, flaremon, command):
    told = flaremon(*command, code=3)
    assert f"there is no database at {nowhere / 'nope' / 'x.db'}; `flaremon now`" in told
    assert list(nowhere.iterdir()) == []


def test_without_a_database_status_is_unknown_says_why_and_makes_none(nowhere, flaremon):
    told = flaremon("status", code=2)
    assert f"there is no database at {nowhere / 'nope' / 'x.db'} yet" in told
    assert "UNKNOWN" in told
    assert flaremon("models", "list")
    assert list(nowhere.iterdir()) == []


def test_models_and_events_that_nobody_knows_are_errors_that_list_what_there_is(engine, flaremon):
    told = flaremon("predictions", "--model", "nope@1.0.0", code=3)
    assert "no model nope@1.0.0" in told
    assert "fulldisk-rate@1.1.0" in told
    told = flaremon("predictions", "--event", "M5+/24h", code=3)
    assert "nobody answers M5+/24h; the models answer " in told
    assert "M1+/24h" in told
    assert "0 prediction(s)." in flaremon("predictions", "--model", "fulldisk-rate@1.1.0")
    with session_scope(engine) as session:
        speak(session, 0)
        slots.register(session)
    for name in ("somebody@1.0.0", str(slots.MODEL), "all"):
        flaremon("predictions", "--model", name, "--event", "M1+/24h")
    flaremon("predictions", "--model", "", code=3)


@pytest.mark.parametrize("option", ["--since", "--until", "--at"])
@pytest.mark.parametrize("command", ["predictions", "flares", "outcomes", "regions"])
def test_an_empty_time_is_an_error_and_not_no_limit(engine, flaremon, command, option):
    if option == "--at" and command not in {"flares", "outcomes"}:
        return
    arguments = [command] if command == "predictions" else [command, "list"]
    assert "'' is not a time" in flaremon(*arguments, option, "", code=3)


def test_years_and_months_are_understood_and_a_reversed_range_is_refused(two_lists, flaremon):
    for command in (["predictions"], ["flares", "list"], ["outcomes", "list"], ["regions", "list"]):
        flaremon(*command, "--since", "2026", "--until", "2026-03")
        assert "is not after" in flaremon(*command, "--since", "2026", "--until", "2025", code=3)
    fetch = ("flares", "fetch", "--source", "hek")
    told = flaremon(*fetch, "2015", "2014", code=3)
    assert "END 2014-01-01T00:00:00Z is not after START 2015-01-01T00:00:00Z" in told
    assert "'' is not a time" in flaremon(*fetch, "", "2014", code=3)
    assert "for --source hek" in flaremon("flares", "fetch", "", code=3)


def test_flares_are_those_of_one_list_which_is_named_unless_all_are_asked_for(
    two_lists, flaremon, monkeypatch
):
    told = flaremon("flares", "list")
    assert "1 flare(s) of list swpc. Read too: hek (--catalog NAME or all)." in told
    assert "2 flare(s) of all lists: hek, swpc." in flaremon("flares", "list", "--catalog", "all")
    assert "1 flare(s) of list hek." in flaremon("flares", "list", "--catalog", "hek")
    told = flaremon("flares", "list", "--catalog", "mine")
    assert "0 flare(s) of list mine, which was never read. Read too: hek, swpc" in told
    monkeypatch.setenv("FLAREMON_TRUTH__CATALOG", "hek")
    assert "1 flare(s) of list hek." in flaremon("flares", "list")


def test_of_folders_everything_is_covered_and_an_empty_range_says_where_there_is_something(
    engine, flaremon
):
    assert "nothing of file.jpg is stored" in flaremon("coverage", "--series", "file.jpg")
    with session_scope(engine) as session:
        files = [slots.record(n, series="file.jpg", segment_path=None) for n in (0, 300)]
        store.add_records(session, files, **slots.LISTING)
    told = flaremon("coverage", "--series", "file.jpg")
    assert "2026-02-01" in told
    assert "2026-02-03" in told
    told = flaremon("coverage", "--series", "file.jpg", "--since", "2026-03")
    assert "2 are stored from 2026.02.01_00:00:00_TAI to 2026.02.03_12:00:00_TAI" in told
    told = flaremon("coverage", "--series", "foo", code=3)
    assert "--series: 'foo' is none of hmi.M_720s_nrt" in told
    assert "file.fits, file.jp2, file.jpg" in told
