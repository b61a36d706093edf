"""Who keeps work within its limits: when it speaks, and what a run makes of it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from localsynth.core.errors import LocalsynthError, OutOfTime, OverMemory
from localsynth.core.limits import Limits
from localsynth.core.run import Status
from localsynth.runs import watch
from localsynth.runs.control import Control
from localsynth.runs.footprint import footprint
from localsynth.runs.runner import Making, make_rows
from localsynth.runs.watch import Watch, end_process_by
from localsynth.sealed import limit
from localsynth.store import runs as records
from localsynth.store.session import Store
from tests.waiting_kit import until

MB = 10**6
SOON = Limits(minutes=1e-5)


def test_time_that_is_over_stops_softly_and_later_at_once() -> None:
    now, control = [0.0], Control()
    with Watch(SOON, control, clock=lambda: now[0]):
        now[0] = 1.0
        until(lambda: control.stopping)
        assert not control.killed
        now[0] = 9.0  # within the ten seconds more
        assert isinstance(control.limit, OutOfTime)
        now[0] = 11.0
        until(lambda: control.killed)
    assert "the 1e-05 minutes of --max-minutes are over" in str(control.limit)


def test_what_cannot_finish_is_stopped_at_once() -> None:
    control, ended = Control(), threading.Event()
    control.ends_by(ended.set)
    with Watch(SOON, control, at_once=True):
        assert ended.wait(20)
    with pytest.raises(OutOfTime):
        control.check()


def test_memory_is_that_of_all_processes_and_stops_at_once() -> None:
    held, control = [99 * MB], Control()
    with Watch(Limits(memory=100 * MB), control, who="the thing", footprint=lambda: held[0]):
        assert limit.of_children() == 100 * MB
        assert not control.stopping
        held[0] = 101 * MB
        until(lambda: control.killed)
    assert limit.of_children() is None
    assert isinstance(control.limit, OverMemory)
    assert control.limit.message == "the thing needed more than --max-memory 100MB allows"


def test_nothing_watches_where_nothing_is_limited() -> None:
    before = threading.active_count()
    with Watch(Limits(), Control()):
        assert threading.active_count() == before


def test_who_was_stopped_by_a_person_was_not_stopped_by_the_clock() -> None:
    control = Control()
    control.stop()
    control.reached(OutOfTime("over"), at_once=False)
    assert control.limit is None
    control.reached(OverMemory("full"), at_once=True)
    assert isinstance(control.limit, OverMemory)


@pytest.fixture
def last_resort() -> Iterator[list[LocalsynthError]]:
    called: list[LocalsynthError] = []
    end_process_by(called.append)
    yield called
    end_process_by(None)


def test_what_does_not_give_its_memory_back_is_ended(
    last_resort: list[LocalsynthError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_LOOK_S", 0.005)
    now, held = [0.0], [105 * MB]
    with Watch(Limits(memory=100 * MB), Control(), footprint=lambda: held[0], clock=lambda: now[0]) as seen:
        until(lambda: seen._control.killed)
        now[0] = 100.0  # long, but not far above: it may be about to end
        held[0] = 120 * MB
        now[0] = 104.0
        held[0] = 50 * MB
        assert last_resort == []
        held[0] = 120 * MB
        until(lambda: (now.__setitem__(0, now[0] + 1.0), last_resort)[1])
    assert isinstance(last_resort[0], OverMemory)


def test_the_footprint_is_that_of_children_too() -> None:
    before = footprint()
    code = "import sys; block = bytearray(80_000_000); print(len(block), flush=True); sys.stdin.read()"
    shell = f"{sys.executable} -c '{code}'; true"  # a child of a child
    process = subprocess.Popen(
        ["/bin/sh", "-c", shell], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.readline()
    with_child = footprint()
    process.stdin.close()
    process.wait()
    process.stdout.close()
    assert with_child - before > 80 * MB
    until(lambda: footprint() < with_child - 60 * MB)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not keep this limit")
def test_a_child_cannot_have_more_than_its_share() -> None:
    code = (
        "import sys\n"
        "try:\n    block = bytearray(int(sys.argv[1]))\n"
        "except MemoryError:\n    print('refused')\n"
        "else:\n    print(len(block))\n"
    )
    with limit.for_children(300 * MB):
        for size, said in ((10 * MB, str(10 * MB)), (900 * MB, "refused")):
            done = subprocess.run(
                [
                    sys.executable,
                    "-c",
                    f"from localsynth.sealed import limit; limit.apply()\n{code}",
                    str(size),
                ],
                env=os.environ.copy(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=True,
            )
            assert done.stdout.strip() == said


# --- runs -----------------------------------------------------------------------------------------------------------


def test_a_run_out_of_time_keeps_its_rows_and_goes_on_to_the_same_rows(
    making: Callable[..., Making], store: Store, counting: Callable[..., Any]
) -> None:
    make_rows(making("whole"))
    control, method = Control(), counting()
    done = [0]

    def reach(_: int) -> None:
        done[0] += 1
        if done[0] == 2:
            control.reached(OutOfTime("the 5 minutes of --max-minutes are over"), at_once=False)

    method.breaks = reach
    run = make_rows(making("r1", method=method, control=control))
    assert (run.status, run.rows_done) == (Status.CANCELLED, 20)
    assert run.message == "the 5 minutes of --max-minutes are over; stopped after a finished batch"
    records.reopen(store, "r1")
    assert make_rows(making("r1", method=counting())).status is Status.FINISHED
    assert records.run_rows(store, "r1").equals(records.run_rows(store, "whole"))


def test_a_run_over_its_memory_failed_and_keeps_its_rows(
    making: Callable[..., Making], store: Store, counting: Callable[..., Any]
) -> None:
    control, method = Control(), counting()
    done = [0]

    def reach(_: int) -> None:
        done[0] += 1
        if done[0] == 3:
            control.reached(OverMemory("the run needed more than --max-memory 1GB allows"), at_once=True)

    method.breaks = reach
    with pytest.raises(OverMemory):
        make_rows(making("r1", method=method, control=control))
    run = records.get(store, "r1")
    assert (run.status, run.rows_done) == (Status.FAILED, 20)
    assert run.message == "the run needed more than --max-memory 1GB allows"
