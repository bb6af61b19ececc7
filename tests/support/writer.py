"""A process of its own that writes to a database, and kills itself on cue.

``python -m support.writer URL [--kill-at N] [--reversed] [--upgrade]`` upgrades the database,
or writes `CHUNKS` transactions as the main job does. It prints how many steps that took; with
``--kill-at N`` it sends itself SIGKILL before step N. Statements and commits are steps.
"""

import argparse
import os
import signal
import sys
from typing import Any

from sqlalchemy import Engine, event

from flaremon.database import open_engine, session_scope, upgrade
from flaremon.store import add_file, add_outcomes, add_records
from support.slots import EVENTS, LISTING, prediction, record, register, rejection, stored_file

CHUNKS = 4
CHUNK_SLOTS = 30


def write(engine: Engine, chunk: int) -> int:
    """Write what became of one chunk of slots, in one transaction."""
    records = [record(number) for number in range(chunk * CHUNK_SLOTS, (chunk + 1) * CHUNK_SLOTS)]
    outcomes = []
    for index, item in enumerate(records):
        if index % 5:
            outcomes += [prediction(item, which) for which in EVENTS]
        else:
            outcomes.append(rejection(item))
    with session_scope(engine) as session:
        register(session)
        add_records(session, records, **LISTING)
        for item in records[:5]:
            add_file(session, item.key, stored_file(item))
        return add_outcomes(session, outcomes)


def count_steps(kill_at: int | None) -> dict[str, int]:
    """Count statements and commits of all engines, and die before one of them."""
    steps = {"n": 0}

    def step(*_: Any) -> None:
        steps["n"] += 1
        if steps["n"] == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", step)
    event.listen(Engine, "commit", step)
    return steps


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--kill-at", type=int)
    parser.add_argument("--reversed", action="store_true")
    parser.add_argument("--upgrade", action="store_true")
    options = parser.parse_args()
    steps = count_steps(options.kill_at)
    if options.upgrade:
        upgrade(options.url)
    else:
        engine = open_engine(options.url)
        for chunk in sorted(range(CHUNKS), reverse=options.reversed):
            write(engine, chunk)
    sys.stdout.write(f"{steps['n']}\n")


if __name__ == "__main__":
    main()
