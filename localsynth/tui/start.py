"""Opening the UI, where there is a terminal to open it in."""

from __future__ import annotations

import asyncio
import os
import signal
from functools import partial
from typing import TYPE_CHECKING

from localsynth.core.errors import ExitCode, LocalsynthError
from localsynth.core.terminal import lacks_letters, no_terminal

from .collecting import spare_modules

if TYPE_CHECKING:
    from .app import LocalsynthApp

__all__ = ["NoTerminal", "open_ui"]

_ENDS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class NoTerminal(LocalsynthError):
    """The UI needs a terminal, and standard input, output or error is none."""

    code = ExitCode.USAGE


def open_ui(folder: str | None = None, *, read_only: bool = False) -> int:
    """Show the UI until a person leaves it. Gives the exit code. Raises :class:`NoTerminal`."""
    if "TEXTUAL_DRIVER" not in os.environ:  # else a browser is the terminal
        _check_terminal()
    from .app import LocalsynthApp

    app = LocalsynthApp(folder, read_only=read_only)
    asyncio.run(_show(app))
    return app.return_code or ExitCode.OK


async def _show(app: LocalsynthApp) -> None:
    """A signal to end is as ctrl+q: the terminal is given back as it was, and where the person was is kept."""
    for number in _ENDS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # `nohup` wants it ignored
            leave = partial(app.exit, return_code=128 + number)
            asyncio.get_running_loop().add_signal_handler(number, leave)
    sparing = asyncio.create_task(spare_modules())
    try:
        await app.run_async()
    finally:
        sparing.cancel()


def _check_terminal() -> None:
    # Textual draws on standard error: with `2>log` the screen would stay black.
    if name := no_terminal():
        raise NoTerminal(
            f"the terminal UI needs a terminal, and standard {name} is none",
            "localsynth --help lists the commands, which do the same without a terminal",
        )
    if os.environ.get("TERM") == "dumb":
        raise NoTerminal(
            "this terminal says that it can only print lines (TERM=dumb)",
            "set TERM to what it is, such as xterm-256color; localsynth --help lists the commands, which need no more",
        )
    if encoding := lacks_letters():
        raise NoTerminal(
            f"the terminal UI draws with letters that {encoding}, the encoding of this terminal, does not have",
            "choose a UTF-8 locale, such as LC_ALL=C.UTF-8, and leave PYTHONIOENCODING unset",
        )
