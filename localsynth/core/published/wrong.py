"""What is wrong in a file of published statistics, and what to write instead."""

from __future__ import annotations

from localsynth.core.words import FieldError

__all__ = ["Wrong"]


class Wrong(FieldError):
    """A mistake at one key; ``field`` is the way to it."""

    def __init__(self, message: str, *field: str | int, hint: str = "") -> None:
        super().__init__(message, *field)
        self.hint = hint
