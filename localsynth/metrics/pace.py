"""Looking at whether to stop by the clock, whatever a piece of work is worth."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["EVERY_S", "now_and_then"]

#: Seconds of work between two looks at whether to stop.
EVERY_S = 0.5


def now_and_then(check: Callable[[], None]) -> Callable[[], None]:
    """``check``, called at once and then only if the last call was ``EVERY_S`` ago: cheap enough for any loop."""
    due = float("-inf")

    def maybe() -> None:
        nonlocal due
        if time.monotonic() >= due:
            check()
            due = time.monotonic() + EVERY_S

    return maybe
