"""Synthetic Suns: full-size HMI-like FITS files with real geometry and honest keywords.

The same *Sun* (a set of bipoles and a seed) can be observed with any roll, centre, radius and
noise, so tests can state what must not depend on the observer.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from flaremon.times import slot_index, slot_label, tai_label_to_utc

SIZE_PX = 4096
BLANK = -2147483648
BSCALE = 0.1


@dataclass(frozen=True)
class Sun:
    """What is on the disk, in units of the solar radius with solar north up."""

    bipoles: tuple[tuple[float, float, float], ...] = ((0.2, 0.3, 900.0), (-0.5, -0.25, 600.0))
    """(x west, y north, peak gauss)"""
    width: float = 0.02


@dataclass(frozen=True)
class View:
    """How HMI looks at it."""

    t_rec: str = "2024.06.28_00:00:00_TAI"
    series: str = "hmi.M_720s_nrt"
    crota2: float = 180.0133
    crpix1: float = 2038.86
    crpix2: float = 2046.77
    rsun_obs: float = 944.6
    cdelt: float = 0.5043
    quality: int = 0x400
    camera: int = 3
    noise_gauss: float = 6.0
    seed: int = 1
    size_px: int = SIZE_PX
    overrides: dict[str, Any] = field(default_factory=dict, hash=False, compare=False)


def field_gauss(sun: Sun, view: View) -> np.ndarray:
    """Return float32 (rows, columns), NaN beyond R + 90 px, as HMI crops."""
    n = view.size_px
    radius = view.rsun_obs / view.cdelt
    y, x = np.mgrid[0:n, 0:n].astype(np.float32)
    dx = (x - np.float32(view.crpix1 - 1)) / np.float32(radius)
    dy = (y - np.float32(view.crpix2 - 1)) / np.float32(radius)
    # Pixel to solar axes: FITS rotation by CROTA2.
    c, s = np.cos(np.deg2rad(view.crota2)), np.sin(np.deg2rad(view.crota2))
    u = np.float32(c) * dx - np.float32(s) * dy
    v = np.float32(s) * dx + np.float32(c) * dy
    out = np.zeros((n, n), np.float32)
    for px, py, peak in sun.bipoles:
        for sign, shift in ((1, -sun.width), (-1, sun.width)):
            r2 = ((u - px - shift) ** 2 + (v - py) ** 2) / (2 * (sun.width / 2) ** 2)
            out += np.float32(sign * peak) * np.exp(-r2)
    if view.noise_gauss:
        rng = np.random.default_rng(view.seed)
        out += rng.standard_normal((n, n), np.float32) * np.float32(view.noise_gauss)
    out[dx**2 + dy**2 > (1 + 90 / radius) ** 2] = np.nan
    return out


def counts(values_gauss: np.ndarray) -> np.ndarray:
    """Return int32 counts of 0.1 G, BLANK where NaN."""
    blank = np.isnan(values_gauss)
    scaled = np.rint(np.where(blank, 0, values_gauss) / BSCALE).astype(np.int32)
    return np.where(blank, np.int32(BLANK), scaled)


def keywords(view: View, values: np.ndarray) -> dict[str, Any]:
    """Return the header keywords of a record, FITS names, as JSOC exports them."""
    good = values[np.isfinite(values)]
    utc = tai_label_to_utc(view.t_rec)
    nrt = view.series.endswith("_nrt")
    processed = utc + (timedelta(minutes=76) if nrt else timedelta(days=4.7))
    stamp = view.t_rec.removesuffix("_TAI")
    cards = {
        "DATE": processed.strftime("%Y-%m-%dT%H:%M:%S.000"),
        "DATE-OBS": (utc + timedelta(seconds=3)).strftime("%Y-%m-%dT%H:%M:%S.000"),
        "TELESCOP": "SDO/HMI",
        "INSTRUME": "HMI_COMBINED",
        "WAVELNTH": 6173.0,
        "CAMERA": view.camera,
        "BUNIT": "Gauss",
        "CONTENT": "MAGNETOGRAM",
        "QUALITY": view.quality,
        "QUALLEV1": 0,
        "TOTVALS": int(good.size),
        "DATAVALS": int(good.size),
        "MISSVALS": 0,
        "DATAMIN2": float(good.min(initial=0)),
        "DATAMAX2": float(good.max(initial=0)),
        "DATARMS2": float(good.std()) if good.size else 0.0,
        "CTYPE1": "HPLN-TAN",
        "CTYPE2": "HPLT-TAN",
        "CRPIX1": view.crpix1,
        "CRPIX2": view.crpix2,
        "CRVAL1": 0.0,
        "CRVAL2": 0.0,
        "CDELT1": view.cdelt,
        "CDELT2": view.cdelt,
        "CUNIT1": "arcsec",
        "CUNIT2": "arcsec",
        "CROTA2": view.crota2,
        "CRLN_OBS": 120.0,
        "CRLT_OBS": 3.2,
        "CAR_ROT": 2286,
        "DSUN_OBS": 1.52e11,
        "DSUN_REF": 1.496e11,
        "RSUN_OBS": view.rsun_obs,
        "RSUN_REF": 6.96e8,
        "OBS_VR": 200.0,
        "OBS_VW": 29000.0,
        "OBS_VN": 100.0,
        "CADENCE": 720.0,
        "T_REC": f"{stamp}.000_TAI",
        "T_OBS": f"{stamp}.156_TAI",
        "QLOOK": int(nrt),
    }
    cards.update(view.overrides)
    return cards


def write_fits(path: Path, sun: Sun | None = None, view: View | None = None) -> Path:
    """Write one exported-style file (full header, Rice tiles) and return its path."""
    view = view or View()
    values = _cached_field(sun or Sun(), replace(view, overrides={}))
    return write_field(path, values, view)


def write_field(path: Path, values_gauss: np.ndarray, view: View) -> Path:
    """Write given values with the header of `view`; an override of None drops the keyword."""
    hdu = fits.CompImageHDU(
        counts(values_gauss), compression_type="RICE_1", tile_shape=(1, values_gauss.shape[1])
    )
    hdu.header["BSCALE"], hdu.header["BZERO"], hdu.header["BLANK"] = BSCALE, 0.0, BLANK
    for name, value in keywords(view, values_gauss).items():
        if value is not None:
            hdu.header[name] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path, overwrite=True)
    return path


def archive(
    folder: Path, n: int = 3, *, end: str = "2024.06.28_00:00:00_TAI", **view: Any
) -> list[Path]:
    """Write `n` consecutive 720 s records, newest at `end`, into a folder for the replica."""
    last = slot_index(end, 720)
    paths = []
    for k in range(n):
        t_rec = slot_label(last - k, 720)
        sun = Sun(bipoles=((0.2 + 0.01 * k, 0.3, 900.0), (-0.5, -0.25, 600.0 - 30 * k)))
        v = View(t_rec=t_rec, seed=k + 1, **view)
        stamp = t_rec.replace(".", "").replace(":", "")
        paths.append(write_fits(folder / f"{v.series}.{stamp}.magnetogram.fits", sun, v))
    return paths


@lru_cache(maxsize=4)
def _cached_field(sun: Sun, view: View) -> np.ndarray:
    return field_gauss(sun, view)
