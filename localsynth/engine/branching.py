"""One node of the tree of texts: how its count splits over the tokens that may come next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import log
from typing import Any, TypeAlias

import numpy as np

from ..core.contracts import Sampling
from .drawing import child_key, draw, weights
from .jobs import Done, Item, Job, Work
from .masks import Automaton

__all__ = ["Branching"]

Array: TypeAlias = np.ndarray[Any, Any]


@dataclass(slots=True)
class _Child:
    """A token that follows, with what is forced behind it."""

    tokens: list[int]
    whole: bool


class Branching:
    """Splits items. pieces : bytes of each token. ends : tokens that end a text. free : tokens a text may have."""

    def __init__(self, pieces: Sequence[bytes], ends: set[int], free: Array) -> None:
        self._pieces, self._ends, self._free = pieces, ends, free

    def children(
        self, work: Work, item: Item, automaton: Automaton | None, logits: Array, counts: dict[str, int]
    ) -> list[Item]:
        """Items to decode next, the largest last; texts that are whole are noted with their job.

        logits : of the token after the item's last, shape (vocabulary,). ``counts`` of forced tokens and whole texts grow.
        """
        job = work.jobs[item.job]
        ids = self._free if automaton is None else automaton.allowed()
        p = weights(logits[ids], self._sampling(job, item))
        start, children = len(job.prompt) + len(item.path), []
        counts["texts"] += item.count
        for child in self._drawn(job, item, automaton, ids, p, counts):
            counts["texts"] -= child.count
            counts["forced"] += max(len(child.path) - len(item.path) - 1, 0)
            child.start, child.feed = start, child.path[len(item.path) :]
            children.append(child)
        # The largest subtree last: this lane follows it, and the others stay for lanes that are idle.
        children.sort(key=lambda child: child.count)
        return children

    def _sampling(self, job: Job, item: Item) -> Sampling:
        if not job.values.warmed:
            return job.sampling
        own = job.values.temperature(b"".join(self._pieces[token] for token in item.path))
        return job.sampling if own is None else replace(job.sampling, temperature=own)

    def _drawn(
        self,
        job: Job,
        item: Item,
        automaton: Automaton | None,
        ids: Array,
        p: Array,
        counts: dict[str, int],
    ) -> Iterable[Item]:
        total = float(p.sum()) if job.likelihood else 0.0
        for at, count in draw(p, item.key, item.count):
            token = int(ids[at])
            child = self._behind(automaton, token)
            path = (*item.path, *child.tokens)
            logprobs = item.logprobs
            if job.likelihood:
                logprobs += (log(float(p[at]) / total), *(0.0,) * (len(child.tokens) - 1))
            if child.whole or (automaton is None and len(path) >= job.max_tokens):
                counts["ended"] += 1
                counts["written"] += len(path)
                job.done.append(Done(path, count, logprobs))
            else:
                key = child_key(item.key, token)
                yield Item(0, (), count, job=item.job, path=path, key=key, logprobs=logprobs)

    def _behind(self, automaton: Automaton | None, token: int) -> _Child:
        """A token that was drawn, and what the grammar forces after it. A token that ends the text is no part of it."""
        if token in self._ends:
            return _Child([], whole=True)
        tokens, whole = [token], False
        if automaton is not None:
            automaton.push(tokens)
            if not automaton.complete:
                forced = automaton.forced()
                automaton.push(forced)
                tokens += forced
            whole = automaton.complete
            automaton.pop(len(tokens))
        return _Child(tokens, whole)
