"""Days on a Dask cluster: lists of labels go out, counts come back.

Workers have settings of their own, as those of a Prefect work pool have: the database they share,
a cache and an archive of frames they may. They load a network once per process and pass no image
to anybody. A worker that dies costs nothing: its days are sent to another, which finds in the
database what is left of them.

What more machines help with is decoding. From the JSOC itself they help little: it gives one
connection to an address, and one connection of 5 MB/s brings one file every 3 s, which is a
thirtieth of what one machine of two cores decodes.
"""

from collections.abc import Callable, Iterator, Sequence

from flaremon.backfill.plan import Chunk
from flaremon.backfill.tally import Tally
from flaremon.errors import ConfigurationError, SourceUnavailableError

CONNECT_S = 15.0
RETRIES = 2
"""Of days whose worker failed for a reason of its own, beside those whose worker died."""

Work = Callable[[Sequence[Chunk]], Tally]


def scatter(address: str, groups: Sequence[Sequence[Chunk]], work: Work) -> Iterator[Tally]:
    """Work off groups of days on a cluster; yield the counts of each, as they come.

    Parameters
    ----------
    address : str
        Of the scheduler, ``tcp://host:8786``.
    work
        What a worker does with a group; sent by name, so it must be importable there.

    Raises
    ------
    ConfigurationError
        dask.distributed is not installed.
    SourceUnavailableError
        The scheduler cannot be reached, or days killed every worker that took them.
    FlaremonError
        What `work` raised.
    """
    try:
        from distributed import Client, KilledWorker, as_completed  # noqa: PLC0415 - an extra
    except ImportError as exc:
        raise ConfigurationError(
            "--runner dask needs dask.distributed; install flaremon[dask]"
        ) from exc
    try:
        client = Client(address, timeout=CONNECT_S)
    except (OSError, ValueError) as exc:
        raise SourceUnavailableError(f"no Dask scheduler answers at {address}: {exc}") from exc
    with client:
        # Not pure: the same days asked for again are work again, not a remembered answer.
        futures = [client.submit(work, group, pure=False, retries=RETRIES) for group in groups]
        try:
            for future in as_completed(futures):
                yield future.result()
        except KilledWorker as exc:
            raise SourceUnavailableError(f"days killed their workers: {exc}") from exc
