"""What a row costs if columns are independent: against values counted by hand, and a table whose columns are."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from localsynth.align.grid import Grid
from localsynth.core.columns import CategoricalColumn, IntegerColumn, TextColumn
from localsynth.core.schema import Schema
from localsynth.core.targets import Axis, Margin, Statistics
from localsynth.methods.paft.yardstick import independent_loss
from localsynth.tables import arrow_schema

SCHEMA = Schema(
    columns=(
        CategoricalColumn(name="kind", categories={"a": "", "b": ""}),
        IntegerColumn(name="age", range=(0, 9), nullable=True),
    )
)
GRID = Grid(
    SCHEMA,
    Statistics(
        margins=(
            Margin(Axis("kind", labels=(("a",), ("b",))), (0.75, 0.25), 100),
            Margin(Axis("age", edges=(0, 2, 10), missing=True), (0.5, 0.3, 0.2), 100),
        ),
        tables=(),
    ),
)


def rows(*cells: tuple[str, int | None]) -> pa.Table:
    return pa.Table.from_arrays(
        [pa.array(some) for some in zip(*cells, strict=True)], names=["kind", "age"]
    ).cast(arrow_schema(SCHEMA))


@pytest.mark.parametrize(
    ("cells", "likely"),
    [
        (("a", 1), 0.75 * 0.5 / 2),  # two values share the cell
        (("b", 5), 0.25 * 0.3 / 8),
        (("b", None), 0.25 * 0.2),
    ],
)
def test_a_row_is_as_likely_as_its_cells_and_even_within_them(
    cells: tuple[str, int | None], likely: float
) -> None:
    found = independent_loss(GRID, rows(cells), {"kind", "age"})
    assert found == pytest.approx(-math.log(likely), abs=0.02)


def test_it_is_the_mean_over_rows_and_over_the_columns_asked_for() -> None:
    both = independent_loss(GRID, rows(("a", 1), ("b", 1)), {"kind"})
    assert both == pytest.approx(-(math.log(0.75) + math.log(0.25)) / 2)


def test_a_column_without_cells_makes_it_unknown() -> None:
    schema = Schema(columns=(*SCHEMA.columns, TextColumn(name="note")))
    margins = (
        Margin(Axis("kind", labels=(("a",), ("b",))), (0.75, 0.25), 100),
        Margin(Axis("note"), (1.0,), 100),
    )
    grid = Grid(schema, Statistics(margins=margins, tables=()))
    table = pa.table({"kind": ["a"], "age": pa.array([1], pa.int64()), "note": ["x"]}).cast(
        arrow_schema(schema)
    )
    assert independent_loss(grid, table, {"kind"}) is not None
    assert independent_loss(grid, table, {"kind", "note"}) is None
    assert independent_loss(grid, table, {"kind", "age"}) is None
    assert independent_loss(grid, table.slice(0, 0), {"kind"}) is None


def test_rows_of_independent_columns_cost_their_entropy() -> None:
    rng = np.random.default_rng(0)
    kinds = rng.choice(["a", "b"], 4000, p=[0.75, 0.25]).tolist()
    found = independent_loss(GRID, rows(*((kind, 0) for kind in kinds)), {"kind"})
    assert found == pytest.approx(0.75 * -math.log(0.75) + 0.25 * -math.log(0.25), abs=0.02)
