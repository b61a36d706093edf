"""The order of columns: edges kept, circles told, every column once, and why."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.core.errors import NotFound, SchemaError
from localsynth.core.ordering import order_columns, orders
from localsynth.core.schema import Dependency


def depends(*texts: str) -> list[Dependency]:
    """``"a b -> c"``."""
    return [
        Dependency(determinant=tuple(left.split()), dependent=right.strip())
        for left, right in (text.split("->") for text in texts)
    ]


LOCATION = depends("state -> bird", "lat -> lat_zone", "lat lon -> state", "lat lon -> bird")


def test_location_stands_as_published() -> None:
    names = ("lat", "lon", "lat_zone", "bird", "state")
    made = order_columns(names, LOCATION, cardinality={"lat": 36, "lon": 90, "state": 21})
    assert made.order == ("state", "bird", "lat", "lon", "lat_zone")
    assert {(edge.before, edge.after) for edge in made.edges} == {
        ("state", "bird"),
        ("lat", "lat_zone"),
        ("state", "lat"),
        ("state", "lon"),
        ("bird", "lat"),
        ("bird", "lon"),
    }
    assert made.components == ()
    assert made.placed["bird"] == "state determines it"
    assert "together with lon" in made.placed["lat"]


def test_a_circle_stands_together_the_smaller_first() -> None:
    made = order_columns(
        ("age", "education-num", "education", "income"),
        depends("education -> education-num", "education-num -> education"),
        {frozenset(("income", "education")): 0.1, frozenset(("age", "education")): 0.05},
        {"education": 16, "education-num": 15, "age": 70, "income": 2},
        target="income",
    )
    assert made.order == ("education-num", "education", "age", "income")
    assert made.components == (("education-num", "education"),)
    assert made.placed["income"] == "the target"
    assert made.placed["age"] == "no dependency; most like education (0.05)"


def test_columns_without_dependencies_are_appended_by_likeness_then_size() -> None:
    made = order_columns(
        ("a", "b", "c", "d", "longitude", "latitude", "ocean"),
        depends("longitude latitude -> ocean"),
        {
            frozenset(("a", "ocean")): 0.2,
            frozenset(("b", "a")): 0.9,
            frozenset(("c", "ocean")): 0.1,
            frozenset(("d", "ocean")): 0.1,
        },
        {"a": 9, "b": 9, "c": 5, "d": 4, "longitude": 80, "latitude": 90, "ocean": 5},
    )
    assert made.order == ("ocean", "longitude", "latitude", "a", "b", "d", "c")


def test_a_dependent_follows_its_determinant_at_once() -> None:
    found = depends("zip -> city", "city -> country", "zip -> country", "brand -> maker")
    made = order_columns(
        ("maker", "country", "brand", "city", "zip"), found, cardinality={"zip": 9, "brand": 3}
    )
    assert made.order == ("brand", "maker", "zip", "city", "country")
    assert made.placed["country"] == "city and zip determine it"


def test_the_target_stands_last_unless_others_hang_on_it_or_it_is_wanted_first() -> None:
    names = ("y", "a", "b")
    assert order_columns(names, target="y").order == ("a", "b", "y")
    assert order_columns(names, target="y", first="y").order == ("y", "a", "b")
    assert order_columns(names, depends("y -> a"), target="y").order == ("b", "y", "a")


def test_by_hand_comes_before_everything() -> None:
    names = ("lat", "lon", "lat_zone", "bird", "state")
    made = order_columns(names, LOCATION, fixed=("lat_zone", "lon"))
    assert made.order[:2] == ("lat_zone", "lon")
    assert made.order[2:] == ("state", "bird", "lat")
    assert made.placed["lon"] == "put there by hand"
    assert order_columns(names, LOCATION, first="bird", fixed=("lon",)).order[:2] == ("bird", "lon")


def test_wrong_names_are_refused() -> None:
    with pytest.raises(NotFound, match="did you mean 'price'"):
        order_columns(("price", "qty"), fixed=("prise",))
    with pytest.raises(NotFound, match="did you mean 'price'"):
        order_columns(("price", "qty"), target="prise")
    with pytest.raises(SchemaError, match="'qty' twice"):
        order_columns(("price", "qty"), fixed=("qty", "price", "qty"))


def test_several_orders_differ_and_keep_the_edges() -> None:
    names = ("a", "b", "c", "d", "e")
    found = orders(6, 3, names, depends("a -> b", "c -> d"), target="e")
    assert len({one.order for one in found}) == 6
    assert found[0] == order_columns(names, depends("a -> b", "c -> d"), target="e")
    for one in found:
        assert one.order.index("b") > one.order.index("a")
        assert one.order.index("d") > one.order.index("c")
        assert one.order[-1] == "e"
    assert {one.order for one in found[:2]} == {
        ("a", "b", "c", "d", "e"),
        ("c", "d", "a", "b", "e"),
    }  # neighbours
    assert orders(6, 3, names, depends("a -> b", "c -> d"), target="e") == found
    assert {one.order for one in orders(9, 4, names, depends("a -> b", "c -> d"), target="e")} == {
        one.order for one in found
    }
    assert len(orders(5, 0, ("a", "b"), depends("a -> b"))) == 1  # there is no other
    assert orders(0, 0, names) == []


NAMES = tuple("abcdefg")


@st.composite
def dependencies(draw: st.DrawFn) -> list[Dependency]:
    found = []
    for _ in range(draw(st.integers(0, 8))):
        columns = draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=4, unique=True))
        found.append(Dependency(determinant=tuple(columns[:-1]), dependent=columns[-1]))
    return found


def reachable(edges: set[tuple[str, str]], start: str) -> set[str]:
    """Where the edges lead from a column; written anew, by repeated widening."""
    seen: set[str] = set()
    while True:
        more = {b for a, b in edges if a == start or a in seen} - seen
        if not more:
            return seen
        seen |= more


@given(
    dependencies(), st.lists(st.sampled_from(NAMES), max_size=3, unique=True), st.sampled_from([None, *NAMES])
)
def test_every_column_once_and_every_edge_outside_circles_kept(
    found: list[Dependency], fixed: list[str], target: str | None
) -> None:
    for made in orders(3, 1, NAMES, found, target=target, fixed=fixed):
        assert sorted(made.order) == list(NAMES)
        assert list(made.order[: len(fixed)]) == fixed
        assert set(made.placed) == set(NAMES)
        edges = {(edge.before, edge.after) for edge in made.edges}
        place = {name: at for at, name in enumerate(made.order)}
        circles = {name for name in NAMES if name in reachable(edges, name)}
        assert {name for part in made.components for name in part} == circles
        for before, after in edges:
            same_circle = before in reachable(edges, after)
            if not same_circle and after not in fixed:
                assert place[before] < place[after]
        for part in made.components:
            free = [name for name in part if name not in fixed]
            assert all(b - a == 1 for a, b in pairwise(sorted(place[name] for name in free)))


def test_a_long_chain_needs_no_recursion() -> None:
    names = tuple(f"c{at}" for at in range(1500))
    chain = [Dependency(determinant=(a,), dependent=b) for a, b in pairwise(names)]
    assert order_columns(names[::-1], chain).order == names
