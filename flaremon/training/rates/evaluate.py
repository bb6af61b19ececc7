"""A rate map against hours it has not seen, beside everything that is simpler."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from flaremon.domain import FlareEvent
from flaremon.errors import ModelError
from flaremon.network import RateMap
from flaremon.network.rates import RateMember, surroundings
from flaremon.network.surface import features
from flaremon.package import ModelPackage, build_network
from flaremon.training.baselines import persistence
from flaremon.training.dataset import REPORT
from flaremon.training.evaluation import (
    NETWORK,
    PERSISTENCE,
    TRAILING,
    Hours,
    climatology,
    verify,
)
from flaremon.training.labels import FlareList, Times, read_flares
from flaremon.training.outside import IMAGES, planes_of
from flaremon.training.rates.beside import Beside, beside
from flaremon.training.rates.config import RatesConfig
from flaremon.training.rates.disks import totals_of, window_sums
from flaremon.training.rates.domain import measured
from flaremon.training.rates.fitting import recent_sums
from flaremon.training.rates.kept import Kept, Said, read_kept
from flaremon.training.rates.simpler import (
    CNN,
    CNN_RECENT,
    FLUX,
    FLUX_RECENT,
    RECENT,
    Seen,
    Simpler,
)
from flaremon.training.rates.strip import SYNOPTIC, Cells, read_cells
from flaremon.training.report import Report, SplitSummary

_log = logging.getLogger(__name__)

INFORMED = "network with recent flares"
PAIRS = (
    (NETWORK, FLUX),
    (NETWORK, CNN),
    (INFORMED, NETWORK),
    (INFORMED, TRAILING),
    (INFORMED, RECENT),
    (INFORMED, FLUX_RECENT),
    (INFORMED, CNN_RECENT),
)
TSS_PAIRS = ((INFORMED, PERSISTENCE), (INFORMED, RECENT))
MAPS = "disks of maps"
CAUSAL = "disks of maps, east half a rotation old"


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
    cells, flares = read_cells(data / SYNOPTIC, cache), read_flares(data / "labels")
    judge = Judge(network, package, flares)
    judge.learn(cells, config)
    maps = judge.maps(cells, REPORT.times(config.cadence_h))
    causal = judge.maps(cells, REPORT.times(config.cadence_h), causal=True)
    sets = [(hours, list(package.events)) for hours in (maps, judge.active(maps), causal)]
    other = beside(config.beside)
    pictures = judge.pictures(data / IMAGES)
    if pictures is not None:
        added = pictures if other is None else other.added(pictures, data, judge.events)
        sets.append((added, list(package.events)))
    if other is not None:
        rendered = judge.rendered(other, data / SYNOPTIC, config.beside_cadence_h)
        sets.append(other.shared(rendered, package.events))
    verifications = []
    for hours, specs in sets:
        _log.info("verifying %s, %d hours", hours.name, len(hours.times))
        verifications += verify(hours, specs, flares, repeats=config.bootstrap)
    return Report(
        model=str(package.id),
        weights_sha256=package.weights_sha256,
        splits=_splits(config, judge.events, flares),
        verifications=tuple(verifications),
        measured=measured(package, network, cells, data),
    )


class Judge:
    """The network and the simpler forecasters, which are fitted to the years before."""

    def __init__(self, network: RateMap, package: ModelPackage, flares: FlareList) -> None:
        self.events = [spec.event for spec in package.events]
        self._network = network
        self._package = package
        self._flares = flares
        self._simpler = Simpler(network.config, self.events, flares)
        self._kept: Kept | None = read_kept(package.folder)

    def learn(self, cells: Cells, config: RatesConfig) -> None:
        """Fit the simpler forecasters to the hours that the network's last step is fitted to."""
        times = config.times(config.before)
        flux = self._flux_of(cells, times)
        seen = self._seen(times[np.isfinite(flux)], flux[np.isfinite(flux)])
        years = seen.times.astype("datetime64[Y]").astype(int) + 1970
        self._simpler.learn(seen, np.isin(years, config.thresholds))

    def maps(self, cells: Cells, times: Times, *, causal: bool = False) -> Hours:
        """Forecast the disks that windows of the maps are; `causal` as for `window_sums`."""
        half = self._network.config.longitude_deg
        shown = surroundings(torch.from_numpy(cells.shown[0].astype(np.float32))[None])[0]
        totals = np.stack(
            [
                totals_of(member, shown, cells, times, half, causal=causal)
                for member in self._network.members
                if isinstance(member, RateMember)
            ],
            axis=1,
        )
        flux = self._flux_of(cells, times, causal=causal)
        there = np.asarray(np.isfinite(totals).all(axis=(1, 2)))
        seen = self._seen(times[there], flux[there])
        if not causal:
            return self._hours(MAPS, totals[there], seen)
        # What the plain network said is kept for the other disks only.
        return self._hours(CAUSAL, totals[there], replace(seen, cnn=None))

    def active(self, hours: Hours) -> Hours:
        """Return those hours that had an M1+ flare in the 24 h before."""
        kept = persistence(self._flares, FlareEvent.parse("M1+/24h"), hours.times) > 0
        return replace(
            hours,
            name=f"{hours.name}, active hours (an M1+ flare in the last 24 h)",
            times=hours.times[kept],
            logits=hours.logits[kept],
            others={name: values[kept] for name, values in hours.others.items()},
        )

    def pictures(self, folder: Path) -> Hours | None:
        """Forecast real 8-bit images, through the path that serves; None where there are none.

        Images that the gates refuse are left out, as they would be in service.
        """
        paths = sorted(folder.rglob("*.jpg"))
        times, totals, flux = [], [], []
        for t_obs, plane in planes_of(paths, self._package.frame):
            total, unsigned = self._asked(plane)
            totals.append(total)
            flux.append(unsigned)
            times.append(np.datetime64(t_obs.replace(tzinfo=None), "s"))
        if not times:
            return None
        name = f"real 8-bit images ({len(times)} of {len(paths)} passed the gates)"
        seen = self._seen(np.array(times), np.array(flux), images=True)
        return replace(self._hours(name, np.stack(totals), seen), block="day", block_d=1.0)

    def rendered(self, other: Beside, maps: Path, cadence_h: int) -> Hours:
        """Forecast disks rendered as the other package was trained on them, beside it."""
        times, totals, flux, said = [], [], [], []
        every = REPORT.times(cadence_h)
        for time, mine, other_plane in other.frames(maps, every, self._package.frame):
            total, unsigned = self._asked(mine)
            times.append(time)
            totals.append(total)
            flux.append(unsigned)
            said.append(other.says(other_plane, self.events))
        seen = self._seen(np.array(times), np.array(flux))
        hours = self._hours(f"disks rendered as {other.name} was trained", np.stack(totals), seen)
        hours = replace(hours, others={INFORMED: hours.others[INFORMED]})
        return other.joined(hours, np.array(said), self.events)

    def _asked(self, plane: NDArray[np.float32]) -> tuple[NDArray[np.float64], float]:
        """Return the members' nested rates of a plane's disk, and its unsigned flux."""
        with torch.inference_mode():
            tensor = torch.from_numpy(plane)[None]
            totals = self._network.rates(tensor).sum(dim=(3, 4))[0].double().numpy()
            return totals, float(features(self._network.surface(tensor))[0, 0].sum())

    def _seen(self, times: Times, flux: NDArray[np.float64], *, images: bool = False) -> Seen:
        cnn = None
        if self._kept is not None:
            said: Said = self._kept.images if images else self._kept.maps
            cnn = said.at(times)
        return Seen(times=times, flux=flux, sums=recent_sums(self._flares, times), cnn=cnn)

    def _hours(self, name: str, totals: NDArray[np.float64], seen: Seen) -> Hours:
        alone = self._probabilities(totals, None)
        others = {INFORMED: self._probabilities(totals, seen.sums)}
        unknown = np.isnan(seen.sums[:, :1, 0])
        for other, said in self._simpler.say(seen).items():
            # Without recent flares those who need them fall back on what the network says.
            others[other] = np.where(unknown & np.isnan(said), alone, said)
        own = [spec.threshold_where(informed=True) for spec in self._package.events]
        return Hours(
            name=name,
            times=seen.times,
            logits=np.log(alone) - np.log1p(-alone),
            others=others,
            pairs=PAIRS,
            tss_pairs=TSS_PAIRS,
            thresholds={**self._simpler.thresholds, INFORMED: own},
        )

    def _probabilities(
        self, totals: NDArray[np.float64], sums: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        with torch.inference_mode():
            recent = None if sums is None else torch.from_numpy(sums).float()
            log_numbers = self._network.expected(torch.from_numpy(totals).float(), recent)
            return np.asarray((-torch.expm1(-log_numbers.double().exp())).mean(dim=1).numpy())

    def _flux_of(self, cells: Cells, times: Times, *, causal: bool = False) -> NDArray[np.float64]:
        """Return the sum of the unsigned field of disks of maps, in the units of the features."""
        per_column = cells.shown[0][:1].astype(np.float64).sum(axis=1)
        half = self._network.config.longitude_deg
        return window_sums(per_column, cells, times, half, causal=causal)[:, 0]


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
