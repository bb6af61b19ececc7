"""Synthetic Carrington maps and flare lists, in the layout of the real ones."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits


@dataclass(frozen=True)
class Spot:
    """A unipolar patch of radial field."""

    rotation: int
    longitude_deg: float
    latitude_deg: float = 15.0
    gauss: float = 800.0
    radius_deg: float = 4.0


def write_maps(folder: Path, rotations: range, spots: tuple[Spot, ...] = ()) -> Path:
    """Write one 720 x 360 map per rotation; longitudes do not wrap."""
    folder.mkdir(parents=True, exist_ok=True)
    longitude = 0.3 + 0.5 * np.arange(720)
    latitude = np.rad2deg(np.arcsin((np.arange(360) + 0.5) / 180 - 1))
    for rotation in rotations:
        values = np.zeros((360, 720))
        for spot in spots:
            if spot.rotation == rotation:
                across = (longitude - spot.longitude_deg) * np.cos(np.deg2rad(spot.latitude_deg))
                up = latitude - spot.latitude_deg
                inside = across[None, :] ** 2 + up[:, None] ** 2 < spot.radius_deg**2
                values[inside] = spot.gauss
        fits.PrimaryHDU(values.astype(np.int16)).writeto(
            folder / f"hmi.Synoptic_Mr_small.{rotation}.fits", overwrite=True
        )
    return folder


def write_flares(
    folder: Path,
    rows: list[tuple[str, str, str]],
    *,
    coverage: list[tuple[str, str, str, str]],
    scale: str = "true_flux",
) -> Path:
    """Write ``flares.csv`` from (start, end, class) and ``coverage.csv``.

    Coverage rows are (first day, last day, complete for, note).
    """
    folder.mkdir(parents=True, exist_ok=True)
    unit = {"B": 1e-7, "C": 1e-6, "M": 1e-5, "X": 1e-4}
    lines = ["start_utc,peak_utc,end_utc,goes_class,peak_flux_w_m2,class_scale"]
    lines += [
        f"{start},,{end},{name},{unit[name[0]] * float(name[1:]):.2e},{scale}"
        for start, end, name in rows
    ]
    (folder / "flares.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    lines = ["period_start,period_end,complete_for,source,note"]
    lines += [f'{start},{end},{what},test,"{note}"' for start, end, what, note in coverage]
    (folder / "coverage.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
