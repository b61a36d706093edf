"""The paper's mode: rows as ``column is value, ...`` in one fixed order, trained on every token, sampled freely and parsed.

Xu et al. 2024 and their released code: the first column is drawn from its train marginal, temperature 0.7, 100 tokens at most,
what cannot be parsed is dropped, and sampling ends after 13 rounds without a row. Of a float column a random train value is
taken. Where the paper trains all of distilgpt2 for 50 epochs, the run's own model is trained by LoRA.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from localsynth.core.cells import read_cell, write_cell
from localsynth.core.columns import Column
from localsynth.core.contracts import Adapter, Ask, Draft, SampleRequest, Sampling, ScoreRequest, Task
from localsynth.core.run import Reject
from localsynth.core.seeds import derive
from localsynth.methods.page import START, table_of

from .params import PAFTParams
from .structure import Structure

__all__ = ["Faithful", "sentence", "sentences"]

_TEMPERATURE, _TOKENS, _ROUNDS, _EACH = 0.7, 100, 13, 100


def sentence(columns: Sequence[Column], row: Mapping[str, Any]) -> str:
    """``state is IL, bird is Cardinal``."""
    return ", ".join(f"{column.name} is {write_cell(column, row[column.name])}" for column in columns)


def sentences(columns: Sequence[Column], train: pa.Table) -> ScoreRequest:
    """The train rows without a missing value, as texts to learn from."""
    rows = [row for row in train.to_pylist() if all(row[column.name] is not None for column in columns)]
    return ScoreRequest((), None, tuple(sentence(columns, row) + "\n" for row in rows), prefix=START)


class Faithful:
    """Makes batches."""

    def __init__(
        self, params: PAFTParams, task: Task, structure: Structure, train: pa.Table, adapter: Adapter | None
    ) -> None:
        self._task, self._adapter = task, adapter
        self._columns = [task.schema.column(name) for name in structure.order]
        first = self._columns[0]
        self._lead = [
            write_cell(first, cell) for cell in train.column(first.name).to_pylist() if cell is not None
        ]

    def batch(self, n: int, seed: int, ask: Ask) -> Draft:
        """``n`` rows, fewer where 13 rounds in a row give none."""
        rows: list[dict[str, Any]] = []
        rejects: list[Reject] = []
        idle = turn = 0
        while len(rows) < n and idle < _ROUNDS and self._lead:
            found, lost = self._round(min(_EACH, 2 * (n - len(rows))), derive(seed, "round", turn), ask)
            rows += found
            rejects += lost
            idle = 0 if found else idle + 1
            turn += 1
        return Draft(table_of(self._task.schema, rows[:n]), tuple(rejects))

    def _round(self, n: int, seed: int, ask: Ask) -> tuple[list[dict[str, Any]], list[Reject]]:
        rng = np.random.default_rng(seed)
        starts = Counter(self._lead[at] for at in rng.integers(0, len(self._lead), n))
        first = self._columns[0].name
        requests = [
            SampleRequest(
                (),
                None,
                count,
                f"{START}{first} is {cell},",
                Sampling(temperature=_TEMPERATURE),
                derive(seed, "rows", cell),
                _TOKENS,
                self._adapter,
            )
            for cell, count in sorted(starts.items())
        ]
        rows, rejects = [], []
        for (cell, _), sample in zip(sorted(starts.items()), ask.sample("rows", requests), strict=True):
            for text in sample.texts:
                whole = f"{first} is {cell},{text}"
                try:
                    rows.append(self._read(whole))
                except ValueError as error:
                    rejects.append(Reject("parse", str(error), whole))
        return rows, rejects

    def _read(self, text: str) -> dict[str, Any]:
        """As the released code parses: split at commas, then at " is "; the first value of a column counts."""
        cells: dict[str, str] = {}
        for part in text.split("\n")[0].split(","):
            name, is_there, value = part.strip().partition(" is ")
            if is_there:
                cells.setdefault(name, value.strip())
        row = {}
        for column in self._columns:
            if column.name not in cells:
                raise ValueError(f"{column.name}: not written")
            cell = cells[column.name]
            row[column.name] = read_cell(column, cell.strip('"'), quoted=cell.startswith('"'))
        return row

    def dump(self) -> dict[str, Any]:
        """Nothing changes from batch to batch."""
        return {}

    def load(self, data: Mapping[str, Any]) -> None:
        """See ``dump``."""
