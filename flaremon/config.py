"""Settings of this machine; the only reader of the environment.

Every setting is an environment variable with the prefix ``FLAREMON_``; members of a group are
joined with two underscores (``FLAREMON_JSOC__EMAIL``). There is no settings file of our own.
Settings are read once, at the entry point, and passed down as plain values.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from flaremon.domain import SERIES_CADENCE_S, ModelId
from flaremon.errors import ConfigurationError, InputError

PREFIX = "FLAREMON_"
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http:// or https:// address")
    try:
        _ = parts.port
    except ValueError as exc:
        raise ValueError("has no valid port after its host") from exc
    if parts.username is not None:
        raise ValueError("must not hold a user name or password: it is printed and stored")
    return value.rstrip("/")


class JsocSettings(_Group):
    """How to talk to the JSOC (or to a replica of it)."""

    base_url: str = Field(
        default="http://jsoc.stanford.edu",
        description="Where the JSOC is; point it at `flaremon replica` to replay an archive.",
    )
    email: SecretStr | None = Field(
        default=None,
        description="Address registered with the JSOC; only needed for records that are off-line.",
    )
    series: str = Field(
        default="hmi.M_720s_nrt",
        description="Series to monitor: hmi.M_720s_nrt, hmi.M_720s or hmi.M_45s.",
    )
    lookback_h: _Positive = Field(
        default=6.0,
        description="Hours to look back for slots that are not decided; slots arrive late.",
    )
    min_interval_s: float = Field(
        default=1.0,
        ge=0,
        allow_inf_nan=False,
        description="Least time between two requests; the JSOC asks for one at a time.",
    )
    deadline_s: _Positive = Field(
        default=20.0, description="Wall-clock limit of one query, connection included."
    )
    download_deadline_s: _Positive = Field(
        default=300.0, description="Wall-clock limit of one file."
    )
    export_deadline_s: _Positive = Field(
        default=900.0, description="Wall-clock limit of one export request, waiting included."
    )
    attempts: int = Field(
        default=3, ge=1, le=10, description="Tries of a request that failed for a passing reason."
    )

    @field_validator("base_url")
    @classmethod
    def _http(cls, value: str) -> str:
        return _web_address(value)

    @field_validator("series")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in SERIES_CADENCE_S:
            raise ValueError(f"{value!r} is none of {', '.join(SERIES_CADENCE_S)}")
        return value


class SwpcSettings(_Group):
    """How to talk to NOAA's Space Weather Prediction Center."""

    base_url: str = Field(
        default="https://services.swpc.noaa.gov",
        description="Where GOES flares and X-rays come from.",
    )
    min_interval_s: float = Field(
        default=1.0, ge=0, description="Least time between two requests to it."
    )
    deadline_s: _Positive = Field(
        default=30.0, description="Wall-clock limit of one of its products, all tries together."
    )
    attempts: int = Field(
        default=3, ge=1, le=10, description="Tries of a product that failed for a passing reason."
    )

    @field_validator("base_url")
    @classmethod
    def _http(cls, value: str) -> str:
        return _web_address(value)


class CacheSettings(_Group):
    """Where downloaded files are kept, and for how long."""

    dir: Path = Field(
        default_factory=lambda: Path.home() / ".cache" / "flaremon",
        description="Folder for downloaded magnetograms.",
    )
    max_gb: _Positive = Field(
        default=20.0, description="Oldest files are removed above this size (10^9 bytes)."
    )
    max_age_days: _Positive = Field(
        default=30.0, description="Files fetched longer ago than this are removed."
    )


class FramesSettings(_Group):
    """Where the standard frames of scored records are kept, and how many."""

    keep: bool = Field(
        default=True,
        description="Archive the standard frame of every scored record, to score it again.",
    )
    dir: Path = Field(
        default_factory=lambda: Path.home() / ".local" / "share" / "flaremon" / "frames",
        description="Folder for frames, 0.5 MB each.",
    )
    max_gb: _Positive = Field(
        default=50.0,
        description="Frames of the oldest observations are removed above this size (10^9 bytes).",
    )


class TruthSettings(_Group):
    """What counts as having happened."""

    catalog: str = Field(
        default="swpc",
        min_length=1,
        max_length=64,
        description="Flare list that outcomes, baselines and recent activity are taken from.",
    )
    lag_h: float = Field(
        default=24.0,
        ge=0,
        allow_inf_nan=False,
        description="Hours after the end of a window before it gets its outcome; lists are edited.",
    )


class Settings(BaseSettings):
    """All settings of this machine."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    jsoc: JsocSettings = Field(default_factory=JsocSettings)
    swpc: SwpcSettings = Field(default_factory=SwpcSettings)
    truth: TruthSettings = Field(default_factory=TruthSettings)
    cache: CacheSettings = Field(default_factory=CacheSettings)
    frames: FramesSettings = Field(default_factory=FramesSettings)
    database_url: SecretStr = Field(
        default_factory=lambda: SecretStr(
            f"sqlite:///{Path.home() / '.local' / 'share' / 'flaremon' / 'flaremon.db'}"
        ),
        description="SQLAlchemy URL: sqlite:///FILE or postgresql://user:password@host/name.",
    )
    model: str | None = Field(
        default=None,
        description="Model package that answers, name@version; by default the one promoted last "
        "in the database, else the one that ships (`flaremon models`).",
    )
    shadow: str = Field(default="", description="Models that score silently: name@version,...")
    models_dir: Path | None = Field(
        default=None, description="Folder of model packages; by default those that ship."
    )
    calibrator: str = Field(
        default="auto",
        pattern=r"^(auto|none|[0-9a-f]{12})$",
        description="auto: the newest of the model; none: the network's own numbers; or an id.",
    )
    device: str = Field(
        default="auto",
        pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$",
        description="Where to run the network.",
    )
    batch_size: int = Field(default=8, ge=1, le=4096, description="Planes scored at once.")
    stale_after_h: _Positive = Field(
        default=3.0,
        description="Age of the newest scored observation from which the answer is STALE.",
    )
    live_within_h: _Positive = Field(
        default=6.0,
        description="Predictions issued later than this after the observation are hindcasts.",
    )

    @field_validator("model")
    @classmethod
    def _model_id(cls, value: str | None) -> str | None:
        return _model(value) if value else None  # an empty variable is none

    @field_validator("shadow")
    @classmethod
    def _model_ids(cls, value: str) -> str:
        names = filter(None, value.replace(" ", "").split(","))
        return ",".join(dict.fromkeys(map(_model, names)))

    @property
    def shadows(self) -> tuple[ModelId, ...]:
        """The models of `shadow`; the one that answers may be among them."""
        return tuple(ModelId.parse(name) for name in self.shadow.split(",") if name)


def _model(text: str) -> str:
    try:
        return str(ModelId.parse(text))
    except InputError as exc:
        raise ValueError(str(exc)) from exc


def read_settings(**overrides: Any) -> Settings:
    """Read the settings of this machine.

    Parameters
    ----------
    overrides
        Values that the command line gives; they win over the environment.

    Raises
    ------
    ConfigurationError
        With one line per setting that is wrong: its variable, what is wrong, what it takes.
        Values are never repeated, since they can be secrets.
    """
    known = {row.variable for row in describe(Settings.model_construct())}
    unknown = [name for name in os.environ if name.startswith(PREFIX) and name not in known]
    if unknown:
        # pydantic ignores variables outside a group, so a misspelt one would go unnoticed.
        raise ConfigurationError(
            f"settings: {', '.join(sorted(unknown))} is not a setting; "
            "`flaremon settings` lists those there are"
        )
    try:
        return Settings(**overrides)
    except ValidationError as exc:
        errors = exc.errors(include_input=False, include_url=False)
        told = "; ".join(_in_words(error["loc"], error["msg"]) for error in errors)
        raise ConfigurationError(f"settings: {told}") from None


def _in_words(location: tuple[int | str, ...], message: str) -> str:
    variable = PREFIX + "__".join(str(part).upper() for part in location)
    return f"{variable}: {message.removeprefix('Value error, ')}"


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting as people see it."""

    variable: str
    value: str
    """Masked when it is a secret or may hold one."""
    description: str


def describe(settings: Settings) -> list[SettingRow]:
    """Return every setting with its variable, its value (secrets masked) and its meaning."""
    return list(_rows(settings, PREFIX))


def settings_as_environment(settings: Settings) -> dict[str, str]:
    """Return the variables from which a child process reads these very settings.

    Secrets are in it, in the clear: hand it to a process and never log it.
    """
    return {
        variable: str(value.get_secret_value() if isinstance(value, SecretStr) else value)
        for variable, _, value in _leaves(settings, PREFIX)
        if value is not None
    }


def example_environment() -> str:
    """Return the text of ``deployments/example.env``: every setting, its default, its meaning."""
    lines = [
        "# Settings of flaremon, all optional; made by flaremon.config.example_environment().",
        "# Remove the # in front of what you want to change. ~ is written out in real use.",
    ]
    for row in describe(Settings.model_construct()):
        shown = row.value.replace(str(Path.home()), "~")
        lines += ["", f"# {row.description}", f"#{row.variable}={shown}"]
    return "\n".join(lines) + "\n"


def _rows(group: BaseModel, prefix: str) -> Iterator[SettingRow]:
    for variable, field, value in _leaves(group, prefix):
        shown = _without_password(value) if variable == f"{PREFIX}DATABASE_URL" else value
        yield SettingRow(variable, "" if value is None else str(shown), field.description or "")


def _leaves(group: BaseModel, prefix: str) -> Iterator[tuple[str, FieldInfo, Any]]:
    for name, field in type(group).model_fields.items():
        value = getattr(group, name)
        variable = f"{prefix}{name.upper()}"
        if isinstance(value, BaseModel):
            yield from _leaves(value, f"{variable}__")
        else:
            yield variable, field, value


def _without_password(url: SecretStr) -> str:
    # A password may hold an @ or a slash that was not escaped: all up to the last @ goes.
    return re.sub(r"(://[^:/@]*):.*@", r"\1:***@", url.get_secret_value())
