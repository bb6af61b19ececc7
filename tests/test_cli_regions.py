"""Regions as people ask for them: predictions --explain, explain, now --picture, regions."""

import csv
import io
import json
from datetime import timedelta
from types import SimpleNamespace

import pytest
from PIL import Image
from sqlalchemy import text
from support.packages import write_package, write_rate_package

from flaremon.cli import main
from flaremon.cli._now import age_on_picture
from flaremon.database import open_engine
from flaremon.frames import FrameArchive
from flaremon.receipts.receipt import sha256_of
from flaremon.replica import Replica

RANGE = ("--since", "2024-06-27", "--until", "2024-06-29")
M1 = ("--event", "M1+/24h")
# The archive's Sun has bipoles at (0.20 to 0.22, 0.30) and (-0.50, -0.25) solar radii, B0 is
# 3.2 degrees: N20W12 and S12E31.
SUMMARY = """:Product: 0628SRS.txt
:Issued: 2024 Jun 28 0030 UTC
Joint USAF/NOAA Solar Region Summary
I.  Regions with Sunspots.  Locations Valid at 27/2400Z
Nmbr Location  Lo  Area  Z   LL   NN Mag Type
3723 N20W12   132  0320 Dkc  09   17 Beta-Gamma
3729 S04E59   088  0100 Dso  09   04 Beta
IA. H-alpha Plages without Spots.  Locations Valid at 27/2400Z Jun
Nmbr  Location  Lo
3730  S12E31   089
II. Regions Due to Return 28 Jun to 30 Jun
Nmbr Lat    Lo
None
"""

# sunpy's and astropy's plotting warn about things that are not ours.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    write_rate_package(folder)
    write_rate_package(folder, name="other-rate", seed=1)
    write_package(folder)
    return folder


@pytest.fixture(scope="module")
def place(models, hmi_archive, tmp_path_factory):
    """Folder, replica and settings of a database in which three records are scored."""
    folder = tmp_path_factory.mktemp("regions")
    with Replica(hmi_archive) as replica:
        names = {
            "JSOC__BASE_URL": replica.base_url,
            "JSOC__MIN_INTERVAL_S": "0",
            "MODELS_DIR": str(models),
            "MODEL": "tiny-rate@0.0.1",
            "DEVICE": "cpu",
            "DATABASE_URL": f"sqlite:///{folder / 'test.db'}",
            "CACHE__DIR": str(folder / "cache"),
            "FRAMES__DIR": str(folder / "frames"),
        }
        yield SimpleNamespace(
            folder=folder, settings={f"FLAREMON_{k}": v for k, v in names.items()}
        )


@pytest.fixture
def flaremon(place, monkeypatch, capsys):
    for name, value in place.settings.items():
        monkeypatch.setenv(name, value)

    def run(*arguments, code=0):
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        told = capsys.readouterr()
        assert (ended.value.code or 0) == code, told
        return told.out

    return run


def lines(out):
    return [json.loads(line) for line in out.splitlines()]


def forget_regions(place, model):
    engine = open_engine(place.settings["FLAREMON_DATABASE_URL"])
    with engine.begin() as connection:
        connection.execute(
            text(
                "DELETE FROM region_shares WHERE prediction_id IN (SELECT p.id FROM predictions p "
                "JOIN models m ON m.id = p.model_id WHERE m.name = :name)"
            ),
            {"name": model},
        )
    engine.dispose()


@pytest.fixture
def scored(flaremon, place):
    """Three records scored by a backfill, and NOAA's summary; once for the module."""
    if not (place.folder / "test.db").exists():
        flaremon("backfill", "2024-06-27", "2024-06-29", "--workers", 0)
        summary = place.folder / "0628SRS.txt"
        summary.write_text(SUMMARY)
        told = flaremon("regions", "import", summary)
        assert "3 regions: 3 new, 0 revised, 0 unchanged." in told
    return flaremon


def test_a_backfill_keeps_the_regions_and_explain_names_them(scored):
    table = scored("predictions", *RANGE, *M1, "--explain", "--limit", 1).splitlines()
    assert table[1].split()[1] == "M1+/24h"
    said = {line.split()[1]: line for line in table[2:-1] if "NOAA" in line}
    assert said["N20W12"].endswith("NOAA 13723")
    # The other one has a plage without spots near, and no spots.
    assert said["S12E31"].endswith("NOAA 13730")
    assert table[-2].endswith("%  elsewhere")
    assert table[-1] == "1 prediction(s)."


def test_json_has_the_regions_nested_and_they_belong_to_their_event(scored):
    rows = lines(scored("predictions", *RANGE, "--explain", "--format", "json"))
    assert len(rows) == 15
    assert {row["regions_from"] for row in rows} == {"kept"}
    regions = next(row for row in rows if row["event"] == "M1+/24h")["regions"]
    (first,) = (region for region in regions if region["noaa_ar"] == [13723])
    assert set(first) == {
        "share", "rate_per_day", "location", "latitude_deg", "longitude_deg", "carrington_deg",
        "noaa_ar", "near_limb", "x", "y",
    }  # fmt: skip
    assert (first["location"], first["near_limb"]) == ("N20W12", False)
    assert (first["latitude_deg"], first["longitude_deg"]) == pytest.approx((20.6, 12.2), abs=1.5)
    assert (first["x"], first["y"]) == (pytest.approx(0.2, abs=0.04), pytest.approx(0.3, abs=0.04))
    assert first["carrington_deg"] == pytest.approx((120 + first["longitude_deg"]) % 360, abs=0.02)
    plain = lines(scored("predictions", *RANGE, "--format", "json"))
    assert [{k: v for k, v in row.items() if "regions" not in k} for row in rows] == plain


def test_csv_has_a_row_per_region(scored):
    out = scored("predictions", *RANGE, *M1, "--explain", "--limit", 2, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len({row["t_obs"] for row in rows}) == 2
    first = [row for row in rows if row["t_obs"] == rows[0]["t_obs"]]
    assert [row["region"] for row in first] == [str(k + 1) for k in range(len(first))]
    assert len(first) >= 2
    assert ("13723", "N20W12") in {(r["region_noaa_ar"], r["region_location"]) for r in first}
    assert sum(float(row["region_share"]) for row in first) <= 1
    assert {row["regions_from"] for row in rows} == {"kept"}


def test_what_was_not_kept_is_computed_from_the_archived_frame_or_said_to_be_gone(
    scored, place, models
):
    # Scored again from the archive, which keeps them too.
    scored("rescore", "--model", "other-rate@0.0.1", *RANGE)
    ask = ("predictions", *RANGE, "--model", "other-rate@0.0.1", "--explain", "--format", "json")
    kept = lines(scored(*ask))
    assert {row["regions_from"] for row in kept} == {"kept"}
    forget_regions(place, "other-rate")
    computed = lines(scored(*ask))
    assert {row["regions_from"] for row in computed} == {"frame"}
    for one, other in zip(kept, computed, strict=True):
        assert [r["location"] for r in one["regions"]] == [r["location"] for r in other["regions"]]
        assert [r["share"] for r in one["regions"]] == pytest.approx(
            [r["share"] for r in other["regions"]], rel=1e-4
        )
    assert "(regions not kept; computed again from the archived frame)" in scored(*ask[:-2])
    hidden = place.folder / "frames-away"
    (place.folder / "frames").rename(hidden)
    try:
        gone = lines(scored(*ask))
        assert {row["regions_from"] for row in gone} == {"not-kept"}
        assert {row["regions"] is None for row in gone} == {True}
        assert "not kept, and nothing is at hand" in scored(*ask[:-2])
    finally:
        hidden.rename(place.folder / "frames")
    away = (models / "other-rate").rename(models / "away")
    try:
        assert {row["regions_from"] for row in lines(scored(*ask))} == {"not-kept"}
    finally:
        away.rename(models / "other-rate")


def test_a_network_without_a_map_and_a_baseline_say_so(scored):
    scored("rescore", "--model", "tiny-cnn@0.0.1", *RANGE)
    out = scored("predictions", *RANGE, "--model", "tiny-cnn@0.0.1", "--explain")
    assert out.count("(makes no map of rates, so it cannot say which regions)") == 6
    row, *_ = csv.DictReader(
        io.StringIO(
            scored(
                "predictions", *RANGE, "--model", "tiny-cnn@0.0.1", "--explain", "--format", "csv"
            )
        )
    )
    assert (row["regions_from"], row["region"], row["region_share"]) == ("no-map", "", "")


def test_the_receipt_has_the_regions_and_is_confirmed(scored, place, tmp_path):
    key = lines(scored("predictions", *RANGE, "--limit", 1, "--format", "json"))[0]["record"]
    receipt = json.loads(scored("explain", key, *M1, "--model", "tiny-rate@0.0.1", "--json"))
    (answer,) = receipt["answers"]
    assert [13723] in [region["noaa_ar"] for region in answer["regions"]]
    words = scored("explain", key, *M1, "--model", "tiny-rate@0.0.1")
    assert "N20W12" in words
    assert "elsewhere" in words
    path = tmp_path / "receipt.json"
    path.write_text(json.dumps(receipt))
    told = scored("verify-receipt", path)
    assert "same     M1+/24h by tiny-rate@0.0.1: regions: " in told
    assert "Confirmed" in told
    # Somebody who moves a region and signs the receipt anew is found out.
    answer["regions"][0]["x"] += 0.3
    path.write_text(json.dumps({**receipt, "sha256": sha256_of(receipt)}))
    assert "DIFFERS  M1+/24h by tiny-rate@0.0.1: regions" in scored("verify-receipt", path, code=3)


def test_summaries_are_listed_and_a_damaged_file_imports_nothing(scored, place, tmp_path):
    table = scored("regions", "list", "--since", "2024-06-27").splitlines()
    assert table[1].split() == [
        "2024-06-28T00:00:00Z", "13723", "N20W12", "320", "beta-gamma", "srs", "1",
    ]  # fmt: skip
    assert table[-2].split()[3:5] == ["-", "-"]
    assert table[-1] == "3 region(s)."
    rows = list(csv.DictReader(io.StringIO(scored("regions", "list", "--format", "csv"))))
    assert [row["noaa_ar"] for row in rows] == ["13723", "13729", "13730"]
    assert scored("regions", "list", "--since", "2024-07-01").splitlines()[-1] == "0 region(s)."
    assert "0 new, 0 revised, 3 unchanged" in scored(
        "regions", "import", place.folder / "0628SRS.txt"
    )
    good, bad = tmp_path / "good.txt", tmp_path / "bad.txt"
    good.write_text(SUMMARY.replace("3723", "3799"))
    bad.write_text(SUMMARY.replace("N20W12", "somewhere"))
    scored("regions", "import", good, bad, code=3)
    assert "13799" not in scored("regions", "list")
    scored("regions", "list", "--since", "2024-07-01", "--until", "2024-06-01", code=3)


def test_now_draws_the_newest_answer_and_a_picture_that_fails_costs_nothing(
    flaremon, place, hmi_archive, monkeypatch, tmp_path, capsys
):
    monkeypatch.setenv("FLAREMON_DATABASE_URL", f"sqlite:///{tmp_path / 'now.db'}")
    monkeypatch.setenv("FLAREMON_CACHE__DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("FLAREMON_FRAMES__DIR", str(tmp_path / "frames"))
    with Replica(hmi_archive, latest_as_now=True) as replica:
        monkeypatch.setenv("FLAREMON_JSOC__BASE_URL", replica.base_url)
        with pytest.raises(SystemExit) as plain:
            main(["now", "--picture", str(tmp_path / "sun.png")])
        assert plain.value.code in {None, 0, 1}, capsys.readouterr()
        with Image.open(tmp_path / "sun.png") as image:
            rgb = image.convert("RGB")
            cyan = sum(
                n for n, (r, g, b) in rgb.getcolors(1 << 24) if b > 180 and g > 150 and r < 80
            )
        assert cyan > 300  # the rings around regions
        capsys.readouterr()
        with pytest.raises(SystemExit) as failing:
            main(["now", "--picture", str(tmp_path / "sun.jpg")])
        assert failing.value.code == plain.value.code
        assert "must end in .png" in capsys.readouterr().err
    (tmp_path / "sun.png").unlink()
    with pytest.raises(SystemExit) as unreachable:  # the replica is gone
        main(["now", "--picture", str(tmp_path / "sun.png")])
    assert unreachable.value.code == 3
    assert (tmp_path / "sun.png").exists(), capsys.readouterr()
    assert FrameArchive(tmp_path / "frames", max_bytes=1).folder.is_dir()


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (68, "observed 68 min before this was drawn"),
        (200, "STALE: observed 3.3 h before this was drawn"),
        (-30, "UNKNOWN: observed -30 min before this was drawn"),
    ],
)
def test_a_picture_says_how_old_it_was_and_when_that_is_too_old(minutes, words):
    assert age_on_picture(timedelta(minutes=minutes), timedelta(hours=3)) == words


def test_a_networks_answer_is_explained_with_the_recent_activity_that_it_knew(scored):
    words = scored("explain", "latest", *M1)
    assert "the network's own number stands, fitted with recent flares" in words
    assert "recent activity" in words
    assert "unknown" in words.split("recent activity")[1].splitlines()[0]


def test_latest_means_the_newest_answer_of_the_model_that_is_asked_for(scored, capsys):
    assert "by other" not in scored("explain", "latest", *M1)
    with pytest.raises(SystemExit) as ended:
        main(["explain", "latest", "--model", "other@9.9.9"])
    assert ended.value.code == 3
    assert "nothing was ever scored by other@9.9.9" in capsys.readouterr().err
