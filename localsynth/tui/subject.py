"""What the UI is about just now: one dataset, one run of it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Subject"]


@dataclass(frozen=True)
class Subject:
    """dataset : a name. run : the id of one of its runs. Either may be missing."""

    dataset: str | None = None
    run: str | None = None
