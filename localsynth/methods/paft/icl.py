"""Without training: train rows stand in the prompt, in the order of their dependencies (PAFT-ICL)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from localsynth.core.contracts import Ask, Message, SampleRequest, Task
from localsynth.core.errors import ContextTooSmall
from localsynth.core.grammar import max_length
from localsynth.core.schema import Schema
from localsynth.core.seeds import derive
from localsynth.methods.page import Page

from .params import PAFTParams
from .structure import Structure

__all__ = ["chosen_examples", "shown"]

_SPARE = 8  # tokens


def shown(page: Page, schema: Schema, train: pa.Table, examples: Sequence[int]) -> Page:
    """The page with a prompt that shows these train rows; the answer goes on with their table."""
    rows = train.take(pa.array(list(examples), pa.int64())).to_pylist()
    names = ",".join(column.name for column in page.columns)
    about = f"{schema.description.strip()}\n\n" if schema.description.strip() else ""
    asked = (
        f"{about}Write more rows of this table, as CSV, like these and none of them again:\n\n"
        f"{names}\n{''.join(map(page.line, rows))}"
    )
    return replace(page, messages=(Message("user", asked),), start=f"{names}\n")


def chosen_examples(
    task: Task, params: PAFTParams, structure: Structure, train: pa.Table, ask: Ask, seed: int
) -> tuple[int, ...]:
    """Numbers of train rows for the prompt: as many as wanted, fewer where the context holds fewer.

    Raises ``ContextTooSmall`` where not even a row without examples fits.
    """
    page = Page.of(task.schema, structure.order)
    order = np.random.default_rng(derive(seed, "examples")).permutation(train.num_rows)
    longest = _longest(page, train, ask)

    def fits(count: int) -> bool:
        tried = shown(page, task.schema, train, order[:count].tolist())
        request = SampleRequest(tried.messages, None, prefix=tried.start)
        return ask.prompt_tokens(request) + longest + _SPARE <= ask.info.context

    low, high = 0, min(params.examples, train.num_rows)
    if not fits(0):
        raise ContextTooSmall(
            f"a row of '{task.dataset}' takes up to {longest} tokens, the model's context holds {ask.info.context}",
            "choose a model with a longer context, or shorten texts in the schema",
        )
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return tuple(order[:low].tolist())


def _longest(page: Page, train: pa.Table, ask: Ask) -> int:
    """Tokens of the longest train row, and half as many again; never more than the grammar's own bound."""
    counts = ask.count_tokens([page.line(row) for row in train.to_pylist()])
    return min(max_length(page.whole()), max(counts, default=0) * 3 // 2 + 16)
