"""A machine's own history on a small scale, made the way users make it.

A replica serves one record of 128 pixels a day, a backfill scores them and archives their frames,
and a flare list is stored that follows what is on the disks. Only the decoder differs from the
real one.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from flaremon.backfill import Model, make_grid
from flaremon.backfill.decoding import Assignment, Decoded
from flaremon.database import open_engine, session_scope, upgrade
from flaremon.domain import CatalogPeriod, Flare, FlareClass
from flaremon.frames import FrameArchive, to_tenths
from flaremon.inference import Predictor
from flaremon.inference.threads import threads
from flaremon.package import ModelPackage
from flaremon.preprocess import FrameSpec
from flaremon.replica import Replica
from flaremon.times import utc_now, utc_to_tai_label
from flaremon.training.stored.config import Stored
from support import backfills, small_suns, suns, truths
from support.disks import plane

SPEC = FrameSpec(size_px=128)
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
PLACES = ((-40.0, 15.0), (-10.0, -18.0), (20.0, 12.0), (50.0, -14.0))


@dataclass(frozen=True)
class History:
    """What there is, and where."""

    folder: Path
    url: str
    days: int
    regions: tuple[int, ...]
    """On the disk, by day."""

    def stored(self, models_dir: Path, **changes: Any) -> Stored:
        """Return it as a training takes it; the caller disposes of its engine."""
        made: dict[str, Any] = {
            "engine": open_engine(self.url),
            "frames": FrameArchive(self.folder / "frames", max_bytes=10**9),
            "models_dir": models_dir,
            "series": backfills.SERIES,
            "catalog": "swpc",
        }
        return Stored(**made | changes)


def decode(order: Assignment) -> Decoded:
    """Decode a record of 128 pixels: it is the frame."""
    found = small_suns.decode(order)
    if found.unreadable or found.record is None:
        return found
    with fits.open(order.path) as hdus:
        values = np.asarray(hdus[-1].data, np.float32)
    return Decoded(record=found.record, frames=(to_tenths(np.nan_to_num(values)),))


def make(folder: Path, package: ModelPackage, *, days: int = 136, seed: int = 0) -> History:
    """Serve, backfill and list `days` days from `FIRST` on."""
    rng = np.random.default_rng(seed)
    wave = 1.5 + 1.6 * np.sin(np.arange(days) / 5)
    regions = tuple(int(n) for n in np.clip(np.rint(wave), 0, len(PLACES)))
    for day, count in enumerate(regions):
        _write_record(folder / "jsoc", FIRST + day * DAY, count, rng)
    url = f"sqlite:///{folder / 'flaremon.db'}"
    upgrade(url)
    with truths.open_database(url) as engine, threads(1):
        with Replica(folder / "jsoc") as replica:
            work = backfills.backfill(
                engine,
                replica.base_url,
                folder,
                models=[Model(predictor=Predictor(package, device="cpu", batch_size=1))],
                decode=decode,
            )
            grid = make_grid(
                backfills.SERIES,
                FIRST - DAY / 2,
                FIRST + days * DAY,
                cadence_s=86400,
                now=utc_now(),
            )
            tally = work.work_off(work.plan(grid).chunks)
        assert tally.predicted == days, tally
        with session_scope(engine) as session:
            truths.list_flares(session, *_flares(regions, rng), _period(days))
    return History(folder=folder, url=url, days=days, regions=regions)


def _write_record(folder: Path, at: datetime, count: int, rng: np.random.Generator) -> None:
    folder.mkdir(exist_ok=True)
    label = utc_to_tai_label(at)[:11] + "00:00:00_TAI"
    values = 250 * plane(*PLACES[:count], side=SPEC.size_px)[0]
    values = (values + rng.normal(0, 3, values.shape) * (values != 0)).astype(np.float32)
    values[0, 0] = rng.uniform(1, 900)  # off the disk; no two records are alike
    hdu = fits.PrimaryHDU(suns.counts(values))
    hdu.header["BSCALE"], hdu.header["BZERO"], hdu.header["BLANK"] = 0.1, 0.0, suns.BLANK
    view = suns.View(t_rec=label, series=backfills.SERIES)
    hdu.header.update(suns.keywords(view, values))
    stamp = label.replace(".", "").replace(":", "")
    hdu.writeto(folder / f"{backfills.SERIES}.{stamp}.magnetogram.fits")


def _flares(regions: tuple[int, ...], rng: np.random.Generator) -> list[Flare]:
    found = []
    for day, count in enumerate(regions):
        for size, rate in (("C3.0", 0.5), ("M2.0", 0.35)):
            for _ in range(rng.poisson(rate * max(count - 1, 0))):
                start = FIRST + day * DAY + timedelta(minutes=int(rng.integers(5, 1430)))
                found.append(
                    truths.flare(0, size, start=start, peak=start + 9 * truths.MIN,
                                 end=start + 20 * truths.MIN,
                                 flare_class=FlareClass.parse(size))
                )  # fmt: skip
    return sorted(found, key=lambda flare: flare.start)


def _period(days: int) -> CatalogPeriod:
    hours = (FIRST - truths.T0) / truths.H
    return truths.period(hours - 24 * 60, hours + 24 * (days + 3))
