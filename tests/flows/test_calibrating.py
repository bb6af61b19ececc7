"""The monitor calibrates what it stores, by the calibrator that the model package brings."""

import pytest
from support.calibrators import calibrator
from support.packages import write_package
from support.rows import EVENTS

from flaremon.calibration import FILE, to_text
from flaremon.domain import ActivityLevel
from flows.monitor import monitor

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server")]


def test_the_monitor_stores_raw_and_calibrated_numbers_and_says_that_activity_is_unknown(
    station, tmp_path, monkeypatch
):
    package = write_package(tmp_path)
    item = calibrator(*map(str, EVENTS), weights_sha256=package.weights_sha256)
    (package.folder / FILE).write_text(to_text(item))
    monkeypatch.setenv("FLAREMON_MODELS_DIR", str(tmp_path))
    assert monitor()["scored"] == 3
    stored = station.predictions
    assert len(stored) == 6
    assert {p.calibrator for p in stored} == {item.id}
    assert {p.activity for p in stored if p.event == EVENTS[0]} == {ActivityLevel.UNKNOWN}
    for p in stored:
        told = item.apply(p.event, p.raw_probability, ActivityLevel.UNKNOWN)
        assert (p.probability, p.threshold) == (pytest.approx(told), 0.25)
