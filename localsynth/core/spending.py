"""What learning by questions to a model may take, told before the model is opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from .schema import Schema

__all__ = ["Spending", "Spends"]


@dataclass(frozen=True)
class Spending:
    """At most. what : is played or asked, in a word. tokens : read and written, roughly, by the length of texts."""

    what: str
    requests: int
    tokens: int


@runtime_checkable
class Spends(Protocol):
    """What a :class:`~localsynth.core.contracts.Method` may do beside: say what it will ask before the first row."""

    def spending(self, schema: Schema, train_rows: int) -> Spending | None:
        """By its parameters and the table's size alone; before ``prepare``, without a model. ``None`` where it asks nothing."""
        ...
