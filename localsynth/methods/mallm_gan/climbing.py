"""Causal graphs out of rows: hill climbing with BIC, the Chow-Liu tree, and what rows say of a single move.

Columns are read as cells of their target axes, so that numbers with many values, or with one value in most rows, take few
parameters. A graph that is learnt so tells which columns go together; which of two tells the other is often open, for graphs
of the same BIC may turn edges round (Chickering 1995).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from localsynth.align.association import all_pairs, mutual_information, tree
from localsynth.align.cells import codes
from localsynth.core.seeds import derive
from localsynth.core.targets import Axis

from .graph import MOST_PARENTS, Graph, Move
from .independence import conditional_p

if TYPE_CHECKING:
    import pyarrow as pa

    from localsynth.core.schema import Schema
    from localsynth.core.targets import Statistics

__all__ = [
    "BINS",
    "Coded",
    "Support",
    "bic",
    "chow_liu",
    "coded",
    "hill_climb",
    "initial_graph",
    "strengths",
    "support",
]

Array: TypeAlias = np.ndarray[Any, Any]

#: Cells of an ordered column that a graph is learnt from: ``task.targets.margins(BINS)``.
BINS = 4
#: A cell of fewer rows goes together with others: it would cost parameters that nothing can be learnt for.
_LEAST_ROWS, _LEAST_SHARE = 5, 0.02
_RESTARTS = 10
#: BIC that two graphs may differ in and count as equal: what rounding leaves.
_EQUAL = 1e-7


@dataclass(frozen=True)
class Coded:
    """Rows as cells. codes : int32 [rows, columns], each cell of each column in at least one row. sizes : cells per column."""

    names: tuple[str, ...]
    codes: Array
    sizes: tuple[int, ...]

    @property
    def rows(self) -> int:
        return len(self.codes)

    @cached_property
    def families(self) -> Families:
        """Scores over these rows, kept."""
        return Families(self.codes, self.sizes)

    def at(self, name: str) -> int:
        """The column of a variable. Raises ``ValueError``."""
        return self.names.index(name)


def coded(schema: Schema, table: pa.Table, statistics: Statistics) -> Coded:
    """The rows of a table in the cells of the margins, of which small ones are put together.

    statistics : with a margin for each variable, as ``task.targets.margins(BINS)`` gives. A missing value is a cell of its
    own, and so is what lies in none.
    """
    parts = [
        _few(codes(table[margin.axis.column], margin.axis, schema.column(margin.axis.column)), margin.axis)
        for margin in statistics.margins
    ]
    matrix = np.column_stack(parts) if parts else np.zeros((table.num_rows, 0))
    sizes = tuple(int(part.max(initial=-1)) + 1 for part in parts)
    return Coded(statistics.columns, np.asarray(matrix, np.int32), sizes)


def _few(cells: Array, axis: Axis) -> Array:
    """Cells renumbered, without empty ones; small ones of an ordered column with a neighbour, others all together."""
    # One more cell at the end, after that of missing values, for what lies in none.
    cells = np.where(cells < 0, axis.size, cells)
    counts = np.bincount(cells, minlength=axis.size + 1)
    least = max(_LEAST_ROWS, round(len(cells) * _LEAST_SHARE))
    target = np.arange(axis.size + 1)
    if axis.edges:
        target[: axis.present] = _joined(counts[: axis.present], least)
    else:
        small = np.flatnonzero(counts[: axis.present] < least)
        target[small] = small[:1]
    return np.unique(target[cells], return_inverse=True)[1].astype(np.int32)


def _joined(counts: Array, least: int) -> Array:
    """The group of each cell, of neighbours with ``least`` rows together; what is left at the end joins the last group.

    Where that leaves one group, two as even as can be: what few rows have may still be all that a column tells.
    """
    group = np.zeros(len(counts), np.int64)
    number = held = 0
    for at, count in enumerate(counts):
        if held >= least and counts[at:].sum() >= least:
            number, held = number + 1, 0
        group[at] = number
        held += int(count)
    if number == 0 and len(counts) > 1:
        below = np.cumsum(counts)
        group[int(np.argmax(np.minimum(below, below[-1] - below))) + 1 :] = 1
    return group


# --- scores ---------------------------------------------------------------------------------------------------------


@dataclass
class Families:
    """BIC of a column given others (Schwarz 1978; in nats, the higher the better), over rows coded as :class:`Coded` has them.

    The sum over all columns is that of the graph; graphs of the same independences have the same.
    """

    codes: Array
    sizes: tuple[int, ...]
    _scores: dict[tuple[int, tuple[int, ...]], float] = field(default_factory=dict)
    _gains: dict[tuple[int, tuple[int, ...]], Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows = len(self.codes)
        counts = np.arange(rows + 1, dtype=np.float64)
        self._logs = counts * np.log(np.maximum(counts, 1.0))  # k log k
        self._each = np.log(max(rows, 1)) / 2  # of a parameter
        self._sizes = np.array(self.sizes, np.int64)

    def score(self, effect: int, causes: tuple[int, ...]) -> float:
        """causes : in rising order."""
        key = (effect, causes)
        if key not in self._scores:
            cells, size = self.joint(causes)
            own = self._sizes[effect]
            fitted = self._told(cells * own + self.codes[:, effect], int(size * own)) - self._told(
                cells, size
            )
            self._scores[key] = fitted - self._price(effect, self._combinations(causes))
        return self._scores[key]

    def gains(self, effect: int, causes: tuple[int, ...]) -> Array:
        """What the score grows by where each column in turn is added to the causes, or taken from them; -inf for itself."""
        key = (effect, causes)
        if key not in self._gains:
            now = self.score(effect, causes)
            gains = self._with_each(effect, causes) - now
            for cause in causes:
                gains[cause] = self.score(effect, tuple(one for one in causes if one != cause)) - now
            gains[effect] = -np.inf
            self._gains[key] = gains
        return self._gains[key]

    def joint(self, columns: Sequence[int]) -> tuple[Array, int]:
        """The combination of cells each row has in some columns (int64), numbered from 0, and how many there are."""
        cells, size = np.zeros(len(self.codes), np.int64), min(1, len(self.codes))
        for column in columns:
            found, cells = np.unique(cells * self._sizes[column] + self.codes[:, column], return_inverse=True)
            size = len(found)
        return cells, size

    def _with_each(self, effect: int, causes: tuple[int, ...]) -> Array:
        """The score with each column as one more cause, all counted at once."""
        cells, size = self.joint(causes)
        own = self._sizes[effect]
        # Columns side by side: the combinations of each begin where those of the one before end.
        starts = np.concatenate([[0], np.cumsum(size * self._sizes)])
        keys = cells[:, None] * self._sizes + self.codes + starts[:-1]
        above = self._split(keys, starts)
        below = self._split(keys * own + self.codes[:, [effect]], starts * own)
        prices = self._price(effect, self._combinations(causes) * self._sizes.astype(np.float64))
        scores: Array = below - above - prices
        return scores

    def _split(self, keys: Array, starts: Array) -> Array:
        """Sum of ``k log k`` over the counts of keys, of each stretch of keys by itself."""
        logs = self._logs[np.bincount(keys.ravel(), minlength=int(starts[-1]))]
        # Not by differences of one running sum: what is small would drown in what came before.
        return np.add.reduceat(logs, starts[:-1]) if len(logs) else np.zeros(len(starts) - 1)

    def _told(self, keys: Array, size: int) -> float:
        return float(self._logs[np.bincount(keys, minlength=size)].sum())

    def _combinations(self, causes: tuple[int, ...]) -> float:
        """Combinations of the causes' cells, whether rows have them or not: only so do equivalent graphs score the same."""
        return float(np.prod(self._sizes[list(causes)].astype(np.float64)))

    def _price(self, effect: int, combinations: Any) -> Any:
        return self._each * (self._sizes[effect] - 1) * combinations


def bic(rows: Coded, graph: Graph) -> float:
    """The graph's BIC in nats: log-likelihood less ``parameters * log(rows) / 2``. The higher the better."""
    return sum(rows.families.score(rows.at(name), _causes(rows, graph, name)) for name in graph.names)


def _causes(rows: Coded, graph: Graph, name: str) -> tuple[int, ...]:
    return tuple(sorted(rows.at(parent) for parent in graph.parents[name]))


def _toggles(rows: Coded, graph: Graph) -> Array:
    """What the BIC grows by where an edge is added, or removed where it is there: [cause, effect]."""
    columns = [rows.families.gains(at, _causes(rows, graph, name)) for at, name in enumerate(rows.names)]
    return np.column_stack(columns) if columns else np.zeros((0, 0))


def _gains(rows: Coded, graph: Graph, moves: Sequence[Move]) -> Array:
    """What the BIC grows by with each move alone."""
    toggles = _toggles(rows, graph)
    place = {name: at for at, name in enumerate(rows.names)}
    cause = np.array([place[move.cause] for move in moves], np.int64)
    effect = np.array([place[move.effect] for move in moves], np.int64)
    turned = np.array([move.kind == "reverse" for move in moves], np.bool_)
    gains: Array = toggles[cause, effect] + np.where(turned, toggles[effect, cause], 0.0)
    return gains


# --- graphs ---------------------------------------------------------------------------------------------------------


def hill_climb(
    rows: Coded,
    most: int = MOST_PARENTS,
    start: Graph | None = None,
    *,
    seed: int = 0,
    restarts: int = _RESTARTS,
) -> Graph:
    """The graph of best BIC that single moves lead to: greedy, then again from the best one with some random moves made to it.

    most : parents of a variable. start : by default the graph without edges.
    Raises ``ValueError`` where ``start`` is over other variables, or has more parents.
    """
    if start is not None:
        if start.names != rows.names:
            raise ValueError("the graph to start from is over other variables")
        Graph.load(rows.names, start.dump(), most)
    best = _climbed(rows, start or Graph.of(rows.names), most)
    rng = np.random.default_rng(derive(seed, "climb"))
    for _ in range(restarts):
        tried = _climbed(rows, _shaken(best, most, rng), most)
        if bic(rows, tried) > bic(rows, best) + _EQUAL:
            best = tried
    return best


def _climbed(rows: Coded, graph: Graph, most: int) -> Graph:
    while True:
        moves = graph.moves(most)
        gains = _gains(rows, graph, moves)
        highest = gains.max(initial=0.0)
        if highest <= _EQUAL:
            return graph
        # Of moves that gain the same, as an edge either way does, the first: not the one that rounding prefers.
        graph = graph.after(moves[int(np.argmax(gains >= highest - _EQUAL))], most)


def _shaken(graph: Graph, most: int, rng: np.random.Generator) -> Graph:
    for _ in range(2 + len(graph.names) // 4):
        if moves := graph.moves(most):
            graph = graph.after(moves[int(rng.integers(len(moves)))], most)
    return graph


def strengths(rows: Coded) -> dict[tuple[int, int], float]:
    """The mutual information of each two columns (the earlier first), less what chance gives."""
    found = {}
    for first, second in all_pairs(len(rows.names)):
        shape = rows.sizes[first], rows.sizes[second]
        keys = rows.codes[:, first].astype(np.int64) * shape[1] + rows.codes[:, second]
        found[first, second] = mutual_information(
            np.bincount(keys, minlength=shape[0] * shape[1]).reshape(shape)
        )
    return found


def chow_liu(rows: Coded, root: str | None = None) -> Graph:
    """The tree of greatest mutual information (Chow & Liu 1968), edges leading away from ``root`` (else the first variable).

    Links that tell no more than chance would are left out, so that it may fall into several trees.
    """
    if not rows.names:
        return Graph.of(())
    strength = strengths(rows)
    links = tree(len(rows.names), strength, [0 if root is None else rows.at(root)])
    kept = [link for link in links if strength[min(link), max(link)] > 0]
    return Graph.of(rows.names, [(rows.names[cause], rows.names[effect]) for cause, effect in kept])


def initial_graph(
    rows: Coded, target: str | None = None, most: int = MOST_PARENTS, *, seed: int = 0
) -> tuple[Graph, str]:
    """The graph to start a game with, and how it was found, in words.

    Hill climbing; where it ties fewer than half of the columns that vary to another one (as happens with few rows, for BIC
    is strict on columns with many cells), the Chow-Liu tree with the target as its root, if that ties more.
    """
    climbed = hill_climb(rows, most, seed=seed)
    varying = sum(size > 1 for size in rows.sizes)
    tied = _tied(climbed)
    found = f"hill climbing with BIC: {len(climbed.edges)} edges over {tied} of {varying} columns that vary"
    if 2 * tied >= varying:
        return climbed, found
    fallback = chow_liu(rows, target if target in rows.names else None)
    if _tied(fallback) <= tied:
        return climbed, found
    return fallback, (
        f"a Chow-Liu tree of mutual information ({len(fallback.edges)} edges), for hill climbing with BIC tied only {tied} of"
        f" {varying} columns that vary"
    )


def _tied(graph: Graph) -> int:
    """How many variables have an edge."""
    return len({name for edge in graph.edges for name in edge})


# --- single moves -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Support:
    """What rows say of a move.

    gain : of BIC, in nats; above 0 speaks for the move. p : how likely rows would look as dependent as they do, if the edge in
    question told nothing beyond the effect's other parents: low speaks for adding it, or for having it the other way round,
    high for removing it.
    """

    gain: float
    p: float


def support(rows: Coded, graph: Graph, move: Move, most: int = MOST_PARENTS) -> Support:
    """How rows support a move. Raises ``ValueError`` where it cannot be made: see :meth:`Graph.after`."""
    graph.after(move, most)
    cause, effect = (move.effect, move.cause) if move.kind == "reverse" else (move.cause, move.effect)
    others = [rows.at(one) for one in graph.parents[effect] if one != cause]
    given, _ = rows.families.joint(others)
    p = conditional_p(rows.codes[:, rows.at(cause)], rows.codes[:, rows.at(effect)], given)
    return Support(float(_gains(rows, graph, [move])[0]), p)
