"""Did you mean: the nearest of the names that exist."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["nearest", "nearest_name"]


def nearest_name(wrong: str, known: Iterable[str]) -> str | None:
    """The known name most like ``wrong``, or ``None`` where nothing is near."""
    candidates = list(known)
    by_fold = {name.lower(): name for name in candidates}
    matches = get_close_matches(wrong.lower(), list(by_fold), n=1, cutoff=0.55)
    return by_fold[matches[0]] if matches else None


def nearest(wrong: str, known: Iterable[str]) -> str:
    """``"; did you mean 'x'?"``, or nothing where nothing is near: made to end a sentence."""
    name = nearest_name(wrong, known)
    return f"; did you mean '{name}'?" if name else ""
