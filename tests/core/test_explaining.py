"""Explanations: they go round through JSON, and hold together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from localsynth.core.explaining import Curve, Explanation, Facts, Graph, Link, Series, Step, Steps
from localsynth.core.ordering import circles

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBERS = st.floats(-1e100, 1e100)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    nodes = draw(st.lists(WORDS, min_size=1, max_size=6, unique=True))
    ends = st.sampled_from(nodes)
    links = draw(st.lists(st.builds(Link, source=ends, target=ends, why=WORDS), max_size=8))
    found = circles(nodes, [(one.source, one.target) for one in links])
    return Graph(
        title=draw(WORDS), caption=draw(WORDS), nodes=tuple(nodes), links=tuple(links), components=found
    )


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    points = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=5).map(
        lambda some: tuple(sorted(some))
    )
    series = draw(st.lists(st.builds(Series, name=WORDS, points=points), min_size=1, max_size=3))
    marked = draw(st.none() | st.sampled_from([x for x, _ in series[0].points]))
    return Curve(
        title=draw(WORDS), x=draw(WORDS), y=draw(WORDS), series=tuple(series), marked=marked, mark=draw(WORDS)
    )


PARTS = st.one_of(
    st.builds(
        Facts,
        title=WORDS,
        caption=WORDS,
        facts=st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=3).map(tuple),
    ),
    st.builds(
        Steps,
        title=WORDS,
        caption=WORDS,
        steps=st.lists(st.builds(Step, name=WORDS, why=WORDS), min_size=1, max_size=4).map(tuple),
    ),
    graphs(),
    curves(),
)
EXPLANATIONS = st.builds(Explanation, parts=st.lists(PARTS, max_size=4).map(tuple))


@given(EXPLANATIONS)
def test_json_goes_round(told: Explanation) -> None:
    assert Explanation.model_validate_json(told.model_dump_json()) == told


def test_a_part_keeps_its_kind() -> None:
    told = Explanation(
        parts=(Steps(title="order", steps=(Step(name="a"), Step(name="b", why="a determines it"))),)
    )
    text = told.model_dump_json()
    assert '"kind":"steps"' in text
    (part,) = Explanation.model_validate_json(text).parts
    assert isinstance(part, Steps)
    assert part.steps[1].why == "a determines it"


def test_a_graph_holds_together() -> None:
    graph = Graph(title="", nodes=("a", "b", "c"), links=(Link(source="b", target="a"),))
    assert graph.alone == ("c",)
    with pytest.raises(ValidationError, match="no node is called 'x'"):
        Graph(title="", nodes=("a",), links=(Link(source="a", target="x"),))
    with pytest.raises(ValidationError, match="no node is called 'x'"):
        Graph(title="", nodes=("a",), components=(("a", "x"),))
    with pytest.raises(ValidationError, match="named twice"):
        Graph(title="", nodes=("a", "a"))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e101])
def test_a_curve_is_of_numbers_that_can_be_drawn(value: float) -> None:
    with pytest.raises(ValidationError):
        Series(name="", points=((1.0, value),))


def test_circles_are_sets_that_lead_to_each_other() -> None:
    edges = [("a", "b"), ("b", "c"), ("c", "b"), ("d", "e"), ("e", "f"), ("f", "d"), ("c", "d")]
    assert circles("abcdef", edges) == (("b", "c"), ("d", "e", "f"))
    assert circles("fedcba", edges) == (("f", "e", "d"), ("c", "b"))
    assert circles("abc", [("a", "b"), ("b", "c"), ("a", "c")]) == ()
