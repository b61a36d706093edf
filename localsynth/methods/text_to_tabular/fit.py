"""Fit: how much of the prompt the model's context has room for, by counted tokens, before the first row is written."""

from __future__ import annotations

from collections.abc import Sequence

from localsynth.core.cells import write_cell
from localsynth.core.columns import (
    BooleanColumn,
    CategoricalColumn,
    Column,
    DateColumn,
    DatetimeColumn,
    FloatColumn,
    IntegerColumn,
    TextColumn,
)
from localsynth.core.contracts import Ask, SampleRequest, Task
from localsynth.core.errors import ContextTooSmall

from .prompts import LEVELS, aligned_prompt, header
from .state import Plan

__all__ = ["bare_plan", "cell_tokens", "too_small", "with_examples"]

_RESERVE = 8  # tokens: line ends, and pairs of cells that join into other tokens than each alone
_COUNTED = 200  # of a long list of categories, the longest are counted


def cell_tokens(columns: Sequence[Column], ask: Ask) -> dict[str, int]:
    """Tokens of the longest cell of each column with its comma; texts are reckoned at one token per character."""
    texts: list[str] = []
    owners: list[str] = []
    for column in columns:
        cells = _longest(column)
        texts += cells
        owners += [column.name] * len(cells)
    found = {column.name: 1 for column in columns}
    for name, count in zip(owners, ask.count_tokens(texts), strict=True):
        found[name] = max(found[name], count + 1)
    for column in columns:
        if isinstance(column, TextColumn):
            found[column.name] = column.max_length + 3
    return found


def _longest(column: Column) -> list[str]:
    match column:
        case IntegerColumn() | FloatColumn():
            scale = 10 ** (column.decimals if isinstance(column, FloatColumn) else 0)
            low, high = column.scaled_bounds
            return [write_cell(column, bound / scale if scale > 1 else bound) for bound in (low, high)]
        case BooleanColumn():
            return ["true", "false"]
        case CategoricalColumn(categories=categories):
            longest = sorted(categories, key=len, reverse=True)[:_COUNTED]
            return [write_cell(column, word) for word in longest]
        case DateColumn() | DatetimeColumn():
            return [write_cell(column, bound) for bound in column.range]
        case _:
            return []


def too_small(task: Task, prompt: int, row: int, context: int) -> ContextTooSmall:
    """The error, with its numbers."""
    return ContextTooSmall(
        f"one row of '{task.dataset}' does not fit the model: the prompt takes {prompt} tokens and the longest row "
        f"{row}, the model's context holds {context}",
        "choose a model with a longer context, shorten max_length of texts, or drop columns",
    )


def bare_plan(task: Task, columns: Sequence[Column], ask: Ask) -> Plan:
    """The plan without example rows: descriptions as long as fit, texts shortened if they must be.

    Raises ``ContextTooSmall`` where not even the briefest prompt and one row fit. Says what it had to leave out.
    """
    context, tokens = ask.info.context, cell_tokens(columns, ask)
    row = sum(tokens.values()) + _RESERVE
    prompt = 0
    for level in range(LEVELS):
        prompt = _prompt_tokens(task, columns, [], level, ask)
        if prompt + row <= context:
            if level:
                ask.notice(
                    f"the model's context holds {context} tokens: descriptions in the prompt are "
                    f"{'cut short' if level == 1 else 'left out'} so that the prompt ({prompt}) and a row ({row}) fit",
                    "warning",
                )
            return Plan(0, level)
    return Plan(0, LEVELS - 1, _caps(task, columns, tokens, prompt, ask))


def _caps(
    task: Task, columns: Sequence[Column], tokens: dict[str, int], prompt: int, ask: Ask
) -> dict[str, int]:
    """Shorter bounds of texts, in proportion, so that a row fits beside the briefest prompt."""
    context = ask.info.context
    texts = [column for column in columns if isinstance(column, TextColumn)]
    rest = sum(count for name, count in tokens.items() if name not in {text.name for text in texts})
    room = context - prompt - rest - _RESERVE - 3 * len(texts)
    least, most = sum(text.min_length for text in texts), sum(text.max_length for text in texts)
    if room < least or not texts:
        raise too_small(task, prompt, rest + _RESERVE + 3 * len(texts) + least, context)
    part = (room - least) / max(most - least, 1)
    caps = {text.name: text.min_length + int(part * (text.max_length - text.min_length)) for text in texts}
    shown = ", ".join(f"{name} {cap}" for name, cap in caps.items())
    ask.notice(
        f"the model's context holds {context} tokens, the prompt takes {prompt} without descriptions: "
        f"texts are kept to fewer characters than the schema allows ({shown})",
        "warning",
    )
    return caps


def with_examples(
    task: Task,
    columns: Sequence[Column],
    lines: Sequence[str],
    plan: Plan,
    wanted: int,
    ask: Ask,
    quiet: bool = False,
) -> Plan:
    """The plan with as many of ``wanted`` example rows as fit, the longest ``lines`` taken; says so if not all."""
    if plan.level or plan.caps or not lines:
        return plan
    context, row = ask.info.context, sum(cell_tokens(columns, ask).values()) + _RESERVE
    counted = sorted(zip(ask.count_tokens(list(lines)), lines, strict=True), key=lambda pair: -pair[0])
    for count in range(min(wanted, len(lines)), 0, -1):
        prompt = _prompt_tokens(task, columns, [line for _, line in counted[:count]], 0, ask)
        if prompt + row <= context:
            break
    else:
        count = 0
    if count < min(wanted, len(lines)) and not quiet:
        ask.notice(
            f"the model's context holds {context} tokens: {count} of {wanted} example rows fit the prompt",
            "warning",
        )
    return Plan(count, plan.level, plan.caps)


def _prompt_tokens(task: Task, columns: Sequence[Column], lines: Sequence[str], level: int, ask: Ask) -> int:
    messages = aligned_prompt(task.schema, columns, lines, level)
    return ask.prompt_tokens(SampleRequest(messages, None, prefix=header(columns) + "\n"))
