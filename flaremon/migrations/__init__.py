"""The history of the tables.

One file per revision in `versions`, numbered ``v0001_...py``, ``v0002_...py``; the number is the
revision. A file is written by hand, once, and never changed after it was released:

1. change `flaremon.schema`;
2. copy the newest file, count up `revision` and `down_revision`, and write in `upgrade` what
   takes the tables there, on SQLite and PostgreSQL (``with op.batch_alter_table(...)`` for what
   SQLite cannot alter in place);
3. run ``tests/test_schema.py``: it upgrades empty databases and prints what is missing.

There is no way down: going back means restoring the copy that was made before the upgrade.
Alembic is imported only when there is something to upgrade; everyday checks need none of it.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

_FOLDER = Path(__file__).parent  # beside this file in a checkout and in an installed wheel
_REVISION_FILE = re.compile(r"v(\d{4})_\w+\.py")


def revisions() -> tuple[str, ...]:
    """Return the revisions that this version of flaremon knows, oldest first."""
    names = (path.name for path in (_FOLDER / "versions").iterdir())
    return tuple(sorted(match[1] for name in names if (match := _REVISION_FILE.fullmatch(name))))


def run(connection: "Connection") -> None:
    """Upgrade to the newest revision, within the transaction that `connection` is in."""
    from alembic import command  # noqa: PLC0415 - 0.3 s, and only when there is work
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    # ConfigParser reads a % as the start of a reference.
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
