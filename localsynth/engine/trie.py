"""Prompts as a radix tree, so that what requests have in common at their beginning is read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

__all__ = ["PromptNode", "apart", "common_length", "prompt_tree"]

_LONG = 256  # tokens of a prompt's own, from which on
_MANY = 8  # so many texts are worth a trunk of their own


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


def apart(root: PromptNode, texts: Sequence[int]) -> list[list[int]]:
    """Prompts in groups to be worked on one after the other, each in rising order.

    A prompt of many texts that shares little with the others is a trunk of its own then: it is read once, and all contexts
    branch from its end. Worked on side by side, several such prompts fill the KV cache, and whoever takes a text of
    another's reads its prompt again. texts : of each prompt.
    """
    together = list(root.ends)
    alone: list[list[int]] = []
    for child in root.children:
        below = _below(child)
        if sum(texts[at] for at in below) >= _MANY and _longest(child) - root.end > _LONG:
            alone += apart(child, texts)
        else:
            together += below
    return [group for group in (sorted(together), *alone) if group]


def _below(node: PromptNode) -> list[int]:
    return [*node.ends, *(at for child in node.children for at in _below(child))]


def _longest(node: PromptNode) -> int:
    return max([node.end, *(_longest(child) for child in node.children)])
