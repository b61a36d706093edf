"""Graphs are checked whoever wrote them, and no sequence of moves leads to a cycle."""

from __future__ import annotations

import json
from graphlib import TopologicalSorter
from itertools import product
from typing import Any, Literal, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.methods.mallm_gan.graph import Graph, Move, distance

NAMES = ("smoke", "lung", "bronc", "dysp")
GRAPH = Graph.of(NAMES, [("bronc", "dysp"), ("lung", "dysp"), ("smoke", "bronc"), ("smoke", "lung")])
Kind = Literal["add", "remove", "reverse"]


def entries(**parents: Any) -> dict[str, Any]:
    return {name: {"parents": parents.get(name, [])} for name in NAMES}


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Any graph of up to six variables: edges along a drawn order."""
    names = draw(st.lists(st.text(max_size=4), min_size=1, max_size=6, unique=True))
    along = draw(st.permutations(names))
    pairs = [(along[at], effect) for there, effect in enumerate(along) for at in range(there)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return Graph.of(names, chosen)


def test_edges_and_parents_are_in_the_order_of_the_table() -> None:
    assert GRAPH.parents == {"smoke": (), "lung": ("smoke",), "bronc": ("smoke",), "dysp": ("lung", "bronc")}
    assert GRAPH.edges == (("smoke", "lung"), ("smoke", "bronc"), ("lung", "dysp"), ("bronc", "dysp"))
    assert Graph.of(NAMES, reversed(GRAPH.edges)) == GRAPH
    assert hash(Graph.of(NAMES, reversed(GRAPH.edges))) == hash(GRAPH)
    assert Graph.of(NAMES, GRAPH.edges[1:]) != GRAPH


def test_what_is_asked_for_comes_first_as_far_as_its_causes_allow() -> None:
    assert GRAPH.order() == ("smoke", "lung", "bronc", "dysp")
    assert GRAPH.order(["bronc"]) == ("smoke", "bronc", "lung", "dysp")
    assert GRAPH.order(["dysp", "no such", "bronc"]) == ("smoke", "bronc", "lung", "dysp")
    assert Graph.of(NAMES).order(["dysp", "lung"]) == ("dysp", "lung", "smoke", "bronc")
    assert Graph.of(NAMES, [("dysp", "smoke")]).order() == ("lung", "bronc", "dysp", "smoke")


def test_it_is_written_as_the_released_code_does() -> None:
    assert GRAPH.dump() == entries(lung=["smoke"], bronc=["smoke"], dysp=["lung", "bronc"])
    assert Graph.load(NAMES, entries(dysp=["bronc", "lung"], lung=["smoke"], bronc=["smoke"])) == GRAPH


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([], "must be an object"),
        ("smoke -> lung", "must be an object"),
        ({**entries(), "age": {"parents": []}}, "no variable called 'age'"),
        ({**entries(), "": {"parents": []}}, "no variable called ''"),
        ({"smoke": {"parents": []}}, "'lung' is missing"),
        ({**entries(), "lung": ["smoke"]}, "'lung' must be an object"),
        ({**entries(), "lung": {"parents": ["smoke"], "why": "x"}}, "'lung' must be an object"),
        ({**entries(), "lung": {"parents": "smoke"}}, "'lung' must be an object"),
        (entries(lung=[1]), "'lung' must be an object"),
        (entries(lung=["age"]), "'lung' has a parent 'age', and there is no variable of that name"),
        (entries(lung=["lung"]), "'lung' is its own parent"),
        (entries(lung=["smoke", "smoke"]), "'lung' has the parent 'smoke' twice"),
        (entries(lung=["smoke", "bronc", "dysp"]), "'lung' has 3 parents, and may have 2 at most"),
        (entries(smoke=["lung"], lung=["smoke"]), "has a cycle: smoke -> lung -> smoke"),
        (
            entries(dysp=["bronc"], lung=["dysp"], bronc=["lung"], smoke=["dysp"]),
            "has a cycle: lung -> bronc -> dysp -> lung",
        ),
    ],
)
def test_a_wrong_graph_is_refused_in_words(data: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Graph.load(NAMES, data, most=2)


def test_wrong_edges_are_refused() -> None:
    for edges, said in (
        ([("smoke", "age")], "no variable called 'age'"),
        ([("age", "smoke")], "'smoke' has a parent 'age'"),
        ([("smoke", "lung"), ("smoke", "lung")], "twice"),
        ([("smoke", "lung"), ("lung", "bronc"), ("bronc", "smoke")], "smoke -> lung -> bronc -> smoke"),
    ):
        with pytest.raises(ValueError, match=said):
            Graph.of(NAMES, edges)
    with pytest.raises(ValueError, match="two variables called 'a'"):
        Graph.of(("a", "b", "a"))


def test_moves_change_one_edge() -> None:
    assert GRAPH.after(Move("add", "smoke", "dysp")).parents["dysp"] == ("smoke", "lung", "bronc")
    assert GRAPH.after(Move("remove", "lung", "dysp")).parents["dysp"] == ("bronc",)
    turned = GRAPH.after(Move("reverse", "lung", "dysp"))
    assert (turned.parents["dysp"], turned.parents["lung"]) == (("bronc",), ("smoke", "dysp"))
    assert Move("reverse", "lung", "dysp").words == "reverse lung -> dysp"


@pytest.mark.parametrize(
    ("move", "said"),
    [
        (Move("add", "smoke", "lung"), "smoke -> lung is there already"),
        (Move("add", "lung", "smoke"), "smoke -> lung is there already"),
        (Move("add", "dysp", "smoke"), "cycle: smoke -> lung -> dysp -> smoke"),
        (Move("add", "lung", "lung"), "its own parent"),
        (Move("add", "age", "lung"), "no variable called 'age'"),
        (Move("add", "smoke", "dysp"), "'dysp' has 3 parents"),
        (Move("remove", "lung", "smoke"), "no edge lung -> smoke"),
        (Move("reverse", "dysp", "lung"), "no edge dysp -> lung"),
        (Move("reverse", "smoke", "age"), "no variable called 'age'"),
    ],
)
def test_moves_that_cannot_be_made_are_refused(move: Move, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        GRAPH.after(move, most=2)


def test_an_edge_that_has_a_way_beside_it_cannot_be_reversed() -> None:
    graph = GRAPH.after(Move("add", "smoke", "dysp"))
    with pytest.raises(ValueError, match="cycle"):
        graph.after(Move("reverse", "smoke", "dysp"))
    assert Move("reverse", "smoke", "dysp") not in graph.moves()
    assert Move("reverse", "lung", "dysp") in graph.moves()


@given(graphs(), st.integers(0, 3))
def test_the_moves_are_those_that_can_be_made(graph: Graph, most: int) -> None:
    def works(move: Move) -> bool:
        try:
            graph.after(move, most)
        except ValueError:
            return False
        return True

    every = [Move(kind, a, b) for a, b in product(graph.names, repeat=2) for kind in get_args(Kind)]
    found = graph.moves(most)
    assert set(found) == {move for move in every if works(move)}
    assert len(set(found)) == len(found)


@given(graphs(), st.lists(st.integers(0, 10**6), max_size=25))
def test_no_sequence_of_moves_makes_a_cycle(graph: Graph, choices: list[int]) -> None:
    for choice in choices:
        if not (moves := graph.moves()):
            break
        before, graph = graph, graph.after(move := moves[choice % len(moves)])
        assert distance(before, graph) == 1
        assert (move.cause, move.effect) in {*before.edges, *graph.edges}
    # Found by the standard library, which raises where there is a cycle.
    assert set(TopologicalSorter(graph.parents).static_order()) == set(graph.names)


@given(graphs(), st.data())
def test_an_order_has_all_and_breaks_no_edge(graph: Graph, data: st.DataObject) -> None:
    first = data.draw(st.lists(st.sampled_from(graph.names)))
    order = graph.order(first)
    assert sorted(order) == sorted(graph.names)
    assert all(order.index(cause) < order.index(effect) for cause, effect in graph.edges)
    if first and not graph.parents[first[0]]:
        assert order[0] == first[0]


@given(graphs())
def test_what_is_written_is_read_back(graph: Graph) -> None:
    again = Graph.load(graph.names, json.loads(json.dumps(graph.dump())), most=5)
    assert again == graph
    assert Graph.of(graph.names, graph.edges) == graph


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(NAMES)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from((*NAMES, "parents")), inner),
)
ALMOST = st.fixed_dictionaries(
    {
        name: st.fixed_dictionaries({"parents": st.lists(st.sampled_from(NAMES), max_size=4) | JSON})
        for name in NAMES
    }
)


@given(JSON | ALMOST)
def test_whatever_is_read_is_a_graph_or_refused(data: Any) -> None:
    try:
        graph = Graph.load(NAMES, data)
    except ValueError:
        pass
    else:
        assert {name: set(entry["parents"]) for name, entry in data.items()} == {
            name: set(parents) for name, parents in graph.parents.items()
        }
        assert max(map(len, graph.parents.values())) <= 3


def test_distance_counts_pairs() -> None:
    other = Graph.of(NAMES, [("lung", "smoke"), ("bronc", "dysp"), ("smoke", "bronc"), ("smoke", "dysp")])
    # smoke - lung turned round, lung -> dysp missing, smoke -> dysp too many.
    assert distance(GRAPH, other) == distance(other, GRAPH) == 3
    assert distance(GRAPH, GRAPH) == 0
    assert distance(GRAPH, Graph.of(NAMES)) == 4
    with pytest.raises(ValueError, match="different variables"):
        distance(GRAPH, Graph.of(NAMES[:3]))
