"""``localsynth`` and ``python -m localsynth``: the terminal UI where nothing else is asked for, else the command line."""

from __future__ import annotations

import os
import sys

from localsynth.core.terminal import lacks_letters, no_terminal
from localsynth.sealed import fetches, seal

__all__ = ["main"]


def main() -> None:
    """Open the one or the other, and leave with its exit code."""
    seal(fetching=fetches(sys.argv[1:]))
    # The command line tells what is wrong with a terminal.
    able = os.environ.get("TERM") != "dumb" and not no_terminal() and not lacks_letters()
    if able and sys.argv[1:] in ([], ["--read-only"]):
        # Without the command line's own imports, which take as long as the first picture.
        sys.exit(_open_ui(None, sys.argv[1:] == ["--read-only"]))
    from localsynth.cli.main import main as command_line

    command_line(_open_ui)


def _open_ui(folder: str | None, read_only: bool) -> int:
    from localsynth.tui.start import open_ui

    return open_ui(folder, read_only=read_only)


if __name__ == "__main__":
    main()
