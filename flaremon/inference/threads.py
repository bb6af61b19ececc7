"""How many threads torch computes with."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Have torch compute with so many threads, as long as the block lasts.

    Threads of a small network wait for each other more than they compute: one takes 2 ms for a
    plane, two take 10 together, and 30 where other processes want the processor. The last digits
    of a score depend on their number, too.
    """
    import torch  # noqa: PLC0415 - 1.6 s

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
