"""Bootstrap: whole train rows, drawn with replacement."""

from __future__ import annotations

import pyarrow as pa
import pytest

from localsynth.core.errors import DatasetError
from localsynth.core.run import Exposure
from localsynth.core.schema import Schema
from localsynth.methods import registry
from localsynth.methods.bootstrap import Bootstrap
from localsynth.tables import arrow_schema, table_of
from tests.methods.support import task_of

SCHEMA = Schema.model_validate(
    {
        "columns": [
            {"name": "id", "kind": "identifier"},
            {"name": "a", "kind": "integer", "range": [0, 99], "nullable": True},
            {"name": "note", "kind": "text"},
        ]
    }
)
ROWS = [[f"P{i}", None if i == 3 else i, f"note {i}"] for i in range(20)]


def made(n: int, seed: int) -> list[tuple[object, ...]]:
    method = registry.create("bootstrap")
    method.prepare(task_of(SCHEMA, train=table_of(SCHEMA, ROWS)), None)
    method.learn(None, 1)
    rows = method.batch(n, seed, None).rows
    assert rows.schema == arrow_schema(SCHEMA)
    return list(zip(*(rows.column(name).to_pylist() for name in SCHEMA.names), strict=True))


def test_rows_are_whole_real_rows_without_their_identifiers() -> None:
    drawn = made(5000, 7)
    assert {row[0] for row in drawn} == {None}
    assert {row[1:] for row in drawn} == {tuple(row[1:]) for row in ROWS}


def test_every_row_is_as_likely_and_comes_with_replacement() -> None:
    drawn = made(20_000, 7)
    counts = [sum(row[2] == real[2] for row in drawn) for real in ROWS]
    assert all(abs(count - 1000) < 5 * 1000**0.5 for count in counts)
    assert len(set(made(20, 1))) < 20


def test_it_says_that_it_leaks() -> None:
    assert Bootstrap.exposure is Exposure.ROWS
    assert not Bootstrap.needs_model
    assert "never for release" in Bootstrap.summary


@pytest.mark.parametrize("train", [None, arrow_schema(SCHEMA).empty_table()])
def test_no_rows_is_an_error_with_a_way_out(train: pa.Table | None) -> None:
    method = registry.create("bootstrap")
    with pytest.raises(DatasetError, match="'it' has none") as caught:
        method.prepare(task_of(SCHEMA, train=train), None)
    assert "text-to-tabular" in caught.value.hint
