"""What the game may change: the causal graph, the tables that rows are brought to, the words, and how examples are chosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from .graph import Graph

__all__ = ["MOST_WORDS", "Group", "Theta", "canonical"]

#: Of guidance, in words.
MOST_WORDS = 120
Group: TypeAlias = tuple[str, ...]


@dataclass(frozen=True)
class Theta:
    """One state of the trainable part.

    graph : which column is said to depend on which; rows are written in its order. focus : columns, and pairs of them, whose
    shares rows are brought to; none leaves rows as the model writes them. words : guidance for the prompt. thin : how strongly
    examples are chosen where synthetic rows are thin; 0 chooses them evenly.
    """

    graph: Graph
    focus: tuple[Group, ...] = ()
    words: str = ""
    thin: float = 0.0

    def __post_init__(self) -> None:
        names = set(self.graph.names)
        for group in self.focus:
            if not 1 <= len(group) <= 2 or len(set(group)) < len(group):
                raise ValueError(f"focus is on one column or on two different ones, not on {list(group)}")
            if unknown := set(group) - names:
                raise ValueError(f"focus names '{min(unknown)}', which is no column")
        if (many := len(self.words.split())) > MOST_WORDS:
            raise ValueError(f"the guidance has {many} words, {MOST_WORDS} are allowed")
        if not 0 <= self.thin <= 4:
            raise ValueError(f"thin = {self.thin:g} is not between 0 and 4")

    def focused(self, groups: Iterable[Group]) -> Theta:
        """With these groups more in focus."""
        return replace(self, focus=canonical([*self.focus, *groups], self.graph.names))

    def dump(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "graph": self.graph.dump(),
            "focus": [list(group) for group in self.focus],
            "words": self.words,
            "thin": self.thin,
        }

    @classmethod
    def load(cls, names: Sequence[str], data: Mapping[str, Any]) -> Theta:
        """What ``dump`` gave. Raises ``ValueError`` for unknown columns, circles, and all else that no theta may be."""
        return cls(
            Graph.load(names, data["graph"]),
            canonical([tuple(group) for group in data["focus"]], names),
            str(data["words"]),
            float(data["thin"]),
        )


def canonical(groups: Iterable[Group], names: Sequence[str]) -> tuple[Group, ...]:
    """Each group once, columns in the table's order, single columns first."""
    place = {name: at for at, name in enumerate(names)}
    known = {tuple(sorted(group, key=lambda name: place.get(name, -1))) for group in groups}
    return tuple(sorted(known, key=lambda group: (len(group), [place.get(name, -1) for name in group])))
