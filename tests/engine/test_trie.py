"""Prompts as a radix tree."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from localsynth.engine.trie import PromptNode, common_length, prompt_tree

prompts = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=8), min_size=1, max_size=12)


def paths(node: PromptNode, before: list[int]) -> list[tuple[int, list[int]]]:
    assert node.start == len(before)
    here = before + node.tokens
    found = [(end, here) for end in node.ends]
    for child in node.children:
        assert child.tokens
        found += paths(child, here)
    return found


@given(prompts)
def test_every_prompt_is_a_path_and_nothing_is_stored_twice(given_prompts: list[list[int]]) -> None:
    tree = prompt_tree(given_prompts)
    assert sorted(paths(tree, [])) == sorted(enumerate(given_prompts))
    distinct_prefixes = {tuple(p[: i + 1]) for p in given_prompts for i in range(len(p))}

    def size(node: PromptNode) -> int:
        return len(node.tokens) + sum(size(child) for child in node.children)

    assert size(tree) == len(distinct_prefixes)


@given(st.lists(st.integers(0, 2)), st.lists(st.integers(0, 2)))
def test_common_length(a: list[int], b: list[int]) -> None:
    n = common_length(a, b)
    assert a[:n] == b[:n]
    assert n == min(len(a), len(b)) or a[n] != b[n]
