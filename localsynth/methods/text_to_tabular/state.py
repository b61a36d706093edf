"""What a run knows beyond its parameters, as kept with every committed batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from localsynth.core.contracts import Task
from localsynth.core.distribution import Distribution

from .layout import Layout, written
from .locks import Locks
from .sheets import Sheet
from .targets import Counts, Target, target_of

__all__ = ["Plan", "State"]


@dataclass(frozen=True)
class Plan:
    """How prompts and rows were made to fit the context.

    level : brevity of the prompts (0 to 3). caps : texts kept shorter than the schema allows (column -> characters).
    sheets : all columns, in the row's order; more than one where a row is written in several passes.
    asides : one text each, to be written again beside few columns.
    """

    level: int = 0
    caps: Mapping[str, int] = field(default_factory=dict)
    sheets: tuple[Sheet, ...] = ()
    asides: tuple[Sheet, ...] = ()

    @property
    def examples(self) -> int:
        """The most example rows a prompt shows."""
        return max((sheet.examples for sheet in (*self.sheets, *self.asides)), default=0)

    def dump(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "level": self.level,
            "caps": dict(self.caps),
            "sheets": [sheet.dump() for sheet in self.sheets],
            "asides": [sheet.dump() for sheet in self.asides],
        }

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Plan:
        """What ``dump`` gave."""
        sheets, asides = (tuple(map(Sheet.load, data[key])) for key in ("sheets", "asides"))
        return cls(int(data["level"]), dict(data["caps"]), sheets, asides)


class State:
    """Elicited distributions, invented examples, the fitted prompt, and what was kept so far.

    given : the schema's own example rows, as lines; pool : those invented for the prompt.
    counts : per column with a target or a null rate, what was kept. seen : digests of kept rows, if duplicates are
    dropped.
    """

    def __init__(self, task: Task, elicited: Mapping[str, Distribution] | None = None) -> None:
        self.task = task
        self.elicited = dict(elicited or {})
        self.plan = Plan()
        self.given: list[str] = []
        self.pool: list[str] = []
        self.locks = Locks(task.schema)
        self.seen: dict[str, None] = {}
        self.layout = Layout(task, self._targets())
        self.counts = {
            column.name: Counts([0] * (len(target.shares) if target else 1))
            for column in self.layout.columns
            if (target := self.layout.targets.get(column.name)) is not None or column.null_rate is not None
        }

    def _targets(self) -> dict[str, Target]:
        found = {}
        for column in written(self.task.schema):
            soft = column.distribution is None
            target = target_of(column, self.elicited.get(column.name) if soft else column.distribution, soft)
            if target is not None:
                found[column.name] = target
        return found

    def dump(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "elicited": {
                name: told.model_dump(mode="json", exclude_none=True) for name, told in self.elicited.items()
            },
            "plan": self.plan.dump(),
            "given": list(self.given),
            "pool": list(self.pool),
            "counts": {name: {"nulls": c.nulls, "strata": list(c.strata)} for name, c in self.counts.items()},
            "locks": self.locks.dump(),
            "seen": list(self.seen),
        }

    @classmethod
    def load(cls, task: Task, data: Mapping[str, Any]) -> State:
        """What ``dump`` gave."""
        state = cls(task, {name: Distribution(**told) for name, told in data["elicited"].items()})
        state.plan = Plan.load(data["plan"])
        state.given, state.pool = list(data["given"]), list(data["pool"])
        state.counts = {name: Counts(list(c["strata"]), c["nulls"]) for name, c in data["counts"].items()}
        state.locks.load(data["locks"])
        state.seen = dict.fromkeys(data["seen"])
        return state
