"""The game as released: one step a batch, the whole answer of the optimiser becomes theta, and nothing ends it but the count.

Source: MALLM-GAN (arXiv 2406.10521) and its released code. Kept: the score is an accuracy over a fifth of a batch, one below a
half counts as better; the discriminator gets one real row more than it should; numbers are not scaled; nothing speaks against
copies. Other than there: categories come from the train rows alone, rows that the schema does not allow are dropped, and the
optimiser is asked neither after the last step, where nobody would read its answer, nor while the memory is empty.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from localsynth.core.contracts import Ask, Draft, Round, SampleRequest, Sampling, Task
from localsynth.core.errors import ContextTooSmall, RunError
from localsynth.core.seeds import derive
from localsynth.methods.page import table_of

from ..params import MALLMGANParams
from .discriminator import Discriminator, Encoder, split
from .generator import OPTIMISER_TOKENS, Generator, Group, Written
from .memory import SHOWN, Entry, Memory, wilson
from .prompts import Prompts, initial_theta, written
from .reading import read_theta, told

__all__ = ["Faithful", "epochs_for"]

Row = dict[str, Any]
Edges = Sequence[tuple[str, str]]

_EPOCHS = {100: 5, 200: 4, 400: 3, 800: 2}
_VALID = 0.8  # of a batch, or its theta does not enter the memory
_LEAST_ANSWER = 32  # tokens that the optimiser must have room for
_SPARE = 16  # tokens: where prompt and answer join
_BATCH_ROWS = 200


def epochs_for(rows: int) -> int:
    """Passes with a learning discriminator: of the published numbers of rows, those of the nearest."""
    return _EPOCHS[min(_EPOCHS, key=lambda published: abs(published - rows))]


@dataclass
class _Game:
    """Where the game stands. step : the next. size : rows in a prompt. over : why there is no next step; empty while there is.
    best : the theta that rows are made with. made : groups of rows that rows were made after. curve : (step from 1, score).
    """

    theta: str = ""
    author: str = "start"
    move: str = ""
    step: int = 0
    size: int = 0
    calls: int = 0
    tokens: int = 0
    seconds: float = 0.0
    over: str = ""
    best: str = ""
    made: int = 0
    curve: list[list[float]] = field(default_factory=list)


class Faithful:
    """One run in the faithful mode.

    train : the train rows, canonical columns. graph_edges : the first graph, (cause, effect), or what finds it when the game
    begins.
    """

    def __init__(
        self, params: MALLMGANParams, task: Task, train: pa.Table, graph_edges: Edges | Callable[[], Edges]
    ) -> None:
        self._params, self._task, self._edges = params, task, graph_edges
        columns = written(task.schema)
        self._names = [column.name for column in columns]
        rows: list[Row] = train.select(self._names).to_pylist()
        self._rows, self._unmet = rows, False
        if task.condition is not None:
            met = np.asarray(task.condition.met(train), np.bool_)
            self._unmet = not met.any()
            self._rows = rows if self._unmet else [row for row, good in zip(rows, met, strict=True) if good]
        where = "" if task.condition is None else task.condition.where.text
        self._prompts = Prompts(task.schema, rows, where)
        self._generator = Generator(params, task, self._prompts, self._rows)
        self._encoder = Encoder(columns, rows)
        self._discriminator = Discriminator(task.seed)
        self._memory = Memory()
        self._game = _Game()
        self._round: Round | None = None

    # --- what it takes

    @property
    def epochs(self) -> int:
        """Passes with a learning discriminator; one with a frozen one follows."""
        return self._params.epochs or epochs_for(len(self._rows))

    @property
    def steps(self) -> int:
        """Steps of the whole game."""
        return (self.epochs + 1) * self._batches

    @property
    def _batches(self) -> int:
        return -(-len(self._rows) // self._params.batch)

    def batch_rows(self) -> int:
        """Rows per commit."""
        return self._params.batch_rows or _BATCH_ROWS

    def requests(self) -> tuple[int, int]:
        """Requests to the generator and to the optimiser that the game takes at most, as far as is known."""
        each = sum(len(self._generator.groups(self._slice(0, at))) for at in range(self._batches))
        return (self.epochs + 1) * each, self.steps - 1

    # --- the game

    def learnt(self) -> bool:
        """Whether theta* is chosen."""
        return bool(self._game.over)

    def rounds(self) -> tuple[Round, ...]:
        """The theta of the last step, and what it scored."""
        return () if self._round is None else (self._round,)

    def learn(self, ask: Ask, seed: int) -> None:
        """One step: a batch is generated, told from real rows, remembered; then the optimiser writes the next theta.

        Raises ``ContextTooSmall``.
        """
        game, started = self._game, time.monotonic()
        if self.learnt():
            raise RunError("the game is over: there is nothing left to learn")
        if not game.step:
            self._begin(ask)
        ask.working("the game", game.step, self.steps)
        epoch, batch = divmod(game.step, self._batches)
        real = self._slice(epoch, batch)
        made = self._generator.write(game.theta, self._generator.groups(real), derive(seed, "batch"), ask)
        self._count(made.calls, made.tokens)
        self._judge(epoch, batch, made.rows, accepted=len(made.rows) >= _VALID * len(real))
        self._round = tried = self._record(epoch, len(real), made)
        if tried.score is not None:
            between = None if tried.low is None or tried.high is None else (tried.low, tried.high)
            ask.measured("accuracy", tried.number, tried.score, between, unit="accuracy")
        game.step += 1
        game.over = self._over(started)
        if not game.over:
            self._optimise(seed, ask)
            game.over = self._over(started)
        if self._params.max_minutes:  # else a run's state would differ from time to time
            game.seconds += time.monotonic() - started
        if game.over:
            self._end(epoch, ask)

    def _begin(self, ask: Ask) -> None:
        """The first theta; whether it fits; what the game will take."""
        game, params = self._game, self._params
        edges = self._edges() if callable(self._edges) else self._edges
        game.theta = initial_theta(edges)
        game.move = told(read_theta(game.theta, self._names), None)
        self._generator.plan(game.theta, ask)
        game.size = self._generator.size
        self._optimiser_room([(game.theta, 1.0)], ask)
        if self._unmet:
            ask.notice("no train row meets the condition: prompts show all of them", "warning")
        generator, optimiser = self.requests()
        bounds = [
            f"{bound:g} {unit}"
            for bound, unit in ((params.max_calls, "requests"), (params.max_tokens, "tokens"), (params.max_minutes, "minutes"))
            if bound
        ]  # fmt: skip
        ask.notice(
            f"the game has {self.steps} steps, {self.epochs} passes over {len(self._rows)} rows and one with the discriminator "
            f"frozen: {generator} requests to the generator and up to {optimiser} to the optimiser"
            + (f"; it ends after {' or '.join(bounds)}" if bounds else "")
        )

    def _slice(self, epoch: int, batch: int, more: int = 0) -> list[Row]:
        """The real rows of a step, and so many of those that follow them; each pass has an order of its own."""
        order = np.random.default_rng(derive(self._task.seed, "pass", epoch)).permutation(len(self._rows))
        start = batch * self._params.batch
        return [self._rows[at] for at in order[start : start + self._params.batch + more]]

    def _judge(self, epoch: int, batch: int, made: Sequence[Row], *, accepted: bool) -> None:
        """The discriminator learns from four fifths, unless frozen; the rest is remembered, and all scores are told anew."""
        if made:
            codes = self._encoder.codes([*made, *self._slice(epoch, batch, more=1)])
            real = np.arange(len(codes)) >= len(made)
            learn, held = split(len(codes), self._task.seed)
            if epoch < self.epochs:
                self._discriminator.learn(self._encoder.onehot(codes[learn]), real[learn])
            if accepted and self._discriminator.known:
                entry = Entry(epoch, self._game.step, self._game.theta, codes[held], real[held])
                self._memory.entries.append(entry)
        self._memory.refresh(self._discriminator, self._encoder)

    def _record(self, epoch: int, wanted: int, made: Written) -> Round:
        game, memory = self._game, self._memory
        entry = memory.at(game.step)
        low, high = (None, None) if entry is None else wilson(entry.score, len(entry.real))
        if entry is not None:
            game.curve.append([game.step + 1, entry.score])
        said = f"{game.move}; {len(made.rows)} of {wanted} rows valid"
        if entry is None:
            said += ", too few to count"
        read = read_theta(game.theta, self._names)
        return Round(
            number=game.step + 1,
            candidate=1,
            author=game.author,
            move=said,
            accepted=entry is not None and any(one.step == game.step for one in memory.best()),
            score=None if entry is None else entry.score,
            low=low,
            high=high,
            theta={
                "text": game.theta,
                "edges": [list(edge) for edge in read.edges],
                "epoch": epoch + 1,
                "frozen": epoch >= self.epochs,
            },
        )

    # --- the optimiser

    def _optimise(self, seed: int, ask: Ask) -> None:
        """The whole answer becomes theta, cut where prompts with it would be too long."""
        game = self._game
        pairs = [(entry.theta, entry.score) for entry in self._memory.best()]
        if not pairs:
            game.move = "as before: no theta is in the memory yet"
            return
        shown, room = self._optimiser_room(pairs, ask)
        request = SampleRequest(
            self._prompts.optimiser(shown),
            None,
            sampling=Sampling(temperature=self._params.optimiser_temperature),
            seed=derive(seed, "optimiser"),
            max_tokens=min(OPTIMISER_TOKENS, room),
        )
        (sample,) = ask.sample("theta", [request])
        (text,) = sample.texts
        self._count(1, ask.prompt_tokens(request) + ask.count_tokens([text])[0])
        theta = self._cut(text.strip(), ask)
        before = read_theta(game.theta, self._names)
        game.move = told(read_theta(theta, self._names), before)
        if len(theta) < len(text.strip()):
            game.move += f"; cut from {len(text.strip())} to {len(theta)} characters, for the model's context holds no more"
        if len(shown) < len(pairs):
            game.move += f"; the optimiser had room for {len(shown)} of {len(pairs)} pairs"
        game.theta, game.author = theta, "model"

    def _optimiser_room(
        self, pairs: list[tuple[str, float]], ask: Ask
    ) -> tuple[list[tuple[str, float]], int]:
        """As many of the pairs as fit, the best first, and the tokens left for an answer. Raises ``ContextTooSmall``."""
        tokens = 0
        for many in range(min(SHOWN, len(pairs)), 0, -1):
            tokens = ask.prompt_tokens(SampleRequest(self._prompts.optimiser(pairs[:many]), None)) + _SPARE
            if tokens + _LEAST_ANSWER <= ask.info.context:
                return pairs[:many], ask.info.context - tokens
        raise ContextTooSmall(
            f"the optimiser's prompt takes {tokens} tokens and an answer at least {_LEAST_ANSWER}, the model's context holds "
            f"{ask.info.context}",
            "choose a model with a longer context, leave out columns, or shorten the description",
        )

    def _cut(self, theta: str, ask: Ask) -> str:
        """The longest beginning, in whole words, with which both prompts fit."""

        def fits(text: str) -> bool:
            tokens = ask.prompt_tokens(SampleRequest(self._prompts.optimiser([(text, 1.0)]), None))
            room = tokens + _SPARE + _LEAST_ANSWER <= ask.info.context
            return room and self._generator.fits(text, ask)

        if fits(theta):
            return theta
        ends = [0, *(match.end() for match in re.finditer(r"\S+", theta))]
        low, high = 0, len(ends) - 1  # with the first theta both fit, so they do with none
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if fits(theta[: ends[middle]]) else (low, middle)
        return theta[: ends[low]]

    # --- the end

    def _count(self, calls: int, tokens: int) -> None:
        self._game.calls += calls
        self._game.tokens += tokens

    def _over(self, started: float) -> str:
        """Why the game is over, in words; empty while it is not. started : when the step began."""
        game, params = self._game, self._params
        seconds = game.seconds + time.monotonic() - started
        if game.step >= self.steps:
            return "all steps are played"
        if params.max_calls and game.calls >= params.max_calls:
            return f"{game.calls} requests were made, max_calls is {params.max_calls}"
        if params.max_tokens and game.tokens >= params.max_tokens:
            return f"{game.tokens} tokens were read and written, max_tokens is {params.max_tokens}"
        if params.max_minutes and seconds >= 60 * params.max_minutes:
            return f"{seconds / 60:.1f} minutes are over, max_minutes is {params.max_minutes:g}"
        return ""

    def _end(self, epoch: int, ask: Ask) -> None:
        """Theta* is the one of lowest score in the last two passes; what it was found by is not needed any more."""
        game = self._game
        found = self._memory.best(since=epoch - 1, most=1) or self._memory.best(most=1)
        game.best = found[0].theta if found else game.theta
        if found:
            chosen = f"the theta of step {found[0].step + 1} is used (accuracy {found[0].score:.0%})"
        else:
            chosen = (
                f"no batch had {_VALID:.0%} valid rows, so that no theta was scored: the last one is used"
            )
        ask.notice(
            f"the game is over after {game.step} of {self.steps} steps, {game.calls} requests and {game.tokens} tokens: "
            f"{game.over}; {chosen}",
            "info" if found and game.step >= self.steps else "warning",
        )
        self._memory, self._discriminator = Memory(), Discriminator(self._task.seed)

    def batch(self, n: int, seed: int, ask: Ask) -> Draft:
        """Up to ``n`` rows with theta*, after each group of train rows in turn; several answers each where the run wants more
        rows than there are.
        """
        game = self._game
        if not self.learnt():
            raise RunError("rows were asked for before the game was over")
        order = np.random.default_rng(derive(self._task.seed, "rows")).permutation(len(self._rows))
        groups = self._generator.groups([self._rows[at] for at in order])
        each = max(1, -(-self._task.rows // len(self._rows)))
        asked: list[Group] = []
        missing = n
        while missing > 0:
            rows = groups[game.made % len(groups)].rows
            asked.append(Group(rows, min(each, -(-missing // len(rows)))))
            missing -= asked[-1].n * len(rows)
            game.made += 1
        made = self._generator.write(game.best, asked, seed, ask)
        return Draft(table_of(self._task.schema, made.rows[:n]), made.rejects)

    # --- state

    def dump(self) -> Mapping[str, Any]:
        """JSON-able."""
        return {
            "play": asdict(self._game),
            "names": self._names,
            "discriminator": self._discriminator.dump(),
            "memory": self._memory.dump(),
        }

    def load(self, data: Mapping[str, Any]) -> None:
        """What ``dump`` gave. Raises ``KeyError``, ``TypeError``, ``ValueError`` for anything else."""
        self._game = _Game(**data["play"])
        self._generator.size = self._game.size or self._generator.size
        self._discriminator.load(data["discriminator"])
        self._memory = Memory.load(data["memory"])
        self._round = None
