"""Answers from files of a folder: found again by their path, and computed again."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.packages import write_package
from support.pictures import NAME, levels, save, view
from support.suns import Sun

from flaremon import store
from flaremon.backfill import Backfill, Model, find_files
from flaremon.cache import FileCache
from flaremon.config import JsocSettings
from flaremon.database import open_engine, session_scope, upgrade
from flaremon.inference import Predictor
from flaremon.jsoc import Jsoc
from flaremon.pipeline import Run
from flaremon.receipts import (
    CheckState,
    Workshop,
    check_receipt,
    checks_in_words,
    in_words,
    make_receipt,
)
from flaremon.receipts.folder import recorded_path
from flaremon.times import utc_now


@pytest.fixture(scope="module")
def scored(tmp_path_factory, hmi_archive):
    """Receipts of a FITS file and a picture that a backfill scored from a folder."""
    home = tmp_path_factory.mktemp("scored")
    folder = home / "my files"
    folder.mkdir()
    save(folder / NAME, levels(view(512, noise_gauss=10.0), Sun()), quality=95)
    shutil.copy(max(hmi_archive.glob("*.fits")), folder / "some.fits")
    package = write_package(home / "models")
    url = f"sqlite:///{home / 'flaremon.db'}"
    upgrade(url)
    engine = open_engine(url)
    work = Backfill(
        engine=engine,
        models=[Model(predictor=Predictor(package, device="cpu"))],
        run=Run(run_id="test", now=utc_now()),
        workers=0,
    )
    assert work.work_off_files(find_files(folder), folder).predicted == 2
    with session_scope(engine) as session:
        keys = {item.prediction.key for item in store.predictions(session)}
        receipts = {k.series: make_receipt(session, k, catalog="swpc") for k in keys}
    engine.dispose()
    assert receipts.keys() == {"file.jpg", "hmi.M_720s_nrt"}
    return folder, package, receipts


@pytest.fixture
def check(scored, tmp_path):
    """Check receipts with the JSOC out of reach."""
    package = scored[1]
    cache = FileCache(tmp_path / "cache", max_bytes=10**9, max_age=timedelta(days=30))
    shop = Workshop(
        source=Jsoc(JsocSettings(base_url="http://127.0.0.1:9", attempts=1), cache),
        cache=cache,
        package=lambda _: package,
        predictor=lambda _: Predictor(package, device="cpu"),
    )

    def run(receipt: dict[str, Any]) -> list[Any]:
        return check_receipt(receipt, shop)

    return run


def pointed_at(receipt: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return a receipt whose file lay elsewhere."""
    answers = [{**answer, "file_url": path.as_uri()} for answer in receipt["answers"]]
    return {**receipt, "answers": answers}


def test_pictures_and_fits_files_of_a_folder_are_computed_again(scored, check):
    for receipt in scored[2].values():
        checks = check(receipt)
        assert {item.state for item in checks} == {CheckState.SAME}
        assert any(item.what.endswith(": probability") for item in checks)
        assert str(scored[0]) in checks[0].found
        for item in checks[3:]:
            if not item.what.endswith(": flare"):  # the steps of the archive are those of then
                assert item.said == item.found


def test_a_file_that_nobody_fetched_is_not_said_to_be_fetched(scored):
    for receipt in scored[2].values():
        words = in_words(receipt)
        assert "bytes, read from a folder, modified 20" in words
        assert "fetched" not in words


def test_a_file_that_was_moved_is_said_and_nothing_is_computed(scored, check, tmp_path):
    gone = pointed_at(scored[2]["file.jpg"], tmp_path / "elsewhere.jpg")
    checks = check(gone)
    assert checks[0].state is CheckState.CANNOT
    assert "elsewhere.jpg is gone or was moved; put it back there" in checks[0].found
    assert "NOT CONFIRMED" in checks_in_words(checks)
    folder = check(pointed_at(scored[2]["file.jpg"], tmp_path))
    assert folder[0].state is CheckState.CANNOT


def test_a_file_that_was_altered_is_not_scored(scored, check, tmp_path):
    content = bytearray((scored[0] / NAME).read_bytes())
    content[-10] ^= 1
    (tmp_path / NAME).write_bytes(content)
    checks = check(pointed_at(scored[2]["file.jpg"], tmp_path / NAME))
    assert checks[0].state is CheckState.DIFFERS
    assert "was altered or replaced since it was scored" in checks[0].found
    numbers = [item for item in checks if item.what.endswith(": probability")]
    assert {item.state for item in numbers} == {CheckState.CANNOT}


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///data/my%20files/a.jpg", Path("/data/my files/a.jpg")),
        ("http://jsoc.stanford.edu/SUM1/D1/S0/magnetogram.fits", None),
        (None, None),
        ("file:", None),
    ],
)
def test_only_addresses_of_files_are_paths(url, path):
    assert recorded_path(url) == path
