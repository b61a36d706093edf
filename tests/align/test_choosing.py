"""Where no table tells what a dependency's values are, they are chosen to meet the margin."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.align.choosing import best_fit, matched
from localsynth.align.grid import Grid
from localsynth.align.keeping import keep
from localsynth.align.rows import make
from localsynth.align.swap import Array
from localsynth.core.columns import CategoricalColumn
from localsynth.core.schema import Dependency, Schema
from localsynth.core.targets import Axis, Statistics, Table
from tests.align.support import shares_of
from tests.align.test_keeping import nothing_broken


def off(given_: Array, wanted: Array, image: Array) -> float:
    return float(np.abs(np.bincount(image, given_, len(wanted)) - wanted).sum() / 2)


@pytest.mark.parametrize(
    ("one", "other", "best"),
    [
        ([0.4, 0.3, 0.2, 0.1], [0.35, 0.35, 0.2, 0.1], 0.05),
        ([0.3, 0.3, 0.2, 0.2], [0.4, 0.6], 0.0),  # largest first alone ends with 0.1
        ([0.7, 0.3], [0.4, 0.3, 0.3], 0.3),  # one cell stays empty
        ([1.0], [1.0], 0.0),
    ],
)
def test_the_map_by_hand(one: list[float], other: list[float], best: float) -> None:
    shares, wanted = np.array(one), np.array(other)
    assert off(shares, wanted, best_fit(shares, wanted)) == pytest.approx(best)


@given(
    st.lists(st.integers(1, 20), min_size=1, max_size=6), st.lists(st.integers(1, 20), min_size=1, max_size=3)
)
def test_the_map_is_near_the_best_of_all(one: list[int], other: list[int]) -> None:
    shares, wanted = np.array(one) / sum(one), np.array(other) / sum(other)
    best = min(off(shares, wanted, np.array(image)) for image in product(range(len(other)), repeat=len(one)))
    found = off(shares, wanted, best_fit(shares, wanted))
    assert best - 1e-9 <= found <= best + shares.max() / 2


def test_one_to_one_takes_no_cell_twice() -> None:
    image = matched(np.array([0.2, 0.5, 0.3, 0.0]), np.array([0.3, 0.3, 0.4]))
    assert image is not None
    assert image[[0, 1, 2]].tolist() == [1, 2, 0]
    assert matched(np.array([0.5, 0.5]), np.array([1.0])) is None


def towns(
    *dependencies: tuple[str, str], tables: list[Table] | None = None, **shares: list[float]
) -> tuple[Schema, Grid]:
    labels = {name: [f"{name}{at}" for at in range(len(told))] for name, told in shares.items()}
    schema = Schema(
        columns=tuple(
            CategoricalColumn(name=name, categories=tuple(words)) for name, words in labels.items()
        ),
        dependencies=tuple(Dependency(determinant=(one,), dependent=other) for one, other in dependencies),
    )
    axes = {name: Axis(name, labels=tuple((word,) for word in words)) for name, words in labels.items()}
    found: Statistics = shares_of(
        schema, *[(axes[name], told) for name, told in shares.items()], tables=tables or []
    )
    return schema, Grid(schema, found)


PLZ, CITY = [0.4, 0.3, 0.2, 0.1], [0.35, 0.35, 0.2, 0.1]


def test_without_a_table_the_determinant_keeps_its_margin_and_the_dependent_comes_near() -> None:
    schema, grid = towns(("plz", "city"), plz=PLZ, city=CITY)
    (tie,) = grid.ties
    assert tie.chosen
    rng = np.random.default_rng(0)
    made = make(grid, 1000, rng)
    kept = keep(schema, grid.decode(made.codes, rng), made.codes, grid, nothing_broken, rng)
    assert not kept.broken.any()
    assert np.bincount(kept.codes[:, 0]).tolist() == [400, 300, 200, 100]
    assert sorted(np.bincount(kept.codes[:, 1], minlength=4)) == [100, 200, 300, 400]


def test_a_chain_is_followed_and_two_ways_to_one_column_agree() -> None:
    schema, grid = towns(
        ("plz", "city"), ("city", "county"), ("plz", "county"), plz=PLZ, city=CITY, county=[0.7, 0.3]
    )
    assert [(grid.names[tie.determinant], grid.names[tie.dependent]) for tie in grid.ties] == [
        ("plz", "city"),
        ("city", "county"),
    ]
    rng = np.random.default_rng(0)
    made = make(grid, 1000, rng)
    kept = keep(schema, grid.decode(made.codes, rng), made.codes, grid, nothing_broken, rng)
    assert not kept.broken.any()
    assert sorted(np.bincount(kept.codes[:, 2])) == [300, 700]


def test_a_dependency_both_ways_is_one_to_one() -> None:
    _, grid = towns(("plz", "city"), ("city", "plz"), plz=PLZ, city=CITY)
    (tie,) = grid.ties
    assert sorted(tie.image) == [0, 1, 2, 3]


def test_a_table_decides_where_there_is_one() -> None:
    axes = [Axis(name, labels=tuple((f"{name}{at}",) for at in range(2))) for name in ("a", "b")]
    crossed = Table(
        tuple(axes), (0.0, 0.6, 0.4, 0.0), 0.0, "asked"
    )  # a0 with b1, though b0 would fit as well
    _, grid = towns(("a", "b"), a=[0.6, 0.4], b=[0.4, 0.6], tables=[crossed])
    (tie,) = grid.ties
    assert (tie.chosen, tie.image.tolist()) == (False, [1, 0])
    mixed = Table(tuple(axes), (0.3, 0.3, 0.1, 0.3), 0.0, "asked")
    assert not towns(("a", "b"), a=[0.6, 0.4], b=[0.4, 0.6], tables=[mixed])[1].ties


def test_missing_follows_missing() -> None:
    schema = Schema.model_validate(
        {
            "columns": [
                {"name": n, "kind": "categorical", "categories": ["x", "y"], "nullable": True} for n in "ab"
            ],
            "dependencies": [{"determinant": ["a"], "dependent": "b"}],
        }
    )
    axes = [Axis(name, labels=(("x",), ("y",)), missing=True) for name in "ab"]
    (tie,) = Grid(schema, shares_of(schema, (axes[0], [0.2, 0.7, 0.1]), (axes[1], [0.7, 0.1, 0.2]))).ties
    assert tie.image[2] == 2
    assert tie.image[1] == 0
