"""What ``model.toml`` says, read strictly."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from flaremon.domain import FlareEvent, ModelId
from flaremon.errors import InputError, ModelError
from flaremon.preprocess import FrameSpec

FORMAT = 1
"""Version of the layout of ``model.toml``."""
DESCRIPTION_FILE = "model.toml"
WEIGHTS_FILE = "weights.safetensors"
CARD_FILE = "MODEL_CARD.md"
INFORMED_THRESHOLD = "threshold_with_recent_flares"
"""Optional key of an event."""


class Output(StrEnum):
    """What the network's numbers are."""

    LOGIT = "logit"
    """Log odds of the event: the probability is 1 / (1 + exp(-logit))."""
    LOG_NUMBER = "log-number"
    """Log of the number of flares expected in the event's window, by each member of an ensemble:
    the probability is the mean of 1 - exp(-exp(log number)), and their deviation its spread."""


@dataclass(frozen=True, slots=True)
class EventSpec:
    """An event that a model answers."""

    event: FlareEvent
    threshold: float
    """Probability from which the answer is "flare"."""
    informed_threshold: float | None = None
    """The same where the network was told recent flares; None: it is the same."""

    def threshold_where(self, *, informed: bool) -> float:
        """Return the threshold of answers that know recent flares, or of those that do not."""
        if informed and self.informed_threshold is not None:
            return self.informed_threshold
        return self.threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """Where the weights come from."""

    start: date
    end: date
    """Last day of observations that the weights were fitted to."""
    data: str
    labels: str
    seed: int
    software: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPackage:
    """What ``model.toml`` says."""

    id: ModelId
    folder: Path
    series: str
    """Series that the network was trained on."""
    output: Output
    frame: FrameSpec
    events: tuple[EventSpec, ...]
    """In the order of the network's outputs."""
    network: Mapping[str, Any]
    """Arguments of `flaremon.network.NetworkConfig`."""
    weights_sha256: str
    training: Training

    @property
    def reads_activity(self) -> bool:
        """Whether the network takes recent flares, where they are known, beside the disk."""
        return self.output is Output.LOG_NUMBER

    @property
    def maps_rates(self) -> bool:
        """Whether the network maps flare rates, and so can say which regions an answer is from."""
        return self.output is Output.LOG_NUMBER

    @property
    def weights_path(self) -> Path:
        """File of the weights."""
        return self.folder / WEIGHTS_FILE


def load_package(folder: Path) -> ModelPackage:
    """Read and check ``model.toml``; the weights are not touched.

    Parameters
    ----------
    folder : Path
        ``<name>/<version>`` of a models folder.

    Raises
    ------
    ModelError
        If the file is missing or malformed; names the key.
    """
    path = folder / DESCRIPTION_FILE
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        raise ModelError(f"{folder} is no model package: it has no {DESCRIPTION_FILE}") from exc
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise ModelError(f"{path} cannot be read: {exc}") from exc
    try:
        return _parse(folder, table)
    except (ModelError, InputError) as exc:
        raise ModelError(f"{path}: {exc}") from exc


def _parse(folder: Path, table: dict[str, Any]) -> ModelPackage:
    _check_keys(table, _TOP, "")
    if table["format"] != FORMAT:
        raise ModelError(f"format is {table['format']}, this version of flaremon reads {FORMAT}")
    weights, training = table["weights"], table["training"]
    _check_keys(table["frame"], {f.name: float for f in fields(FrameSpec)}, "frame.")
    _check_keys(weights, {"sha256": str}, "weights.")
    _check_keys(training, _TRAINING, "training.")
    if not re.fullmatch(r"[0-9a-f]{64}", weights["sha256"]):
        raise ModelError("weights.sha256 is not 64 hexadecimal digits")
    if table["output"] not in set(Output):
        raise ModelError(f"output is {table['output']!r}, must be one of {', '.join(Output)}")
    return ModelPackage(
        id=ModelId.parse(f"{table['name']}@{table['version']}"),
        folder=folder,
        series=table["series"],
        output=Output(table["output"]),
        frame=FrameSpec(**table["frame"]),
        events=_parse_events(table["events"]),
        network={key: _frozen(value) for key, value in table["network"].items()},
        weights_sha256=weights["sha256"],
        training=Training(**training),
    )


def _parse_events(tables: list[Any]) -> tuple[EventSpec, ...]:
    if not tables or not all(isinstance(table, dict) for table in tables):
        raise ModelError("events must be one or more tables, [[events]]")
    specs = tuple(_parse_event(table) for table in tables)
    if len({spec.event for spec in specs}) < len(specs):
        raise ModelError("events names one event twice")
    return specs


def _parse_event(table: dict[str, Any]) -> EventSpec:
    keys: dict[str, type] = {"event": str, "threshold": float}
    if INFORMED_THRESHOLD in table:
        keys[INFORMED_THRESHOLD] = float
    _check_keys(table, keys, "events.")
    for key in [key for key in keys if key != "event"]:
        if not 0 < table[key] < 1:
            raise ModelError(f"events.{key} {table[key]} is not between 0 and 1")
    informed = table.get(INFORMED_THRESHOLD)
    return EventSpec(
        FlareEvent.parse(table["event"]),
        float(table["threshold"]),
        None if informed is None else float(informed),
    )


_TOP: Mapping[str, type] = {
    "format": int,
    "name": str,
    "version": str,
    "series": str,
    "output": str,
    "frame": dict,
    "events": list,
    "network": dict,
    "weights": dict,
    "training": dict,
}
_TRAINING: Mapping[str, type] = {
    "start": date,
    "end": date,
    "data": str,
    "labels": str,
    "seed": int,
    "software": str,
}


def _check_keys(table: Mapping[str, Any], kinds: Mapping[str, type], prefix: str) -> None:
    """Demand exactly these keys, of these kinds; an integer is good enough for a float."""
    missing = [prefix + key for key in kinds if key not in table]
    unknown = [prefix + key for key in table if key not in kinds]
    if missing or unknown:
        raise ModelError(
            "; ".join(
                f"{what} {', '.join(keys)}"
                for what, keys in (("missing", missing), ("unknown", unknown))
                if keys
            )
        )
    for key, kind in kinds.items():
        wanted = (int, float) if kind is float else (kind,)
        if not isinstance(table[key], wanted) or isinstance(table[key], bool):
            raise ModelError(f"{prefix}{key} must be {kind.__name__}, is {table[key]!r}")


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
