"""What the process has imported and compiled that worker processes are forked from.

The one module that works when it is imported: that is how Python lets such a process prepare
itself. It pays once, and workers, also those that replace a dead one, start at once and share the
memory of it. In it are no network, no connection and no threads, which survive no fork.
"""

import numpy as np

from flaremon import fits
from flaremon.resample import Grid, resample

fits.prepare()
resample(
    np.zeros((8, 8), np.float32),
    Grid(centre_x_px=3.5, centre_y_px=3.5, scale=2.0, roll_deg=0.0, size_px=2, radius_px=1.0),
)
