"""The better mode: the game, then rows by its best theta, shown and aligned to all train rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from math import ceil
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from localsynth.align.continuous import continuous
from localsynth.align.counting import Counter
from localsynth.align.finishing import Finisher, with_dependencies
from localsynth.align.following import followers
from localsynth.align.guarding import NearGuard
from localsynth.align.images import images_of
from localsynth.align.structured import bins_for
from localsynth.core.contracts import Ask, Draft, Round, Sampling, Task
from localsynth.core.finding import Explored
from localsynth.core.run import Reject
from localsynth.core.schema import Dependency
from localsynth.core.targets import Statistics
from localsynth.core.where import limited_cell
from localsynth.methods.conditions import task_under
from localsynth.methods.drafting import drafted

from .climbing import BINS, Coded, coded, initial_graph, strengths, support
from .folds import FEWEST, folds_of
from .game import Game
from .graph import MOST_PARENTS, Graph, Move
from .optimiser import LONGEST
from .params import MALLMGANParams
from .setting import EXAMPLES, Setting, game_requests, judged_rows
from .shaping import Shaping
from .theta import Theta
from .writer import EACH, Shown, Writer, examples_that_fit

__all__ = ["Aligned", "first_edges"]

Array: TypeAlias = np.ndarray[Any, Any]
_FEWEST_MET = 5  # rows meeting a condition from which on they alone are shown
_BATCH_ROWS = 1_000


class Aligned:
    """One run. Under a condition everything is about the train rows that meet it; where they are few there is no game."""

    def __init__(self, params: MALLMGANParams, task: Task, train: pa.Table) -> None:
        self._params, self._task = params, task
        self._under = task_under(task)
        met = train if task.condition is None else train.filter(pa.array(task.condition.met(train)))
        self._shown = met if met.num_rows >= _FEWEST_MET else train
        self._rows = met
        self._targets = task.targets if task.condition is None or met.num_rows >= FEWEST else None
        self._seed = 0
        self._examples = 0
        self._how = ""
        self._dependencies: tuple[Dependency, ...] = ()
        self._game: Game | None = None
        self._begun = False
        self._made: dict[str, Any] | None = None

    def batch_rows(self) -> int:
        """Rows per commit."""
        return self._params.batch_rows or _BATCH_ROWS

    # --- learning -----------------------------------------------------------------------------------------------------

    def learnt(self) -> bool:
        """Whether the game is over."""
        return self._game is not None and self._game.over

    def rounds(self) -> tuple[Round, ...]:
        """Of the last step."""
        return self._game.rounds if self._game is not None and self._begun else ()

    def learn(self, ask: Ask, seed: int) -> None:
        """One step: the first sets the game up and judges where it begins; each further one is a round."""
        if self._game is None:
            self._set_up(ask, seed)
        game = self._playing()
        if game.over:
            return
        ask.working("game", game.number, self._params.rounds + 2)
        game.play(self._setting, ask)
        self._begun = True

    def _set_up(self, ask: Ask, seed: int) -> None:
        self._seed = seed
        explored = self._task.explore() if self._task.explore is not None else Explored()
        self._dependencies = tuple(one.declared() for one in explored.found.dependencies if one.exact)
        names = tuple(column.name for column in self._task.schema.columns if column.kind != "identifier")
        graph, self._how = Graph.of(names), "no edges: too few rows"
        if self._targets is not None and self._rows.num_rows >= FEWEST:
            graph, self._how = initial_graph(self._coded, self._task.schema.target, seed=seed)
        theta = Theta(graph)
        ask.notice(f"the first causal graph: {self._how}")
        self._game = Game(theta, theta)
        wanted = self._params.examples or EXAMPLES
        writer = replace(self._writer, examples=wanted)
        # Room for all that theta may come to say: three parents for each column, guidance as long as it may be.
        fullest = Theta(Graph.of(names, _densest(names)), words="words " * (LONGEST // 6))
        self._examples = examples_that_fit(writer, fullest, Shown(self._shown), ask, wanted)
        if self._examples < min(wanted, self._shown.num_rows):
            ask.notice(
                f"{self._examples} examples in a prompt, of {wanted}: no more fit its context", "warning"
            )
        if self._targets is None or self._rows.num_rows < FEWEST or not self._params.rounds:
            self._game.over = True
            self._game.ended = self._no_game()
            ask.notice(self._game.ended, "warning" if self._params.rounds else "info")
            return
        self._tell_budget(ask)

    def _no_game(self) -> str:
        """Why there is none."""
        met = "" if self._task.condition is None else " that meet the condition"
        if self._rows.num_rows < FEWEST:
            return f"no game: {self._rows.num_rows} train rows{met}, and it takes {FEWEST}"
        if self._targets is None:
            return (
                f"no game: statistics of {self._rows.num_rows} train rows{met} are withheld, for they are few"
            )
        return "no game was wanted"

    def _tell_budget(self, ask: Ask) -> None:
        """What the game may take at most, before anything is asked."""
        params, game, setting = self._params, self._playing(), self._setting
        calls = game_requests(params, setting.rows)
        request = self._setting.writer.requests(game.theta, Shown(self._shown, None), 1, 0)[0]
        page = self._setting.writer.page(game.theta)
        line = max(
            ask.count_tokens([page.line(row) for row in self._shown.slice(0, 20).to_pylist()]), default=1
        )
        tokens = calls * (ask.prompt_tokens(request) + EACH * line)
        bounds = [
            f"{params.max_calls:,} requests" if params.max_calls else "",
            f"{params.max_tokens:,} tokens" if params.max_tokens else "",
            f"{params.max_minutes:g} minutes" if params.max_minutes else "",
        ]
        bound = ", ".join(one for one in bounds if one)
        ask.notice(
            f"the game: at most {params.rounds} rounds of {params.proposals + params.searched} candidates, each judged by"
            f" {self._judged_rows} rows; at most about {calls:,} requests and {tokens:,} tokens"
            + (f"; no round begins that might take it beyond {bound}" if bound else "")
        )

    # --- rows ---------------------------------------------------------------------------------------------------------

    def batch(self, n: int, seed: int, ask: Ask) -> Draft:
        """``n`` rows by the best theta, fewer where too few that the model drew can be kept."""
        finisher, game, writer = self._finisher, self._playing(), self._fitted_writer
        if self._made is not None:
            finisher.load(self._made)
        # A game was played with the rows that are shown, or there are no lifts.
        shown = Shown(self._shown, self._counter if game.lifts is not None else None, game.lifts)

        def draw(wanted: int, seed: int) -> tuple[pa.Table, list[Reject]]:
            return writer.read(
                game.theta, ask.sample("rows", writer.requests(game.theta, shown, wanted, seed))
            )

        wanted = ceil(n * (self._params.surplus if finisher.grid is not None else 1.0))
        draft = drafted(finisher, n, wanted, seed, draw, self._shaping.images.applied)
        self._made = finisher.dump()
        return draft

    # --- what follows from the rows -------------------------------------------------------------------------------------

    @cached_property
    def _base(self) -> Statistics:
        assert self._targets is not None
        found = self._targets.margins(bins_for(self._rows.num_rows))
        texts = {column.name for column in self._task.schema.columns if column.kind == "text"}
        return replace(found, margins=tuple(one for one in found.margins if one.axis.column not in texts))

    @cached_property
    def _coded(self) -> Coded:
        assert self._targets is not None
        return coded(self._task.schema, self._rows, self._targets.margins(BINS))

    @cached_property
    def _counter(self) -> Counter:
        """Of the rows that final ones are aligned to, and that are shown."""
        return Counter.of(self._task.schema, self._base, self._rows)

    @cached_property
    def _shaping(self) -> Shaping:
        task, rows = self._under, self._rows
        schema = with_dependencies(task.schema, self._dependencies)
        images = images_of(self._task.schema, self._dependencies, self._task_train)
        if self._targets is None:
            return Shaping(schema, task.violations, images)
        also = () if self._task.condition is None else (self._task.condition.where.rule,)
        order = self._playing().start.graph.order()
        following = followers(self._task.schema, order, schema.dependencies, rows, also)
        names = {*self._base.columns} - {one.dependent for one in following}
        dealt = continuous(self._task.schema, rows, names, schema.dependencies)
        return Shaping(schema, task.violations, images, following, dealt)

    @cached_property
    def _writer(self) -> Writer:
        """Without the number of examples, which is found out once."""
        condition, schema = self._task.condition, self._task.schema
        limits = condition.where.limits if condition is not None else {}
        limited = {name: limited_cell(schema.column(name), limit) for name, limit in limits.items()}
        temperature = self._params.temperature or 1.0
        return Writer(schema, Sampling(temperature=temperature), self._examples, limited)

    @property
    def _fitted_writer(self) -> Writer:
        return replace(self._writer, examples=self._examples)

    @property
    def _judged_rows(self) -> int:
        return judged_rows(self._params, self._rows.num_rows)

    @cached_property
    def _setting(self) -> Setting:
        rows = self._coded
        names = rows.names
        told = {frozenset((names[a], names[b])): much for (a, b), much in strengths(rows).items()}

        def supports(graph: Graph, move: Move) -> Any:
            return support(rows, graph, move)

        return Setting(
            self._task.schema,
            self._params,
            self._base,
            folds_of(self._task.schema, self._base, self._rows, self._seed),
            self._fitted_writer,
            self._shaping,
            supports,
            told,
            self._judged_rows,
            self._seed,
        )

    @cached_property
    def _finisher(self) -> Finisher:
        """For the rows of the run; its state goes with the run's."""
        aligned = self._params.align and self._targets is not None
        guard = NearGuard(self._task.schema, self._task_train) if self._params.drop_near else None
        return self._shaping.finisher(self._playing().theta, self._counter if aligned else None, guard)

    @cached_property
    def _task_train(self) -> pa.Table:
        """All train rows: none may come back, whether it meets a condition or not."""
        assert self._task.train is not None  # as prepared
        return self._task.train()

    def _playing(self) -> Game:
        assert self._game is not None
        return self._game

    # --- state ----------------------------------------------------------------------------------------------------------

    def dump(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "game": None if self._game is None else self._game.dump(),
            "seed": self._seed,
            "examples": self._examples,
            "how": self._how,
            "control": self._params.shuffled,
            "dependencies": [[list(one.determinant), one.dependent] for one in self._dependencies],
            "made": self._made,
        }

    def load(self, data: Mapping[str, Any]) -> None:
        """What ``dump`` gave. Raises ``KeyError``, ``TypeError``, ``ValueError`` for anything else."""
        self._game = None if data["game"] is None else Game.load(data["game"])
        self._seed, self._examples = int(data["seed"]), int(data["examples"])
        self._how = str(data["how"])
        self._dependencies = tuple(
            Dependency(determinant=tuple(left), dependent=right) for left, right in data["dependencies"]
        )
        self._made = data["made"]


def _densest(names: Sequence[str]) -> list[tuple[str, str]]:
    """Edges of a graph in which each variable has as many parents as it may."""
    return [
        (cause, effect) for at, effect in enumerate(names) for cause in names[max(0, at - MOST_PARENTS) : at]
    ]


def first_edges(task: Task, train: pa.Table) -> tuple[tuple[str, str], ...]:
    """The graph that the faithful mode begins with, (cause, effect); none where nothing can be counted."""
    if task.targets is None or not train.num_rows:
        return ()
    rows = coded(task.schema, train, task.targets.margins(BINS))
    return initial_graph(rows, task.schema.target, seed=task.seed)[0].edges
