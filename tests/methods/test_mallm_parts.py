"""Pieces of the game by themselves: theta, gaps, moves, the optimiser's grammar, examples."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.align.counting import Counter, counted
from localsynth.core.contracts import Sampling
from localsynth.engine.uniform import UniformEngine
from localsynth.methods.mallm_gan.climbing import Support
from localsynth.methods.mallm_gan.gaps import Gaps, found_gaps, lifts
from localsynth.methods.mallm_gan.graph import Graph, Move
from localsynth.methods.mallm_gan.moves import borne_out, searched
from localsynth.methods.mallm_gan.optimiser import Tried, optimiser_request, read_proposal
from localsynth.methods.mallm_gan.theta import MOST_WORDS, Theta, canonical
from localsynth.methods.mallm_gan.writer import Shown
from tests.methods.mallm_kit import SCHEMA, people
from tests.methods.targets_kit import targets_of

NAMES = tuple(SCHEMA.names)
GRAPH = Graph.of(NAMES, [("town", "ill"), ("ill", "age")])
TABLE = people(400)
BASE = targets_of(SCHEMA, TABLE).margins(5)


def counter(rows: int = 400, seed: int = 0) -> Counter:
    return Counter.of(SCHEMA, BASE, people(rows, seed))


# --- counting ---------------------------------------------------------------------------------------------------------


def test_counted_margins_are_those_of_the_store() -> None:
    whole = Counter.of(SCHEMA, BASE, TABLE)
    for margin in BASE.margins:
        own = whole.margin(margin.axis.column)
        assert own.shares == pytest.approx(margin.shares)
        assert own.axis == margin.axis
    joint = whole.joint(("town", "ill"))
    rows = TABLE.to_pylist()
    yes = sum(row["town"] == "y" and row["ill"] == "yes" for row in rows) / len(rows)
    labels = [[cell[0] for cell in axis.labels] for axis in joint.axes]
    at = labels[0].index("y") * len(labels[1]) + labels[1].index("yes")
    assert joint.shares[at] == pytest.approx(yes)


def test_counted_holds_the_columns_named() -> None:
    found = counted(counter(), [("age",), ("town", "ill")])
    assert found.columns == ("town", "ill", "age")
    assert [table.columns for table in found.tables] == [("town", "ill")]


def test_a_fold_without_a_rows_cell_still_counts() -> None:
    few = Counter.of(SCHEMA, BASE, TABLE.slice(0, 3))
    assert sum(few.margin("age").shares) == pytest.approx(1)
    assert few.shares(["age", "town"]).sum() == pytest.approx(1)
    assert Counter.of(SCHEMA, BASE, TABLE.slice(0, 0)).shares(["age"]).sum() == pytest.approx(1)


CIRCLE = {
    **{name: {"parents": []} for name in NAMES},
    "town": {"parents": ["ill"]},
    "ill": {"parents": ["town"]},
}


# --- theta ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"focus": [["town", "wealth"]]}, "wealth"),
        ({"focus": [["town", "town"]]}, "different"),
        ({"focus": [["town", "ill", "age"]]}, "two"),
        ({"words": "so " * (MOST_WORDS + 1)}, "121 words"),
        ({"thin": 9.0}, "thin"),
        ({"graph": CIRCLE}, "cycle"),
    ],
)  # fmt: skip
def test_no_theta_of_that_kind(changed: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Theta.load(NAMES, {**Theta(GRAPH).dump(), **changed})


@given(
    st.lists(st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True).map(tuple)),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=60),
    st.sampled_from([0.0, 1.0]),
)
def test_theta_goes_round(groups: list[tuple[str, ...]], words: str, thin: float) -> None:
    theta = Theta(GRAPH, canonical(groups, NAMES), words, thin)
    assert Theta.load(NAMES, json.loads(json.dumps(theta.dump()))) == theta
    assert theta.focused(groups) == theta
    assert hash(theta) == hash(Theta.load(NAMES, theta.dump()))


# --- gaps -------------------------------------------------------------------------------------------------------------


def test_equal_tables_have_no_gap_and_skewed_ones_name_it() -> None:
    one, other = counter(400, 1), counter(400, 2)
    alike = found_gaps(SCHEMA, one, other)
    assert len(alike.worst) <= 4
    skewed = people(400, 2)
    skewed = skewed.filter(
        np.array([row["town"] == "x" or at % 4 == 0 for at, row in enumerate(skewed.to_pylist())])
    )
    gaps = found_gaps(SCHEMA, one, Counter.of(SCHEMA, BASE, skewed))
    assert "town" in gaps.worst[0].columns or "ill" in gaps.worst[0].columns
    assert ("town",) in gaps.groups(1)
    assert ("smokes",) not in gaps.groups(1)
    worst = gaps.worst[0]
    assert (worst.made < worst.real) == (worst.errors < 0) == ("too few" in worst.words)
    again = Gaps.load(json.loads(json.dumps(gaps.dump())))
    assert [gap.words for gap in again.worst] == [gap.words for gap in gaps.worst]
    assert again.groups(2) == gaps.groups(2)


def test_rows_that_are_lacking_are_shown_more_often() -> None:
    real = counter(400, 1)
    without = people(400, 2)
    without = without.filter(np.array([row["ill"] == "no" for row in without.to_pylist()]))
    found = lifts(real, Counter.of(SCHEMA, BASE, without))
    shown = Shown(people(400, 1), real, found)
    ill = np.array([row["ill"] == "yes" for row in people(400, 1).to_pylist()])
    weights = shown.weights(1.0)
    assert weights.sum() == pytest.approx(1)
    assert weights[ill].mean() > 2 * weights[~ill].mean()
    assert shown.weights(0.0).max() == shown.weights(0.0).min()


# --- moves ------------------------------------------------------------------------------------------------------------


def test_the_search_keeps_to_what_rows_bear_out() -> None:
    gaps = found_gaps(SCHEMA, counter(400, 1), Counter.of(SCHEMA, BASE, people(400, 2).slice(0, 40)))
    nothing = searched(Theta(GRAPH), gaps, lambda *_: Support(-5.0, 0.5), "ill", 8)
    assert {one.theta.graph for one in nothing} >= {GRAPH}
    assert all(len(one.theta.graph.edges) <= 2 for one in nothing), "no edge is added that nothing speaks for"
    assert len({one.theta for one in nothing}) == len(nothing)
    assert Theta(GRAPH) not in [one.theta for one in nothing]
    assert len(searched(Theta(GRAPH), gaps, lambda *_: Support(-5.0, 0.5), "ill", 2)) == 2


@pytest.mark.parametrize(
    ("kind", "gain", "p", "borne"),
    [
        ("add", 1.0, 0.5, True), ("add", -9.0, 1e-5, True), ("add", -1.0, 0.2, False),
        ("remove", -4.0, 1e-9, False), ("remove", 2.0, 0.01, True), ("remove", -1.0, 0.6, True),
        ("reverse", -0.5, 0.0, True), ("reverse", -30.0, 0.0, False),
    ],
)  # fmt: skip
def test_borne_out(kind: str, gain: float, p: float, borne: bool) -> None:
    assert borne_out(Move(kind, "town", "ill"), Support(gain, p)) is borne  # type: ignore[arg-type]


# --- the optimiser ----------------------------------------------------------------------------------------------------


@given(st.integers(0, 10_000))
def test_whatever_the_grammar_allows_is_a_theta(seed: int) -> None:
    gaps = found_gaps(SCHEMA, counter(400, 1), Counter.of(SCHEMA, BASE, people(400, 2).slice(0, 60)))
    theta = Theta(GRAPH, words="Be careful.")
    request = optimiser_request(
        theta, [Tried(theta, 0.5)], gaps, ("age",), ("the rule is broken",), {}, Sampling(), seed
    )
    (sample,), _ = UniformEngine().sample([request])
    if len(json.loads(sample.texts[0])["guidance"].split()) > MOST_WORDS:  # the grammar counts characters
        return
    proposal = read_proposal(sample.texts[0], theta, gaps, lambda *_: Support(1.0, 0.0))
    assert proposal.author == "model"
    order = proposal.theta.graph.order()
    assert sorted(order) == sorted(NAMES)
    assert Theta.load(NAMES, proposal.theta.dump()) == proposal.theta


def test_what_rows_do_not_bear_out_is_left_out_and_said() -> None:
    gaps = Gaps((), {})
    theta = Theta(GRAPH)
    parents = {"town": [], "ill": ["town"], "age": ["ill", "smokes"], "smokes": []}
    text = json.dumps({"attend": [], "parents": parents, "guidance": "x"})
    left = read_proposal(text, theta, gaps, lambda *_: Support(-9.0, 0.9))
    assert left.theta.graph == GRAPH
    assert "1 changes of the graph left out" in left.move
    taken = read_proposal(text, theta, gaps, lambda *_: Support(9.0, 0.0))
    assert ("smokes", "age") in taken.theta.graph.edges
    assert "add smokes -> age" in taken.move


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"attend": [9], "parents": {}, "guidance": "x"}', "null", '{"attend": 3}']
)
def test_an_answer_that_is_none_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of several kinds
        read_proposal(text, Theta(GRAPH), Gaps((), {}), lambda *_: Support(1.0, 0.0))


def test_hostile_names_stay_names() -> None:
    names = ('a "b"', "[red]c[/]", "select\n1", "d,e")
    theta = Theta(Graph.of(names, [(names[0], names[1])]))
    request = optimiser_request(theta, [Tried(theta, 0.5)], Gaps((), {}), (), (), {}, Sampling(), 3)
    (sample,), _ = UniformEngine().sample([request])
    proposal = read_proposal(sample.texts[0], theta, Gaps((), {}), lambda *_: Support(1.0, 0.0))
    assert set(proposal.theta.graph.names) == set(names)
