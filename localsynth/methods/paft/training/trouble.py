"""What ends a training that nobody need look into the code for, in words. No torch is imported here."""

from __future__ import annotations

import errno

__all__ = ["Diverged", "in_words"]

#: How torch's allocators say it; what it raises is a ``RuntimeError``, on a GPU a subclass of that.
_MEMORY = ("out of memory", "not enough memory", "allocate memory", "bad_alloc", "alloc_failed")


class Diverged(Exception):
    """The loss is infinite or no number: the weights are lost."""


def in_words(error: BaseException) -> dict[str, str] | None:
    """``message`` and ``hint`` for a person; ``None`` for what only a traceback tells."""
    if isinstance(error, Diverged):
        return {
            "message": "training diverged: the loss is no number any more",
            "hint": "lower learning_rate",
        }
    if _short_of_memory(error):
        return {
            "message": "training ran out of memory",
            "hint": "lower train_batch, or use a smaller model",
        }
    return None


def _short_of_memory(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    said = str(error).lower()
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(words in said for words in _MEMORY)
    )
