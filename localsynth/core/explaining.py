"""What a method found out in a run, for people: a few parts in order, each of a kind that any report can draw.

Names in it come from data; who shows them escapes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Protocol, Self, TypeAlias, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["Curve", "Explains", "Explanation", "Facts", "Graph", "Link", "Part", "Series", "Step", "Steps"]

#: Finite, and far enough from where differences overflow.
Number: TypeAlias = Annotated[float, Field(ge=-1e100, le=1e100, allow_inf_nan=False)]

_FROZEN = ConfigDict(frozen=True, extra="forbid")


class _Titled(BaseModel):
    model_config: ClassVar[ConfigDict] = _FROZEN

    title: str
    caption: str = ""  # one sentence


class Facts(_Titled):
    """Pairs (label, text), in reading order."""

    kind: Literal["facts"] = "facts"
    facts: tuple[tuple[str, str], ...] = Field(min_length=1)


class Step(BaseModel):
    """One of several, and why it stands where it does."""

    model_config: ClassVar[ConfigDict] = _FROZEN

    name: str
    why: str = ""


class Steps(_Titled):
    """Names in an order, such as that in which columns are written."""

    kind: Literal["steps"] = "steps"
    steps: tuple[Step, ...] = Field(min_length=1)


class Link(BaseModel):
    """A directed edge, and the reason for it."""

    model_config: ClassVar[ConfigDict] = _FROZEN

    source: str
    target: str
    why: str = ""


class Graph(_Titled):
    """A directed graph. nodes : each once, in the order they are to be read in; some may have no edge.

    components : sets of nodes that lead to each other in a circle, of two or more each.
    """

    kind: Literal["graph"] = "graph"
    nodes: tuple[str, ...] = Field(min_length=1)
    links: tuple[Link, ...] = ()
    components: tuple[tuple[str, ...], ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        known = set(self.nodes)
        if len(known) < len(self.nodes):
            raise ValueError("a node is named twice")
        named = {name for link in self.links for name in (link.source, link.target)}
        if unknown := (named | {name for part in self.components for name in part}) - known:
            raise ValueError(f"no node is called {min(unknown)!r}")
        return self

    @property
    def alone(self) -> tuple[str, ...]:
        """Nodes without an edge."""
        linked = {name for link in self.links for name in (link.source, link.target)}
        return tuple(name for name in self.nodes if name not in linked)


class Series(BaseModel):
    """A named line through points (x, y), x rising."""

    model_config: ClassVar[ConfigDict] = _FROZEN

    name: str
    points: tuple[tuple[Number, Number], ...] = Field(min_length=1)


class Curve(_Titled):
    """Lines over a common x. marked : an x that counts, and in ``mark`` a word for why."""

    kind: Literal["curve"] = "curve"
    x: str
    y: str
    series: tuple[Series, ...] = Field(min_length=1)
    marked: Number | None = None
    mark: str = ""


Part: TypeAlias = Annotated[Facts | Steps | Graph | Curve, Field(discriminator="kind")]


class Explanation(BaseModel):
    """Parts in reading order; none where nothing was found out. ``model_dump_json`` and ``model_validate_json`` go round."""

    model_config: ClassVar[ConfigDict] = _FROZEN

    parts: tuple[Part, ...] = ()


@runtime_checkable
class Explains(Protocol):
    """What a method's class may do beside: tell what a run found out, from its stored state alone."""

    @staticmethod
    def explain(state: Mapping[str, Any], /) -> Explanation:
        """state : what ``state`` gave, read back from JSON; an empty one gives no parts. No model and no rows are needed.

        May raise ``KeyError``, ``TypeError`` or ``ValueError`` for a state of another version.
        """
        ...
