"""All commands, in the order in which ``flaremon --help`` lists them."""

# ruff: isort: skip_file
from flaremon.cli import answers
from flaremon.cli import query
from flaremon.cli import receipts
from flaremon.cli import truth
from flaremon.cli import fetching
from flaremon.cli import regions
from flaremon.cli import files
from flaremon.cli import service
from flaremon.cli import backfill
from flaremon.cli import history
from flaremon.cli import runs
from flaremon.cli import science
from flaremon.cli import outcomes
from flaremon.cli import forecasts
from flaremon.cli import skill
from flaremon.cli import calibrate
from flaremon.cli import models
from flaremon.cli import admin

__all__ = [
    "admin",
    "answers",
    "backfill",
    "calibrate",
    "fetching",
    "files",
    "forecasts",
    "history",
    "models",
    "outcomes",
    "query",
    "receipts",
    "regions",
    "runs",
    "science",
    "service",
    "skill",
    "truth",
]
