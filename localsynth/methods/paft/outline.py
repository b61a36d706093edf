"""Outlines: the shape that the points of each value of a column lie in, as a person gives it in a file.

A file of comma-separated values names the column, perhaps ``part``, and the two columns of numbers in its first line, and
holds a corner in each other, in the order in which they are met along the border::

    state,part,lon,lat
    CO,1,-109.05,41.0

A TOML file says ``of = "state"``, ``x = "lon"``, ``y = "lat"`` and has a table ``[[outline]]`` for each ring, with ``value``
and ``points = [[x, y], ...]``. A value with several rings (islands,
holes) has all points that lie within an odd number of them.
"""

from __future__ import annotations

import csv
import io
import math
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from localsynth.core.errors import SchemaError

if TYPE_CHECKING:
    import numpy as np

    Mask: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]

__all__ = ["Outlines", "Ring", "load_outlines"]

#: Corners (x, y) along a closed border; the last is joined to the first.
Ring: TypeAlias = tuple[tuple[float, float], ...]
_LIMIT = 64 * 2**20  # bytes of a file
_BLUR = 1e-9  # how far from the border is on it still: 4.7 is not exactly 4.7 in binary


@dataclass(frozen=True)
class Outlines:
    """The rings of each value of column ``of``, in the plane of the columns of numbers ``x`` and ``y``."""

    of: str
    x: str
    y: str
    rings: Mapping[str, tuple[Ring, ...]]

    def box(self, value: str) -> tuple[tuple[float, float], tuple[float, float]]:
        """Lowest and highest x, lowest and highest y. Raises ``KeyError`` for a value without an outline."""
        corners = [corner for ring in self.rings[value] for corner in ring]
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        return (min(xs), max(xs)), (min(ys), max(ys))

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


def load_outlines(path: Path) -> Outlines:
    """Read outlines from a ``.toml`` or ``.csv`` file. Raises ``SchemaError`` with the line or the ring that is wrong."""
    try:
        with path.open("rb") as file:
            data = file.read(_LIMIT + 1)
        text = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise SchemaError(
            f"the file of outlines {path} cannot be read: {reason}", "check the path"
        ) from error
    if len(data) > _LIMIT:
        raise SchemaError(f"{path} is larger than 64 MiB", "leave out corners that make no difference")
    return _from_toml(text, path) if path.suffix.lower() == ".toml" else _from_csv(text, path)


def _from_csv(text: str, path: Path) -> Outlines:
    rows = [(line, row) for line, row in enumerate(csv.reader(io.StringIO(text)), 1) if row]
    header = rows[0][1] if rows else []
    if len(header) not in {3, 4} or (len(header) == 4 and header[1] != "part"):
        raise SchemaError(
            f"the first line of {path} does not name the columns of an outline", "write: state,part,lon,lat"
        )
    rings: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for line, row in rows[1:]:
        if len(row) != len(header):
            raise SchemaError(f"line {line} of {path} has {len(row)} cells, not {len(header)}")
        part = row[1] if len(header) == 4 else ""
        rings[row[0], part].append(_corner(row[-2:], f"line {line} of {path}"))
    return _outlines(header[0], header[-2], header[-1], [(key[0], ring) for key, ring in rings.items()], path)


def _from_toml(text: str, path: Path) -> Outlines:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SchemaError(f"{path} is no TOML: {error}") from error
    names = [data.get(key) for key in ("of", "x", "y")]
    if not all(isinstance(name, str) for name in names) or not isinstance(data.get("outline"), list):
        raise SchemaError(
            f"{path} does not say of which columns its outlines are",
            'write: of = "state", x = "lon", y = "lat", then [[outline]] tables with value and points',
        )
    found: list[tuple[str, list[tuple[float, float]]]] = []
    for number, ring in enumerate(data["outline"], 1):
        where = f"outline {number} of {path}"
        if not isinstance(ring, dict) or not isinstance(ring.get("points"), list) or "value" not in ring:
            raise SchemaError(
                f"{where} has no value or no points", 'write: value = "CO", points = [[x, y], ...]'
            )
        found.append((str(ring["value"]), [_corner(point, where) for point in ring["points"]]))
    return _outlines(str(names[0]), str(names[1]), str(names[2]), found, path)


def _corner(cells: Any, where: str) -> tuple[float, float]:
    try:
        x, y = (float(cell) for cell in cells)
    except (TypeError, ValueError):
        raise SchemaError(f"{where} holds a corner that is not two numbers: {cells}") from None
    if not (math.isfinite(x) and math.isfinite(y)):
        raise SchemaError(f"{where} holds a corner that is not finite: {cells}")
    return x, y


def _outlines(
    of: str, x: str, y: str, rings: Sequence[tuple[str, Sequence[tuple[float, float]]]], path: Path
) -> Outlines:
    if len({of, x, y}) < 3:
        raise SchemaError(f"{path} names a column twice: {of}, {x}, {y}")
    grouped: dict[str, list[Ring]] = defaultdict(list)
    for value, ring in rings:
        corners = list(ring[:-1]) if len(ring) > 1 and ring[0] == ring[-1] else list(ring)
        if len(set(corners)) < 3:
            raise SchemaError(f"an outline of '{value}' in {path} has fewer than three corners")
        grouped[value].append(tuple(corners))
    if not grouped:
        raise SchemaError(f"{path} holds no outline")
    return Outlines(of, x, y, {value: tuple(own) for value, own in grouped.items()})
