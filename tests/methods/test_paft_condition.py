"""Rows under a condition: distributed as the model's own rows that meet it, and all of them do."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import chisquare

from localsynth.core.contracts import Condition, Sampling, Task
from localsynth.core.grammar import Fixed
from localsynth.core.schema import Dependency, Schema
from localsynth.core.where import Where
from localsynth.engine.uniform_text import draw_text
from localsynth.methods.paft.condition import ConditionedWriter, conditioned, even_share, picked
from localsynth.methods.paft.narrowing import Row, limit_mask, narrow_row
from localsynth.methods.paft.structure import Structure
from localsynth.methods.paft.writer import Writer
from localsynth.methods.page import Page
from localsynth.store.rules import RuleChecker
from localsynth.store.where import read_where
from localsynth.tables import table_of
from tests.methods.joint_kit import JointAsk
from tests.methods.support import task_of

SCHEMA = Schema.model_validate(
    {
        "columns": [
            {"name": "a", "kind": "categorical", "categories": ["p", "q", "r"]},
            {"name": "b", "kind": "categorical", "categories": ["x", "y", "z"]},
            {"name": "c", "kind": "integer", "range": [0, 3], "nullable": True},
        ]
    }
)


def joint() -> dict[tuple[str, ...], float]:
    """Each cell leans on those before it."""
    weights = np.random.default_rng(7).dirichlet(np.full(3 * 3 * 5, 0.6))
    return dict(zip(product("pqr", "xyz", ["0", "1", "2", "3", ""]), weights.tolist(), strict=True))


def task_with(text: str, train: pa.Table | None = None, schema: Schema = SCHEMA) -> Task:
    where: Where = read_where(text, schema)
    checker = RuleChecker(schema.model_copy(update={"rules": (where.rule,)}))
    task = task_of(schema, train=train)
    return Task(
        **{**task.__dict__, "condition": Condition(where, lambda table: ~checker.violations(table)[:, 0])}
    )


def writer_for(text: str) -> ConditionedWriter:
    task = task_with(text)
    plain = Writer(Page.of(SCHEMA, ["a", "b", "c"]), Sampling())
    structure = Structure((), (("a", "b", "c"),), {}, ())
    return conditioned(plain, task, structure, table_of(SCHEMA, []), None)


def those_that_meet(text: str) -> dict[tuple[str, ...], float]:
    """The model's rows that meet a condition, as DuckDB tells it."""
    rows = list(joint().items())
    table = table_of(SCHEMA, [(a, b, int(c) if c else None) for (a, b, c), _ in rows])
    with RuleChecker(SCHEMA.model_copy(update={"rules": (read_where(text, SCHEMA).rule,)})) as checker:
        broken = checker.violations(table)[:, 0]
    return {row: p for (row, p), bad in zip(rows, broken, strict=True) if not bad}


def fit_of(counts: Counter[tuple[str, ...]], text: str) -> float:
    """The p-value of the rows drawn against the model's rows that meet the condition."""
    wanted = those_that_meet(text)
    total = sum(wanted.values())
    n = sum(counts.values())
    assert set(counts) <= set(wanted)
    large = {row: p for row, p in wanted.items() if n * p / total >= 5}
    seen = [*(counts[row] for row in large), n - sum(counts[row] for row in large)]
    expected = [*(n * p / total for p in large.values())]
    expected.append(n - sum(expected))
    if expected[-1] < 5:
        seen, expected = seen[:-1], (np.array(expected[:-1]) / sum(expected[:-1]) * sum(seen[:-1])).tolist()
    return float(chisquare(seen, expected).pvalue)


@pytest.mark.parametrize(
    "text",
    [
        "b = 'y'",
        "b in ('x', 'z') and c >= 2",
        "c is null",
        "c <> 1",
        "a <> 'q' and c < 3",
        "b > a and a = 'p' or c = 2",  # for the most part left to be tried
    ],
)
def test_rows_are_distributed_as_those_of_the_model_that_meet_it(text: str) -> None:
    ask = JointAsk(joint())
    rows, _ = writer_for(text).draw(4_000, 11, ask)
    assert len(rows) == 4_000
    assert fit_of(Counter(cells_of(row) for row in rows), text) > 1e-3


def cells_of(row: dict[str, object]) -> tuple[str, ...]:
    return tuple("" if value is None else str(value) for value in row.values())


@pytest.mark.parametrize("text", ["b = 'y'", "b in ('x', 'z') and c >= 2"])
def test_the_narrow_grammar_alone_would_bend_them(text: str) -> None:
    under = writer_for(text)
    (sample,) = JointAsk(joint()).sample("", [under.writer.page.request(4_000, Sampling(), 11, None)])
    assert len(set(sample.texts)) > 20
    page = Page(under.writer.page.columns, grammar=under.narrow.grammar)
    (sample,) = JointAsk(joint()).sample("", [page.request(4_000, Sampling(), 11, None)])
    rows, _ = page.read(sample.texts)
    assert fit_of(Counter(cells_of(row) for row in rows), text) < 1e-9


def test_a_single_first_cell_needs_no_weights() -> None:
    ask = JointAsk(joint())
    rows, rejects = writer_for("a = 'q'").draw(500, 3, ask)
    assert len(rows) == 500
    assert not rejects
    assert not ask.scored
    assert sum(request.n for _, requests in ask.asked for request in requests) == 500


def test_what_no_row_meets_ends() -> None:
    ask = JointAsk(joint())
    rows, rejects = writer_for("a || b = 'nothing'").draw(20, 3, ask)
    assert not rows
    assert {reject.reason for reject in rejects} == {"where"}
    assert "0.00% of" in ask.notices[0]


def test_a_round_in_vain_is_the_last() -> None:
    ask = JointAsk(joint())
    rows, rejects = writer_for("a || b = 'nothing'").draw(600, 3, ask)
    assert not rows
    assert len(rejects) == 600
    assert len(ask.asked) == 1
    assert ask.notices == [
        (
            "0.00% of 600 rows drawn meet 'a || b = 'nothing'': 0 of 600 wanted; no more are drawn, since none of the last 600"
            " meets it"
        )
    ]


def test_the_same_seed_gives_the_same_rows() -> None:
    first, second = (writer_for("b = 'y'").draw(50, 5, JointAsk(joint())) for _ in range(2))
    assert first == second


# --- picking ----------------------------------------------------------------------------------------------------------


def test_rows_are_picked_in_proportion_to_their_weights() -> None:
    weights = np.array([1.0, 2, 3, 4, 0, 5, 5])
    rng = np.random.default_rng(1)
    counts = np.zeros(7)
    for _ in range(4_000):
        found = picked(weights, 3, rng)
        assert len(set(found.tolist())) == 3
        counts[found] += 1
    share = 3 * weights / weights.sum()
    assert np.abs(counts / 4_000 - share).max() < 4 * np.sqrt(0.25 / 4_000)
    assert even_share(weights) == 4.0


@pytest.mark.parametrize("lost", [0.0, 0.02, 0.1])
def test_as_many_rows_as_lose_little(lost: float) -> None:
    """Against a search: with k rows the part that is above its share is the sum of max(0, k s - 1) / k."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        share = rng.exponential(size=25) ** 3
        share /= share.sum()
        tried = np.linspace(0.01, 25, 5_001)
        good = tried[np.maximum(0, tried[:, None] * share - 1).sum(axis=1) / tried <= lost + 1e-12]
        assert even_share(share, lost) == pytest.approx(good.max(), abs=0.02)
    assert even_share(np.zeros(3), lost) == 0


def test_heavy_rows_are_picked_for_certain() -> None:
    for seed in range(50):
        found = picked(np.array([100.0, 1, 1, 1]), 2, np.random.default_rng(seed))
        assert 0 in found.tolist()
        assert len(found) == 2
    assert sorted(picked(np.array([0.0, 1, 0, 2]), 3, np.random.default_rng(0)).tolist()) == [1, 3]


# --- locks ------------------------------------------------------------------------------------------------------------

BIRDS = Schema.model_validate(
    {
        "columns": [
            {"name": "age", "kind": "integer", "range": [0, 99]},
            {"name": "state", "kind": "categorical", "categories": ["i", "k", "m", "o"]},
            {"name": "bird", "kind": "categorical", "categories": ["owl", "hen", "jay"]},
        ]
    }
)
IMAGE = {"i": "owl", "k": "owl", "m": "hen", "o": "jay"}
TRAIN = table_of(BIRDS, [(20 + at % 40, state, IMAGE[state]) for at, state in enumerate("ikmo" * 15)])


@pytest.mark.parametrize("order", [("age", "state", "bird"), ("bird", "age", "state")])
def test_locked_rows_meet_it_and_keep_their_dependency(order: tuple[str, ...]) -> None:
    where = read_where("bird = 'owl' and age > 70", BIRDS)
    row = narrow_row(
        [BIRDS.column(name) for name in order],
        where.limits,
        [Dependency(determinant=("state",), dependent="bird")],
        TRAIN,
    )
    from random import Random

    page = Page.of(BIRDS, order, row.grammar)
    rows, rejects = page.read([draw_text(row.grammar, Random(at)) for at in range(500)])
    assert not rejects
    assert {one["bird"] for one in rows} == {"owl"}
    assert {one["state"] for one in rows} == {"i", "k"}
    # Nobody in the train rows is older than 59: what is not tied is not closed.
    assert min(one["age"] for one in rows) == 71
    assert max(one["age"] for one in rows) > 95


NOTES = Schema.model_validate(
    {
        "columns": [
            {"name": "note", "kind": "text", "max_length": 12},
            {"name": "age", "kind": "integer", "range": [0, 99]},
            {"name": "state", "kind": "categorical", "categories": ["i", "k"]},
            {"name": "bird", "kind": "categorical", "categories": ["owl", "hen"]},
        ]
    }
)
NOTED = table_of(NOTES, [("hi", 1, "i", "owl"), ("ho", 50, "k", "hen")] * 5)


@pytest.mark.parametrize("text", ["age > 30 and age <> 50", "state = 'i'", "length(note) > 3"])
@pytest.mark.parametrize(
    "order",
    [
        ("note", "age", "state", "bird"),
        ("age", "note", "state", "bird"),
        ("state", "note", "bird", "age"),  # between columns that are locked to each other
        ("state", "bird", "age", "note"),
    ],
)
@pytest.mark.parametrize("dependencies", [None, [], [Dependency(determinant=("state",), dependent="bird")]])
def test_a_text_that_must_be_there_is_written_once(
    text: str, order: tuple[str, ...], dependencies: list[Dependency] | None
) -> None:
    from random import Random

    columns = [NOTES.column(name) for name in order]
    row = narrow_row(columns, read_where(text, NOTES).limits, dependencies, NOTED)
    page = Page.of(NOTES, order, row.grammar)
    rows, rejects = page.read([draw_text(row.grammar, Random(at)) for at in range(300)])
    assert not rejects
    assert len({one["note"] for one in rows}) > 100
    if text.startswith("age"):
        assert {one["age"] for one in rows} >= {31, 49, 51, 99}
        assert all(one["age"] > 30 and one["age"] != 50 for one in rows)
    if text.startswith("state"):
        assert {one["state"] for one in rows} == {"i"}
        assert {one["bird"] for one in rows} == ({"owl"} if dependencies else {"owl", "hen"})


def test_an_empty_cell_alone() -> None:
    row = narrow_row(list(SCHEMA.columns), read_where("c is null", SCHEMA).limits, None, table_of(SCHEMA, []))
    assert isinstance(row, Row)
    assert row.grammar.parts[4] == Fixed("")


def test_limits_tell_cells_apart() -> None:
    cells = pa.chunked_array([pa.array([0, 1, 2, 3, None], pa.int64())])
    for text, wanted in {
        "c > 1": [0, 0, 1, 1, 0],
        "c is null": [0, 0, 0, 0, 1],
        "c not in (1, 3)": [1, 0, 1, 0, 0],
        "c in (1, 3)": [0, 1, 0, 1, 0],
    }.items():
        mask = limit_mask(SCHEMA.column("c"), read_where(text, SCHEMA).limits["c"], cells)
        assert mask.tolist() == [bool(one) for one in wanted]
