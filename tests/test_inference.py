"""The predictor: the same answer in any batch, and a clear error otherwise."""

import numpy as np
import pytest
import torch
from support.packages import write_package

from flaremon.errors import ConfigurationError, ModelError
from flaremon.inference import Predictor
from flaremon.preprocess import FrameSpec


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return write_package(
        tmp_path_factory.mktemp("models"),
        frame=FrameSpec(size_px=128),
        network={"pooled_px": 64},
        events={"M1+/24h": 0.3, "C1+/now": 0.6},
    )


@pytest.fixture(scope="module")
def planes():
    return np.random.default_rng(0).uniform(-1, 1, (5, 1, 128, 128)).astype(np.float32)


def scores_of(answers):
    return np.array([[score.score for score in scores] for scores in answers])


def test_answers_come_per_plane_and_event_in_the_order_of_the_package(package, planes):
    answers = Predictor(package, device="cpu").predict(planes)
    assert len(answers) == 5
    for scores in answers:
        assert [str(score.event) for score in scores] == ["M1+/24h", "C1+/now"]
        assert [score.threshold for score in scores] == [0.3, 0.6]
        for score in scores:
            assert score.probability == pytest.approx(1 / (1 + np.exp(-score.score)))
            assert score.flare == (score.probability >= score.threshold)


@pytest.mark.parametrize("batch_size", [1, 2, 5, 64])
def test_the_batch_does_not_change_the_answer(package, planes, batch_size):
    alone = [Predictor(package, device="cpu").predict(planes[i : i + 1])[0] for i in range(5)]
    together = Predictor(package, device="cpu", batch_size=batch_size).predict(planes)
    np.testing.assert_allclose(scores_of(together), scores_of(alone), rtol=1e-4, atol=1e-5)


def test_the_same_planes_get_the_same_answer_twice(package, planes):
    predictor = Predictor(package, device="cpu")
    assert predictor.predict(planes) == predictor.predict(planes)


def test_no_planes_no_answers(package):
    assert Predictor(package, device="cpu").predict(np.zeros((0, 1, 128, 128), np.float32)) == []


@pytest.mark.parametrize("shape", [(1, 128, 128), (1, 3, 128, 128), (1, 1, 64, 64)])
def test_planes_of_another_shape_are_refused(package, shape):
    with pytest.raises(ModelError, match=r"takes planes of shape \(N, 1, 128, 128\)"):
        Predictor(package, device="cpu").predict(np.zeros(shape, np.float32))


def test_an_answer_that_is_not_finite_is_an_error_and_names_the_plane(package, planes):
    bad = planes.copy()
    bad[3, 0, 60, 60] = np.nan
    with pytest.raises(ModelError, match="plane 3"):
        Predictor(package, device="cpu", batch_size=2).predict(bad)


def test_a_device_that_is_not_there_is_a_matter_of_settings(package):
    with pytest.raises(ConfigurationError, match="FLAREMON_DEVICE"):
        Predictor(package, device="cuda:97")


def test_auto_takes_what_there_is_and_says_what_it_took(package):
    name = Predictor(package).device_name
    gpu = torch.cuda.is_available() or torch.backends.mps.is_available()
    assert (name == "cpu") is not gpu


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_half_precision_on_a_gpu_gives_the_probabilities_of_the_cpu(package, planes):
    cpu = Predictor(package, device="cpu").predict(planes)
    gpu = Predictor(package, device="cuda").predict(planes)
    for a, b in zip(cpu, gpu, strict=True):
        for one, other in zip(a, b, strict=True):
            assert other.probability == pytest.approx(one.probability, abs=0.02)
