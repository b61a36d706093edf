"""Desk: measures by counted tokens what a model can read and write at once, and lays a row out in passes where it must."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

from localsynth.core.columns import Column, TextColumn
from localsynth.core.contracts import Ask, Task
from localsynth.core.errors import ContextTooSmall
from localsynth.core.grammar import Grammar

from .bounds import RESERVE, Bounds
from .layout import rule_columns
from .prompts import LEVELS
from .sheets import Neighbours, Sheet, most, pack

__all__ = ["BRIEFEST", "Desk", "capped", "passes", "passes_told", "tightest", "too_small"]

BRIEFEST = LEVELS - 1
_BESIDE = 12  # columns at most that a model sees beside those it writes, where a row takes several passes
_KEPT = (
    500  # thousandths of its length that a text keeps; before it would be less, a row is written in passes
)


class Desk(ABC):
    """Measures sheets. columns : all that are written, in the row's order. cell : the grammar of a column's cell."""

    def __init__(
        self, task: Task, columns: Sequence[Column], cell: Callable[[Column], Grammar], ask: Ask
    ) -> None:
        self.task, self.ask, self.context = task, ask, ask.info.context
        self.columns = {column.name: column for column in columns}
        self.names = tuple(self.columns)
        self.texts = tuple(column for column in columns if isinstance(column, TextColumn))
        self.bounds = Bounds(task, columns, cell, ask)
        self.neighbours = Neighbours(task.schema, columns, rule_columns(task.schema))

    @abstractmethod
    def prompt(self, sheet: Sheet, level: int) -> int:
        """Tokens of the prompt, and of how every answer begins."""

    def written(self, sheet: Sheet, caps: Mapping[str, int]) -> int:
        """Tokens of the longest row."""
        return self.bounds.row(sheet.names, caps) + RESERVE

    def fits(self, sheet: Sheet, level: int, caps: Mapping[str, int]) -> bool:
        """Whether there is room for the prompt and the longest row."""
        row = self.written(sheet, caps)  # looked at first, for counting a prompt takes longer
        return row < self.context and self.prompt(sheet, level) + row <= self.context

    def pack(self, level: int, caps: Mapping[str, int], examples: int) -> tuple[Sheet, ...] | None:
        """Sheets for all columns, as few as fit; ``None`` where a column does not fit even alone."""

        def fits(sheet: Sheet) -> bool:
            return self.fits(sheet, level, caps)

        return pack(self.names, self.neighbours, fits, beside=_BESIDE, examples=examples)


def capped(desk: Desk) -> dict[str, int] | None:
    """Texts shortened by the same part, so that a row fits in one go under the briefest prompt (column -> characters)."""
    sheet = Sheet((), desk.names)
    room = desk.context - desk.prompt(sheet, BRIEFEST)

    def caps(thousandths: int) -> dict[str, int]:
        return {
            text.name: text.min_length + (text.max_length - text.min_length) * thousandths // 1000
            for text in desk.texts
        }

    part = most(lambda thousandths: desk.written(sheet, caps(thousandths)) <= room, 999, _KEPT)
    return caps(part) if part is not None and desk.texts else None


def passes(desk: Desk, examples: int, shorten: bool) -> tuple[int, dict[str, int], tuple[Sheet, ...]]:
    """A row in several passes: brevity, caps of texts, sheets.

    As few passes as with the briefest prompts, or one more where that leaves descriptions longer. ``examples`` : at least
    so many on each sheet where that can be. Raises ``ContextTooSmall`` where a column does not fit even alone, which
    depends neither on the order of columns nor on examples.
    """
    caps = _alone(desk, shorten)
    fewest = desk.pack(BRIEFEST, caps, examples)
    if fewest is None:
        examples, fewest = 0, desk.pack(BRIEFEST, caps, 0)
    assert fewest is not None  # each column fits alone
    for level in range(BRIEFEST):
        found = desk.pack(level, caps, examples)
        if found is not None and len(found) <= len(fewest) + 1:
            return level, caps, found
    return BRIEFEST, caps, fewest


def _alone(desk: Desk, shorten: bool) -> dict[str, int]:
    """Caps of the texts that do not fit even alone. Raises ``ContextTooSmall``."""
    caps = {}
    texts = {text.name for text in desk.texts}
    for name in desk.names:
        sheet = Sheet((), (name,))
        if desk.fits(sheet, BRIEFEST, {}):
            continue
        prompt, row = desk.prompt(sheet, BRIEFEST), desk.written(sheet, {})
        cap = None
        if name in texts and shorten:
            cap = desk.bounds.longest_text(name, desk.context - prompt - row + desk.bounds.cell(name))
        if cap is None:
            what = f"column '{name}'" if len(desk.names) > 1 else "a row"
            raise too_small(desk.task, what, prompt, row, desk.context, name if name in texts else None)
        caps[name] = cap
    return caps


def too_small(
    task: Task, what: str, prompt: int, row: int, context: int, text: str | None = None
) -> ContextTooSmall:
    """The error, with its numbers. ``text`` : a column of texts that would have to be shorter."""
    ways = "shorten what the schema says of the table"
    if text is not None:
        ways = f"lower max_length of '{text}', or set shorten_texts = true"
    return ContextTooSmall(
        f"{what} of '{task.dataset}' does not fit the model: the prompt takes {prompt} tokens and what is written up to "
        f"{row}, the model's context holds {context}",
        f"choose a model with a longer context, or {ways}",
    )


def tightest(desk: Desk, sheets: Sequence[Sheet], level: int, caps: Mapping[str, int]) -> tuple[int, int]:
    """Tokens of the prompt and of the longest row where they take most room together."""
    return max(((desk.prompt(sheet, level), desk.written(sheet, caps)) for sheet in sheets), key=sum)


def passes_told(desk: Desk, sheets: Sequence[Sheet], level: int) -> str:
    """That a row takes several passes, in words with numbers."""
    whole = Sheet((), desk.names)
    return (
        f"the model's context holds {desk.context} tokens; a prompt with all {len(desk.names)} columns would take "
        f"{desk.prompt(whole, level)} and a row up to {desk.written(whole, {})}: rows are written in {len(sheets)} passes "
        f"of at most {max(len(sheet.own) for sheet in sheets)} columns, each beside columns that matter to it"
    )
