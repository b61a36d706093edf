"""The lanes of one context: sequences that walk the tree of texts side by side, one batch for all of them.

The tree is walked depth first. A lane owns one sequence of the KV cache: it follows one child and keeps the siblings on its
stack; at a leaf it cuts its sequence back to the youngest sibling's branching point. An idle lane takes the oldest sibling of
the fullest stack and shares the KV of its prefix. So sequences never run out and memory is bounded by the number of lanes,
whatever ``n``. Where the KV cache is full all the same, lanes are closed and their work is replayed later from the trunk,
the tokens that all prompts of a call have in common.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np

from ..core.errors import ContextTooSmall
from .branching import Branching
from .context import Context, NoRoom, Slot
from .jobs import Item, Work
from .masks import Automaton, Masks

__all__ = ["CHUNK", "Lanes"]

Array: TypeAlias = np.ndarray[Any, Any]
COUNTED = ("prompt", "decoded", "forced", "texts", "ended", "written", "steps")
# Every token attends over all cells in use, its own or not: lanes beyond so many cells each, past the trunk, cost more than
# fuller batches gain.
_CELLS_EACH = 40
_GUESS = 32  # tokens of a text, before the first is whole
CHUNK = 128  # prompts are read in steps of this many tokens, so that reading one again gives the same bits


@dataclass(slots=True)
class _Lane:
    sequence: int
    length: int = 0  # tokens its sequence holds
    item: Item | None = None
    fed: int = 0
    stack: list[Item] = field(default_factory=list)
    automata: dict[int, Automaton] = field(default_factory=dict)


class Lanes:
    """Walks items on one context, whose last sequence keeps the trunk.

    longest : tokens a sequence may have. count : lanes. Nothing here depends on time: the same items give the same batches.
    """

    def __init__(
        self, context: Context, masks: Masks, branching: Branching, *, longest: int, count: int
    ) -> None:
        self.context = context
        self._masks, self._branching, self._longest = masks, branching, longest
        self._lanes = [_Lane(i) for i in range(count)]
        self.trunk = count
        self._queue: deque[Item] = deque()
        self.counts = dict.fromkeys(COUNTED, 0)
        self.seconds = 0.0  # spent walking, llama.cpp's time included
        self._taken = 0  # texts taken over, less those handed on
        self.returned: list[Item] = []  # what this context has no room for

    def begin(self, work: Work, *, last_resort: bool) -> None:
        """Get ready for a call. ``last_resort`` : what does not fit here fits nowhere."""
        self._work, self._last_resort, self._open = work, last_resort, len(self._lanes)
        self._queue.clear()
        self.returned.clear()
        self.counts, self._taken = dict.fromkeys(COUNTED, 0), 0

    def forget(self) -> None:
        """Drop what is remembered of grammars."""
        for lane in self._lanes:
            lane.automata.clear()

    def close(self) -> None:
        """Leave everything as it is; the trunk stays."""
        for lane in self._lanes:
            self._close(lane)
        self._queue.clear()

    def automaton(self, number: int) -> Automaton:
        """A fresh automaton of a compiled grammar."""
        return self._masks.automaton(number)

    # --- what is left to do -----------------------------------------------------------------------------------------

    def put(self, item: Item) -> None:
        """Take over an item that begins at the trunk's end."""
        self._taken += item.count
        self._queue.append(item)

    def take(self, least: int, below: int) -> Item | None:
        """Hand over the oldest waiting item of at least ``least`` and fewer than ``below`` texts."""
        stacks = sorted((lane.stack for lane in self._lanes), key=len, reverse=True)
        for waiting in (self._queue, *stacks):
            for at, item in enumerate(waiting):
                if least <= item.count < below:
                    del waiting[at]
                    self._taken -= item.count
                    return item if waiting is self._queue else self._work.from_trunk(item)
        return None

    @property
    def tokens(self) -> int:
        """Tokens decoded in this call."""
        return self.counts["prompt"] + self.counts["decoded"]

    @property
    def steps(self) -> int:
        """Steps of all lanes together, in this call."""
        return self.counts["steps"]

    @property
    def ended(self) -> int:
        """Distinct texts that are whole."""
        return self.counts["ended"]

    @property
    def waiting(self) -> int:
        """Items nobody works on yet."""
        return len(self._queue) + sum(len(lane.stack) for lane in self._lanes)

    @property
    def idle(self) -> int:
        """Lanes without work."""
        return sum(lane.item is None for lane in self._lanes)

    @property
    def count(self) -> int:
        """Lanes there are."""
        return len(self._lanes)

    @property
    def texts(self) -> int:
        """Texts that are not whole yet."""
        return self._taken - self.counts["texts"]

    # --- walking ----------------------------------------------------------------------------------------------------

    def run(self, batches: int) -> None:
        """Decode up to so many batches. Raises ``ContextTooSmall``, ``Cancelled``, ``EngineError``."""
        started = perf_counter()
        try:
            for _ in range(batches):
                if not self._step():
                    break
        finally:
            self.seconds += perf_counter() - started

    def sprout(self, items: Sequence[Item], logits: Array | None) -> list[Item]:
        """What grows out of the trunk's end: each job that ends there branches, everything else goes on as it is."""
        grown: list[Item] = []
        for item in items:
            if item.node is None and logits is not None:
                automaton = self._automaton(self._lanes[0], item)
                below = self._branching.children(self._work, item, automaton, logits, self.counts)
                self._taken += item.count - sum(child.count for child in below)  # those are whole already
                grown += below
            else:
                grown.append(item)
        return grown

    def _start(self, lane: _Lane, item: Item) -> None:
        if lane.length > item.start:
            self.context.truncate(lane.sequence, item.start)
            lane.length = item.start
        lane.item, lane.fed = item, 0
        end = item.start + len(item.feed)
        if end > self._longest:
            raise ContextTooSmall(
                f"a row reached {end} tokens with its prompt, the model reads at most {self._longest}",
                "shorten texts or descriptions, use fewer columns, or a model with a longer context",
            )

    def _close(self, lane: _Lane) -> None:
        self.context.truncate(lane.sequence, 0)
        lane.item, lane.length = None, 0
        lane.stack.clear()

    def _employ(self) -> list[_Lane]:
        """Give idle lanes work, oldest siblings first; the busy lanes."""
        busy = [lane for lane in self._lanes if lane.item is not None]
        most = min(self._open, self._useful())
        for lane in self._lanes:
            if len(busy) >= most:
                break
            if lane.item is not None:
                continue
            if self._queue:
                item, source = self._queue.popleft(), self.trunk
            else:
                victim = max(busy, key=lambda other: len(other.stack), default=None)
                if victim is None or not victim.stack:
                    break
                item, source = victim.stack.pop(0), victim.sequence
            self.context.copy(source, lane.sequence, item.start)
            lane.length = item.start
            self._start(lane, item)
            busy.append(lane)
        return busy

    def _useful(self) -> int:
        """How many lanes are worth having, for texts as long as those that are whole."""
        count, ended = len(self._lanes), self.counts["ended"]
        tail = self._work.beyond_trunk + (self.counts["written"] / ended if ended else _GUESS)
        return max(count * 3 // 8, 1, int(_CELLS_EACH * count / max(tail, 1)))

    def _step(self) -> bool:
        """Decode one batch; false when nothing is left to do."""
        busy = self._employ()
        if not busy:
            return False
        slots, fed = self._fill(busy)
        while (logits := self._decode(slots)) is None:
            self._evict()
            slots, fed = self._fill([lane for lane in busy if lane.item is not None])
            if not slots:
                return False
        row = 0
        for lane, slot in zip(fed, slots, strict=True):
            self._count(lane, len(slot.tokens))
            if slot.logits:
                self._expand(lane, logits[row])
                row += 1
            elif lane.item is not None and lane.fed == len(lane.item.feed):
                self._expand(lane, None)
        return True

    def _count(self, lane: _Lane, size: int) -> None:
        item = lane.item
        assert item is not None
        self.counts["steps"] += 1
        again = max(min(item.again - lane.fed, size), 0)
        self.counts["prompt" if item.node is not None else "decoded"] += size - again
        lane.length += size
        lane.fed += size

    def _decode(self, slots: Sequence[Slot]) -> Array | None:
        """Logits, or ``None`` where the KV cache is full."""
        try:
            return self.context.decode(slots)
        except NoRoom:
            return None

    def _fill(self, busy: Sequence[_Lane]) -> tuple[list[Slot], list[_Lane]]:
        room = self.context.batch_size
        slots: list[Slot] = []
        fed: list[_Lane] = []
        for lane in busy:
            item = lane.item
            assert item is not None
            left = len(item.feed) - lane.fed
            size = min(left, CHUNK - lane.length % CHUNK) if item.node is not None else left
            if size > room:
                if item.node is None and size > self.context.batch_size:
                    size = room  # a replay longer than a batch goes in pieces
                if size > room or not size:
                    continue
            last = size == left
            logits = last and (item.node is None or bool(item.node.ends))
            slots.append(Slot(lane.sequence, lane.length, item.feed[lane.fed : lane.fed + size], logits))
            fed.append(lane)
            room -= size
        return slots, fed

    def _evict(self) -> None:
        """Close the youngest lane and keep its work for a replay from the trunk."""
        open_lanes = [lane for lane in self._lanes if lane.item is not None]
        if len(open_lanes) <= 1 and self._last_resort:
            raise ContextTooSmall(
                "the KV cache cannot hold one prompt and one row",
                "use a model with a longer context, or a shorter prompt",
            )
        lane = max(open_lanes, key=lambda other: other.sequence)
        items = [lane.item, *reversed(lane.stack)]
        self._close(lane)
        target: deque[Item] | list[Item] = self._queue if len(open_lanes) > 1 else self.returned
        for item in items:
            assert item is not None
            target.append(self._work.from_trunk(item))
            if target is self.returned:
                self._taken -= item.count
        self._open = max(1, len(open_lanes) - 1)

    # --- the tree ---------------------------------------------------------------------------------------------------

    def _expand(self, lane: _Lane, logits: Array | None) -> None:
        item = lane.item
        assert item is not None
        for child in self._work.children(item) if item.node is not None else (item,):
            if child.node is None:
                assert logits is not None
                automaton = self._automaton(lane, child)
                lane.stack += self._branching.children(self._work, child, automaton, logits, self.counts)
            else:
                lane.stack.append(child)
        if lane.stack:
            self._start(lane, lane.stack.pop())
        else:
            self._close(lane)

    def _automaton(self, lane: _Lane, item: Item) -> Automaton | None:
        """The lane's automaton for the item's grammar, standing behind the item's path."""
        number = self._work.grammars[item.job]
        if number is None:
            return None
        automaton = lane.automata.get(number)
        if automaton is None:
            if len(lane.automata) >= 8:
                lane.automata.clear()
            automaton = lane.automata[number] = self._masks.automaton(number)
        automaton.move(item.path)
        return automaton
