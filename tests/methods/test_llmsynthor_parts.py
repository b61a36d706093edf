"""Pieces of LLMSynthor: labels, groups and their grammar, the ledger, triples, what is watched and drawn."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.align.shrinking import shrunk
from localsynth.align.swap import Table as Wanted
from localsynth.align.triples import candidates, interaction, with_interacting
from localsynth.core.columns import CategoricalColumn, Column, DateColumn, FloatColumn
from localsynth.core.contracts import Message, SampleRequest, Sampling
from localsynth.core.errors import ContextTooSmall
from localsynth.core.grammar import max_length
from localsynth.core.schema import Schema
from localsynth.core.targets import Axis, Margin, Statistics, Table
from localsynth.engine.regex import fullmatch
from localsynth.engine.uniform import UniformEngine
from localsynth.methods.llmsynthor.describe import answer_tokens, gap_line
from localsynth.methods.llmsynthor.groups import ask_groups, grammar_of_groups, read_groups, vote
from localsynth.methods.llmsynthor.ledger import Ledger
from localsynth.methods.llmsynthor.picking import neediest
from localsynth.methods.llmsynthor.proposals import Choices, Proposal, draw, proposal_grammar, read_proposals
from localsynth.methods.llmsynthor.spelling import key, labels
from localsynth.methods.llmsynthor.watch import Joint, Variable, Watch
from tests.methods.support import FakeAsk

AGE = {"name": "age", "kind": "integer", "range": [18, 90]}
SEX = {"name": "sex", "kind": "categorical", "categories": ["F", "M"]}
DATE = {"name": "day", "kind": "date", "range": ["2024-01-01", "2024-12-31"], "nullable": True}
SCHEMA = Schema.model_validate({"columns": [AGE, SEX, DATE]})
DAY = SCHEMA.column("day")
assert isinstance(DAY, DateColumn)
FIRST = DAY.range[0].toordinal()
MARGINS = (
    Margin(Axis("age", edges=(18, 34, 91)), (0.5, 0.5), 100, ((18, 22, 33), (34, 50, 90))),
    Margin(Axis("sex", labels=(("F",), ("M",))), (0.6, 0.4), 100),
    Margin(Axis("day", edges=(FIRST, FIRST + 100, FIRST + 366), missing=True), (0.3, 0.5, 0.2), 100),
)


# --- labels ---------------------------------------------------------------------------------------------------------


def test_cells_are_written_as_people_read_them() -> None:
    assert labels(SCHEMA.column("age"), MARGINS[0].axis) == ("18 to 33", "34 to 90")
    assert labels(DAY, MARGINS[2].axis) == ("2024-01-01 to 2024-04-09", "2024-04-10 to 2024-12-31", "missing")
    price = FloatColumn(name="p", range=(0, 2), decimals=2)
    assert labels(price, Axis("p", edges=(0, 50, 51, 201))) == ("0.00 to 0.49", "0.50", "0.51 to 2.00")


@given(st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=8, unique=True), st.booleans())
def test_labels_can_be_told_apart_and_read_back(words: list[str], missing: bool) -> None:
    column: Column = CategoricalColumn(name="x", categories=dict.fromkeys(["missing", *words], ""))
    values = list(dict.fromkeys(["missing", *words]))
    found = labels(column, Axis("x", labels=tuple((word,) for word in values), missing=missing))
    assert len({key(text) for text in found}) == len(values) + missing
    assert all("\n" not in text for text in found)


# --- groups ---------------------------------------------------------------------------------------------------------

NAMES = ["a", "b c", 'd"e', "f", "g"]


@given(st.integers(2, 5), st.integers(1, 4), st.integers(2, 5), st.integers(0, 1000))
def test_named_groups_are_what_was_asked_for(columns: int, most: int, largest: int, seed: int) -> None:
    names = NAMES[:columns]
    grammar = grammar_of_groups(names, most, min(largest, columns))
    request = SampleRequest((Message("user", ""),), grammar, 5, seed=seed)
    (sample,), _ = UniformEngine().sample([request])
    for text in sample.texts:
        assert fullmatch(grammar, text)
        raw = json.loads(text)
        assert 1 <= len(raw) <= most
        for group in raw.values():
            assert 2 <= len(group) <= largest
            assert set(group) <= set(names)
            assert len(set(group)) == len(group)  # so few columns: the grammar itself keeps them different


def test_a_long_list_keeps_the_grammar_small_and_repeats_are_left_out() -> None:
    names = [f"column {i}" for i in range(200)]
    grammar = grammar_of_groups(names, 3, 3)
    (sample,), _ = UniformEngine().sample([SampleRequest((Message("user", ""),), grammar, 50, seed=1)])
    for text in sample.texts:
        for group in read_groups(text):
            assert len(group) >= 2
            assert len(set(group)) == len(group)
    assert read_groups('{"1": ["a", "a"], "2": ["a", "b", "a"], "3": ["b", "a"]}') == [("a", "b")]


def test_votes_count_groups_whatever_their_order() -> None:
    answers = [[("b", "a")], [("a", "b"), ("b", "c")], [("c", "b", "a")]]
    assert vote(answers, ["a", "b", "c"], 2) == [(("a", "b"), 2), (("b", "c"), 1)]


def test_a_context_too_small_for_the_names_is_told_with_numbers() -> None:
    columns = [SCHEMA.column(name) for name in SCHEMA.names]
    with pytest.raises(ContextTooSmall, match=r"3 columns.*\d+ tokens.*120"):
        ask_groups(SCHEMA, columns, FakeAsk(120), Sampling(), most=3, largest=3, samples=1, seed=1)


# --- gaps -----------------------------------------------------------------------------------------------------------


def test_guidance_names_what_is_missed_most() -> None:
    gaps = np.array([0.1, -0.2, 0.25, 0.0001])
    assert gap_line("sex", ["F", "M", "X", "Y"], gaps, 3) == "- sex: X 25.0%; F 10.0%"
    assert gap_line("sex", ["F", "M", "X", "Y"], -np.abs(gaps), 3) == ""


def ledger() -> Ledger:
    """Ten rows of a (7, 3) and b (4, 6), and their joint table."""
    a, b = np.array([7.0, 3.0]), np.array([4.0, 6.0])
    return Ledger([Wanted((0,), a), Wanted((1,), b), Wanted((0, 1), np.array([[4.0, 3.0], [0.0, 3.0]]))], 10)


def test_plans_are_taken_as_far_as_their_tightest_cell_has_room() -> None:
    books = ledger()
    plans = np.array([[0, 0], [0, 1], [1, 0]], np.int32)
    taken = books.accept(plans, np.array([9, 2, 9]), 10)
    # (0, 0) lacks 4; of (0, 1) no more were offered than 2; (1, 0) lacks none in the joint table, but its margins do.
    assert taken[:2].tolist() == [4, 2]
    assert books.gaps(2).tolist()[0] == [0.0, 1.0]
    assert taken[2] == 0  # b's first cell is full by then: it would raise two gaps and lower one
    assert ledger().accept(plans, np.array([9, 9, 9]), 3).sum() == 3


def test_a_plan_that_leaves_a_column_open_touches_only_its_tables() -> None:
    books = ledger()
    cells = books.cells(np.array([[0, -1]], np.int32))
    books.add(cells[0], 2)
    assert books.gaps(0).tolist() == [5.0, 3.0]
    assert books.gaps(1).tolist() == [4.0, 6.0]
    assert books.gaps(2).tolist() == [[4.0, 3.0], [0.0, 3.0]]


def test_tables_may_be_coarser_than_base_cells() -> None:
    coarse = Wanted((0, 1), np.array([[6.0], [4.0]]), (np.array([0, 0, 1]), np.array([0, 0])))
    books = Ledger([Wanted((0,), np.array([3.0, 3.0, 4.0])), Wanted((1,), np.array([5.0, 5.0])), coarse], 10)
    assert books.cells(np.array([[1, 1], [2, 0]], np.int32))[:, 2].tolist() == [5, 6]
    books.add(books.cells(np.array([[0, 0]], np.int32))[0], 2)
    assert books.fullest_cells(2, 0) == [1, 1]


@given(st.integers(0, 10_000), st.integers(1, 40))
def test_taking_plans_never_raises_the_sum_of_gaps(seed: int, room: int) -> None:
    rng = np.random.default_rng(seed)
    joint = rng.random((3, 4)) * 5
    tables = [Wanted((0,), joint.sum(1)), Wanted((1,), joint.sum(0)), Wanted((0, 1), joint)]
    books = Ledger(tables, round(joint.sum()))
    before = books.distance()
    plans = np.stack([rng.integers(-1, 3, 30), rng.integers(-1, 4, 30)], axis=1).astype(np.int32)
    offered = rng.integers(1, 9, 30)
    taken = books.accept(plans, offered, room)
    assert books.distance() <= before + 1e-9
    assert taken.sum() <= room
    assert (taken <= offered).all()
    again = Ledger(tables, books.rows)
    for cells, count in zip(again.cells(plans), taken.tolist(), strict=True):
        again.add(cells, count)
    assert np.allclose(again.gap[:-1], books.gap[:-1])


# --- triples --------------------------------------------------------------------------------------------------------


def statistics_of(counts: np.ndarray[Any, Any]) -> Statistics:
    """Margins, pairs and the triple of x, y, z."""
    names, total = ("x", "y", "z"), float(counts.sum())
    axes = [
        Axis(name, labels=tuple((str(i),) for i in range(size)))
        for name, size in zip(names, counts.shape, strict=True)
    ]
    shares = counts / total
    others = [tuple(o for o in range(3) if o != at) for at in range(3)]
    pairs = [(0, 1), (0, 2), (1, 2)]
    return Statistics(
        tuple(Margin(axes[at], tuple(shares.sum(others[at])), total) for at in range(3)),
        (
            *(Table((axes[a], axes[b]), tuple(shares.sum(3 - a - b).ravel()), total) for a, b in pairs),
            Table(tuple(axes), tuple(shares.ravel()), total),
        ),
    )


def test_an_interaction_of_three_is_told_from_three_pairs() -> None:
    parity = np.zeros((2, 2, 2))
    for x, y in product(range(2), range(2)):
        parity[x, y, x ^ y] = 100
    alone = np.multiply.outer(np.multiply.outer([60, 40], [0.5, 0.5]), [0.3, 0.7]) * 4
    chain = np.zeros((2, 2, 2))  # z follows y, y follows x: pairs explain it
    for x, y, z in product(range(2), repeat=3):
        chain[x, y, z] = 200 * (0.9 if x == y else 0.1) * (0.8 if y == z else 0.2)
    assert interaction(statistics_of(parity).tables[-1]) > 50
    assert abs(interaction(statistics_of(alone).tables[-1])) < 1
    assert abs(interaction(statistics_of(chain).tables[-1])) < 1
    # 8 rows cannot tell
    assert interaction(statistics_of(parity / 100).tables[-1]) < 10


def test_only_triples_that_hold_more_than_pairs_are_kept() -> None:
    parity = np.zeros((2, 2, 2))
    chain = parity.copy()
    for x, y, z in product(range(2), repeat=3):
        parity[x, y, z] = 200 * (0.9 if z == (x ^ y) else 0.1)
        chain[x, y, z] = 200 * (0.9 if x == y else 0.1) * (0.8 if y == z else 0.2)
    triple = ("x", "y", "z")
    assert len(with_interacting(statistics_of(parity), [triple], 5).tables) == 4
    assert len(with_interacting(statistics_of(chain), [triple], 5).tables) == 3
    assert len(with_interacting(statistics_of(parity), [triple], 0).tables) == 3
    # not one of the triples asked for: somebody else wanted it
    assert len(with_interacting(statistics_of(chain), [], 5).tables) == 4
    assert candidates(statistics_of(chain), 5) == [triple]
    assert candidates(statistics_of(parity), 5) == []  # no pair of it depends
    assert candidates(statistics_of(chain / 40), 5) == []  # 10 rows for 8 cells


# --- what is watched ------------------------------------------------------------------------------------------------


def test_the_bin_that_lacks_most_is_told_in_eight_parts() -> None:
    variable = Variable(SCHEMA.column("age"), MARGINS[0])
    spans, words, gaps = variable.cells()
    assert spans[0] == (18, 19)
    assert words[0] == "18 to 19"
    assert spans[-1] == (34, 90)
    assert len(spans) == 9
    assert gaps[:8].sum() == pytest.approx(0.5)  # sub-bins add up to their bin
    assert gaps[8] == pytest.approx(0.5)
    # Half of the bin lies between 17.5 and 22, evenly: 18 and 19 have two of these four and a half steps.
    assert gaps[0] == pytest.approx(0.25 * 2 / 4.5, rel=0.1)
    variable.count(pa.chunked_array([pa.array([20] * 3 + [60], pa.int64())]))
    spans, _, gaps = variable.cells()
    assert spans[0] == (18, 33)
    assert gaps[0] == pytest.approx(0.5 - 0.75)
    assert spans[1] == (34, 40)
    assert gaps.sum() == pytest.approx(0)


def test_joint_cells_are_counted_and_named() -> None:
    table = Table((Axis("age", edges=(18, 50, 91)), MARGINS[1].axis), (0.4, 0.1, 0.2, 0.3), 100)
    joint = Joint(SCHEMA, table)
    assert joint.gaps().tolist() == [0.4, 0.1, 0.2, 0.3]
    joint.count(pa.table({"age": [20, 60, 60, 49], "sex": ["F", "M", "M", "F"]}))
    assert joint.gaps() == pytest.approx([0.4 - 0.5, 0.1, 0.2, 0.3 - 0.5])
    assert joint.labels([2]) == ["age = 50 to 90 & sex = F"]


def test_a_watch_goes_round() -> None:
    statistics = Statistics(MARGINS, (Table((MARGINS[0].axis, MARGINS[1].axis), (0.25,) * 4, 100),))
    watch = Watch(SCHEMA, statistics, [("sex", "age"), ("age", "day")])  # of the second there is no table
    assert [joint.names for joint in watch.joints] == [("age", "sex")]
    watch.count(pa.table({"age": [20, 60], "sex": ["F", "M"], "day": pa.array([None, None], pa.date32())}))
    data = json.loads(json.dumps(watch.dump()))
    other = Watch(SCHEMA, statistics, [("sex", "age")])
    other.load(data)
    assert other.dump() == watch.dump()
    with pytest.raises((KeyError, ValueError)):
        Watch(SCHEMA, Statistics(MARGINS[:1], ()), []).load(data)


# --- proposals ------------------------------------------------------------------------------------------------------


def choices() -> list[Choices]:
    return [Choices.of(Variable(SCHEMA.column(margin.axis.column), margin), 50) for margin in MARGINS]


def test_a_range_lies_between_edges_and_everything_can_be_read_back() -> None:
    options = choices()
    assert options[0].options["[18, 33]"] == (18, 33)
    assert "[19, 33]" not in options[0].options
    assert options[1].options == {'"F"': ("F",), '"M"': ("M",)}
    assert options[2].options["null"] is None
    assert options[2].options['["2024-01-01", "2024-12-31"]'] == (FIRST, FIRST + 365)
    grammar = proposal_grammar(options, 5, 20, 60)
    (sample,), _ = UniformEngine().sample([SampleRequest((Message("user", ""),), grammar, 20, seed=3)])
    for text in sample.texts:
        proposals = read_proposals(text, options)
        assert len(proposals) == 5
        assert all(1 <= proposal.num <= 20 and len(proposal.reason) <= 60 for proposal in proposals)
        assert len(text.encode()) <= max_length(grammar)
        assert answer_tokens(grammar, FakeAsk()) > len(text) / 5


def test_rows_are_drawn_inside_their_ranges_and_never_too_many() -> None:
    options = choices()
    proposals = [
        Proposal({"age": (18, 33), "sex": ("F",), "day": None}, 30, ""),
        Proposal({"age": (34, 34), "sex": ("M",), "day": (FIRST, FIRST)}, 10, ""),
    ]
    rows = draw(proposals, options, 100, np.random.default_rng(1))
    ages = rows["age"].to_pylist()
    assert len(ages) == 40
    assert min(ages[:30]) == 18
    assert max(ages[:30]) == 33
    assert rows["sex"].to_pylist() == ["F"] * 30 + ["M"] * 10
    assert rows["day"].to_pylist() == [None] * 30 + [DAY.range[0]] * 10
    # Four times too many were proposed: both get a quarter.
    fewer = draw(proposals, options, 10, np.random.default_rng(1))
    assert fewer["sex"].to_pylist().count("F") in (7, 8)
    assert len(fewer["sex"]) == 10


# --- shrinking ------------------------------------------------------------------------------------------------------


def pair(counts: list[list[float]], names: tuple[str, str] = ("x", "y"), *, why: str = "strongest") -> Table:
    array = np.array(counts, float)
    axes = [
        Axis(name, labels=tuple((str(i),) for i in range(size)))
        for name, size in zip(names, array.shape, strict=True)
    ]
    return Table(tuple(axes), tuple((array / array.sum()).ravel().tolist()), float(array.sum()), why)


def given_to(*tables: Table) -> Statistics:
    axes = {axis.column: axis for table in tables for axis in table.axes}
    return Statistics(
        tuple(Margin(axis, (1 / axis.size,) * axis.size, 100) for axis in axes.values()), tables
    )


def test_dependence_that_chance_explains_is_gone_and_strong_dependence_stays() -> None:
    weak, strong = pair([[26, 24], [24, 26]]), pair([[90, 10], [10, 90]])
    gone, kept = (shrunk(given_to(table), None).tables[0].shares for table in (weak, strong))
    assert gone == pytest.approx((0.25,) * 4)
    # The likelihood ratio of ((90, 10), (10, 90)) is 2 * 200 * (log 2 - H(0.1)) = 147.2; one of it is chance.
    assert kept[0] == pytest.approx(0.25 + 0.2 * (1 - 1 / 147.2), abs=1e-4)
    assert np.array(kept).reshape(2, 2).sum(0) == pytest.approx([0.5, 0.5])


def test_a_table_of_a_difference_is_shrunk_over_the_cells_that_rows_lie_in() -> None:
    table = pair([[60, 40, 0], [40, 60, 200]])
    before, filled = (
        np.array(one.shares).reshape(2, 3) for one in (table, shrunk(given_to(table), None).tables[0])
    )
    kept = np.array(shrunk(given_to(table), None, differences=("x",)).tables[0].shares).reshape(2, 3)
    assert filled[0, 2] > 0
    assert kept[0, 2] == 0
    assert (kept[before > 0] > 0).all()
    assert kept.sum() == pytest.approx(1)
    # The likelihood ratio has 2 degrees of freedom, and independence holds over five cells instead of six.
    alone = np.where(before > 0, np.outer(before.sum(1), before.sum(0)), 0.0)
    ratio = (
        2 * 400 * sum(p * np.log(p / q) for p, q in zip(before[before > 0], alone[alone > 0], strict=True))
    )
    assert kept == pytest.approx(before * (1 - 2 / ratio) + alone / alone.sum() * 2 / ratio)


def test_tables_of_the_target_and_what_nobody_counted_stay() -> None:
    weak = pair([[26, 24], [24, 26]])
    assert shrunk(given_to(weak), "y").tables[0] == weak
    for origin in ("file", "noisy"):
        statistics = replace(given_to(weak), origin=origin)
        assert shrunk(statistics, None) == statistics
    triple = statistics_of(np.full((2, 2, 2), 10.0))
    assert shrunk(triple, None).tables == triple.tables


def test_a_named_group_that_its_pairs_explain_gives_way_to_them() -> None:
    parity, chain = np.zeros((2, 2, 2)), np.zeros((2, 2, 2))
    for x, y, z in product(range(2), repeat=3):
        parity[x, y, z] = 200 * (0.9 if z == (x ^ y) else 0.1)
        chain[x, y, z] = 200 * (0.9 if x == y else 0.1) * (0.8 if y == z else 0.2)
    for counts, columns in ((parity, {("x", "y", "z")}), (chain, {("x", "y"), ("x", "z"), ("y", "z")})):
        whole = statistics_of(counts)
        alone = replace(whole, tables=whole.tables[-1:])
        found = shrunk(alone, None, [("z", "x", "y")])
        assert {table.columns for table in found.tables} == columns
        assert shrunk(alone, None).tables == alone.tables  # one that nobody named stays
    assert found.tables[0].columns == ("y", "z")
    assert found.tables[0].shares[0] == pytest.approx(0.4, abs=0.01)


def test_the_neediest_rows_are_those_whose_cells_are_wanted() -> None:
    codes = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [1, 1]])
    margins = [np.array([1, 1]), np.array([0, 2])]
    assert sorted(neediest(codes, margins, 2).tolist()) == [2, 3]
    assert neediest(codes, margins, 9).tolist()[:2] == [2, 3]
    assert len(neediest(codes[:0], margins, 3)) == 0
