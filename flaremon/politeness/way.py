"""The live job goes first on the one device of this machine, as it does at the JSOC.

The live job keeps a lock, shared with other live jobs, while a batch is on the device. A backfill
takes the same lock for itself before each of its batches and drops it again: so it waits while
anybody is answering, and nobody who answers waits for it longer than for the batch that is on the
device already. Processes that share a cache folder share the lock.
"""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flaremon.disk import FileLock
from flaremon.errors import ConfigurationError, StoreFullError

log = logging.getLogger(__name__)

PATIENCE_S = 600.0
"""A batch takes less than a second: who has kept the way for so long is stuck."""


@dataclass(frozen=True)
class Way:
    """Who may put a batch on the device now.

    Parameters
    ----------
    folder : Path
        Where the lock's file is.
    background : bool
        Let others go first who answer live.
    patience_s : float
        How long to let them, s; then the batch goes beside them.
    """

    folder: Path
    background: bool = False
    patience_s: float = PATIENCE_S

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until a batch may go onto the device, and keep backfills from it meanwhile.

        An answer must not fail for want of a lock: where none can be had, the batch goes at once.
        """
        lock = FileLock(self.folder / ".device.lock")
        with contextlib.ExitStack() as kept:
            try:
                kept.enter_context(lock.hold(limit_s=self.patience_s, shared=not self.background))
            except TimeoutError:
                words = "others have kept %s for %.0f s; going on beside them"
                log.warning(words, lock.path, self.patience_s)
            except (StoreFullError, ConfigurationError) as exc:
                log.debug("no lock for the device: %s", exc)
            if self.background:
                kept.close()
            yield
