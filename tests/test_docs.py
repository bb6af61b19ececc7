"""What the README says is so."""

import re
import subprocess
import sys

import pytest
from support import docs
from typer.main import get_command

import flaremon.cli
from flaremon.cli import commands as _  # noqa: F401 - registers them
from flaremon.domain import Verdict
from flaremon.package import SHIPPED_MODEL, find_package, shipped_models

README = docs.README.read_text()


def commands() -> list[str]:
    return sorted(get_command(flaremon.cli.app).commands)


def test_the_settings_table_is_what_the_code_says():
    assert docs.with_settings(README) == README, "run: python -m tests.support.docs"


def test_every_command_is_in_the_readme():
    assert [name for name in commands() if f"flaremon {name}" not in README] == []


@pytest.mark.parametrize("command", [[], *([name] for name in commands()), ["db", "upgrade"]])
def test_every_command_has_help_with_an_example(command):
    done = subprocess.run(
        [sys.executable, "-m", "flaremon", *command, "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Usage: flaremon" in done.stdout
    if command != ["db"]:
        assert re.search(r"(Examples?|Start with):", done.stdout)


def test_commands_that_the_readme_shows_exist():
    blocks = "".join(re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL))
    shown = set(re.findall(r"^flaremon ([a-z]+)", blocks, flags=re.MULTILINE))
    assert shown <= set(commands())


def test_targets_that_the_readme_names_are_in_the_makefile():
    makefile = (docs.README.parent / "Makefile").read_text()
    targets = set(re.findall(r"`?make ([a-z-]+)", README))
    assert [t for t in targets if not re.search(rf"^{t}:", makefile, flags=re.MULTILINE)] == []


@pytest.mark.realdata
def test_the_python_example_runs(shared_data, monkeypatch, capsys):
    block = re.search(r"```python\n(.*?)```", README, flags=re.DOTALL)[1]
    monkeypatch.chdir(shared_data / "fits")
    exec(compile(block, "README.md", "exec"), {})  # noqa: S102 - our own README
    printed = capsys.readouterr().out.splitlines()
    package = find_package(shipped_models(), SHIPPED_MODEL)
    assert [line.split()[0] for line in printed] == [str(spec.event) for spec in package.events]


def test_exit_codes_in_the_readme_are_those_of_the_code():
    for verdict in Verdict:
        assert re.search(rf"^\| {verdict.value} \|", README, flags=re.MULTILINE), verdict
    assert Verdict.ERROR.value == flaremon.cli.ERROR
