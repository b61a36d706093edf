"""The likelihood of given texts.

Each text is decoded in one piece behind its prompt, alone in its sequence and in the same cells of the cache, so that its score
does not depend on what else is scored: with 8-bit activations even another order of summation moves a token's log-probability
by some hundredths. The contexts share the texts out among them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import wait
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise
from math import inf, log
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np

from ..core.contracts import Adapter, Likelihood, Sampling
from ..core.grammar import Grammar
from ..core.run import Usage
from .context import Slot
from .drawing import weights
from .lanes import CHUNK, Lanes
from .masks import Automaton, Grammars
from .sampler import Poll, Sampler, Timing, adapter_key, gather
from .trie import common_length
from .values import Values

__all__ = ["OUTPUTS", "Given", "Scorer", "score_of"]

Array: TypeAlias = np.ndarray[Any, Any]
OUTPUTS = 32  # tokens of a text whose logits are taken out of one batch
_PLAIN = Sampling()


@dataclass
class Given:
    """A request in tokens; ``logprobs`` gets one list for each text that is not the same as an earlier one."""

    prompt: list[int]
    grammar: Grammar | None
    paths: list[tuple[int, ...]]
    sampling: Sampling
    adapter: Adapter | None
    logprobs: dict[tuple[int, ...], list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.values = Values(self.grammar)

    def sampling_at(self, text: bytes) -> Sampling:
        """How the token after ``text`` would be drawn."""
        own = self.values.temperature(text) if self.values.warmed else None
        return self.sampling if own is None else replace(self.sampling, temperature=own)


def score_of(given: Given, pieces: Sequence[bytes]) -> Likelihood:
    """The likelihood of the texts, in the order they were asked for."""
    found = {
        path: given.values.sums([pieces[token] for token in path], logprobs)
        for path, logprobs in given.logprobs.items()
    }
    return Likelihood(tuple(found[path] for path in given.paths), tuple(map(len, given.paths)))


class Scorer:
    """Scores texts on a sampler's contexts. free : tokens a text may have. ends : those that end one."""

    def __init__(
        self, sampler: Sampler, grammars: Grammars, pieces: Sequence[bytes], free: Array, ends: set[int]
    ) -> None:
        self._sampler, self._grammars, self._pieces = sampler, grammars, pieces
        self._free, self._ends = free, ends

    def run(self, requests: Sequence[Given], poll: Poll | None = None) -> Usage:
        """Fill in the log-probabilities. Raises ``Cancelled``, ``EngineError``."""
        started = perf_counter()
        self._sampler.tidy()
        busy = [lanes.context.busy for lanes in self._sampler.lanes]
        self._tokens = {"prompt": 0, "decoded": 0}
        self._finished = 0
        ordered = sorted(requests, key=lambda given: adapter_key(given.adapter))
        for adapter, group in groupby(ordered, key=lambda given: given.adapter):
            members = [given for given in group if given.paths]
            if members:
                self._sampler.use_adapter(adapter)
                self._sampler.forget()
                try:
                    self._run_group(members, poll)
                finally:
                    self._sampler.forget()
        seconds = perf_counter() - started
        native = [lanes.context.busy - was for lanes, was in zip(self._sampler.lanes, busy, strict=True)]
        working = [spent for spent in native if spent] or [0.0]
        self._sampler.timing = Timing(seconds, sum(working) / len(working), 0.0, 0.0)
        return self._usage(requests)

    def _usage(self, requests: Sequence[Given]) -> Usage:
        samples = sum(len(given.paths) for given in requests)
        tokens = self._tokens
        return Usage(
            calls=1, samples=samples, prompt_tokens=tokens["prompt"], decoded_tokens=tokens["decoded"]
        )

    def _run_group(self, requests: Sequence[Given], poll: Poll | None) -> None:
        longest = max(len(given.prompt) + max(map(len, given.paths)) for given in requests)
        # A batch of a single token is summed in another order than the same token among others: never one alone.
        trunk = requests[0].prompt[: max(min(len(given.prompt) for given in requests) - 2, 0)]
        for given in requests:
            trunk = trunk[: common_length(trunk, given.prompt)]
        team = [
            lanes
            for at, lanes in enumerate(self._sampler.lanes)
            if at == 0 or lanes.context.cells > len(trunk) + longest
        ]
        tasks = [(given, path) for given in requests for path in sorted(set(given.paths))]
        shares = [share for share in _shares(tasks, len(team)) if share]
        first = team[0].context
        for start, step in _steps(trunk, 0):
            first.use_threads(self._sampler.watch.in_step())
            first.decode([Slot(team[0].trunk, start, step, False)])
        self._tokens["prompt"] += len(trunk)
        state = first.export(team[0].trunk) if trunk and len(shares) > 1 else None
        each = max(1, self._sampler.watch.threads // len(shares))
        for lanes in team[: len(shares)]:
            if state is not None and lanes is not team[0]:
                lanes.context.adopt(lanes.trunk, state)
            lanes.context.use_threads(each)
        compiled = [
            [None if given.grammar is None else self._grammars.compile(given.grammar) for given, _ in share]
            for share in shares
        ]
        futures = [
            self._sampler.pool.submit(self._walk, lanes, len(trunk), share, numbers)
            for lanes, share, numbers in zip(team, shares, compiled, strict=False)
        ]
        try:
            while wait(futures, timeout=0.1).not_done:
                if poll is not None:
                    poll(self._finished, self._usage(requests))
        except BaseException:
            # Nobody may still be decoding when the caches are cleared.
            self._sampler.stop()
            wait(futures)
            self._sampler.stop(stopped=False)
            raise
        gather(futures)

    def _walk(
        self,
        lanes: Lanes,
        trunk: int,
        share: Sequence[tuple[Given, tuple[int, ...]]],
        numbers: Sequence[int | None],
    ) -> None:
        context = lanes.context
        context.copy(lanes.trunk, 0, trunk)
        before: Given | None = None
        start = np.empty(0)
        for (given, path), number in zip(share, numbers, strict=True):
            if given is not before:
                context.truncate(0, trunk)
                for at, step in _steps(given.prompt, trunk):
                    last = at + len(step) == len(given.prompt)
                    found = context.decode([Slot(0, at, step, last)])
                    if last:
                        start = found[0].copy()
                self._tokens["prompt"] += len(given.prompt) - trunk
                before = given
            automaton = None if number is None else lanes.automaton(number)
            rows = self._rows(lanes, len(given.prompt), path, start)
            given.logprobs[path] = self._logprobs(given, automaton, path, rows)
            self._finished += 1

    def _rows(self, lanes: Lanes, start: int, path: tuple[int, ...], first: Array) -> Iterator[Array]:
        """What the model says before each token of a text, and after its last."""
        yield first
        if not path:
            return
        lanes.context.truncate(0, start)
        blocks = -(-len(path) // OUTPUTS)
        for block in np.array_split(np.arange(len(path)), blocks):
            low, high = int(block[0]), int(block[-1]) + 1
            slots = [Slot(0, start + at, path[at : at + 1], True) for at in range(low, high)]
            self._tokens["decoded"] += high - low
            yield from lanes.context.decode(slots)

    def _logprobs(
        self,
        given: Given,
        automaton: Automaton | None,
        path: tuple[int, ...],
        rows: Iterator[Array],
    ) -> list[float]:
        result: list[float] = []
        text = b""
        for token, logits in zip(path, rows, strict=False):
            sampling = given.sampling_at(text)
            text += self._pieces[token]
            if automaton is not None and automaton.complete:
                return [*result, -inf]  # the text goes on where the grammar is at its end
            ids = self._free if automaton is None else automaton.allowed()
            result.append(_logprob(logits, ids, token, sampling))
            if result[-1] == -inf:
                return result
            if automaton is not None:
                automaton.push((token,))
        if automaton is not None and not automaton.complete:
            ends = [token for token in automaton.allowed().tolist() if token in self._ends]
            sampling = given.sampling_at(text)
            found = [
                _logprob(logits, automaton.allowed(), token, sampling) for logits in rows for token in ends
            ]
            total = sum(map(np.exp, found))
            result.append(log(total) if total > 0 else -inf)
        return result


def _logprob(logits: Array, ids: Array, token: int, sampling: Sampling) -> float:
    at = int(np.searchsorted(ids, token))
    if at >= ids.size or ids[at] != token:
        return -inf
    if sampling == _PLAIN:
        z = logits[ids].astype(np.float64)
        top = z.max()
        return float(z[at] - top - np.log(np.exp(z - top).sum()))
    p = weights(logits[ids], sampling)
    return log(float(p[at] / p.sum())) if p[at] > 0 else -inf


def _steps(tokens: Sequence[int], start: int) -> Iterator[tuple[int, Sequence[int]]]:
    """(position, tokens) of the batches that read a prompt from ``start`` on; none of a single token but the first."""
    left = len(tokens) - start
    if left > 0:
        for block in np.array_split(np.arange(start, len(tokens)), -(-left // CHUNK)):
            yield int(block[0]), tokens[int(block[0]) : int(block[-1]) + 1]


def _shares(tasks: Sequence[tuple[Given, tuple[int, ...]]], count: int) -> list[list[Any]]:
    """Neighbouring texts in ``count`` shares of about the same number of tokens."""
    ends = np.cumsum([len(path) + 1 for _, path in tasks])
    cuts = np.searchsorted(ends, ends[-1] * np.arange(1, count) / count, side="right")
    edges = [0, *cuts.tolist(), len(tasks)]
    return [list(tasks[a:b]) for a, b in pairwise(edges)]
