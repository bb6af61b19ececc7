"""What the plain network for comparison said of disks, kept with a package.

Its weights are not: it never answers anybody. With its rates everything after them (last step,
thresholds, figures, intervals) is computed anew by every evaluation.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file

from flaremon.errors import ModelError
from flaremon.network import RateMap
from flaremon.network.rates import N_CLASSES
from flaremon.training.dataset import REPORT
from flaremon.training.labels import Times
from flaremon.training.packaging import encode_weights
from flaremon.training.rates.comparison import Views, rates_of, rates_on
from flaremon.training.rates.config import RatesConfig
from flaremon.training.rates.disks import out_of_fold
from flaremon.training.rates.resnet import DiskResNet

COMPARISON_FILE = "comparison.safetensors"
"""In the package's folder, where there is one."""
_MAPS, _IMAGES, _PARAMETERS = "maps", "images", "parameters"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Nested rates (N, classes) per day at some times."""

    times: Times
    rates: NDArray[np.float64]

    def at(self, times: Times) -> NDArray[np.float64]:
        """Return the rates at these times (N, classes); NaN where nothing was said."""
        place = {time: row for row, time in enumerate(self.times)}
        rows = np.array([place.get(time, len(self.times)) for time in times], dtype=np.int64)
        nothing = np.full((1, self.rates.shape[1]), np.nan)
        return np.concatenate([self.rates, nothing])[rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """All that is kept."""

    maps: Said
    """Disks of maps: of years before the report each network about those it had not seen."""
    images: Said
    parameters: int
    """Of one network."""


def ask(
    networks: Sequence[DiskResNet],
    config: RatesConfig,
    views: Views,
    network: RateMap,
    images: Iterable[tuple[datetime, NDArray[np.float32]]],
) -> Kept:
    """Ask the plain networks about all disks that are ever looked at.

    Parameters
    ----------
    networks, config, views
        From `fit_comparison`, and what it had.
    network : RateMap
        Deprojects planes.
    images : iterable of datetime and ndarray, shape (1, side, side)
        Planes of real images.
    """
    times = np.concatenate([config.times(config.before), REPORT.times(config.cadence_h)])
    years = times.astype("datetime64[Y]").astype(int) + 1970
    each = []
    folds = config.folds[: len(networks)]
    for network_without, fold in zip(networks, folds, strict=True):
        # Not about the years it was fitted to: nobody looks at that.
        asked = np.isin(years, fold) | ~np.isin(years, config.fitted)
        said = np.full((len(times), N_CLASSES), np.nan)
        said[asked] = rates_of(network_without, views, times[asked])
        each.append(said)
    disks = out_of_fold(each, folds, times)
    taken, rates = [], [np.empty((0, N_CLASSES))]
    for t_obs, plane in images:
        with torch.inference_mode():
            rates.append(rates_on(networks, network.surface(torch.from_numpy(plane)[None])))
        taken.append(np.datetime64(t_obs.replace(tzinfo=None), "s"))
    return Kept(
        maps=Said(times=disks.times, rates=disks.totals),
        images=Said(times=np.array(taken, "datetime64[s]"), rates=np.concatenate(rates)),
        parameters=sum(p.numel() for p in networks[0].parameters()),
    )


def write_kept(kept: Kept, folder: Path) -> None:
    """Write to a package's folder: logs of rates in half precision, 0.1 percent."""
    tensors = {_PARAMETERS: torch.tensor([kept.parameters])}
    for name, said in ((_MAPS, kept.maps), (_IMAGES, kept.images)):
        seconds = said.times.astype("datetime64[s]").astype(np.int64)
        tensors[f"{name}.time_s"] = torch.from_numpy(seconds)
        logs = np.log(said.rates).astype(np.float16)
        tensors[f"{name}.log_rates"] = torch.from_numpy(np.ascontiguousarray(logs))
    (folder / COMPARISON_FILE).write_bytes(encode_weights(tensors))


def read_kept(folder: Path) -> Kept | None:
    """Read what is kept in a package's folder; None where nothing is.

    Raises
    ------
    ModelError
        If the file is not one that `write_kept` wrote.
    """
    path = folder / COMPARISON_FILE
    if not path.exists():
        return None
    try:
        tensors = load_file(path)
        maps, images = (
            Said(
                times=tensors[f"{name}.time_s"].numpy().astype("datetime64[s]"),
                rates=np.exp(tensors[f"{name}.log_rates"].double().numpy()),
            )
            for name in (_MAPS, _IMAGES)
        )
        return Kept(maps=maps, images=images, parameters=int(tensors[_PARAMETERS]))
    except (OSError, SafetensorError, ValueError, KeyError) as exc:
        raise ModelError(f"{path} cannot be read: {exc}; remove it or train anew") from exc
