"""The third seam: metrics judge rows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeVar, cast, runtime_checkable

from .schema import Schema
from .targets import Statistics

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

__all__ = [
    "Belonging",
    "Case",
    "Family",
    "Kept",
    "Measure",
    "Metric",
    "Score",
    "StandIn",
    "not_applicable",
    "writable",
]

Family = Literal["validity", "fidelity", "utility", "privacy"]

#: Which real rows stand in for synthetic ones, so that a metric has a figure for reality itself: the train split, the
#: holdout, or one half of the holdout, with the other half left as holdout.
StandIn = Literal["train", "holdout", "half"]

T = TypeVar("T")


@dataclass(frozen=True)
class Measure:
    """What one number means.

    name : as in ``meta.metrics`` and on the command line. title : a few words for a heading.
    definition : one or two sentences a person without statistics can read.
    better : where good values lie: ``higher``, ``lower``, near ``ideal``, or ``none`` (a plain fact).
    low, high : the range of the value; ``None`` where it is open. source : paper, section, or package it is taken from.
    """

    name: str
    title: str
    definition: str
    better: Literal["higher", "lower", "ideal", "none"]
    low: float | None
    high: float | None
    source: str
    ideal: float | None = None


@dataclass(frozen=True)
class Score:
    """One number, of the table (no column), a column, or a pair of columns.

    item : what else it is of: a rule, a bin of a histogram. value : ``None`` where the metric does not apply; ``note``
    then says why, beginning with ``not applicable, because``. low, high : a 95% interval, where one is known.
    """

    metric: str
    value: float | None
    column_a: str | None = None
    column_b: str | None = None
    item: str | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""


def not_applicable(
    metric: str,
    because: str,
    column: str | None = None,
    column_b: str | None = None,
    item: str | None = None,
) -> Score:
    """The score of a metric that has nothing to measure here."""
    return Score(metric, None, column, column_b, item, note=f"not applicable, because {because}")


def writable(text: object) -> bool:
    """Whether it is a text that can be stored and shown: a lone surrogate has no UTF-8."""
    if not isinstance(text, str):
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class Kept:
    """What several metrics need and only one should compute. Safe to use from several threads."""

    def __init__(self) -> None:
        self._values: dict[Any, Any] = {}
        self._locks: dict[Any, threading.Lock] = {}
        self._lock = threading.Lock()

    def once(self, key: Any, make: Callable[[], T]) -> T:
        """What ``make`` gave the first time it was asked for under ``key``."""
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._values:
                self._values[key] = make()
            return cast("T", self._values[key])


@dataclass(frozen=True)
class Belonging:
    """How the rows judged, as members, go together with the rows they belong to.

    wrong : parents with another number of members than they say. strays : members of nobody. of_members : rule across both
    levels -> members that break it; of_groups : rule over all members of a parent -> parents; any_... : that break any.
    """

    parents: int
    members: int
    wrong: int
    strays: int
    of_members: Mapping[str, int]
    any_member: int
    of_groups: Mapping[str, int]
    any_group: int


@dataclass(frozen=True)
class Case:
    """Rows to be judged beside real ones.

    schema : of all three tables; they hold its columns but for identifiers, in canonical order, typed as
    :func:`localsynth.tables.arrow_type` says. rows : the rows judged. train, holdout : real rows, either may have none.
    seed : for whatever a metric draws. violations : a boolean array (rows x rules); NULL counts as met.
    kept : what was computed of this case; common : of all cases with this very train and holdout.
    check : called between two pieces of work of about a second; raises ``Cancelled``. threads : a metric may use.
    targets : the statistics that the rows judged were made to meet, if they were.
    withheld : why there are no real rows here, where that is not because the dataset has none.
    belonging : where the rows judged are members of others.
    """

    schema: Schema
    rows: pa.Table
    train: pa.Table
    holdout: pa.Table
    seed: int
    violations: Callable[[pa.Table], np.ndarray[Any, np.dtype[np.bool_]]]
    kept: Kept = field(default_factory=Kept)
    common: Kept = field(default_factory=Kept)
    check: Callable[[], None] = lambda: None
    threads: int = 1
    targets: Statistics | None = None
    withheld: str = ""
    belonging: Belonging | None = None


@runtime_checkable
class Metric(Protocol):
    """Judges rows. A metric may give several measures, each for the table, for columns, for pairs.

    It never fails over what rows hold: a measure without meaning here is :func:`not_applicable`. It draws from
    ``case.seed`` alone, so that the same case gives the same scores.
    """

    name: ClassVar[str]
    family: ClassVar[Family]
    measures: ClassVar[tuple[Measure, ...]]
    real: ClassVar[StandIn]
    #: whether it means nothing without train rows, without holdout rows
    needs_train: ClassVar[bool]
    needs_holdout: ClassVar[bool]

    def scores(self, case: Case) -> Iterable[Score]:
        """At least one score per measure."""
        ...
