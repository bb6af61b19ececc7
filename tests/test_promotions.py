"""Which model answers: settings, promotions, and the model that ships; on both databases."""

import json
import shutil
from dataclasses import replace

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from support import rows
from support.calibrators import calibrator
from support.packages import write_package, write_rate_package
from support.truths import NOTE, T0, H, open_database, period
from support.verified import CATALOG, M_DAY, run_main

from flaremon import serving, store, wiring
from flaremon.calibration import save
from flaremon.config import read_settings
from flaremon.database import session_scope, upgrade
from flaremon.domain import (
    ActivityLevel,
    EventOutcome,
    Mode,
    ModelId,
    OutcomeState,
    RejectionReason,
)
from flaremon.errors import InputError, ModelError, StoreError
from flaremon.package import SHIPPED_MODEL, find_package
from flaremon.serving import Origin, tenures
from flaremon.store import Promotion

OLD, NEW = ModelId.parse("tiny-old@1.0.0"), ModelId.parse("tiny-new@2.0.0")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """Two packages that load."""
    folder = tmp_path_factory.mktemp("models")
    for seed, model in enumerate((OLD, NEW)):
        write_package(folder, name=model.name, version=model.version, seed=seed)
    return folder


@pytest.fixture
def home(database_url, shelf, monkeypatch):
    """Settings of a machine with a new database and both packages."""
    upgrade(database_url)
    monkeypatch.setenv("FLAREMON_DATABASE_URL", database_url)
    monkeypatch.setenv("FLAREMON_MODELS_DIR", str(shelf))
    return read_settings()


@pytest.fixture
def engine(home):
    with open_database(home.database_url.get_secret_value()) as engine:
        yield engine


def promoted(engine, model, *, replaced=SHIPPED_MODEL, at=T0, weights="0" * 64, **changes):
    """Store a promotion as the command does."""
    made = Promotion(
        model=model,
        weights_sha256=weights,
        replaced=replaced,
        promoted_at=at,
        promoted_by="duty@observatory",
        reason=changes.pop("reason", "better in two months of shadow"),
        figures=changes.pop("figures", [{"event": "M1+/24h"}]),
    )
    with session_scope(engine) as session:
        store.register_model(
            session, model=model, weights_sha256=weights, events=rows.EVENTS, now=at
        )
        store.add_promotion(session, made)
    return made


def weights_of(home, model):
    return wiring.package(home.model_copy(update={"model": str(model)})).weights_sha256


def test_promotions_come_back_whole_and_the_newest_first(engine):
    first = promoted(engine, NEW)
    # A clock that was set back: what was stored last is in force.
    second = promoted(engine, OLD, replaced=NEW, at=T0 - H, figures={"bss": 0.1})
    with session_scope(engine) as session:
        assert store.promotions(session) == [second, first]
        assert store.promotions(session, limit=1) == [second]


def test_a_setting_wins_over_a_promotion_and_a_promotion_over_what_ships(home, engine):
    assert wiring.serving(home).model == SHIPPED_MODEL
    assert wiring.serving(home).origin is Origin.SHIPPED
    promotion = promoted(engine, NEW)
    for asked in (wiring.serving(home), wiring.serving(home, engine)):
        assert (asked.model, asked.origin, asked.promotion) == (NEW, Origin.PROMOTION, promotion)
    chosen = wiring.serving(home.model_copy(update={"model": str(OLD)}))
    assert (chosen.model, chosen.origin) == (OLD, Origin.SETTING)


def test_a_database_that_is_empty_or_of_an_older_schema_has_no_promotions(home, engine):
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE promotions"))
    assert wiring.serving(home).origin is Origin.SHIPPED


def test_a_database_that_was_never_made_has_no_promotions_and_is_not_made(tmp_path):
    file = tmp_path / "folder" / "none.db"
    settings = read_settings(database_url=SecretStr(f"sqlite:///{file}"))
    assert wiring.serving(settings).origin is Origin.SHIPPED
    assert not file.parent.exists()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.postgres
def test_a_role_that_may_only_read_is_told_who_answers(home, engine, database_url):
    promoted(engine, NEW)
    with engine.begin() as connection:
        connection.execute(text("DROP ROLE IF EXISTS reader"))
        connection.execute(text("CREATE ROLE reader LOGIN"))
        connection.execute(text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader"))
    url = engine.url.set(username="reader").render_as_string(hide_password=False)
    reading = read_settings(database_url=SecretStr(url))
    try:
        assert wiring.serving(reading).model == NEW
    finally:
        with engine.begin() as connection:
            connection.execute(text("DROP OWNED BY reader"))
            connection.execute(text("DROP ROLE reader"))


def test_a_database_without_answer_is_an_error_and_not_another_model(tmp_path):
    gone = SecretStr("postgresql://nobody@127.0.0.1:9/none")
    with pytest.raises(StoreError):
        wiring.serving(read_settings(database_url=gone))
    assert wiring.serving(read_settings(database_url=gone, model=str(OLD))).model == OLD


def test_a_promotion_without_a_reason_is_refused_by_the_table_itself(engine):
    with pytest.raises(StoreError, match="promise of the tables"):
        promoted(engine, NEW, reason="  ")


def test_what_was_promoted_must_be_what_is_registered(engine):
    made = promoted(engine, NEW)
    other = Promotion(
        **{f: getattr(made, f) for f in made.__slots__} | {"weights_sha256": "1" * 64}
    )
    with session_scope(engine) as session, pytest.raises(StoreError, match="registered with"):
        store.add_promotion(session, other)


def test_what_was_said_is_what_the_model_in_force_issued(home, engine):
    records = [rows.record(T0 + k * H) for k in range(6)]
    with session_scope(engine) as session:
        for model in (OLD, NEW):
            store.register_model(
                session, model=model, weights_sha256="0" * 64, events=rows.EVENTS, now=T0
            )
        store.add_records(session, records, source="x", base_url="x", run_id="x", listed_at=T0)
        store.add_outcomes(
            session,
            [
                rows.prediction(record, M_DAY, model=model, issued_at=record.t_obs + H)
                for record in records
                for model in (OLD, NEW)
            ],
        )
    promoted(engine, NEW, replaced=OLD, at=T0 + 3 * H)
    promoted(engine, OLD, replaced=NEW, at=T0 + 5 * H)

    def said(settings):
        with session_scope(engine) as session:
            when = tenures(session, wiring.serving(settings, engine))
            found = store.predictions(session, tenures=when)
            return {(p.prediction.issued_at - T0) / H: p.prediction.model for p in found}

    assert said(home) == {1: OLD, 2: OLD, 3: NEW, 4: NEW, 5: OLD, 6: OLD}
    fixed = home.model_copy(update={"model": str(NEW)})
    assert set(said(fixed).values()) == {NEW}
    assert len(said(fixed)) == 6


def test_what_a_shadow_lacks_is_what_the_other_has_scored_newest_first(engine):
    records = [rows.record(T0 + k * H) for k in range(5)]
    with session_scope(engine) as session:
        for model in (OLD, NEW):
            store.register_model(
                session, model=model, weights_sha256="0" * 64, events=rows.EVENTS, now=T0
            )
        store.add_records(session, records, source="x", base_url="x", run_id="x", listed_at=T0)
        made = [rows.prediction(r, event, model=OLD) for r in records[:4] for event in rows.EVENTS]
        made += [rows.prediction(records[1], event, model=NEW) for event in rows.EVENTS]
        store.add_outcomes(session, [*made, rows.rejection(records[4], RejectionReason.QUALITY)])
        found = store.lacking(
            session, series=records[0].key.series, since=T0 + 0.5 * H, has=OLD, lacks=NEW
        )
    assert [listed.record for listed in found] == [records[3], records[2]]


def test_a_package_that_was_altered_after_its_promotion_is_an_error_that_names_it(
    home, engine, tmp_path
):
    write_package(tmp_path / "models", name=NEW.name, version=NEW.version, seed=5)
    home = home.model_copy(update={"models_dir": tmp_path / "models"})
    promoted(engine, NEW, weights=weights_of(home, NEW))
    assert wiring.settled(home).model == str(NEW)
    package = wiring.package(home)
    package.weights_path.write_bytes(package.weights_path.read_bytes()[:-1] + b"?")
    with pytest.raises(ModelError, match=r"altered or cut short.*promotion of tiny-new@2\.0\.0"):
        wiring.predictor(wiring.settled(home))
    # Other weights with a description that fits them.
    shutil.rmtree(package.folder)
    write_package(tmp_path / "models", name=NEW.name, version=NEW.version, seed=6)
    with pytest.raises(ModelError, match=r"altered after the promotion .* by duty@observatory"):
        wiring.settled(home)
    (tmp_path / "models").rename(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match=r"no model .* by the promotion of"):
        wiring.package(home)


def speak_for_forty_days(engine, home, *, first=0, mode=Mode.LIVE, told=lambda _: {}):
    """Let both models speak twice a day for forty days; the new one knows better."""
    with session_scope(engine) as session:
        store.add_periods(session, [period(-24 * 40, 24 * 45)], **NOTE)
        for model in (OLD, NEW):
            store.register_model(
                session, model=model, weights_sha256=weights_of(home, model),
                events=rows.EVENTS, now=T0,
            )  # fmt: skip
        records = [rows.record(T0 + (first + 12 * k) * H) for k in range(80)]
        store.add_records(session, records, source="x", base_url="x", run_id="x", listed_at=T0)
        for number, record in enumerate(records):
            flare = number % 4 == 0
            said = {OLD: 0.3, NEW: 0.8 if flare else 0.1}
            made = [
                rows.prediction(
                    record,
                    M_DAY,
                    model=model,
                    probability=value,
                    mode=mode,
                    **(told(number) if model == NEW else {}),
                )
                for model, value in said.items()
            ]
            store.add_outcomes(session, made)
            outcome = EventOutcome(
                event=M_DAY, window=M_DAY.window(record.t_obs), state=OutcomeState.SCORED,
                flare=flare, catalog=CATALOG, catalog_as_of=T0, decided_at=T0,
            )  # fmt: skip
            store.add_event_outcomes(session, [outcome], run_id="x")


@pytest.fixture
def command(home, capsys):
    """Run a command; return what it prints, or says when it fails."""

    def run(*arguments, code=0):
        done = run_main(*arguments)
        out, err = capsys.readouterr()
        assert done == code, err
        return err if code else out

    return run


def test_promoting_shows_the_paired_comparison_and_keeps_it_with_the_reason(home, engine, command):
    promoted(engine, OLD, weights=weights_of(home, OLD))
    speak_for_forty_days(engine, home)
    ask = ("models", "promote", str(NEW), "--reason", "knows more", "--bootstrap", "100")
    said = command(*ask, "--dry-run")
    assert f"{NEW}, live minus {OLD}, live (paired draws)" in said
    assert "Nothing was stored" in said
    assert wiring.serving(home).model == OLD
    document = json.loads(command(*ask, "--yes", "--json"))
    assert wiring.serving(home).model == NEW
    day, now = document["figures"]
    bss = day["verification"]["first_minus"][f"{OLD}, live"]["bss"]
    assert bss["value"] > bss["low"] > 0
    assert "no outcome of C1+/now" in now["why_none"]
    kept, before = (json.loads(row) for row in command("models", "history", "--json").splitlines())
    assert kept["figures"] == document["figures"]
    assert (kept["model"], kept["replaced"], kept["reason"]) == (str(NEW), str(OLD), "knows more")
    assert kept["weights_sha256"] == weights_of(home, NEW)
    assert "@" in kept["by"]
    assert before["model"] == str(OLD)
    # Back again is a promotion of the old one.
    command("models", "promote", str(OLD), "--reason", "it was the Sun", "--yes")
    assert wiring.serving(home).model == OLD


def test_a_comparison_says_which_answers_did_not_know_recent_flares(home, engine, command):
    promoted(engine, OLD, weights=weights_of(home, OLD))
    source = "swpc as of 2026-02-01T00:00:00Z"
    speak_for_forty_days(
        engine, home,
        told=lambda number: {
            "activity": ActivityLevel.UNKNOWN, "activity_source": source if number % 4 else None,
        },
    )  # fmt: skip
    ask = ("models", "promote", str(NEW), "--reason", "knows more", "--bootstrap", "0")
    said = command(*ask, "--dry-run")
    assert f"CAUTION: {NEW}, live answered 20 of the 80 without recent flares" in said
    day, _ = json.loads(command(*ask, "--dry-run", "--json"))["figures"]
    assert day["verification"]["without_recent_flares"] == {f"{NEW}, live": 20}
    document = json.loads(
        command("verify", str(NEW), str(OLD), "--compare", "--format", "json", "--bootstrap", "0")
    )
    assert document["without_recent_flares"] == {f"{NEW}, live": 20}


def test_verify_takes_the_shadow_against_the_model_that_answers(home, engine, command, monkeypatch):
    promoted(engine, OLD, weights=weights_of(home, OLD))
    speak_for_forty_days(engine, home)
    monkeypatch.setenv("FLAREMON_SHADOW", f"{OLD},{NEW}")
    document = json.loads(command("verify", "--compare", "--format", "json", "--bootstrap", "0"))
    # The baselines are judged at the threshold of the model that answers.
    assert document["forecasters"][-1]["threshold_from"] == f"that of {OLD}, live"
    names = [item["name"] for item in document["forecasters"][:2]]
    assert names == [f"{NEW}, live", f"{OLD}, live"]
    # No hour is live and hindcast: each with its like.
    speak_for_forty_days(engine, home, first=6, mode=Mode.HINDCAST)
    told = command("verify", "--compare", "--format", "json", "--bootstrap", "0").splitlines()
    by_mode = [json.loads(document) for document in told]
    assert [document["forecasters"][1]["name"] for document in by_mode] == [
        f"{OLD}, live",
        f"{OLD}, hindcast",
    ]
    assert all(document["n"] > 50 for document in by_mode)


def test_too_few_events_are_said_and_do_not_stop_a_promotion(home, engine, command):
    promoted(engine, OLD, weights=weights_of(home, OLD))
    said = command("models", "promote", str(NEW), "--reason", "a hunch", "--yes")
    assert "nothing to compare: no outcome of M1+/24h" in said
    assert wiring.serving(home).model == NEW


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([str(NEW), "--yes"], "needs a reason"),
        ([str(NEW), "--yes", "--reason", "  "], "needs a reason"),
        (["tiny-none@1.0.0", "--yes", "--reason", "x"], "no model tiny-none@1.0.0"),
        ([str(OLD), "--yes", "--reason", "x"], "nothing to promote"),
        ([str(NEW), "--reason", "x"], "nobody is there to be asked"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_cannot_be_promoted_is_said_in_words(home, engine, command, arguments, why):
    made = promoted(engine, OLD, weights=weights_of(home, OLD))
    assert why in command("models", "promote", *arguments, code=3)
    with session_scope(engine) as session:
        assert store.promotions(session) == [made]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_altered_weights_are_not_promoted(home, engine, command, tmp_path, monkeypatch):
    package = write_package(tmp_path / "models", name=NEW.name, version=NEW.version)
    package.weights_path.write_bytes(package.weights_path.read_bytes()[:-1] + b"?")
    monkeypatch.setenv("FLAREMON_MODELS_DIR", str(tmp_path / "models"))
    said = command("models", "promote", str(NEW), "--reason", "x", "--yes", code=3)
    assert "altered or cut short" in said
    assert "altered or cut short" in command("models", "show", str(NEW), code=3)
    with session_scope(engine) as session:
        assert store.promotions(session) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_promotion_that_somebody_else_made_meanwhile_is_not_run_over(home, engine):
    package = wiring.package(home.model_copy(update={"model": str(NEW)}))
    with session_scope(engine) as session:
        candidate = serving.examine(session, package, reason="x")
    promoted(engine, OLD)
    with session_scope(engine) as session, pytest.raises(InputError, match="meanwhile"):
        serving.promote(session, candidate, figures=[], now=T0)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_where_the_model_comes_from_is_told_everywhere(home, engine, command, monkeypatch, capsys):
    promoted(engine, NEW, weights=weights_of(home, NEW))
    monkeypatch.setenv("FLAREMON_SHADOW", str(OLD))
    assert json.loads(command("settings", "--json"))["model"]["from"] == "promotion"
    assert f"{NEW}, by promotion of" in command("settings")
    told = {m["model"]: m for m in map(json.loads, command("models", "--json").splitlines())}
    assert (told[str(NEW)]["role"], told[str(NEW)]["from"]) == ("serving", "promotion")
    assert told[str(NEW)]["answers"]
    assert told[str(OLD)]["role"] == "shadow"
    listed = command("models", "list").splitlines()
    assert any(line.startswith(f"* {NEW}  answers since 2026-02-01") for line in listed)
    assert f"+ {OLD}  shadow" in listed
    assert run_main("status", "--json") == 2  # unknown: nothing was ever scored
    model = json.loads(capsys.readouterr().out)["model"]
    assert (model["id"], model["promotion"]["reason"]) == (
        str(NEW),
        "better in two months of shadow",
    )


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_settings_are_told_when_the_database_is_out_of_reach(command, monkeypatch):
    monkeypatch.setenv("FLAREMON_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    assert "The model that answers: not known" in command("settings")
    assert "cannot be reached" in json.loads(command("settings", "--json"))["model"]["error"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_thresholds_that_are_told_are_those_that_decide(home, engine, command, shelf, tmp_path):
    package = find_package(shelf, OLD)
    fitted = calibrator(model=str(OLD), weights_sha256=package.weights_sha256)
    assert "    M1+/24h  flare from 50.0%" in command("models", "list").splitlines()
    with session_scope(engine) as session:
        serving.register(session, package, now=T0)
        save(session, fitted, now=T0)
    line = f"M1+/24h  flare from 25.0%, calibrated by {fitted.id}"
    assert f"    {line}" in command("models", "list").splitlines()
    assert f"  {line}" in command("models", "show", str(OLD)).splitlines()
    _, old = map(json.loads, command("models", "--json").splitlines())
    assert old["events"][0] == {
        "event": "M1+/24h",
        "threshold": 0.25,
        "threshold_with_recent_flares": 0.25,
        "calibrator": fitted.id,
    }


def test_thresholds_with_recent_flares_are_told_beside_the_others(tmp_path):
    package = write_rate_package(tmp_path)
    specs = (replace(package.events[0], informed_threshold=0.6), *package.events[1:])
    lines = serving.thresholds_in_words(replace(package, events=specs), None)
    assert lines[0] == f"{specs[0].event!s:<8} flare from 50.0%, with recent flares from 60.0%"
    assert "recent flares" not in lines[1]
    # Calibrators are of what is said with recent flares, and leave the other answers alone.
    fitted = calibrator(model=str(package.id), weights_sha256=package.weights_sha256)
    assert serving.thresholds_in_words(package, fitted)[0] == (
        f"M1+/24h  flare from 50.0%, with recent flares from 25.0%, calibrated by {fitted.id}"
    )
