"""The plain network for comparison, and what is kept of it."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from flaremon.errors import ModelError
from flaremon.training.dataset import SEPARATION
from flaremon.training.rates.comparison import Views, _Days, _parts
from flaremon.training.rates.config import RatesConfig
from flaremon.training.rates.kept import COMPARISON_FILE, Kept, Said, read_kept, write_kept
from flaremon.training.rates.resnet import DiskResNet

TIMES = np.array(["2014-01-01", "2014-01-03", "2014-01-09"], "datetime64[s]")


def said():
    return Said(times=TIMES, rates=np.array([[3.0, 1.0, 0.1], [2.0, 0.5, 0.01], [9.0, 4.0, 1.0]]))


def test_rates_are_nested_and_not_negative():
    network = DiskResNet((4, 8), dropout=0.0).eval()
    torch.nn.init.normal_(network.last.weight, generator=torch.Generator().manual_seed(0))
    fields = 100 * torch.randn(6, 90, 160, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        c1, m1, x1 = network.nested(fields).unbind(dim=1)
    assert (x1 > 0).all()
    assert (m1 >= x1).all()
    assert (c1 >= m1).all()


def test_what_is_kept_is_read_again_to_a_thousandth(tmp_path):
    write_kept(Kept(maps=said(), images=said(), parameters=12), tmp_path)
    again = read_kept(tmp_path)
    assert again is not None
    assert again.parameters == 12
    np.testing.assert_array_equal(again.maps.times, TIMES)
    np.testing.assert_allclose(again.images.rates, said().rates, rtol=2e-3)


def test_rates_of_times_at_which_nothing_was_said_are_not_numbers():
    np.testing.assert_array_equal(said().at(TIMES[[2, 0]]), said().rates[[2, 0]])
    more = said().at(np.append(TIMES, np.datetime64("2015-01-01", "s")))
    np.testing.assert_array_equal(np.isnan(more).all(axis=1), [False, False, False, True])
    assert np.isnan(Said(times=TIMES[:0], rates=np.empty((0, 3))).at(TIMES)).all()


def test_a_package_without_comparison_has_none(tmp_path):
    assert read_kept(tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"no safetensors at all"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, content):
    (tmp_path / COMPARISON_FILE).write_bytes(content)
    with pytest.raises(ModelError, match=COMPARISON_FILE):
        read_kept(tmp_path)


def test_a_file_with_something_else_in_it_is_named(tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / COMPARISON_FILE)
    with pytest.raises(ModelError, match="train anew"):
        read_kept(tmp_path)


class _Everything(_Days):
    """Days with every disk and every flare known."""

    def known(self, times):
        return times


def test_no_day_is_fitted_that_shares_a_window_or_a_column_with_those_left_out():
    config = RatesConfig()
    views = Views(fields=(), cells=None, half_deg=80.0)
    for fold in config.folds:
        fitted, left_out = _parts(config, fold, _Everything(views, None))
        years = fitted.astype("datetime64[Y]").astype(int) + 1970
        assert not set(years) & set(fold)
        assert set(years) <= set(config.fitted)
        distances = np.abs(fitted[::8, None] - config.times(fold)[None])
        assert distances.min() > SEPARATION
        assert (np.diff(left_out) >= np.timedelta64(1, "D")).all()
