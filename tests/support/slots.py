"""Records, predictions and rejections to store, and what a database holds of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, select

from flaremon.domain import (
    Calibration,
    FlareEvent,
    Geometry,
    Mode,
    ModelId,
    Prediction,
    Record,
    RecordKey,
    Rejection,
    RejectionReason,
    StoredFile,
)
from flaremon.schema import Base
from flaremon.store import register_model

NRT, DEFINITIVE = "hmi.M_720s_nrt", "hmi.M_720s"
MODEL = ModelId("fulldisk-cnn", "1.0.0")
M_24H, C_NOW = FlareEvent.parse("M1+/24h"), FlareEvent.parse("C1+/now")
EVENTS = (M_24H, C_NOW)
START = datetime(2026, 2, 1, tzinfo=UTC)
STEP = timedelta(minutes=12)
LISTING = {
    "source": "jsoc",
    "base_url": "http://jsoc.invalid",
    "run_id": "cli-test",
    "listed_at": START,
}


def record(number: int = 0, *, series: str = NRT, **changes: Any) -> Record:
    """Record of the slot `number` steps after ``2026.02.01_00:00:00_TAI``."""
    slot = START + number * STEP
    made = Record(
        key=RecordKey(series=series, t_rec=slot.strftime("%Y.%m.%d_%H:%M:%S_TAI")),
        quality=0x400,
        calibration=Calibration.NEAR_REAL_TIME,
        recnum=1000 + number,
        t_obs=slot - timedelta(seconds=37),
        processed_at=slot + timedelta(minutes=40),
        geometry=Geometry(
            centre_x_px=2047.5,
            centre_y_px=2040.25,
            radius_px=1912.75,
            arcsec_per_px=0.504,
            roll_deg=180.0,
        ),
        segment_path=f"/SUM1/D{number}/S00000/magnetogram.fits",
        keywords={"CAMERA": "2", "QUALITY": "0x00000400"},
    )
    return replace(made, **changes)


def stored_file(of: Record, content: str = "") -> StoredFile:
    """File of a record; other contents have other hashes."""
    number = sum((content or str(of.key)).encode())
    return StoredFile(
        path=Path("magnetogram.fits"),
        size_bytes=16_000_000,
        sha256=f"{number:064x}",
        url=f"http://jsoc.invalid{of.segment_path}",
        fetched_at=START,
    )


def prediction(of: Record, event: FlareEvent = M_24H, **changes: Any) -> Prediction:
    """Live prediction, issued an hour after the observation."""
    assert of.t_obs is not None
    made = Prediction(
        key=of.key,
        t_obs=of.t_obs,
        model=MODEL,
        event=event,
        window=event.window(of.t_obs),
        score=-0.1,
        probability=0.25,
        threshold=0.3,
        issued_at=of.t_obs + timedelta(hours=1),
        mode=Mode.LIVE,
        device="cpu",
        software="0.1.0",
        run_id="cli-test",
    )
    return replace(made, **changes)


def rejection(of: Record, **changes: Any) -> Rejection:
    """Rejection of a record for its quality."""
    made = Rejection(
        key=of.key,
        reason=RejectionReason.QUALITY,
        detail="QUALITY 0x20 says that the image is poor",
        decided_at=START,
        run_id="cli-test",
        recnum=of.recnum,
        t_obs=of.t_obs,
        software="0.1.0",
    )
    return replace(made, **changes)


def register(session: Any, model: ModelId = MODEL) -> None:
    """Register a model under a hash of its own."""
    register_model(session, model=model, weights_sha256="ab" * 32, events=EVENTS, now=START)


def contents(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, as `rows_of` gives them."""
    with engine.connect() as connection:
        return rows_of(connection)


def rows_of(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, with keys in the place of row numbers, sorted."""
    rows = {
        table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
        for table in Base.metadata.sorted_tables
    }
    names = {
        "record_id": {r["id"]: (r["series"], r["harpnum"], r["t_rec"]) for r in rows["records"]},
        "model_id": {r["id"]: (r["name"], r["version"]) for r in rows["models"]},
    }
    return {
        table: sorted(
            (
                tuple(
                    (column, names[column][value] if column in names else value)
                    for column, value in row.items()
                    if column != "id"
                )
                for row in listed
            ),
            key=repr,
        )
        for table, listed in rows.items()
    }
