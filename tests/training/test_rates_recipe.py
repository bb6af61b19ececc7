"""The rate map from maps and lists to a package with its card, on a small synthetic Sun."""

import datetime as dt
import tomllib

import numpy as np
import pytest
import torch
from support.maps import Spot, write_maps
from support.packages import write_package
from support.suns import View, write_fits

from flaremon.errors import InputError, ModelError
from flaremon.inference import Predictor
from flaremon.network.rates import surroundings
from flaremon.package import build_network, load_package
from flaremon.preprocess import FrameSpec, to_plane
from flaremon.training import card_of, train_model
from flaremon.training.dataset import REPORT
from flaremon.training.models import evaluate_model
from flaremon.training.rates.config import RatesConfig, config_from
from flaremon.training.rates.disks import totals_of, window_sums
from flaremon.training.rates.domain import COST_ROW, measured
from flaremon.training.rates.evaluate import CAUSAL, INFORMED, MAPS, evaluate_rates
from flaremon.training.rates.kept import read_kept
from flaremon.training.rates.recipe import refuse_leak
from flaremon.training.rates.simpler import CNN, CNN_RECENT, FLUX, FLUX_RECENT, RECENT
from flaremon.training.rates.strip import read_cells
from flaremon.training.report import Report
from flaremon.training.synoptic import Rendering, carrington_time, read_strip, render

ROTATIONS = range(2222, 2258)
CONFIG = """
architecture = "rate-map"
folds = [[2020], [2019]]
choose = [2021]
thresholds = [2019, 2020]
cadence_h = 24
bootstrap = 20
beside = ""
[member]
hidden = 4
epochs = 2
[comparison]
channels = [2, 4]
epochs = 1
"""


def write_labels(folder, spots):
    """Write flares of every spot while it is near the meridian, strong spots with an M flare."""
    folder.mkdir()
    lines = ["start_utc,peak_utc,end_utc,goes_class,peak_flux_w_m2,noaa_ar,location,class_scale"]
    first = dt.datetime(2019, 8, 1, tzinfo=dt.UTC)
    hours = [first + dt.timedelta(hours=h) for h in range(0, 24 * 1000, 12)]
    phase = np.array([carrington_time(hour) for hour in hours])
    rows = []
    for k, spot in enumerate(spots):
        passes = 360 * spot.rotation - spot.longitude_deg
        for hour, now in zip(hours, phase, strict=True):
            west = now - passes
            if abs(west) < 28:
                ns = f"{'N' if spot.latitude_deg > 0 else 'S'}{abs(spot.latitude_deg):02.0f}"
                ew = f"{'W' if west >= 0 else 'E'}{abs(west):02.0f}"
                name, flux = ("M2.0", 2e-5) if (k + hour.day) % 3 == 0 else ("C3.0", 3e-6)
                start = hour + dt.timedelta(minutes=7 * k % 600)
                end = start + dt.timedelta(minutes=40)
                rows.append(
                    f"{start:%Y-%m-%dT%H:%M:%SZ},,{end:%Y-%m-%dT%H:%M:%SZ},{name},{flux:.2e},,"
                    f"{ns}{ew},true_flux"
                )
    (folder / "flares.csv").write_text("\n".join(lines + sorted(rows)) + "\n")
    (folder / "coverage.csv").write_text(
        "period_start,period_end,complete_for,source,note\n2019-01-01,2024-12-31,C1+,test,\n"
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    spots = []
    for rotation in ROTATIONS:
        for _ in range(int(rng.integers(0, 3))):
            longitude, latitude = float(rng.uniform(20, 340)), float(rng.choice([-18, 18]))
            spots += [
                Spot(rotation, longitude, latitude),
                Spot(rotation, longitude + 9, latitude, gauss=-700.0),
            ]
    write_maps(folder / "synoptic", ROTATIONS, tuple(spots))
    write_labels(folder / "labels", spots[::2])
    (folder / "train.toml").write_text(CONFIG)
    return folder


@pytest.fixture(scope="module")
def folder(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("models") / "small-rate" / "0.1.0"
    assert train_model(data / "train.toml", data, out, cache=data / "cache") == (
        out / "MODEL_CARD.md"
    )
    return out


@pytest.fixture(scope="module")
def config():
    table = tomllib.loads(CONFIG)
    del table["architecture"]
    return config_from(table, "test")


def test_the_package_is_complete_and_answers(folder):
    assert sorted(path.name for path in folder.iterdir()) == [
        "MODEL_CARD.md",
        "comparison.safetensors",
        "curves.png",
        "evaluation.json",
        "model.toml",
        "weights.safetensors",
    ]
    (scores,) = Predictor(load_package(folder), device="cpu").predict(
        np.zeros((1, 1, 512, 512), np.float32)
    )
    assert [str(s.event) for s in scores] == ["M1+/24h", "C1+/24h", "X1+/24h", "C1+/now", "M1+/now"]


def test_evaluating_again_gives_the_report_and_the_card_that_were_written(folder, data, config):
    package = load_package(folder)
    report = evaluate_rates(package, data, cache=data / "cache", config=config)
    written = Report.from_json((folder / "evaluation.json").read_text())
    again = Report.from_json(report.to_json())
    assert again.verifications == written.verifications
    assert [row for row in rows_of(again) if row[0] != COST_ROW] == [
        row for row in rows_of(written) if row[0] != COST_ROW
    ]
    assert card_of(package, written) == (folder / "MODEL_CARD.md").read_text()


def rows_of(report):
    return [row for table in report.measured for row in table.rows]


def test_the_report_has_every_event_beside_what_is_simpler(folder):
    report = Report.from_json((folder / "evaluation.json").read_text())
    events = ["M1+/24h", "C1+/24h", "X1+/24h", "C1+/now", "M1+/now"]
    for hours in (MAPS, f"{MAPS}, active hours (an M1+ flare in the last 24 h)", CAUSAL):
        assert [v.event for v in report.verifications if v.hours == hours] == events
    for v in report.verifications:
        if v.forecasters:
            names = [forecaster.name for forecaster in v.forecasters]
            assert names[:3] == ["network", "trailing climatology", "persistence"]
            assert {INFORMED, RECENT, FLUX, FLUX_RECENT} <= set(names)
            # The plain network was asked about the disks as they are.
            assert ({CNN, CNN_RECENT} <= set(names)) == (v.hours != CAUSAL)


def test_a_training_that_was_cut_off_goes_on_from_its_members(folder, data, tmp_path):
    again = tmp_path / "small-rate" / "0.1.0"
    (kept,) = (data / "cache").glob("members-*")
    (kept / "1.json").unlink()
    train_model(data / "train.toml", data, again, cache=data / "cache")
    assert load_package(again).weights_sha256 == load_package(folder).weights_sha256


def test_a_disk_rendered_from_maps_has_the_rate_of_its_window(folder, data):
    """What evaluation sums on the strip is what serving finds on a plane, but for the limb law."""
    network = build_network(load_package(folder))
    cells = read_cells(data / "synoptic", data / "cache")
    strip, spec = read_strip(data / "synoptic"), FrameSpec()
    times = np.arange("2020-02-01", "2020-10-01", 20, dtype="datetime64[D]").astype("datetime64[s]")
    shown = surroundings(torch.from_numpy(cells.shown[0].astype(np.float32))[None])[0]
    on_strip = totals_of(network.members[0], shown, cells, times, 80.0)[:, 0]
    planes = [to_plane(render(strip, t, spec, Rendering.AS_RENDERED), spec) for t in times]
    with torch.inference_mode():
        on_plane = network.rates(torch.from_numpy(np.stack(planes)))[:, 0, 0].sum(dim=(1, 2))
    assert np.corrcoef(np.log(on_strip), np.log(on_plane.numpy()))[0, 1] > 0.8


def test_a_causal_disk_knows_nothing_that_has_not_passed_the_meridian(data):
    cells = read_cells(data / "synoptic", data / "cache")
    now = np.array([np.datetime64("2020-06-01T00:00:00")])
    here = int(cells.column(np.array([carrington_time(now[0].item().replace(tzinfo=dt.UTC))]))[0])
    rng = np.random.default_rng(0)
    before = rng.random((1, len(cells.observed)))
    after = np.where(np.arange(before.shape[1]) > here, rng.random(before.shape), before)
    old = np.where(np.arange(before.shape[1]) < here - 150, rng.random(before.shape), before)

    def disk(per_column, *, causal):
        return window_sums(per_column, cells, now, 80.0, causal=causal).item()

    assert disk(after, causal=True) == pytest.approx(disk(before, causal=True))
    assert disk(after, causal=False) != pytest.approx(disk(before, causal=False))
    assert disk(old, causal=True) != pytest.approx(disk(before, causal=True))
    ones = np.ones_like(before)
    assert disk(ones, causal=True) == pytest.approx(disk(ones, causal=False))


def test_an_existing_package_is_refused_before_any_work(folder, data):
    with pytest.raises(ModelError, match="another version"):
        train_model(data / "train.toml", data, folder, cache=data / "cache")


def test_a_model_that_is_no_rate_map_is_not_evaluated_as_one(tmp_path, data, config):
    with pytest.raises(ModelError, match="not a rate map"):
        evaluate_rates(write_package(tmp_path), data, cache=data / "cache", config=config)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "architecture must be"),
        ('architecture = "resnet"', "architecture must be"),
        ('architecture = "plain-cnn"\nepochs = 3', "unknown epochs"),
        ('architecture = "rate-map"\ncolour = 1', "unknown colour"),
        ('architecture = "rate-map"\n[member]\ndepth = 1', r"\[member\]: unknown depth"),
        ('architecture = "rate-map"\n[comparison]\nx = 1', r"\[comparison\]: unknown x"),
        ('architecture = "rate-map"\nseed = "a"', "seed must be int"),
        ('architecture = "rate-map"\nfolds = [[2011]]', "two folds"),
        ('architecture = "rate-map"\nchoose = [2011]', "different years"),
        ("architecture = ", "cannot be read"),
    ],
)
def test_a_configuration_that_is_not_understood_is_refused(tmp_path, text, named):
    path = tmp_path / "train.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=named):
        train_model(path, tmp_path, tmp_path / "a" / "1.0.0", cache=tmp_path)


def test_no_flare_window_and_no_map_column_is_in_two_splits(config):
    """The last hour before the report, its window, and a column it can show, all end before."""
    for these in (RatesConfig(), config):
        last = these.times(these.before)[-1]
        window, look_ahead = np.timedelta64(24, "h"), np.timedelta64(7, "D")
        look_back = np.timedelta64(28, "D")
        assert last + window + look_ahead < REPORT.start - look_back
        for fold in these.folds:
            assert not set(fold) & set(these.choose)


def test_years_too_near_the_report_are_refused():
    with pytest.raises(InputError, match="2022"):
        refuse_leak(RatesConfig(choose=(2022,)))


def test_evaluate_model_takes_the_recipe_of_the_package(folder, data):
    package = load_package(folder)
    with pytest.raises(InputError):  # the default years are not on this small Sun
        evaluate_model(package, data / "labels", cache=data / "cache")


def test_files_of_one_sun_are_measured_beside_pictures_of_them_and_maps(folder, data, tmp_path):
    """Without real images there is no table of theirs; without files only size and cost."""
    (tmp_path / "fits").mkdir()
    write_fits(tmp_path / "fits" / "a.fits", view=View(t_rec="2020.06.28_00:00:00_TAI"))
    package = load_package(folder)
    network = build_network(package)
    cells = read_cells(data / "synoptic", data / "cache")
    cost, answers, gap = measured(package, network, cells, tmp_path)
    assert dict(cost.rows)["parameters of all members"] == sum(
        p.numel() for p in network.parameters()
    )
    assert [row[1] for row in answers.rows] == [f"`{spec.event}`" for spec in package.events]
    for _, _, file, picture, clipped in answers.rows:
        assert picture == pytest.approx(file, abs=0.02)
        assert 0 < clipped < 1
    ratios = {row[1]: row[2:] for row in gap.rows}
    assert set(ratios["FITS"]) == {1.0}
    assert {"map, fits", "map, middling", "map, clipped"} <= set(ratios)
    # What is clipped before it is averaged has less of everything strong.
    assert ratios["8-bit picture clipped at full size"][0] < 1
    assert [table.title for table in measured(package, network, cells, tmp_path / "fits")] == [
        cost.title
    ]


@pytest.mark.realdata
def test_real_images_are_judged_with_what_the_plain_network_said_of_them(
    data, tmp_path, shared_data
):
    """Flares of February 2026 are in no list of this small Sun, so nothing can be judged."""
    there = tmp_path / "data"
    there.mkdir()
    for part in ("synoptic", "labels"):
        (there / part).symlink_to(data / part)
    images = there / "hmi_jpg"
    images.mkdir()
    for real in sorted((shared_data / "hmi_jpg").rglob("*.jpg"))[:3]:
        (images / real.name).write_bytes(real.read_bytes())
    out = tmp_path / "small-rate" / "0.1.0"
    train_model(data / "train.toml", there, out, cache=data / "cache")
    kept = read_kept(out)
    assert kept is not None
    assert len(kept.images.times) == 3
    assert (kept.images.rates > 0).all()
    report = Report.from_json((out / "evaluation.json").read_text())
    judged = [v for v in report.verifications if v.hours.startswith("real 8-bit images (3 of 3")]
    assert [(v.n, v.unknown) for v in judged] == [(0, 3)] * 5
    (limb,) = (table for table in report.measured if table.title.startswith("3 real images"))
    assert [row[1] for row in limb.rows] == [1.0, 1.0]
