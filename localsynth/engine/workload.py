"""A fixed piece of work that resembles rows: how fast a file writes it under a setup, and how like the original's they are."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..core.cells import row_grammar
from ..core.contracts import Engine, Likelihood, Message, SampleRequest, ScoreRequest
from ..core.schema import Schema
from .setup import Setup

__all__ = ["Measured", "Workload", "divergence", "peak_memory_mb"]

_TABLE = """
[[columns]]
name = "age"
kind = "integer"
range = [18, 95]
[[columns]]
name = "sex"
kind = "categorical"
categories = ["female", "male"]
[[columns]]
name = "diagnosis"
kind = "categorical"
categories = ["healthy", "hypertension", "diabetes", "asthma", "depression", "arthritis", "migraine", "anaemia"]
[[columns]]
name = "systolic_bp"
kind = "integer"
range = [80, 220]
[[columns]]
name = "hba1c"
kind = "float"
range = [4.0, 14.0]
decimals = 1
[[columns]]
name = "admitted"
kind = "date"
range = [2015-01-01, 2024-12-31]
"""
_QUESTION = """\
You write rows of a table as CSV. The records are invented, varied and realistic.
Table: visits to the outpatient clinic of a town, one row for each visit.
Columns:
- age (whole number from 18 to 95, in years)
- sex (one of: female, male)
- diagnosis (one of: healthy, hypertension, diabetes, asthma, depression, arthritis, migraine, anaemia)
- systolic_bp (whole number from 80 to 220, in mmHg)
- hba1c (number from 4.0 to 14.0 with one decimal, in %)
- admitted (date from 2015-01-01 to 2024-12-31)
Examples:
age,sex,diagnosis,systolic_bp,hba1c,admitted
67,female,hypertension,151,5.6,2019-03-11
58,male,diabetes,138,7.4,2021-10-02
31,female,healthy,117,5.1,2023-06-27
Write new rows in the same form."""

_REPEATS = 3
_FEWEST, _MOST = 16, 2000  # rows of a repeat
_PROBE = 48  # rows that tell how fast it is, before it is known how many to take
_TEXTS = 64  # rows whose likelihood is compared, at most
_HOPELESS = 0.8  # of the best speed known; slower ones are not repeated

Open = Callable[[Path, Setup], Engine]


@dataclass(frozen=True)
class Measured:
    """Speed and memory of a file under a setup. tokens_per_s : decoded. memory_mb : the child's peak, where the system tells.

    divergence : from the original file, see :func:`divergence`; ``None`` where it was not asked for.
    """

    tokens_per_s: float
    rows_per_s: float
    memory_mb: int | None = None
    divergence: float | None = None


class Workload:
    """The same rows of the same table for every file and setup.

    How many rows is found once, with the model's own file, so that one measurement takes about ``seconds``.
    open : opens an engine over a file.
    """

    def __init__(self, open: Open, seconds: float) -> None:  # noqa: A002
        self._open, self._seconds = open, seconds
        self._messages = (Message("user", _QUESTION),)
        self._grammar = row_grammar(Schema.from_toml(_TABLE).columns)
        self._texts: tuple[str, ...] = ()
        self._reference: Likelihood | None = None
        self.rows = 0  # of one repeat; 0 before ``calibrate``

    def calibrate(self, path: Path, setup: Setup) -> Measured:
        """Measure the model's own file, which decides how much work every measurement does. Its divergence is 0.

        Raises what the engine raises.
        """
        with self._opened(path, setup) as engine:
            sample, seconds, _ = self._write(engine, _PROBE, 0)
            share = self._seconds / (_REPEATS + 1)  # opening takes its time too
            self.rows = round(min(max(len(sample) / seconds * share, _FEWEST), _MOST))
            self._texts = sample[: min(max(self.rows, _FEWEST), _TEXTS)]
            self._reference = self._score(engine)
            return self._repeat(engine, 0.0, 0.0)

    def measure(self, path: Path, setup: Setup, *, beat: float = 0.0, compare: bool = False) -> Measured:
        """Measure another file or setup.

        beat : rows/s of the best so far; what is far slower is not repeated. compare : find out the divergence too.
        Raises what the engine raises.
        """
        assert self._reference is not None, "calibrate comes first"
        with self._opened(path, setup) as engine:
            apart = divergence(self._score(engine), self._reference) if compare else None
            return self._repeat(engine, beat, apart)

    @contextmanager
    def _opened(self, path: Path, setup: Setup) -> Iterator[Engine]:
        with closing(self._open(path, setup)) as engine:
            self._write(engine, 8, 1)  # reads the prompt, compiles the grammar
            yield engine

    def _repeat(self, engine: Engine, beat: float, apart: float | None) -> Measured:
        speeds, tokens = [], []
        for repeat in range(_REPEATS):
            texts, seconds, decoded = self._write(engine, self.rows, 2 + repeat)
            speeds.append(len(texts) / seconds)
            tokens.append(decoded / seconds)
            if speeds[0] < _HOPELESS * beat or seconds > self._seconds:
                break
        return Measured(
            statistics.median(tokens),
            statistics.median(speeds),
            peak_memory_mb(getattr(engine, "pid", None)),
            apart,
        )

    def _write(self, engine: Engine, rows: int, seed: int) -> tuple[tuple[str, ...], float, int]:
        """Rows, the seconds they took, and the tokens that were decoded."""
        started = time.perf_counter()
        (sample,), usage = engine.sample([SampleRequest(self._messages, self._grammar, n=rows, seed=seed)])
        return sample.texts, max(time.perf_counter() - started, 1e-9), usage.decoded_tokens

    def _score(self, engine: Engine) -> Likelihood:
        (score,), _ = engine.score([ScoreRequest(self._messages, self._grammar, self._texts)])
        return score


def divergence(score: Likelihood, reference: Likelihood) -> float:
    """How far a file's distribution is from the original's: Kullback-Leibler divergence in nats per token, 0 for the same.

    Estimated from rows that the original wrote, as the mean of exp(d) - 1 - d over their cells, d being the difference of
    the two log-likelihoods: never negative, and unbiased (Schulman, "Approximating KL divergence", 2020).
    """
    total = 0.0
    for ours, theirs in zip(score.values, reference.values, strict=True):
        total += sum(map(_term, ours, theirs))
    return total / max(1, sum(reference.tokens))


def _term(ours: float, theirs: float) -> float:
    difference = ours - theirs
    if not math.isfinite(difference) or difference > 50:
        return math.inf
    return max(0.0, math.expm1(difference) - difference)  # rounding may fall below zero


def peak_memory_mb(pid: int | None) -> int | None:
    """The most memory a process has held so far, in millions of bytes; ``None`` where the system does not tell."""
    try:
        lines: Sequence[str] = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
        return next(int(line.split()[1]) * 1024 // 1_000_000 for line in lines if line.startswith("VmHWM:"))
    except (OSError, ValueError, StopIteration):
        return None
