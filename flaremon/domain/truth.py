"""What GOES observed: flares as lists report them, and the X-ray flux itself."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from flaremon.domain.flares import FlareClass

SCALE_BREAK = datetime(2019, 12, 7, tzinfo=UTC)
"""Operational classes before this carry NOAA's factor of 0.7: an old M0.7 is a true M1.0."""


class ClassScale(StrEnum):
    """What a class means in flux; the values are those of the lists."""

    OPERATIONAL = "swpc_operational_x0.7"
    """True flux is the class divided by 0.7."""
    TRUE_FLUX = "true_flux"

    @classmethod
    def of_operational(cls, start: datetime) -> "ClassScale":
        """Return the scale of an operational report by the start of its flare."""
        return cls.OPERATIONAL if start < SCALE_BREAK else cls.TRUE_FLUX


@dataclass(frozen=True, slots=True, kw_only=True)
class Flare:
    """One flare as a list reports it; instants are aware UTC."""

    start: datetime
    peak: datetime | None = None
    """None while it still rises, and where the list has none."""
    end: datetime | None = None
    """None while it is in progress, and where the list has none."""
    flare_class: FlareClass | None = None
    """As published, on `class_scale`; None while the maximum is not known."""
    peak_flux_w_m2: float | None = None
    """Flux in 1-8 Å as published, W m-2; on `class_scale` too."""
    noaa_ar: int | None = None
    """NOAA region with all five digits; None when no region was named."""
    location: str = ""
    """Heliographic, as ``N12E32``; empty when unknown."""
    source: str
    """Product or list that reports it."""
    satellite: str = ""
    """``G18``; empty when the list does not say."""
    class_scale: ClassScale
    edited: bool = True
    """Checked by people; an automatic report never revises an edited one."""

    @property
    def facts(self) -> tuple[object, ...]:
        """What makes a revision when it changes."""
        return (
            self.start,
            self.peak,
            self.end,
            None if self.flare_class is None else str(self.flare_class),
            self.noaa_ar,
            self.location,
            self.class_scale,
            self.edited,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FlareRevision:
    """A flare as its list reported it from an instant on."""

    flare: Flare
    catalog: str
    """The list: flares of two lists are never the same flare."""
    revision: int
    """1 for the first report."""
    seen_at: datetime
    """When we learned of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class XrayState:
    """The Sun's soft X-rays at one minute, from one satellite."""

    observed_at: datetime
    satellite: str
    flux_w_m2: float
    """1-8 Å, above 0; a minute without a valid flux is a gap and has no state."""
    contaminated: bool | None = None
    """Whether electrons contaminate the flux; None when the product does not say."""

    @property
    def flare_class(self) -> FlareClass:
        """The class of this flux."""
        return class_of_flux(self.flux_w_m2)


def class_of_flux(flux_w_m2: float) -> FlareClass:
    """Return the class of a flux in 1-8 Å, cut (not rounded) to a tenth as SWPC does.

    Cutting keeps thresholds honest: 9.96e-06 W m-2 is C9.9 and not M1.0.
    """
    letters = "ABCMX"
    decade = min(4, max(0, math.floor(math.log10(flux_w_m2) + 1e-9) + 8))
    factor = flux_w_m2 / 10.0 ** (decade - 8)
    return FlareClass(letters[decade], math.floor(factor * 10 + 1e-6) / 10)
