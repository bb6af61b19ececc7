"""Frames to 16-bit integers of 0.1 G, and back."""

import numpy as np
from numpy.typing import NDArray

STEP_GAUSS = 0.1
"""As HMI's own files. A pixel of a frame averages 60 of theirs and has 1 G of noise."""
_LARGEST = np.iinfo(np.int16).max


def to_tenths(frame: NDArray[np.float32]) -> NDArray[np.int16]:
    """Round a frame to steps of 0.1 G; beyond 3276.7 G, which no average reaches, it is cut.

    Parameters
    ----------
    frame : ndarray of float32, shape (size_px, size_px)
        Gauss, finite, as `flaremon.preprocess.to_frame` makes it.
    """
    steps = np.rint(frame / np.float32(STEP_GAUSS))
    return np.asarray(np.clip(steps, -_LARGEST, _LARGEST), dtype=np.int16)


def from_tenths(tenths: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return the frame in gauss, float32."""
    return tenths.astype(np.float32) * np.float32(STEP_GAUSS)
