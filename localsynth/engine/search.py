"""Which file and setup are fastest: what is tried, in which order, when it is enough, and who wins. No model is needed here.

Measuring is handed in as a function; it raises a :class:`LocalsynthError` where a file or setup cannot be run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from ..core.errors import Cancelled, LocalsynthError, ModelError
from .setup import Setup, default_setup
from .workload import Measured

__all__ = ["BOUND", "Candidate", "Search", "Trial", "layouts", "winner"]

BOUND = 0.02  # nats per token: a file is chosen only if a token's probability is, on average, off by no more than 2%
_NOISE = 0.03  # differences of speed that measuring again may turn around: the simpler choice wins then
_CLOSE = 0.85  # of the fastest file's speed: a second file this fast may win with another setup
_CONTEXTS = 16  # more caches than this cost more memory than they gain
_MOST_LANES = 64


@dataclass(frozen=True)
class Candidate:
    """A file to try. size in bytes, bits per weight; file : its name among the re-quantized, ``None`` for the model's own.

    kv_bytes : of a token in the KV cache.
    """

    quantization: str
    path: Path
    size: int
    bits: float
    file: str | None = None
    kv_bytes: int = 25_000

    def default(self, cores: int) -> Setup:
        """The setup it would be opened with."""
        return default_setup(self.size, cores, self.kv_bytes)


@dataclass(frozen=True)
class Trial:
    """One line of the table. note : why it was not measured, or cannot win; empty where it can."""

    quantization: str
    candidate: Candidate | None = None
    setup: Setup | None = None
    measured: Measured | None = None
    note: str = ""

    @property
    def speed(self) -> float:
        """Rows per second; 0 where it cannot win."""
        return self.measured.rows_per_s if self.measured is not None and not self.note else 0.0


class Measure(Protocol):
    """Measures a file under a setup. beat : rows/s of the best so far. compare : find out the divergence too."""

    def __call__(self, candidate: Candidate, setup: Setup, *, beat: float, compare: bool) -> Measured: ...


@dataclass
class Search:
    """Tries files and setups one after the other.

    cores : usable. measure : as above. fits : whether a file and setup fit the memory. enough : whether time is up;
    files are all tried even so, setups are not. told : hears of every trial. untried : setups left out for lack of time.
    """

    cores: int
    measure: Measure
    fits: Callable[[Candidate, Setup], bool] = lambda _candidate, _setup: True
    enough: Callable[[], bool] = lambda: False
    told: Callable[[Trial], None] = lambda _trial: None
    trials: list[Trial] = field(default_factory=list)
    untried: int = 0

    def files(self, candidates: Iterable[Candidate]) -> list[Candidate]:
        """Try each file with the default setup; gives those worth more tries, the fastest first.

        Raises what measuring the first file raises: without the model's own there is nothing to compare with.
        """
        for candidate in candidates:
            self._try(candidate, candidate.default(self.cores), compare=True, must=not self.trials)
        best = max((trial.speed for trial in self.trials), default=0.0)
        close = [trial for trial in self.trials if trial.speed and trial.speed >= _CLOSE * best]
        close.sort(key=lambda trial: -trial.speed)
        return [trial.candidate for trial in close[:2] if trial.candidate is not None]

    def setups(self, candidates: Sequence[Candidate]) -> None:
        """Try other layouts of these files, then other lanes and flash attention for the best of them."""
        for candidate in candidates:
            for setup in layouts(candidate.default(self.cores), self.cores):
                self._unless_enough(candidate, setup)
        best = winner(self.trials)
        assert best.candidate is not None
        for setup in self._lanes(best):
            self._unless_enough(best.candidate, setup)
        best = winner(self.trials)
        assert best.candidate is not None
        assert best.setup is not None
        self._unless_enough(
            best.candidate, replace(best.setup, flash_attention=not best.setup.flash_attention)
        )

    def _lanes(self, start: Trial) -> Iterator[Setup]:
        """More lanes as long as they help, else fewer."""
        setup, speed, helped = start.setup, start.speed, False
        assert setup is not None
        more = setup
        while more.lanes * 2 <= _MOST_LANES:
            more = replace(more, lanes=more.lanes * 2)
            yield more
            last = self.trials[-1]
            if last.setup != more or last.speed <= speed * (1 + _NOISE):
                break
            speed, helped = last.speed, True
        if not helped and setup.lanes > 1:
            yield replace(setup, lanes=setup.lanes // 2)

    def _unless_enough(self, candidate: Candidate, setup: Setup) -> None:
        tried = any((t.candidate, t.setup) == (candidate, setup) for t in self.trials)
        if tried or not self.fits(candidate, setup):
            return
        if self.enough():
            self.untried += 1
        else:
            self._try(candidate, setup, compare=False)

    def _try(self, candidate: Candidate, setup: Setup, *, compare: bool, must: bool = False) -> None:
        beat = max((trial.speed for trial in self.trials), default=0.0)
        measured, note = None, ""
        try:
            measured = self.measure(candidate, setup, beat=beat, compare=compare)
        except Cancelled:
            raise
        except LocalsynthError as error:
            if must:
                raise
            note = f"failed: {error.message}"
        else:
            if measured.divergence is None:
                measured = replace(measured, divergence=self._divergence(candidate))
            if measured.divergence is None or not measured.divergence <= BOUND:
                note = "too far from the original"
        trial = Trial(candidate.quantization, candidate, setup, measured, note)
        self.trials.append(trial)
        self.told(trial)

    def _divergence(self, candidate: Candidate) -> float | None:
        """What was found for the file before; setups do not change it."""
        known = (
            t.measured.divergence for t in self.trials if t.candidate == candidate and t.measured is not None
        )
        return next(known, None)

    def skip(self, quantization: str, why: str) -> None:
        """Note a file that cannot be tried."""
        trial = Trial(quantization, note=why)
        self.trials.append(trial)
        self.told(trial)


def layouts(start: Setup, cores: int) -> list[Setup]:
    """Other ways to share the cores, the likeliest first: all of them, all but one, half; each thread its own context, pairs
    of threads, eight contexts, and one context for all ("unified").
    """
    shares = (
        (threads, contexts)
        for threads in dict.fromkeys((cores, cores - 1, cores // 2))
        for contexts in dict.fromkeys((threads, threads // 2, 8, 1))
        if 1 <= contexts <= min(threads, _CONTEXTS) and threads % contexts == 0
    )
    found = [replace(start, threads=threads, contexts=contexts) for threads, contexts in shares]
    return [setup for setup in found if setup != start]


def winner(trials: Sequence[Trial]) -> Trial:
    """The fastest that is true to the original; among those as fast but for noise, the one tried first.

    What is tried first is the model's own file, and the default setup: they win a draw. Raises :class:`ModelError`.
    """
    best = max((trial.speed for trial in trials), default=0.0)
    if not best:
        raise ModelError(
            "nothing that was tried could be measured", "`localsynth doctor` looks for the reason"
        )
    return next(trial for trial in trials if trial.speed >= best * (1 - _NOISE))
