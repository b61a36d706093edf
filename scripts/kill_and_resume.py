#!/usr/bin/env python3
"""Proof that a run survives `kill -9`: kill the command again and again at random moments, resume, compare the rows.

    .venv/bin/python scripts/kill_and_resume.py --recipe recipes/clinic.toml --rows 200 --seed 3 --kills 20

First the command runs undisturbed. Then the same command runs in another workspace and is killed after a random time;
`localsynth runs resume last` goes on and is killed in turn, until it was killed often enough and may finish. One line per
kill, then the verdict; the exit code is 1 where a single cell differs.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

COMMAND = [sys.executable, "-m", "localsynth"]
NO_RUN = "no run"


@dataclass(frozen=True)
class Ended:
    """How a command ended: ``code`` is None where it was killed. ``seconds`` of wall time."""

    code: int | None
    seconds: float
    talk: str


class Failed(Exception):
    """A command that was not killed went wrong, or the rows differ."""


def command(arguments: list[str], folder: Path, *, kill_after: float | None = None) -> Ended:
    """Run ``localsynth ARGUMENTS`` on a workspace; kill it hard if it still runs after so many seconds."""
    started = time.monotonic()
    process = subprocess.Popen(
        [*COMMAND, *arguments, "--workspace", str(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _, talk = process.communicate(timeout=kill_after)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        _, talk = process.communicate()
    code = None if process.returncode == -signal.SIGKILL else process.returncode
    if code:
        raise Failed(f"`localsynth {' '.join(arguments)}` ended with code {code}:\n{talk}")
    return Ended(code, time.monotonic() - started, talk)


def rows_of(folder: Path) -> list[tuple[object, ...]]:
    """Every cell of the newest run."""
    from localsynth import Workspace

    return [tuple(row.values()) for row in Workspace(folder).rows_arrow("last").to_pylist()]


def standing_of(folder: Path) -> tuple[int, str]:
    """Rows committed and how the newest run stands; (0, "no run") before one is recorded."""
    from localsynth import Workspace

    space = Workspace(folder)
    if not (folder / "workspace.duckdb").exists():
        return 0, NO_RUN
    runs = space.runs()
    return (runs[0].rows_done, space.standing(runs[0])) if runs else (0, NO_RUN)


def survive(
    first: list[str], rows: int, folder: Path, kills: int, usual: float, chance: random.Random
) -> int:
    """Run and resume, killed ``kills`` times on the way if it takes that long; how often it was killed."""
    killed = 0
    while True:
        done, standing = standing_of(folder)
        what = first if standing == NO_RUN else ["runs", "resume", "last"]
        left = usual * max(0.3, 1 - done / rows)  # a resumed run has less to do, but starts as slowly
        ended = command(what, folder, kill_after=chance.uniform(0, left) if killed < kills else None)
        done, standing = standing_of(folder)
        if ended.code == 0:
            print(f"{standing} after {killed} kills: {done} rows", flush=True)
            return killed
        killed += 1
        print(f"kill {killed:2d} after {ended.seconds:5.2f} s: {standing}, {done} rows committed", flush=True)


def prove(options: argparse.Namespace, base: Path) -> str:
    """Do it all; one sentence if the rows are the same. Raises ``Failed``."""
    model = ["--model", options.model] if options.model else []
    first = ["run", options.recipe, "--rows", str(options.rows), "--seed", str(options.seed), *model]
    undisturbed = command(first, base / "undisturbed")
    wanted = rows_of(base / "undisturbed")
    print(f"undisturbed: {undisturbed.seconds:.2f} s, {len(wanted)} rows", flush=True)
    chance = random.Random(options.chance)
    kills = rounds = 0
    while kills < options.kills:  # a run may get through before it was killed often enough: then another one
        rounds += 1
        folder = base / f"round-{rounds}"
        kills += survive(first, options.rows, folder, options.kills - kills, undisturbed.seconds, chance)
        got = rows_of(folder)
        if got != wanted:
            differing = sum(a != b for a, b in zip(got, wanted, strict=False)) + abs(len(got) - len(wanted))
            raise Failed(f"DIFFERENT: {differing} of {len(wanted)} rows differ in round {rounds}")
        shutil.rmtree(folder)
    return f"SAME: {len(wanted)} rows after {kills} kills in {rounds} runs"


def main() -> int:
    """0 where the rows are the same."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--recipe", default="recipes/clinic.toml")
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--model", help="'uniform' needs none installed; default: the recipe's")
    parser.add_argument("--chance", type=int, default=0, help="seed of the moments of the kills")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kill-and-resume-") as base:
        try:
            print(prove(options, Path(base)))
        except Failed as failure:
            print(failure)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
