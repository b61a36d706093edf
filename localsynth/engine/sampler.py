"""Prefix-tree sampling: many rows of many requests out of shared KV caches.

``n`` texts wanted under one prompt are ``n`` at the root of a tree. At each node the count is split over the allowed tokens by
a multinomial draw and the children go on; texts share every prefix they have in common. That is the same as drawing each text
alone (each of the ``n`` draws its own token from the same distribution), and costs as many decoded tokens as there are
distinct prefixes.

Several contexts work side by side on subtrees of their own, each with its share of the threads: contexts of one thread never
wait for each other inside llama.cpp. They run for an agreed number of batches, then work is shared out anew. Who gets what
depends on the work alone, never on time, so the same requests give the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from time import perf_counter
from typing import TypeAlias

from ..core.contracts import Adapter
from ..core.errors import Cancelled, ContextTooSmall
from ..core.run import Usage
from .branching import Branching
from .context import Slot
from .jobs import Item, Job, Work
from .lanes import CHUNK, Array, Lanes
from .masks import Grammars
from .native import Weights
from .trie import apart, common_length, prompt_tree
from .watch import Watch

__all__ = ["Poll", "Sampler", "Timing", "adapter_key", "gather"]

Poll: TypeAlias = Callable[[int, Usage], None]  # (texts finished, usage so far)
_LONGEST_EPOCH = 16  # batches between two sharings of work
_UNFAIR = 0.7  # of the mean number of texts: who has fewer is given some
_SUBTREE = 4  # texts that make a subtree worth replaying its path elsewhere
_LEAST_ROOM = 512  # cells a context must have past the trunk to take part


@dataclass(frozen=True)
class Timing:
    """Where a call's wall time went, in seconds.

    native : inside llama.cpp. python : between two batches, waiting for the interpreter included. Both are means of the
    contexts that took part; what is left is waiting for the slowest. first : until the first text was whole.
    """

    seconds: float
    native: float
    python: float
    first: float


class Sampler:
    """Samples jobs on some contexts.

    lanes : one set per context; the first context is the roomiest and reads what prompts have in common.
    longest : tokens a sequence may have. threads : of llama.cpp, all contexts together.
    """

    def __init__(
        self,
        weights: Weights,
        lanes: Sequence[Lanes],
        grammars: Grammars,
        branching: Branching,
        *,
        longest: int,
        threads: int,
    ) -> None:
        self._weights = weights
        self.lanes, self._grammars, self._branching = list(lanes), grammars, branching
        self._longest = longest
        self.pool = ThreadPoolExecutor(len(lanes), thread_name_prefix="context")
        self.watch = Watch(threads)
        self._trunks: list[list[int]] = [[] for _ in lanes]  # tokens of the trunk each context holds
        self._adapter: tuple[Adapter, tuple[str, int, int]] | None = None
        self.timing = Timing(0.0, 0.0, 0.0, 0.0)

    def run(self, jobs: Sequence[Job], poll: Poll | None = None) -> Usage:
        """Make every job's texts. ``poll`` is called now and then with (texts finished, usage so far); it may raise.

        Raises ``ContextTooSmall``, ``Cancelled``, ``EngineError``.
        """
        started = perf_counter()
        busy = [(lanes.context.busy, lanes.seconds) for lanes in self.lanes]
        self._trunk_seconds = 0.0
        self._shared = 0.0  # seconds in which the contexts worked, all together
        self._wanted = sum(job.n for job in jobs)
        self._finished, self._spent, self._first = 0, Usage(calls=1, samples=self._wanted), 0.0
        self._used: set[int] = set()
        self.tidy()
        for adapter, alike in groupby(
            sorted(jobs, key=lambda job: adapter_key(job.adapter)), key=lambda job: job.adapter
        ):
            members = [job for job in alike if job.n > 0]
            if members:
                self.use_adapter(adapter)
                tree = prompt_tree([job.prompt for job in members])
                for group in apart(tree, [job.n for job in members]):
                    self._run_group([members[at] for at in group], poll, started)
        seconds, count = perf_counter() - started, max(len(self._used), 1)
        native = sum(self.lanes[i].context.busy - busy[i][0] for i in self._used) / count
        walked = sum(self.lanes[i].seconds - busy[i][1] for i in self._used) / count
        trunk = self._trunk_seconds
        alone = seconds - self._shared - trunk  # nobody decodes while work is shared out
        self.timing = Timing(seconds, native + trunk, walked - native + alone, self._first)
        return self._spent

    def stop(self, *, stopped: bool = True) -> None:
        """Make a running call raise ``Cancelled`` at once; callable from any thread."""
        for lanes in self.lanes:
            lanes.context.stop(stopped=stopped)

    def tidy(self) -> None:
        """Drop compiled grammars where there are many; done between two calls."""
        if self._grammars.full:
            self._grammars.forget()
            for lanes in self.lanes:
                lanes.forget()

    def forget(self) -> None:
        """Drop all that is kept between calls; what is computed next is the same."""
        self._trunks = [[] for _ in self.lanes]
        for lanes in self.lanes:
            lanes.context.clear()

    def use_adapter(self, adapter: Adapter | None) -> None:
        """Work with this adapter from now on."""
        state = (adapter, self._weights.adapter_key(adapter.path)) if adapter is not None else None
        if state != self._adapter:
            self.forget()  # what was decoded with other weights is of no use
            for lanes in self.lanes:
                lanes.context.use_adapter(
                    adapter.path if adapter else None, adapter.scale if adapter else 0.0
                )
            self._adapter = state

    # --- one group of jobs ------------------------------------------------------------------------------------------

    def _run_group(self, jobs: Sequence[Job], poll: Poll | None, started: float) -> None:
        longest = max(len(job.prompt) for job in jobs)
        if longest >= self._longest:
            raise ContextTooSmall(
                f"a prompt of {longest} tokens leaves no room for an answer: the model reads at most {self._longest}",
                "shorten descriptions, use fewer examples, or a model with a longer context",
            )
        numbers = [None if job.grammar is None else self._grammars.compile(job.grammar) for job in jobs]
        work = Work(jobs, prompt_tree([job.prompt for job in jobs]), numbers)
        team = [lanes for lanes in self.lanes if self._has_room(lanes, work)]
        before, finished_before = self._spent, self._finished
        try:
            for lanes in team:
                lanes.begin(work, last_resort=lanes is self.lanes[0])
            logits, read = self._read_trunk(work)
            self._spent = before = before + Usage(prompt_tokens=read)
            root = Item(0, (), 0, node=work.root)
            for item in sorted(team[0].sprout(work.children(root), logits), key=lambda item: -item.count):
                self._deal(item, team)
            while any(lanes.texts for lanes in team):
                self._epoch(work, team)
                self._spent = before + _usage(team)
                self._finished = finished_before + sum(lanes.counts["texts"] for lanes in team)
                if self._finished and not self._first:
                    self._first = perf_counter() - started
                if poll is not None:
                    poll(self._finished, self._spent)
            self._spent = before + _usage(team)
            self._finished = finished_before + sum(job.n for job in jobs)
        finally:
            for lanes in team:
                lanes.close()

    def _has_room(self, lanes: Lanes, work: Work) -> bool:
        if lanes is self.lanes[0]:
            return True
        longest = max(len(job.prompt) for job in work.jobs)
        return lanes.context.cells >= longest + _LEAST_ROOM

    def _read_trunk(self, work: Work) -> tuple[Array | None, int]:
        """Decode what all prompts have in common, on the first context; (logits where a job ends there, tokens read)."""
        tokens, first = work.root.tokens, self.lanes[0]
        context = first.context
        # What the last call left of the same beginning is used again, in whole steps: see CHUNK.
        kept = common_length(self._trunks[0], tokens[:-1]) // CHUNK * CHUNK
        context.truncate(first.trunk, kept)
        self._trunks[0] = tokens[:kept]
        before = context.busy
        logits = None
        for start in range(kept, len(tokens), CHUNK):
            context.use_threads(self.watch.in_step())
            step = tokens[start : start + CHUNK]
            wanted = start + len(step) == len(tokens) and bool(work.root.ends)
            found = context.decode([Slot(first.trunk, start, step, wanted)])
            logits = found[0].copy() if wanted else None
            self._trunks[0] = tokens[: start + len(step)]
        self._trunk_seconds += context.busy - before
        context.busy = before
        self._used.add(0)
        return logits, len(tokens) - kept

    def _deal(self, item: Item, team: Sequence[Lanes]) -> None:
        """Give an item to whoever has the fewest texts to make."""
        self._hand(item, min(team, key=lambda lanes: lanes.texts))

    def _hand(self, item: Item, lanes: Lanes) -> None:
        at = self.lanes.index(lanes)
        if self._trunks[at] != self._trunks[0]:
            if self._trunks[0]:
                lanes.context.adopt(lanes.trunk, self.lanes[0].context.export(self.lanes[0].trunk))
            else:
                lanes.context.truncate(lanes.trunk, 0)
            self._trunks[at] = list(self._trunks[0])
        self._used.add(at)
        lanes.put(item)

    def _epoch(self, work: Work, team: Sequence[Lanes]) -> None:
        """Share out the work, then let everyone decode some batches."""
        self._balance(team)
        active = [lanes for lanes in team if lanes.texts]
        # Nobody runs dry before about this many batches: texts left, times the batches a text has taken so far, over the lanes.
        per_text = max(1, sum(lanes.steps for lanes in team) // max(1, sum(lanes.ended for lanes in team)))
        least = (
            min(lanes.texts * per_text // lanes.count for lanes in team) if len(team) > 1 else _LONGEST_EPOCH
        )
        batches = max(1, min(_LONGEST_EPOCH, least))
        decoded, begun = sum(lanes.tokens for lanes in active), perf_counter()
        self._together(active, batches)
        seconds = perf_counter() - begun
        self._shared += seconds
        self.watch.saw(sum(lanes.tokens for lanes in active) - decoded, seconds, len(active))
        for lanes in team:
            for item in lanes.returned:
                self._hand(item, self.lanes[0])
            lanes.returned.clear()

    def _together(self, active: Sequence[Lanes], batches: int) -> None:
        each = self.watch.threads // len(active)
        each = min(each, self.watch.in_step()) if each > 1 else 1
        for lanes in active:
            lanes.context.use_threads(each)
        if len(active) == 1:
            active[0].run(batches)
            return
        hands = min(len(active), self.watch.threads)
        shares = [active[i::hands] for i in range(hands)]
        futures = [self.pool.submit(_run_each, share, batches) for share in shares]
        gather(futures)

    def _balance(self, team: Sequence[Lanes]) -> None:
        """Move waiting items from who has the most texts to make to who has too few.

        A whole subtree is moved early; single texts, which cost the more the longer they are, only to lanes that are idle.
        """
        if len(team) < 2:
            return
        texts = {id(lanes): lanes.texts for lanes in team}
        fair = sum(texts.values()) / len(team)
        while True:
            poor = min(team, key=lambda lanes: texts[id(lanes)])
            rich = max(team, key=lambda lanes: texts[id(lanes)])
            needy = poor.idle > poor.waiting
            if not needy and texts[id(poor)] > _UNFAIR * fair:
                return
            gap = texts[id(rich)] - texts[id(poor)]
            item = rich.take(1 if needy else _SUBTREE, gap)
            if item is None:
                return
            texts[id(rich)] -= item.count
            texts[id(poor)] += item.count
            self._hand(item, poor)


def gather(futures: Sequence[Future[None]]) -> None:
    """Wait for all; raise what went wrong, a failure rather than the ``Cancelled`` that others answered with."""
    errors = [error for future in futures if (error := future.exception()) is not None]
    if errors:
        raise next((error for error in errors if not isinstance(error, Cancelled)), errors[0])


def _run_each(share: Sequence[Lanes], batches: int) -> None:
    for lanes in share:
        lanes.run(batches)


def _usage(team: Sequence[Lanes]) -> Usage:
    return Usage(
        prompt_tokens=sum(lanes.counts["prompt"] for lanes in team),
        decoded_tokens=sum(lanes.counts["decoded"] for lanes in team),
        forced_tokens=sum(lanes.counts["forced"] for lanes in team),
    )


def adapter_key(adapter: Adapter | None) -> tuple[str, float]:
    """What requests are sorted by, so that each adapter is set once."""
    return (adapter.path, adapter.scale) if adapter is not None else ("", 0.0)
