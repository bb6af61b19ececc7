"""How far maps, files and pictures of the same Sun differ for the network, and what it costs.

No flare label is looked at here.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from flaremon.domain import Magnetogram
from flaremon.images import read_any
from flaremon.inference import Predictor
from flaremon.inference.threads import threads
from flaremon.network import RateMap
from flaremon.network.rates import M1, cell_axes
from flaremon.network.surface import CELL_DEG, features
from flaremon.package import ModelPackage
from flaremon.preprocess import to_frame, to_plane
from flaremon.training.outside import IMAGES, planes_of
from flaremon.training.rates.disks import carrington_times
from flaremon.training.rates.strip import Cells
from flaremon.training.report import Measured

FILES = "fits"
"""Folder of full-disk FITS files."""
COST_ROW = "CPU time per plane, one thread, ms"
"""The one figure that differs from run to run."""
_FEATURES = ("unsigned field", "above 30 G", "above 60 G", "above 120 G", "large scale")
_NEAR_DEG = 44.0
_BANDS_DEG = ((0, 20), (20, 40), (40, 60), (60, 80))
_TIMED = 20
_LEVELS = 255
"""Of an 8-bit picture, from -clip to +clip."""

Plane = NDArray[np.float32]


def measured(
    package: ModelPackage, network: RateMap, cells: Cells, data: Path
) -> tuple[Measured, ...]:
    """Measure size, cost, and the distance of domains; tables for the card.

    Parameters
    ----------
    package : ModelPackage
    network : RateMap
        Of the package.
    cells : Cells
        The maps.
    data : Path
        With ``fits/`` and ``hmi_jpg/``; what is missing is left out.
    """
    tables = [_cost(package, network)]
    files = [read_any(path) for path in sorted((data / FILES).glob("*.fits"))]
    if files:
        views = [views_of(package, file) for file in files]
        tables.append(_answers(package, files, views))
        tables.append(_gap(network, cells, files, views))
    limb = _limb(package, network, data)
    return (*tables, *([] if limb is None else [limb]))


def views_of(package: ModelPackage, file: Magnetogram) -> dict[str, Plane]:
    """Return planes (1, side, side) of a file and of 8-bit pictures of it.

    One picture is of the plane, with its number of pixels; one is clipped and of 8 bits at full
    size, before anything is averaged, as Helioviewer's are.
    """
    spec = package.frame
    plane = to_plane(to_frame(file, spec), spec)
    rounded = np.round((plane + 1) / 2 * _LEVELS) / _LEVELS * 2 - 1
    clip = spec.clip_gauss
    level = np.round((np.clip(file.field_gauss, -clip, clip) / clip + 1) / 2 * _LEVELS)
    full = ((level / _LEVELS * 2 - 1) * clip).astype(np.float32)
    return {
        "FITS": plane,
        f"8-bit picture of {spec.size_px} pixels": np.where(plane == 0, 0, rounded).astype(
            np.float32
        ),
        "8-bit picture clipped at full size": to_plane(
            to_frame(replace(file, field_gauss=full), spec), spec
        ),
    }


def _cost(package: ModelPackage, network: RateMap) -> Measured:
    """Count parameters, and time planes one by one on one thread."""
    plane = torch.zeros(1, 1, package.frame.size_px, package.frame.size_px)
    spent = []
    with threads(1), torch.inference_mode():
        for _ in range(_TIMED + 1):
            begun = time.process_time()
            network(plane)
            spent.append(time.process_time() - begun)
    return Measured(
        title="Size and cost",
        columns=("what", "number"),
        rows=(
            ("parameters of all members", sum(p.numel() for p in network.parameters())),
            ("bytes of weights", package.weights_path.stat().st_size),
            (COST_ROW, round(1000 * float(np.median(spent[1:])), 1)),
        ),
    )


def _answers(
    package: ModelPackage, files: list[Magnetogram], views: list[dict[str, Plane]]
) -> Measured:
    """Let the model answer for files and for pictures of them."""
    predictor = Predictor(package, device="cpu")
    rows: list[tuple[str | float, ...]] = []
    for file, planes in zip(files, views, strict=True):
        said = predictor.predict(np.stack(list(planes.values())))
        for column, spec in enumerate(package.events):
            p = (scores[column].probability for scores in said)
            rows.append((_day(file), f"`{spec.event}`", *p))
    return Measured(
        title="Probabilities of the same disk as a file and as pictures, without recent flares",
        columns=("observation", "event", *views[0]),
        rows=tuple(rows),
    )


def _gap(
    network: RateMap, cells: Cells, files: list[Magnetogram], views: list[dict[str, Plane]]
) -> Measured:
    """Compare means of features near disk centre with those of the file."""
    rows: list[tuple[str | float, ...]] = []
    for file, planes in zip(files, views, strict=True):
        with torch.inference_mode():
            stacked = torch.from_numpy(np.stack(list(planes.values())))
            seen = features(network.surface(stacked)).double().numpy()
        _, longitudes = cell_axes(network.config)
        near = np.abs(longitudes.numpy()) < _NEAR_DEG
        means = dict(zip(planes, seen[:, :, :, near].mean(axis=(2, 3)), strict=True))
        for name, shown in _near(cells, file):
            means[f"map, {name}"] = shown
        rows += [
            (_day(file), name, *(value / means["FITS"]).tolist()) for name, value in means.items()
        ]
    return Measured(
        title=f"Means of features within {_NEAR_DEG:g} degrees of the meridian, those of the file "
        "being 1",
        columns=("observation", "what", *_FEATURES),
        rows=tuple(rows),
    )


def _near(cells: Cells, file: Magnetogram) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield means of features of the map of that time, as each appearance has them."""
    moment = np.array([np.datetime64(file.t_obs.replace(tzinfo=None), "s")])
    at = cells.column(carrington_times(moment))[0]
    low, high = round(at - _NEAR_DEG / CELL_DEG), round(at + _NEAR_DEG / CELL_DEG)
    if low < 0 or not cells.observed[low:high].all() or high > len(cells.observed):
        return
    for name, shown in cells.named():
        yield name, shown[:, :, low:high].astype(np.float64).mean(axis=(1, 2))


def _limb(package: ModelPackage, network: RateMap, data: Path) -> Measured | None:
    """Compare places far from the meridian with those near it, over all real images."""
    paths = sorted((data / IMAGES).rglob("*.jpg"))
    longitudes = cell_axes(network.config)[1].numpy()
    rate, field, count = np.zeros(len(longitudes)), np.zeros(len(longitudes)), 0
    for _, plane in planes_of(paths, package.frame):
        with torch.inference_mode():
            tensor = torch.from_numpy(plane)[None]
            surface = network.surface(tensor)
            rate += network.rates(tensor)[0, :, M1].mean(dim=0).sum(dim=0).double().numpy()
            field += features(surface)[0, 0].mean(dim=0).double().numpy()
        count += 1
    if not count:
        return None
    from_meridian = np.abs(longitudes)
    rows: list[tuple[str | float, ...]] = []
    for name, values in (("rate of M1+ per degree", rate), ("unsigned field", field)):
        bands = [
            values[(from_meridian >= low) & (from_meridian < high)].mean()
            for low, high in _BANDS_DEG
        ]
        rows.append((name, *(float(band / bands[0]) for band in bands)))
    return Measured(
        title=f"{count} real images, by degrees from the meridian, those near it being 1",
        columns=("what", *(f"{low} to {high}" for low, high in _BANDS_DEG)),
        rows=tuple(rows),
    )


def _day(file: Magnetogram) -> str:
    return f"{file.t_obs:%Y-%m-%d}"
