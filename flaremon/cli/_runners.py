"""Who works off a backfill's plan when it is not this process: a Dask cluster, a work pool."""

from typing import TYPE_CHECKING, Literal

from flaremon.cli._progress import Progress
from flaremon.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flaremon.backfill import Plan, Tally
    from flaremon.config import Settings
    from flows.pool import Pool


def scatter(plan: "Plan", address: str | None, tally: "Tally") -> None:
    """Have a Dask cluster work off a plan, a day at a time.

    Raises
    ------
    InputError
        No address is given.
    FlaremonError
        As `flaremon.backfill.cluster.scatter`.
    """
    from functools import partial

    from flaremon import wiring
    from flaremon.backfill import cluster, grouped

    if address is None:
        raise InputError("--runner dask needs --dask-address tcp://HOST:PORT")
    work = partial(
        wiring.backfill_days, series=plan.grid.series, models=[str(m) for m in plan.models]
    )
    progress = Progress(f"backfill {plan.grid.series}")
    for done in cluster.scatter(address, grouped(plan.chunks, 1), work):
        tally.add(done)
        progress(tally)
    progress.close()


def pool(
    plan: "Plan",
    configs: "Sequence[Settings]",
    tally: "Tally",
    *,
    order: Literal["newest", "oldest"],
    workers: int | None,
) -> "Pool":
    """Return what hands a plan to the workers of a Prefect work pool."""
    from flows.pool import Pool

    return Pool(found=plan, configs=configs, tally=tally, order=order, workers=workers)
