"""Rows of a reply of the JSOC to records, one per slot."""

import logging
from collections.abc import Iterable, Mapping, Sequence

from flaremon.domain import Calibration, Geometry, Quality, Record, RecordKey
from flaremon.errors import SourceProtocolError
from flaremon.jsoc.keywords import (
    to_camera,
    to_float,
    to_instant,
    to_int,
    to_path,
    to_quality,
    to_slot,
)

log = logging.getLogger(__name__)


def read_records(series: str, rows: Iterable[tuple[Mapping[str, str], str | None]]) -> list[Record]:
    """Turn the rows of a reply into records, one per slot, in no particular order.

    A slot can have a second row, of a failed run, that differs in CAMERA; the row with data
    wins. Rows whose slot or QUALITY cannot be read are logged and left out.

    Parameters
    ----------
    rows
        Keywords as the JSOC wrote them, and the path of the segment.

    Raises
    ------
    SourceProtocolError
        Not a single row makes sense.
    """
    slots: dict[str, list[Record]] = {}
    broken = []
    for keywords, path in rows:
        record = read_record(series, keywords, path)
        if record is None:
            broken.append(keywords)
        else:
            slots.setdefault(record.key.t_rec, []).append(record)
    if broken:
        example = {name: broken[0].get(name) for name in ("T_REC", "QUALITY", "CAMERA")}
        words = f"{series}: {len(broken)} rows have no readable T_REC or QUALITY, e.g. {example}"
        if not slots:
            raise SourceProtocolError(words)
        log.warning("%s; left out", words)
    return [_best(twins) for twins in slots.values()]


def read_record(series: str, keywords: Mapping[str, str], path: str | None) -> Record | None:
    """Turn one row into a record; None if it has no readable slot or QUALITY."""
    t_rec = to_slot(keywords.get("T_REC"), series)
    quality = to_quality(keywords.get("QUALITY"))
    if t_rec is None or quality is None:
        return None
    key = RecordKey(series=series, t_rec=t_rec)
    return Record(
        key=key,
        quality=quality,
        calibration=_calibration(series, keywords.get("QLOOK")),
        recnum=to_int(keywords.get("*recnum*")) or 0,
        t_obs=to_instant(keywords.get("T_OBS")),
        processed_at=to_instant(keywords.get("DATE")),
        geometry=_geometry(keywords),
        segment_path=to_path(path, str(key)),
        keywords=dict(keywords),
    )


def _calibration(series: str, qlook: str | None) -> Calibration:
    """QLOOK decides; rows without an image lack it, and then the name of the series does."""
    flag = to_int(qlook)
    nrt = flag == 1 if flag in {0, 1} else series.endswith("_nrt")
    return Calibration.NEAR_REAL_TIME if nrt else Calibration.DEFINITIVE


def _geometry(keywords: Mapping[str, str]) -> Geometry | None:
    """Return where the Sun is in the frame; None unless all of it is known."""
    names = ("CRPIX1", "CRPIX2", "RSUN_OBS", "CDELT1", "CROTA2", "CRLT_OBS", "CRLN_OBS")
    values = [value for name in names if (value := to_float(keywords.get(name))) is not None]
    if len(values) < len(names):
        return None
    crpix1, crpix2, rsun_obs, cdelt1, crota2, crlt_obs, crln_obs = values
    if cdelt1 <= 0 or rsun_obs <= 0:
        return None
    return Geometry.from_keywords(
        crpix1=crpix1,
        crpix2=crpix2,
        cdelt1=cdelt1,
        crota2=crota2,
        rsun_obs=rsun_obs,
        crlt_obs=crlt_obs,
        crln_obs=crln_obs,
    )


def _best(twins: Sequence[Record]) -> Record:
    """Return the row with data; of several, the one that was made last."""
    return max(
        twins,
        key=lambda record: (
            record.segment_path is not None and not record.quality & Quality.NO_DATA,
            not record.quality & Quality.NO_DATA,
            to_camera(record.keywords.get("CAMERA")) is not None,
            record.recnum,
        ),
    )
