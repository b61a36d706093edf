"""Outlines: the shape that the points of each value of a column lie in, as a person gives it in a recipe."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from localsynth.core.columns import Column
from localsynth.core.nearest import nearest
from localsynth.core.words import FieldError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Mask: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]

__all__ = ["Outlines", "Ring"]

_Number: TypeAlias = Annotated[float, Field(strict=True, allow_inf_nan=False)]
#: Corners (x, y) along a closed border; the last is joined to the first.
Ring: TypeAlias = tuple[tuple[_Number, _Number], ...]
_Name: TypeAlias = Annotated[str, Field(min_length=1)]
_BLUR = 1e-9  # how far from the border is on it still: 4.7 is not exactly 4.7 in binary


class Outlines(BaseModel):
    """The rings of each value of column ``of``, in the plane of the columns of numbers ``x`` and ``y``.

    A value with several rings (islands, holes) has all points that lie within an odd number of them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    of: _Name
    x: _Name
    y: _Name
    rings: dict[str, tuple[Ring, ...]] = Field(min_length=1)

    @field_validator("rings")
    @classmethod
    def _closed(cls, rings: dict[str, tuple[Ring, ...]]) -> dict[str, tuple[Ring, ...]]:
        found = {
            value: tuple(ring[:-1] if len(ring) > 1 and ring[0] == ring[-1] else ring for ring in own)
            for value, own in rings.items()
        }
        for value, own in found.items():
            if not own or any(len(set(ring)) < 3 for ring in own):
                raise FieldError(f"an outline of '{value}' has fewer than three corners", value)
        return found

    @model_validator(mode="after")
    def _three(self) -> Outlines:
        if len({self.of, self.x, self.y}) < 3:
            raise FieldError(f"outlines name a column twice: {self.of}, {self.x}, {self.y}", "of")
        return self

    def fault(self, columns: Mapping[str, Column]) -> tuple[str, str] | None:
        """What is wrong with the columns that are named, and a hint. columns : that there are, by name."""
        for name in (self.of, self.x, self.y):
            if name not in columns:
                return (
                    f"the outlines are of '{name}', which is no column that is written{nearest(name, tuple(columns))}",
                    "name the column of values, and those of x and y",
                )
        for name in (self.x, self.y):
            if columns[name].kind not in {"integer", "float"}:
                return (
                    f"the outlines have '{name}' as a coordinate, which is no column of numbers",
                    "name the columns of x and y",
                )
        return None

    def box(self, value: str) -> tuple[tuple[float, float], tuple[float, float]]:
        """Lowest and highest x, lowest and highest y. Raises ``KeyError`` for a value without an outline."""
        corners = [corner for ring in self.rings[value] for corner in ring]
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        return (min(xs), max(xs)), (min(ys), max(ys))

    def holds(self, rows: pa.Table) -> Mask:
        """Which rows lie inside; see :meth:`inside`."""
        values, xs, ys = (rows[name].to_pylist() for name in (self.of, self.x, self.y))
        return self.inside([None if value is None else str(value) for value in values], xs, ys)

    def inside(
        self, values: Sequence[str | None], xs: Sequence[float | None], ys: Sequence[float | None]
    ) -> Mask:
        """Which points lie in their value's outline, its border included.

        True where the value has no outline or the value or a number is missing: nothing is known of such a row.
        """
        import numpy as np

        x = np.array([math.nan if one is None else one for one in xs], dtype=np.float64)
        y = np.array([math.nan if one is None else one for one in ys], dtype=np.float64)
        result = np.ones(len(x), np.bool_)
        own: dict[str, list[int]] = defaultdict(list)
        for at, value in enumerate(values):
            if value in self.rings and not (np.isnan(x[at]) or np.isnan(y[at])):
                own[str(value)].append(at)
        for value, places in own.items():
            result[places] = _inside(self.rings[value], x[places], y[places])
        return result


def _inside(rings: Iterable[Ring], x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> Mask:
    """Ray casting (Shimrat 1962): a point is inside where a ray to the right crosses the borders an odd number of times."""
    import numpy as np

    odd, border = np.zeros(len(x), np.bool_), np.zeros(len(x), np.bool_)
    for ring in rings:
        for (x0, y0), (x1, y1) in zip(ring, (*ring[1:], ring[0]), strict=True):
            side = (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)  # positive to the left of the edge
            beside = (min(x0, x1) - _BLUR <= x) & (x <= max(x0, x1) + _BLUR)
            beside &= (min(y0, y1) - _BLUR <= y) & (y <= max(y0, y1) + _BLUR)
            border |= beside & (np.abs(side) <= _BLUR * math.hypot(x1 - x0, y1 - y0))
            # An upper corner belongs to an edge, a lower one does not, so that a corner is crossed once.
            odd ^= ((y0 > y) != (y1 > y)) & ((side > 0) if y1 > y0 else (side < 0))
    return np.asarray(odd | border)
