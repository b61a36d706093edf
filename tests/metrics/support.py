"""What tests of metrics share: cases out of plain rows, a small table of every kind, random small cases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from localsynth.core.columns import IdentifierColumn
from localsynth.core.judging import Belonging, Case, Measure, Metric, Score
from localsynth.core.schema import Schema
from localsynth.core.targets import Axis, Margin, Statistics, Table
from localsynth.tables import arrow_schema
from tests.core.strategies import cells, schemas

_AGE, _ILL = Axis("age", edges=(0, 50, 100)), Axis("ill", labels=(("true",), ("false",)))
#: What rows of ``MIXED`` might be made to meet.
TARGETS = Statistics(
    (Margin(_AGE, (0.4, 0.6)), Margin(_ILL, (0.5, 0.5))), (Table((_AGE, _ILL), (0.1, 0.3, 0.4, 0.2)),), "file"
)
Rows = Sequence[Sequence[Any]] | pa.Table

MIXED = Schema.model_validate(
    {
        "description": "People and what they measure.",
        "target": "ill",
        "columns": [
            {"name": "id", "kind": "identifier"},
            {"name": "age", "kind": "integer", "range": [0, 99]},
            {"name": "dose", "kind": "float", "range": [-1, 10], "decimals": 2, "nullable": True},
            {"name": 'ward "x"', "kind": "categorical", "categories": ["A", "B,b", "<c>"], "nullable": True},
            {"name": "ill", "kind": "boolean"},
            {"name": "day", "kind": "date", "range": ["2020-01-01", "2024-12-31"]},
            {"name": "seen", "kind": "datetime", "range": ["2020-01-01T00:00", "2024-12-31T23:59"], "nullable": True},
            {"name": "note", "kind": "text", "min_length": 1, "max_length": 40, "nullable": True},
        ],
        "rules": [{"name": "the young are well", "check": "age >= 10 or not ill"}, {"check": "dose < 9"}],
        "dependencies": [{"determinant": ['ward "x"'], "dependent": "ill"}],
    }
)  # fmt: skip


def violations(schema: Schema) -> Callable[[pa.Table], Any]:
    """Rules told by DuckDB, as the store does it: booleans, rows x rules."""

    def told(table: pa.Table) -> Any:
        broken = np.zeros((table.num_rows, len(schema.rules)), np.bool_)
        if table.num_rows and schema.rules:
            checks = ", ".join(f"not coalesce(({rule.check}), true)" for rule in schema.rules)
            with duckdb.connect() as connection:
                connection.register("given", table)
                found = connection.sql(f"select {checks} from given").to_arrow_table()
            for index, column in enumerate(found.columns):
                broken[:, index] = column.to_numpy(zero_copy_only=False)
        return broken

    return told


def columns_of(schema: Schema) -> list[str]:
    """The columns a case has: all but identifiers."""
    return [column.name for column in schema.columns if not isinstance(column, IdentifierColumn)]


def table_of(schema: Schema, rows: Rows) -> pa.Table:
    """A table without identifiers. rows : a table, or rows of values in canonical order, identifiers left out."""
    names = columns_of(schema)
    if isinstance(rows, pa.Table):
        return rows.select(names)
    values = list(zip(*rows, strict=True)) or [()] * len(names)
    wanted = arrow_schema(schema, names)
    arrays = [pa.array(column, field.type) for column, field in zip(values, wanted, strict=True)]
    return pa.Table.from_arrays(arrays, schema=wanted)


def case_of(
    schema: Schema, rows: Rows, train: Rows = (), holdout: Rows = (), *, seed: int = 7, threads: int = 1
) -> Case:
    """A case out of tables or of plain rows (identifiers left out); rules are told by DuckDB."""
    return Case(
        schema=schema,
        rows=table_of(schema, rows),
        train=table_of(schema, train),
        holdout=table_of(schema, holdout),
        seed=seed,
        violations=violations(schema),
        threads=threads,
    )


def mixed_rows(n: int, seed: int = 0) -> list[list[Any]]:
    """Rows of ``MIXED`` with structure and with missing cells; no two alike."""
    rng = np.random.default_rng(seed)
    rows: list[list[Any]] = []
    for i in range(n):
        age = int(rng.integers(18, 90))
        ill = bool(rng.random() < age / 100)
        dose = round(float(rng.normal(6 if ill else 2, 0.8)), 2)
        ward = ["A", "B,b", "<c>"][int(rng.integers(0, 3))] if rng.random() < 0.8 else None
        moment = datetime(2021, 1, 1) + timedelta(minutes=int(rng.integers(0, 1_000_000)))
        rows.append(
            [
                age,
                None if i % 7 == 3 else min(max(dose, -1.0), 8.9),
                ward,
                ill,
                date(2020, 1, 1) + timedelta(days=10 * age + int(rng.integers(0, 50))),
                None if i % 5 == 1 else moment,
                None if i % 11 == 2 else f"note {seed}-{i}" + "." * int(rng.integers(0, 9)),
            ]
        )
    return rows


def mixed_case(rows: int = 60, train: int = 80, holdout: int = 60, *, seed: int = 7) -> Case:
    """A case of ``MIXED`` with targets, as if they were members of others; the three tables are drawn alike."""
    case = case_of(MIXED, mixed_rows(rows, 1), mixed_rows(train, 2), mixed_rows(holdout, 3), seed=seed)
    return replace(case, targets=TARGETS, belonging=BELONGING)


#: Rows that are members of others.
BELONGING = Belonging(10, 60, 1, 2, {"older": 3}, 3, {"two adults": 0}, 0)


def numbers_schema(*names: str, target: str | None = None, low: float = -1e6, high: float = 1e6) -> Schema:
    """Decimal columns that may be empty."""
    return Schema.model_validate(
        {
            "target": target,
            "columns": [
                {"name": name, "kind": "float", "range": [low, high], "decimals": 6, "nullable": True}
                for name in names
            ],
        }
    )


def words_schema(
    *names: str, categories: Sequence[str] = ("a", "b", "c"), target: str | None = None
) -> Schema:
    """Categorical columns that may be empty."""
    return Schema.model_validate(
        {
            "target": target,
            "columns": [
                {"name": name, "kind": "categorical", "categories": list(categories), "nullable": True}
                for name in names
            ],
        }
    )


# --- reading scores -------------------------------------------------------------------------------------------------


def find(scores: Iterable[Score], metric: str, *place: str | None, item: str | None = None) -> Score:
    """The one score of a measure at a place (no column, a column, or two)."""
    a, b = (*place, None, None)[:2]
    found = [
        s for s in scores if s.metric == metric and {s.column_a, s.column_b} == {a, b} and (s.item == item)
    ]
    assert len(found) == 1, f"{len(found)} scores {metric} {place} {item}"
    return found[0]


def value(scores: Iterable[Score], metric: str, *place: str | None, item: str | None = None) -> float:
    """The value of that score, which must have one."""
    score = find(scores, metric, *place, item=item)
    assert score.value is not None, score.note
    return score.value


def assert_kept(metric: Metric, case: Case) -> list[Score]:
    """The contract of scores; gives them back."""
    scores = list(metric.scores(case))
    known: dict[str, Measure] = {measure.name: measure for measure in metric.measures}
    assert {score.metric for score in scores} == set(known)
    names = {None, *columns_of(case.schema)}
    places = [(s.metric, s.column_a, s.column_b, s.item) for s in scores]
    assert len(set(places)) == len(places), "two scores of one thing"
    for score in scores:
        measure = known[score.metric]
        assert {score.column_a, score.column_b} <= names
        assert score.column_b is None or score.column_a is not None
        if score.value is None:
            assert score.note.startswith("not applicable, because "), score
            assert len(score.note) > 40
            assert score.low is None
            assert score.high is None
            continue
        for number in (score.value, score.low, score.high):
            assert number is None or (type(number) is float and np.isfinite(number)), score
            assert number is None or measure.low is None or number >= measure.low, score
            assert number is None or measure.high is None or number <= measure.high, score
        assert (score.low is None) == (score.high is None)
        if score.low is not None and score.high is not None:
            assert score.low <= score.value <= score.high, score
    return scores


# --- random small cases ---------------------------------------------------------------------------------------------


KINDS = ("integer", "float", "boolean", "categorical", "date", "datetime", "text", "identifier")


@st.composite
def cases(draw: st.DrawFn, most: int = 14) -> Case:
    """Small tables of every kind of column, each of up to ``most`` rows, none among them."""
    schema = draw(schemas(kinds=KINDS)).model_copy(update={"rules": ()})
    described = [column for column in schema.columns if not isinstance(column, IdentifierColumn)]
    row = st.tuples(*(st.one_of(cells(column), cells(column), st.none()) for column in described))
    tables = [draw(st.lists(row, max_size=most)) for _ in range(3)]
    if draw(st.booleans()):  # copies, among the rows and of real ones
        tables[0] = [*tables[0], *tables[0][:3], *tables[1][:3]]
    return case_of(schema, *tables, seed=draw(st.integers(0, 3)))
