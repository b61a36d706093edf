"""Watches the engine's speed: where other work takes the cores and speed collapses, fewer threads may do better."""

from __future__ import annotations

from collections import deque

__all__ = ["Watch"]

_WINDOW = 1.5  # seconds of work that are judged together
_COLLAPSED = 0.4  # of the best speed seen: below, fewer threads are tried
_BETTER = 1.1  # how much faster fewer threads must be to be kept
_PATIENCE = 30.0  # seconds of work before another try after one that did not help, and before trying all threads again


class Watch:
    """Decides how many threads are used. What is computed does not depend on it.

    most : threads there are. ``notices`` collects what a person should be told.
    """

    def __init__(self, most: int) -> None:
        self.most = self.threads = most
        self.notices: deque[str] = deque()
        self._best = 0.0  # tokens per second, all threads and contexts at work
        self._tokens = self._seconds = 0.0
        self._before: tuple[int, float] | None = None  # threads and speed before the try that is going on
        self._wait = 0.0
        self._active = 0

    def in_step(self) -> int:
        """Threads for work in which all wait for each other at every operation: one for each core nobody else wants now.

        With one thread too many, each operation waits until the scheduler comes round (seen: 35 s for a prompt that one
        thread reads in half a second).
        """
        return max(1, min(self.threads, self.threads - (running() - 1)))

    def saw(self, tokens: int, seconds: float, active: int) -> None:
        """So many tokens were decoded in so much time. active : contexts that took part."""
        if active < self._active:
            return  # a call's end is slow for reasons of its own
        self._active = active
        self._wait = max(0.0, self._wait - seconds)
        self._tokens += tokens
        self._seconds += seconds
        if self._seconds >= _WINDOW:
            speed = self._tokens / self._seconds
            self._tokens = self._seconds = 0.0
            if self._before is None:
                self._judge(speed)
            else:
                self._decide(speed, *self._before)

    def _judge(self, speed: float) -> None:
        """Begin a try where there is reason to."""
        self._best = max(self._best, speed)
        if self._wait:
            return
        if speed < _COLLAPSED * self._best and self.threads > 1:
            self._before = self.threads, speed
            self.threads = max(1, self.threads // 2)
        elif self.threads < self.most:
            self._before = self.threads, speed
            self.threads = self.most

    def _decide(self, speed: float, threads: int, slow: float) -> None:
        """Keep what is being tried, or go back to so many ``threads``, which were ``slow``."""
        self._before, self._wait = None, _PATIENCE
        if speed < slow * _BETTER:
            self.threads = threads
        elif self.threads == self.most:
            self.notices.append(f"the cores are free again: all {self.most} threads are used")
        else:
            self.notices.append(
                f"other work takes the cores: {self.threads} of {self.most} threads are used now,"
                f" which is faster ({speed:.0f} against {slow:.0f} tokens/s)"
            )


def running() -> int:
    """Threads on this machine that want a core at this moment, this one among them; 1 where that cannot be told."""
    try:
        with open("/proc/loadavg", encoding="ascii") as file:  # noqa: PTH123 - read before every prompt
            return max(1, int(file.read().split()[3].split("/")[0]))
    except (OSError, ValueError, IndexError):
        return 1
