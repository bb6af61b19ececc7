"""The magnetogram with limb and grid, and the answer, as a picture.

sunpy draws: it knows where the limb and the heliographic grid are. This room only builds the
header of the standard frame and writes the words.
"""

import math
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

from flaremon.domain import Magnetogram, Prediction
from flaremon.preprocess import FrameSpec, to_frame
from flaremon.status import yes_or_no
from flaremon.sun import RSUN_M, angular_radius_arcsec
from flaremon.times import iso_z

if TYPE_CHECKING:
    import sunpy.map

PICTURE_SPEC = FrameSpec(size_px=1024)
"""Twice the network's frame: fine enough to recognise sunspot groups."""

SHOWN_GAUSS = 300.0
"""Field at which the grey scale ends; weak network stays visible."""


def draw(
    magnetogram: Magnetogram, predictions: Sequence[Prediction], path: Path, *, note: str = ""
) -> Path:
    """Write a PNG of the disk in gauss, solar north up, with the answers below.

    Parameters
    ----------
    magnetogram : Magnetogram
    predictions
        Of this magnetogram; each becomes a line of text.
    note : str
        A line below the title, such as where a replayed record comes from.
    path : Path
        Written by temporary name, so a reader never sees half a picture.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 - seconds that only pictures need

    sun_map = _as_map(magnetogram)
    figure = Figure(figsize=(8, 9.2), facecolor="white")
    axes = figure.add_axes((0.13, 0.17, 0.74, 0.72), projection=sun_map.wcs)
    image = sun_map.plot(
        axes=axes, cmap="gray", vmin=-SHOWN_GAUSS, vmax=SHOWN_GAUSS, title=False, autoalign=False
    )
    sun_map.draw_limb(axes=axes, color="tab:orange", linewidth=1.0)
    sun_map.draw_grid(axes=axes, color="tab:orange", linewidth=0.4, alpha=0.6, annotate=False)
    axes.set_xlabel("helioprojective x [arcsec], west to the right")
    axes.set_ylabel("helioprojective y [arcsec]")
    axes.coords.grid(False)  # type: ignore[attr-defined]  # WCSAxes, which have no types
    bar = figure.colorbar(image, ax=axes, fraction=0.046, pad=0.03)
    bar.set_label("line-of-sight field [gauss]")
    figure.text(0.5, 0.955, magnetogram.name, ha="center", fontsize=12, weight="bold")
    figure.text(
        0.5,
        0.928,
        f"observed {iso_z(magnetogram.t_obs)}; grid every 15 degrees",
        ha="center",
        fontsize=10,
    )
    for k, p in enumerate(predictions):
        figure.text(
            0.06,
            0.105 - 0.032 * k,
            f"{p.event}:  {yes_or_no(p)}   {p.model}, {p.mode}",
            fontsize=11,
            color="firebrick" if p.flare else "black",
        )
    figure.text(0.5, 0.905, note, ha="center", fontsize=10, color="firebrick", weight="bold")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.png")
    figure.savefig(partial, dpi=110)
    partial.replace(path)
    return path


def _as_map(magnetogram: Magnetogram) -> "sunpy.map.GenericMap":
    import sunpy.map  # noqa: PLC0415 - 3 s

    spec = PICTURE_SPEC
    radius_arcsec = angular_radius_arcsec(magnetogram.t_obs)
    centre_px = (spec.size_px + 1) / 2
    arcsec_per_px = radius_arcsec / (spec.radius_fraction * spec.size_px)
    header = {
        "ctype1": "HPLN-TAN",
        "ctype2": "HPLT-TAN",
        "cunit1": "arcsec",
        "cunit2": "arcsec",
        "crval1": 0.0,
        "crval2": 0.0,
        "crpix1": centre_px,
        "crpix2": centre_px,
        "cdelt1": arcsec_per_px,
        "cdelt2": arcsec_per_px,
        "date-obs": magnetogram.t_obs.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "hgln_obs": 0.0,
        "hglt_obs": magnetogram.geometry.b0_deg,
        "rsun_ref": RSUN_M,
        "dsun_obs": RSUN_M / math.sin(math.radians(radius_arcsec / 3600)),
        "rsun_obs": radius_arcsec,
        "bunit": "G",
    }
    return sunpy.map.Map(to_frame(magnetogram, spec), header)
