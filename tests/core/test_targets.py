from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.core.targets import Axis, Budget, Margin, Spending, Statistics, Table

_NAMES = st.text(min_size=1, max_size=8)


def shares_of(size: int) -> st.SearchStrategy[tuple[float, ...]]:
    weights = st.lists(st.integers(0, 50), min_size=size, max_size=size).filter(any)
    return weights.map(lambda found: tuple(weight / sum(found) for weight in found))


@st.composite
def axes(draw: st.DrawFn, column: str) -> Axis:
    missing = draw(st.booleans())
    match draw(st.sampled_from(["labels", "edges", "any"])):
        case "labels":
            values = draw(st.lists(_NAMES, min_size=1, max_size=6, unique=True))
            cut = draw(st.integers(0, len(values) - 1))
            first = ((tuple(values[:cut]),) if cut else ()) + tuple((value,) for value in values[cut:])
            return Axis(column, labels=first, missing=missing)
        case "edges":
            edges = draw(st.lists(st.integers(-(2**62), 2**62), min_size=2, max_size=8, unique=True))
            return Axis(column, edges=tuple(sorted(edges)), missing=missing)
        case _:
            return Axis(column, missing=missing)


@st.composite
def statistics(draw: st.DrawFn) -> Statistics:
    names = draw(st.lists(_NAMES, min_size=1, max_size=4, unique=True))
    margins = []
    for name in names:
        axis = draw(axes(name))
        inner = tuple(tuple(axis.edges[at : at + 2]) for at in range(axis.present)) if axis.edges else ()
        margins.append(Margin(axis, draw(shares_of(axis.size)), draw(st.floats(0, 1e9)), inner))
    tables = []
    if len(names) > 1:
        over = (margins[0].axis, margins[1].axis)
        tables.append(Table(over, draw(shares_of(over[0].size * over[1].size)), 12.0, "target"))
    budget = draw(
        st.none() | st.just(Budget(1.0, 1e-6, (Spending("margins", 0.01), Spending("pairs", 0.02))))
    )
    return Statistics(
        tuple(margins), tuple(tables), "noisy" if budget else "file", draw(_NAMES), ("a", "b"), budget
    )


@given(statistics())
def test_reading_back_gives_equal_statistics(found: Statistics) -> None:
    again = Statistics.from_json(found.to_json())
    assert again == found
    assert again.columns == tuple(margin.axis.column for margin in found.margins)
    assert all(again.margin(name) is again.margins[again.at(name)] for name in again.columns)


def test_cells_are_counted_with_the_missing_one() -> None:
    assert Axis("age", edges=(0, 18, 65, 120)).size == 3
    assert Axis("sex", labels=(("F",), ("M", "X")), missing=True).size == 3
    assert Axis("note", missing=True).size == 2


@pytest.mark.parametrize(
    ("labels", "edges", "said"),
    [
        ((("F",),), (0, 1), "both"),
        ((), (3, 3), "rise"),
        ((), (3,), "rise"),
        ((("F",), ("F",)), (), "share a value"),
        (((),), (), "none"),
    ],
)
def test_an_axis_that_cannot_be_is_refused(
    labels: tuple[tuple[str, ...], ...], edges: tuple[int, ...], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        Axis("x", labels=labels, edges=edges)


@pytest.mark.parametrize("shares", [(0.5,), (0.5, 0.6), (1.5, -0.5), (float("nan"), 1.0)])
def test_shares_fit_the_cells_and_sum_to_one(shares: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="margin of 'sex'"):
        Margin(Axis("sex", labels=(("F",), ("M",))), shares)


def test_a_table_has_two_different_columns_that_have_margins() -> None:
    sex = Axis("sex", labels=(("F",), ("M",)))
    with pytest.raises(ValueError, match="two or more"):
        Table((sex,), (0.5, 0.5))
    with pytest.raises(ValueError, match="two or more"):
        Table((sex, sex), (0.25,) * 4)
    other = Axis("tall", labels=(("no",), ("yes",)))
    with pytest.raises(ValueError, match="'tall', which has no margin"):
        Statistics((Margin(sex, (0.5, 0.5)),), (Table((sex, other), (0.25,) * 4),))


def test_a_budget_adds_up() -> None:
    budget = Budget(1.0, 1e-6, (Spending("margins", 0.01), Spending("tables", 0.03)))
    assert budget.rho == pytest.approx(0.04)
