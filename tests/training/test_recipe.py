"""From maps and lists to a package with its card, end to end on a small synthetic Sun."""

from dataclasses import replace

import numpy as np
import pytest
from support.maps import Spot, write_flares, write_maps

from flaremon.domain import ModelId
from flaremon.errors import InputError, ModelError
from flaremon.inference import Predictor
from flaremon.package import find_package, load_package
from flaremon.preprocess import FrameSpec
from flaremon.training import Recipe, card_of, evaluate_package, train_package
from flaremon.training.dataset import Split
from flaremon.training.loop import FitConfig
from flaremon.training.report import REPORT_FILE, Report


def split(name, start, end):
    return Split(name=name, start=np.datetime64(start, "s"), end=np.datetime64(end, "s"))


RECIPE = Recipe(
    frame=FrameSpec(size_px=128),
    channels=(4, 4, 4, 4),
    cadence_h=12,
    splits=(
        split("train", "2023-11-01", "2023-12-15"),
        split("choose", "2024-01-20", "2024-02-10"),
        split("report", "2024-03-17", "2024-04-15"),
    ),
    fit=FitConfig(epochs=2, batch_size=8, share_per_epoch=1.0),
    bootstrap=50,
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    spots = [
        Spot(int(r), float(rng.uniform(20, 340)), float(rng.choice([-18, 18])))
        for r in range(2275, 2286)
        for _ in range(3)
    ]
    write_maps(folder / "synoptic", range(2275, 2286), tuple(spots))
    days = np.arange("2023-10-01", "2024-05-01", dtype="datetime64[D]")
    rows = [(f"{d}T06:00:00Z", f"{d}T18:30:00Z", "M1.5") for d in days[rng.random(len(days)) < 0.4]]
    write_flares(
        folder / "labels",
        [*rows, ("2024-06-30T00:00:00Z", "2024-06-30T00:10:00Z", "B1.0")],
        coverage=[("2023-01-01", "2024-12-31", "C1+", "")],
    )
    return folder


@pytest.fixture(scope="module")
def folder(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("models") / "small-cnn" / "0.1.0"
    card = train_package(data, out, seed=1, cache=data / "cache", recipe=RECIPE)
    assert card == out / "MODEL_CARD.md"
    return out


def test_the_package_loads_and_answers(folder):
    package = find_package(folder.parent.parent, ModelId("small-cnn", "0.1.0"))
    (scores,) = Predictor(package, device="cpu").predict(np.zeros((1, 1, 128, 128), np.float32))
    assert [str(s.event) for s in scores] == ["M1+/24h", "C1+/now"]
    assert str(package.training.start) == "2023-11-01"
    assert package.training.seed == 1


def test_nothing_but_the_package_is_left(folder):
    assert sorted(path.name for path in folder.iterdir()) == [
        "MODEL_CARD.md",
        "curves.png",
        "evaluation.json",
        "model.toml",
        "weights.safetensors",
    ]
    assert [path.name for path in folder.parent.iterdir()] == ["0.1.0"]


def test_thresholds_are_the_climatology_of_the_years_before_the_report(folder):
    package = load_package(folder)
    splits = Report.from_json((folder / REPORT_FILE).read_text()).splits
    for spec in package.events:
        rates = [s.base_rates[str(spec.event)] for s in splits[:2]]
        assert min(rates) - 0.001 <= spec.threshold <= max(rates) + 0.001


def test_evaluating_again_gives_the_report_and_the_card_that_were_written(folder, data):
    package = load_package(folder)
    report = evaluate_package(package, data, cache=data / "cache", recipe=RECIPE)
    assert report.to_json() == (folder / REPORT_FILE).read_text()
    assert card_of(package, report) == (folder / "MODEL_CARD.md").read_text()


def test_the_report_has_both_renderings_both_events_and_all_counts(folder):
    report = Report.from_json((folder / REPORT_FILE).read_text())
    found = {(v.hours, v.event) for v in report.verifications}
    assert found == {
        (f"rendered, {rendering}", event)
        for rendering in ("as-rendered", "causal")
        for event in ("M1+/24h", "C1+/now")
    }
    for v in report.verifications:
        assert [f.name for f in v.forecasters] == ["network", "trailing climatology", "persistence"]
        assert 0 < v.base_rate < 1
        for forecaster in v.forecasters:
            c = forecaster.contingency
            assert c.tp + c.fp + c.fn + c.tn == v.n
            assert c.tp + c.fn == v.positives
            for figure in forecaster.figures.values():
                assert figure.low <= figure.high
        assert sum(count for count, _, _ in v.reliability) == v.n


def test_the_same_seed_writes_the_same_weights(folder, data, tmp_path):
    again = tmp_path / "small-cnn" / "0.1.0"
    train_package(data, again, seed=1, cache=data / "cache", recipe=RECIPE)
    assert load_package(again).weights_sha256 == load_package(folder).weights_sha256


def test_an_existing_package_is_refused_before_any_work(folder, data):
    with pytest.raises(ModelError, match="another version"):
        train_package(data / "nowhere", folder, recipe=RECIPE)


def test_a_folder_that_names_no_model_is_refused(data, tmp_path):
    with pytest.raises(InputError, match="not a model"):
        train_package(data, tmp_path / "Some Net" / "first", recipe=RECIPE)


def test_a_training_that_fails_leaves_no_package(data, tmp_path):
    late = replace(RECIPE.splits[2], start=np.datetime64("2030-01-01", "s"))
    broken = replace(RECIPE, splits=(*RECIPE.splits[:2], replace(late, end=late.start + 86400)))
    with pytest.raises(InputError):
        train_package(data, tmp_path / "m" / "1.0.0", cache=data / "cache", recipe=broken)
    assert not list((tmp_path / "m").iterdir())
