"""Opening the UI, where there is a terminal to open it in."""

from __future__ import annotations

import os
import sys

from localsynth.core.errors import ExitCode, LocalsynthError

__all__ = ["NoTerminal", "open_ui"]


class NoTerminal(LocalsynthError):
    """The UI needs a terminal, and standard input, output or error is none."""

    code = ExitCode.USAGE


def open_ui(folder: str | None = None, *, read_only: bool = False) -> int:
    """Show the UI until a person leaves it. Gives the exit code. Raises :class:`NoTerminal`."""
    if "TEXTUAL_DRIVER" not in os.environ:  # else a browser is the terminal
        _check_terminal()
    from .app import LocalsynthApp

    app = LocalsynthApp(folder, read_only=read_only)
    app.run()
    return app.return_code or ExitCode.OK


def _check_terminal() -> None:
    # Textual draws on standard error: with `2>log` the screen would stay black.
    for name, stream in (("input", sys.stdin), ("output", sys.stdout), ("error", sys.stderr)):
        if stream is None or not stream.isatty():
            raise NoTerminal(
                f"the terminal UI needs a terminal, and standard {name} is none",
                "localsynth --help lists the commands, which do the same without a terminal",
            )
    if os.environ.get("TERM") == "dumb":
        raise NoTerminal(
            "this terminal says that it can only print lines (TERM=dumb)",
            "set TERM to what it is, such as xterm-256color; localsynth --help lists the commands, which need no more",
        )
