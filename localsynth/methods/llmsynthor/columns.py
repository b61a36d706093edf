"""Which columns are planned, and which are written as text afterwards."""

from __future__ import annotations

from localsynth.core.columns import Column, IdentifierColumn, TextColumn
from localsynth.core.schema import Schema
from localsynth.core.targets import Statistics

__all__ = ["missing_texts", "planned", "texts"]


def planned(schema: Schema) -> tuple[Column, ...]:
    """Columns whose values statistics tell apart."""
    return tuple(column for column in schema.columns if not isinstance(column, IdentifierColumn | TextColumn))


def texts(schema: Schema) -> tuple[TextColumn, ...]:
    """Columns of free text."""
    return tuple(column for column in schema.columns if isinstance(column, TextColumn))


def missing_texts(schema: Schema, statistics: Statistics) -> dict[str, float]:
    """The share of rows without a text, for each column of texts."""
    found = {}
    for column in texts(schema):
        margin = statistics.margin(column.name)
        found[column.name] = margin.shares[-1] if margin.axis.missing and column.nullable else 0.0
    return found
