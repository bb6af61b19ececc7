"""The circuit breaker's arithmetic and its file."""

from pathlib import Path

import pytest

from flaremon.politeness.circuit import (
    FAILURES_TO_OPEN,
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    LONGEST_REST_S,
    Circuit,
)


def test_four_failures_in_a_row_change_nothing_and_the_fifth_opens_it():
    circuit = Circuit()
    for _ in range(FAILURES_TO_OPEN - 1):
        circuit.note(1000.0, 0.0, failed=True)
        assert circuit.closed_until == 0.0
    circuit.note(1000.0, 0.0, failed=True)
    assert circuit.closed_until == 1000.0 + FIRST_PAUSE_S


def test_each_failed_probe_doubles_the_pause_up_to_a_limit():
    circuit = Circuit(failures=FAILURES_TO_OPEN - 1)
    pauses = []
    for _ in range(40):
        circuit.note(0.0, 0.0, failed=True)
        pauses.append(circuit.closed_until)
    assert pauses[:3] == [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S]
    assert pauses[-1] == LONGEST_PAUSE_S


def test_one_success_forgets_all_failures():
    circuit = Circuit(failures=40, closed_until=1e12)
    circuit.note(0.0, 0.0, failed=False)
    assert circuit == Circuit()


def test_a_pause_that_the_server_asks_for_is_kept_but_not_for_ever():
    circuit = Circuit()
    circuit.note(0.0, 30.0, failed=True)
    assert circuit.closed_until == 30.0
    circuit.note(0.0, 1e9, failed=True)
    assert circuit.closed_until == LONGEST_REST_S


def test_it_says_until_when():
    assert "5 times in a row" in Circuit(failures=5, closed_until=0.5e9).in_words
    assert "1985-11-05T00:53:20Z" in Circuit(failures=5, closed_until=0.5e9).in_words
    assert "asked for a pause" in Circuit(failures=1, closed_until=0.5e9).in_words


@pytest.mark.parametrize("content", ["", "{", "[]", '{"started": null}', '{"started": 1}'])
def test_a_torn_file_counts_as_a_new_one(content: str, tmp_path: Path):
    path = tmp_path / "lane.json"
    path.write_text(content)
    with path.open("r+") as file:
        assert Circuit.read(file) == Circuit()


def test_what_is_written_is_read_again(tmp_path: Path):
    path = tmp_path / "lane.json"
    path.write_text("x" * 500)
    circuit = Circuit(started=1.5, failures=3, closed_until=2.5)
    with path.open("r+") as file:
        circuit.write(file)
        assert Circuit.read(file) == circuit
