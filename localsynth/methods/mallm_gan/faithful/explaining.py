"""What a run of the faithful mode found out, from its stored state: the scores, theta, and the graph that it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from localsynth.core.explaining import Curve, Explanation, Facts, Graph, Link, Part, Series

from .reading import read_theta

__all__ = ["explained"]


def explained(state: Mapping[str, Any]) -> Explanation:
    """See :class:`~localsynth.core.explaining.Explains`."""
    if not state or not state["play"]["step"]:
        return Explanation()
    return Explanation(parts=tuple(_parts(state["play"], state["names"])))


def _parts(play: Mapping[str, Any], names: list[str]) -> Iterator[Part]:
    theta = str(play["best"] or play["theta"])
    read = read_theta(theta, names)
    facts = {
        "Steps": str(play["step"]),
        "Ended": play["over"],
        "Theta": theta,
        "Its graph": read.flaw and f"not a causal graph: {read.flaw}",
        "Spent": f"{play['calls']:,} requests, {play['tokens']:,} tokens",
    }
    yield Facts(
        title="The game as published",
        caption="The optimiser's whole answer is the next theta; the one of lowest score in the last two passes is used.",
        facts=tuple((label, text) for label, text in facts.items() if text),
    )
    if play["curve"]:
        points = tuple((float(step), float(score)) for step, score in play["curve"])
        yield Curve(
            title="The score, step by step",
            caption="The discriminator's accuracy on about a fifth of each batch: a few rows, so that most of it is chance.",
            x="step",
            y="accuracy",
            series=(Series(name="accuracy", points=points),),
        )
    if read.edges and not read.flaw:
        yield Graph(
            title="The causal graph",
            caption="As far as theta can be read; the columns of rows in prompts stand in its order.",
            nodes=read.order,
            links=tuple(Link(source=cause, target=effect) for cause, effect in read.edges),
        )
