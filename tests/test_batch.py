"""Files in, answers out: which of them are byte for byte the same, and which of those counts."""

import itertools

import pytest
from support import pictures
from support.packages import write_package

from flaremon.batch import equal_files, score_files
from flaremon.domain import RejectionReason
from flaremon.inference import Predictor
from flaremon.preprocess import FrameSpec


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    package = write_package(folder, frame=FrameSpec(size_px=128))
    return Predictor(package, device="cpu", batch_size=2)


def test_files_are_told_apart_by_length_first_and_by_content_then(tmp_path):
    contents = {"a": b"one", "b": b"three", "c": b"two", "d": b"two", "e": b"one", "f": b"longest"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    paths = [tmp_path / name for name in [*contents, "a"]]
    found = [[path.name for path in group] for group in equal_files(paths)]
    assert found == [["a", "e"], ["c", "d"]]


def test_a_file_that_is_gone_is_nobodys_twin(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"same")
    (tmp_path / "a").unlink()
    assert equal_files([tmp_path / "a", tmp_path / "b"]) == []


def test_of_equal_pictures_the_earliest_is_scored_in_whatever_order_they_are_given(tmp_path, tiny):
    grey = pictures.levels(pictures.view(512, noise_gauss=8.0))
    first = pictures.save(tmp_path / "HMI.m2026.02.01_00.00.00.jpg", grey, quality=95)
    copies = [tmp_path / f"HMI.m2026.02.01_0{hour}.00.00.jpg" for hour in (3, 6)]
    other = pictures.save(tmp_path / "HMI.m2026.02.01_04.00.00.jpg", grey, quality=90)
    for copy in copies:
        copy.write_bytes(first.read_bytes())
    nameless = tmp_path / "picture.jpg"
    nameless.write_bytes(first.read_bytes())
    for order in itertools.permutations([first, *copies]):
        results = list(score_files([*order, other, nameless, first], tiny))
        assert [result.path for result in results] == [*order, other, nameless, first]
        assert {result.path for result in results if result.scores} == {first, other}
        refused = {r.path: r.refusal for r in results if r.refusal is not None}
        assert refused.pop(nameless).reason is RejectionReason.UNREADABLE
        assert refused.keys() == set(copies)
        for refusal in refused.values():
            assert refusal.reason is RejectionReason.DUPLICATE_IMAGE
            assert refusal.detail.endswith(str(first))
