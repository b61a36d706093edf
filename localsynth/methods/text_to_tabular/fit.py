"""Fit: how prompts and rows are laid out in the model's context, by counted tokens, before the first row is written.

What is given up, in this order: example rows but one, the length of descriptions, that one, the length of texts (where the
person allows it), and that a row is written in one go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from localsynth.core.cells import cell_grammar
from localsynth.core.contracts import Ask, SampleRequest

from .desk import BRIEFEST, Desk, capped, passes, passes_told, tightest
from .layout import Layout
from .prompts import LEVELS
from .sheets import Sheet, line_of, most, sheet_prompt
from .state import Plan

__all__ = ["make_plan", "told_of"]

Row = Mapping[str, Any]
_ASIDE = 6  # columns at most beside a text that is written again alone, and the examples it then sees


class _Desk(Desk):
    """Measures rows as lines. rows : all example rows that a prompt may show."""

    def __init__(self, layout: Layout, rows: Sequence[Row], ask: Ask) -> None:
        super().__init__(layout.task, layout.columns, cell_grammar, ask)
        self.rows = rows
        self._layout = layout

    def prompt(self, sheet: Sheet, level: int) -> int:
        """Tokens of the prompt and the header line, the longest example rows taken."""
        columns = [self.columns[name] for name in sheet.names]
        rows: Sequence[Row] = ()
        if sheet.examples:
            counts = self.ask.count_tokens([line_of(columns, row) for row in self.rows])
            longest = sorted(range(len(counts)), key=lambda at: -counts[at])
            rows = [self.rows[at] for at in longest[: sheet.examples]]
        messages, head = sheet_prompt(self._layout, columns, rows, level)
        return self.ask.prompt_tokens(SampleRequest(messages, None, prefix=head))


def make_plan(layout: Layout, rows: Sequence[Row], wanted: int, ask: Ask, *, shorten: bool) -> Plan:
    """Where everything goes. rows : example rows there are. wanted : how many of them a prompt should show.

    Raises ``ContextTooSmall``. Whether it does depends neither on the order of columns nor on ``rows``: where a plan was
    found once, one is always found.
    """
    desk = _Desk(layout, rows, ask)
    shown = min(wanted, len(rows))
    plan = _whole(desk, shown)
    if plan is None and shorten and (caps := capped(desk)) is not None:
        plan = Plan(BRIEFEST, caps, (Sheet((), desk.names),))
    if plan is None:
        level, caps, sheets = passes(desk, min(shown, 1), shorten)
        more = tuple(_with_examples(desk, sheet, level, caps, shown) for sheet in sheets)
        plan = Plan(level, caps, more)
    return replace(plan, asides=_asides(desk, plan))


def _whole(desk: _Desk, shown: int) -> Plan | None:
    """A row in one go. An example is worth more than long descriptions: without any, small models write noise."""
    for counts in (range(shown, 0, -1), (0,)):
        for level in range(LEVELS):
            for count in counts:
                sheet = Sheet((), desk.names, count)
                if desk.fits(sheet, level, {}):
                    return Plan(level, {}, (sheet,))
    return None


def _with_examples(desk: _Desk, sheet: Sheet, level: int, caps: Mapping[str, int], shown: int) -> Sheet:
    """The sheet with as many examples as it has room for."""
    count = most(lambda n: desk.fits(replace(sheet, examples=n), level, caps), shown, sheet.examples)
    return sheet if count is None else replace(sheet, examples=count)


def _asides(desk: _Desk, plan: Plan) -> tuple[Sheet, ...]:
    """A sheet for each text that can be written again by itself; texts that depend on other cells cannot."""
    schema = desk.task.schema
    tied = {name for d in schema.dependencies for name in (d.dependent, *d.determinant)}
    found = []
    for name in (text.name for text in desk.texts if text.name not in tied):
        near = desk.neighbours.of((name,), _ASIDE)
        for beside in (len(near), 0):
            sheet = Sheet(desk.neighbours.in_order(near[:beside]), (name,), 1)
            if desk.rows and desk.fits(sheet, plan.level, plan.caps):
                shown = min(_ASIDE, len(desk.rows))
                found.append(_with_examples(desk, sheet, plan.level, plan.caps, shown))
                break
    return tuple(found)


def told_of(plan: Plan, layout: Layout, rows: Sequence[Row], wanted: int, ask: Ask) -> list[str]:
    """What had to be given up, in words with numbers."""
    desk = _Desk(layout, rows, ask)
    said, holds = [], f"the model's context holds {desk.context} tokens"
    if len(plan.sheets) > 1:
        said.append(passes_told(desk, plan.sheets, plan.level))
    if plan.level:
        prompt, row = tightest(desk, plan.sheets, plan.level, plan.caps)
        said.append(
            f"{holds}: descriptions in the prompt are {'cut short' if plan.level == 1 else 'left out'} so that the "
            f"prompt ({prompt}) and a row ({row}) fit"
        )
    count = min(sheet.examples for sheet in plan.sheets)
    if count < min(wanted, len(rows)):
        said.append(f"{holds}: {count} of {wanted} example rows fit the prompt")
    if plan.caps:
        said.append(f"{holds}: {caps_told(plan.caps)}")
    return said


def caps_told(caps: Mapping[str, int]) -> str:
    """Which texts stay shorter, in words."""
    shown = ", ".join(f"{name} {cap}" for name, cap in caps.items())
    return f"texts are kept to fewer characters than the schema allows ({shown})"
