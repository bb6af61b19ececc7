"""Of equal files the earliest slot keeps the picture, in whatever order they come."""

from dataclasses import replace
from datetime import timedelta

import pytest
from support import pictures
from support.packages import write_package

from flaremon import job as main_job
from flaremon import store
from flaremon.backfill import Backfill, Model, find_files
from flaremon.cache import FileCache
from flaremon.config import JsocSettings
from flaremon.database import open_engine, session_scope, upgrade
from flaremon.domain import FlareEvent, RecordKey, Rejection, RejectionReason
from flaremon.frames import FrameArchive
from flaremon.inference import Predictor
from flaremon.jsoc import Jsoc
from flaremon.pipeline import Run
from flaremon.preprocess import FrameSpec
from flaremon.replica import Replica
from flaremon.times import tai_label_to_utc, utc_now

SIZE_PX = 128
EVENT = "M1+/24h"
LATE = "hmi.M_720s_nrt[2024.06.28_03:00:00_TAI]"


def name(hour: int, suffix: str = "jpg") -> str:
    return f"HMI.m2026.02.01_{hour:02}.00.00.{suffix}"


def label(hour: int) -> str:
    return f"2026.02.01_{hour:02}:00:37_TAI"


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("picture") / pictures.NAME
    return pictures.save(
        path, pictures.levels(pictures.view(512, noise_gauss=8.0)), quality=95
    ).read_bytes()


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return write_package(tmp_path_factory.mktemp("models"), frame=FrameSpec(size_px=SIZE_PX))


@pytest.fixture
def work(package, tmp_path):
    """A function that makes a backfill which stores so many slots at once."""
    url = f"sqlite:///{tmp_path / 'flaremon.db'}"
    upgrade(url)
    engine = open_engine(url)

    def make(batch_size: int = 1) -> Backfill:
        predictor = Predictor(package, device="cpu", batch_size=batch_size)
        return Backfill(
            engine=engine,
            models=[Model(predictor=predictor)],
            run=Run(run_id="test", now=utc_now()),
            workers=0,
            frames=FrameArchive(tmp_path / "frames", max_bytes=10**9),
        )

    yield make
    engine.dispose()


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "files"
    made.mkdir()
    return made


def predicted(engine) -> set[str]:
    with session_scope(engine) as session:
        return {stored.prediction.key.t_rec for stored in store.predictions(session)}


def rejected(engine) -> dict[str, str]:
    with session_scope(engine) as session:
        found = list(store.rejections(session))
    assert {item.reason for item in found} <= {RejectionReason.DUPLICATE_IMAGE}
    return {item.key.t_rec: item.detail for item in found}


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_a_picture_served_again_later_is_stale_and_the_genuine_one_is_scored(
    work, folder, picture, order, batch_size
):
    for hour in (0, 3, 6):
        (folder / name(hour)).write_bytes(picture)
    (folder / "deep").mkdir()
    (folder / "deep" / name(4)).write_bytes(picture + b"another")
    some = work(batch_size)
    paths = find_files(folder, order)
    tally = some.work_off_files(paths, folder)
    assert (tally.predicted, tally.rejected.total(), tally.finished) == (2, 2, True)
    assert predicted(some.engine) == {label(0), label(4)}
    said = rejected(some.engine)
    assert said.keys() == {label(3), label(6)}
    assert all(f"[{label(0)}]" in detail for detail in said.values())
    again = some.work_off_files(paths, folder)
    assert (again.decided, again.new_rows) == (4, 0)


def test_a_genuine_picture_that_comes_after_its_copy_is_scored_and_the_copy_is_no_answer(
    work, folder, picture
):
    some = work()
    (folder / name(6)).write_bytes(picture)
    some.work_off_files(find_files(folder), folder)
    assert predicted(some.engine) == {label(6)}
    (folder / name(0)).write_bytes(picture)
    tally = some.work_off_files(find_files(folder), folder)
    assert (tally.predicted, tally.decided, tally.rejected.total()) == (1, 1, 0)
    # What was said stays, but it says what it was, and nobody takes it for the newest answer.
    assert predicted(some.engine) == {label(0), label(6)}
    assert rejected(some.engine) == {label(6): f"byte for byte the file of file.jpg[{label(0)}]"}
    model = some.models[0].package.id
    with session_scope(some.engine) as session:
        newest = store.latest(session, event=FlareEvent.parse(EVENT), model=model)
    assert newest.prediction.key.t_rec == label(0)
    again = some.work_off_files(find_files(folder), folder)
    assert (again.decided, again.new_rows) == (2, 0)


@pytest.mark.parametrize(("batch_size", "predictions"), [(1, 2), (4, 1)])
def test_of_files_that_nobody_compared_before_the_earliest_slot_keeps_the_picture_too(
    work, folder, picture, batch_size, predictions
):
    # Nobody looks for the time of what is called FITS in its name, so the copy comes first.
    for hour in (0, 6):
        (folder / name(hour, "fits")).write_bytes(picture)
    some = work(batch_size)
    tally = some.work_off_files(find_files(folder), folder)
    assert tally.done == tally.planned == 2
    assert label(0) in predicted(some.engine)
    assert len(predicted(some.engine)) == predictions
    assert rejected(some.engine).keys() == {label(6)}


def test_the_frame_of_a_copy_is_not_scored_again(work, folder, picture, tmp_path):
    some = work()
    for hour in (6, 0):
        (folder / name(hour)).write_bytes(picture)
        some.work_off_files(find_files(folder), folder)
    other = write_package(
        tmp_path / "models", name="other-cnn", frame=FrameSpec(size_px=SIZE_PX), seed=3
    )
    again = replace(some, models=[Model(predictor=Predictor(other, device="cpu", batch_size=2))])
    slots = store.SlotRange(series="file.jpg", low=label(0), high=label(23))
    assert again.rescore(slots).predicted == 1
    with session_scope(some.engine) as session:
        by_other = list(store.predictions(session, model=other.id))
    assert {stored.prediction.key.t_rec for stored in by_other} == {label(0)}


def test_the_live_job_never_gives_an_older_record_up_for_a_newer_copy(
    hmi_archive, package, tmp_path
):
    url = f"sqlite:///{tmp_path / 'flaremon.db'}"
    upgrade(url)
    engine = open_engine(url)
    predictor = Predictor(package, device="cpu", batch_size=2)
    run = Run(run_id="test", now=utc_now())
    cache = FileCache(tmp_path / "cache", max_bytes=10**9, max_age=timedelta(days=30))
    with Replica(hmi_archive) as replica:
        source = Jsoc(JsocSettings(base_url=replica.base_url, min_interval_s=0), cache)
        end = tai_label_to_utc("2024.06.28_00:00:01_TAI")
        _, todo = main_job.find(
            source, engine, package, series="hmi.M_720s_nrt", since=end - timedelta(hours=1),
            run=replace(run, now=end),
        )  # fmt: skip
        stale = replace(todo[0], key=RecordKey.parse(LATE))
        with session_scope(engine) as session:
            store.add_records(
                session, [stale], source=source.name, base_url=source.base_url,
                run_id=run.run_id, listed_at=run.now,
            )  # fmt: skip
        fetched, _, _ = main_job.fetch(todo[:1], source, run)
        copy = main_job.Fetched(record=stale, file=fetched[0].file)
        decided = {}
        for chunk in ([copy], fetched):
            known = main_job.known_files(chunk, engine)
            outcomes, lost = main_job.score(chunk, source, predictor, known=known, run=run)
            assert lost == []
            assert not any(isinstance(outcome, Rejection) for outcome in outcomes)
            decided[chunk[0].record.key] = main_job.keep(outcomes, chunk, engine)
    assert list(decided.values()) == [2, 3]  # two events each, and the word about the copy
    assert predicted(engine) == {stale.key.t_rec, todo[0].key.t_rec}
    assert rejected(engine) == {stale.key.t_rec: f"byte for byte the file of {todo[0].key}"}
    engine.dispose()
