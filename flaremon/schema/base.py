"""What all tables share: the base class, column types, and times as aware UTC."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Double,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
)
from sqlalchemy.exc import DontWrapMixin
from sqlalchemy.orm import DeclarativeBase, mapped_column

from flaremon.errors import InputError


class NaiveTimeError(InputError, DontWrapMixin):
    """A time without a zone was about to be written; SQLAlchemy lets it pass unwrapped."""


@lru_cache(maxsize=8192)
def _from_text(text: str | None) -> datetime | None:
    # Rows of one observation share most of their times.
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


def _from_zone(value: datetime | None) -> datetime | None:
    return value if value is None or value.tzinfo is UTC else value.astimezone(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC `datetime` on every database, to the microsecond.

    PostgreSQL keeps the zone, SQLite does not: there the UTC clock reading is written as text,
    which sorts in time.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware instant into what the database keeps.

        Raises
        ------
        NaiveTimeError
            If the instant has no time zone.
        """
        if value is None:
            return None
        if value.utcoffset() is None:
            raise NaiveTimeError(
                f"{value.isoformat()} has no time zone; the database takes aware times only"
            )
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[Any], datetime | None]:
        """Return what turns that into an aware UTC instant, for every row of every query.

        Straight from the driver's value: by way of `process_result_value` the times of a day of
        predictions take longer than all of the database's work.
        """
        del coltype
        return _from_text if dialect.name == "sqlite" else _from_zone


# SQLite numbers rows by itself only in a column that is called INTEGER.
RowId = Annotated[
    int, mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True)
]
Number64 = Annotated[int, mapped_column(BigInteger())]
LongText = Annotated[str, mapped_column(Text())]
Sha256 = Annotated[str, mapped_column(String(64))]
Json = Annotated[Any, mapped_column(JSON())]


class Base(DeclarativeBase):
    """Declares the tables; constraints are named by what they promise."""

    metadata = MetaData(
        naming_convention={
            "pk": "%(table_name)s_pk",
            "fk": "%(table_name)s_%(column_0_name)s_exists",
            "uq": "%(table_name)s_%(constraint_name)s",
            "ck": "%(table_name)s_%(constraint_name)s",
            "ix": "%(table_name)s_by_%(column_0_N_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime(), float: Double()}  # noqa: RUF012 - read once
