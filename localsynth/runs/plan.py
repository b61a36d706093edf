"""What is missing: the next step of a run, as a function of what is committed and of nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from localsynth.core.run import Reject, Status

__all__ = ["Budget", "Learn", "MakeBatch", "Step", "Stop", "Tally", "next_step", "shortfall"]


@dataclass(frozen=True)
class Budget:
    """When to stop trying.

    empty_batches : so many batches in a row without a row. per_row : rows asked for, per row wanted. spare : rows
    that may be asked for in any case, so that short runs get a fair try.
    """

    empty_batches: int = 20
    per_row: int = 10
    spare: int = 1000

    def asked(self, wanted: int) -> int:
        """The most rows that a run of ``wanted`` rows may ask for."""
        return max(self.per_row * wanted, self.spare)


@dataclass(frozen=True)
class Tally:
    """Where a run stands. Kept with every commit, so that a resumed run decides as the undisturbed one.

    batch_no : of the last batch. asked : rows asked for so far. empty : batches in a row without a row.
    rejects : "reason (detail)" -> how many.
    """

    batch_no: int = 0
    rows: int = 0
    asked: int = 0
    empty: int = 0
    rejects: Mapping[str, int] = field(default_factory=dict)

    def after(self, asked: int, rows: int, rejects: Iterable[Reject]) -> Tally:
        """The tally one batch later."""
        counts = Counter(self.rejects)
        counts.update(f"{r.reason} ({r.detail})" if r.detail else r.reason for r in rejects)
        return Tally(
            self.batch_no + 1,
            self.rows + rows,
            self.asked + asked,
            0 if rows else self.empty + 1,
            dict(counts),
        )

    def learnt_on(self) -> Tally:
        """The tally one step of learning later: a batch that was asked for no rows, and so is not an empty one."""
        return replace(self, batch_no=self.batch_no + 1)

    def to_state(self) -> dict[str, Any]:
        """JSON-able."""
        return {"asked": self.asked, "empty": self.empty, "rejects": dict(self.rejects)}

    @classmethod
    def from_state(cls, batch_no: int, rows: int, state: Mapping[str, Any]) -> Tally:
        """From what was committed."""
        return cls(batch_no, rows, int(state["asked"]), int(state["empty"]), dict(state["rejects"]))


@dataclass(frozen=True)
class Learn:
    """Do what the method does before the first row: all of it, or the step of that number. Steps count from 0."""

    step: int = 0


@dataclass(frozen=True)
class MakeBatch:
    """Ask for ``n`` rows."""

    batch_no: int
    n: int


@dataclass(frozen=True)
class Stop:
    """Nothing is left to do: all rows are there, or the budget is spent."""

    status: Status
    message: str = ""


Step: TypeAlias = Learn | MakeBatch | Stop


def next_step(
    tally: Tally | None, wanted: int, batch_rows: int, budget: Budget, *, learnt: bool = True
) -> Step:
    """What to do next. ``tally`` is ``None`` before anything was committed.

    learnt : whether the steps committed so far are all there are; each is one batch, so the next one's number is its step.
    """
    if tally is None:
        return Learn()
    if not learnt:
        return Learn(tally.batch_no + 1)
    missing = wanted - tally.rows
    if missing <= 0:
        return Stop(Status.FINISHED)
    if tally.empty >= budget.empty_batches or tally.asked >= budget.asked(wanted):
        return Stop(Status.SHORT, shortfall(tally, wanted))
    return MakeBatch(tally.batch_no + 1, min(max(1, batch_rows), missing))


def shortfall(tally: Tally, wanted: int) -> str:
    """One sentence: how many rows there are, and what most of the others were refused for."""
    text = f"{tally.rows} of {wanted} rows after asking for {tally.asked}"
    if tally.empty:
        text += (
            f"; the last {tally.empty} batches gave none" if tally.empty > 1 else "; the last batch gave none"
        )
    common = Counter(tally.rejects).most_common(3)
    if common:
        text += "; refused: " + ", ".join(f"{count} x {reason}" for reason, count in common)
    return text
