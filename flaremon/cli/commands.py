"""All commands, in the order in which ``flaremon --help`` lists them."""

# ruff: isort: skip_file
from flaremon.cli import answers
from flaremon.cli import query
from flaremon.cli import truth
from flaremon.cli import files
from flaremon.cli import service
from flaremon.cli import science
from flaremon.cli import skill
from flaremon.cli import admin

__all__ = ["admin", "answers", "files", "query", "science", "service", "skill", "truth"]
