"""The command line: parse, call one function of the library, print one result.

Exit codes are those that cron and Nagios understand: 0 no flare (or done), 1 flare, 2 stale or
unknown, 3 error. A wrong option is an error too: 2 would read as "unknown".
"""

import sys
import traceback

from flaremon.cli._app import ERROR, AnswerExit, app, report_error
from flaremon.errors import FlaremonError

__all__ = ["ERROR", "app", "main"]


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    from flaremon.cli import commands  # noqa: F401 - registers them

    try:
        app(args=arguments, prog_name="flaremon")
    except AnswerExit as done:
        sys.exit(done.code)
    except FlaremonError as exc:
        report_error(exc)
        sys.exit(ERROR)
    except SystemExit as exc:
        # Typer ends with 2 for a wrong option and 1 when interrupted; ours mean "unknown" and
        # "flare", so neither may get out. A reader that went away (head, less) is no error.
        closed = isinstance(exc.__context__, BrokenPipeError)
        sys.exit(ERROR if exc.code and not closed else 0)
    except Exception:  # noqa: BLE001 - the border: Python's own exit code 1 would read as "flare"
        traceback.print_exc()
        sys.exit(ERROR)
