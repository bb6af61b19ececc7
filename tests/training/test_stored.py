"""Training on a machine's own history: the flow that users have, on a small scale."""

import json
import shutil
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
import torch
from support import histories, truths
from support.histories import FIRST, SPEC
from support.packages import write_package, write_rate_package

from flaremon import store
from flaremon.cli import main
from flaremon.database import session_scope
from flaremon.domain import FlareEvent, RecordKey
from flaremon.errors import InputError, ModelError
from flaremon.frames import from_tenths
from flaremon.inference import Predictor
from flaremon.inference.threads import threads
from flaremon.package import build_network, load_package
from flaremon.preprocess import to_plane
from flaremon.training.loop import FitConfig
from flaremon.training.models import evaluate_model, train_model
from flaremon.training.report import Report
from flaremon.training.stored.adapting import totals
from flaremon.training.stored.building import build, rebuild
from flaremon.training.stored.config import Range, StoredConfig
from flaremon.training.stored.describing import read_manifest
from flaremon.training.stored.judging import BASE, BASE_INFORMED, INFORMED, probabilities
from flaremon.training.stored.recipe import PlainRecipe, train_plain
from flaremon.training.stored.splits import CHOOSE, REPORT, TRAIN, Need
from flaremon.verify.labels import UNKNOWN

ADAPT = """
architecture = "rate-map"
base = "tiny-rate@0.0.1"
bootstrap = 20
[data]
source = "store"
report_share = 0.34
"""
CONFIG = StoredConfig(series=("hmi.M_720s_nrt",), catalog="swpc", report_share=0.34)
EVENTS = [FlareEvent.parse(name) for name in ("M1+/24h", "C1+/24h")]
SHARES = {TRAIN: 0.66, REPORT: 0.34}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    write_package(folder, frame=SPEC, network={"pooled_px": 32})
    write_rate_package(folder, frame=SPEC)
    return folder


@pytest.fixture(scope="module")
def history(models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("history")
    return histories.make(folder, load_package(models / "tiny-cnn" / "0.0.1"))


@pytest.fixture
def stored(history, models):
    with threads(1):
        found = history.stored(models)
        yield found
        found.engine.dispose()


@pytest.fixture
def flaremon(history, models, monkeypatch, capsys, tmp_path):
    """A function that runs a command on this history and returns what it prints."""
    for name, value in {
        "DATABASE_URL": history.url,
        "FRAMES__DIR": str(history.folder / "frames"),
        "MODELS_DIR": str(models),
        "CACHE__DIR": str(history.folder / "cache"),
    }.items():
        monkeypatch.setenv(f"FLAREMON_{name}", value)

    def run(*arguments, code=0):
        with pytest.raises(SystemExit) as ended, threads(1):
            main([str(argument) for argument in arguments])
        told = capsys.readouterr()
        assert (ended.value.code or 0) == code, told
        return told.out if not code else told.err

    return run


@pytest.fixture
def adapted(flaremon, models, tmp_path):
    """The rate map, adapted from the command line once."""
    out = models / "ours" / "1.0.0"
    if not out.exists():
        (tmp_path / "adapt.toml").write_text(ADAPT)
        told = flaremon("train", tmp_path / "adapt.toml", "--out", out)
        assert "read" in told
    return load_package(out)


def test_a_rate_map_is_adapted_to_the_store_and_its_package_answers(adapted, models, stored):
    assert {path.name for path in adapted.folder.iterdir()} == {
        "MODEL_CARD.md",
        "dataset.json",
        "evaluation.json",
        "model.toml",
        "weights.safetensors",
    }
    base = load_package(models / "tiny-rate" / "0.0.1")
    new, old = build_network(adapted).state_dict(), build_network(base).state_dict()
    changed = {name for name in old if not torch.equal(new[name], old[name])}
    assert changed == {"plain", "informed"}
    # M1+/24h and C1+/24h have enough days; X1+ and those in progress keep the base's numbers.
    assert torch.equal(new["plain"][2:], old["plain"][2:])
    assert read_manifest(adapted)["fitted_anew"]["alone"] == ["M1+/24h", "C1+/24h"]
    data = rebuild(stored, read_manifest(adapted))
    key = data.entries[-1].wanted
    frame = stored.frames.get(key.key, SPEC, recnum=key.recnum)
    plane = to_plane(from_tenths(frame.tenths), SPEC)
    predictor = Predictor(adapted, device="cpu")
    (alone,), (told,) = predictor.predict(plane[None]), predictor.predict(
        plane[None], [data.activity[-1]]
    )  # fmt: skip
    # What is judged is what is served.
    network = build_network(adapted)
    rates, sums = totals(network, plane[None]), data.sums[-1:]
    served = [score.probability for score in alone]
    np.testing.assert_allclose(probabilities(network, rates, None)[0], served, rtol=1e-5)
    served = [score.probability for score in told]
    np.testing.assert_allclose(probabilities(network, rates, sums)[0], served, rtol=1e-5)


def test_on_hours_that_it_was_not_fitted_to_it_beats_its_base(adapted):
    report = Report.from_json((adapted.folder / "evaluation.json").read_text())
    for verification in report.verifications[:2]:
        bss = {f.name: f.figures["bss"].value for f in verification.forecasters}
        assert bss["network"] > bss[BASE] + 0.1
        assert bss[INFORMED] > bss[BASE_INFORMED] + 0.1
        assert verification.paired[f"bss of network over {BASE}"].value > 0.1


def test_evaluating_again_gives_the_card_that_was_written(adapted, flaremon):
    card = flaremon("evaluate", "ours@1.0.0")
    assert card == (adapted.folder / "MODEL_CARD.md").read_text()
    figures = flaremon("evaluate", "ours@1.0.0", "--json")
    assert figures == (adapted.folder / "evaluation.json").read_text()


def test_the_same_store_gives_the_same_hash_and_the_same_weights(adapted, stored, tmp_path):
    (tmp_path / "adapt.toml").write_text(ADAPT)
    again = tmp_path / "ours" / "1.0.0"
    train_model(tmp_path / "adapt.toml", None, again, cache=tmp_path / "cache", stored=stored)
    assert load_package(again).weights_sha256 == adapted.weights_sha256
    assert read_manifest(load_package(again)) == read_manifest(adapted)


def test_the_manifest_names_every_frame_its_file_and_both_hashes(adapted, stored, history):
    manifest = read_manifest(adapted)
    assert len(manifest["frames"]) == history.days == sum(
        part["frames"] for part in manifest["splits"]
    ) + 40  # fmt: skip
    with session_scope(stored.engine) as session:
        hashes = store.known_hashes(session)
    for key, recnum, _, tenths_sha256, source_sha256 in manifest["frames"][::20]:
        assert hashes[source_sha256] == RecordKey.parse(key)
        assert stored.frames.get(RecordKey.parse(key), SPEC, recnum=recnum) is not None
        assert len(tenths_sha256) == 64


def test_another_flare_another_frame_or_another_part_is_another_data_set(stored, history):
    first = build(stored, CONFIG, Range(), spec=SPEC, events=EVENTS, shares=SHARES)
    again = build(stored, CONFIG, Range(), spec=SPEC, events=EVENTS, shares=SHARES)
    assert first.sha256 == again.sha256
    later = Range(since=FIRST + timedelta(days=2))
    fewer = build(stored, CONFIG, later, spec=SPEC, events=EVENTS, shares=SHARES)
    others = [
        fewer,
        replace(first, splits=fewer.splits),
        replace(first, flares=replace(first.flares, flux_w_m2=first.flares.flux_w_m2 * 2)),
        replace(
            first, entries=(replace(first.entries[0], tenths_sha256="0" * 64), *first.entries[1:])
        ),
    ]
    assert len({first.sha256, *(other.sha256 for other in others)}) == 5


@pytest.fixture
def copied(history, models, tmp_path):
    """The history once more, to be spoilt."""
    shutil.copytree(history.folder / "frames", tmp_path / "frames")
    shutil.copy(history.folder / "flaremon.db", tmp_path / "flaremon.db")
    own = replace(history, folder=tmp_path, url=f"sqlite:///{tmp_path / 'flaremon.db'}")
    with threads(1):
        found = own.stored(models)
        yield found
        found.engine.dispose()


def test_hours_that_the_list_does_not_answer_for_are_left_out(copied, history):
    """A gap of ten days in the list: no frame whose window touches it is used."""
    begins = (FIRST - truths.T0) / truths.H + 24 * 20
    with session_scope(copied.engine) as session:
        truths.list_flares(session, truths.gap(begins, begins + 240))
    data = build(copied, CONFIG, Range(), spec=SPEC, events=EVENTS, shares=SHARES)
    assert data.left_out == 11  # ten days, and the day before, whose window reaches into them
    assert len(data.entries) == history.days - data.left_out
    assert not (data.labels[:, 0] == UNKNOWN).any()
    lost = np.datetime64("2024-01-21") <= data.times
    assert not (lost & (data.times < np.datetime64("2024-01-31"))).any()


def test_frames_that_are_damaged_are_left_out_and_a_card_that_needs_them_cannot_be_made_again(
    copied, adapted, caplog, tmp_path
):
    data = build(copied, CONFIG, Range(), spec=SPEC, events=EVENTS, shares=SHARES)
    path = copied.frames.path(data.entries[5].wanted.key, SPEC)
    path.write_bytes(path.read_bytes()[:-1])
    fewer = build(copied, CONFIG, Range(), spec=SPEC, events=EVENTS, shares=SHARES)
    assert len(fewer.entries) == len(data.entries) - 1
    assert "1 of 136 frames are damaged" in caplog.text
    with pytest.raises(InputError, match=r"1 of the 136 frames that dataset.json names"):
        evaluate_model(adapted, None, cache=tmp_path, stored=copied)


def test_a_flare_list_that_changed_since_is_said_when_a_model_is_judged_again(
    copied, adapted, caplog
):
    with session_scope(copied.engine) as session:
        truths.list_flares(session, truths.flare(0, "M5.0", start=FIRST + timedelta(days=120)))
    rebuild(copied, read_manifest(adapted))
    assert "changed since" in caplog.text


def test_too_little_is_refused_with_what_there_is_and_what_is_needed(flaremon, tmp_path):
    (tmp_path / "adapt.toml").write_text(ADAPT)
    out = ("--out", tmp_path / "m" / "1.0.0")
    told = flaremon("train", tmp_path / "adapt.toml", *out, "--since", "2024-03-10", code=3)
    assert "train (2024-03-10 to" in told
    assert "(needed: 60 days, 10 and 10)" in told
    assert "report (2024-" in told
    assert "(needed: 30 days, 5 and 5)" in told
    told = flaremon("train", tmp_path / "adapt.toml", *out, "--since", "2024-05-01", code=3)
    assert "backfill more history" in told
    told = flaremon("train", tmp_path / "adapt.toml", *out, "--since", "2025-01-01", code=3)
    assert "no archived frame of hmi.M_720s_nrt" in told
    assert "there are frames of hmi.M_720s_nrt" in told
    told = flaremon("train", tmp_path / "adapt.toml", *out, "--since", "2019-01-01", code=3)
    assert "tiny-rate@0.0.1 was fitted to observations up to 2019-12-31" in told
    assert not (tmp_path / "m").exists()


def test_frames_after_which_nothing_is_known_are_nothing_to_train_on(stored):
    other = replace(CONFIG, catalog="mine")
    with pytest.raises(InputError, match="list mine does not say what became of any of 136"):
        build(stored, other, Range(), spec=SPEC, events=EVENTS, shares=SHARES)


def test_a_base_that_is_no_rate_map_cannot_be_adapted(stored, tmp_path):
    (tmp_path / "adapt.toml").write_text(ADAPT.replace("tiny-rate", "tiny-cnn"))
    with pytest.raises(ModelError, match="no rate map"):
        train_model(
            tmp_path / "adapt.toml", None, tmp_path / "a" / "1.0.0", cache=tmp_path, stored=stored
        )


@pytest.mark.parametrize("n_shares", [2, 3])
def test_no_flare_window_and_no_memory_of_flares_crosses_a_split(stored, n_shares):
    """Of the store, as `test_leakage` has it for maps."""
    shares = dict(list(zip((TRAIN, CHOOSE, REPORT), (0.5, 0.2, 0.3), strict=True))[-n_shares:])
    data = build(stored, CONFIG, Range(), spec=SPEC, events=EVENTS, shares=shares)
    parts = [data.times[data.part(name)] for name in shares]
    window, reach = np.timedelta64(24, "h"), np.timedelta64(72, "h")
    for before, after in pairwise(parts):
        assert before.max() + window < after.min() - reach
        assert after.min() - before.max() >= np.timedelta64(40, "D")
    assert sum(map(len, parts)) < len(data.times)


def test_a_plain_network_is_trained_on_stored_frames_and_its_package_answers(
    stored, models, tmp_path
):
    little = Need(days=5, event_days=1, quiet_days=1)
    recipe = PlainRecipe(
        events=tuple(EVENTS),
        channels=(4, 4, 4, 4),
        frame=SPEC,
        fit=FitConfig(epochs=3, batch_size=4, share_per_epoch=1.0),
        bootstrap=20,
        needs={TRAIN: little, CHOOSE: little, REPORT: little},
    )
    config = replace(CONFIG, choose_share=0.25, report_share=0.25)
    weights = []
    for cache in (tmp_path / "one", tmp_path / "two"):
        out = cache / "models" / "own-cnn" / "1.0.0"
        card = train_plain(recipe, stored, config, Range(), out=out, cache=cache)
        package = load_package(out)
        weights.append(package.weights_sha256)
    assert weights[0] == weights[1]
    assert (out / "curves.png").stat().st_size > 1000
    (scores,) = Predictor(package, device="cpu").predict(np.zeros((1, 1, 128, 128), np.float32))
    assert [str(score.event) for score in scores] == ["M1+/24h", "C1+/24h"]
    text = card.read_text()
    assert "trained on this machine's own archive" in text
    report = evaluate_model(package, None, cache=cache, stored=stored)
    assert report.to_json() == (out / "evaluation.json").read_text()
    assert [split.name for split in report.splits] == [TRAIN, CHOOSE, REPORT]
    assert json.loads((out / "dataset.json").read_text())["sha256"] in text


def test_a_plain_network_wants_more_than_some_months(stored, tmp_path):
    (tmp_path / "own.toml").write_text(
        'architecture = "plain-cnn"\nevents = ["M1+/24h"]\n[data]\nsource = "store"\n'
    )
    with pytest.raises(InputError, match="for frames of 512 px"):
        train_model(
            tmp_path / "own.toml", None, tmp_path / "a" / "1.0.0", cache=tmp_path, stored=stored
        )
