"""Tables whose counts can be asked for, and that notice who asks."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from localsynth.core.schema import Schema
from localsynth.core.targets import Axis

Array: TypeAlias = np.ndarray[Any, Any]


class Counted:
    """Columns as arrays: whole numbers for ordered columns, texts for nominal ones, None for missing. asked : axes so far."""

    def __init__(self, columns: Mapping[str, Sequence[Any]]) -> None:
        self.columns = {name: list(values) for name, values in columns.items()}
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, axes: Sequence[Axis]) -> Array:
        self.asked.append(tuple(axis.column for axis in axes))
        counts = np.zeros(tuple(axis.size for axis in axes), np.int64)
        for cells in zip(*(self._cells(axis) for axis in axes), strict=True):
            if None not in cells:
                counts[cells] += 1
        return counts

    def _cells(self, axis: Axis) -> list[int | None]:
        at: dict[Any, int] = {value: cell for cell, values in enumerate(axis.labels) for value in values}
        result: list[int | None] = []
        for value in self.columns[axis.column]:
            if value is None:
                result.append(axis.present if axis.missing else None)
            elif axis.edges:
                cell = bisect_right(axis.edges, value) - 1
                result.append(cell if 0 <= cell < axis.present else None)
            else:
                result.append(at.get(value) if axis.labels else 0)
        return result


def schema_of(*columns: dict[str, Any], **more: Any) -> Schema:
    return Schema.model_validate({"columns": list(columns), **more})


def number(name: str, low: int, high: int, **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": "integer", "range": [low, high], **more}


def nominal(name: str, *categories: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": "categorical", "categories": list(categories), **more}


def shop(rows: int, seed: int) -> tuple[Schema, Counted]:
    """The generated shop of ``sample:ecommerce`` with its declared ranges; prices in cents."""
    from localsynth.store.ecommerce import CATEGORIES, draw

    table = draw(rows, seed).to_pydict()
    table["price"] = [round(price * 100) for price in table["price"]]
    schema = schema_of(
        number("age", 18, 90),
        nominal("gender", "F", "M"),
        nominal("tier", "Developing", "Developed"),
        nominal("category", *CATEGORIES),
        {"name": "price", "kind": "float", "range": [0, 2000], "decimals": 2},
        nominal("payment", "Online", "COD"),
        nominal("discount", "Low", "Medium", "High"),
        nominal("value", "Low", "Medium", "High"),
        target="value",
    )
    return schema, Counted(table)
