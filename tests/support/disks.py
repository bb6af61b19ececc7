"""Planes with bipoles at known places."""

import numpy as np


def plane(*places: tuple[float, float], gauss: float = 900.0, side: int = 512) -> np.ndarray:
    """Return a plane (1, side, side) with bipoles at (longitude, latitude), degrees."""
    axis = (np.arange(side) - (side - 1) / 2) / (0.475 * side)
    x, y = np.meshgrid(axis, axis)
    frame = np.zeros_like(x)
    for longitude, latitude in places:
        px = np.cos(np.deg2rad(latitude)) * np.sin(np.deg2rad(longitude))
        py = np.sin(np.deg2rad(latitude))
        for sign in (-1, 1):
            r2 = (x - px - 0.04 * sign) ** 2 + (y - py) ** 2
            frame += sign * gauss * np.exp(-r2 / (2 * 0.03**2))
    frame[x**2 + y**2 > 0.99**2] = 0
    return (np.clip(frame, -250, 250) / 250).astype(np.float32)[np.newaxis]
