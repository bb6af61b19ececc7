"""Synthetic forecasts and flare lists for verification."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from flaremon import store, truth
from flaremon.cli import main
from flaremon.database import session_scope, upgrade
from flaremon.domain import (
    ClassScale,
    EventOutcome,
    FlareEvent,
    ForecasterKind,
    ModelId,
    OutcomeState,
)
from flaremon.goes import read_coverage_csv, read_flare_csv
from flaremon.verify import Forecast, read_flares
from flaremon.verify.evidence import Evidence, from_store
from flaremon.verify.labels import FlareList, Times
from flaremon.verify.stored import instants
from support import rows, truths
from support.maps import write_flares
from support.truths import NOTE, T0, H

M_DAY = FlareEvent.parse("M1+/24h")
DAY = np.timedelta64(1, "D")
CATALOG = "swpc"
MODEL = rows.MODEL
Result = TypeVar("Result")


def flare_list(folder: Path, *, seed: int = 0, days: int = 365, note: str = "") -> FlareList:
    """Read a list of 2023 whose activity comes and goes; M flares on a quarter of the days."""
    return read_flares(flare_file(folder, seed=seed, days=days, note=note))


def flare_file(folder: Path, *, seed: int = 0, days: int = 365, note: str = "") -> Path:
    """Write that list; coverage is of the whole year, however early the list ends."""
    rng = np.random.default_rng(seed)
    first = np.datetime64("2023-01-01T00:00:00", "s")
    rows = []
    for day in range(days):
        busy = np.sin(day / 9) > 0.2
        for _ in range(rng.poisson(0.7 if busy else 0.05)):
            start = first + day * DAY + np.timedelta64(int(rng.integers(86400)), "s")
            end = start + np.timedelta64(1200, "s")
            rows.append((f"{start}Z", f"{end}Z", "M2.0"))
        noon = first + day * DAY + DAY // 2
        rows.append((f"{noon}Z", f"{noon + DAY // 100}Z", "B5.0"))
    write_flares(folder, rows, coverage=[("2023-01-01", "2023-12-31", "C1+", note)])
    return folder / "flares.csv"


def forecast(
    name: str = "ours", *, seed: int = 0, start: str = "2023-03-01", end: str = "2023-11-01"
) -> Forecast:
    """Make hourly probabilities with some skill."""
    times = np.arange(start, end, 3600, dtype="datetime64[s]")
    days = (times - np.datetime64("2023-01-01", "s")) / DAY
    rng = np.random.default_rng(seed)
    logit = 2 * np.sin(days / 9) - 1 + rng.normal(0, 1, len(times))
    return Forecast(name=name, event=M_DAY, times=times, probabilities=1 / (1 + np.exp(-logit)))


def write_forecast(path: Path, item: Forecast) -> Path:
    """Write it as others do."""
    lines = ["time_utc,probability"]
    lines += [f"{t}Z,{p:.6f}" for t, p in zip(item.times, item.probabilities, strict=True)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def at(times: Sequence[datetime]) -> Forecast:
    """Make a forecast at given times."""
    return Forecast(
        name="ours", event=M_DAY, times=np.sort(instants(times)),
        probabilities=np.full(len(times), 0.5),
    )  # fmt: skip


def with_thresholds(item: Forecast, thresholds: np.ndarray) -> Forecast:
    """Give every probability a threshold of its own."""
    return replace(item, threshold=None, thresholds=thresholds)


@dataclass(frozen=True)
class Stored:
    """A database that tests write into by hours after `T0`."""

    engine: Engine
    url: str

    def read(self, ask: Callable[[Session], Result]) -> Result:
        """Ask something within a session."""
        with session_scope(self.engine) as session:
            return ask(session)

    def flare(
        self,
        hour: float,
        size: str | None,
        *,
        scale: str = ClassScale.TRUE_FLUX,
        seen: float = 240,
        **changes: Any,
    ) -> None:
        """Let the list report a flare."""
        made = truths.flare(hour, size, **{"location": ""} | changes, class_scale=ClassScale(scale))
        with session_scope(self.engine) as session:
            store.add_flares(session, [made], catalog=CATALOG, **NOTE | {"seen_at": T0 + seen * H})

    def period(self, first: float, last: float) -> None:
        """Let the list answer for a period."""
        with session_scope(self.engine) as session:
            store.add_periods(session, [truths.period(first, last)], **NOTE)

    def gap(self, first: float, last: float) -> None:
        """Let the list have a gap."""
        with session_scope(self.engine) as session:
            store.add_periods(session, [truths.gap(first, last)], **NOTE)

    def say(
        self,
        hour: float,
        probability: float,
        *,
        event: FlareEvent = M_DAY,
        series: str = "hmi.M_720s_nrt",
        raw: float | None = None,
        **changes: Any,
    ) -> None:
        """Let the model `MODEL` predict."""
        record = rows.record(T0 + hour * H, series=series)
        made = rows.prediction(
            record, event, probability=probability, raw_probability=raw, **changes
        )
        with session_scope(self.engine) as session:
            store.register_model(
                session, model=MODEL, weights_sha256="0" * 64, events=rows.EVENTS, now=T0
            )
            store.add_records(
                session, [record], source="jsoc", base_url="x", run_id="x", listed_at=T0
            )
            store.add_outcomes(session, [made])

    def tell(
        self, who: str, kind: ForecasterKind, said: Mapping[float, float], *, issued: float = 0
    ) -> None:
        """Let a forecaster speak: probabilities by hour of the window's start."""
        forecaster = ModelId.parse(who)
        made = [
            truths.forecast(
                T0 + hour * H, M_DAY, forecaster=forecaster, probability=probability,
                issued_at=T0 + issued * H,
            )
            for hour, probability in said.items()
        ]  # fmt: skip
        with session_scope(self.engine) as session:
            store.register_forecaster(
                session, forecaster=forecaster, kind=kind, description="test", now=T0
            )
            store.add_forecasts(session, made, run_id="test")

    def outcome(self, hour: float, *, flare: bool | None, decided: float = 30) -> None:
        """Store what became of a window."""
        made = EventOutcome(
            event=M_DAY,
            window=M_DAY.window(T0 + hour * H),
            state=OutcomeState.UNKNOWN if flare is None else OutcomeState.SCORED,
            flare=flare,
            catalog=CATALOG,
            catalog_as_of=T0 + decided * H,
            decided_at=T0 + decided * H,
        )
        with session_scope(self.engine) as session:
            store.add_event_outcomes(session, [made], run_id="test")

    def decide(self) -> None:
        """Decide all that is over."""
        with session_scope(self.engine) as session:
            now = datetime(2027, 1, 1, tzinfo=UTC)
            truth.decide(session, now=now, catalog=CATALOG, lag=24 * H, run_id="test")

    def bring(self, forecasts: Path, flares: Path, *, name: str) -> None:
        """Import a file of forecasts and a flare list, and decide."""
        read = read_flare_csv(flares, default_source="test")
        last = max(flare.start for flare in read.flares)
        covered = read_coverage_csv(
            flares.with_name("coverage.csv"), catalog=CATALOG, last_start=last
        )
        with session_scope(self.engine) as session:
            store.add_flares(session, read.flares, catalog=CATALOG, **NOTE)
            store.add_periods(session, covered, **NOTE)
            truth.import_forecasts(
                session, forecasts, forecaster=ModelId.parse(name), event=M_DAY, now=T0,
                run_id="test",
            )  # fmt: skip
        self.decide()

    def command(
        self,
        capsys: pytest.CaptureFixture[str],
        *arguments: str,
        code: int = 0,
        catalog: bool = True,
    ) -> str:
        """Run ``flaremon verify``; return what it prints, or says on stderr when it fails."""
        given = ["--catalog", CATALOG] if catalog else []
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FLAREMON_DATABASE_URL", self.url)
            done = run_main("verify", *arguments, *given)
        out, err = capsys.readouterr()
        assert done == code, err
        return err if code else out


def run_main(*arguments: str) -> int:
    """Run the command line in this process."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


@contextmanager
def opened(url: str) -> Iterator[Stored]:
    """Open a database for a while; an empty one gets its tables."""
    upgrade(url)
    with truths.open_database(url) as engine:
        yield Stored(engine, url)


@dataclass(frozen=True)
class Year:
    """A year of flares and forecasts, in files and in a database."""

    world: Stored
    list_file: Path
    forecast: Forecast
    evidence: Evidence

    @property
    def flares(self) -> FlareList:
        """The list, from its file."""
        return read_flares(self.list_file)

    def command(self, *arguments: Any, **options: Any) -> str:
        """Run ``flaremon verify``."""
        return self.world.command(*arguments, **options)


def a_year(world: Stored, folder: Path) -> Year:
    """Write a year of flares and forecasts, and bring them into a database."""
    list_file = flare_file(folder / "labels")
    path = write_forecast(folder / "ours.csv", forecast())
    world.bring(path, list_file, name="ours@1.0.0")
    rounded = replace(forecast(), probabilities=forecast().probabilities.round(6))
    evidence = world.read(lambda session: from_store(session, event=M_DAY, catalog=CATALOG))
    return Year(world, list_file, rounded, evidence)


def cut(path: Path, folder: Path, first: int) -> Path:
    """Copy a CSV file into a folder, with rows from the year `first` up to 2014 only."""
    head, *lines = path.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if f"{first}" <= line[:4] <= "2014"]
    folder.mkdir()
    copy = folder / path.name
    copy.write_text("\n".join([head, *kept]) + "\n", encoding="utf-8")
    return copy


def judged(year: Year, item: Forecast) -> Times:
    """Return the times of a forecast that can be judged."""
    from flaremon.verify.verification import judged_hours  # noqa: PLC0415

    return judged_hours([item], year.flares, "day")[0].times
