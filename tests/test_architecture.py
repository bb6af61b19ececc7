"""The house rules, enforced: who may import whom, and what importing must not do."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import flaremon

ROOT = Path(flaremon.__file__).parent.parent
PACKAGE = ROOT / "flaremon"
ROOMS = re.findall(r"^([a-z]+) {2,}\S", flaremon.__doc__ or "", flags=re.MULTILINE)

OWNERS = {
    "drms": {"jsoc"},
    "torch": {"network", "package", "inference", "training"},
    "safetensors": {"frames", "package", "training"},
    "sqlalchemy": {"schema", "database", "store", "migrations"},
    "alembic": {"database", "migrations"},
    "astropy.io.fits": {"fits", "replica", "training"},
    "pydantic_settings": {"config"},
    "numba": {"compiled"},
    "PIL": {"images"},
    "sunpy": {"goes", "picture", "regions"},
    "matplotlib": {"coverage", "picture", "training", "verify"},
    "scores": {"verify"},
    "sklearn": {"calibration"},
    "xarray": {"verify"},
    "distributed": {"backfill"},
    "typer": {"cli"},
    "prefect": set(),
    "flows": {"cli"},
}
"""Third parties that belong to rooms; everybody else goes through those rooms."""


def modules() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if "_models" not in p.parts)


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield dotted names and whether they are imported for type checking only."""
    tree = ast.parse(path.read_text())
    typing_only = {
        id(node)
        for guard in ast.walk(tree)
        if isinstance(guard, ast.If)
        and isinstance(guard.test, ast.Name)
        and guard.test.id == "TYPE_CHECKING"
        for statement in guard.body
        for node in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) in typing_only
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the room"
            for alias in node.names:
                yield f"{node.module}.{alias.name}", id(node) in typing_only


def test_the_docstring_lists_exactly_the_rooms_that_exist():
    exist = {room_of(p) for p in modules()} - {"__init__", "__main__"}
    assert exist == set(ROOMS)


def test_rooms_import_only_rooms_above_them():
    order = {room: k for k, room in enumerate(ROOMS)}
    wrong = []
    for path in modules():
        room = room_of(path)
        for name, _ in imports(path):
            parts = name.split(".")
            if parts[0] != "flaremon" or len(parts) < 2 or parts[1] not in order:
                continue
            if room in order and parts[1] != room and order[parts[1]] > order[room]:
                wrong.append(f"{path.relative_to(ROOT)} imports {parts[1]}")
    assert wrong == []


@pytest.mark.parametrize("library", sorted(OWNERS))
def test_a_third_party_library_is_used_only_by_its_rooms(library):
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules()
        for name, typing_only in imports(path)
        if (name == library or name.startswith(f"{library}."))
        and not typing_only
        and room_of(path) not in OWNERS[library]
    ]
    assert wrong == []


def test_only_config_reads_the_environment():
    wrong = [
        str(path.relative_to(ROOT))
        for path in modules()
        if re.search(r"\bos\.(environ|getenv)\b", path.read_text()) and room_of(path) != "config"
    ]
    assert wrong == []


def test_training_is_imported_by_the_command_line_only():
    wrong = [
        str(path.relative_to(ROOT))
        for path in modules()
        for name, _ in imports(path)
        if name.startswith("flaremon.training") and room_of(path) not in {"training", "cli"}
    ]
    assert wrong == []


def test_no_pickle_is_ever_read():
    wrong = [
        str(path.relative_to(ROOT))
        for path in modules()
        if re.search(r"\bpickle\b|torch\.load\(|allow_pickle=True", path.read_text())
        and "never a pickle" not in path.read_text()
    ]
    assert wrong == []


def test_flows_hold_no_science():
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sorted((ROOT / "flows").glob("*.py"))
        for name, typing_only in imports(path)
        if name.split(".")[0] in {"numpy", "torch", "sqlalchemy", "astropy", "drms", "sunpy"}
        and not typing_only
    ]
    assert wrong == []


def test_the_command_line_starts_without_heavy_imports():
    """`flaremon --help` and `flaremon status` must not pay for torch, Prefect, sunpy or numba."""
    code = (
        "import logging, sys\n"
        "before = list(logging.getLogger().handlers)\n"
        "import flaremon.cli\n"
        "import flaremon.cli.commands\n"
        "import flaremon.status, flaremon.store, flaremon.database, flaremon.package\n"
        "heavy = {'torch', 'prefect', 'drms', 'sunpy', 'numba', 'matplotlib', 'pandas', 'alembic',"
        " 'scipy', 'astropy'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "assert logging.getLogger().handlers == before\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_modules_stay_small():
    """A room that outgrows the rule is split, not excused."""
    sizes = {str(p.relative_to(ROOT)): len(p.read_text().splitlines()) for p in modules()}
    limit = 330
    assert {name: n for name, n in sizes.items() if n > limit} == {}
