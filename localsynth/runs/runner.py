"""The loop: learn, at once or in steps, then batch after batch, each committed whole or not at all."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from localsynth.core.contracts import Draft, Engine, Learning, Method, Round, Stage
from localsynth.core.errors import (
    Cancelled,
    ContextTooSmall,
    EngineDied,
    LocalsynthError,
    OverMemory,
    RunError,
    StoreLocked,
)
from localsynth.core.events import BatchCommitted, BatchStarted, RowsRejected, RunEnded, RunStarted
from localsynth.core.judging import writable
from localsynth.core.run import Batch, Call, Reject, Run, Status, Usage
from localsynth.core.schema import Schema
from localsynth.core.seeds import derive
from localsynth.core.tracing import named
from localsynth.store import runs as records
from localsynth.tables import arrow_schema

from .ask import RecordedAsk
from .bus import Bus
from .control import Control
from .copies import CopyGuard
from .meter import Meter
from .plan import Budget, Learn, MakeBatch, Stop, Tally, next_step
from .steps import learning_seed

if TYPE_CHECKING:
    import pyarrow as pa

    from localsynth.store.session import Store

__all__ = ["Making", "make_rows", "number_rows"]

_AT_ONCE = "stopped at once; the batch that was not finished is lost"


@dataclass(frozen=True)
class Making:
    """What a run needs to go on. ``method`` is prepared; ``engine`` is open, or ``None`` for a method without a model.

    The rows are a function of the run's seed, the schema, the method and what is committed: a run that was killed and
    resumed has the rows of one that was not.
    """

    store: Store
    run: Run
    schema: Schema
    method: Method
    engine: Engine | None
    bus: Bus
    control: Control
    copies: CopyGuard | None = None
    budget: Budget = field(default_factory=Budget)
    rows_per_s: float | None = None  # of earlier runs, for an ETA from the start


def make_rows(making: Making) -> Run:
    """Make what is missing and give the run as it stands in the end: finished, short or cancelled.

    Whatever else happens is recorded as ``failed``, with everything committed kept, and raised again.
    """
    loop = _Loop(making)
    try:
        status, message = loop.turn()
    except Cancelled:
        loop.refuse_memory()
        status, message = Status.CANCELLED, limited(making.control, _AT_ONCE)
    except ContextTooSmall as error:
        if loop.tally is not None:
            loop.end_anyway(Status.FAILED, error.kept)
        else:  # found before the first row: the run is refused, not failed
            records.delete(making.store, making.run.run_id)
        raise
    except EngineDied as error:
        if not making.control.killed:
            loop.end_anyway(Status.FAILED, error.kept)
            raise
        loop.refuse_memory()
        status, message = Status.CANCELLED, limited(making.control, _AT_ONCE)
    except KeyboardInterrupt:
        loop.end_anyway(Status.CANCELLED, "interrupted")
        raise
    except BaseException as error:
        loop.end_anyway(Status.FAILED, error.kept if isinstance(error, LocalsynthError) else named(error))
        raise
    loop.end(status, message)
    return records.get(making.store, making.run.run_id)


class _Loop:
    def __init__(self, making: Making) -> None:
        self.m = making
        self.run = making.run
        self.started = time.monotonic()
        self.tally: Tally | None = None
        self.meter = Meter(
            self.run.run_id,
            self.run.rows_wanted,
            self.run.rows_done,
            making.bus.emit,
            rows_per_s=making.rows_per_s,
        )
        self.ask = (
            RecordedAsk(
                making.engine,
                making.bus,
                self.meter,
                making.control,
                in_steps=isinstance(making.method, Learning),
                permitted=self.permitted,
            )
            if making.engine is not None
            else None
        )

    def permitted(self) -> None:
        """Raises ``PolicyError`` where the dataset's owner no longer allows what the run shows."""
        with suppress(StoreLocked):  # somebody writes just now; the next look, or the commit, tells
            records.check_policy(self.m.store, self.run.run_id)

    def turn(self) -> tuple[Status, str]:
        """Steps until nothing is left to do or someone says stop."""
        self.restore()
        batch_rows = self.m.method.batch_rows()
        while True:
            learnt = self.tally is not None and self.learnt(self.tally)
            step = next_step(self.tally, self.run.rows_wanted, batch_rows, self.m.budget, learnt=learnt)
            if isinstance(step, Stop):
                return step.status, step.message
            if self.m.control.killed:
                raise Cancelled("stopped")
            if self.m.control.stopping:
                of = "step of learning" if isinstance(step, Learn) else "batch"
                return Status.CANCELLED, limited(self.m.control, f"stopped after a finished {of}")
            if isinstance(step, Learn):
                self.learn(step)
            else:
                self.batch(step)

    def refuse_memory(self) -> None:
        """Raises ``OverMemory``, with the run's end recorded, where that is what stopped it."""
        limit = self.m.control.limit
        if isinstance(limit, OverMemory):
            self.end_anyway(Status.FAILED, limit.message)
            raise limit

    def restore(self) -> None:
        """Take up what is committed, if anything is."""
        found = records.checkpoint(self.m.store, self.run.run_id)
        if found is not None:
            batch_no, state = found
            rows = records.rows_done(self.m.store, self.run.run_id)
            self.m.method.restore(state["method"])
            self.tally = Tally.from_state(batch_no, rows, state["tally"])
        done = self.tally.rows if self.tally else 0
        self.m.bus.emit(
            RunStarted(
                self.run.run_id,
                time.time(),
                dataset=self.run.dataset,
                method=self.run.method,
                exposure=self.run.exposure.label,
                model=self.run.model,
                rows_wanted=self.run.rows_wanted,
                rows_done=done,
                resumed=found is not None,
            )
        )
        self.meter.committed(done)

    def learnt(self, tally: Tally) -> bool:
        """Whether rows may be made; asked after the first step."""
        method = self.m.method
        if not isinstance(method, Learning) or method.learnt():
            return True
        if tally.asked:
            raise self.mistaken("rows, and says then that it has not learnt all it must")
        return False

    def learn(self, step: Learn) -> None:
        """What the method does before the first row, or one step of it; a batch without rows, so that none is done twice."""
        self.meter.start("learning")
        method = self.m.method
        seed = learning_seed(self.run.seed, step.step)
        started = time.monotonic()
        method.learn(self.ask, seed)
        rounds = method.rounds() if isinstance(method, Learning) else ()
        tally = Tally() if self.tally is None else self.tally.learnt_on()
        self.commit(tally, seed, arrow_schema(self.m.schema).empty_table(), (), started, rounds=rounds)

    def batch(self, step: MakeBatch) -> None:
        assert self.tally is not None  # `Learn` comes first
        self.m.bus.emit(BatchStarted(self.run.run_id, time.time(), step.batch_no, step.n))
        self.meter.batch(step.n)
        seed = derive(self.run.seed, "batch", step.batch_no)
        started = time.monotonic()
        draft = self.checked(self.m.method.batch(step.n, seed, self.ask), step.n)
        rows, rejects = draft.rows, list(draft.rejects)
        if self.m.copies is not None:
            rows, copies = self.m.copies.drop(rows)
            rejects += copies
        if self.m.control.killed:
            raise Cancelled("stopped")
        rows = number_rows(self.m.schema, rows, self.tally.rows + 1)
        for (reason, detail), count in Counter((r.reason, r.detail) for r in rejects).most_common(20):
            self.m.bus.emit(RowsRejected(self.run.run_id, time.time(), step.batch_no, reason, detail, count))
        tally = self.tally.after(step.n, rows.num_rows, rejects)
        self.commit(tally, seed, rows, rejects, started, draft.stages)

    def checked(self, draft: Draft, asked: int) -> Draft:
        """The draft, if it is what the contract says: a plug-in's mistake must not end in the store."""
        stages = [stage.name for stage in draft.stages]
        if len(set(stages)) < len(stages) or not all(name and writable(name) for name in stages):
            raise self.mistaken("stages without a name of their own")
        for what, table in (
            ("rows", draft.rows),
            *((f"rows of the stage '{stage.name}'", stage.rows) for stage in draft.stages),
        ):
            self.check_shape(what, table, asked)
        return draft

    def check_shape(self, what: str, table: pa.Table, asked: int) -> None:
        wanted, given = arrow_schema(self.m.schema), table.schema
        if not given.equals(wanted):
            odd = next((f for f in wanted if f not in list(given)), None)
            lacks = f": no column '{odd.name}' of type {odd.type}" if odd is not None else ""
            raise self.mistaken(f"{what} of another shape{lacks}")
        if table.num_rows > asked:
            raise self.mistaken(f"{table.num_rows} {what} where {asked} were asked for")

    def mistaken(self, gave: str) -> RunError:
        return RunError(
            f"method {self.run.method} gave {gave}", "this is a mistake in the method, not in your recipe"
        )

    def commit(
        self,
        tally: Tally,
        seed: int,
        rows: pa.Table,
        rejects: list[Reject] | tuple[Reject, ...],
        started: float,
        stages: Sequence[Stage] = (),
        rounds: Sequence[Round] = (),
    ) -> None:
        """One transaction; the world hears of it afterwards."""
        calls, usage = self.ask.take() if self.ask is not None else (list[Call](), Usage())
        seconds = time.monotonic() - started
        done = BatchCommitted(
            self.run.run_id,
            time.time(),
            tally.batch_no,
            rows.num_rows,
            tally.rows,
            self.run.rows_wanted,
            seconds,
        )
        record = Batch(
            self.run.run_id,
            tally.batch_no,
            rows.num_rows,
            seed,
            replace(usage, seconds=seconds),
            datetime.now(UTC),
        )
        state = {"method": dict(self.m.method.state()), "tally": tally.to_state()}
        events = (*self.m.bus.take(), done)
        records.commit_batch(self.m.store, record, rows, calls, rejects, events, state, stages, rounds)
        self.tally = tally
        self.m.bus.publish(done)
        self.meter.committed(tally.rows)

    def end(self, status: Status, message: str) -> None:
        """Record how it ended, then say so."""
        event = self.ended(status, message)
        records.end(self.m.store, self.run.run_id, status, message, (*self.m.bus.take(), event))
        self.m.bus.publish(event)

    def end_anyway(self, status: Status, message: str) -> None:
        """Record the end of a run that broke. Where even that fails (a full disk), who watches is told all the same."""
        try:
            self.end(status, message)
        except LocalsynthError:
            with suppress(LocalsynthError):  # the first error is what a person needs
                self.m.bus.publish(self.ended(status, message))

    def ended(self, status: Status, message: str) -> RunEnded:
        rows = self.tally.rows if self.tally is not None else 0
        seconds = time.monotonic() - self.started
        return RunEnded(
            self.run.run_id, time.time(), status.value, rows, self.run.rows_wanted, seconds, message
        )


def limited(control: Control, how: str) -> str:
    """How a run ended, and the limit that ended it, if one did."""
    return how if control.limit is None else f"{control.limit.message}; {how}"


def number_rows(schema: Schema, rows: pa.Table, first: int) -> pa.Table:
    """Fill the identifier columns; ``first`` is the number of the first row within the run, from 1.

    A key that the method filled, because its rows belong to others, stays.
    """
    import pyarrow as pa

    for index, column in enumerate(schema.columns):
        if column.kind == "identifier" and rows.column(index).null_count == rows.num_rows:
            names = [column.render(row_no) for row_no in range(first, first + rows.num_rows)]
            rows = rows.set_column(index, rows.schema.field(index), pa.array(names, pa.string()))
    return rows
