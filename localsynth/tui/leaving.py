"""Work that comes back to a place or dialog which is being closed meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from textual.css.query import NoMatches

if TYPE_CHECKING:
    from textual.dom import DOMNode

__all__ = ["unless_left"]


@contextmanager
def unless_left(node: DOMNode) -> Iterator[None]:
    """Breaks off what does not find a part of ``node`` that is being closed; anywhere else that is a mistake of ours.

    The parts of a screen go first, and only then are its workers cancelled: one that wakes up in between finds nothing,
    and a worker that fails takes the whole UI with it.
    """
    try:
        yield
    except NoMatches:
        if not (node._pruning or node._closing or node.app._exit or not node.app.is_running):
            raise
