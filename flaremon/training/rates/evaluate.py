"""A rate map against hours it has not seen, beside everything that is simpler."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from flaremon.domain import FlareEvent
from flaremon.errors import ModelError
from flaremon.network import RateMap
from flaremon.network.rates import M1, RateMember, surroundings
from flaremon.network.surface import features
from flaremon.package import ModelPackage, build_network
from flaremon.training.dataset import REPORT
from flaremon.training.evaluation import NETWORK, TRAILING, Hours, climatology, verify
from flaremon.training.labels import FlareList, Times, read_flares
from flaremon.training.outside import IMAGES, planes_of
from flaremon.training.rates.config import RatesConfig
from flaremon.training.rates.disks import totals_of, window_sums
from flaremon.training.rates.fitting import fit_inputs, numbers, recent_counts
from flaremon.training.rates.strip import Cells, read_cells
from flaremon.training.report import Report, SplitSummary

_log = logging.getLogger(__name__)

INFORMED = "network with recent flares"
RECENT, FLUX, FLUX_RECENT = "recent flares alone", "unsigned flux", "unsigned flux, recent flares"
PAIRS = (
    (NETWORK, FLUX),
    (INFORMED, NETWORK),
    (INFORMED, TRAILING),
    (INFORMED, RECENT),
    (INFORMED, FLUX_RECENT),
)
MAPS = "disks of maps"


def evaluate_rates(
    package: ModelPackage,
    data: Path,
    *,
    cache: Path,
    config: RatesConfig,
) -> Report:
    """Judge a package on the years kept for reporting and on real images.

    Parameters
    ----------
    package : ModelPackage
        Of a rate map.
    data, cache
        As for `flaremon.training.rates.recipe.train_rates`.
    config : RatesConfig
        For the years that the simpler forecasters are fitted to, and the bootstrap.

    Raises
    ------
    InputError
        If the data are missing.
    ModelError
        If the weights do not load, or are not those of a rate map.
    """
    network = build_network(package)
    if not isinstance(network, RateMap):
        raise ModelError(f"{package.id} is not a rate map")
    cells, flares = read_cells(data / "synoptic", cache), read_flares(data / "labels")
    events = [spec.event for spec in package.events]
    judge = _Judge(network, events, flares)
    judge.learn(cells, config)
    maps = judge.maps(cells, REPORT.times(config.cadence_h))
    sets = [maps, judge.active(maps)]
    pictures = judge.pictures(package, data / IMAGES)
    if pictures is not None:
        sets.append(pictures)
    verifications = []
    for hours in sets:
        _log.info("verifying %s, %d hours", hours.name, len(hours.times))
        verifications += verify(hours, package.events, flares, repeats=config.bootstrap)
    return Report(
        model=str(package.id),
        weights_sha256=package.weights_sha256,
        splits=_splits(config, events, flares),
        verifications=tuple(verifications),
    )


class _Judge:
    """The network and the simpler forecasters, which are fitted to the years before."""

    def __init__(self, network: RateMap, events: Sequence[FlareEvent], flares: FlareList) -> None:
        self._network = network
        self._events = events
        self._flares = flares
        self._simple: dict[str, list[NDArray[np.float64]]] = {}

    def learn(self, cells: Cells, config: RatesConfig) -> None:
        """Fit the simpler forecasters to the hours that the network's last step is fitted to."""
        times = config.times(config.before)
        flux = self._flux_of(cells, times)
        there = np.isfinite(flux)
        inputs = self._inputs(flux[there], recent_counts(self._flares, times[there]))
        self._simple = {
            name: [fit_inputs(x, event, times[there], self._flares) for event in self._events]
            for name, x in inputs.items()
        }

    def maps(self, cells: Cells, times: Times) -> Hours:
        """Forecast the disks that windows of the maps are."""
        half = self._network.config.longitude_deg
        shown = surroundings(torch.from_numpy(cells.shown[0].astype(np.float32))[None])[0]
        totals = np.stack(
            [
                totals_of(member, shown, cells, times, half)
                for member in self._network.members
                if isinstance(member, RateMember)
            ],
            axis=1,
        )
        flux = self._flux_of(cells, times)
        there = np.asarray(np.isfinite(totals).all(axis=(1, 2)))
        return self._hours(MAPS, times[there], totals[there], flux[there])

    def active(self, hours: Hours) -> Hours:
        """Return those hours that had an M1+ flare in the 24 h before."""
        kept = recent_counts(self._flares, hours.times)[:, M1] > 0
        return replace(
            hours,
            name=f"{hours.name}, active hours (an M1+ flare in the last 24 h)",
            times=hours.times[kept],
            logits=hours.logits[kept],
            others={name: values[kept] for name, values in hours.others.items()},
        )

    def pictures(self, package: ModelPackage, folder: Path) -> Hours | None:
        """Forecast real 8-bit images, through the path that serves; None where there are none.

        Images that the gates refuse are left out, as they would be in service.
        """
        paths = sorted(folder.rglob("*.jpg"))
        times, totals, flux = [], [], []
        for t_obs, plane in planes_of(paths, package.frame):
            with torch.inference_mode():
                tensor = torch.from_numpy(plane)[None]
                totals.append(self._network.rates(tensor).sum(dim=(3, 4))[0].double().numpy())
                unsigned = features(self._network.surface(tensor))[0, 0].sum()
            flux.append(float(unsigned))
            times.append(np.datetime64(t_obs.replace(tzinfo=None), "s"))
        if not times:
            return None
        name = f"real 8-bit images ({len(times)} of {len(paths)} passed the gates)"
        return self._hours(name, np.array(times), np.stack(totals), np.array(flux), block_d=1.0)

    def _hours(
        self, name: str, times: Times, totals: NDArray[np.float64], flux: NDArray[np.float64],
        *, block_d: float | None = None,
    ) -> Hours:  # fmt: skip
        counts = recent_counts(self._flares, times)
        alone = self._probabilities(totals, None)
        others = {INFORMED: self._probabilities(totals, counts)}
        for other, x in self._inputs(flux, counts).items():
            each = [-np.expm1(-np.exp(numbers(w, x))) for w in self._simple[other]]
            # Without recent flares those who need them fall back on what the network says.
            others[other] = np.where(
                np.isfinite(x).all(axis=1, keepdims=True), np.stack(each, axis=1), alone
            )
        logits = np.log(alone) - np.log1p(-alone)
        hours = Hours(name=name, times=times, logits=logits, others=others, pairs=PAIRS)
        return hours if block_d is None else replace(hours, block="day", block_d=block_d)

    def _probabilities(
        self, totals: NDArray[np.float64], counts: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        with torch.inference_mode():
            recent = None if counts is None else torch.from_numpy(counts).float()
            log_numbers = self._network.expected(torch.from_numpy(totals).float(), recent)
            return np.asarray((-torch.expm1(-log_numbers.double().exp())).mean(dim=1).numpy())

    def _flux_of(self, cells: Cells, times: Times) -> NDArray[np.float64]:
        """Return the sum of the unsigned field of disks of maps, in the units of the features."""
        per_column = cells.shown[0][:1].astype(np.float64).sum(axis=1)
        return window_sums(per_column, cells, times, self._network.config.longitude_deg)[:, 0]

    @staticmethod
    def _inputs(
        flux: NDArray[np.float64], counts: NDArray[np.float64]
    ) -> Mapping[str, NDArray[np.float64]]:
        log_flux, recent = np.log(flux)[:, None], np.log1p(counts)
        return {
            RECENT: recent,
            FLUX: log_flux,
            FLUX_RECENT: np.concatenate([log_flux, recent], axis=1),
        }


def _splits(
    config: RatesConfig, events: Sequence[FlareEvent], flares: FlareList
) -> tuple[SplitSummary, ...]:
    spans = (
        ("train", config.times(config.fitted)),
        ("choose", config.times(config.choose)),
        ("report", REPORT.times(config.cadence_h)),
    )
    return tuple(
        SplitSummary(
            name=name,
            start=str(_day(times[0])),
            end=str(_day(times[-1])),
            base_rates={str(event): climatology(flares, event, times) for event in events},
        )
        for name, times in spans
    )


def _day(time: np.datetime64) -> date:
    return date.fromisoformat(str(time.astype("datetime64[D]")))
