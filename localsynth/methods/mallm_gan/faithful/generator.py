"""The generator: after each group of real rows as many new ones are asked for as are shown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from localsynth.core.columns import CategoricalColumn, Column, TextColumn
from localsynth.core.contracts import Ask, Sample, SampleRequest, Sampling, Task
from localsynth.core.errors import ContextTooSmall
from localsynth.core.grammar import max_length
from localsynth.core.run import Reject
from localsynth.core.seeds import derive
from localsynth.methods.page import table_of

from ..params import MALLMGANParams
from .answers import json_cell, read_answer, rows_grammar
from .prompts import Prompts, json_rows
from .reading import read_theta

__all__ = ["OPTIMISER_TOKENS", "SIZE", "Generator", "Group", "Written"]

Row = Mapping[str, Any]

#: Tokens that an answer of the optimiser, which becomes theta, may have.
OPTIMISER_TOKENS = 400
#: Rows in a prompt, where nobody says how many; as released, like the temperature.
SIZE = 5
_TEMPERATURE = 0.5
_SPARE = 24  # tokens: where prompt and answer join, and columns in another order
_BRACES = 4  # tokens of a row


@dataclass(frozen=True)
class Group:
    """Rows shown together. n : answers wanted, each of as many rows."""

    rows: tuple[Row, ...]
    n: int = 1


@dataclass(frozen=True)
class Written:
    """Rows that are what the schema and the condition allow, and what was lost.

    calls, tokens : what they took, the prompt of each request counted in full.
    """

    rows: tuple[dict[str, Any], ...]
    rejects: tuple[Reject, ...]
    calls: int
    tokens: int


class Generator:
    """Asks for rows. shown : the rows that may stand in a prompt. size : how many of them stand in one."""

    def __init__(self, params: MALLMGANParams, task: Task, prompts: Prompts, shown: Sequence[Row]) -> None:
        self._task, self._prompts, self._grammar = task, prompts, params.grammar
        self._names = [column.name for column in prompts.columns]
        self._limits = {} if task.condition is None else task.condition.where.limits
        self._sampling = Sampling(temperature=params.temperature or _TEMPERATURE)
        self._wanted = min(params.examples or SIZE, len(shown))
        self._longest = sorted(shown, key=lambda row: -len(json_rows(prompts.columns, [row]).encode()))
        self._row_tokens = 0
        self.size = self._wanted

    def plan(self, theta: str, ask: Ask) -> None:
        """How many rows fit a prompt and its answer, room for a longer theta left where there is some.

        Raises ``ContextTooSmall`` where not even one does.
        """
        spare = max(0, OPTIMISER_TOKENS - ask.count_tokens([theta])[0])
        for size in range(self._wanted, 0, -1):
            if self._takes(theta, size, ask) + spare <= ask.info.context:
                self.size = size
                break
        else:
            self.size = 1
            if (needed := self._takes(theta, 1, ask)) > ask.info.context:
                raise ContextTooSmall(
                    f"a prompt with one row of '{self._task.dataset}' and the answer to it take up to {needed} tokens, the "
                    f"model's context holds {ask.info.context}",
                    "choose a model with a longer context, leave out columns, or shorten the description and the texts",
                )
        if self.size < self._wanted:
            ask.notice(
                f"{self.size} row{'s' if self.size > 1 else ''} in each prompt instead of {self._wanted}: with {self.size + 1} "
                f"prompt and answer would take up to {self._takes(theta, self.size + 1, ask) + spare} tokens, the model's "
                f"context holds {ask.info.context}",
                "warning",
            )

    def fits(self, theta: str, ask: Ask) -> bool:
        """Whether the longest rows fit a prompt with this theta, and an answer after it."""
        return self._takes(theta, self.size, ask) <= ask.info.context

    def groups(self, rows: Sequence[Row]) -> list[Group]:
        """Rows that follow each other, as many as stand in a prompt."""
        return [Group(tuple(rows[at : at + self.size])) for at in range(0, len(rows), self.size)]

    def write(self, theta: str, groups: Sequence[Group], seed: int, ask: Ask) -> Written:
        """All groups' rows, in one call."""
        columns = self._ordered(theta)
        asked, samples = self._asked(columns, theta, groups, seed, ask)
        texts = [text for sample in samples for text in sample.texts]
        rows: list[dict[str, Any]] = []
        rejects: list[Reject] = []
        for text in texts:
            found, lost = read_answer(columns, text)
            rows += found
            rejects += lost
        rows, unmet = self._met(rows)
        tokens = sum(map(ask.prompt_tokens, asked)) + sum(ask.count_tokens(texts))
        return Written(tuple(rows), (*rejects, *unmet), len(asked), tokens)

    def _asked(
        self, columns: Sequence[Column], theta: str, groups: Sequence[Group], seed: int, ask: Ask
    ) -> tuple[list[SampleRequest], list[Sample]]:
        requests = [
            self._request(columns, theta, group, derive(seed, "rows", at), ask)
            for at, group in enumerate(groups)
        ]
        try:
            return requests, ask.sample("rows", requests)
        except ContextTooSmall:
            # Answers are planned for texts as people write them; of rare signs alone they are longer.
            if all(len(group.rows) == 1 for group in groups):
                raise
            halves = [half for group in groups for half in _halved(group)]
            return self._asked(columns, theta, halves, derive(seed, "halved"), ask)

    def _request(
        self, columns: Sequence[Column], theta: str, group: Group, seed: int, ask: Ask
    ) -> SampleRequest:
        many = len(group.rows)
        return SampleRequest(
            self._prompts.generator(theta, columns, group.rows),
            rows_grammar(columns, many, self._limits) if self._grammar else None,
            group.n,
            sampling=self._sampling,
            seed=seed,
            max_tokens=self._answer(many, ask),
        )

    def _ordered(self, theta: str) -> list[Column]:
        """The columns, causes before effects, as the released code sorts them in its later variant."""
        order = read_theta(theta, self._names).order
        return [self._task.schema.column(name) for name in order]

    def _takes(self, theta: str, size: int, ask: Ask) -> int:
        """Tokens of the longest prompt and of its answer."""
        messages = self._prompts.generator(theta, self._ordered(theta), self._longest[:size])
        return ask.prompt_tokens(SampleRequest(messages, None)) + self._answer(size, ask)

    def _answer(self, rows: int, ask: Ask) -> int:
        if not self._row_tokens:
            columns = self._prompts.columns
            keys = ask.count_tokens([f'"{column.name}": , ' for column in columns])
            cells = sum(_cell_tokens(column, ask) for column in columns)
            self._row_tokens = cells + sum(count + 1 for count in keys) + _BRACES
        return rows * self._row_tokens + _SPARE

    def _met(self, rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[Reject]]:
        """Rows that meet the condition, and rejects for the others."""
        condition = self._task.condition
        if condition is None or not rows:
            return rows, []
        met = np.asarray(condition.met(table_of(self._task.schema, rows)), np.bool_)
        columns = self._prompts.columns
        return [row for row, good in zip(rows, met, strict=True) if good], [
            Reject("where", condition.where.text, json_rows(columns, [row]))
            for row, good in zip(rows, met, strict=True)
            if not good
        ]


def _halved(group: Group) -> list[Group]:
    middle = -(-len(group.rows) // 2)
    return [Group(part, group.n) for part in (group.rows[:middle], group.rows[middle:]) if part]


def _cell_tokens(column: Column, ask: Ask) -> int:
    """Tokens of the longest cell: of a category as it is counted, of a text two signs to a token, of others one per sign."""
    if isinstance(column, CategoricalColumn):
        return 2 + max(ask.count_tokens([json.dumps(word, ensure_ascii=False) for word in column.categories]))
    if isinstance(column, TextColumn):
        return 4 + column.max_length // 2
    return max_length(json_cell(column))
