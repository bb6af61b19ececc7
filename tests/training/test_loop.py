"""Training: reproducible, able to learn, blind to unknown labels."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.trainings import samples

from flaremon.errors import ConfigurationError, InputError
from flaremon.network import FullDiskCnn, NetworkConfig
from flaremon.training.device import Hardware
from flaremon.training.loop import FitConfig, cross_entropy, fit, logits_of
from flaremon.verify.skill import roc_area

NETWORK = NetworkConfig(input_px=64, pooled_px=32, channels=(4, 6, 6, 6), dropout=0.0)
SHORT = FitConfig(epochs=2, batch_size=8, share_per_epoch=1.0)


def area(network, unseen, event=0):
    said = 1 / (1 + np.exp(-logits_of(network, unseen)[:, event]))
    return roc_area(unseen.labels[:, event], said)


def test_the_same_seed_gives_the_same_weights_and_another_one_others():
    nets = [fit(NETWORK, samples(), samples(seed=1), SHORT, seed=s)[0] for s in (3, 3, 4)]
    first, again, other = (net.state_dict() for net in nets)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["contribution.weight"], other["contribution.weight"])


def test_the_network_learns_what_there_is_to_learn():
    config = FitConfig(epochs=8, batch_size=16, share_per_epoch=1.0, learning_rate=1e-2)
    network, curve = fit(NETWORK, samples(400), samples(200, seed=1), config, seed=0)
    unseen = samples(300, seed=2)
    assert area(network, unseen) > 0.9
    assert area(network, unseen, event=1) > 0.9
    assert curve[-1].train_loss < curve[0].train_loss


def test_the_epoch_with_the_least_loss_on_the_choosing_years_is_kept():
    choose = samples(seed=1)
    network, curve = fit(NETWORK, samples(), choose, SHORT, seed=0)
    loss = cross_entropy(
        torch.from_numpy(logits_of(network, choose)), torch.from_numpy(choose.labels.astype(float))
    )
    assert float(loss) == pytest.approx(min(epoch.choose_loss for epoch in curve), abs=1e-6)


def test_unknown_labels_do_not_count():
    logits = torch.tensor([[0.3, 1.0], [-2.0, 5.0]])
    half_known = torch.tensor([[1.0, -1.0], [0.0, -1.0]])
    alone = cross_entropy(logits[:, :1], half_known[:, :1])
    assert float(cross_entropy(logits, half_known)) == pytest.approx(float(alone) / 2)
    network, _ = fit(NETWORK, samples(unknown=True), samples(seed=1), SHORT, seed=0)
    assert np.isfinite(logits_of(network, samples())).all()


def test_too_few_samples_for_a_schedule_are_refused():
    with pytest.raises(InputError, match="2 steps"):
        fit(NETWORK, samples(10), samples(10), SHORT, seed=0)


def test_training_begins_at_climatology():
    """Rare events would otherwise cost the first epochs."""
    config = FitConfig(epochs=20, share_per_epoch=0.0, batch_size=1, learning_rate=1e-9)
    data = samples(200)
    network, _ = fit(NETWORK, data, data, config, seed=0)
    assert isinstance(network, FullDiskCnn)
    mean = 1 / (1 + np.exp(-logits_of(network, data)))
    np.testing.assert_allclose(mean.mean(0), data.labels.mean(0), atol=0.2)


def test_in_half_precision_it_learns_as_well_with_weights_in_32_bits():
    """The path of a GPU, on a CPU: autocast to bfloat16."""
    config = FitConfig(
        epochs=8, batch_size=16, share_per_epoch=1.0, learning_rate=1e-2, precision="bfloat16"
    )
    network, _ = fit(NETWORK, samples(400), samples(200, seed=1), config, seed=0)
    assert {value.dtype for value in network.parameters()} == {torch.float32}
    assert area(network, samples(300, seed=2)) > 0.9
    whole, _ = fit(
        NETWORK, samples(), samples(seed=1), replace(SHORT, precision="float32"),
        seed=0,
    )  # fmt: skip
    half, _ = fit(
        NETWORK, samples(), samples(seed=1), replace(SHORT, precision="bfloat16"),
        seed=0,
    )  # fmt: skip
    assert not torch.equal(whole.contribution.weight, half.contribution.weight)


def test_without_a_gpu_it_trains_in_32_bits_uncompiled_and_a_gpu_that_is_wanted_is_missed():
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    found = Hardware.find()
    assert (found.name, found.half, found.compiled) == ("cpu", False, False)
    with pytest.raises(ConfigurationError, match="does not exist"):
        Hardware.find("cuda")
    with pytest.raises(InputError, match="precision must be one of"):
        Hardware.find(precision="float8")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_on_a_gpu_it_is_compiled_runs_in_bfloat16_and_learns():
    assert Hardware.find().compiled
    config = FitConfig(epochs=8, batch_size=16, share_per_epoch=1.0, learning_rate=1e-2)
    network, _ = fit(NETWORK, samples(400), samples(200, seed=1), config, seed=0)
    assert next(network.parameters()).device.type == "cpu"
    assert area(network, samples(300, seed=2)) > 0.9
