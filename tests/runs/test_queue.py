"""The queue alone: in order, never more than there are places, whoever is killed or stopped."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from localsynth.core.errors import RecipeError
from localsynth.runs.queue import PARALLEL, before, places, take_ticket, wait_for_turn, waiting
from tests.waiting_kit import until

ROOT = Path(__file__).resolve().parents[2]
# Waits, says that it works, and ends when it is told to.
WORK = """
import os, sys
from pathlib import Path
from localsynth.runs.queue import wait_for_turn
wait_for_turn(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), lambda: None)
told = os.open(sys.argv[1] + "/told", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
os.write(told, f"+{sys.argv[2]}\\n".encode())
sys.stdin.read()
os.write(told, f"-{sys.argv[2]}\\n".encode())
"""


def ask(folder: Path, job: str, parallel: int = 1) -> subprocess.Popen[bytes]:
    ticket = take_ticket(folder, job)
    process = subprocess.Popen(
        [sys.executable, "-c", WORK, str(folder), job, str(ticket)],
        stdin=subprocess.PIPE,
        pass_fds=(ticket,),
        env={**os.environ, "PYTHONPATH": str(ROOT), PARALLEL: str(parallel)},
    )
    os.close(ticket)
    return process


def told(folder: Path) -> list[str]:
    path = folder / "told"
    return path.read_text().split() if path.exists() else []


def end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(60) == 0


@pytest.mark.parametrize("parallel", [1, 3])
def test_fifty_work_in_order_and_a_third_of_them_is_killed(tmp_path: Path, parallel: int) -> None:
    jobs = [f"job{number:02d}" for number in range(50)]
    asked = {job: ask(tmp_path, job, parallel) for job in jobs}
    rng = random.Random(parallel)
    doomed = set(rng.sample(jobs, 17))
    killed_early = {job for job in doomed if rng.random() < 0.7}
    for job in killed_early:  # wherever they are: some have not waited yet, one may work
        asked[job].kill()
        asked[job].communicate()
    done: set[str] = set(killed_early)
    while len(done) < len(jobs):
        begun = [line[1:] for line in told(tmp_path) if line[0] == "+"]
        working = [job for job in begun if job not in done]
        assert len(working) <= parallel
        if not working:
            until(lambda seen=begun: [x[1:] for x in told(tmp_path) if x[0] == "+"] != seen)  # type: ignore[misc]
            continue
        job = rng.choice(working)
        if job in doomed:
            asked[job].kill()
            asked[job].communicate()
        else:
            end(asked[job])
        done.add(job)
    lines = told(tmp_path)
    begun = [line[1:] for line in lines if line[0] == "+"]
    survivors = [job for job in jobs if job not in doomed]
    assert {line[1:] for line in lines if line[0] == "-"} == set(survivors)
    if parallel == 1:  # else those that get places together tell so in any order
        assert [job for job in begun if job in survivors] == survivors
    assert waiting(tmp_path) == {}


def test_who_waits_knows_for_how_many_and_is_stopped_by_a_signal(tmp_path: Path) -> None:
    first, second, third = (ask(tmp_path, job) for job in ("a", "b", "c"))
    until(lambda: told(tmp_path) == ["+a"])
    assert waiting(tmp_path) == {"b": 1, "c": 2}
    assert before(tmp_path, "c") == 2
    assert before(tmp_path, "a") is None
    second.send_signal(signal.SIGINT)
    assert second.wait(60) != 0
    until(lambda: waiting(tmp_path) == {"c": 1})
    end(first)
    until(lambda: told(tmp_path) == ["+a", "-a", "+c"])
    end(third)
    for process in (first, second, third):
        assert process.stdin is not None
        process.stdin.close()


def test_tickets_of_the_dead_are_swept_and_numbers_go_on(tmp_path: Path) -> None:
    os.close(take_ticket(tmp_path, "dead"))
    ticket = take_ticket(tmp_path, "alive")
    assert [path.name for path in (tmp_path / "queue").iterdir()] == ["00000001-alive"]
    again = take_ticket(tmp_path, "next")
    assert list(waiting(tmp_path)) == ["alive", "next"]
    place = wait_for_turn(tmp_path, "alive", ticket, lambda: pytest.fail("nobody is before it"))
    assert waiting(tmp_path) == {"next": 1}
    os.close(place)
    os.close(again)
    assert (tmp_path / "queue").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5"])
def test_a_wrong_number_of_places_is_told(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PARALLEL, text)
    with pytest.raises(RecipeError, match=rf"\$LOCALSYNTH_PARALLEL is '{text}'"):
        places()
    monkeypatch.setenv(PARALLEL, "4")
    assert places() == 4
