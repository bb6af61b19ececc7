"""How fast history goes: ``python -m tests.benchmarks.backfill [--files 200] [--slots 2000]``.

Rates are of this machine, with everything else that runs on it; what counts are their ratios, so
reference and candidate are measured in one go. Where other things run beside it, ratios of
processor time say more, and stand below those of the clock.

(a) the bare integer decode of the same files by astropy, in two processes;
(b) one process: sunpy's Map, rotate(order=3), block mean and the network, for ``--sunpy`` files;
a backfill of ``--files`` full-size files through a replica on loopback, which runs in a process of
its own but on the same processors; where its processor time goes; the same history from the
archive of frames; the real pictures of a month by ``--from-dir``; and the memory of all processes
but the replica over a backfill of ``--slots`` small records. Files are the three real ones of the
test data, moved and dated anew, or synthetic ones. A 0 leaves a part out. ``--planning`` plans a
year beside a million predictions, which takes some minutes more.
"""

import argparse


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--slots", type=int, default=2000)
    parser.add_argument("--sunpy", type=int, default=3)
    parser.add_argument("--pictures", type=int, default=672)
    parser.add_argument("--planning", action="store_true")
    given = parser.parse_args()
    # Worker processes import this very module: it must stay light.
    from tests.benchmarks import history  # noqa: PLC0415

    history.measure(given)


if __name__ == "__main__":
    main()
