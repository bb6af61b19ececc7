"""Files in, answers out: which of them are byte for byte the same."""

from datetime import UTC, datetime, timedelta

from flaremon.batch import _Seen

NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)


def test_files_are_told_apart_by_length_first_and_by_content_then(tmp_path):
    contents = {"a": b"one", "b": b"three", "c": b"two", "d": b"two", "e": b"one", "f": b"three"}
    seen, first = _Seen(), {}
    for hour, (name, content) in enumerate(contents.items()):
        path = tmp_path / name
        path.write_bytes(content)
        found, t_obs = seen.first(path, NOON + timedelta(hours=hour))
        first[name] = found.name
        assert t_obs == NOON + timedelta(hours=sorted(contents).index(found.name))
    assert first == {"a": "a", "b": "b", "c": "c", "d": "c", "e": "a", "f": "b"}


def test_a_file_that_is_gone_is_nobodys_twin(tmp_path):
    seen = _Seen()
    for name in ("a", "b"):
        path = tmp_path / name
        path.write_bytes(b"same")
        assert seen.first(path, NOON) == (path, NOON)
        path.unlink()
    path.write_bytes(b"same")
    assert seen.first(path, NOON + timedelta(hours=1)) == (path, NOON)
