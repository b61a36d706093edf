"""How fast a run goes and when it will be done, from the first second on."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from localsynth.core.events import Progress
from localsynth.core.run import Usage

__all__ = ["Meter"]

_EVERY_S = 0.1  # at most ten a second: more can be neither read nor drawn
_WINDOW_S = 30.0
_BATCHES = 3


@dataclass
class _Work:
    """Something that takes time and makes no rows. begun, at : when, and from where, this process saw it go on."""

    stage: str
    begun: float
    at: float
    done: float = 0.0
    wanted: float = 0.0

    def share(self) -> float | None:
        return self.done / self.wanted if self.wanted > 0 else None

    def eta(self, now: float) -> float | None:
        """By the speed so far."""
        made, seconds = self.done - self.at, now - self.begun
        return (self.wanted - self.done) * seconds / made if made > 0 and seconds > 0 else None


class Meter:
    """Turns what is done into ``Progress`` events.

    Only a committed row is certain; between two commits the texts the engine has written stand for rows, as many per
    row as the batch before needed. The rate is that of the last three batches, or of half a minute if that is longer: it
    forgets a slow start, and follows a machine that gets busy.

    rows_per_s : a first guess from earlier runs of the same kind, so that there is an ETA before the first row.
    """

    def __init__(
        self,
        run_id: str,
        wanted: int,
        done: int,
        send: Callable[[Progress], None],
        *,
        rows_per_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run_id, self._wanted, self._send, self._clock = run_id, wanted, send, clock
        self._guess = rows_per_s
        self._done, self._batch = done, 0
        self._texts, self._of_call = 0, 0  # written in this batch by calls that ended; by the present call
        self._texts_per_row: float | None = None
        self._commits: deque[tuple[float, int]] = deque()
        self._tokens, self._engine_s = 0, 0.0
        self._sent = float("-inf")
        self.stage = ""
        self._work: _Work | None = None
        self._calling = False  # whether the present call wrote something

    def start(self, stage: str) -> None:
        """Name what is going on and say at once where we stand."""
        self.stage, self._work = stage, None
        self.tick(force=True)

    def working(self, stage: str, done: float, wanted: float) -> None:
        """Work that is no row's is ``done`` of ``wanted``."""
        if self._work is None or self._work.stage != stage:
            self._work = _Work(stage, self._clock(), done)
        self.stage, self._work.done, self._work.wanted = stage, done, wanted
        self.tick()

    def batch(self, rows: int) -> None:
        """A batch of ``rows`` begins."""
        self._batch, self._texts, self._of_call = rows, 0, 0
        if not self._commits:
            self._commits.append((self._clock(), self._done))
        self.start("rows")

    def call(self, finished: int, wanted: int) -> None:
        """The engine wrote ``finished`` of ``wanted`` texts of its present call; without a batch they stand for no rows."""
        new, self._calling, self._of_call = not self._calling, True, finished
        if self._batch or wanted < 2:
            self._work = None
        elif new or self._work is None:
            self._work = _Work(self.stage, self._clock(), finished, finished, wanted)
        else:
            self._work.done = finished
        self.tick()

    def used(self, usage: Usage) -> None:
        """A call ended."""
        self._texts, self._of_call, self._calling = self._texts + usage.samples, 0, False
        self._tokens += usage.decoded_tokens
        self._engine_s += usage.seconds
        self.tick()

    def committed(self, rows: int) -> None:
        """``rows`` rows are there in all."""
        if self._batch and self._texts:
            self._texts_per_row = self._texts / self._batch
        self._done, self._batch = rows, 0
        if self._commits:
            now = self._clock()
            self._commits.append((now, rows))
            while len(self._commits) > _BATCHES + 1 and now - self._commits[1][0] > _WINDOW_S:
                self._commits.popleft()
        self.tick(force=True)

    def rows(self) -> float:
        """Rows done, those of the unfinished batch estimated and never all of them."""
        if not self._batch:
            return self._done
        texts = self._texts + self._of_call
        # Of a first batch nobody knows how many texts it takes: the estimate nears the whole without reaching it.
        usual = self._texts_per_row * self._batch if self._texts_per_row else texts + self._batch
        return self._done + self._batch * min(0.99, texts / usual)

    def rate(self) -> float:
        """Rows per second; the guess while nothing is measured, 0 where there is none."""
        if self._commits:
            began, rows = self._commits[0]
            seconds, made = self._clock() - began, self.rows() - rows
            if seconds > 0 and made > 0:
                return made / seconds
        return self._guess or 0.0

    def tick(self, *, force: bool = False) -> None:
        """Send a ``Progress`` unless one was sent within the last tenth of a second."""
        now = self._clock()
        if not force and now - self._sent < _EVERY_S:
            return
        self._sent = now
        rows, rate = self.rows(), self.rate()
        self._send(
            Progress(
                self._run_id,
                time.time(),
                rows_done=rows,
                rows_wanted=self._wanted,
                rows_per_s=rate,
                tokens_per_s=self._tokens / self._engine_s if self._engine_s > 0 else 0.0,
                eta_s=(self._wanted - rows) / rate if rate > 0 else None,
                stage=self.stage,
                stage_share=self._work.share() if self._work else None,
                stage_eta_s=self._work.eta(now) if self._work else None,
            )
        )
