"""The disk, with everything that is said about it."""

import math
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flaremon.domain import Magnetogram, Prediction
from flaremon.picture.marks import label_places
from flaremon.preprocess import FrameSpec, to_frame
from flaremon.regions import Explained, LocatedRegion, region_as_json, region_lines
from flaremon.status import yes_or_no
from flaremon.sun import RSUN_M, angular_radius_arcsec
from flaremon.times import iso_z

if TYPE_CHECKING:
    import sunpy.map
    from matplotlib.figure import Figure

PICTURE_SPEC = FrameSpec(size_px=1024)
"""Twice the network's frame: fine enough to recognise sunspot groups."""

SHOWN_GAUSS = 300.0
"""Field at which the grey scale ends; weak network stays visible."""
SHOWN_SHARE = 0.05
"""Regions with less are not marked."""
MOST_MARKS = 9

_WIDTH_IN, _ABOVE_IN, _DISK_IN, _AXIS_IN, _LINE_IN = 8.0, 0.95, 5.6, 0.8, 0.22
"""Of the figure: title, disk, the labels of its axis, and a line of text below."""
_NOTE_IN = 0.19
"""A second line below the title, and each after it."""
_MARK_PX = 34.0
"""Radius of the ring around a region, pixels of the frame: about 4 degrees at disk centre."""
_LABEL_PX = (88.0, 34.0)
_INK = "tab:cyan"


def draw(
    magnetogram: Magnetogram,
    predictions: Sequence[Prediction],
    path: Path,
    *,
    note: str = "",
    explained: Explained | None = None,
) -> Path:
    """Write a PNG of the disk in gauss, solar north up, with the answers below.

    Parameters
    ----------
    magnetogram : Magnetogram
    predictions
        Of this magnetogram; each becomes a line of text.
    path : Path
        Written by temporary name, so a reader never sees half a picture.
    note : str
        Lines below the title, such as where a replayed record comes from.
    explained : Explained, optional
        One of the answers with its regions: they are marked on the disk and listed below.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 - seconds that only pictures need

    shown = _shown(explained)
    said = region_words(explained)
    below_in = _AXIS_IN + _LINE_IN * (len(predictions) + len(said) + 0.5)
    notes = note.splitlines()
    height_in = _ABOVE_IN + _NOTE_IN * max(0, len(notes) - 1) + _DISK_IN + below_in
    figure = Figure(figsize=(_WIDTH_IN, height_in), facecolor="white")
    sun_map = _as_map(magnetogram)
    axes = figure.add_axes(
        (0.13, below_in / height_in, 0.74, _DISK_IN / height_in), projection=sun_map.wcs
    )
    _draw_disk(sun_map, figure, axes)
    _mark(axes, shown)

    def write(inches_down: float, text: str, **style: Any) -> None:
        figure.text(style.pop("x", 0.5), 1 - inches_down / height_in, text, **style)

    write(0.41, magnetogram.name, ha="center", fontsize=12, weight="bold")
    when = f"observed {iso_z(magnetogram.t_obs)}; grid every 15 degrees"
    write(0.66, when, ha="center", fontsize=10)
    for k, line in enumerate(notes):
        down_in = 0.87 + _NOTE_IN * k
        write(down_in, line, ha="center", fontsize=10, color="firebrick", weight="bold")
    down_in = height_in - below_in + _AXIS_IN
    for k, p in enumerate(predictions):
        words = f"{p.event}:  {yes_or_no(p)}   {p.model}, {p.mode}"
        colour = "firebrick" if p.flare else "black"
        write(down_in + _LINE_IN * k, words, x=0.06, fontsize=10, color=colour)
    down_in += _LINE_IN * (len(predictions) + 0.2)
    for k, line in enumerate(said):
        write(down_in + _LINE_IN * k, line, x=0.06, fontsize=8, family="monospace")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.png")
    figure.savefig(partial, dpi=110)
    partial.replace(path)
    return path


def _shown(explained: Explained | None) -> list[LocatedRegion]:
    if explained is None or explained.regions is None:
        return []
    large = [region for region in explained.regions if region.share.share >= SHOWN_SHARE]
    return large[:MOST_MARKS]


def region_words(explained: Explained | None) -> list[str]:
    """Return what is said of regions: a heading, and a line for each with its number."""
    if explained is None:
        return []
    shown = _shown(explained)
    p = explained.stored.prediction
    if explained.regions is None:
        return [f"Regions: {p.model}: {explained.whence.in_words}"]
    if not shown:
        none = (
            f"none of {SHOWN_SHARE * 100:.0f} % or more" if explained.regions else "none stands out"
        )
        return [f"Regions: {none} ({p.event} by {p.model})"]
    lines = region_lines([region_as_json(region) for region in shown])
    heads = [*(str(k) for k in range(1, len(shown) + 1)), ""]
    return [
        f"Regions, and their share of the rate that {p.event} rests on:",
        *(f"{head:>2} {line}" for head, line in zip(heads, lines, strict=True)),
    ]


def _draw_disk(sun_map: "sunpy.map.GenericMap", figure: "Figure", axes: Any) -> None:
    image = sun_map.plot(
        axes=axes, cmap="gray", vmin=-SHOWN_GAUSS, vmax=SHOWN_GAUSS, title=False, autoalign=False
    )
    sun_map.draw_limb(axes=axes, color="tab:orange", linewidth=1.0)
    sun_map.draw_grid(axes=axes, color="tab:orange", linewidth=0.4, alpha=0.6, annotate=False)
    axes.set_xlabel("helioprojective x [arcsec], west to the right")
    axes.set_ylabel("helioprojective y [arcsec]")
    axes.coords.grid(False)
    bar = figure.colorbar(image, ax=axes, fraction=0.046, pad=0.03)
    bar.set_label("line-of-sight field [gauss]")


def _mark(axes: Any, regions: Sequence[LocatedRegion]) -> None:
    """Draw a ring around each region, and its rank and share beside it."""
    from matplotlib.patches import Circle  # noqa: PLC0415

    spec = PICTURE_SPEC
    middle = (spec.size_px - 1) / 2
    radius = spec.radius_fraction * spec.size_px
    points = [(middle + r.share.x * radius, middle + r.share.y * radius) for r in regions]
    places = label_places(points, size=_LABEL_PX, keep_off=_MARK_PX, side=spec.size_px)
    for k, (region, point, place) in enumerate(zip(regions, points, places, strict=True), start=1):
        dashed = "--" if region.share.near_limb else "-"
        axes.add_patch(Circle(point, _MARK_PX, fill=False, color=_INK, linestyle=dashed, lw=1.4))
        axes.text(
            *place, f"{k}: {region.share.share:.0%}", ha="center", va="center", fontsize=9,
            bbox={"facecolor": "white", "edgecolor": _INK, "alpha": 0.85, "pad": 1.5},
        )  # fmt: skip


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
