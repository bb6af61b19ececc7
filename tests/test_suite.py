"""What the suite itself must stand, so that a red run means a fault of the product."""

import random
import threading
import time

from hypothesis import given
from hypothesis import strategies as st


def test_property_tests_stand_a_thread_that_draws_random_numbers_beside_them():
    """As Prefect's do: its connection for events sends random bytes, at times of its own."""
    stop, drawn = threading.Event(), 0

    def draw():
        nonlocal drawn
        while not stop.wait(0.0005):
            random.getrandbits(32)
            drawn += 1

    @given(numbers=st.lists(st.integers(), min_size=30, max_size=300))
    def prop(numbers):
        assert len(numbers) >= 30

    thread = threading.Thread(target=draw)
    thread.start()
    try:
        prop()
    finally:
        stop.set()
        thread.join()
    assert drawn > 0


@given(wait_s=st.sampled_from([0.0, 0.3]))
def test_property_tests_stand_a_machine_that_stops_for_a_moment(wait_s):
    time.sleep(wait_s)
    assert wait_s < 1
