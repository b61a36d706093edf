"""Conditions that no row meets which keeps what is locked: refused, and nothing else is."""

from __future__ import annotations

import re
from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.core.contracts import Sampling
from localsynth.core.errors import RecipeError
from localsynth.core.schema import Dependency, Schema
from localsynth.engine.regex import to_regex
from localsynth.methods.paft.condition import ConditionedWriter, conditioned
from localsynth.methods.paft.locks import locked_row
from localsynth.methods.paft.narrowing import Row, contradicted, limit_mask, narrow_row
from localsynth.methods.paft.structure import Structure
from localsynth.methods.paft.writer import Writer
from localsynth.methods.page import Page
from localsynth.store.where import read_where
from localsynth.tables import table_of
from tests.methods.support import FakeAsk
from tests.methods.test_paft_condition import BIRDS, TRAIN, task_with

ON_STATE = [Dependency(determinant=("state",), dependent="bird")]


@pytest.mark.parametrize("order", [("age", "state", "bird"), ("bird", "age", "state")])
def test_a_condition_against_what_is_locked_is_refused(order: tuple[str, ...]) -> None:
    locks = locked_row([BIRDS.column(name) for name in order], ON_STATE, TRAIN)
    structure = Structure(tuple(ON_STATE), (order,), {}, ())
    writer = Writer(Page.of(BIRDS, order, locks.grammar), Sampling())
    for text in ("state = 'm' and bird = 'owl'", "state in ('i', 'k') and bird <> 'owl' and age > 3"):
        with pytest.raises(RecipeError, match="keep state -> bird") as caught:
            conditioned(writer, task_with(text, TRAIN, BIRDS), structure, TRAIN, locks)
        assert text in caught.value.message
        # Where nothing is locked, such rows can be made.
        bare = Writer(Page.of(BIRDS, order), Sampling())
        rows, _ = conditioned(bare, task_with(text, TRAIN, BIRDS), structure, TRAIN, None).draw(
            20, 1, FakeAsk()
        )
        assert len(rows) == 20
    good = conditioned(writer, task_with("state = 'm' and age > 90", TRAIN, BIRDS), structure, TRAIN, locks)
    rows, _ = good.draw(20, 1, FakeAsk())
    assert {row["bird"] for row in rows} == {"hen"}
    assert len(rows) == 20


def test_rows_that_break_what_is_locked_are_soon_given_up() -> None:
    """As where it could not be told beforehand: the row under the condition locks nothing."""
    order = ("age", "state", "bird")
    columns = [BIRDS.column(name) for name in order]
    locks = locked_row(columns, ON_STATE, TRAIN)
    task = task_with("state = 'm' and bird = 'owl'", TRAIN, BIRDS)
    assert task.condition is not None
    writer = ConditionedWriter(
        Writer(Page.of(BIRDS, order, locks.grammar), Sampling()),
        BIRDS,
        task.condition,
        Row(locks.grammar, locks.values),
        narrow_row(columns, task.condition.where.limits, None, TRAIN),
        frozenset({"state", "bird"}),
    )
    ask = FakeAsk()
    rows, rejects = writer.draw(501, 1, ask)
    assert not rows
    assert [reject.reason for reject in rejects] == ["dependency"] * 501
    assert ask.notices[0].endswith(
        "no more are drawn, since none of the last 501 keeps what is locked as well"
    )


def test_two_dependencies_together_leave_nothing() -> None:
    """Either value alone stands beside some x; no x has both."""
    schema = Schema.model_validate(
        {
            "columns": [
                {
                    "name": name,
                    "kind": "categorical",
                    "categories": ["0", "1"] if name != "x" else list("abc"),
                }
                for name in "xyz"
            ]
        }
    )
    train = table_of(schema, [("a", "0", "0"), ("b", "1", "0"), ("c", "0", "1")] * 4)
    told = [Dependency(determinant=("x",), dependent=name) for name in "yz"]
    locks = locked_row(schema.columns, told, train)
    assert contradicted(locks, read_where("y = '1' and z = '1'", schema).limits) == "x -> y; x -> z"
    assert contradicted(locks, read_where("y = '1' and z = '0'", schema).limits) == ""


MIXED = Schema.model_validate(
    {
        "columns": [
            {"name": "u", "kind": "categorical", "categories": list("abc")},
            {"name": "v", "kind": "categorical", "categories": list("pq"), "nullable": True},
            {"name": "n", "kind": "integer", "range": [0, 4]},
            {"name": "w", "kind": "boolean"},
        ]
    }
)
ALL = [(u, v, n, w) for u in "abc" for v in ("p", "q", None) for n in range(5) for w in (False, True)]
PARTS = ["u = 'a'", "u <> 'b'", "v = 'p'", "v is null", "n > 2", "n = 0", "n <> 3", "w", "not w"]


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_what_is_contradicted_is_what_no_row_of_the_grammar_meets(data: st.DataObject) -> None:
    """Against all rows there are: those that the locked grammar allows, and the limits leave."""
    train = table_of(MIXED, data.draw(st.lists(st.sampled_from(ALL), min_size=1, max_size=30)))
    order = data.draw(st.permutations(list(MIXED.names)))
    sides = st.lists(st.sampled_from(MIXED.names), min_size=2, max_size=3, unique=True)
    told = [
        Dependency(determinant=tuple(names[:-1]), dependent=names[-1])
        for names in data.draw(st.lists(sides, min_size=1, max_size=3))
    ]
    some = data.draw(
        st.lists(
            st.sampled_from(PARTS), min_size=1, max_size=3, unique_by=lambda one: one.removeprefix("not ")[0]
        )
    )
    where = read_where(" and ".join(some), MIXED)
    columns = [MIXED.column(name) for name in order]
    locks = locked_row(columns, told, train)
    allowed = re.compile(to_regex(locks.grammar))
    rows = table_of(MIXED, ALL)
    left = np.ones(rows.num_rows, np.bool_)
    for name, limit in where.limits.items():
        left &= limit_mask(MIXED.column(name), limit, rows[name])
    lines = map(Page.of(MIXED, order).line, rows.filter(pa.array(left)).to_pylist())
    possible = any(allowed.fullmatch(line) for line in lines)
    assert (contradicted(locks, where.limits) == "") == possible


def test_a_range_of_moments_and_numbers_beside_a_box() -> None:
    """Groups lie in boxes; a condition inside one is possible though no train row meets it."""
    schema = Schema.model_validate(
        {
            "columns": [
                {"name": "x", "kind": "float", "range": [0, 9], "decimals": 1},
                {"name": "day", "kind": "datetime", "range": ["2020-01-01 00:00", "2021-01-01 00:00"]},
                {"name": "g", "kind": "categorical", "categories": ["l", "r"]},
            ]
        }
    )
    days = [datetime(2020, 3, 1), datetime(2020, 4, 1)]
    train = table_of(schema, [(float(x), at, "l" if x < 4 else "r") for x in (1, 3, 5, 8) for at in days] * 5)
    locks = locked_row(schema.columns, [Dependency(determinant=("x", "day"), dependent="g")], train)
    assert not locks.open
    for text, good in {
        "g = 'l' and x = 2 and day > '2020-03-05'": True,
        "g = 'l' and x > 4": False,
        "g = 'r' and day > '2020-04-02'": False,
        "g = 'r' and day between '2020-03-07 08:00' and '2020-03-08 09:30'": True,
    }.items():
        assert (contradicted(locks, read_where(text, schema).limits) == "") == good, text
