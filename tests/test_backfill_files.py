"""Full-size files and pictures: from the JSOC, from a folder, and again from the archive."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from support.packages import write_package

from flaremon import job as main_job
from flaremon import store
from flaremon.backfill import Backfill, Model, Tally, find_files, make_grid
from flaremon.cache import FileCache
from flaremon.config import JsocSettings
from flaremon.database import open_engine, session_scope, upgrade
from flaremon.domain import Mode, RecordKey
from flaremon.errors import InputError
from flaremon.frames import FrameArchive, frame_id, from_tenths
from flaremon.inference import Predictor
from flaremon.jsoc import Jsoc
from flaremon.pipeline import Run
from flaremon.preprocess import FrameSpec
from flaremon.replica import Replica
from flaremon.times import tai_label_to_utc, utc_now

SERIES = "hmi.M_720s_nrt"
FIRST, LAST = "2024.06.27_23:36:00_TAI", "2024.06.28_00:00:00_TAI"


def new_engine(path):
    url = f"sqlite:///{path}"
    upgrade(url)
    return open_engine(url)


def said(engine, model=None):
    with session_scope(engine) as session:
        found = [stored.prediction for stored in store.predictions(session, model=model)]
    return {(p.key, str(p.event)): p for p in found}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return Predictor(write_package(tmp_path_factory.mktemp("models")), device="cpu", batch_size=2)


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    package = write_package(tmp_path_factory.mktemp("models"), name="other-cnn", seed=5)
    return Predictor(package, device="cpu", batch_size=2)


@pytest.fixture(scope="module")
def done(hmi_archive, tiny, tmp_path_factory):
    """A backfill of three full-size records with a worker process, and the live path beside it."""
    folder = tmp_path_factory.mktemp("done")
    cache = FileCache(folder / "cache", max_bytes=10**9, max_age=timedelta(days=30))
    run = Run(run_id="test", now=utc_now())
    with Replica(hmi_archive) as replica:
        settings = JsocSettings(base_url=replica.base_url, min_interval_s=0)
        source = Jsoc(settings, cache, background=True)
        work = Backfill(
            engine=new_engine(folder / "flaremon.db"),
            models=[Model(predictor=tiny)],
            run=run,
            workers=1,
            frames=FrameArchive(folder / "frames", max_bytes=10**9),
            source=source,
            cache=cache,
        )
        end = tai_label_to_utc(LAST) + timedelta(seconds=1)
        grid = make_grid(SERIES, tai_label_to_utc(FIRST), end, now=run.now)
        tally = work.work_off(work.plan(grid).chunks)
        live = new_engine(folder / "live.db")
        kept: list[RecordKey] = []
        main_job.run_once(
            main_job.Job(
                source=source,
                engine=live,
                package=tiny.package,
                load_predictor=lambda: tiny,
                series=SERIES,
                lookback=run.now - tai_label_to_utc(FIRST) + timedelta(seconds=1),
                keep_frame=lambda record, _file, _frame: kept.append(record.key),
            ),
            run,
        )
    return work, grid, tally, live, kept


def test_a_backfill_says_what_the_main_job_says(done):
    work, _, tally, live, kept = done
    ours, theirs = said(work.engine), said(live)
    assert tally.finished
    assert tally.predicted == 3
    assert ours.keys() == theirs.keys()
    assert len(ours) == 6
    assert len(kept) == 3
    for key, prediction in ours.items():
        # Frames are rounded to 0.1 G first.
        assert prediction.probability == pytest.approx(theirs[key].probability, abs=1e-4)
        assert prediction.mode is Mode.HINDCAST
        assert prediction.window == theirs[key].window


def test_every_scored_record_leaves_its_frame_and_where_it_came_from(done, tiny):
    work, grid, _, _, _ = done
    spec = tiny.package.frame
    keys = list(work.frames.keys(SERIES, spec, low=grid.slots.low, high=grid.slots.high))
    assert [key.t_rec for key in keys] == sorted((k.t_rec for k in keys), reverse=True)
    assert len(keys) == 3
    with session_scope(work.engine) as session:
        records = store.stored_records(session, grid.slots)
        known = store.known_hashes(session)
    for key in keys:
        frame = work.frames.get(key, spec, recnum=records[key.t_rec].recnum)
        assert known[frame.source.sha256] == key
        assert frame.t_obs == records[key.t_rec].t_obs
        assert frame.source.url.startswith("http://127.0.0.1")
        assert np.abs(from_tenths(frame.tenths)).max() > 100
        assert work.frames.get(key, spec, recnum=1) is None
        assert work.frames.path(key, spec).stat().st_size < 530_000


def test_rescoring_from_the_archive_equals_scoring_from_the_files(done, tiny, other, hmi_archive):
    work, grid, _, _, _ = done
    again = replace(work, models=[Model(predictor=other)])
    tally = again.rescore(grid.slots)
    assert (tally.planned, tally.predicted, tally.from_archive) == (3, 3, 3)
    assert again.rescore(grid.slots).planned == 0
    plan = again.plan(grid)
    assert plan.todo == 0
    fresh = replace(
        again, engine=new_engine(work.cache.folder / "fresh.db"), frames=None, workers=0
    )
    with Replica(hmi_archive) as replica:
        settings = JsocSettings(base_url=replica.base_url, min_interval_s=0)
        fresh.source = Jsoc(settings, work.cache)
        fresh.work_off(fresh.plan(grid).chunks)
    from_files = {k: p.score for k, p in said(fresh.engine).items()}
    from_frames = {k: p.score for k, p in said(work.engine, other.package.id).items()}
    assert from_frames == from_files


def test_a_second_model_takes_its_frames_from_the_archive(done, other, hmi_archive):
    work, grid, _, _, _ = done
    fresh = replace(
        work,
        engine=new_engine(work.cache.folder / "second.db"),
        models=[*work.models, Model(predictor=other)],
        workers=0,
    )
    assert fresh.plan(grid).archived == 3
    with Replica(hmi_archive) as replica:
        settings = JsocSettings(base_url=replica.base_url, min_interval_s=0)
        fresh.source = Jsoc(settings, FileCache(work.cache.folder / "empty", max_bytes=10**9,
                                                max_age=timedelta(days=1)))  # fmt: skip
        tally = fresh.work_off(fresh.plan(grid).chunks)
        assert [call.endpoint for call in replica.calls] == ["rs_list", "rs_list"]
    assert (tally.predicted, tally.from_archive, tally.new_rows) == (3, 3, 12)


def test_every_model_gets_the_archived_frame_of_its_own_geometry(
    done, tiny, other, hmi_archive, tmp_path
):
    work, grid, _, _, _ = done
    narrow = write_package(tmp_path / "models", name="narrow-cnn", frame=FrameSpec(edge=0.5))
    models = [
        Model(predictor=predictor)
        for predictor in (tiny, other, Predictor(narrow, device="cpu", batch_size=2))
    ]
    told = []
    with Replica(hmi_archive) as replica:
        settings = JsocSettings(base_url=replica.base_url, min_interval_s=0)
        for name in ("files", "frames"):
            again = replace(
                work,
                engine=new_engine(tmp_path / f"{name}.db"),
                models=models,
                workers=0,
                frames=FrameArchive(tmp_path / "archive", max_bytes=10**9),
                source=Jsoc(settings, work.cache),
            )
            tally = again.work_off(again.plan(grid).chunks)
            assert tally.predicted == 3
            told.append({m.package.id: said(again.engine, m.package.id) for m in models})
        assert tally.from_archive == 3
    from_files, from_frames = (
        {(model, key): p.score for model, found in one.items() for key, p in found.items()}
        for one in told
    )
    assert len(from_files) == 18
    assert from_frames == from_files


def test_a_folder_of_files_is_scored_once_whatever_they_are_called(
    hmi_archive, tiny, tmp_path, shared_data
):
    folder = tmp_path / "files"
    folder.mkdir()
    real = sorted((shared_data / "hmi_jpg" / "2026" / "02" / "01").glob("*.jpg"))[:2]
    for path in real:
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "HMI.m2026.02.01_05.00.00.jpg").write_bytes(real[0].read_bytes())
    (folder / "HMI.m2026.02.01_06.00.00.jpg").write_bytes(b"\xff\xd8\xff no picture")
    (folder / "deep").mkdir()
    fits = max(hmi_archive.glob("*.fits"))
    (folder / "deep" / "some.fits").write_bytes(fits.read_bytes())
    work = Backfill(
        engine=new_engine(tmp_path / "flaremon.db"),
        models=[Model(predictor=tiny)],
        run=Run(run_id="test", now=utc_now()),
        workers=0,
        frames=FrameArchive(tmp_path / "frames", max_bytes=10**9),
    )
    paths = find_files(folder, "oldest")
    tally = work.work_off_files(paths, folder)
    assert tally.done == tally.planned == 5
    assert tally.predicted == 3
    assert tally.rejected == {"duplicate-image": 1}
    assert [miss.key.t_rec for miss in tally.failures] == ["HMI.m2026.02.01_06.00.00.jpg"]
    keys = {str(key) for key, _ in said(work.engine)}
    assert f"{SERIES}[{LAST}]" in keys
    assert "file.jpg[2026.02.01_00:00:37_TAI]" in keys
    again = work.work_off_files(paths, folder)
    assert (again.predicted, again.decided, len(again.failures)) == (0, 4, 1)
    assert again.new_rows == 0


def test_a_folder_without_files_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no"):
        find_files(tmp_path)
    with pytest.raises(InputError, match="not a folder"):
        find_files(tmp_path / "absent")


def test_old_frames_go_first_and_damaged_ones_do_not_count(done, tmp_path):
    work, grid, _, _, _ = done
    spec = work.packages[0].frame
    keys = list(work.frames.keys(SERIES, spec, low=grid.slots.low, high=grid.slots.high))
    with session_scope(work.engine) as session:
        records = store.stored_records(session, grid.slots)
    small = FrameArchive(tmp_path, max_bytes=1_100_000)
    for key in keys:
        frame = work.frames.get(key, spec, recnum=records[key.t_rec].recnum)
        small.put(frame, spec)
    assert small.prune_if_due(now=utc_now()) == 1
    assert small.prune_if_due(now=utc_now()) == 0
    left = list(small.keys(SERIES, spec, low=grid.slots.low, high=grid.slots.high))
    assert left == keys[:2]
    path = small.path(left[0], spec)
    path.write_bytes(path.read_bytes()[:-2] + b"xx")
    assert small.get(left[0], spec, recnum=records[left[0].t_rec].recnum) is None
    assert small.prune(now=utc_now(), max_age=timedelta(days=1)) == 2


def test_frames_of_one_geometry_are_shared_whatever_the_clip():
    assert frame_id(FrameSpec(clip_gauss=500.0)) == frame_id(FrameSpec())
    assert frame_id(FrameSpec(edge=0.9)) != frame_id(FrameSpec())
    assert Tally(planned=3).not_tried == 3
