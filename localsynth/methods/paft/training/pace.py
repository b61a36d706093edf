"""Whether idle threads wait by spinning: several times as fast on idle cores, and a standstill where others want the cores.

OpenMP reads this when a process begins, so a change takes a new process, which goes on where the old one kept its state.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["SPIN", "Pace", "Unsuited", "idle"]

#: Environment variable by which a child knows how its threads wait.
SPIN = "LOCALSYNTH_TRAINING_SPINS"
_WINDOW_S = 4.0
_HELD_UP = 0.8  # of the time that spinning threads ask for, less than which others are given some
_LOOK_EVERY_S = 45.0


class Unsuited(Exception):
    """Another way of waiting suits the machine now. spin : which."""

    def __init__(self, spin: bool) -> None:
        super().__init__(spin)
        self.spin = spin


def idle(load: float, cores: int) -> bool:
    """Whether a machine with this load leaves enough cores alone for threads that spin."""
    return load < 0.4 * cores


def _cpu() -> float:
    times = os.times()
    return times.user + times.system


@dataclass
class Pace:
    """Looks, step by step, whether the threads get the cores. spin : whether they spin. threads : how many there are.

    Raises ``Unsuited``.
    """

    spin: bool
    threads: int
    wall: Callable[[], float] = time.monotonic
    cpu: Callable[[], float] = _cpu
    load: Callable[[], float] = lambda: os.getloadavg()[0]
    _began: tuple[float, float] | None = field(default=None, init=False)

    def step(self) -> None:
        """After each step of training."""
        now = self.wall(), self.cpu()
        if self._began is None:
            self._began = now
            return
        seconds = now[0] - self._began[0]
        if self.spin and seconds >= _WINDOW_S:
            share = (now[1] - self._began[1]) / (seconds * self.threads)
            self._began = now
            if share < _HELD_UP and self.threads > 1:
                raise Unsuited(spin=False)
        elif not self.spin and seconds >= _LOOK_EVERY_S:
            self._began = now
            # Our own threads are in the load too, about one and a half of them at a time.
            if idle(self.load() - 1.5, os.cpu_count() or 1):
                raise Unsuited(spin=True)
