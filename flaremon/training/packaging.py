"""Writes a package folder, all or nothing."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flaremon.errors import ModelError
from flaremon.package import (
    CARD_FILE,
    DESCRIPTION_FILE,
    FORMAT,
    INFORMED_THRESHOLD,
    WEIGHTS_FILE,
    EventSpec,
    ModelPackage,
    load_package,
)

if TYPE_CHECKING:
    from torch import Tensor


def encode_weights(state: Mapping[str, "Tensor"]) -> bytes:
    """Return the bytes of a safetensors file; the same tensors give the same bytes."""
    import safetensors.torch  # noqa: PLC0415 - torch takes 1.6 s to import

    return safetensors.torch.save({k: v.detach().cpu().contiguous() for k, v in state.items()})


def sha256_hex(content: bytes) -> str:
    """Return the checksum that ``model.toml`` states."""
    return hashlib.sha256(content).hexdigest()


def refuse_existing(folder: Path) -> None:
    """Refuse to write over a package: a version never changes its meaning.

    Raises
    ------
    ModelError
        If the folder exists.
    """
    if folder.exists():
        raise ModelError(f"{folder} exists; give the new model another version, or remove it")


@contextmanager
def drafted(package: ModelPackage, weights: bytes) -> Iterator[ModelPackage]:
    """Write a package in a hidden folder beside its place; it moves there when all went well.

    Parameters
    ----------
    package : ModelPackage
        What to describe; `weights_sha256` must be that of `weights`.
    weights : bytes
        A safetensors file.

    Yields
    ------
    ModelPackage
        The draft, complete and loadable, for evaluations and a card to be added to its folder.

    Raises
    ------
    ModelError
        If the folder exists, or the checksum is another file's.
    """
    if package.weights_sha256 != sha256_hex(weights):
        raise ModelError(f"{package.id}: the checksum is not that of the weights")
    refuse_existing(package.folder)
    parent = package.folder.parent
    parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=parent))
    try:
        (draft / WEIGHTS_FILE).write_bytes(weights)
        (draft / DESCRIPTION_FILE).write_text(to_toml(package), encoding="utf-8")
        yield load_package(draft)
        draft.chmod(0o755)
        draft.rename(package.folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def to_toml(package: ModelPackage) -> str:
    """Write ``model.toml``."""
    top = {
        "format": FORMAT,
        "name": package.id.name,
        "version": package.id.version,
        "series": package.series,
        "output": str(package.output),
    }
    events = [_event_table(spec) for spec in package.events]
    sections = [
        _lines(top),
        "[frame]\n" + _lines(asdict(package.frame)),
        *("[[events]]\n" + _lines(event) for event in events),
        "[network]\n" + _lines(package.network),
        "[weights]\n" + _lines({"sha256": package.weights_sha256}),
        "[training]\n" + _lines(asdict(package.training)),
    ]
    return f"# Written by `flaremon train`; {CARD_FILE} explains it.\n" + "\n".join(sections)


def _event_table(spec: EventSpec) -> dict[str, Any]:
    table: dict[str, Any] = {"event": str(spec.event), "threshold": round(spec.threshold, 4)}
    if spec.informed_threshold is not None:
        table[INFORMED_THRESHOLD] = round(spec.informed_threshold, 4)
    return table


def _lines(table: Mapping[str, Any]) -> str:
    return "".join(f"{key} = {_literal(value)}\n" for key, value in table.items())


def _literal(value: Any) -> str:
    """TOML of a string, number, date, or list of numbers."""
    if isinstance(value, date):
        return value.isoformat()
    # JSON's strings, numbers and arrays of them are TOML's.
    return json.dumps(value, ensure_ascii=False)
