"""The replica as a context manager."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from flaremon.errors import InputError
from flaremon.replica.archive import Archive, read_archive
from flaremon.replica.calls import Call
from flaremon.replica.exports import ExportDesk
from flaremon.replica.faults import Fault
from flaremon.replica.redating import latest_as_now as date_as_now
from flaremon.replica.redating import pack as close_gaps
from flaremon.replica.routes import Routes
from flaremon.replica.server import Server
from flaremon.times import utc_now


class Replica:
    """A JSOC that serves a folder of HMI FITS files.

    Parameters
    ----------
    folder : Path or Archive
        Folder of full-disk HMI magnetograms with their keywords, or an archive made otherwise.
    host, port : str, int
        Where to listen; port 0 takes a free one.
    latest_as_now : bool
        Re-date each series so that its newest record is `latency_min` old.
    pack : bool
        Close the gaps between records (before re-dating).
    series : str, optional
        Serve every file as this series.
    now : callable
        The replica's clock; exports and the log of calls go by it.
    faults : sequence of Fault
        Faults from the start; `faults` may be changed while it runs.
    addresses : mapping, optional
        Export addresses to their registration (2 registered, 3 pending, 4 not, -6 trouble);
        others are not registered. Without it every address is registered.
    export_delay_s : float
        How long an export takes.
    latency_min : float
        Age of the newest record with `latest_as_now`, minutes.

    Raises
    ------
    InputError
        If the folder holds nothing to serve, or the port cannot be had.
    """

    def __init__(  # noqa: PLR0913 - keyword-only switches of one small server
        self,
        folder: Path | Archive,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        latest_as_now: bool = False,
        pack: bool = False,
        series: str | None = None,
        now: Callable[[], datetime] = utc_now,
        faults: Sequence[Fault] = (),
        addresses: Mapping[str, int] | None = None,
        export_delay_s: float = 1.0,
        latency_min: float = 60.0,
    ) -> None:
        archive = folder if isinstance(folder, Archive) else read_archive(folder, series=series)
        if pack:
            archive = close_gaps(archive)
        if latest_as_now:
            latency = timedelta(minutes=latency_min)
            archive = date_as_now(archive, now=now(), latency=latency)
        self.archive = archive
        self.faults: list[Fault] = list(faults)
        exports = ExportDesk(archive, now=now, addresses=addresses, delay_s=export_delay_s)
        try:
            self._server = Server(
                (host, port), Routes(archive, exports), faults=self.faults, now=now
            )
        except (OSError, OverflowError) as exc:
            raise InputError(f"cannot listen on {host}:{port}: {exc}; choose another port") from exc
        self._thread = threading.Thread(target=self._run, name="replica", daemon=True)

    @property
    def base_url(self) -> str:
        """``http://host:port``, without a slash at the end."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def calls(self) -> list[Call]:
        """Requests so far, oldest first."""
        return self._server.log.calls

    @property
    def max_in_flight(self) -> int:
        """Most requests that were being answered at one moment."""
        return self._server.log.max_in_flight

    @property
    def in_flight(self) -> int:
        """Requests that are being answered now."""
        return self._server.log.in_flight

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.stop()
        self._thread.join()

    def wait(self) -> None:
        """Block until somebody presses Ctrl-C: what a command does that serves and nothing else."""
        try:
            self._thread.join()
        except KeyboardInterrupt:
            return

    def _run(self) -> None:
        self._server.serve_forever(poll_interval=0.02)
