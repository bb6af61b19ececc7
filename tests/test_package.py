"""Model packages: strict to read, checked before they are trusted; and those that ship."""

import pickle
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from support.packages import write_package

from flaremon.domain import ModelId
from flaremon.errors import ModelError
from flaremon.inference import Predictor
from flaremon.package import (
    build_network,
    find_package,
    list_packages,
    load_package,
    shipped_models,
)
from flaremon.preprocess import FrameSpec, to_plane
from flaremon.training import card_of
from flaremon.training.packaging import drafted, encode_weights, sha256_hex
from flaremon.training.report import REPORT_FILE, Report


@pytest.fixture
def package(tmp_path):
    return write_package(tmp_path)


def edit(package, pattern, replacement):
    path = package.folder / "model.toml"
    text, n = re.subn(pattern, replacement, path.read_text(), count=1, flags=re.MULTILINE)
    assert n == 1
    path.write_text(text)


def with_weights(package, content):
    """Put other weights in place and let the description agree with them."""
    package.weights_path.write_bytes(content)
    return replace(package, weights_sha256=sha256_hex(content))


def test_what_is_written_is_read_again(package, tmp_path):
    assert load_package(package.folder) == package
    assert find_package(tmp_path, package.id) == package
    assert list_packages(tmp_path) == [package]


def test_reading_a_package_does_not_import_torch(package):
    code = (
        "import sys, pathlib, flaremon.package as p;"
        f"p.load_package(pathlib.Path({str(package.folder)!r}));"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("pattern", "replacement", "named"),
    [
        (r"^series = .*\n", "", "missing series"),
        (r"^clip_gauss = .*\n", "", r"missing frame\.clip_gauss"),
        (r"^sha256 = .*\n", "", r"missing weights\.sha256"),
        (r"^seed = .*\n", "", r"missing training\.seed"),
        (r"^threshold = .*\n", "", r"missing events\.threshold"),
        (r"^format = 1", "format = 1\ncolour = 3", "unknown colour"),
        (r"^size_px", "sise_px = 3\nsize_px", r"unknown frame\.sise_px"),
        (r"^format = 1", "format = 2", "format is 2"),
        (r"^format = 1", 'format = "1"', "format must be int"),
        (r"^version = .*", 'version = "new"', "not a model"),
        (r"^output = .*", 'output = "odds"', "output is 'odds'"),
        (r"^event = .*", 'event = "M1 soon"', "not an event"),
        (r"^event = .*", 'event = "C1+/now"', "twice"),
        (r"^threshold = .*", "threshold = 1.5", "between 0 and 1"),
        (r"^threshold = .*", "threshold = true", "must be float"),
        (
            r"^threshold = .*",
            "threshold = 0.5\nthreshold_with_recent_flares = 0.0",
            "between 0 and 1",
        ),
        (r"^radius_fraction = .*", "radius_fraction = 0.9", "not a frame"),
        (r"^sha256 = .*", 'sha256 = "abc"', "64 hexadecimal"),
        (r"^start = .*", 'start = "2010"', r"training\.start must be date"),
        (r"^format = 1", "format = ", "cannot be read"),
    ],
)
def test_a_malformed_description_is_refused_by_key(package, pattern, replacement, named):
    edit(package, pattern, replacement)
    with pytest.raises(ModelError, match=named) as caught:
        load_package(package.folder)
    assert "model.toml" in str(caught.value)


def test_answers_that_know_recent_flares_may_have_a_threshold_of_their_own(package):
    edit(package, r"^threshold = .*", "threshold = 0.5\nthreshold_with_recent_flares = 0.25")
    (spec, *_) = load_package(package.folder).events
    assert (spec.threshold_where(informed=False), spec.threshold_where(informed=True)) == (
        0.5,
        0.25,
    )
    assert load_package(package.folder).events[0].informed_threshold == 0.25


def test_without_one_of_their_own_they_have_the_same_threshold(package):
    (spec, *_) = load_package(package.folder).events
    assert spec.threshold_where(informed=True) == spec.threshold


def test_a_folder_without_description_is_no_package(tmp_path):
    with pytest.raises(ModelError, match=r"no model\.toml"):
        load_package(tmp_path)


def test_an_unknown_model_is_answered_with_those_that_exist(package, tmp_path):
    with pytest.raises(ModelError, match=r"no model other@1\.0\.0 .* tiny-cnn@0\.0\.1"):
        find_package(tmp_path, ModelId("other", "1.0.0"))


def test_a_package_in_the_place_of_another_is_refused(package, tmp_path):
    package.folder.rename(package.folder.parent / "0.0.2")
    with pytest.raises(ModelError, match=r"says it is tiny-cnn@0\.0\.1, not tiny-cnn@0\.0\.2"):
        find_package(tmp_path, ModelId("tiny-cnn", "0.0.2"))


def test_versions_are_listed_as_numbers_and_drafts_are_not(package, tmp_path):
    for version in ("0.0.10", "0.0.9"):
        write_package(tmp_path, version=version)
    package.folder.rename(package.folder.parent / ".draft-x")
    assert [p.id.version for p in list_packages(tmp_path)] == ["0.0.9", "0.0.10"]
    with pytest.raises(ModelError, match="not a folder"):
        list_packages(tmp_path / "nowhere")


def test_the_network_comes_back_with_the_weights_that_were_saved(package):
    network = build_network(package)
    assert not network.training
    assert sha256_hex(encode_weights(network.state_dict())) == package.weights_sha256
    assert all(p.dtype is torch.float32 and p.device.type == "cpu" for p in network.parameters())


def test_an_altered_byte_of_the_weights_is_noticed(package):
    content = bytearray(package.weights_path.read_bytes())
    content[-1] ^= 1
    package.weights_path.write_bytes(content)
    with pytest.raises(ModelError, match="SHA-256"):
        build_network(package)


def test_missing_weights_are_named(package):
    package.weights_path.unlink()
    with pytest.raises(ModelError, match=r"weights of tiny-cnn@0\.0\.1 cannot be read"):
        build_network(package)


def test_weights_of_another_network_do_not_fit(package, tmp_path):
    other = write_package(tmp_path, name="other-cnn", network={"channels": (4, 4, 4, 8)})
    swapped = with_weights(package, other.weights_path.read_bytes())
    with pytest.raises(ModelError, match="does not fit"):
        build_network(swapped)


@pytest.mark.parametrize("content", [b"", b"\x00" * 64, pickle.dumps({"weight": 1})])
def test_what_is_not_a_safetensors_file_is_refused_unread(package, content):
    with pytest.raises(ModelError, match="does not fit"):
        build_network(with_weights(package, content))


def test_weights_that_are_not_finite_are_refused(package):
    state = build_network(package).state_dict()
    state["contribution.bias"] = torch.tensor([0.0, float("nan")])
    with pytest.raises(ModelError, match=r"not finite in contribution\.bias"):
        build_network(with_weights(package, encode_weights(state)))


@pytest.mark.parametrize(
    ("network", "named"),
    [
        ({"n_events": 3}, "3 outputs for 2 events"),
        ({"input_px": 256}, "256 px planes"),
        ({"radius_fraction": 0.45}, "radius 0.45"),
        ({"depth": 4}, r"\[network\] is not understood"),
        ({"knee": "low"}, r"\[network\] is not understood"),
        ({"architecture": "resnet"}, "architecture 'resnet' is unknown"),
    ],
)
def test_a_network_for_other_events_or_planes_is_refused(package, network, named):
    with pytest.raises(ModelError, match=named):
        build_network(replace(package, network={**package.network, **network}))


def test_a_version_is_never_written_over(package, tmp_path):
    before = package.weights_path.read_bytes()
    with pytest.raises(ModelError, match="another version"):
        write_package(tmp_path, seed=7)
    assert package.weights_path.read_bytes() == before


def test_a_failure_while_writing_leaves_nothing(package, tmp_path):
    later = replace(package, id=ModelId("late-cnn", "0.0.1"), folder=tmp_path / "late-cnn/0.0.1")
    with (
        pytest.raises(OSError, match="disk full"),
        drafted(later, package.weights_path.read_bytes()),
    ):
        raise OSError("disk full")
    assert not list((tmp_path / "late-cnn").iterdir())


def test_a_wrong_checksum_is_not_written(package, tmp_path):
    with pytest.raises(ModelError, match="checksum"), drafted(package, b"other"):
        pass


# --- the packages that ship ---------------------------------------------------------------------

SHIPPED = list_packages(shipped_models())


@pytest.fixture(params=SHIPPED, ids=lambda package: str(package.id))
def shipped(request):
    return request.param


def disk_plane(spec: FrameSpec, *, regions: int) -> np.ndarray:
    """Return a plane (1, side, side) of a disk with bipoles and noise."""
    rng = np.random.default_rng(5)
    axis = (np.arange(spec.size_px) - (spec.size_px - 1) / 2) / spec.radius_px
    x, y = np.meshgrid(axis, axis)
    frame = rng.normal(0, 2, x.shape)
    for _ in range(regions):
        px, py = rng.uniform(-0.6, 0.6), rng.choice([-1, 1]) * rng.uniform(0.15, 0.35)
        for sign in (-1, 1):
            r2 = (x - px - 0.04 * sign) ** 2 + (y - py) ** 2
            frame += sign * 900 * np.exp(-r2 / (2 * 0.03**2))
    frame[x**2 + y**2 > spec.edge**2] = 0
    return to_plane(frame.astype(np.float32), spec)


def test_the_default_model_ships():
    assert ModelId("fulldisk-cnn", "1.0.0") in [package.id for package in SHIPPED]


def test_a_shipped_package_answers_with_finite_probabilities(shipped):
    planes = np.stack([disk_plane(shipped.frame, regions=n) for n in (0, 2, 8)])
    answers = Predictor(shipped, device="cpu").predict(planes)
    for scores in answers:
        assert [s.event for s in scores] == [spec.event for spec in shipped.events]
        assert all(0 < s.probability < 1 for s in scores)
    quiet, some, many = ([s.probability for s in scores] for scores in answers)
    assert quiet < some < many


def test_a_shipped_package_is_small(shipped):
    network = build_network(shipped)
    assert sum(p.numel() for p in network.parameters()) <= 5_000_000
    assert shipped.weights_path.stat().st_size < 25_000_000


def test_the_card_of_a_shipped_package_says_what_the_package_is(shipped):
    card = (shipped.folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert str(shipped.id) in card
    assert shipped.weights_sha256 in card
    assert str(shipped.training.start) in card
    for spec in shipped.events:
        assert f"`{spec.event}`" in card
        assert f"{spec.threshold:g}" in card


def test_the_card_of_a_shipped_package_is_that_of_its_evaluation(shipped):
    report = Report.from_json((shipped.folder / REPORT_FILE).read_text(encoding="utf-8"))
    assert report.weights_sha256 == shipped.weights_sha256
    card = (shipped.folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert card == card_of(shipped, report)
