"""What the sampler works on: requests in tokens, and the items its lanes pass to each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..core.contracts import Adapter, Sample, Sampling
from ..core.grammar import Grammar
from ..core.seeds import derive
from .trie import PromptNode
from .values import Values

__all__ = ["Done", "Item", "Job", "Work", "sample_of"]


@dataclass(frozen=True, slots=True)
class Done:
    """A whole text: its tokens, how many rows have it, and the log-probability of each token drawn."""

    path: tuple[int, ...]
    count: int
    logprobs: tuple[float, ...] = ()


@dataclass
class Job:
    """A request in tokens."""

    prompt: list[int]
    grammar: Grammar | None
    n: int
    sampling: Sampling = field(default_factory=Sampling)
    seed: int = 0
    max_tokens: int = 512
    likelihood: bool = False
    adapter: Adapter | None = None
    done: list[Done] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.values = Values(self.grammar)


@dataclass(slots=True)
class Item:
    """Tokens to decode behind the first ``start`` tokens of a sequence, and what to do then.

    Either inside the prompts (``node``), or ``count`` texts of ``job`` that begin with ``path``, whose end is ``feed``.
    ``count`` of an item inside the prompts is the number of texts below it. again : how many tokens of ``feed`` were decoded
    before, in a sequence that is closed.
    """

    start: int
    feed: Sequence[int]
    count: int
    node: PromptNode | None = None
    job: int = -1
    path: tuple[int, ...] = ()
    key: int = 0
    logprobs: tuple[float, ...] = ()
    again: int = 0


@dataclass
class Work:
    """One call: its jobs, their prompts as a tree, and the number of each job's compiled grammar."""

    jobs: Sequence[Job]
    root: PromptNode
    grammars: Sequence[int | None]

    def __post_init__(self) -> None:
        prompts = [len(job.prompt) for job in self.jobs]
        self.beyond_trunk = sum(prompts) / len(prompts) - self.root.end  # tokens, the mean of all prompts

    def whole(self, item: Item) -> list[int]:
        """All tokens from the very beginning to the end of the item."""
        if item.node is None:
            return [*self.jobs[item.job].prompt, *item.path]
        below = item.node
        while not below.ends:
            below = below.children[0]
        return self.jobs[below.ends[0]].prompt[: item.node.end]

    def children(self, item: Item) -> list[Item]:
        """What comes after an item inside the prompts; first what should be walked last."""
        node = item.node
        assert node is not None
        below = [
            Item(node.end, child.tokens, self.texts_below(child), node=child)
            for child in reversed(node.children)
        ]
        for index in reversed(node.ends):
            job = self.jobs[index]
            below.append(Item(node.end, (), job.n, job=index, key=derive(job.seed, "texts")))
        return below

    def texts_below(self, node: PromptNode) -> int:
        """How many texts begin with the prompts that pass through a node."""
        below = sum(self.texts_below(child) for child in node.children)
        return below + sum(self.jobs[index].n for index in node.ends)

    def from_trunk(self, item: Item) -> Item:
        """The item as it is begun in a sequence that holds no more than what all prompts have in common."""
        trunk = self.root.end
        item.again += item.start - trunk
        item.feed, item.start = self.whole(item)[trunk:], trunk
        return item


def sample_of(job: Job, pieces: Sequence[bytes]) -> Sample:
    """The texts of a job in an order that tells nothing of how they were made."""
    texts: list[tuple[str, tuple[int, ...], tuple[float, ...]]] = []
    for done in job.done:
        parts = [pieces[token] for token in done.path]
        values = job.values.sums(parts, done.logprobs) if job.likelihood else ()
        texts += [(b"".join(parts).decode(errors="replace"), done.path, values)] * done.count
    order = np.random.default_rng(derive(job.seed, "order")).permutation(len(texts))
    # The order in which the tree was finished must not show: sorted first, then shuffled by the seed.
    texts.sort(key=lambda text: text[:2])
    chosen = [texts[i] for i in order]
    logprobs = tuple(values for _, _, values in chosen) if job.likelihood else None
    return Sample(tuple(text for text, _, _ in chosen), logprobs)
