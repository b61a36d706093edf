"""Two of the three seams: engines write text, methods make rows. The third, metrics, is in :mod:`~localsynth.core.judging`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from .adapter import AdapterStore, LearntAdapter, ModelFile
from .asking import (
    Adapter,
    Likelihood,
    Message,
    Sample,
    SampleRequest,
    Sampling,
    ScoreRequest,
    Trace,
    Traced,
)
from .finding import Explored
from .run import Exposure, Reject, Usage
from .schema import Schema
from .targets import Statistics, TargetSource
from .where import Where

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pyarrow as pa

__all__ = [
    "STAGE_ROWS",
    "Adapter",
    "AdapterStore",
    "Ask",
    "Completing",
    "Condition",
    "Draft",
    "Engine",
    "EngineInfo",
    "Filled",
    "Filling",
    "Given",
    "Learning",
    "LearntAdapter",
    "Likelihood",
    "Message",
    "Method",
    "MethodParams",
    "ModelFile",
    "Round",
    "Sample",
    "SampleRequest",
    "Sampling",
    "ScoreRequest",
    "Stage",
    "Task",
    "Trace",
    "Traced",
]


# --- engine ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EngineInfo:
    """What a method may know of the engine.

    context : longest sequence in tokens, prompt and answer together.
    setup : how it is laid out on this machine, in few words.
    notes : what a person should know of how it was opened.
    """

    name: str
    model: str | None
    context: int
    threads: int
    notes: tuple[str, ...] = ()
    setup: str = ""


ProgressCallback = Callable[[int, int], None]  # (texts finished, texts wanted) of the present call


class Engine(Protocol):
    """Writes text. Opened once, used for many calls, closed at the end; not thread safe but for ``cancel``."""

    def info(self) -> EngineInfo: ...

    def sample(
        self, requests: Sequence[SampleRequest], progress: ProgressCallback | None = None
    ) -> tuple[list[Sample], Usage]:
        """One :class:`Sample` per request, in order. Raises ``ContextTooSmall``, ``EngineDied``, ``Cancelled``."""
        ...

    def score(
        self, requests: Sequence[ScoreRequest], progress: ProgressCallback | None = None
    ) -> tuple[list[Likelihood], Usage]:
        """The likelihood of given texts, one :class:`Likelihood` per request. Raises as ``sample`` does."""
        ...

    def trace(self, requests: Sequence[ScoreRequest]) -> list[Trace]:
        """How each text would be written, token by token; nothing is computed by the model.

        Raises ``EngineError`` where the engine knows no tokens.
        """
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens in it not recognised."""
        ...

    def render(self, request: SampleRequest) -> str:
        """The prompt as the model reads it, chat template included."""
        ...

    def prompt_tokens(self, request: SampleRequest) -> int:
        """Tokens of the prompt as the model reads it, template and prefix included."""
        ...

    def cancel(self) -> None:
        """Make a running ``sample`` raise ``Cancelled`` soon; callable from any thread or a signal handler."""
        ...

    def close(self) -> None: ...


class Ask(Protocol):
    """The engine as a method sees it: the runner records every call and reports progress."""

    @property
    def info(self) -> EngineInfo: ...

    def sample(self, purpose: str, requests: Sequence[SampleRequest]) -> list[Sample]: ...

    def score(self, purpose: str, requests: Sequence[ScoreRequest]) -> list[Likelihood]: ...

    def trace(self, requests: Sequence[ScoreRequest]) -> list[Trace]: ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]: ...

    def prompt_tokens(self, request: SampleRequest) -> int: ...

    def working(self, stage: str, done: float, wanted: float) -> None:
        """Say how far work is that is not the engine's, often. Raises ``Cancelled`` where the run is to stop: only for work
        that goes on where it was when it is begun again. A method that learns in steps is stopped between two of them, and
        within one only where the run is to stop at once.
        """
        ...

    def notice(self, text: str, level: Literal["info", "warning"] = "info") -> None: ...

    def measured(
        self, name: str, step: float, value: float, between: tuple[float, float] | None = None,
        *, per: str = "step", unit: str = "",
    ) -> None:  # fmt: skip
        """Tell a number that learning is judged by: see :class:`~localsynth.core.events.Measured`. All are kept, if finite: a
        few hundred of a name at most. between : an interval of 95 %.
        """
        ...


# --- method ---------------------------------------------------------------------------------------------------------


class MethodParams(BaseModel):
    """Base of every method's parameters; field descriptions become help texts and forms.

    TOML has numbers and truth values of its own, so a text is taken for neither.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


@dataclass(frozen=True)
class Given:
    """Columns that rows have before a method completes them.

    names : of all such columns. known : the values, in all rows of the run, of those that are known beforehand.
    twins : column to be made -> given column that holds the same of a related row (the age of the first of a household).
    differences : name -> a column to be made and the given one it is counted from; columns that no row has, but statistics.
    """

    names: tuple[str, ...]
    known: pa.Table
    twins: Mapping[str, str] = field(default_factory=dict)
    differences: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Condition:
    """What every row of a run must meet. where : the condition, taken apart.

    met : which rows of a table meet it (boolean); NULL counts as not met. train_rows : how many train rows do, where the method
    sees any.
    """

    where: Where
    met: Callable[[pa.Table], np.ndarray[Any, np.dtype[np.bool_]]]
    train_rows: int = 0


@dataclass(frozen=True)
class Task:
    """What a method is asked to do.

    schema : the columns in their canonical order; the rows of a :class:`Draft` have exactly these, typed as
        :func:`localsynth.tables.arrow_type` says; identifier columns are left NULL, the runner numbers them.
    rows : rows wanted in the whole run.
    seed : the run's seed, for what is done once (``learn``).
    train : gives the train split, canonical columns; present only where the method's exposure is at least
        ``STATISTICS``, the dataset's policy allows it and the recipe names no privacy budget. The holdout is never
        reachable from here.
    targets : where a method that declares ``reads_targets`` gets its statistics; ``train`` is not there for it, unless its
        exposure is ``ROWS``.
    explore : looks for dependencies and the like in the train split; there where ``train`` is.
    given : what rows to be completed have already; a :class:`Completing` method is then asked to ``complete`` such rows, and
        never for a ``batch``.
    violations : a boolean array (rows x rules) telling which rule each row of a table breaks; NULL counts as met.
    model : the file of the run's model; ``None`` where the engine reads none.
    condition : what all rows must meet, for a method that declares ``conditional = True``; ``targets`` are then those of the
        train rows that meet it, and ``None`` where these are too few. ``train`` gives all of them.
    folder : for what training keeps, until the run is finished; private. adapters : where what was learnt is kept, and
        found. Both are there for methods of exposure ``ROWS`` alone.
    """

    dataset: str
    schema: Schema
    rows: int
    seed: int
    violations: Callable[[pa.Table], np.ndarray[Any, np.dtype[np.bool_]]]
    train: Callable[[], pa.Table] | None = None
    targets: TargetSource | None = None
    given: Given | None = None
    explore: Callable[[], Explored] | None = None
    model: ModelFile | None = None
    folder: Path | None = None
    adapters: AdapterStore | None = None
    condition: Condition | None = None


#: Rows of a stage that are kept of a run; later batches add none.
STAGE_ROWS = 2_000


@dataclass(frozen=True)
class Stage:
    """Rows of a batch as they were before the method did something to them, kept to be judged beside what became of them.

    name : a few words, ``drawn`` for what a model wrote. rows : all the schema's columns, identifiers NULL; they may break
    rules, and lie too near to real rows.
    """

    name: str
    rows: pa.Table


@dataclass(frozen=True)
class Draft:
    """The outcome of one batch: rows to keep and rows rejected. stages : in the order in which rows went through them.

    Rows to keep, and rows of each stage, are any number up to what was asked. A method under a privacy budget gives no
    stages: nothing covers them.
    """

    rows: pa.Table
    rejects: tuple[Reject, ...] = ()
    stages: tuple[Stage, ...] = ()


@runtime_checkable
class Method(Protocol):
    """Makes rows.

    The runner calls ``prepare`` (pure, cheap, raises early), then ``learn`` once in the life of a run (or ``restore``
    with what ``state`` gave after the last committed batch), then ``batch`` until there are rows enough. A batch is a
    function of (params, task, state, n, seed): the same five give the same rows in any process.

    A method that sees the real rows through target statistics alone has a class attribute ``reads_targets = True``; it
    gets ``task.targets`` instead of ``task.train``, can run on published statistics, and under a privacy budget. One of
    exposure ``ROWS`` that declares it gets both, needs rows, and has no budget. One that can make rows under a condition has
    ``conditional = True``; others are asked for none. One that tells what it found out has ``explain``: see
    :class:`~localsynth.core.explaining.Explains`.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    exposure: ClassVar[Exposure]
    needs_model: ClassVar[bool]
    summary: ClassVar[str]  # one sentence for `localsynth methods`
    Params: ClassVar[type[MethodParams]]

    def __init__(self, params: Any) -> None: ...

    def prepare(self, task: Task, info: EngineInfo | None) -> None:
        """Check that the task can be done at all; raises a ``LocalsynthError`` with the numbers if not."""
        ...

    def batch_rows(self) -> int:
        """How many rows a batch of this method should have; asked after ``prepare``."""
        ...

    def learn(self, ask: Ask | None, seed: int) -> None:
        """What is done once before the first row (elicitation, fitting); its outcome is part of ``state``."""
        ...

    def batch(self, n: int, seed: int, ask: Ask | None) -> Draft: ...

    def state(self) -> Mapping[str, Any]:
        """JSON-able; stored with every batch."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True)
class Round:
    """One candidate of one round of a method that learns by trying: what it was, what it scored, whether it was kept.

    number : of the round, from 1; candidate : within the round, from 1. author : who proposed it (``start``, ``search``,
    ``model``; ``kept`` is what stands). move : what it changed, in words. score : the lower the better, with an interval of
    95 %; ``None`` where it could not be told. novelty : share of near copies beyond what real rows show. theta, gaps :
    JSON-able; what was tried, and what told its rows from real ones.
    """

    number: int
    candidate: int
    author: str
    move: str
    accepted: bool
    score: float | None
    low: float | None = None
    high: float | None = None
    novelty: float | None = None
    theta: Mapping[str, Any] = field(default_factory=dict)
    gaps: tuple[Mapping[str, Any], ...] = ()


@runtime_checkable
class Learning(Protocol):
    """What a :class:`Method` may do beside: learn in several steps, each of which is committed."""

    def learnt(self) -> bool:
        """Whether nothing is left to learn. While not, ``learn`` is called again, with the seed of the step."""
        ...

    def rounds(self) -> tuple[Round, ...]:
        """What the last ``learn`` tried; kept with the step."""
        ...


@runtime_checkable
class Completing(Protocol):
    """What a :class:`Method` may do beside: make columns for rows that have others already, as members of other rows have."""

    def check_complete(self) -> None:
        """Raise a ``LocalsynthError`` where its parameters do not allow that."""
        ...

    def complete(self, given: pa.Table, seed: int, ask: Ask | None) -> pa.Table:
        """The given rows, in order, with all the schema's columns, those given unchanged.

        A function of (params, task, state, given, seed), as ``batch`` is. Rows that break a rule and cannot be mended are
        among them: who asked cannot do without any.
        """
        ...

    def aims(self) -> Statistics:
        """What ``complete`` aims at; and, of :attr:`Given.differences`, what others should see to."""
        ...


@dataclass(frozen=True)
class Filled:
    """Rows whose missing cells are filled. broken : which of them break a rule or a dependency that is known, all the same."""

    rows: pa.Table
    broken: np.ndarray[Any, np.dtype[np.bool_]]


@runtime_checkable
class Filling(Protocol):
    """What a :class:`Method` may do beside: fill the missing cells of rows that are known in part."""

    def fill(self, rows: pa.Table, seed: int, ask: Ask | None) -> Filled:
        """The rows, in order; cells that hold a value keep it, the others get one. After ``learn`` or ``restore``.

        rows : all the schema's columns; every value is one the schema allows.
        """
        ...
