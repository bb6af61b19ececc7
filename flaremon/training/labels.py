"""What the flare lists say about an hour, as training and verification both see it."""

from pathlib import Path

from flaremon.verify import flares
from flaremon.verify.labels import NO, UNKNOWN, YES, Coverage, FlareList, Times, label

__all__ = ["NO", "UNKNOWN", "YES", "Coverage", "FlareList", "Times", "label", "read_flares"]


def read_flares(folder: Path) -> FlareList:
    """Read ``flares.csv`` and ``coverage.csv`` of a folder, on the scale of true flux.

    A model used now must mean what "M1" means now.

    Raises
    ------
    InputError
        If a file is missing or cannot be read.
    """
    return flares.read_flares(folder / "flares.csv")
