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
_WORTH = 3.0  # times what a change costs has to be left, for one may save about half of it


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
    """Looks, step by step, whether the threads get the cores. spin : whether they spin. threads : how many there are. change :
    seconds until another process would be where this one is.

    Raises ``Unsuited`` where enough is left to be worth a change.
    """

    spin: bool
    threads: int
    change: float
    wall: Callable[[], float] = time.monotonic
    cpu: Callable[[], float] = _cpu
    load: Callable[[], float] = lambda: os.getloadavg()[0]
    _began: tuple[float, float] | None = field(default=None, init=False)
    _steps: int = field(default=0, init=False)  # since then

    def step(self, left: int) -> None:
        """After each step of training. left : steps still to go."""
        now = self.wall(), self.cpu()
        if self._began is None:
            self._began = now
            return
        self._steps += 1
        seconds, used = now[0] - self._began[0], now[1] - self._began[1]
        if seconds < (_WINDOW_S if self.spin else _LOOK_EVERY_S):
            return
        worth = left * seconds / self._steps > _WORTH * self.change
        self._began, self._steps = now, 0
        if self._suits(used / (seconds * self.threads)) or not worth:
            return
        raise Unsuited(spin=not self.spin)

    def _suits(self, share: float) -> bool:
        """share : of the processor time that the threads could have had."""
        if self.spin:
            return share >= _HELD_UP or self.threads == 1
        # Our own threads are in the load too, about one and a half of them at a time.
        return not idle(self.load() - 1.5, os.cpu_count() or 1)
