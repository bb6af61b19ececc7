"""The files that an export request makes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flaremon.domain import SEGMENT
from flaremon.replica.files import exported_file, stored_file
from flaremon.replica.orders import Order
from flaremon.replica.records import ArchivedRecord
from flaremon.replica.replies import Body

_MB = 1 << 20


@dataclass(frozen=True, slots=True)
class Product:
    """One file of an export directory."""

    label: str
    """The record as the index names it."""
    record: ArchivedRecord
    with_header: bool

    def body(self) -> Body:
        """Return the file."""
        return exported_file(self.record) if self.with_header else stored_file(self.record)


def products(order: Order, records: Sequence[ArchivedRecord]) -> dict[str, Product]:
    """Return the products of a request by file name."""
    made: dict[str, Product] = {}
    for record in records:
        if record.path is None or not record.has_image:
            continue
        label = record.spec if order.with_header else f"{record.spec}{{{SEGMENT}}}"
        made[_file_name(order.filename_format, record)] = Product(label, record, order.with_header)
    return made


def quick_rows(order: Order, records: Sequence[ArchivedRecord]) -> dict[str, Any]:
    """Answer a request whose files are all on disk: nothing is made, SUMS paths are listed."""
    rows = [
        {
            "record": f"{record.spec}{{{SEGMENT}}}",
            "filename": record.segment_path or "NoDataFile",
        }
        for record in records
    ]
    return {
        "status": 0,
        "requestid": "",
        "method": order.method,
        "protocol": order.protocol,
        "wait": 0,
        "rcount": len(records),
        "count": len(rows),
        "size": size_mb(records),
        "dir": "",
        "data": rows,
    }


def size_mb(records: Sequence[ArchivedRecord]) -> int:
    """Return the size of the records' files in MB, rounded up as the JSOC bills it."""
    total = sum(record.path.stat().st_size for record in records if record.path)
    return -(-total // _MB)


def _file_name(template: str, record: ArchivedRecord) -> str:
    """Fill in ``{T_REC:A}``, ``{CAMERA}``, ``{segment}``, ``{recnum:%lld}``, ``{seriesname}``."""
    stamp = record.t_rec.replace(".", "").replace(":", "")
    values = {
        "t_rec": stamp,
        "camera": str(record.camera),
        "segment": f"{SEGMENT}.fits",
        "recnum": str(record.recnum),
        "seriesname": record.definition.name,
    }
    name = re.sub(
        r"\{(\w+)(?::[^}]*)?\}", lambda match: values.get(match[1].lower(), match[1]), template
    )
    # A template comes from the client and names a file in one directory, nothing else.
    name = re.sub(r"[^\w.+-]", "_", name).lstrip(".")
    return name if name.endswith(".fits") else f"{name}.fits"
