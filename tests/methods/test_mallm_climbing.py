"""Graphs learnt from rows: scores and tests against independent computations, graphs against exhaustive search."""

from __future__ import annotations

import math
from collections import Counter
from itertools import combinations, permutations, product

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from localsynth.core.schema import Schema
from localsynth.methods.mallm_gan.climbing import (
    BINS,
    Coded,
    bic,
    chow_liu,
    coded,
    hill_climb,
    initial_graph,
    support,
)
from localsynth.methods.mallm_gan.graph import Graph, Move, distance
from localsynth.methods.mallm_gan.independence import chance_g, conditional_g, conditional_p
from localsynth.store.asia import ASIA_EDGES, draw
from tests.methods.targets_kit import targets_of

ASIA = ("asia", "tub", "smoke", "lung", "bronc", "either", "xray", "dysp")
TRUTH = Graph.of(ASIA, ASIA_EDGES)


def of(*columns: list[int], names: str = "abcdefgh") -> Coded:
    return Coded(
        tuple(names[: len(columns)]),
        np.array(columns, np.int32).T,
        tuple(max(column) + 1 for column in columns),
    )


def clinic(rows: int, seed: int) -> Coded:
    """The sample asia as cells, with what varies in these rows."""
    table = draw(rows, seed)
    columns = [np.unique(table[name].to_pylist(), return_inverse=True)[1] for name in ASIA]
    return Coded(ASIA, np.column_stack(columns).astype(np.int32), tuple(int(c.max()) + 1 for c in columns))


@st.composite
def tables(draw: st.DrawFn) -> Coded:
    rows, wide = draw(st.integers(1, 30)), draw(st.integers(1, 5))
    columns = [draw(st.lists(st.integers(0, 3), min_size=rows, max_size=rows)) for _ in range(wide)]
    return of(*(np.unique(column, return_inverse=True)[1].tolist() for column in columns))


def slow_bic(rows: Coded, graph: Graph) -> float:
    """By its definition, row by row."""
    total = 0.0
    for name in rows.names:
        own = rows.codes[:, rows.at(name)].tolist()
        above = list(map(tuple, rows.codes[:, [rows.at(p) for p in graph.parents[name]]].tolist()))
        both, alone = Counter(zip(above, own, strict=True)), Counter(above)
        total += sum(math.log(both[pair] / alone[pair[0]]) for pair in zip(above, own, strict=True))
        parameters = rows.sizes[rows.at(name)] - 1
        for parent in graph.parents[name]:
            parameters *= rows.sizes[rows.at(parent)]
        total -= parameters * math.log(rows.rows) / 2
    return total


def all_graphs(names: tuple[str, ...], most: int) -> list[Graph]:
    """Every graph over a few variables."""
    found = []
    pairs = list(combinations(names, 2))
    for ways in product((0, 1, 2), repeat=len(pairs)):
        edges = [pair if way == 1 else pair[::-1] for pair, way in zip(pairs, ways, strict=True) if way]
        try:
            graph = Graph.of(names, edges)
        except ValueError:
            continue
        if max(map(len, graph.parents.values())) <= most:
            found.append(graph)
    return found


# --- rows as cells ------------------------------------------------------------------------------------------------------

SCHEMA = Schema.from_toml(
    """
[[columns]]
name = "key"
kind = "identifier"

[[columns]]
name = "gain"
kind = "integer"
range = [0, 99999]

[[columns]]
name = "age"
kind = "float"
range = [0.0, 99.0]
decimals = 1
null_rate = 0.2

[[columns]]
name = "job"
kind = "categorical"
categories = ["a", "b", "c", "d", "e", "never"]

[[columns]]
name = "old"
kind = "boolean"

[[columns]]
name = "note"
kind = "text"
null_rate = 0.5
"""
)


def people(rows: int, seed: int) -> pa.Table:
    """gain is 0 in nine rows of ten, and only of those who are old; notes are missing half of the time."""
    rng = np.random.default_rng(seed)
    age = rng.integers(180, 900, rows) / 10
    gain = np.where((age > 60) & (rng.random(rows) < 0.3), rng.integers(1, 9999, rows), 0)
    job = rng.choice(["a", "b", "c", "d", "e"], rows, p=[0.6, 0.37, 0.01, 0.01, 0.01])
    return pa.table(
        {
            "key": [str(at) for at in range(rows)],
            "gain": gain,
            "age": pa.array(age, pa.float64(), mask=rng.random(rows) < 0.15),
            "job": job,
            "old": age > 60,
            "note": [None if empty else "text" for empty in rng.random(rows) < 0.5],
        }
    )


def test_columns_become_cells_that_have_rows_enough() -> None:
    table = people(400, 0)
    rows = coded(SCHEMA, table, targets_of(SCHEMA, table).margins(BINS))
    assert rows.names == ("gain", "age", "job", "old", "note")
    assert rows.codes.shape == (400, 5)
    counts = [np.bincount(rows.codes[:, at], minlength=size) for at, size in enumerate(rows.sizes)]
    gain, age, job, old, note = counts
    assert min(gain.min(), age.min(), old.min(), note.min()) >= 8
    assert gain[0] == (table["gain"].to_numpy() == 0).sum()
    # c, d, e are rare: one cell for all of them.
    assert job.tolist() == [
        sum(cell in wanted for cell in table["job"].to_pylist()) for wanted in ("a", "b", "cde")
    ]
    assert age[-1] == table["age"].null_count
    assert note.tolist() == [400 - table["note"].null_count, table["note"].null_count]
    assert (len(age), len(old)) == (BINS + 1, 2)


def test_what_lies_in_no_cell_has_one_of_its_own() -> None:
    table = people(400, 0)
    statistics = targets_of(SCHEMA, table.filter(pc.is_valid(table["age"]))).margins(BINS)
    rows = coded(SCHEMA, table, statistics)
    assert rows.sizes[1] == BINS + 1
    assert (rows.codes[:, 1] == BINS).sum() == table["age"].null_count


def test_a_column_of_two_values_keeps_both_however_rare_one_is() -> None:
    schema = Schema.from_toml('[[columns]]\nname = "n"\nkind = "integer"\nrange = [0, 9]\n')
    values = [0] * 494 + [7] * 6
    table = pa.table({"n": values})
    rows = coded(schema, table, targets_of(schema, table).margins(BINS))
    assert np.bincount(rows.codes[:, 0]).tolist() == [494, 6]


def test_numbers_that_are_mostly_zero_are_no_trouble() -> None:
    table = people(400, 1)
    rows = coded(SCHEMA, table, targets_of(SCHEMA, table).margins(BINS))
    found = {frozenset(edge) for edge in hill_climb(rows).edges}
    assert {frozenset({"gain", "old"}), frozenset({"age", "old"})} <= found
    assert not {name for edge in found for name in edge} & {"job", "note"}


# --- scores ---------------------------------------------------------------------------------------------------------------


def test_bic_of_a_small_table() -> None:
    rows = of([0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 1, 0, 1, 1, 1])
    alone = 2 * (8 * math.log(0.5) - math.log(8) / 2)
    assert bic(rows, Graph.of("ab")) == pytest.approx(alone)
    told = 8 * math.log(0.5) + 6 * math.log(0.75) + 2 * math.log(0.25) - 3 * math.log(8) / 2
    assert bic(rows, Graph.of("ab", [("a", "b")])) == pytest.approx(told)


@given(tables(), st.lists(st.integers(0, 10**6), max_size=8))
def test_scores_and_gains_are_those_of_the_definition(rows: Coded, choices: list[int]) -> None:
    graph = Graph.of(rows.names)
    for choice in choices:
        if moves := graph.moves():
            graph = graph.after(moves[choice % len(moves)])
    assert bic(rows, graph) == pytest.approx(slow_bic(rows, graph), abs=1e-8)
    for move in graph.moves():
        found = support(rows, graph, move)
        assert found.gain == pytest.approx(
            slow_bic(rows, graph.after(move)) - slow_bic(rows, graph), abs=1e-8
        )
        assert 0 <= found.p <= 1


def test_equivalent_graphs_score_the_same() -> None:
    rows = clinic(300, 0)
    chain = [("smoke", "bronc"), ("bronc", "dysp")]
    fork = [("bronc", "smoke"), ("bronc", "dysp")]
    collider = [("smoke", "bronc"), ("dysp", "bronc")]
    one, same, other = (bic(rows, Graph.of(ASIA, edges)) for edges in (chain, fork, collider))
    assert one == pytest.approx(same)
    assert abs(one - other) > 1


# --- graphs -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_no_graph_of_four_columns_is_better_than_the_one_found(seed: int) -> None:
    whole = clinic(400, seed)
    at = [whole.at(name) for name in ("smoke", "either", "bronc", "dysp")]
    rows = Coded(tuple(ASIA[one] for one in at), whole.codes[:, at], tuple(whole.sizes[one] for one in at))
    everything = all_graphs(rows.names, 3)
    assert len(everything) == 543
    assert bic(rows, hill_climb(rows)) == pytest.approx(max(bic(rows, graph) for graph in everything))
    single = max(bic(rows, graph) for graph in all_graphs(rows.names, 1))
    assert bic(rows, hill_climb(rows, 1)) == pytest.approx(single)


def test_the_clinic_is_found_again() -> None:
    strong = [frozenset(pair) for pair in (("smoke", "lung"), ("smoke", "bronc"), ("tub", "either"))]
    strong += [frozenset(pair) for pair in (("lung", "either"), ("either", "xray"), ("bronc", "dysp"))]
    for seed in range(3):
        found = hill_climb(clinic(5000, seed))
        assert set(strong) <= {frozenset(edge) for edge in found.edges}
        assert distance(found, TRUTH) <= 4
        few = hill_climb(clinic(400, seed))
        assert distance(few, TRUTH) < distance(Graph.of(ASIA), TRUTH)


def test_a_climb_is_the_same_for_a_seed_and_never_below_its_start() -> None:
    rows = clinic(400, 5)
    assert hill_climb(rows, seed=4) == hill_climb(rows, seed=4)
    assert bic(rows, hill_climb(rows, start=TRUTH)) >= bic(rows, TRUTH)
    assert bic(rows, hill_climb(rows)) >= bic(rows, hill_climb(rows, restarts=0))
    assert max(map(len, hill_climb(rows, 1).parents.values())) == 1
    with pytest.raises(ValueError, match="other variables"):
        hill_climb(rows, start=Graph.of("ab"))
    with pytest.raises(ValueError, match="'either' has 2 parents, and may have 1"):
        hill_climb(rows, 1, start=TRUTH)


@settings(max_examples=30)
@given(tables())
def test_any_rows_give_a_graph(rows: Coded) -> None:
    graph, words = initial_graph(rows, rows.names[-1])
    assert graph.names == rows.names
    assert words
    assert bic(rows, hill_climb(rows, restarts=0)) >= bic(rows, Graph.of(rows.names)) - 1e-6


def test_no_rows_and_no_columns() -> None:
    empty = Coded(("a", "b"), np.zeros((0, 2), np.int32), (0, 0))
    assert initial_graph(empty)[0] == hill_climb(empty) == chow_liu(empty) == Graph.of("ab")
    assert support(empty, Graph.of("ab"), Move("add", "a", "b")).p == 1
    nothing = Coded((), np.zeros((5, 0), np.int32), ())
    assert initial_graph(nothing)[0] == chow_liu(nothing) == Graph.of(())


def test_the_tree_is_the_strongest() -> None:
    whole = clinic(2000, 0)
    at = [whole.at(name) for name in ("lung", "either", "xray", "dysp")]
    rows = Coded(tuple(ASIA[one] for one in at), whole.codes[:, at], (2, 2, 2, 2))
    found = chow_liu(rows, "dysp")
    assert found.parents["dysp"] == ()
    assert all(len(found.parents[name]) == 1 for name in ("lung", "either", "xray"))

    def told(edges: tuple[tuple[str, str], ...]) -> float:
        pairs = [[rows.codes[:, rows.at(name)] for name in edge] for edge in edges]
        return sum(conditional_g(one, other, np.zeros(2000, int)) for one, other in pairs)

    trees = [g.edges for g in all_graphs(rows.names, 1) if len(g.edges) == 3]
    assert told(found.edges) == pytest.approx(max(map(told, trees)))
    assert set(map(frozenset, chow_liu(rows).edges)) == set(map(frozenset, found.edges))


def test_columns_that_tell_nothing_hang_on_no_tree() -> None:
    even = [0, 1] * 20
    halves = [0] * 20 + [1] * 20
    rows = of(even, halves, halves)
    assert chow_liu(rows).edges == (("b", "c"),)
    assert chow_liu(of(even, [0] * 40)).edges == ()


def test_where_bic_finds_next_to_nothing_the_tree_is_taken() -> None:
    rng = np.random.default_rng(0)
    base = rng.integers(0, 8, 100)
    columns = [np.where(rng.random(100) < 0.3, base, rng.integers(0, 8, 100)).tolist() for _ in range(6)]
    rows = of(*columns)
    assert hill_climb(rows).edges == ()
    graph, words = initial_graph(rows, "d")
    assert graph == chow_liu(rows, "d")
    assert len(graph.edges) >= 4
    assert words == (
        f"a Chow-Liu tree of mutual information ({len(graph.edges)} edges), for hill climbing with BIC tied only 0 of 6"
        " columns that vary"
    )
    learnt, said = initial_graph(clinic(5000, 0), "dysp")
    assert learnt == hill_climb(clinic(5000, 0))
    assert said.startswith(f"hill climbing with BIC: {len(learnt.edges)} edges over ")


# --- single moves -----------------------------------------------------------------------------------------------------------


def test_moves_are_held_against_the_rows() -> None:
    rows = clinic(2000, 0)
    none = Graph.of(ASIA)
    needed = support(rows, none, Move("add", "smoke", "bronc"))
    assert needed.gain > 10
    assert needed.p < 1e-6
    # Nothing leads from asia to bronc.
    idle = support(rows, none, Move("add", "asia", "bronc"))
    assert idle.gain < 0
    assert idle.p > 0.01
    # Where `either` is known, the X-ray tells no more of lung cancer.
    shielded = support(rows, Graph.of(ASIA, [("either", "xray")]), Move("add", "lung", "xray"))
    assert shielded.p > 0.01
    assert shielded.gain < 0
    removed = support(rows, TRUTH, Move("remove", "bronc", "dysp"))
    assert removed.gain < -100
    assert removed.p < 1e-6
    turned = support(rows, Graph.of(ASIA, [("smoke", "bronc")]), Move("reverse", "smoke", "bronc"))
    assert turned.gain == pytest.approx(0)
    assert turned.p == pytest.approx(needed.p, rel=1e-6)
    with pytest.raises(ValueError, match="cycle"):
        support(rows, TRUTH, Move("add", "dysp", "smoke"))


def test_a_full_table_is_tested_as_everybody_does() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.integers(0, 3, 3000), rng.integers(0, 4, 3000)
    table = np.histogram2d(first, second, [3, 4])[0]
    known = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
    everywhere = np.zeros(3000, int)
    assert conditional_g(first, second, everywhere) == pytest.approx(known.statistic)
    assert chance_g(first, second, everywhere) == pytest.approx(6, rel=0.01)
    assert conditional_p(first, second, everywhere) == pytest.approx(known.pvalue, abs=0.01)
    # In two strata: statistics and degrees of freedom add up.
    given = np.arange(3000) % 2
    parts = [
        conditional_g(first[given == one], second[given == one], everywhere[given == one]) for one in (0, 1)
    ]
    assert conditional_g(first, second, given) == pytest.approx(sum(parts))
    assert chance_g(first, second, given) == pytest.approx(12, rel=0.02)


def test_what_chance_gives_is_the_mean_over_all_ways_to_deal() -> None:
    first, second, given = (
        np.array([0, 0, 1, 2, 0, 1]),
        np.array([0, 1, 1, 1, 0, 1]),
        np.array([0, 0, 0, 0, 1, 1]),
    )
    ways = [
        conditional_g(first, np.concatenate([one, other]), given)
        for one in permutations(second[:4])
        for other in permutations(second[4:])
    ]
    assert chance_g(first, second, given) == pytest.approx(np.mean(ways))


def test_small_strata_make_nothing_dependent() -> None:
    """Independent columns in strata of two and three rows: one test in twenty comes out below .05."""
    rng = np.random.default_rng(2)
    given = rng.integers(0, 120, 300)
    p = [conditional_p(rng.integers(0, 3, 300), rng.integers(0, 3, 300), given) for _ in range(200)]
    below = float(np.mean(np.array(p) < 0.05))
    assert 0.01 < below < 0.1
    assert 0.4 < float(np.median(p)) < 0.6
    # Chi-square over the observed strata would call nearly all of them dependent.
    first, second = rng.integers(0, 3, 300), rng.integers(0, 3, 300)
    freedom = sum(
        (len(set(first[given == one])) - 1) * (len(set(second[given == one])) - 1) for one in set(given)
    )
    assert stats.chi2.sf(conditional_g(first, second, given), freedom) < 0.01
    # And what depends is told all the same.
    told = np.where(rng.random(300) < 0.6, first, second)
    assert conditional_p(first, told, given) < 1e-3
    assert conditional_p(first, told, given) == conditional_p(first, told, given)


def test_where_rows_can_tell_nothing() -> None:
    constant, numbers = np.zeros(5, int), np.arange(5)
    assert conditional_p(constant, numbers, constant) == 1
    assert conditional_p(numbers, numbers, numbers) == 1
    # Each row a code of its own: whatever way they are dealt looks the same.
    assert conditional_p(numbers, numbers, constant) == 1
    assert conditional_p(constant[:0], constant[:0], constant[:0]) == 1
