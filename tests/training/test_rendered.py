"""Raw probabilities for calibration."""

import numpy as np
import pytest
from support.maps import Spot, write_flares, write_maps
from support.packages import write_package, write_rate_package

from flaremon.errors import InputError
from flaremon.training.dataset import REPORT
from flaremon.training.rates.config import RatesConfig
from flaremon.training.rendered import raw_forecasts
from flaremon.training.stored.dataset import DATASET_FILE

RATES = RatesConfig(folds=((2021,), (2020,)), choose=(2019,), thresholds=(2021,), cadence_h=24)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Maps from October 2021 to May 2022, and a flare on every third day."""
    folder = tmp_path_factory.mktemp("data")
    rotations = range(2249, 2257)
    spots = tuple(Spot(r, 90.0 + 7 * (r % 9), 15.0) for r in rotations if r % 3)
    write_maps(folder / "synoptic", rotations, spots)
    days = np.arange("2021-01-01", "2024-12-01", dtype="datetime64[D]")
    rows = [
        (f"{day}T0{k % 7}:20:00Z", f"{day}T0{k % 7}:50:00Z", "M1.5" if k % 3 == 0 else "C2.0")
        for k, day in enumerate(days)
    ]
    write_flares(folder / "labels", rows, coverage=[("2019-01-01", "2024-12-01", "C1+", "")])
    return folder


def test_of_a_rate_map_they_are_those_with_recent_flares_on_hours_that_no_weight_saw(
    data, tmp_path
):
    package = write_rate_package(tmp_path)
    found, source = raw_forecasts(package, data, cache=data / "cache", rates=RATES)
    assert [item.event for item in found] == [spec.event for spec in package.events]
    for item in found:
        assert item.times.min() >= REPORT.start
        assert np.all((item.probabilities >= 0) & (item.probabilities <= 1))
        assert np.all(np.diff(item.times) > np.timedelta64(0, "s"))
    assert source.startswith("disks of maps, 2022-01-01 to 2022-0")
    assert np.ptp(found[0].probabilities) > 0


def test_a_package_from_a_store_is_calibrated_on_its_stored_predictions(data, tmp_path):
    package = write_package(tmp_path)
    (package.folder / DATASET_FILE).write_text("{}")
    with pytest.raises(InputError, match="stored predictions"):
        raw_forecasts(package, data, cache=tmp_path)
