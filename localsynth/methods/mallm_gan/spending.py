"""What a game takes at most, by its parameters and the table's size: requests, and tokens as far as texts tell."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

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
from localsynth.core.contracts import Sampling
from localsynth.core.schema import Schema
from localsynth.core.spending import Spending
from localsynth.core.steps import decimals_of
from localsynth.tables import arrow_schema

from .faithful.generator import OPTIMISER_TOKENS, SIZE
from .faithful.memory import SHOWN
from .faithful.play import epochs_for
from .faithful.prompts import Prompts, initial_theta
from .folds import FEWEST
from .graph import Graph
from .params import MALLMGANParams
from .setting import EXAMPLES, game_requests, judged_rows
from .theta import Theta
from .writer import EACH, Shown, Writer

__all__ = ["rough_tokens", "spending"]

_LETTERS = 4  # in a token; digits and signs are one each


def spending(params: MALLMGANParams, schema: Schema, train_rows: int) -> Spending | None:
    """Of the game; ``None`` where there is none."""
    names = [column.name for column in schema.columns if column.kind != "identifier"]
    if not names or not train_rows:
        return None
    if params.mode == "faithful":
        calls, tokens = _faithful(params, schema, train_rows)
    elif params.rounds and train_rows >= FEWEST:
        calls, tokens = _aligned(params, schema, names, train_rows)
    else:
        return None
    calls, tokens = min(calls, params.max_calls or calls), min(tokens, params.max_tokens or tokens)
    return Spending("Game", calls, tokens)


def _aligned(
    params: MALLMGANParams, schema: Schema, names: Sequence[str], train_rows: int
) -> tuple[int, int]:
    writer = Writer(schema, Sampling(), 0, {})
    theta = Theta(Graph.of(tuple(names)))
    (request,) = writer.requests(theta, Shown(arrow_schema(schema).empty_table()), 1, 0)
    line = sum(_cell_tokens(schema.column(name)) + 1 for name in names)
    shown = min(params.examples or EXAMPLES, train_rows)
    each = sum(rough_tokens(message.text) for message in request.messages) + (shown + EACH) * line
    calls = game_requests(params, judged_rows(params, train_rows))
    return calls, ceil(calls * each)


def _faithful(params: MALLMGANParams, schema: Schema, train_rows: int) -> tuple[int, int]:
    prompts = Prompts(schema, [])
    theta = initial_theta(())
    passes = (params.epochs or epochs_for(train_rows)) + 1
    size = min(params.examples or SIZE, train_rows)
    steps = [min(params.batch, train_rows - at) for at in range(0, train_rows, params.batch)]
    asked, proposed = passes * sum(-(-rows // size) for rows in steps), passes * len(steps) - 1
    row = sum(_cell_tokens(column) + rough_tokens(f'"{column.name}": ,') for column in prompts.columns)
    static = sum(rough_tokens(message.text) for message in prompts.generator(theta, prompts.columns, []))
    told = sum(rough_tokens(message.text) for message in prompts.optimiser([]))
    generator = static + OPTIMISER_TOKENS + 2 * size * row
    return asked + proposed, ceil(asked * generator + proposed * (told + (SHOWN + 1) * OPTIMISER_TOKENS))


def rough_tokens(text: str) -> float:
    """As tokenizers cut that write each digit by itself, and words in pieces."""
    letters = sum(char.isalpha() for char in text)
    return letters / _LETTERS + sum(not char.isalpha() and not char.isspace() for char in text)


def _cell_tokens(column: Column) -> float:
    """Of a usual cell."""
    match column:
        case CategoricalColumn(categories=words):
            return sum(map(rough_tokens, words)) / len(words)
        case TextColumn():
            return (column.min_length + column.max_length) / 2 / _LETTERS
        case BooleanColumn():
            return 1.0
        case DateColumn(range=(first, _)) | DatetimeColumn(range=(first, _)):
            return rough_tokens(write_cell(column, first))
        case IntegerColumn() | FloatColumn():
            digits = max(len(str(abs(bound))) for bound in column.scaled_bounds)
            return float(max(digits, decimals_of(column) + 1) + (decimals_of(column) > 0))
    return 0.0
