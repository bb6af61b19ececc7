"""Shares of regions to shares with place and number."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flaremon import store
from flaremon.domain import NoaaRegion, Prediction, RecordKey, RegionShare, location
from flaremon.regions.coordinates import Place, View, places
from flaremon.regions.numbering import REACH, moved, numbers_near
from flaremon.sun import disk_centre

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class LocatedRegion:
    """A region of an answer: its share, where it is, and what NOAA calls it."""

    share: RegionShare
    place: Place
    noaa_ar: tuple[int, ...]
    """NOAA's numbers, nearest first; several where that is ambiguous, none where none is near."""

    @property
    def location(self) -> str:
        """Position as ``N12E32``."""
        return location(self.place.latitude_deg, self.place.longitude_deg)


def locate(
    session: "Session", predictions: Sequence[Prediction]
) -> list[list[LocatedRegion] | None]:
    """Return place and number of the regions of predictions; None for those without regions.

    The orientation of the disk is that of the stored record; a record without one was seen from
    the Earth.

    Raises
    ------
    StoreError
        The database fails.
    """
    asked = [p for p in predictions if p.regions]
    views = _views(session, asked)
    summaries = _summaries(session, [p.t_obs for p in asked])
    found = iter(places([(region, views[p.key]) for p in asked for region in p.regions or ()]))
    return [
        None
        if p.regions is None
        else [_located(region, next(found), summaries.get(p.t_obs, [])) for region in p.regions]
        for p in predictions
    ]


def _located(
    region: RegionShare, place: Place, summaries: Sequence[tuple[NoaaRegion, float]]
) -> LocatedRegion:
    return LocatedRegion(share=region, place=place, noaa_ar=numbers_near(place, summaries))


def _views(session: "Session", predictions: Sequence[Prediction]) -> dict[RecordKey, View]:
    centres = store.disk_centres(session, {p.key for p in predictions})
    views = {}
    for p in predictions:
        b0_deg, carrington_deg = centres.get(p.key) or disk_centre(p.t_obs)
        views[p.key] = View(t_obs=p.t_obs, b0_deg=b0_deg, carrington_deg=carrington_deg)
    return views


def _summaries(
    session: "Session", times: "Sequence[datetime]"
) -> "dict[datetime, list[tuple[NoaaRegion, float]]]":
    """Return NOAA's regions where they were at each moment."""
    if not times:
        return {}
    stored = store.noaa_regions(session, since=min(times) - REACH, until=max(times) + REACH)
    known = [region for region, _, _ in stored]
    return {at: moved(known, at) for at in set(times)}
