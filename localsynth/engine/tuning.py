"""``localsynth models tune``: makes other quantizations of a model, measures them on this machine and keeps the winner."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import ModelError
from .catalog import checked
from .gguf import GgufHeader, read_header
from .layout import kv_bytes
from .machine import Machine, free_memory, this_machine
from .placing import Progress, sha256_of, staging, sweep
from .registry import Registry, Seen
from .requantize import QUANTIZATIONS, estimated_size, requantize
from .search import Candidate, Search, Trial, winner
from .setup import Setup, default_setup
from .tuned import Tuned, TunedFile, remove_file, seen_as, tuned_name, tuned_path
from .workload import Measured, Open, Workload

if TYPE_CHECKING:
    from ..core.contracts import Engine
    from .catalog import Model

__all__ = ["SECONDS", "Tuning", "memory_needed", "tune"]

SECONDS = 90.0  # of measuring; making the files comes on top
_TRIALS = 16  # about how many there are
_OVERHEAD = 300_000_000  # bytes: Python, llama.cpp's working buffers


@dataclass(frozen=True)
class Tuning:
    """What was found. rows : made in each repeat. trials : the table, in the order tried. winner : one of them.

    untried : setups there was no time for.
    """

    model: str
    machine: Machine
    rows: int
    trials: tuple[Trial, ...]
    winner: Trial
    entry: Tuned
    untried: int = 0


def tune(
    model: Model,
    *,
    seconds: float = SECONDS,
    keep: bool = False,
    progress: Progress | None = None,
    told: Callable[[Trial], None] | None = None,
    open: Open | None = None,  # noqa: A002
) -> Tuning:
    """Measure a model's files and setups on this machine and remember the best.

    seconds : of measuring, about. keep : keep the files that lost, too. progress : called with (what is done, share of it);
    told : with every trial. open : opens an engine over a file, for tests.
    Raises :class:`ModelError` and what the engine raises over the model's own file; then all is as it was before.
    """
    TunedFile(model.folder).all()  # damaged, it is told now and not after minutes
    checked(model)
    return _Tuner(
        model, seconds, keep, progress or _nobody, told or _nobody, open or _opener(model.name)
    ).run()


class _Tuner:
    def __init__(
        self,
        model: Model,
        seconds: float,
        keep: bool,
        progress: Progress,
        told: Callable[[Trial], None],
        open: Open,  # noqa: A002
    ) -> None:
        self._model, self._seconds, self._keep, self._progress = model, seconds, keep, progress
        self._machine, self._free = this_machine(), free_memory()
        self._header = read_header(model.path)
        self._workload = Workload(open, seconds / _TRIALS)
        self._spent = 0.0
        self._search = Search(
            cores=self._machine.cores,
            measure=self._measure,
            fits=lambda candidate, setup: not self._too_large(candidate.size, setup),
            enough=lambda: self._spent >= self._seconds,
            told=told,
        )

    def run(self) -> Tuning:
        folder = self._model.folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            sweep(folder)
            with staging(folder) as stage:
                finalists = self._search.files(self._candidates(stage))
                self._thin_out(stage, finalists)
                self._search.setups(finalists)
                self._progress("measuring", 1.0)
                best = winner(self._search.trials)
                entry = self._settle(stage, best)
        except OSError as error:
            raise ModelError(
                f"the outcome of tuning could not be put into {folder}: {error.strerror or error}",
                "check free space and rights, or choose another models folder with LOCALSYNTH_MODELS",
            ) from error
        trials = tuple(self._search.trials)
        rows, untried = self._workload.rows, self._search.untried
        return Tuning(self._model.name, self._machine, rows, trials, best, entry, untried)

    # --- files -------------------------------------------------------------------------------------------------------

    def _candidates(self, stage: Path) -> Iterator[Candidate]:
        """The model's own file, then the others, each made when its turn comes."""
        yield _candidate(self._header.quantization, self._model.path, None)
        for quantization in QUANTIZATIONS:
            if quantization == self._header.quantization:
                continue
            size = estimated_size(self._header, quantization)
            if lacks := self._too_large(
                size, default_setup(size, self._machine.cores, kv_bytes(self._header))
            ):
                self._search.skip(quantization, lacks)
                continue
            name = tuned_name(self._model.name, quantization, self._model.sha256)
            try:
                requantize(
                    self._model.path,
                    stage / name,
                    quantization,
                    threads=self._machine.cores,
                    progress=self._progress,
                )
            except ModelError as error:
                self._search.skip(quantization, f"not made: {error.message}")
                continue
            yield _candidate(quantization, stage / name, name)

    def _too_large(self, size: int, setup: Setup) -> str:
        """Why a file does not fit the memory; empty where it does, or where nobody knows."""
        needed = memory_needed(size, self._header, setup)
        if self._free is None or needed <= self._free:
            return ""
        return f"needs {needed / 1e9:.1f} GB of memory, {self._free / 1e9:.1f} GB are free"

    def _thin_out(self, stage: Path, finalists: list[Candidate]) -> None:
        """Give the disk back what will not be measured again."""
        leading = winner(self._search.trials).candidate  # of files equally fast the first may win in the end
        kept = {candidate.path for candidate in (leading, *finalists) if candidate is not None}
        for path in stage.iterdir():
            if path not in kept and not self._keep:
                path.unlink()

    # --- measuring ---------------------------------------------------------------------------------------------------

    def _measure(self, candidate: Candidate, setup: Setup, *, beat: float, compare: bool) -> Measured:
        started = time.monotonic()
        self._progress("measuring", min(0.99, self._spent / self._seconds))
        try:
            if not self._workload.rows:
                return self._workload.calibrate(candidate.path, setup)
            return self._workload.measure(candidate.path, setup, beat=beat, compare=compare)
        finally:
            self._spent += time.monotonic() - started

    # --- the outcome -------------------------------------------------------------------------------------------------

    def _settle(self, stage: Path, best: Trial) -> Tuned:
        """Put the winner's file in its place, write the entry, and remove what is of no use any more."""
        model = self._model
        chosen, setup, measured = best.candidate, best.setup, best.measured
        assert chosen is not None
        assert setup is not None
        assert measured is not None
        digest = model.sha256 if chosen.file is None else sha256_of(chosen.path, self._progress)
        entry = Tuned(
            original=model.sha256,
            quantization=chosen.quantization,
            file=chosen.file,
            sha256=digest,
            size=chosen.size,
            cpu=self._machine.cpu,
            cores=self._machine.cores,
            tokens_per_s=round(measured.tokens_per_s, 1),
            rows_per_s=round(measured.rows_per_s, 2),
            tuned_at=datetime.now(UTC).replace(microsecond=0),
            setup=setup,
        )
        tuned_path(model.folder, "").mkdir(mode=0o700, exist_ok=True)
        for path in list(stage.iterdir()):
            if self._keep or path.name == entry.file:
                path.replace(tuned_path(model.folder, path.name))
        before = TunedFile(model.folder).get(model.name)
        TunedFile(model.folder).put(model.name, entry)
        self._remember(entry)
        if not self._keep:
            names = {tuned_name(model.name, quantization, model.sha256) for quantization in QUANTIZATIONS}
            names |= {before.file} if before is not None and before.file is not None else set()
            for name in sorted(names - {entry.file}):
                remove_file(model.folder, model.name, name)
        return entry

    def _remember(self, entry: Tuned) -> None:
        """That the file was right when it looked as it does now: it need not be read again to open it."""
        if entry.file is not None:
            path = tuned_path(self._model.folder, entry.file)
            seen = Seen.now(path, entry.sha256)
            Registry(self._model.folder).remember(seen_as(self._model.name, entry.file), seen)


def memory_needed(size: int, header: GgufHeader, setup: Setup) -> int:
    """Bytes an engine takes, about: the weights, the cells of all caches, and working buffers."""
    cells = setup.cells + (setup.contexts - 1) * setup.side_cells
    return size + kv_bytes(header) * cells + _OVERHEAD


def _candidate(quantization: str, path: Path, file: str | None) -> Candidate:
    header, size = read_header(path), path.stat().st_size
    bits = 8 * (size - header.data_offset) / header.parameters
    return Candidate(quantization, path, size, bits, file, kv_bytes(header))


def _opener(name: str) -> Open:
    def open_process(path: Path, setup: Setup) -> Engine:
        from .process import ProcessEngine

        return ProcessEngine(path, name, setup)

    return open_process


def _nobody(*_: object) -> None:
    """Hears, and does nothing."""
