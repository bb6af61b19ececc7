"""TOML files that say how to train: read strictly, every complaint names file and key."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from flaremon.errors import InputError


def read_toml(path: Path) -> dict[str, Any]:
    """Read a file.

    Raises
    ------
    InputError
        There is none, or it is no TOML; the key at which reading stopped is named.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise InputError(f"{path} cannot be read: {exc}") from exc
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise InputError(f"{path} cannot be read: {exc}{_at_key(text, str(exc))}") from exc


def checked(kind: type, table: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the values of a table as arguments of a dataclass; lists become tuples.

    Parameters
    ----------
    kind : type
        A dataclass whose fields all have defaults: they say which type a value must have.
    table : mapping
        As tomllib reads it, without the tables inside it.
    where : str
        File and section, for messages.

    Raises
    ------
    InputError
        A key does not exist, or its value is of another kind; both are named.
    """
    defaults = {f.name: getattr(kind(), f.name) for f in fields(kind)}
    unknown = [key for key in table if key not in defaults]
    if unknown:
        raise InputError(f"{where}: unknown {', '.join(unknown)}; there is {', '.join(defaults)}")
    values = {key: _frozen(value) for key, value in table.items()}
    for key, value in values.items():
        if not _is(value, type(defaults[key])):
            wanted = type(defaults[key]).__name__.replace("tuple", "list")
            raise InputError(f"{where}: {key} must be {wanted}, is {value!r}")
    return values


def refuse_below(least: Mapping[str, float], values: Mapping[str, Any], where: str) -> None:
    """Refuse numbers that are too small to mean anything.

    Raises
    ------
    InputError
        Naming the key and the least that it may be.
    """
    for key, value in values.items():
        if key in least and value < least[key]:
            raise InputError(f"{where}: {key} must be {least[key]:g} or more, is {value!r}")


def _is(value: Any, kind: type) -> bool:
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def _at_key(text: str, told: str) -> str:
    """Return which key the parser was at: it says a line, or the end."""
    number = re.search(r"at line (\d+)", told)
    lines = text.splitlines()
    for line in reversed(lines[: int(number[1]) if number else len(lines)]):
        name = re.match(r"\s*\[*\s*([\w.\"'-]+)", line)
        if name is not None:
            return f", at {name[1]}"
    return ""
