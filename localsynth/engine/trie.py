"""Prompts as a radix tree, so that what requests have in common at their beginning is read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

__all__ = ["PromptNode", "common_length", "prompt_tree"]


@dataclass
class PromptNode:
    """Tokens of one edge, what ends after them (indices of prompts), and what goes on."""

    start: int
    tokens: list[int]
    ends: list[int] = field(default_factory=list)
    children: list[PromptNode] = field(default_factory=list)

    @property
    def end(self) -> int:
        """Tokens from the very beginning to the end of this edge."""
        return self.start + len(self.tokens)


def common_length(a: Sequence[int], b: Sequence[int]) -> int:
    """How many tokens two lists have in common at their beginning."""
    for at, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return at
    return min(len(a), len(b))


def prompt_tree(prompts: Sequence[Sequence[int]]) -> PromptNode:
    """The radix tree of some prompts; none may be empty. Children are in order of their first prompt."""
    order = sorted(range(len(prompts)), key=lambda i: list(prompts[i]))
    return _node([list(prompts[i]) for i in order], order, 0)


def _node(prompts: list[list[int]], indices: list[int], start: int) -> PromptNode:
    # In sorted order the first and the last have in common what all have in common.
    end = common_length(prompts[0], prompts[-1])
    node = PromptNode(start, prompts[0][start:end])
    pairs = list(zip(prompts, indices, strict=True))
    node.ends = sorted(index for prompt, index in pairs if len(prompt) == end)
    going_on = [(prompt, index) for prompt, index in pairs if len(prompt) > end]
    for _, group in groupby(going_on, key=lambda pair: pair[0][end]):
        members = list(group)
        node.children.append(_node([p for p, _ in members], [i for _, i in members], end))
    node.children.sort(key=_first)
    return node


def _first(node: PromptNode) -> int:
    return min([*node.ends, *(_first(child) for child in node.children)])
