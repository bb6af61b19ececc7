"""Shadows and promotions in the monitor flow: a real server, replica, network and database."""

import shutil

import pytest
from support.packages import write_package

from flaremon import store, wiring
from flaremon.config import read_settings
from flaremon.database import open_engine, session_scope
from flaremon.domain import ModelId
from flaremon.serving import register
from flaremon.store import Promotion
from flaremon.times import utc_now
from flows.monitor import monitor

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server")]

MAIN, OTHER = ModelId.parse("tiny-cnn@0.0.1"), ModelId.parse("tiny-twin@1.0.0")


@pytest.fixture(scope="module")
def shelf(tiny_models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("two") / "models"
    shutil.copytree(tiny_models, folder)
    write_package(folder, name=OTHER.name, version=OTHER.version, seed=1)
    return folder


def by_model(station):
    """Slots that each model has predicted."""
    found = {}
    for p in station.predictions:
        found.setdefault(p.model, set()).add(p.key.t_rec)
    return found


@pytest.mark.parametrize("station", [2], indirect=True)
def test_a_shadow_scores_beside_the_model_and_is_counted_apart(station, shelf, monkeypatch):
    monkeypatch.setenv("FLAREMON_MODELS_DIR", str(shelf))
    monkeypatch.setenv("FLAREMON_SHADOW", str(OTHER))
    summary = monitor(time_budget_s=0)  # the older record is left to the next run
    assert (summary["scored"], summary["stored"], summary["left"]) == (1, 2, 1)
    assert summary["shadows"] == [
        {"model": str(OTHER), "scored": 1, "stored": 2, "failed": 0, "error": None}
    ]
    assert {answer["model"] for answer in summary["answers"]} == {str(MAIN)}
    assert str(OTHER) not in summary["in_words"]
    first = {p.model: p.issued_at for p in station.predictions}
    assert first[MAIN] == first[OTHER]
    # What the model that answers did alone is caught up.
    monkeypatch.setenv("FLAREMON_SHADOW", "")
    assert monitor()["scored"] == 1
    monkeypatch.setenv("FLAREMON_SHADOW", str(OTHER))
    (told,) = monitor()["shadows"]
    assert (told["scored"], told["error"]) == (1, None)
    slots = by_model(station)
    assert slots[MAIN] == slots[OTHER]


@pytest.mark.parametrize("station", [1], indirect=True)
def test_a_shadow_that_is_not_there_costs_the_run_nothing(station, monkeypatch):
    monkeypatch.setenv("FLAREMON_SHADOW", "tiny-none@9.9.9")
    summary = monitor()
    assert (summary["scored"], summary["failed"], summary["error"]) == (1, [], None)
    (told,) = summary["shadows"]
    assert "no model tiny-none@9.9.9" in told["error"]


@pytest.mark.parametrize("station", [1], indirect=True)
def test_a_promotion_takes_effect_at_the_next_run_of_the_same_process(station, shelf, monkeypatch):
    monkeypatch.setenv("FLAREMON_MODELS_DIR", str(shelf))
    monkeypatch.delenv("FLAREMON_MODEL")

    def promote(model):
        package = wiring.package(read_settings(model=str(model)))
        engine = open_engine(station.settings.database_url.get_secret_value())
        with session_scope(engine) as session:
            register(session, package, now=utc_now())
            made = Promotion(
                model=model, weights_sha256=package.weights_sha256, replaced=MAIN,
                promoted_at=utc_now(), promoted_by="duty@observatory", reason="test", figures=[],
            )  # fmt: skip
            store.add_promotion(session, made)
        engine.dispose()

    promote(MAIN)
    before = monitor()
    assert (before["model"]["id"], before["model"]["from"]) == (str(MAIN), "promotion")
    promote(OTHER)
    after = monitor()
    assert after["model"]["promotion"]["by"] == "duty@observatory"
    # The same slot is undecided for the new model, and answered by it.
    assert (before["scored"], after["scored"]) == (1, 1)
    assert {answer["model"] for answer in after["answers"]} == {str(OTHER)}
