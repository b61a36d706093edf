"""Values as cells of an axis, checked one by one."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.align.cells import codes
from localsynth.core.schema import Schema
from localsynth.core.targets import Axis
from localsynth.tables import arrow_type

DAY = date(2024, 3, 1).toordinal()
MINUTE = int((datetime(2024, 3, 1) - datetime(1970, 1, 1)).total_seconds()) // 60


def found(kind: dict[str, Any], axis: Axis, values: list[Any]) -> list[int]:
    column = Schema.model_validate({"columns": [{"name": "x", **kind}]}).columns[0]
    cells = pa.chunked_array([pa.array(values, arrow_type(column))])
    return codes(cells, axis, column).tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("kind", "axis", "values", "cells"),
    [
        ({"kind": "integer", "range": [0, 99]}, Axis("x", edges=(10, 20, 30)), [9, 10, 19, 20, 29, 30, None],
         [-1, 0, 0, 1, 1, -1, -1]),
        ({"kind": "float", "range": [0, 9], "decimals": 1}, Axis("x", edges=(3, 7, 91), missing=True),
         [0.2, 0.3, 0.1 + 0.2, 0.6, 0.7, 9.0, 9.1, None], [-1, 0, 0, 0, 1, 1, -1, 2]),
        ({"kind": "date", "range": ["2024-01-01", "2024-12-31"]}, Axis("x", edges=(DAY, DAY + 1, DAY + 3)),
         [date(2024, 2, 29), date(2024, 3, 1), date(2024, 3, 3), date(2024, 3, 4)], [-1, 0, 1, -1]),
        ({"kind": "datetime", "range": ["2024-01-01T00:00", "2024-12-31T00:00"]},
         Axis("x", edges=(MINUTE, MINUTE + 60)), [datetime(2024, 2, 29, 23, 59), datetime(2024, 3, 1, 0, 59)], [-1, 0]),
        ({"kind": "boolean"}, Axis("x", labels=(("true",), ("false",)), missing=True), [True, False, None], [0, 1, 2]),
        ({"kind": "categorical", "categories": ["a", "b", "c"]}, Axis("x", labels=(("c", "a"), ("b",))),
         ["a", "b", "c", "d", None], [0, 1, 0, -1, -1]),
        ({"kind": "text"}, Axis("x", missing=True), ["hello", None, "you"], [0, 1, 0]),
        ({"kind": "text"}, Axis("x"), [], []),
    ],
)  # fmt: skip
def test_each_value_has_its_cell(
    kind: dict[str, Any], axis: Axis, values: list[Any], cells: list[int]
) -> None:
    assert found(kind, axis, values) == cells


@given(st.lists(st.integers(-50, 50), min_size=2, unique=True), st.lists(st.integers(-60, 60) | st.none()))
def test_edges_are_read_as_they_are_written(edges: list[int], values: list[int | None]) -> None:
    axis = Axis("x", edges=tuple(sorted(edges)), missing=True)
    for value, cell in zip(
        values, found({"kind": "integer", "range": [-60, 60]}, axis, list(values)), strict=True
    ):
        inside = [
            at
            for at in range(axis.present)
            if value is not None and axis.edges[at] <= value < axis.edges[at + 1]
        ]
        assert [cell] == ([axis.present] if value is None else inside or [-1])
