"""What a search proposes to change: tables of the widest gaps and of the graph's edges, edges the rows bear out, examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from .climbing import Support
from .gaps import Gaps
from .graph import Graph, Move
from .theta import Group, Theta

__all__ = ["Proposal", "borne_out", "searched"]

Supports: TypeAlias = Callable[[Graph, Move], Support]
_SURE = 0.001  # p-value from which on rows bear out an edge that the criterion alone would not pay for
_GONE = 0.05  # above it, nothing speaks for an edge
_ALIKE = -2.0  # gain of a reversal that says about the same


@dataclass(frozen=True)
class Proposal:
    """A theta to be tried. author : ``search`` or ``model``. move : what it changes, in words."""

    theta: Theta
    author: str
    move: str


def borne_out(move: Move, support: Support) -> bool:
    """Whether the train rows speak for a move of the graph, or at least not against it where it only turns an edge."""
    match move.kind:
        case "add":
            return support.gain > 0 or support.p < _SURE
        case "remove":
            return (support.gain > 0 and support.p > _SURE) or support.p > _GONE
        case _:
            return support.gain > _ALIKE


def searched(
    theta: Theta,
    gaps: Gaps,
    supports: Supports,
    target: str | None,
    most: int,
    skip: Sequence[Theta] = (),
    *,
    align: bool = True,
) -> list[Proposal]:
    """At most ``most`` candidates, none equal to theta, to one of ``skip``, or to another.

    align : whether rows are brought to what is in focus at all.
    """
    found: list[Proposal] = []
    known = [theta, *skip]
    ideas = [*(_focusing(theta, gaps, target) if align else ()), *_others(theta, gaps, supports, align=align)]
    for move, changed in ideas:
        if len(found) >= most:
            break
        if changed not in known:
            known.append(changed)
            found.append(Proposal(changed, "search", move))
    return found


def _focusing(theta: Theta, gaps: Gaps, target: str | None) -> Iterator[tuple[str, Theta]]:
    """What else rows could be brought to. Bold ideas and small ones: what is worth trying is known once it was tried."""
    names = theta.graph.names
    singles = theta.focused((name,) for name in names)
    missing = [group for group in gaps.groups(2) if group not in theta.focus]
    edges: list[Group] = list(theta.graph.edges)
    aimed = [group for group in missing if target in group]
    if singles != theta:
        yield "bring every column to its shares", singles
        linked = singles.focused([*edges, *aimed])
        yield "bring columns, edges of the graph and pairs with the target to their shares", linked
        wide = linked.focused(missing[: 2 * len(names)])
        yield f"the same, and {_counted(missing[: 2 * len(names)])}", wide
    else:
        if edges and (linked := theta.focused(edges)) != theta:
            yield "bring the edges of the graph to their shares", linked
        if aimed:
            yield "bring pairs with the target to their shares", theta.focused(aimed)
        for many in (4 * len(names), len(names), 5):
            if missing:
                yield f"bring {_counted(missing[:many])} to their shares", theta.focused(missing[:many])


def _others(theta: Theta, gaps: Gaps, supports: Supports, *, align: bool) -> Iterator[tuple[str, Theta]]:
    """An edge of the graph, and how examples are chosen."""
    if (edge := _edge(theta.graph, supports, gaps)) is not None:
        after = theta.graph.after(edge)
        changed = replace(theta, graph=after)
        if edge.kind == "add" and align and len(theta.focus) >= len(theta.graph.names):
            changed = changed.focused([(edge.cause, edge.effect)])
        yield f"{edge.words}, which the rows bear out", changed
    if not theta.thin:
        yield "choose examples where synthetic rows are thin", replace(theta, thin=1.0)
    else:
        yield "choose examples evenly", replace(theta, thin=0.0)


def _edge(graph: Graph, supports: Supports, gaps: Gaps) -> Move | None:
    """The move that rows bear out most, of those between columns whose pair is furthest off."""
    near = {frozenset(group) for group in gaps.groups(2)[: 3 * len(graph.names)]}
    best: tuple[float, Move] | None = None
    for move in graph.moves():
        if move.kind == "reverse" or (
            move.kind == "add" and frozenset((move.cause, move.effect)) not in near
        ):
            continue
        support = supports(graph, move)
        if borne_out(move, support) and (best is None or support.gain > best[0]):
            best = (support.gain, move)
    return best[1] if best is not None else None


def _counted(groups: Sequence[Group]) -> str:
    return (
        f"the {len(groups)} pairs that are furthest off"
        if len(groups) != 1
        else "the pair that is furthest off"
    )
