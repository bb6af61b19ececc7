"""Pictures of a synthetic Sun as their publishers make them."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from PIL import Image

from flaremon.sun import angular_radius_arcsec
from support.suns import Sun, View, field_gauss

NAME = "HMI.m2026.02.01_00.00.00.jpg"
T_OBS = datetime(2026, 2, 1, tzinfo=UTC)
SUN = Sun(bipoles=((0.2, 0.3, 200.0), (-0.5, -0.25, 150.0)), width=0.05)
"""Weak and wide enough to be neither clipped nor lost at 512 px."""


def view(size_px: int, **changes: float) -> View:
    """What the publishers make of it: north up, in the middle, 0.6 arcsec per 1/4096."""
    middle = (size_px + 1) / 2
    made = View(
        size_px=size_px,
        crota2=0.0,
        crpix1=middle,
        crpix2=middle,
        cdelt=0.6 * 4096 / size_px,
        rsun_obs=angular_radius_arcsec(T_OBS),
        noise_gauss=0.0,
    )
    return replace(made, **changes)


def levels(view: View, sun: Sun = SUN) -> np.ndarray:
    """Grey levels with row 0 at the top, as pictures have it."""
    field = field_gauss(sun, view)
    y, x = np.ogrid[0 : view.size_px, 0 : view.size_px]
    radius = view.rsun_obs / view.cdelt
    off = np.hypot(x - view.crpix1 + 1, y - view.crpix2 + 1) > radius
    grey = np.clip(np.rint((field + 250) / 500 * 255), 0, 255)
    grey[off | np.isnan(grey)] = 0
    return grey[::-1].astype(np.uint8)


def save(path: Path, grey: np.ndarray, **options: object) -> Path:
    """Write grey levels as a picture of the kind that its name says."""
    Image.fromarray(grey).save(path, **options)
    return path
