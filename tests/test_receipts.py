"""A receipt tells where an answer comes from, and its number can be computed again."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support import calibrators, rows, sky
from support.packages import write_package, write_rate_package
from support.sites import END, NRT

from flaremon import job, store
from flaremon.cache import FileCache
from flaremon.calibration import Calibrating
from flaremon.config import JsocSettings
from flaremon.database import open_engine, session_scope
from flaremon.domain import EventOutcome, FlareClass, OutcomeState, RejectionReason
from flaremon.errors import InputError
from flaremon.inference import Predictor
from flaremon.jsoc import Jsoc
from flaremon.package import find_package
from flaremon.pipeline import Run
from flaremon.receipts import (
    CheckState,
    Workshop,
    check_receipt,
    checks_in_words,
    find_key,
    in_words,
    make_receipt,
    read_receipt,
)
from flaremon.receipts.receipt import sha256_of
from flaremon.receipts.words import quality_in_words
from flaremon.replica import Fault, Replica

NEWEST, REJECTED = "2024.06.28_00:00:00_TAI", "2024.06.27_23:36:00_TAI"
M_24H = rows.EVENTS[0]
RUN = Run(run_id="run-1", now=END)


@dataclass
class Scene:
    """A database with two predicted records and a rejected one, their files, their model."""

    folder: Path
    server: Replica

    @property
    def engine(self) -> Any:
        return open_engine(f"sqlite:///{self.folder / 'test.db'}")

    def key(self, slot: str = NEWEST) -> Any:
        return rows.RecordKey(series=NRT, t_rec=slot)

    def receipt(self, slot: str = NEWEST, **chosen: Any) -> dict[str, Any]:
        engine = self.engine
        with session_scope(engine) as session:
            receipt = make_receipt(session, self.key(slot), catalog="swpc", **chosen)
        engine.dispose()
        return receipt

    def shop(self, *, base_url: str | None = None) -> Workshop:
        settings = JsocSettings(
            base_url=base_url or self.server.base_url, min_interval_s=0.0, attempts=1
        )
        cache = FileCache(self.folder / "cache", max_bytes=10**9, max_age=timedelta(days=30))

        def package(model: Any) -> Any:
            return find_package(self.folder / "models", model)

        return Workshop(
            source=Jsoc(settings, cache),
            cache=cache,
            package=package,
            predictor=lambda model: Predictor(package(model), device="cpu"),
        )

    def check(self, receipt: dict[str, Any], **place: Any) -> dict[str, Any]:
        checks = check_receipt(receipt, self.shop(**place))
        return {check.what: check for check in checks}


def archive(folder: Path, files: Path) -> Path:
    """Return a folder of links, so that tests can add to it."""
    folder.mkdir()
    for path in files.iterdir():
        (folder / path.name).symlink_to(path)
    return folder


FLARE = sky.flare(END - timedelta(hours=9), "M2.3")


@contextmanager
def run_on_replica(
    folder: Path, hmi_archive: Path, package: Any, calibrator: Any, *, flares: Any = (FLARE,)
) -> Iterator[Scene]:
    """Run the main job on two records of a replica; the third has no image."""
    files = archive(folder / "archive", hmi_archive)
    with Replica(files, faults=[Fault("nodata", record=0)]) as server:
        engine = sky.blank_engine(folder)
        sky.see(
            engine,
            seen_at=END,
            flares=flares,
            periods=[sky.covered(END - timedelta(days=9), END)],
        )
        scene = Scene(folder, server)
        shop = scene.shop()
        job.run_once(
            job.Job(
                source=shop.source,
                engine=engine,
                package=package,
                load_predictor=lambda: shop.predictor(package.id),
                series=NRT,
                lookback=timedelta(hours=6),
                calibrating=Calibrating(find=lambda _: calibrator, catalog="swpc"),
                catalog="swpc",
            ),
            RUN,
        )
        engine.dispose()
        yield scene


@pytest.fixture(scope="module")
def decided(tmp_path_factory, hmi_archive):
    """The main job, calibrated."""
    folder = tmp_path_factory.mktemp("receipts")
    package = write_package(folder / "models")
    calibrator = calibrators.calibrator(weights_sha256=package.weights_sha256)
    with run_on_replica(folder, hmi_archive, package, calibrator) as scene:
        yield scene


@pytest.fixture
def scene(decided, tmp_path):
    """A copy of it to spoil."""
    shutil.copytree(decided.folder, tmp_path, dirs_exist_ok=True, symlinks=True)
    for sidecar in (tmp_path / "cache").glob("*.json"):
        sidecar.write_text(sidecar.read_text().replace(str(decided.folder), str(tmp_path)))
    return Scene(tmp_path, decided.server)


def test_a_receipt_tells_everything_an_answer_rests_on(decided):
    receipt = decided.receipt()
    record, (m1, now) = receipt["record"], receipt["answers"]
    assert receipt["state"] == "predicted"
    assert record["query"] == f"{NRT}[{NEWEST}]{{magnetogram}}"
    assert record["file"]["sha256"] == m1["file_sha256"]
    assert record["file"]["url"].startswith(decided.server.base_url)
    assert record["keywords"]["T_REC"] == NEWEST
    assert (
        m1["weights_sha256"] == find_package(decided.folder / "models", rows.MODEL).weights_sha256
    )
    assert m1["frame"]["size_px"] == 512
    assert (m1["activity"], m1["run_id"], m1["mode"]) == ("active", "run-1", "live")
    assert "swpc as of" in m1["activity_source"]
    assert m1["calibrator"]["document"]["origin"]["since"] == "2024-01-01T00:00:00Z"
    assert m1["probability"] != m1["raw_probability"]
    assert (now["calibrator"], now["probability"]) == (None, now["raw_probability"])
    assert m1["outcome"] == {"state": "pending", "catalog": "swpc", "revisions": []}
    words = in_words(receipt)
    for part in (
        record["file"]["sha256"], m1["weights_sha256"], m1["calibrator"]["id"], "active",
        "0x400 (no cosmic ray list): clean", "2024-01-01T00:00:00Z to 2025-01-01T00:00:00Z",
        "none: the network's own number stands", "pending", receipt["sha256"],
    ):  # fmt: skip
        assert part in words


def test_the_same_rows_give_the_same_receipt_to_the_digit(decided, tmp_path):
    receipt = decided.receipt()
    assert decided.receipt() == receipt
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(receipt))
    assert read_receipt(file) == receipt


def test_a_receipt_is_confirmed_from_the_cache_with_the_source_gone(decided):
    before = (decided.folder / "test.db").read_bytes()
    checks = decided.check(decided.receipt(), base_url="http://127.0.0.1:9")
    assert {check.state for check in checks.values()} == {CheckState.SAME}
    assert {"M1+/24h by tiny-cnn@0.0.1: probability", f"weights of {rows.MODEL}"} <= set(checks)
    assert "Confirmed" in checks_in_words(list(checks.values()))
    assert (decided.folder / "test.db").read_bytes() == before


def test_a_network_that_reads_recent_flares_is_told_them_and_its_receipt_holds_them(
    tmp_path, hmi_archive
):
    package = write_rate_package(tmp_path / "models")
    with run_on_replica(tmp_path, hmi_archive, package, None) as scene:
        receipt = scene.receipt(events=[M_24H])
        (answer,) = receipt["answers"]
        assert (answer["activity"], answer["calibrator"]) == ("active", None)
        assert answer["activity_source"].startswith("swpc as of ")
        assert [flux for _, flux in answer["recent_flares"]] == [pytest.approx(2.3e-5)]
        assert answer["spread"] > 0
        engine = scene.engine
        revised = replace(FLARE, flare_class=FlareClass.parse("C5.0"), peak_flux_w_m2=5e-6)
        sky.see(engine, seen_at=END + timedelta(hours=1), flares=[revised])
        engine.dispose()
        assert scene.receipt(events=[M_24H]) == receipt
        assert {check.state for check in scene.check(receipt).values()} == {CheckState.SAME}
        untold = {**receipt, "answers": [{**answer, "recent_flares": None}]}
        what = f"M1+/24h by {package.id}: probability"
        assert scene.check(untold)[what].state is CheckState.DIFFERS


def test_a_flare_without_a_class_hides_no_other_from_the_network_nor_from_its_receipt(
    tmp_path, hmi_archive
):
    package = write_rate_package(tmp_path / "models")
    over, rising = END - timedelta(hours=9), END - timedelta(hours=4)
    flares = [sky.flare(over, "C5.0"), sky.flare(rising, None, minutes=None)]
    with run_on_replica(tmp_path, hmi_archive, package, None, flares=flares) as scene:
        receipt = scene.receipt(events=[M_24H])
        (answer,) = receipt["answers"]
        assert [flux for _, flux in answer["recent_flares"]] == [pytest.approx(5e-6)]
        assert answer["activity"] == "unknown"
        engine = scene.engine
        sky.see(engine, seen_at=END + timedelta(hours=1), flares=[sky.flare(rising, "X1.2")])
        engine.dispose()
        assert scene.receipt(events=[M_24H]) == receipt
        assert {check.state for check in scene.check(receipt).values()} == {CheckState.SAME}


def test_without_a_cache_the_file_is_fetched_once_more(scene):
    shutil.rmtree(scene.folder / "cache")
    checks = scene.check(scene.receipt())
    assert {check.state for check in checks.values()} == {CheckState.SAME}
    assert "fetched from" in checks[f"file of {scene.key()}"].found


def test_without_cache_and_source_nothing_is_confirmed(scene):
    shutil.rmtree(scene.folder / "cache")
    checks = scene.check(scene.receipt(), base_url="http://127.0.0.1:9")
    states = {what: check.state for what, check in checks.items()}
    assert states[f"file of {scene.key()}"] is CheckState.CANNOT
    number = checks["M1+/24h by tiny-cnn@0.0.1: probability"]
    assert (number.state, number.found) == (
        CheckState.CANNOT,
        "not computed: the file is missing",
    )
    file = checks[f"file of {scene.key()}"].found
    assert "127.0.0.1:9 cannot be reached" in file
    assert f"while the record is from {scene.server.base_url} " in file
    assert "NOT CONFIRMED" in checks_in_words(list(checks.values()))


def test_a_file_that_is_no_record_of_the_jsoc_cannot_be_fetched_from_there(scene):
    receipt = scene.receipt()
    receipt["record"]["key"] = f"file.fits[{NEWEST}]"
    checks = scene.check(receipt)
    assert "no record of the JSOC" in checks[f"file of file.fits[{NEWEST}]"].found


def test_a_file_that_was_altered_on_disk_is_not_taken_and_fetched_again(scene):
    (path,) = (scene.folder / "cache").glob("*20240628_000000*.fits")
    content = bytearray(path.read_bytes())
    content[-5000] ^= 1
    path.write_bytes(bytes(content))
    checks = scene.check(scene.receipt())
    assert {check.state for check in checks.values()} == {CheckState.SAME}
    assert "fetched from" in checks[f"file of {scene.key()}"].found


def test_another_file_under_the_same_record_number_differs(scene):
    receipt = scene.receipt()
    receipt["answers"][0]["file_sha256"] = "f" * 64
    checks = scene.check(receipt)
    wrong = [check for check in checks.values() if check.state is not CheckState.SAME]
    assert [check.what for check in wrong] == [f"file of {scene.key()}"]
    assert wrong[0].state is CheckState.DIFFERS


def test_a_record_that_jsoc_made_anew_is_said_and_not_compared(scene, hmi_archive):
    receipt = scene.receipt()
    shutil.rmtree(scene.folder / "cache")
    files = archive(scene.folder / "anew", hmi_archive)
    newest = max(files.iterdir())
    (files / f"again.{newest.name}").write_bytes(newest.read_bytes())
    with Replica(files) as server:
        checks = scene.check(receipt, base_url=server.base_url)
    file = checks[f"file of {scene.key()}"]
    assert file.state is CheckState.CANNOT
    assert "JSOC has made the record anew" in file.found
    assert list((scene.folder / "cache").glob("*.fits")) == []


def test_a_receipt_of_a_record_number_that_is_gone_says_so(scene):
    engine = scene.engine
    with session_scope(engine) as session:
        old = store.listed_record(session, scene.key()).record
        store.add_records(
            session,
            [replace(old, recnum=old.recnum + 7)],
            source="jsoc",
            base_url="http://127.0.0.1",
            run_id="run-2",
            listed_at=END,
        )
    engine.dispose()
    receipt = scene.receipt()
    assert receipt["record"]["recnum"] == receipt["answers"][0]["recnum"] + 7
    assert receipt["record"]["file"] is None
    assert "JSOC has made the record anew" in scene.check(receipt)[f"file of {scene.key()}"].found


def test_other_weights_are_named_and_nothing_is_computed_with_them(scene):
    shutil.rmtree(scene.folder / "models")
    write_package(scene.folder / "models", seed=1)
    checks = scene.check(scene.receipt())
    assert checks[f"weights of {rows.MODEL}"].state is CheckState.DIFFERS
    number = checks["M1+/24h by tiny-cnn@0.0.1: probability"]
    assert number.state is CheckState.CANNOT
    assert number.found == "not computed: the model that was used is missing"


def test_altered_weights_are_no_model_to_check_with(scene):
    path = find_package(scene.folder / "models", rows.MODEL).weights_path
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    checks = scene.check(scene.receipt())
    assert "altered" in checks[f"{scene.key()} by {rows.MODEL}"].found


def test_a_model_that_is_gone_is_said(scene):
    shutil.rmtree(scene.folder / "models" / "tiny-cnn")
    checks = scene.check(scene.receipt())
    assert checks[f"weights of {rows.MODEL}"].state is CheckState.CANNOT


def test_every_number_that_was_changed_in_a_receipt_is_found(decided):
    receipt = decided.receipt(events=[M_24H])
    (answer,) = receipt["answers"]
    document = {**answer["calibrator"]["document"], "software": "another"}
    changed = {
        "probability": ("probability", 0.9),
        "network's probability": ("raw_probability", 0.9),
        "threshold": ("threshold", 0.26),
        "flare": ("flare", not answer["flare"]),
        "score": ("score", answer["score"] + 0.01),
    }
    receipt["answers"] = [
        {**answer, name: value, "run_id": what} for what, (name, value) in changed.items()
    ] + [
        {**answer, "activity": "quiet"},
        {**answer, "calibrator": {**answer["calibrator"], "document": document}},
    ]
    checks = check_receipt(receipt, decided.shop())
    wrong = [check for check in checks if check.state is not CheckState.SAME]
    about = [check.what.removeprefix(f"M1+/24h by {rows.MODEL}: ") for check in wrong[:5]]
    assert about == list(changed)
    assert wrong[5].what.endswith(": probability")
    assert (wrong[-1].state, "altered" in wrong[-1].found) == (CheckState.CANNOT, True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "cannot be read"),
        ("[]", "is no receipt"),
        ('{"receipt": "flaremon", "format": 99}', "format 99"),
        ('{"receipt": "flaremon", "format": 1, "sha256": "0"}', "was altered"),
    ],
)
def test_a_file_that_is_no_receipt_or_was_altered_is_refused(tmp_path, content, message):
    file = tmp_path / "receipt.json"
    file.write_text(content)
    with pytest.raises(InputError, match=message):
        read_receipt(file)


def test_a_receipt_that_lacks_something_is_an_error_in_words(decided):
    receipt = decided.receipt()
    del receipt["answers"][0]["score"]
    with pytest.raises(InputError, match="answers"):
        check_receipt(receipt, decided.shop())
    del receipt["record"]["geometry"]
    with pytest.raises(InputError, match="record"):
        check_receipt(receipt, decided.shop())


def test_a_rejected_record_is_explained_and_has_no_number(decided):
    receipt = decided.receipt(REJECTED)
    assert (receipt["state"], receipt["answers"]) == ("rejected", [])
    assert receipt["rejections"][0]["reason"] == RejectionReason.QUALITY
    assert "no data" in in_words(receipt)
    with pytest.raises(InputError, match="was not predicted"):
        check_receipt(receipt, decided.shop())


def test_a_record_that_nobody_decided_is_explained_too(scene):
    engine = scene.engine
    rec = rows.record(END - timedelta(hours=1))
    with session_scope(engine) as session:
        store.add_records(
            session, [rec], source="test", base_url="http://127.0.0.1", run_id="r", listed_at=END
        )
    engine.dispose()
    receipt = scene.receipt(rec.key.t_rec)
    assert receipt["state"] == "undecided"
    assert "Neither predicted nor rejected" in in_words(receipt)


def test_outcomes_are_told_with_all_revisions(scene):
    engine = scene.engine
    (answer,) = scene.receipt(events=[M_24H])["answers"]
    with session_scope(engine) as session:
        stored = store.predictions_of(session, scene.key())
        window = next(s.prediction.window for s in stored if s.prediction.event == M_24H)
        for largest, at in ((FlareClass("M", 2.3), 1), (FlareClass("X", 1.1), 2)):
            outcome = EventOutcome(
                event=M_24H, window=window, state=OutcomeState.SCORED, flare=True, flares=1,
                largest=largest, catalog="swpc", catalog_as_of=END + timedelta(days=at),
                decided_at=END + timedelta(days=at),
            )  # fmt: skip
            store.add_event_outcomes(session, [outcome], run_id="run-3")
    engine.dispose()
    receipt = scene.receipt(events=[M_24H])
    told = receipt["answers"][0]["outcome"]
    assert [item["largest"] for item in told["revisions"]] == ["M2.3", "X1.1"]
    assert {**receipt["answers"][0], "outcome": answer["outcome"]} == answer
    assert "outcome, rev. 2   flare: yes, 1 of them, the largest X1.1" in in_words(receipt)
    assert receipt["sha256"] == sha256_of(receipt)


@pytest.mark.parametrize(
    "text",
    [
        f"{NRT}[{NEWEST}]",
        f"{NRT}[{NEWEST}]{{magnetogram}}",
        f"{NRT}[2024.06.28_00:00_TAI]",
        NEWEST,
        "2024-06-27T23:59:23Z",
    ],
)
def test_a_record_is_found_however_it_is_written(decided, text):
    engine = decided.engine
    with session_scope(engine) as session:
        assert find_key(session, text) == decided.key()
    engine.dispose()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{NRT}[2024.06.28_01:00:00_TAI]", r"nearest are .*00:00:00_TAI\], .*23:48:00_TAI"),
        (f"hmi.M_720s[{NEWEST}]", "nearest are hmi.M_720s_nrt"),
        ("2024-06-28T06:00Z", "nearest are"),
        ("yesterday", "is not a time"),
        ("hmi.M_720s_nrt[", "is not a record"),
    ],
)
def test_an_unknown_record_is_an_error_that_names_near_ones(decided, text, message):
    engine = decided.engine
    with session_scope(engine) as session, pytest.raises(InputError, match=message):
        find_key(session, text)
    engine.dispose()


def test_a_slot_that_two_series_have_must_be_written_out(scene):
    engine = scene.engine
    other = rows.record(END, series="hmi.M_720s")
    other = replace(other, key=replace(other.key, t_rec=NEWEST))
    with session_scope(engine) as session:
        store.add_records(
            session, [other], source="test", base_url="http://127.0.0.1", run_id="r", listed_at=END
        )
    with session_scope(engine) as session, pytest.raises(InputError, match="may be any of"):
        find_key(session, NEWEST)
    engine.dispose()


def test_an_answer_that_was_not_given_is_an_error_that_lists_those_there_are(decided):
    with pytest.raises(InputError, match=r"it has .*M1\+/24h by tiny-cnn@0.0.1"):
        decided.receipt(models=[rows.ModelId("other", "1.0.0")])


@pytest.mark.parametrize(
    ("word", "words"),
    [
        (0, "0x0 (no bit is set)"),
        (0x10400, "0x10400 (few interpolation points, no cosmic ray list)"),
        (0x1, "0x1 (bits 0x1 without a name)"),
    ],
)
def test_quality_is_said_in_words(word, words):
    assert sorted(quality_in_words(word)) == sorted(words)
