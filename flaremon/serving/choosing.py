"""A setting, else the newest promotion, else the model that ships."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from flaremon import store
from flaremon.domain import ModelId
from flaremon.errors import ModelError
from flaremon.package import SHIPPED_MODEL
from flaremon.store import Promotion, Tenure

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from flaremon.package import ModelPackage


class Origin(StrEnum):
    """Who decided which model answers."""

    SETTING = "setting"
    """``--model`` or FLAREMON_MODEL."""
    PROMOTION = "promotion"
    SHIPPED = "shipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """The model that answers."""

    model: ModelId
    origin: Origin
    promotion: Promotion | None = None
    """Set iff it is in force by one."""

    def __str__(self) -> str:
        if self.promotion is not None:
            return f"{self.model}, by {self.promotion}"
        how = "set" if self.origin is Origin.SETTING else "as shipped"
        return f"{self.model}, {how}"


def by_setting(model: str) -> Serving:
    """Return the model of a setting."""
    return Serving(model=ModelId.parse(model), origin=Origin.SETTING)


def by_promotion(session: "Session") -> Serving:
    """Return the model that answers where no setting names one."""
    return in_force(store.promotions(session, limit=1))


def in_force(made: Sequence[Promotion]) -> Serving:
    """Return the model that answers after promotions, the newest first."""
    if not made:
        return Serving(model=SHIPPED_MODEL, origin=Origin.SHIPPED)
    return Serving(model=made[0].model, origin=Origin.PROMOTION, promotion=made[0])


def tenures(session: "Session", serving: Serving) -> list[Tenure]:
    """Return who was in force when, oldest first; see the room for why so.

    With a model by setting it is that model, always: what was set before is not known.
    """
    if serving.origin is not Origin.PROMOTION:
        return [Tenure(model=serving.model)]
    made = store.promotions(session)[::-1]
    starts = [None, *(promotion.promoted_at for promotion in made)]
    models = [made[0].replaced, *(promotion.model for promotion in made)]
    return [
        Tenure(model=model, since=since, until=until)
        for model, since, until in zip(models, starts, [*starts[1:], None], strict=True)
    ]


def kept(serving: Serving, package: "ModelPackage") -> None:
    """See that a package is still the one that was promoted.

    Raises
    ------
    ModelError
        It says that its weights are others; names the promotion.
    """
    promotion = serving.promotion
    if promotion is not None and package.weights_sha256 != promotion.weights_sha256:
        raise ModelError(
            f"{package.folder} was altered after the {promotion}: weights "
            f"{promotion.weights_sha256[:12]} were promoted, it has {package.weights_sha256[:12]}; "
            f"{_CURE}"
        )


@contextmanager
def blaming(serving: Serving) -> Iterator[None]:
    """Add to errors of the model by which promotion it came to answer.

    Raises
    ------
    ModelError
        As within, with the promotion.
    """
    try:
        yield
    except ModelError as exc:
        if serving.promotion is None:
            raise
        raise ModelError(f"{exc}; it answers by the {serving.promotion}: {_CURE}") from exc


_CURE = "restore the package, or promote another model (`flaremon models`)"
