"""Prefix-tree sampling: many rows of many requests out of one shared KV cache.

``n`` texts wanted under one prompt are ``n`` at the root of a tree. At each node the count is split over the allowed tokens by
a multinomial draw and the children go on; texts share every prefix they have in common. That is the same as drawing each text
alone (each of the ``n`` draws its own token from the same distribution), and costs as many decoded tokens as there are
distinct prefixes.

The tree is walked depth first by *lanes*. A lane owns one sequence of the KV cache: it follows one child and keeps the
siblings on its stack; at a leaf it cuts its sequence back to the youngest sibling's branching point. An idle lane takes the
oldest sibling of the fullest stack and shares the KV of its prefix. So sequences never run out and memory is bounded by the
number of lanes, whatever ``n``. All lanes decode in one batch. Where the KV cache is full all the same, lanes are closed and
their work is replayed later from the common trunk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from ..core.contracts import Sample, Sampling
from ..core.errors import ContextTooSmall, EngineError
from ..core.grammar import Grammar
from ..core.run import Usage
from ..core.seeds import derive
from .drawing import child_key, draw, weights
from .masks import Automaton, Masks
from .native import Context, NoRoom, Slot
from .trie import PromptNode, common_length, prompt_tree

__all__ = ["Job", "Sampler"]

Array: TypeAlias = np.ndarray[Any, Any]
# Every token attends over all cells in use, its own or not: beyond this many cells past the trunk, further lanes cost more
# than fuller batches gain (measured on 4 cores: 24 lanes of 100 tokens each are a quarter faster than 64).
_CELLS = 2048
_FEWEST = 16  # lanes that are opened whatever their length
_GUESS = 32  # tokens of an answer, before the first is whole
_CHUNK = 128  # prompts are read in steps of this many tokens, so that reading one again gives the same bits


@dataclass
class Job:
    """A request in tokens."""

    prompt: list[int]
    grammar: Grammar | None
    n: int
    sampling: Sampling
    seed: int
    max_tokens: int
    done: list[tuple[tuple[int, ...], int]] = field(default_factory=list)


@dataclass(slots=True)
class _Item:
    """Tokens to decode behind the first ``start`` tokens of a sequence, and what to do then.

    Either inside the prompts (``node``), or ``count`` texts of ``job`` that begin with ``path``, whose end is ``feed``.
    """

    start: int
    feed: Sequence[int]
    node: PromptNode | None = None
    job: int = -1
    path: tuple[int, ...] = ()
    count: int = 0
    key: int = 0


@dataclass(slots=True)
class _Lane:
    sequence: int
    length: int = 0  # tokens its sequence holds
    item: _Item | None = None
    fed: int = 0
    stack: list[_Item] = field(default_factory=list)
    automata: dict[int, Automaton] = field(default_factory=dict)


class Sampler:
    """Samples jobs on a context.

    context : longest sequence allowed, in tokens. lanes : sequences decoded side by side; the context needs one more.
    """

    def __init__(self, native: Context, masks: Masks, *, context: int, lanes: int) -> None:
        self._native, self._masks, self._context = native, masks, context
        self._lanes = [_Lane(i) for i in range(lanes)]
        self._trunk = lanes  # this sequence keeps what all prompts of a call begin with
        self._trunk_tokens: list[int] = []
        self._pieces = native.pieces()
        self._ends, control = native.special()
        self._free = np.array([t for t in range(native.vocab_size) if t not in control or t in self._ends])

    def run(
        self, jobs: Sequence[Job], poll: Callable[[int, Usage], None] | None = None
    ) -> tuple[list[Sample], Usage]:
        """The texts of every job. ``poll`` is called after every batch with (texts finished, usage); it may raise.

        Raises ``ContextTooSmall``, ``EngineError``.
        """
        self._jobs, self._usage, self._finished = jobs, Usage(calls=1, samples=sum(j.n for j in jobs)), 0
        self._counts = {"prompt": 0, "decoded": 0, "forced": 0}
        self._orphans: deque[_Item] = deque()
        self._open = len(self._lanes)
        self._lengths = (0, 0)  # tokens and number of the distinct texts that are whole
        if self._masks.full:
            self._masks.forget()
            for lane in self._lanes:
                lane.automata.clear()
        self._grammars = [None if job.grammar is None else self._masks.compile(job.grammar) for job in jobs]
        wanted = [index for index, job in enumerate(jobs) if job.n > 0]
        try:
            if wanted:
                self._plant([jobs[index].prompt for index in wanted], wanted)
                while self._step():
                    if poll is not None:
                        poll(self._finished, self._totals())
        finally:
            for lane in self._lanes:
                self._close(lane)
        return [self._texts(job) for job in jobs], self._totals()

    def _totals(self) -> Usage:
        c = self._counts
        return Usage(
            calls=1,
            samples=self._usage.samples,
            prompt_tokens=c["prompt"],
            decoded_tokens=c["decoded"],
            forced_tokens=c["forced"],
        )

    # --- beginning --------------------------------------------------------------------------------------------------

    def _plant(self, prompts: Sequence[list[int]], indices: Sequence[int]) -> None:
        longest = max(map(len, prompts))
        if longest >= self._context:
            raise ContextTooSmall(
                f"a prompt of {longest} tokens leaves no room for an answer: the model reads at most {self._context}",
                "shorten descriptions, use fewer examples, or a model with a longer context",
            )
        root = prompt_tree(prompts)
        for node in _walk(root):
            node.ends = [indices[i] for i in node.ends]
        # What the last call left of the same beginning is used again, in whole steps: see _CHUNK.
        kept = common_length(self._trunk_tokens, root.tokens[:-1]) // _CHUNK * _CHUNK
        self._native.truncate(self._trunk, kept)
        self._trunk_tokens = root.tokens[:kept]
        lane = self._lanes[0]
        if kept:
            self._native.copy(self._trunk, lane.sequence, kept)
            lane.length = kept
        self._root = root
        self._own = sum(map(len, prompts)) / len(prompts) - root.end
        self._start(lane, _Item(kept, root.tokens[kept:], node=root))
        if not root.tokens:
            self._expand(lane, None)

    def _keep_trunk(self, lane: _Lane) -> None:
        self._native.copy(lane.sequence, self._trunk, self._root.end)
        self._trunk_tokens = list(self._root.tokens)

    # --- lanes ------------------------------------------------------------------------------------------------------

    def _start(self, lane: _Lane, item: _Item) -> None:
        if lane.length > item.start:
            self._native.truncate(lane.sequence, item.start)
            lane.length = item.start
        lane.item, lane.fed = item, 0
        end = item.start + len(item.feed)
        if end > self._context:
            raise ContextTooSmall(
                f"a row reached {end} tokens with its prompt, the model reads at most {self._context}",
                "shorten texts or descriptions, use fewer columns, or a model with a longer context",
            )

    def _close(self, lane: _Lane) -> None:
        if lane.length:
            self._native.truncate(lane.sequence, 0)
        lane.item, lane.length = None, 0
        lane.stack.clear()

    def _employ(self) -> list[_Lane]:
        """Give idle lanes work, oldest siblings first; the busy lanes."""
        busy = [lane for lane in self._lanes if lane.item is not None]
        most = min(self._open, max(_FEWEST, int(_CELLS / self._usual_tail())))
        for lane in self._lanes:
            if len(busy) >= most:
                break
            if lane.item is not None:
                continue
            if self._orphans:
                item, source = self._orphans.popleft(), self._trunk
            else:
                victim = max(busy, key=lambda other: len(other.stack), default=None)
                if victim is None or not victim.stack:
                    break
                item, source = victim.stack.pop(0), victim.sequence
            self._native.copy(source, lane.sequence, item.start)
            lane.length = item.start
            self._start(lane, item)
            busy.append(lane)
        return busy

    def _usual_tail(self) -> float:
        """Cells a lane holds past the trunk at its end: what its prompt has beyond it, and an answer of usual length."""
        tokens, texts = self._lengths
        return max(1.0, self._own + (tokens / texts if texts else _GUESS))

    def _step(self) -> bool:
        """Decode one batch; false when nothing is left to do."""
        busy = self._employ()
        if not busy:
            return False
        slots, fed = self._fill(busy)
        while (logits := self._decode(slots)) is None:
            self._evict()
            slots, fed = self._fill([lane for lane in busy if lane.item is not None])
        row = 0
        for lane, slot in zip(fed, slots, strict=True):
            size = len(slot.tokens)
            lane.length += size
            lane.fed += size
            assert lane.item is not None
            self._counts["prompt" if lane.item.node is not None else "decoded"] += size
            if slot.logits:
                self._expand(lane, logits[row])
                row += 1
            elif lane.fed == len(lane.item.feed):
                self._expand(lane, None)
        return True

    def _decode(self, slots: Sequence[Slot]) -> Array | None:
        """Logits, or ``None`` where the KV cache is full."""
        try:
            return self._native.decode(slots)
        except NoRoom:
            return None

    def _fill(self, busy: Sequence[_Lane]) -> tuple[list[Slot], list[_Lane]]:
        room, slots, fed = self._native.batch_size, [], []
        for lane in busy:
            item = lane.item
            assert item is not None
            left = len(item.feed) - lane.fed
            size = min(left, _CHUNK - lane.length % _CHUNK) if item.node is not None else left
            if size > room:
                if item.node is None and size > self._native.batch_size:
                    size = room  # a replay longer than a batch goes in pieces
                else:
                    continue
            tokens = item.feed[lane.fed : lane.fed + size]
            last = lane.fed + size == len(item.feed)
            slots.append(
                Slot(lane.sequence, lane.length, tokens, last and (item.node is None or bool(item.node.ends)))
            )
            fed.append(lane)
            room -= size
        return slots, fed

    def _evict(self) -> None:
        """Close the youngest lane and keep its work for a replay from the trunk."""
        open_lanes = [lane for lane in self._lanes if lane.item is not None]
        if len(open_lanes) <= 1:
            raise ContextTooSmall(
                "the KV cache cannot hold one prompt and one row",
                "use a model with a longer context, or a shorter prompt",
            )
        lane = max(open_lanes, key=lambda other: other.sequence)
        trunk = self._root.end
        for item in [lane.item, *reversed(lane.stack)]:
            assert item is not None
            row = item.node is None
            whole = [*self._jobs[item.job].prompt, *item.path] if row else self._prompt_until(item.node)
            if item.start < trunk:
                raise EngineError("the KV cache is full before the prompts' common part is read")
            item.start, item.feed = trunk, whole[trunk:]
            self._orphans.append(item)
        self._close(lane)
        self._open = max(1, len(open_lanes) - 1)

    def _prompt_until(self, node: PromptNode | None) -> list[int]:
        assert node is not None
        below = node
        while not below.ends:
            below = below.children[0]
        return self._jobs[below.ends[0]].prompt[: node.end]

    # --- the tree ---------------------------------------------------------------------------------------------------

    def _expand(self, lane: _Lane, logits: Array | None) -> None:
        item = lane.item
        assert item is not None
        children: list[_Item] = []
        if item.node is not None:
            node = item.node
            if node is self._root:
                self._keep_trunk(lane)
            children += [_Item(node.end, child.tokens, node=child) for child in reversed(node.children)]
            for index in reversed(node.ends):
                assert logits is not None
                job = self._jobs[index]
                key = derive(job.seed, "texts")
                children += self._branch(lane, _Item(node.end, (), job=index, count=job.n, key=key), logits)
        else:
            assert logits is not None
            children = self._branch(lane, item, logits)
        lane.stack.extend(children)
        if lane.stack:
            self._start(lane, lane.stack.pop())
        else:
            self._close(lane)

    def _branch(self, lane: _Lane, item: _Item, logits: Array) -> list[_Item]:
        """Split a count over the next tokens: items to decode, and texts that are whole already."""
        job = self._jobs[item.job]
        automaton = self._automaton(lane, item)
        ids = self._free if automaton is None else automaton.allowed()
        start = len(job.prompt) + len(item.path)
        children = []
        for at, count in draw(weights(logits[ids], job.sampling), item.key, item.count):
            token = int(ids[at])
            key = child_key(item.key, token)
            tokens, whole = [token], token in self._ends
            if not whole and automaton is not None:
                automaton.push(tokens)
                if not automaton.complete:
                    forced = automaton.forced()
                    automaton.push(forced)
                    tokens += forced
                whole = automaton.complete
                automaton.pop(len(tokens))
            elif whole:
                tokens = []
            path = (*item.path, *tokens)
            if automaton is None:
                whole = whole or len(path) >= job.max_tokens
            if whole:
                job.done.append((path, count))
                self._lengths = self._lengths[0] + len(path), self._lengths[1] + 1
                self._finished += count
            else:
                self._counts["forced"] += max(len(tokens) - 1, 0)
                children.append(_Item(start, tokens, job=item.job, path=path, count=count, key=key))
        # The largest subtree last: this lane follows it, and the others stay for lanes that are idle.
        children.sort(key=lambda child: child.count)
        return children

    def _automaton(self, lane: _Lane, item: _Item) -> Automaton | None:
        """The lane's automaton for the item's grammar, standing behind the item's path."""
        number = self._grammars[item.job]
        if number is None:
            return None
        automaton = lane.automata.get(number)
        if automaton is None:
            if len(lane.automata) >= 8:
                lane.automata.clear()
            automaton = lane.automata[number] = self._masks.automaton(number)
        automaton.move(item.path)
        return automaton

    def _texts(self, job: Job) -> Sample:
        texts = []
        for path, count in job.done:
            text = b"".join(self._pieces[token] for token in path).decode(errors="replace")
            texts += [text] * count
        order = np.random.default_rng(derive(job.seed, "order")).permutation(len(texts))
        # The order in which the tree was finished must not show: sorted first, then shuffled by the seed.
        texts.sort()
        return Sample(tuple(texts[i] for i in order))


def _walk(node: PromptNode) -> list[PromptNode]:
    return [node, *(below for child in node.children for below in _walk(child))]
