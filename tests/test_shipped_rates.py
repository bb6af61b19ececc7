"""The shipped rate map on real files: order of activity, formats, regions."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from flaremon.domain import ModelId, RecentActivity
from flaremon.images import read_any
from flaremon.inference import Predictor
from flaremon.package import find_package, shipped_models
from flaremon.preprocess import to_frame, to_plane
from flaremon.training.evaluation import NETWORK, PERSISTENCE, TRAILING
from flaremon.training.rates.domain import COST_ROW, views_of
from flaremon.training.rates.evaluate import INFORMED
from flaremon.training.rates.simpler import CNN, CNN_RECENT, FLUX, FLUX_RECENT, RECENT
from flaremon.training.report import REPORT_FILE, Report

ACTIVE, QUIETER, QUIET = range(3)

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def predictor():
    package = find_package(shipped_models(), ModelId.parse("fulldisk-rate@1.1.0"))
    return Predictor(package, device="cpu")


@pytest.fixture(scope="module")
def magnetograms(shared_data):
    return [read_any(path) for path in sorted((shared_data / "fits").glob("*.fits"))]


@pytest.fixture(scope="module")
def planes(magnetograms, predictor):
    spec = predictor.package.frame
    return np.stack([to_plane(to_frame(one, spec), spec) for one in magnetograms])


def test_files_of_2011_2016_and_2019_score_in_the_order_of_their_activity(predictor, planes):
    answers = predictor.predict(planes)
    for event in range(len(predictor.package.events)):
        active, quieter, quiet = (scores[event].probability for scores in answers)
        assert active > quieter > quiet


def test_a_file_and_its_own_8_bit_picture_of_512_pixels_agree(predictor, planes):
    levels = np.round((planes + 1) / 2 * 255)
    pictures = np.where(planes == 0, 0, levels / 255 * 2 - 1).astype(np.float32)
    for file, picture in zip(predictor.predict(planes), predictor.predict(pictures), strict=True):
        for one, other in zip(file, picture, strict=True):
            assert other.probability == pytest.approx(one.probability, abs=0.01)


def test_the_card_tells_what_pictures_of_a_file_say(predictor, magnetograms):
    """Also of pictures clipped and of 8 bits before averaging, as Helioviewer's are."""
    (table,) = (table for table in report(predictor).measured if table.columns[1] == "event")
    rows = {row[:2]: row[2:] for row in table.rows}
    active = magnetograms[ACTIVE]
    views = views_of(predictor.package, active)
    assert table.columns[2:] == tuple(views)
    for k, spec in enumerate(predictor.package.events):
        said = [scores[k].probability for scores in predictor.predict(np.stack([*views.values()]))]
        kept = rows[f"{active.t_obs:%Y-%m-%d}", f"`{spec.event}`"]
        assert said == pytest.approx(list(kept), abs=1e-3)


def test_a_picture_clipped_at_full_size_has_nearly_the_probability_of_large_flares(
    predictor, magnetograms
):
    views = views_of(predictor.package, magnetograms[ACTIVE])
    file, _, picture = predictor.predict(np.stack([*views.values()]))
    assert str(file[1].event) == "C1+/24h"
    for k, (one, other) in enumerate(zip(file, picture, strict=True)):
        # C1+ moves by more, and the card says so.
        assert other.probability == pytest.approx(one.probability, abs=0.15 if k == 1 else 0.05)


def test_an_active_disk_with_flares_is_more_probable_than_one_without(predictor, planes):
    until = datetime(2011, 12, 17, 6, tzinfo=UTC)
    flares = tuple((until - timedelta(hours=h), 2e-5) for h in (30, 12, 3))
    quiet, active = (
        RecentActivity(until=until, flares=some, source="test") for some in ((), flares)
    )
    alone, none, three = predictor.predict(np.stack([planes[ACTIVE]] * 3), [None, quiet, active])
    for k in range(len(predictor.package.events)):
        assert none[k].probability < alone[k].probability < three[k].probability


def test_a_disk_that_is_all_strong_field_in_a_storm_of_flares_has_finite_numbers(predictor, planes):
    disk = np.where(planes[:1] == 0, 0, 1).astype(np.float32)
    until = datetime(2026, 2, 2, tzinfo=UTC)
    storm = tuple((until - timedelta(minutes=20 * k), 3e-4) for k in range(200))
    recent = RecentActivity(until=until, flares=storm, source="test")
    for scores in predictor.predict(np.concatenate([disk, disk]), [None, recent]):
        assert np.isfinite([(s.score, s.probability, s.spread) for s in scores]).all()


def test_the_card_has_every_event_of_every_set_of_hours(predictor):
    verifications = report(predictor).verifications
    events = [str(spec.event) for spec in predictor.package.events]
    hours = list(dict.fromkeys(v.hours for v in verifications))
    assert len(hours) == 5
    for name in hours[:4]:
        assert [v.event for v in verifications if v.hours == name] == events
    for v in verifications:
        if v.forecasters:
            names = {who.name for who in v.forecasters}
            assert {NETWORK, TRAILING, PERSISTENCE, INFORMED} <= names
        if v.forecasters and v.hours in hours[:2]:
            assert {RECENT, FLUX, FLUX_RECENT, CNN, CNN_RECENT} <= names


def test_an_answer_takes_less_than_150_ms_of_a_core(predictor):
    (spent,) = (
        row[1] for table in report(predictor).measured for row in table.rows if row[0] == COST_ROW
    )
    assert spent <= 150


def report(predictor):
    return Report.from_json((predictor.package.folder / REPORT_FILE).read_text())


def test_the_regions_of_an_active_disk_are_where_flares_are(predictor, planes):
    active, _, quiet = predictor.explain(planes)
    assert active[0].share > 0.2
    assert all(5 < abs(region.latitude_deg) < 35 for region in active[:2])
    assert quiet == () or quiet[0].share < 0.1
