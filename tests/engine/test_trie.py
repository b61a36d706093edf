"""Prompts as a radix tree."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from localsynth.engine.trie import PromptNode, apart, common_length, prompt_tree

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


def test_long_prompts_of_many_texts_are_worked_on_apart() -> None:
    shared = [1] * 40
    long = [[*shared, 2 + at, *range(9, 409)] for at in range(3)]
    short = [[*shared, 7, 8], [*shared, 7, 9], shared]
    prompts = [long[0], short[0], long[1], short[1], long[2], short[2]]
    tree = prompt_tree(prompts)
    assert apart(tree, [20, 20, 20, 20, 20, 20]) == [[1, 3, 5], [0], [2], [4]]
    assert apart(tree, [1, 20, 1, 20, 1, 20]) == [[0, 1, 2, 3, 4, 5]], "few texts are not worth a trunk"
    assert apart(tree, [1, 20, 9, 20, 1, 20]) == [[0, 1, 3, 4, 5], [2]]


def test_prompts_that_share_a_long_beginning_branch_from_it() -> None:
    beginning = list(range(400))
    prompts = [[5], [*beginning, 1], [*beginning, 2], [*beginning, 3, *range(900, 1300)]]
    assert apart(prompt_tree(prompts), [9, 9, 9, 9]) == [[0], [1, 2], [3]]


@given(
    st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=600), min_size=1, max_size=12),
    st.randoms(use_true_random=False),
)
def test_every_prompt_is_worked_on_once(prompts: list[list[int]], random: Random) -> None:
    texts = [random.randrange(1, 30) for _ in prompts]
    groups = apart(prompt_tree(prompts), texts)
    assert sorted(at for group in groups for at in group) == list(range(len(prompts)))
    assert all(group == sorted(group) for group in groups)
