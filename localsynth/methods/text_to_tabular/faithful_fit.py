"""How many rows of the faithful mode fit one answer, and what has to be given up where not even one does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from localsynth.core.columns import Column
from localsynth.core.contracts import Ask, SampleRequest, Task

from .answers import json_cell, key_of
from .desk import BRIEFEST, Desk, capped, passes, passes_told, tightest
from .fit import caps_told
from .prompts import LEVELS, faithful_prompt
from .sheets import Sheet, most

__all__ = ["FaithfulPlan", "plan_faithful", "told_of_faithful"]

Row = Mapping[str, Any]
_BRACES = 8  # tokens
_ORDER = 16  # tokens: columns whose order makes the prompt a little longer
_SPLIT = 3  # tokens by which a key may be longer where it is split otherwise than the tokenizer would


@dataclass(frozen=True)
class FaithfulPlan:
    """level : brevity of the prompts, 0 being the paper's. caps : shorter texts (column -> characters).

    sheets : all columns; more than one where a row is written in several passes. rows : asked for in one request.
    row_tokens : what a row takes at most.
    """

    level: int = 0
    caps: Mapping[str, int] = field(default_factory=dict)
    sheets: tuple[Sheet, ...] = ()
    rows: int = 1
    row_tokens: int = 0

    def dump(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "level": self.level,
            "caps": dict(self.caps),
            "sheets": [sheet.dump() for sheet in self.sheets],
            "rows": self.rows,
            "row_tokens": self.row_tokens,
        }

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> FaithfulPlan:
        """What ``dump`` gave."""
        sheets = tuple(map(Sheet.load, data["sheets"]))
        rows, tokens = int(data["rows"]), int(data["row_tokens"])
        return cls(int(data["level"]), dict(data["caps"]), sheets, rows, tokens)


class _Desk(Desk):
    """Measures rows as JSON. example : the row the prompt shows."""

    def __init__(self, task: Task, columns: Sequence[Column], example: Row, ask: Ask) -> None:
        super().__init__(task, columns, json_cell, ask)
        self._example = example
        keys = ask.count_tokens([key_of(column) + ", " for column in columns])
        self._keys = {name: count + _SPLIT for name, count in zip(self.names, keys, strict=True)}

    def prompt(self, sheet: Sheet, level: int, rows: int = 1) -> int:
        """Tokens of the prompt that asks for ``rows`` rows."""
        columns = [self.columns[name] for name in sheet.names]
        messages = faithful_prompt(self.task.schema, columns, self._example, rows, level)
        return self.ask.prompt_tokens(SampleRequest(messages, None)) + _ORDER

    def written(self, sheet: Sheet, caps: Mapping[str, int]) -> int:
        """Tokens of the longest row, its keys included."""
        return super().written(sheet, caps) + sum(self._keys[name] for name in sheet.names) + _BRACES

    def rows(self, sheet: Sheet, level: int, caps: Mapping[str, int], wanted: int) -> int:
        """How many rows fit one answer, at most ``wanted``; 0 if none does."""
        row = self.written(sheet, caps)
        found = most(lambda n: self.prompt(sheet, level, n) + n * row <= self.context, wanted)
        return found or 0


def plan_faithful(
    task: Task, columns: Sequence[Column], example: Row, wanted: int, ask: Ask, *, shorten: bool
) -> FaithfulPlan:
    """As the paper has it where that fits, with up to ``wanted`` rows per request. Raises ``ContextTooSmall``.

    Given up, in this order: rows per request but one, the length of descriptions, the length of texts (where the person
    allows it), that a row is written in one go.
    """
    desk = _Desk(task, columns, example, ask)
    whole = Sheet((), desk.names)
    for level in range(LEVELS):
        if rows := desk.rows(whole, level, {}, wanted):
            return FaithfulPlan(level, {}, (whole,), rows, desk.written(whole, {}))
    if shorten and (caps := capped(desk)) is not None:
        return FaithfulPlan(BRIEFEST, caps, (whole,), 1, desk.written(whole, caps))
    level, caps, sheets = passes(desk, 0, shorten)
    longest = max(desk.written(sheet, caps) for sheet in sheets)
    return FaithfulPlan(level, caps, sheets, max(1, desk.rows(sheets[0], level, caps, wanted)), longest)


def told_of_faithful(
    plan: FaithfulPlan, task: Task, columns: Sequence[Column], example: Row, wanted: int, ask: Ask
) -> list[str]:
    """What had to be given up, in words with numbers."""
    desk = _Desk(task, columns, example, ask)
    prompt, row = tightest(desk, plan.sheets, plan.level, plan.caps)
    numbers = f"the prompt takes {prompt} tokens, a row up to {row}, the model's context holds {desk.context}"
    said = []
    if plan.rows < wanted:
        rows = f"{plan.rows} row{'s' if plan.rows > 1 else ''}"
        said.append(f"{rows} per request instead of {wanted}: {numbers}")
    if plan.level:
        left = "left out" if plan.level > 1 else "cut short"
        said.append(f"descriptions in the prompt are {left}: {numbers}")
    if len(plan.sheets) > 1:
        said.append(passes_told(desk, plan.sheets, plan.level))
    if plan.caps:
        said.append(f"{caps_told(plan.caps)}: {numbers}")
    return said
