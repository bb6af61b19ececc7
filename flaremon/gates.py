"""What must not be predicted, and why.

A gate returns a `Refusal` with the numbers that led to it, or None. `screen_record` asks before
the download, `screen_magnetogram` before the network, `screen_duplicate` in between. An honest
gap beats a bad answer, so whatever training never showed the network is refused here: every
limit below says what real data do.
"""

from collections.abc import Mapping
from dataclasses import asdict
from math import ceil, floor, isfinite

import numpy as np
from numpy.typing import NDArray

from flaremon.domain import (
    SERIES_CADENCE_S,
    Calibration,
    Geometry,
    Magnetogram,
    QualityClass,
    Record,
    RecordKey,
    Refusal,
    RejectionReason,
    quality_class,
)
from flaremon.times import iso_z, tai_label_to_utc

CDELT_ARCSEC = (0.50, 0.51)
"""Image scale of HMI, arcsec per pixel: 0.5040 to 0.5044 since 2010. Pictures have their own."""
RSUN_ARCSEC = (930.0, 990.0)
"""Angular radius of the Sun from SDO: 944 in July, 976 in January."""
CENTRE_OFFSET = 100 / 4096
"""How far the disk centre may be from the middle, as a fraction of the side: 10 px of 4096 are
usual, more than 100 an off-point for calibration."""
ROLL_DEG = 2.0
"""How far CROTA2 may be from 0 or 180: 0.1 is usual, more is a calibration roll."""
WITHIN = 0.95
"""What is asked of the field is asked within this fraction of the solar radius: nearer to the
limb there is little but noise."""
MISSING_FRACTION = 0.005
"""Missing pixels of the disk, at most. A good image misses none, a lost telemetry packet more."""
CONSTANT_FRACTION = 0.5
"""Pixels of the disk at one and the same value, at most: 1 % in real FITS, 14 % in real pictures.
Above it a part of the image was filled in."""
QUIETEST_GAUSS = 0.5
"""Least standard deviation on the disk: noise alone makes 5 G in FITS and 1 G in pictures."""
IMPOSSIBLE_GAUSS = 3500.0
"""Field that HMI does not measure even in an umbra, except at the limb."""
IMPOSSIBLE_FRACTION = 0.001
"""Pixels of the disk beyond it, at most: real FITS have none."""
SATURATED_FRACTION = 0.05
"""Pixels of a picture at the ends of its scale, at most: 0.2 % in a month of real ones, 0.5 % in
a FITS of an active Sun if it were clipped so."""
_HMI_SHAPE = (4096, 4096)
_ROWS_AT_ONCE = 64
_SAMPLE_SIDE = 1024
"""Statistics of the disk are taken from every fourth row and column of 4096."""


def screen_record(record: Record) -> Refusal | None:
    """Ask, before the download, whether a record can be predicted at all.

    A record whose file is not on disk at the source is not refused here: an export may get it.
    """
    refusal = _screen_quality(record.quality, record.calibration)
    if refusal is not None:
        return refusal
    if record.t_obs is None or record.geometry is None:
        missing = "T_OBS" if record.t_obs is None else "geometry"
        return Refusal(
            RejectionReason.MISSING_KEYWORDS, f"the record has an image but no {missing}"
        )
    off_s = (record.t_obs - tai_label_to_utc(record.key.t_rec)).total_seconds()
    # Light time makes up to 8 s; from half a step on the image belongs to another slot.
    if abs(off_s) > SERIES_CADENCE_S[record.key.series] / 2:
        return Refusal(
            RejectionReason.STALE,
            f"observed at {iso_z(record.t_obs)}, {off_s:+.0f} s off the slot that lists it",
        )
    return _screen_geometry(record.geometry, _HMI_SHAPE, cdelt_arcsec=CDELT_ARCSEC)


def screen_magnetogram(magnetogram: Magnetogram) -> Refusal | None:
    """Ask whether an image is one that the network can judge.

    Parameters
    ----------
    magnetogram : Magnetogram
        From FITS or from a picture.

    Returns
    -------
    Refusal or None
        None: nothing speaks against it.
    """
    cdelt_arcsec = CDELT_ARCSEC if magnetogram.saturation_gauss is None else None
    return (
        # A file that stands alone has not passed `screen_record`. What must be avoided is the
        # same in both calibrations.
        _screen_quality(magnetogram.quality, Calibration.DEFINITIVE)
        or _screen_geometry(
            magnetogram.geometry, magnetogram.field_gauss.shape, cdelt_arcsec=cdelt_arcsec
        )
        or _screen_field(magnetogram)
    )


def screen_duplicate(sha256: str, known: Mapping[str, RecordKey], key: RecordKey) -> Refusal | None:
    """Ask whether an earlier slot holds the very same file: a feed that repeats itself is stale.

    Of equal files the earliest slot keeps the picture, in whatever order they come; so a later
    slot that was seen first does not speak against this one.

    Parameters
    ----------
    sha256 : str
        Of the file.
    known : mapping of str to RecordKey
        Hashes of files, and of each the record with the earliest slot so far.
    key : RecordKey
        Of the record to decide; its own file is no duplicate of itself.
    """
    first = known.get(sha256)
    if first is None or first == key or first.t_rec > key.t_rec:
        return None
    return Refusal(RejectionReason.DUPLICATE_IMAGE, f"byte for byte the file of {first}")


def _screen_quality(quality: int, calibration: Calibration) -> Refusal | None:
    """Ask whether there is an image, and one without eclipse, blur or camera trouble."""
    match quality_class(quality, calibration):
        case QualityClass.UNUSABLE:
            return Refusal(RejectionReason.QUALITY, f"QUALITY {quality:#010x}: there is no image")
        case QualityClass.AVOID:
            return Refusal(
                RejectionReason.QUALITY,
                f"QUALITY {quality:#010x}: eclipse, transit, blur or camera trouble",
            )
        case _:
            return None


def _screen_geometry(
    geometry: Geometry, shape: tuple[int, ...], *, cdelt_arcsec: tuple[float, float] | None
) -> Refusal | None:
    """Ask whether the Sun is in the frame as it is in service; `cdelt_arcsec` None: any scale."""
    for name, value in asdict(geometry).items():
        if not isfinite(value):
            return Refusal(RejectionReason.GEOMETRY, f"{name} is {value}")
    rows, columns = shape
    x, y, radius = geometry.centre_x_px, geometry.centre_y_px, geometry.radius_px
    if min(x, y, columns - 1 - x, rows - 1 - y) < radius:
        return Refusal(
            RejectionReason.DISK_OUTSIDE_FRAME,
            f"a disk of radius {radius:.1f} px around ({x:.1f}, {y:.1f}) does not fit into "
            f"{columns} x {rows} px",
        )
    offset = max(abs(2 * x + 1 - columns) / columns, abs(2 * y + 1 - rows) / rows) / 2
    rsun_arcsec = radius * geometry.arcsec_per_px
    roll_deg = abs((geometry.roll_deg + 90) % 180 - 90)
    scale = geometry.arcsec_per_px
    complaint = None
    if offset > CENTRE_OFFSET:
        complaint = f"the disk centre is {offset:.2%} of the side from the middle"
    elif not RSUN_ARCSEC[0] <= rsun_arcsec <= RSUN_ARCSEC[1]:
        complaint = f"the Sun has a radius of {rsun_arcsec:.1f} arcsec"
    elif cdelt_arcsec and not cdelt_arcsec[0] <= scale <= cdelt_arcsec[1]:
        complaint = f"a pixel has {scale:.4f} arcsec"
    elif roll_deg > ROLL_DEG:
        complaint = f"the image is rolled by {roll_deg:.2f} deg from north or south up"
    return Refusal(RejectionReason.GEOMETRY, complaint) if complaint else None


def _screen_field(magnetogram: Magnetogram) -> Refusal | None:
    """Ask whether there is a Sun on the disk."""
    missing, total = _missing_pixels(magnetogram)
    if missing == total:
        return Refusal(RejectionReason.BLANK, "no pixel of the disk was measured")
    if missing > MISSING_FRACTION * total:
        return Refusal(
            RejectionReason.MISSING_PIXELS,
            f"{missing / total:.2%} of the disk within {WITHIN} of the radius was not measured",
        )
    values = _sample(magnetogram)
    spread = float(values.std(dtype=np.float64))
    median = np.median(values)
    same = float((values == median).mean())  # a value that most pixels have is the median
    if spread < QUIETEST_GAUSS or same > CONSTANT_FRACTION:
        return Refusal(
            RejectionReason.CONSTANT,
            f"{same:.1%} of the disk is at {median:.1f} G; its standard deviation: {spread:.2f} G",
        )
    clipped_at = magnetogram.saturation_gauss
    # Grey levels 0 and 255 are the ends of a picture's scale.
    end_gauss = IMPOSSIBLE_GAUSS if clipped_at is None else 0.999 * clipped_at
    most = IMPOSSIBLE_FRACTION if clipped_at is None else SATURATED_FRACTION
    saturated = float((np.abs(values) >= end_gauss).mean())
    if saturated > most:
        return Refusal(
            RejectionReason.SATURATED,
            f"{saturated:.1%} of the disk is at {end_gauss:.0f} G or beyond",
        )
    return None


def _missing_pixels(magnetogram: Magnetogram) -> tuple[int, int]:
    """Return how many pixels of the disk were not measured, and how many it has."""
    field, geometry = magnetogram.field_gauss, magnetogram.geometry
    radius = WITHIN * geometry.radius_px
    rows = np.arange(ceil(geometry.centre_y_px - radius), floor(geometry.centre_y_px + radius) + 1)
    half = np.sqrt(np.clip(radius**2 - (rows - geometry.centre_y_px) ** 2, 0.0, None))
    begins = np.ceil(geometry.centre_x_px - half).astype(int)
    ends = np.floor(geometry.centre_x_px + half).astype(int) + 1
    missing = 0
    for at in range(0, rows.size, _ROWS_AT_ONCE):
        some = slice(at, at + _ROWS_AT_ONCE)
        first = begins[some].min()
        unmeasured = np.isnan(field[rows[some][0] : rows[some][-1] + 1, first : ends[some].max()])
        # Nearly always nothing is missing, and then the rows need not be looked at one by one.
        if unmeasured.any():
            chords = zip(unmeasured, begins[some] - first, ends[some] - first, strict=True)
            missing += sum(int(np.count_nonzero(row[begin:end])) for row, begin, end in chords)
    return missing, int((ends - begins).sum())


def _sample(magnetogram: Magnetogram) -> NDArray[np.float32]:
    """Return measured values of the disk, evenly thinned, gauss."""
    field, geometry = magnetogram.field_gauss, magnetogram.geometry
    step = max(1, field.shape[0] // _SAMPLE_SIDE)
    y = np.arange(0, field.shape[0], step)[:, None] - geometry.centre_y_px
    x = np.arange(0, field.shape[1], step) - geometry.centre_x_px
    values = field[::step, ::step][x**2 + y**2 < (WITHIN * geometry.radius_px) ** 2]
    return values[np.isfinite(values)]
