"""From maps, lists and a configuration to a package with its card."""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from flaremon import __version__
from flaremon.disk import write_atomically
from flaremon.domain import FlareEvent, ModelId
from flaremon.errors import InputError
from flaremon.network import RateConfig, RateMap
from flaremon.network.rates import RateMember
from flaremon.package import CARD_FILE, EventSpec, ModelPackage, Output, Training
from flaremon.preprocess import FrameSpec
from flaremon.training.checkpoint import Checkpoint
from flaremon.training.dataset import REPORT, SEPARATION
from flaremon.training.labels import FlareList, read_flares
from flaremon.training.outside import IMAGES, planes_of
from flaremon.training.packaging import drafted, encode_weights, refuse_existing, sha256_hex
from flaremon.training.rates.card import render_card
from flaremon.training.rates.comparison import fit_comparison, views_of
from flaremon.training.rates.config import EVENTS, RatesConfig, last_moment
from flaremon.training.rates.curves import draw_curves
from flaremon.training.rates.disks import Disks, out_of_fold, totals_of
from flaremon.training.rates.evaluate import evaluate_rates
from flaremon.training.rates.fitting import fit_events, recent_sums, thresholds
from flaremon.training.rates.kept import ask, write_kept
from flaremon.training.rates.located import read_located
from flaremon.training.rates.members import Epoch, Strip, fit_member, prepare
from flaremon.training.rates.strip import SYNOPTIC, Cells, read_cells
from flaremon.training.report import REPORT_FILE, Report

_log = logging.getLogger(__name__)

CURVES_FILE = "curves.png"
LABELS = "labels"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What a training found."""

    network: RateMap
    curves: tuple[tuple[Epoch, ...], ...]
    thresholds: tuple[float, ...]
    """Without recent flares."""
    informed_thresholds: tuple[float, ...]


def train_rates(config: RatesConfig, data: Path, out: Path, cache: Path) -> Path:
    """Train, evaluate and write a package; return the path of its card.

    Parameters
    ----------
    config : RatesConfig
        What decides weights and figures, but for the data.
    data : Path
        Has ``synoptic/`` (Carrington maps), ``labels/`` (flare list, coverage, region summaries)
        and, for the check on another domain, perhaps ``hmi_jpg/``.
    out : Path
        ``<models>/<name>/<version>``; must not exist.
    cache : Path
        Features and finished members are kept here; a training that was cut off goes on from
        the members that it finds.

    Raises
    ------
    InputError
        If the data are missing, a year is too near those to report on, or `out` names no model.
    ModelError
        If `out` exists.
    """
    refuse_existing(out)
    model = ModelId.parse(f"{out.parent.name}@{out.name}")
    refuse_leak(config)
    cells = read_cells(data / SYNOPTIC, cache)
    fitted = fit_all(config, cells, data / LABELS, cache)
    weights = encode_weights(fitted.network.state_dict())
    package = ModelPackage(
        id=model,
        folder=out,
        series="hmi.Synoptic_Mr_small",
        output=Output.LOG_NUMBER,
        frame=FrameSpec(),
        events=tuple(
            EventSpec(FlareEvent.parse(event), *cuts)
            for event, *cuts in zip(
                EVENTS, fitted.thresholds, fitted.informed_thresholds, strict=True
            )
        ),
        network=asdict(fitted.network.config),
        weights_sha256=sha256_hex(weights),
        training=Training(
            start=date(min(config.fitted), 5, 1),
            end=_day(last_moment(max(config.before))),
            data="Carrington maps near the central meridian, as pictures show them",
            labels="GOES flare lists by start time, classes on the scale of true flux, places "
            "from NOAA region summaries",
            seed=config.seed,
            software=f"flaremon {__version__}",
        ),
    )
    with drafted(package, weights) as draft:
        draw_curves(fitted.curves, config.folds, draft.folder / CURVES_FILE)
        if config.comparison is not None:
            views = views_of(data / SYNOPTIC, cells, fitted.network.config.longitude_deg)
            flares = read_flares(data / LABELS)
            networks = fit_comparison(config, config.comparison, views, flares, cache)
            images = planes_of(sorted((data / IMAGES).rglob("*.jpg")), draft.frame)
            write_kept(ask(networks, config, views, fitted.network, images), draft.folder)
        text = evaluate_rates(draft, data, cache=cache, config=config).to_json()
        # The card is made from what is kept, so that both round alike.
        card = render_card(draft, Report.from_json(text))
        (draft.folder / REPORT_FILE).write_text(text, encoding="utf-8")
        (draft.folder / CARD_FILE).write_text(card, encoding="utf-8")
    return out / CARD_FILE


def refuse_leak(config: RatesConfig) -> None:
    """Refuse years whose end is not well before the years kept for reporting.

    Raises
    ------
    InputError
        Naming the year.
    """
    last = max(config.before)
    if last_moment(last) + SEPARATION > REPORT.start:
        raise InputError(f"the year {last} is too near the reported ones, which begin 2022-01-01")


def fit_all(config: RatesConfig, cells: Cells, labels: Path, cache: Path) -> Fitted:
    """Fit members, what follows them, and thresholds; nothing here sees the reported years."""
    located = read_located(labels)
    strip = prepare(cells, located, config.fitted, config.member.from_meridian_deg)
    members, curves = _members(config, strip, cache / f"members-{_key(config, cells, labels)}")
    network = RateMap(RateConfig(hidden=config.member.hidden, members=len(members)))
    for place, member in zip(network.members, members, strict=True):
        place.load_state_dict(member.state_dict())
    disks = disks_of(config, members, strip, cells, network.config.longitude_deg)
    flares = read_flares(labels)
    events = [FlareEvent.parse(event) for event in EVENTS]
    plain, informed = fit_events(disks, events, network.config, flares)
    network.plain.copy_(torch.from_numpy(plain))
    network.informed.copy_(torch.from_numpy(informed))
    alone, told = _cuts(network, disks, flares, config.thresholds)
    return Fitted(
        network=network.eval(),
        curves=tuple(tuple(curve) for curve in curves),
        thresholds=alone,
        informed_thresholds=told,
    )


def disks_of(
    config: RatesConfig,
    members: Sequence[RateMember],
    strip: Strip,
    cells: Cells,
    half_deg: float,
) -> Disks:
    """Return the out-of-fold rates of the disks of all years before the reported ones."""
    times = config.times(config.before)
    per_member = [totals_of(m, strip.shown[0], cells, times, half_deg) for m in members]
    return out_of_fold(per_member, config.folds, times)


def _cuts(
    network: RateMap, disks: Disks, flares: FlareList, years: Sequence[int]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return thresholds without and with recent flares, of greatest TSS in left-out hours."""
    active = np.isin(disks.years, years)
    times, events = disks.times[active], [FlareEvent.parse(event) for event in EVENTS]
    # Each hour as the one member says that had not seen it.
    totals = torch.from_numpy(disks.totals[active]).float()[:, None]
    sums = recent_sums(flares, times)
    with torch.inference_mode():
        alone = -torch.expm1(-network.expected(totals)[:, 0].double().exp())
        told = network.expected(totals, torch.from_numpy(sums).float())[:, 0].double()
    informed = -np.expm1(-np.exp(told.numpy()))
    informed[np.isnan(sums).any(axis=(1, 2))] = np.nan
    return (
        thresholds(alone.numpy(), events, times, flares),
        thresholds(informed, events, times, flares),
    )


def _members(
    config: RatesConfig, strip: Strip, kept: Path
) -> tuple[list[RateMember], list[list[Epoch]]]:
    """Fit the members that are not among those kept from before."""
    kept.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(config.member.threads)
    members, curves = [], []
    for number, fold in enumerate(config.folds):
        weights, lines = kept / f"{number}.safetensors", kept / f"{number}.json"
        if lines.exists():
            member = RateMember(config.member.hidden)
            member.load_state_dict(load_file(weights))
            curve = [Epoch(**line) for line in json.loads(lines.read_text(encoding="utf-8"))]
        else:
            under_way = Checkpoint(
                path=kept / f"{number}.checkpoint.safetensors", key=f"{kept.name}-{number}"
            )
            member, curve = fit_member(
                strip,
                fold,
                config.fitted,
                config.member,
                seed=config.seed + number,
                checkpoint=under_way,
            )
            save_file(member.state_dict(), weights)
            told = json.dumps([asdict(epoch) for epoch in curve])
            write_atomically(lines, told.encode())  # only now the member counts as finished
            under_way.path.unlink(missing_ok=True)
        members.append(member.eval())
        curves.append(curve)
    return members, curves


def _key(config: RatesConfig, cells: Cells, labels: Path) -> str:
    """Hash of what decides the members."""
    how = {
        "folds": config.folds,
        "seed": config.seed,
        "member": asdict(config.member),
        "scales of": "fitted columns",
    }
    digest = hashlib.sha256(json.dumps(how, sort_keys=True).encode())
    for one in cells.shown:
        digest.update(one.tobytes())
    for path in sorted(labels.glob("*.csv")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _day(time: np.datetime64) -> date:
    return date.fromisoformat(str(time.astype("datetime64[D]")))
