"""The optimiser: the model is shown what was tried, what it scored and where rows differ, and proposes the next theta.

Its answer is held to a grammar: parents of each variable among those that stand before it in an order (so that there can be no
circle), numbers of gaps to attend to, and guidance. What the rows do not bear out of a graph is left out, and said.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from localsynth.core.contracts import Message, SampleRequest, Sampling
from localsynth.core.grammar import Fixed, FreeText, Grammar, OneOf, seq
from localsynth.core.seeds import derive

from .gaps import Gap, Gaps
from .graph import Graph, Move
from .moves import Proposal, Supports, borne_out
from .theta import MOST_WORDS, Theta

__all__ = ["LONGEST", "Tried", "optimiser_request", "read_proposal"]

_POSSIBLE = 6  # columns that may be parents of one, at most, beside those that are
_ATTEND = 3  # gaps named in an answer
LONGEST = 400  # characters of guidance: 120 words are about 700
_TOLD = 3  # thetas shown with their scores, as published
_TASK = (
    "Instructions for a generator of table rows are to be improved. A classifier tells its rows from real ones; the score says"
    " how well, and 0 is the aim."
)
_ANSWER = (
    "Answer with JSON: attend - numbers of the differences to mend first; parents - for each variable those it depends on"
    f" directly; guidance - at most {MOST_WORDS} words on how rows should be written."
)


@dataclass(frozen=True)
class Tried:
    """A theta that was judged, and its score."""

    theta: Theta
    score: float


def optimiser_request(
    theta: Theta,
    best: Sequence[Tried],
    gaps: Gaps,
    telling: Sequence[str],
    broken: Sequence[str],
    strengths: Mapping[frozenset[str], float],
    sampling: Sampling,
    seed: int,
    about: str = "",
) -> SampleRequest:
    """One candidate. The order that parents are chosen in is drawn anew for each seed, from those that keep the graph.

    best : lowest score first. telling : columns that give synthetic rows away. broken : rules, in words. strengths : of
    pairs of columns, for which may be parents.
    """
    order = _order(theta.graph, seed)
    asked = _question(best[:_TOLD], gaps.worst, broken[:_TOLD], telling, order, about)
    return SampleRequest(
        (Message("user", asked),),
        _grammar(theta.graph, order, len(gaps.worst), strengths),
        sampling=sampling,
        seed=seed,
    )


def read_proposal(text: str, theta: Theta, gaps: Gaps, supports: Supports) -> Proposal:
    """The candidate of an answer. Raises ``ValueError`` where it is none: not what the grammar says, or too many words."""
    try:
        data = json.loads(text)
        wanted = Graph.load(
            theta.graph.names, {name: {"parents": own} for name, own in data["parents"].items()}
        )
        numbers = [int(number) for number in data["attend"]]
        words = " ".join(str(data["guidance"]).split())
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the answer lacks attend, parents or guidance: {error}") from error
    if not all(1 <= number <= len(gaps.worst) for number in numbers):
        raise ValueError(f"it attends to differences that were not told: {numbers}")
    graph, left, told = _towards(theta.graph, wanted, supports)
    groups = [gaps.worst[number - 1].columns for number in numbers]
    changed = replace(theta, graph=graph, words=words).focused(groups)
    said = [f"write guidance of {len(words.split())} words"]
    if groups:
        said.insert(0, "attend to " + ", ".join(" x ".join(group) for group in dict.fromkeys(groups)))
    if told:
        said.append(told)
    if left:
        said.append(f"{left} changes of the graph left out, which the rows do not bear out")
    return Proposal(changed, "model", "; ".join(said))


def _towards(graph: Graph, wanted: Graph, supports: Supports) -> tuple[Graph, int, str]:
    """The graph with those moves towards another that the rows bear out, how many were left out, and the moves in words."""
    made: list[str] = []
    left = 0
    have, want = set(graph.edges), set(wanted.edges)
    moves = [Move("reverse", *edge) for edge in sorted(have) if (edge[1], edge[0]) in want]
    moves += [Move("remove", *edge) for edge in sorted(have - want) if (edge[1], edge[0]) not in want]
    moves += [Move("add", *edge) for edge in sorted(want - have) if (edge[1], edge[0]) not in have]
    for move in moves:
        try:
            after = graph.after(move)
        except ValueError:  # together with a move that was left out it would close a circle
            left += 1
            continue
        if borne_out(move, supports(graph, move)):
            graph = after
            made.append(move.words)
        else:
            left += 1
    return graph, left, ", ".join(made)


def _order(graph: Graph, seed: int) -> tuple[str, ...]:
    """An order that keeps the graph, but that one edge (if drawn) may be turned."""
    rng = np.random.default_rng(derive(seed, "order"))
    turned = [move for move in graph.moves() if move.kind == "reverse"]
    if turned and rng.random() < 0.5:
        graph = graph.after(turned[int(rng.integers(len(turned)))])
    return graph.order(tuple(rng.permutation(list(graph.names)).tolist()))


def _grammar(
    graph: Graph, order: Sequence[str], gaps: int, strengths: Mapping[frozenset[str], float]
) -> Grammar:
    parts: list[Grammar | str] = ['{"attend": ', _some([str(n) for n in range(1, gaps + 1)], _ATTEND)]
    parts.append(', "parents": {')
    for at, name in enumerate(order):
        own = [one for one in order[:at] if one in graph.parents[name]]
        others = sorted(
            (one for one in order[:at] if one not in own),
            key=lambda one, name=name: (-strengths.get(frozenset((one, name)), 0.0), one),  # type: ignore[misc]
        )
        written = [json.dumps(one, ensure_ascii=False) for one in [*own, *others[:_POSSIBLE]]]
        parts += [", " if at else "", f"{json.dumps(name, ensure_ascii=False)}: ", _some(written, 3)]
    parts += ['}, "guidance": "', FreeText(1, LONGEST), '"}']
    return seq(*(part for part in parts if part != ""))


def _some(words: Sequence[str], most: int) -> Grammar:
    """A JSON list of at most so many different ones of these, in their order."""
    lists = [some for many in range(min(most, len(words)) + 1) for some in combinations(words, many)]
    return OneOf(tuple(Fixed(f"[{', '.join(some)}]") for some in lists))


def _question(
    best: Sequence[Tried],
    gaps: Sequence[Gap],
    broken: Sequence[str],
    telling: Sequence[str],
    order: Sequence[str],
    about: str,
) -> str:
    tried = [f"- score {one.score:.2f}: {_shown(one.theta)}" for one in best]
    off = [f"{number}. {' '.join(gap.words.split())}" for number, gap in enumerate(gaps, 1)]
    blocks = [
        _TASK,
        " ".join(about.split())[:400],
        f"Variables: {', '.join(' '.join(name.split()) for name in order)}.",
        "Instructions so far, best first:\n" + "\n".join(tried) if tried else "",
        "Where its rows differ from real ones:\n" + "\n".join(off) if off else "",
        "Rules: " + "; ".join(" ".join(rule.split()) for rule in broken) + "." if broken else "",
        f"What gives its rows away most: {', '.join(telling)}." if telling else "",
        _ANSWER,
    ]
    return "\n".join(block for block in blocks if block)


def _shown(theta: Theta) -> str:
    edges = ", ".join(f"{cause} -> {effect}" for cause, effect in theta.graph.edges) or "no edges"
    data: dict[str, Any] = {"edges": edges, "guidance": theta.words}
    return json.dumps(data, ensure_ascii=False)
