"""The process of a private Prefect server: Prefect's own application on a given socket.

Run by `flows.private_server` as a script, with the descriptor of a listening socket as its
argument and a pipe as its standard input. The other end of the pipe is held by the parent
alone, so however the parent ends, kill -9 included, the pipe closes and the server ends too.
The socket outlives a server that died: its successor answers on the same address.
"""

import os
import signal
import socket
import sys
import threading


def main() -> None:
    """Serve until the parent is gone or asks for the end."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import uvicorn  # noqa: PLC0415 - 2 s in which the parent may already be gone
    from prefect.server.api.server import create_app  # noqa: PLC0415

    listening = socket.socket(fileno=int(sys.argv[1]))
    config = uvicorn.Config(
        create_app(final=True),
        lifespan="on",
        log_level="error",
        # Flow runs hold websockets open; do not wait for them.
        timeout_graceful_shutdown=3,
    )
    uvicorn.Server(config).run(sockets=[listening])


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
