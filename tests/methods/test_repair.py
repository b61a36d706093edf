"""Repair: rules come to hold by trades, and no margin moves."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.core.columns import IntegerColumn
from localsynth.core.schema import Dependency, Rule, Schema
from localsynth.methods.text_to_tabular.frame import Frame, Judge
from localsynth.methods.text_to_tabular.repair import redraw, trade, units_of
from localsynth.methods.text_to_tabular.targets import NumberTarget, target_of
from tests.methods.support import task_of


def numbers(*names: str) -> tuple[IntegerColumn, ...]:
    told = {"distribution": {"quantiles": {"0": 0, "1": 100}}}
    return tuple(IntegerColumn.model_validate({"name": name, "range": (0, 100), **told}) for name in names)


def frame_of(schema: Schema, *values: list[int | None]) -> Frame:
    frame = Frame(schema.columns, ())
    frame.pools = [list(column) for column in values]
    frame.tags = [[0] * len(column) for column in values]
    frame.index = np.tile(np.arange(len(values[0]))[:, None], len(values))
    return frame


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.integers(2, 60))
def test_trades_keep_margins_and_mend_what_can_be_mended(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    schema = Schema(columns=numbers("low", "high"), rules=(Rule(check="low < high"),))
    low, high = rng.integers(0, 50, n).tolist(), rng.integers(51, 100, n).tolist()
    mixed = [(a, b) if rng.random() < 0.5 else (b, a) for a, b in zip(low, high, strict=True)]
    frame = frame_of(schema, [a for a, _ in mixed], [b for _, b in mixed])
    before = Counter(frame.values("low")), Counter(frame.values("high"))
    judge = Judge(task_of(schema), frame, 1)
    broken = int(judge.broken(frame.index).sum())
    trade(frame, units_of(schema.names, ()), judge.rules, judge.broken, rng)
    assert (Counter(frame.values("low")), Counter(frame.values("high"))) == before
    assert int(judge.broken(frame.index).sum()) <= broken


def test_a_tight_rule_is_met_exactly_where_margins_allow_it() -> None:
    """25 of 100 rows must get the 25 highest values: only one assignment of strata keeps the rule."""
    schema = Schema(columns=numbers("a", "b"), rules=(Rule(check="a < 75 or b >= 75"),))
    rng = np.random.default_rng(5)
    frame = frame_of(schema, rng.permutation(100).tolist(), rng.permutation(100).tolist())
    judge = Judge(task_of(schema), frame, 1)
    trade(frame, units_of(schema.names, ()), judge.rules, judge.broken, rng)
    assert judge.broken(frame.index).sum() <= 1


def test_missing_values_are_traded_too() -> None:
    column = numbers("a")[0]
    empty = IntegerColumn(name="b", range=(0, 100), nullable=True, null_rate=0.5)
    schema = Schema(columns=(column, empty), rules=(Rule(check="(a >= 50) = (b is null)"),))
    rng = np.random.default_rng(2)
    frame = frame_of(schema, list(range(0, 100, 5)), [None, 3] * 10)
    judge = Judge(task_of(schema), frame, 1)
    trade(frame, units_of(schema.names, ()), judge.rules, judge.broken, rng)
    assert judge.broken(frame.index).sum() == 0
    assert frame.values("b").count(None) == 10


def test_columns_of_a_dependency_move_together() -> None:
    dependencies = (
        Dependency(determinant=("a", "b"), dependent="c"),
        Dependency(determinant=("c",), dependent="d"),
    )
    assert sorted(units_of(("a", "b", "c", "d", "e"), dependencies)) == [("a", "b", "c", "d"), ("e",)]


def test_only_the_models_own_guesses_are_drawn_anew() -> None:
    schema = Schema(columns=numbers("a", "b"), rules=(Rule(check="a + b > 150"),))
    frame = frame_of(schema, [60] * 20, [10] * 20)
    judge = Judge(task_of(schema), frame, 1)
    target = target_of(schema.columns[1], schema.columns[1].distribution, soft=True)
    assert isinstance(target, NumberTarget)
    redraw(frame, [target], judge.rules, judge.broken, np.random.default_rng(0), tries=64)
    assert judge.broken(frame.index).sum() == 0
    assert frame.values("a") == [60] * 20


def test_open_columns_are_judged_by_guesses() -> None:
    column, opened = numbers("a", "b")
    schema = Schema(columns=(column, opened), rules=(Rule(check="a < b"),))
    frame = Frame(schema.columns, schema.columns[1:])
    frame.pools, frame.tags = (
        [
            [5, 100],
        ],
        [[0, 0]],
    )
    frame.pools.append([None, 1, 50, 99])
    frame.tags.append([-1, 0, 0, 0])
    frame.index = np.array([[0, 1], [1, 1], [1, 0]])
    judge = Judge(task_of(schema), frame, 3)
    assert judge.broken(frame.index).sum() == 0
    assert judge.hopeless(frame.index)[:, 0].tolist() == [
        False,
        True,
        False,
    ]  # 100 < b never; an empty b is no breach
