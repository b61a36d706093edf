"""The paper's mode: small tables asked for as JSON, one prompt each, and no control over what they add up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import numpy as np

from localsynth.core.cells import write_row
from localsynth.core.columns import Column, TextColumn
from localsynth.core.contracts import Ask, Draft, SampleRequest, Sampling, Task
from localsynth.core.errors import ContextTooSmall
from localsynth.core.grammar import Grammar, max_length
from localsynth.core.run import Reject
from localsynth.core.seeds import derive

from .answers import read_answer, rest_grammar, table_grammar
from .bounds import shortened
from .examples import typical_row
from .faithful_fit import FaithfulPlan, plan_faithful, told_of_faithful
from .finish import table_of_dicts
from .layout import written
from .locks import Locks
from .params import TextToTabularParams
from .prompts import faithful_prompt, json_row
from .sheets import Sheet

__all__ = ["Faithful"]

Row = dict[str, Any]
_RESERVE = 16  # tokens


@dataclass(frozen=True)
class _Question:
    """``size`` rows of the columns ``own``, in this order. before : columns given; start : how the answer begins."""

    before: tuple[Column, ...]
    own: tuple[Column, ...]
    size: int
    start: str
    seed: int


class Faithful:
    """One run in the faithful mode."""

    def __init__(self, params: TextToTabularParams, task: Task) -> None:
        self._params, self._task = params, task
        self._columns = written(task.schema)
        self._sampling = Sampling(temperature=params.temperature, top_p=params.top_p)
        self._example = typical_row(task)
        self._plan = FaithfulPlan()
        self._locks = Locks(task.schema)
        self._seen: dict[str, None] = {}

    def learn(self, ask: Ask, seed: int) -> None:
        """Count how many rows fit one answer. Raises ``ContextTooSmall`` where not even one column does."""
        wanted = self._params.rows_per_request
        about = (self._task, self._columns, self._example, wanted, ask)
        self._plan = plan_faithful(*about, shorten=self._params.shorten_texts)
        for said in told_of_faithful(self._plan, *about):
            ask.notice(said, "warning")

    def dump(self) -> Mapping[str, Any]:
        """JSON-able."""
        return {"plan": self._plan.dump(), "locks": self._locks.dump(), "seen": list(self._seen)}

    def load(self, data: Mapping[str, Any]) -> None:
        """What ``dump`` gave."""
        self._plan = FaithfulPlan.load(data["plan"])
        self._locks.load(data["locks"])
        self._seen = dict.fromkeys(data["seen"])

    def batch(self, n: int, seed: int, ask: Ask) -> Draft:
        """Up to ``n`` rows; what the model got wrong is asked for again ``max_retries`` times, under new seeds."""
        rows: list[Row] = []
        rejects: list[Reject] = []
        for turn in range(1 + self._params.max_retries):
            if len(rows) >= n:
                break
            read, lost = self._begin(n - len(rows), derive(seed, "turn", turn), ask)
            rejects += lost
            for place, sheet in enumerate(self._plan.sheets[1:], 1):
                read, lost = self._go_on(read, sheet, derive(seed, "turn", turn, place), ask)
                rejects += lost
            good, wrong = self._judge(read)
            rows += good
            rejects += wrong
        return Draft(table_of_dicts(self._task, self._columns, rows[:n]), tuple(rejects))

    def _begin(self, n: int, seed: int, ask: Ask) -> tuple[list[Row], list[Reject]]:
        """The columns of the first sheet, which are all columns as a rule; each request has an order of its own."""
        own = self._of(self._plan.sheets[0].own)
        questions = [
            _Question((), _shuffled(own, derive(seed, "columns", at)), size, "", derive(seed, "rows", at))
            for at, size in enumerate(_split(n, self._plan.rows))
        ]
        rows: list[Row] = []
        rejects: list[Reject] = []
        for question, text in zip(questions, self._answers(questions, ask), strict=True):
            found, lost = read_answer(question.own, text)
            rows += found[: question.size]
            rejects += lost
        return rows, rejects

    def _go_on(self, rows: list[Row], sheet: Sheet, seed: int, ask: Ask) -> tuple[list[Row], list[Reject]]:
        """The columns of one sheet more for each row; the answer begins with the cells that matter to them."""
        before, own = self._of(sheet.before), self._of(sheet.own)
        questions = []
        for at, row in enumerate(rows):
            start = '{"0": ' + json_row(before, row)[:-1] + (", " if before else "")
            order = _shuffled(own, derive(seed, "columns", at))
            questions.append(_Question(before, order, 1, start, derive(seed, "rows", at)))
        longer: list[Row] = []
        rejects: list[Reject] = []
        for row, question, text in zip(rows, questions, self._answers(questions, ask), strict=True):
            found, lost = read_answer(question.own, question.start + text)
            longer += [row | cells for cells in found[:1]]
            rejects += lost
        return longer, rejects

    def _of(self, names: Sequence[str]) -> tuple[Column, ...]:
        """Columns by name, their texts kept to what fits."""
        return shortened([self._task.schema.column(name) for name in names], self._plan.caps)

    def _answers(self, questions: Sequence[_Question], ask: Ask) -> list[str]:
        requests = [self._request(question) for question in questions]
        try:
            samples = ask.sample("rows", requests)
        except ContextTooSmall:
            # A plan leaves room for texts in any language people write; a model may still write one of rare signs alone.
            sure = [self._sure(*pair, ask) for pair in zip(questions, requests, strict=True)]
            samples = ask.sample("rows", [self._request(question) for question in sure])
        return [sample.texts[0] for sample in samples]

    def _request(self, question: _Question) -> SampleRequest:
        shown = (*question.before, *question.own)
        return SampleRequest(
            faithful_prompt(self._task.schema, shown, self._example, question.size, self._plan.level),
            self._grammar(question) if self._params.grammar else None,
            prefix=question.start,
            sampling=self._sampling,
            seed=question.seed,
            max_tokens=max(question.size * self._plan.row_tokens + _RESERVE, 1),
        )

    def _grammar(self, question: _Question) -> Grammar:
        if question.start:
            return rest_grammar(question.own, self._params)
        return table_grammar(question.own, question.size, self._params)

    def _sure(self, question: _Question, request: SampleRequest, ask: Ask) -> _Question:
        """The question with texts so short that they fit though every byte were a token of its own."""
        texts = [column for column in question.own if isinstance(column, TextColumn)]
        shortest = replace(
            question, own=shortened(question.own, {text.name: text.min_length for text in texts})
        )
        room = ask.info.context - ask.prompt_tokens(request) - max_length(self._grammar(shortest))
        more = max(0, room) // (4 * len(texts) * question.size) if texts else 0
        caps = {text.name: min(text.max_length, text.min_length + more) for text in texts}
        return replace(question, own=shortened(question.own, caps))

    def _judge(self, rows: list[Row]) -> tuple[list[Row], list[Reject]]:
        """Rows that keep the rules, and rejects for the others and for duplicates."""
        schema, kept, rejects = self._task.schema, [], []
        broken = np.zeros((len(rows), len(schema.rules)), dtype=np.bool_)
        if rows and schema.rules and self._params.enforce_rules:
            broken = self._task.violations(table_of_dicts(self._task, self._columns, rows))
        for row, rules in zip(rows, broken, strict=True):
            text = json_row(self._columns, row)
            if rules.any():
                rejects.append(Reject("rule", schema.rules[int(np.argmax(rules))].label, text))
                continue
            if self._params.enforce_rules and (contradiction := self._locks.broken(row)) is not None:
                rejects.append(Reject("dependency", contradiction, text))
                continue
            if self._params.drop_duplicates:
                line = write_row(self._columns, [row[column.name] for column in self._columns])
                digest = blake2b(line.encode(), digest_size=10).hexdigest()
                if digest in self._seen:
                    rejects.append(Reject("duplicate", "", text))
                    continue
                self._seen[digest] = None
            self._locks.learn(row)
            kept.append(row)
        return kept, rejects


def _shuffled(columns: Sequence[Column], seed: int) -> tuple[Column, ...]:
    order = np.random.default_rng(seed).permutation(len(columns))
    return tuple(columns[int(i)] for i in order)


def _split(n: int, most: int) -> list[int]:
    return [most] * (n // most) + ([n % most] if n % most else [])
