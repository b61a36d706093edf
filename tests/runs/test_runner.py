"""The loop: rows, order, stops, breaks, and going on as if nothing had happened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from localsynth.core.contracts import Draft, Stage
from localsynth.core.errors import EngineDied, RunError
from localsynth.core.events import BatchCommitted, Event, Progress, RowsRejected, RunEnded, RunStarted
from localsynth.core.run import Status
from localsynth.runs.bus import read_events
from localsynth.runs.control import Control
from localsynth.runs.copies import CopyGuard
from localsynth.runs.plan import Budget
from localsynth.runs.runner import Making, make_rows, number_rows
from localsynth.store import runs as records
from localsynth.store.session import Store
from localsynth.store.stages import read_stages

Build = Callable[..., Making]


def test_all_rows_are_made_numbered_and_counted(making: Build, store: Store) -> None:
    heard: list[Event] = []
    run = make_rows(making(listener=heard.append))
    assert (run.status, run.rows_done, run.message) == (Status.FINISHED, 45, "")
    table = records.run_rows(store, "r1")
    assert table["id"].to_pylist() == [f"P{i:04d}" for i in range(1, 46)]
    assert run.usage.calls == 5
    assert run.usage.samples == 45
    assert isinstance(heard[0], RunStarted)
    assert isinstance(heard[-1], RunEnded)
    assert [event.rows for event in heard if isinstance(event, BatchCommitted)] == [0, 10, 10, 10, 10, 5]
    assert any(isinstance(event, Progress) for event in heard)


def test_what_was_heard_is_in_the_file_and_in_the_store(making: Build, store: Store) -> None:
    heard: list[Event] = []
    make_rows(making(listener=heard.append))
    in_file, _ = read_events(store.run_folder("r1") / "events.jsonl")
    lasting = [event for event in heard if not isinstance(event, Progress)]
    assert [event for event in in_file if not isinstance(event, Progress)] == lasting
    assert len(records.events(store, "r1")) == len(lasting)


def test_the_same_seed_gives_the_same_rows_and_another_gives_others(making: Build, store: Store) -> None:
    for name, seed in (("r1", 7), ("r2", 7), ("r3", 8)):
        make_rows(making(name, seed=seed))
    first, second, third = (records.run_rows(store, name) for name in ("r1", "r2", "r3"))
    assert first.equals(second)
    assert not first.equals(third)


@pytest.mark.parametrize("broken_batch", [0, 1, 3])
def test_a_run_that_broke_goes_on_to_the_same_rows(
    making: Build, store: Store, counting: Callable[..., Any], broken_batch: int
) -> None:
    whole = make_rows(making("whole"))
    method = counting(gives=0.8)
    reference = make_rows(making("reference", method=counting(gives=0.8)))
    calls = 0

    def breaks(_: int) -> None:
        nonlocal calls
        calls += 1
        if calls > broken_batch:
            raise EngineDied("the engine process ended with code -6", "its log is x")

    method.breaks = breaks
    with pytest.raises(EngineDied):
        make_rows(making("broken", method=method))
    run = records.get(store, "broken")
    assert run.status is Status.FAILED
    assert "code -6" in run.message

    records.reopen(store, "broken")
    again = counting(gives=0.8)
    run = make_rows(making("broken", method=again))
    assert run.status is Status.FINISHED
    assert again.learned == 0
    assert records.run_rows(store, "broken").equals(records.run_rows(store, "reference"))
    assert (whole.rows_done, reference.rows_done, run.rows_done) == (45, 45, 45)


def test_stopping_finishes_the_batch_and_goes_on_later(making: Build, store: Store) -> None:
    make_rows(making("whole"))
    control = Control()

    def stop(event: Event) -> None:
        if isinstance(event, BatchCommitted) and event.batch_no == 3:
            control.stop()

    run = make_rows(making("r1", control=control, listener=stop))
    assert (run.status, run.rows_done) == (Status.CANCELLED, 30)
    records.reopen(store, "r1")
    run = make_rows(making("r1"))
    assert (run.status, run.rows_done) == (Status.FINISHED, 45)
    assert records.run_rows(store, "r1").equals(records.run_rows(store, "whole"))


def test_killing_loses_only_the_batch(making: Build, store: Store, counting: Callable[..., Any]) -> None:
    make_rows(making("whole"))
    control, method = Control(), counting()
    method.breaks = lambda count: control.kill() if records.rows_done(store, "r1") == 20 else None
    run = make_rows(making("r1", control=control, method=method))
    assert (run.status, run.rows_done) == (Status.CANCELLED, 20)
    records.reopen(store, "r1")
    make_rows(making("r1"))
    assert records.run_rows(store, "r1").equals(records.run_rows(store, "whole"))


def test_ctrl_c_outside_the_command_line_is_recorded_and_raised(
    making: Build, store: Store, counting: Callable[..., Any]
) -> None:
    method = counting()

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    method.breaks = interrupt
    with pytest.raises(KeyboardInterrupt):
        make_rows(making(method=method))
    assert records.get(store, "r1").status is Status.CANCELLED


def test_a_method_that_gives_nothing_falls_short_and_says_why(
    making: Build, store: Store, counting: Callable[..., Any]
) -> None:
    heard: list[Event] = []
    run = make_rows(making(method=counting(gives=0.0), listener=heard.append))
    assert run.status is Status.SHORT
    assert run.message == (
        "0 of 45 rows after asking for 200; the last 20 batches gave none; refused: 200 x rule (too dull)"
    )
    rejected = [event for event in heard if isinstance(event, RowsRejected)]
    assert {(event.reason, event.detail, event.count) for event in rejected} == {("rule", "too dull", 10)}


def test_a_broken_run_has_the_budget_of_a_whole_one(
    making: Build, store: Store, counting: Callable[..., Any]
) -> None:
    budget = Budget(empty_batches=6)
    method, control = counting(gives=0.0), Control()
    method.breaks = lambda _: control.stop()
    make_rows(making(method=method, budget=budget, control=control))
    records.reopen(store, "r1")
    run = make_rows(making(method=counting(gives=0.0), budget=budget))
    assert run.status is Status.SHORT
    assert "asking for 60" in run.message


def test_copies_of_real_rows_are_dropped(making: Build, store: Store) -> None:
    first = make_rows(making("r1"))
    made = records.run_rows(store, first.run_id)
    guard = CopyGuard(making("r2").schema, made.slice(0, 20))
    rows, rejects = guard.drop(made)
    assert rows.num_rows == 25
    assert {reject.reason for reject in rejects} == {"copy"}
    assert '"x":' in rejects[0].text


@pytest.mark.parametrize("fault", ["names", "types", "too many"])
def test_a_draft_that_breaks_the_contract_never_reaches_the_store(
    making: Build, store: Store, counting: Callable[..., Any], fault: str
) -> None:
    method = counting()
    good = method.batch

    def bad(n: int, seed: int, ask: Any) -> Draft:
        rows = good(n, seed, ask).rows
        if fault == "names":
            rows = rows.rename_columns(["id", "x", "y"])
        elif fault == "types":
            rows = rows.set_column(1, "x", rows["x"].cast(pa.string()))
        else:
            rows = pa.concat_tables([rows, rows])
        return Draft(rows)

    method.batch = bad
    with pytest.raises(RunError, match="method counting gave"):
        make_rows(making(method=method))
    run = records.get(store, "r1")
    assert (run.status, run.rows_done) == (Status.FAILED, 0)


def _staged(counting: Callable[..., Any], *stages: Callable[[pa.Table], Stage]) -> Any:
    """A method whose batches bring stages made of their rows."""
    method = counting()
    good = method.batch

    def batch(n: int, seed: int, ask: Any) -> Draft:
        rows = good(n, seed, ask).rows
        return Draft(rows, (), tuple(stage(rows) for stage in stages))

    method.batch = batch
    return method


def test_stages_are_kept_with_every_batch_and_after_a_broken_one(
    making: Build, store: Store, counting: Callable[..., Any]
) -> None:
    def reversed_(rows: pa.Table) -> Stage:
        return Stage("drawn", rows.take(pa.array(range(rows.num_rows)[::-1])))

    undisturbed = make_rows(making("whole", rows=25, method=_staged(counting, reversed_)))
    found = read_stages(store, undisturbed.run_id)["drawn"]
    made = records.run_rows(store, undisturbed.run_id)
    pieces = [made.slice(at, 10).to_pylist()[::-1] for at in (0, 10, 20)]
    assert found["x"].to_pylist() == [row["x"] for piece in pieces for row in piece]
    assert found["id"].null_count == 25
    broken = _staged(counting, reversed_)
    first = broken.batch
    batches: list[int] = []

    def breaks(n: int, seed: int, ask: Any) -> Draft:
        batches.append(n)
        if len(batches) == 2:
            raise RunError("out of luck")
        return first(n, seed, ask)  # type: ignore[no-any-return]

    broken.batch = breaks
    with pytest.raises(RunError, match="out of luck"):
        make_rows(making("half", rows=25, method=broken))
    assert read_stages(store, "half")["drawn"].num_rows == 10
    make_rows(making("half", rows=25, method=_staged(counting, reversed_)))
    assert read_stages(store, "half")["drawn"].equals(found)


@pytest.mark.parametrize(
    ("stages", "words"),
    [
        ([lambda rows: Stage("drawn", rows.drop_columns(["x"]))], "rows of the stage 'drawn' of another shape: no"),
        ([lambda rows: Stage("drawn", pa.concat_tables([rows, rows]))], "20 rows of the stage 'drawn' where 10"),
        ([lambda rows: Stage("a", rows), lambda rows: Stage("a", rows)], "stages without a name of their own"),
        ([lambda rows: Stage("", rows)], "stages without a name of their own"),
        ([lambda rows: Stage("\udc80", rows)], "stages without a name of their own"),
    ],
)  # fmt: skip
def test_stages_that_break_the_contract_never_reach_the_store(
    making: Build, store: Store, counting: Callable[..., Any], stages: Any, words: str
) -> None:
    with pytest.raises(RunError, match=f"method counting gave {words}"):
        make_rows(making(method=_staged(counting, *stages)))
    assert records.get(store, "r1").rows_done == 0
    assert read_stages(store, "r1") == {}


def test_numbering_goes_on_over_batches(making: Build) -> None:
    schema = making().schema
    rows = pa.table(
        {"id": pa.nulls(2, pa.string()), "x": pa.array([1, 2]), "run no": pa.array([1, 2])},
    )
    assert number_rows(schema, rows, 9_999)["id"].to_pylist() == ["P9999", "P10000"]
