"""ONNX files answer as torch does; skips where the optional extra is not installed."""

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.disks import plane
from support.packages import write_rate_package

from flaremon.errors import ConfigurationError, ModelError
from flaremon.inference import Predictor
from flaremon.training.export import export_onnx

pytest.importorskip("onnxscript", reason="the extra [onnx] is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="the extra [onnx] is not installed")

# torch's exporter warns about its own internals.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return write_rate_package(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def file(package, tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    export_onnx(package, path)
    return path


@pytest.mark.parametrize("count", [1, 3])
def test_the_file_gives_the_probabilities_and_spreads_of_torch(package, file, count):
    planes = np.stack([plane((-20.0 + 10 * k, 15.0)) for k in range(count)])
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    counts = np.full((count, 6, 3), -1, np.float32)
    probabilities, spreads = session.run(None, {"planes": planes, "recent_flares": counts})
    for scores, p, spread in zip(
        Predictor(package, device="cpu").predict(planes), probabilities, spreads, strict=True
    ):
        np.testing.assert_allclose([s.probability for s in scores], p, atol=1e-4)
        np.testing.assert_allclose([s.spread for s in scores], spread, atol=1e-4)


def test_a_folder_that_cannot_take_the_file_is_said_before_the_conversion(package, tmp_path):
    broken = replace(package, folder=tmp_path / "no-weights-to-convert")
    for path in (tmp_path / "no" / "x.onnx", Path("/proc/x.onnx")):
        with pytest.raises(ConfigurationError, match=f"cannot use the folder {path.parent}"):
            export_onnx(broken, path)
    assert list(tmp_path.iterdir()) == []


def test_only_what_is_known_of_the_exporter_is_silenced(package, tmp_path, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        export_onnx(package, tmp_path / "x.onnx")
    assert "torchvision" not in capfd.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["x.onnx"]


def test_an_existing_file_is_not_written_over(package, file):
    with pytest.raises(ModelError, match="exists"):
        export_onnx(package, file)
