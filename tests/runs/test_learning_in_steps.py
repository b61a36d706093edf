"""Learning in steps: each is committed, none is done twice, and rows are those of a run that nothing disturbed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from localsynth.core.contracts import Learning, Method, Round
from localsynth.core.errors import RunError
from localsynth.core.events import BatchCommitted, BatchStarted, Event, Progress
from localsynth.core.run import Status
from localsynth.core.seeds import derive
from localsynth.runs.control import Control
from localsynth.runs.plan import Budget
from localsynth.runs.runner import Making, make_rows
from localsynth.runs.steps import learn_all, learning_seed
from localsynth.store import reading
from localsynth.store import runs as records
from localsynth.store.rounds import read_rounds
from localsynth.store.session import Store
from tests.runs.steps_kit import Stepwise

Build = Callable[..., Making]


def batches(store: Store, run_id: str) -> list[tuple[int, int, int, int]]:
    """Number, rows, seed and calls of each batch."""
    query = (
        f"SELECT batch_no, rows, seed, calls FROM meta.batches WHERE run_id = '{run_id}' ORDER BY batch_no"
    )
    return [tuple(row.values()) for row in reading.sql(store, query).to_pylist()]  # type: ignore[misc]


def same(store: Store, one: str, other: str) -> bool:
    """Whether two runs are alike: rows, batches, seeds, and what was tried."""
    return (
        records.run_rows(store, one).equals(records.run_rows(store, other))
        and batches(store, one) == batches(store, other)
        and read_rounds(store, one).equals(read_rounds(store, other))
        and records.checkpoint(store, one) == records.checkpoint(store, other)
    )


def test_the_kit_is_what_it_plays() -> None:
    assert isinstance(Stepwise(), Method)
    assert isinstance(Stepwise(), Learning)


def test_every_step_is_a_batch_without_rows_before_the_first_row(making: Build, store: Store) -> None:
    heard: list[Event] = []
    run = make_rows(making(method=Stepwise(), rows=25, listener=heard.append))
    assert (run.status, run.rows_done) == (Status.FINISHED, 25)
    assert batches(store, "r1") == [
        (0, 0, derive(7, "learn"), 1),
        (1, 0, derive(7, "learn", 1), 1),
        (2, 0, derive(7, "learn", 2), 1),
        (3, 10, derive(7, "batch", 3), 0),
        (4, 10, derive(7, "batch", 4), 0),
        (5, 5, derive(7, "batch", 5), 0),
    ]
    assert [event.rows for event in heard if isinstance(event, BatchCommitted)] == [0, 0, 0, 10, 10, 5]
    assert [event.batch_no for event in heard if isinstance(event, BatchStarted)] == [3, 4, 5]
    learning = [event for event in heard if isinstance(event, Progress) and event.stage == "learning"]
    assert len(learning) >= 3
    tried = read_rounds(store, "r1")
    assert list(zip(*(tried[name].to_pylist() for name in ("batch_no", "round", "candidate")), strict=True)) == [
        (0, 1, 1), (1, 2, 1), (1, 2, 2), (2, 3, 1), (2, 3, 2),
    ]  # fmt: skip


def test_a_method_that_learns_at_once_is_asked_as_ever(
    making: Build, store: Store, counting: Callable[..., Any]
) -> None:
    method = counting()
    make_rows(making(method=method, rows=25))
    assert method.learned == 1
    assert batches(store, "r1") == [
        (0, 0, derive(7, "learn"), 0),
        (1, 10, derive(7, "batch", 1), 1),
        (2, 10, derive(7, "batch", 2), 1),
        (3, 5, derive(7, "batch", 3), 1),
    ]
    assert read_rounds(store, "r1").num_rows == 0


def test_a_method_with_nothing_left_to_learn_has_one_step(making: Build, store: Store) -> None:
    method = Stepwise(steps=0)
    make_rows(making(method=method, rows=10))
    assert (method.called, len(batches(store, "r1"))) == (1, 2)


@pytest.mark.parametrize("last", [0, 1, 2])
def test_stopping_after_a_step_ends_the_run_which_goes_on_with_the_next(
    making: Build, store: Store, last: int
) -> None:
    make_rows(making("whole", method=Stepwise()))
    control = Control()

    def stop(event: Event) -> None:
        if isinstance(event, BatchCommitted) and event.batch_no == last:
            control.stop()

    run = make_rows(making("r1", method=Stepwise(), control=control, listener=stop))
    assert (run.status, run.rows_done) == (Status.CANCELLED, 0)
    assert run.message == f"stopped after a finished {'batch' if last == 2 else 'step of learning'}"
    assert len(batches(store, "r1")) == last + 1
    records.reopen(store, "r1")
    again = Stepwise()
    assert make_rows(making("r1", method=again)).status is Status.FINISHED
    assert again.called == 2 - last
    assert same(store, "r1", "whole")


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_a_step_that_broke_is_done_again_and_those_before_are_not(
    making: Build, store: Store, broken: int
) -> None:
    make_rows(making("whole", method=Stepwise()))

    def breaks(step: int) -> None:
        if step == broken:
            raise OSError("the disk burns")

    method = Stepwise()
    method.breaks = breaks  # type: ignore[method-assign]
    with pytest.raises(OSError, match="burns"):
        make_rows(making("r1", method=method))
    assert records.get(store, "r1").status is Status.FAILED
    assert len(batches(store, "r1")) == broken
    records.reopen(store, "r1")
    again = Stepwise()
    make_rows(making("r1", method=again))
    assert again.called == 3 - broken
    assert same(store, "r1", "whole")


def test_killing_loses_only_the_step(making: Build, store: Store) -> None:
    make_rows(making("whole", method=Stepwise()))
    control, method = Control(), Stepwise()
    first = method.learn

    def learn(ask: Any, seed: int) -> None:
        if len(method.seeds) == 1:
            control.kill()
        first(ask, seed)

    method.learn = learn  # type: ignore[method-assign]
    run = make_rows(making("r1", method=method, control=control))
    assert (run.status, len(batches(store, "r1"))) == (Status.CANCELLED, 1)
    records.reopen(store, "r1")
    make_rows(making("r1", method=Stepwise()))
    assert same(store, "r1", "whole")


def test_who_stops_the_run_within_a_step_waits_for_its_end(making: Build, store: Store) -> None:
    make_rows(making("whole", method=Stepwise()))
    for name, at_once, left in (("waits", False, 2), ("kills", True, 1)):
        control, method = Control(), Stepwise()
        first = method.learn

        def learn(
            ask: Any, seed: int, control: Control = control, method: Stepwise = method, first: Any = first,
            at_once: bool = at_once,
        ) -> None:  # fmt: skip
            first(ask, seed)
            if len(method.seeds) == 2:
                (control.kill if at_once else control.stop)()
            ask.working("judging", 1, 2)

        method.learn = learn  # type: ignore[method-assign]
        run = make_rows(making(name, method=method, control=control))
        assert (run.status, len(batches(store, name))) == (Status.CANCELLED, left)
        records.reopen(store, name)
        make_rows(making(name, method=Stepwise()))
        assert same(store, name, "whole")


def test_a_run_taken_up_among_its_rows_learns_nothing_again(making: Build, store: Store) -> None:
    make_rows(making("whole", method=Stepwise()))
    control = Control()

    def stop(event: Event) -> None:
        if isinstance(event, BatchCommitted) and event.rows:
            control.stop()

    make_rows(making("r1", method=Stepwise(), control=control, listener=stop))
    records.reopen(store, "r1")
    again = Stepwise()
    make_rows(making("r1", method=again))
    assert again.called == 0
    assert same(store, "r1", "whole")


def test_steps_cost_nothing_of_the_budget_for_rows(making: Build, store: Store) -> None:
    run = make_rows(making(method=Stepwise(steps=30), rows=10, budget=Budget(empty_batches=2)))
    assert run.status is Status.FINISHED
    run = make_rows(
        making("r2", method=Stepwise(steps=30, gives=0.0), rows=10, budget=Budget(empty_batches=2))
    )
    assert run.status is Status.SHORT
    assert run.message == "0 of 10 rows after asking for 20; the last 2 batches gave none"


def test_a_method_that_forgets_what_it_learnt_is_told(making: Build, store: Store) -> None:
    method = Stepwise()
    first = method.batch

    def batch(n: int, seed: int, ask: Any) -> Any:
        method.steps = 9
        return first(n, seed, ask)

    method.batch = batch  # type: ignore[method-assign]
    with pytest.raises(RunError, match="gave rows, and says then that it has not learnt all"):
        make_rows(making(method=method))
    assert records.get(store, "r1").rows_done == 10


def test_rounds_that_break_the_contract_take_the_step_with_them(making: Build, store: Store) -> None:
    method = Stepwise()
    method.rounds = lambda: (Round(0, 1, "start", "", True, 0.5),)  # type: ignore[method-assign]
    with pytest.raises(RunError, match="the method of run r1 gave a round numbered 0"):
        make_rows(making(method=method))
    assert (batches(store, "r1"), read_rounds(store, "r1").num_rows) == ([], 0)


def test_seeds_of_steps_differ_from_all_others(making: Build) -> None:
    seeds = [learning_seed(7, step) for step in range(50)]
    assert seeds[0] == derive(7, "learn")
    assert len({*seeds, *(derive(7, "batch", number) for number in range(50))}) == 100


def test_all_steps_in_a_row(counting: Callable[..., Any]) -> None:
    method = Stepwise()
    learn_all(method, None, 5)
    assert method.seeds == [5, derive(5, 1), derive(5, 2)]
    once = counting()
    learn_all(once, None, 5)
    assert once.learned == 1
