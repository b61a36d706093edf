"""Whether a person sits at a terminal, and what it can show."""

from __future__ import annotations

import sys

__all__ = ["lacks_letters", "no_terminal"]

_DRAWN = "╭─╯▸█"


def no_terminal() -> str:
    """Which standard stream is no terminal: ``input``, ``output`` or ``error``; ``""`` where all three are one."""
    streams = {"input": sys.stdin, "output": sys.stdout, "error": sys.stderr}
    return next((name for name, one in streams.items() if one is None or not one.isatty()), "")


def lacks_letters() -> str:
    """The encoding of the terminal where it has no letters to draw frames and bars with; ``""`` where it has them."""
    encoding = sys.stderr.encoding
    try:
        _DRAWN.encode(encoding)
    except (LookupError, UnicodeEncodeError):
        return encoding
    return ""
