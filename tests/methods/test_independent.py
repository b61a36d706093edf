"""Independent: margins of the train rows, nothing else."""

from __future__ import annotations

import pyarrow as pa
import pytest

from localsynth.core.errors import DatasetError
from localsynth.core.schema import Schema
from localsynth.methods import registry
from localsynth.tables import arrow_schema
from tests.methods.support import task_of

SCHEMA = Schema.model_validate(
    {
        "columns": [
            {"name": "id", "kind": "identifier"},
            {"name": "a", "kind": "integer", "range": [0, 9], "nullable": True},
            {"name": "b", "kind": "categorical", "categories": ["0", "1"]},
        ]
    }
)


def table(rows: int) -> pa.Table:
    a = [None if i % 5 == 0 else i % 2 for i in range(rows)]
    values = [[f"{i}" for i in range(rows)], a, [str(i % 2) for i in range(rows)]]
    target = arrow_schema(SCHEMA)
    return pa.table([pa.array(v, type=f.type) for v, f in zip(values, target, strict=True)], schema=target)


def test_margins_stay_and_structure_goes() -> None:
    method = registry.create("independent")
    method.prepare(task_of(SCHEMA, train=table(1000)), None)
    method.learn(None, 1)
    drawn = method.batch(20_000, 7, None).rows
    assert drawn.column("id").null_count == 20_000
    assert abs(drawn.column("a").null_count / 20_000 - 0.2) < 0.01
    both = [
        (a, b) for a, b in zip(drawn["a"].to_pylist(), drawn["b"].to_pylist(), strict=True) if a is not None
    ]
    assert abs(sum(str(a) == b for a, b in both) / len(both) - 0.5) < 0.02


@pytest.mark.parametrize("train", [None, table(0)])
def test_no_rows_is_an_error_with_a_way_out(train: pa.Table | None) -> None:
    method = registry.create("independent")
    with pytest.raises(DatasetError, match="'it' has none") as caught:
        method.prepare(task_of(SCHEMA, train=train), None)
    assert "text-to-tabular" in caught.value.hint
