"""Generated parts of the README: ``python -m tests.support.docs`` writes them anew."""

import re
from pathlib import Path

from flaremon.config import describe, read_settings

README = Path(__file__).resolve().parents[2] / "README.md"
_SETTINGS = re.compile(r"(<!-- settings: [^\n]* -->\n).*?(<!-- /settings -->)", re.DOTALL)


def settings_table() -> str:
    home = str(Path.home())
    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for row in describe(read_settings()):
        value = row.value.replace(home, "~")
        rows.append(f"| `{row.variable}` | {f'`{value}`' if value else '-'} | {row.description} |")
    return "\n".join(rows) + "\n"


def with_settings(text: str) -> str:
    return _SETTINGS.sub(lambda m: m[1] + settings_table() + m[2], text)


if __name__ == "__main__":
    README.write_text(with_settings(README.read_text()))
