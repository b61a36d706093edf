"""Runs with a real model, killed at random times: their own process, the engine's, the one that trains."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

from .judging import Bench, Lost, Tally, look

__all__ = ["KINDS"]

#: Parts of the command line by which a process is known.
_RUNNER, _ENGINE, _TRAINING = "", "localsynth.engine.worker", "localsynth.methods.paft.training.child"
_METHODS = {
    "text-to-tabular": "batch_rows = 10\n",
    "llmsynthor": "batch_rows = 10\n",
    "mallm-gan": "rounds = 2\ngame_rows = 20\nproposals = 1\nsearched = 2\nbatch_rows = 10\n",
    "paft": "epochs = 2\nbatch_rows = 10\n",
}
_ROWS = 40


class _Work:
    """A recipe over a table of its own, and what an undisturbed run makes of it. seconds : that took."""

    def __init__(self, bench: Bench, method: str, model: str | None) -> None:
        self.bench = bench
        base = bench.base / f"model-{method}"
        base.mkdir()
        draw = random.Random(7)
        lines = [f"{draw.randint(18, 90)},{draw.choice('abc')},{draw.randint(0, 1)}" for _ in range(200)]
        (base / "people.csv").write_text("\n".join(["age,group,ill", *lines]) + "\n")
        self.recipe = base / "recipe.toml"
        named = f'[model]\nname = "{model}"\n' if model else ""
        self.recipe.write_text(
            f'rows = {_ROWS}\nseed = 2\n[dataset]\nname = "folk"\nsource = "people.csv"\npolicy = "rows"\n'
            f'{named}[method]\nname = "{method}"\n{_METHODS[method]}'
        )
        started = time.monotonic()
        self.ends(self.begin(["run", self.recipe], base / "undisturbed"))
        self.seconds = time.monotonic() - started
        self.rows = look(base / "undisturbed").runs

    def begin(self, words: list[Any], folder: Path) -> subprocess.Popen[str]:
        without = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
        return subprocess.Popen(
            [sys.executable, "-m", "localsynth", *map(str, words), "--workspace", str(folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=without,
        )

    def ends(self, process: subprocess.Popen[str]) -> None:
        """By itself, and well. Raises ``Lost``."""
        _, talk = process.communicate()
        if process.returncode:
            raise Lost(f"it ended with code {process.returncode}: {talk[-800:]}")

    def killed(self, process: subprocess.Popen[str], which: str, after: float) -> bool:
        """Kill that process of the run after so many seconds, or as soon as there is one; False where it ended before."""
        end = time.monotonic() + after
        while process.poll() is None:
            found = _descendant(process.pid, which)
            if found is not None and time.monotonic() >= end:
                os.kill(found, signal.SIGKILL)
                break
            time.sleep(0.01)
        _, talk = process.communicate()
        if "Traceback" in talk or (process.returncode > 0 and "error:" not in talk):
            raise Lost(f"no sentence, but: {talk[-1500:]}")
        return process.returncode != 0

    def one(self, tally: Tally, which: str, folder: Path) -> None:
        """Killed, looked at, taken up again, or begun where it was not recorded yet. Raises ``Lost``."""
        ((_, wanted),) = self.rows.values()
        self.killed(
            self.begin(["run", self.recipe], folder), which, self.bench.chance.uniform(0, self.seconds)
        )
        there = (folder / "workspace.duckdb").exists()
        found = look(folder) if there else None
        for run_id, rows in (found.promised if found else {}).items():
            have = found.runs[run_id][1] if found and run_id in found.runs else []
            if len(have) < rows or have != wanted[: len(have)]:
                tally.lost += max(0, rows - len(have))
                raise Lost(f"run {run_id} has {len(have)} rows of {rows}, or others")
        tally.survived += 1
        self.ends(
            self.begin(["runs", "resume", "last"] if found and found.runs else ["run", self.recipe], folder)
        )
        if [rows for _, rows in look(folder).runs.values()] != [wanted]:
            raise Lost("the rows are not those of an undisturbed run")
        tally.equal += 1


def _descendant(pid: int, which: str) -> int | None:
    """The process itself, or one that it started whose command line has that part."""
    if not which:
        return pid
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            words = path.with_name("cmdline").read_bytes()
        except OSError:  # it ended
            continue
        if parent == pid and which.encode() in words:
            return int(path.parent.name)
    return None


def _killing(method: str, bench: Bench, tries: int, tally: Tally) -> None:
    work = _Work(bench, method, bench.model)
    processes = [_RUNNER, _ENGINE, *([_TRAINING] if method == "paft" else [])]
    for which, _ in zip(cycle(processes), range(tries)):
        bench.try_one(tally, f"{method}, {which or 'its own process'}", partial(work.one, tally, which), None)
    shutil.rmtree(work.recipe.parent)


#: By name: makes so many tries, of each process in turn, and counts them.
KINDS: dict[str, Callable[[Bench, int, Tally], None]] = {
    f"model, {method}": partial(_killing, method) for method in _METHODS
}
