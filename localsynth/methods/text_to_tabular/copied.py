"""Copied: texts that repeat an example's word for word, which small models like to write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localsynth.core.columns import Column, TextColumn

__all__ = ["Copied"]

_WORDS = 3  # of so many words, or so many signs, two texts are hardly ever alike by chance
_SIGNS = 24


class Copied:
    """Knows the texts of example rows. columns : those looked at; texts that code locks together may well repeat."""

    def __init__(self, columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> None:
        self._known: dict[str, set[str]] = {}
        for column in columns:
            if isinstance(column, TextColumn):
                texts = [row[column.name] for row in rows if row[column.name] is not None]
                self._known[column.name] = {_bare(text) for text in texts if _is_long(text)}

    def __call__(self, name: str, text: str | None) -> bool:
        """Whether a text of this column is an example's, spelling of case and marks aside."""
        return text is not None and _bare(text) in self._known.get(name, ())


def _is_long(text: str) -> bool:
    return len(text.split()) >= _WORDS or len(text) >= _SIGNS


def _bare(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())
