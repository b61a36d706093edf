"""Errors that nobody foresaw, told without the cells they may quote: where they happened, and of which class they are."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from types import TracebackType

__all__ = ["frames_alone", "install", "named", "trace"]

#: What these say is of names, types, paths and modules. Others (a value that cannot be converted, a key) may quote a cell, and
#: so may what libraries make of these.
_HARMLESS = (AttributeError, ImportError, NameError, NotImplementedError, OSError, TypeError)


def named(error: BaseException) -> str:
    """The error's class, with its words where they cannot quote a cell."""
    kind = type(error)
    words = str(error) if isinstance(error, _HARMLESS) and kind.__module__ == "builtins" else ""
    return f"{kind.__name__}: {words}" if words else kind.__name__


def trace(error: BaseException) -> str:
    """A traceback, also of the errors behind it, each named as :func:`named` does."""
    return "".join(_trace(error, set()))


def frames_alone(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> None:
    """As ``sys.excepthook``."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, at)
    else:
        sys.stderr.write(trace(error))


def install() -> None:
    """Have what nobody catches in this process printed so: its standard error is a file that is kept."""
    sys.excepthook = frames_alone


def _trace(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    behind = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if behind is not None and id(behind) not in seen:
        yield from _trace(behind, seen)
        yield "\nwhich led to:\n\n"
    yield "Traceback (most recent call last):\n"
    yield from traceback.format_tb(error.__traceback__)
    yield f"{named(error)}\n"
