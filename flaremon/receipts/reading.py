"""A receipt from a file, checked, and the record in it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flaremon.domain import (
    Calibration,
    FlareEvent,
    Geometry,
    ModelId,
    RecentActivity,
    Record,
    RecordKey,
)
from flaremon.errors import InputError
from flaremon.receipts.receipt import FORMAT, sha256_of

MAX_BYTES = 4_000_000
"""A receipt has some 10 kB per answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedAnswer:
    """What a receipt says of one answer, as far as it can be computed again."""

    event: FlareEvent
    model: ModelId
    recnum: int
    file_sha256: str | None
    file_url: str | None
    weights_sha256: str
    frame: Mapping[str, Any] | None
    device: str
    score: float
    raw_probability: float
    probability: float
    threshold: float
    flare: bool
    calibrator: Mapping[str, Any] | None
    activity: str | None
    recent: RecentActivity | None
    """Flares before the observation, where network or calibrator were given them."""
    regions: tuple[tuple[float, float, float], ...] | None = None
    """Share, x and y of the regions that were kept; None where none were."""


def read_receipt(path: Path) -> dict[str, Any]:
    """Read a receipt that ``flaremon explain --json`` wrote.

    Raises
    ------
    InputError
        The file cannot be read, is no receipt, is of another format, or was altered since.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path} is larger than any receipt")
        receipt = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise InputError(f"{path} cannot be read as a receipt: {exc}") from exc
    if not isinstance(receipt, dict) or receipt.get("receipt") != "flaremon":
        raise InputError(f"{path} is no receipt; `flaremon explain KEY --json` writes one")
    if receipt.get("format") != FORMAT:
        raise InputError(
            f"{path} is of format {receipt.get('format')}; this version reads {FORMAT}"
        )
    found = sha256_of(receipt)
    if found != receipt.get("sha256"):
        raise InputError(
            f"{path} was altered: its content has SHA-256 {found[:12]}..., and it says "
            f"{str(receipt.get('sha256'))[:12]}..."
        )
    return receipt


def record_of(receipt: Mapping[str, Any]) -> Record:
    """Return the record that a receipt speaks of, as it was listed.

    Raises
    ------
    InputError
        The receipt does not hold one.
    """
    try:
        told = receipt["record"]
        geometry = told["geometry"]
        return Record(
            key=RecordKey.parse(told["key"]),
            quality=int(told["quality"]),
            calibration=Calibration(told["calibration"]),
            recnum=int(told["recnum"]),
            t_obs=_instant(told["t_obs"]),
            processed_at=_instant(told["processed_at"]),
            geometry=None if geometry is None else Geometry(**geometry),
            segment_path=told["segment_path"],
            keywords={str(name): str(value) for name, value in told["keywords"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise InputError(f"the receipt does not describe its record: {exc!r}") from exc


def answers_of(receipt: Mapping[str, Any]) -> list[ClaimedAnswer]:
    """Return the answers of a receipt.

    Raises
    ------
    InputError
        One of them lacks something.
    """
    try:
        return [_claimed(told) for told in receipt["answers"]]
    except (KeyError, TypeError, ValueError) as exc:
        raise InputError(f"the receipt does not describe its answers: {exc!r}") from exc


def _claimed(told: Mapping[str, Any]) -> ClaimedAnswer:
    return ClaimedAnswer(
        event=FlareEvent.parse(told["event"]),
        model=ModelId.parse(told["model"]),
        recnum=int(told["recnum"]),
        file_sha256=told["file_sha256"],
        file_url=told["file_url"],
        weights_sha256=str(told["weights_sha256"]),
        frame=told["frame"],
        device=str(told["device"]),
        score=float(told["score"]),
        raw_probability=float(told["raw_probability"]),
        probability=float(told["probability"]),
        threshold=float(told["threshold"]),
        flare=bool(told["flare"]),
        calibrator=told["calibrator"],
        activity=told["activity"],
        recent=_recent(told),
        regions=_regions(told.get("regions")),
    )


def _regions(told: list[Mapping[str, Any]] | None) -> tuple[tuple[float, float, float], ...] | None:
    if told is None:
        return None
    return tuple((float(item["share"]), float(item["x"]), float(item["y"])) for item in told)


def _recent(told: Mapping[str, Any]) -> RecentActivity | None:
    flares, until = told["recent_flares"], _instant(told["t_obs"])
    if flares is None or until is None:
        return None
    return RecentActivity(
        until=until,
        flares=tuple((datetime.fromisoformat(start), float(flux)) for start, flux in flares),
        source=str(told["activity_source"]),
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
