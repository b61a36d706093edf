"""Rows as the model writes them: the first column as often as it should be, the rest by the model in its order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from localsynth.align.grid import Grid
from localsynth.core.cells import write_cell
from localsynth.core.contracts import Adapter, Ask, SampleRequest, Sampling
from localsynth.core.run import Reject
from localsynth.core.seeds import derive
from localsynth.methods.page import Page

__all__ = ["Writer"]


@dataclass(frozen=True)
class Writer:
    """Draws rows.

    lead : margins to draw the first column from; ``None`` leaves it to the model, as where it is locked to another.
    """

    page: Page
    sampling: Sampling
    adapter: Adapter | None = None
    lead: Grid | None = None

    def draw(self, n: int, seed: int, ask: Ask) -> tuple[list[dict[str, Any]], list[Reject]]:
        """``n`` rows less those that cannot be read."""
        if n <= 0:
            return [], []
        values = self.leading(n, seed)
        if values is None:
            (sample,) = ask.sample(
                "rows", [self.page.request(n, self.sampling, derive(seed, "rows"), self.adapter)]
            )
            return self.page.read(sample.texts)
        rest = self.page.rest()
        starts = sorted(values)
        requests = [
            SampleRequest(
                self.page.messages,
                rest,
                values[start],
                self.page.start + start,
                sampling=self.sampling,
                seed=derive(seed, "rows", start),
                adapter=self.adapter,
            )
            for start in starts
        ]
        samples = ask.sample("rows", requests)
        texts = [start + text for start, sample in zip(starts, samples, strict=True) for text in sample.texts]
        # Of each value of the first column one after the other: whoever takes the first rows would get few values.
        order = np.random.default_rng(derive(seed, "mix")).permutation(len(texts))
        return self.page.read([texts[at] for at in order])

    def leading(self, n: int, seed: int) -> Mapping[str, int] | None:
        """How the lines begin, and how many begin so: drawn from the margin of the first column, smooth within its cells."""
        grid, column = self.lead, self.page.columns[0]
        if (
            grid is None
            or column.name not in grid.names
            or len(self.page.columns) < 2
            or column.kind == "text"
        ):
            return None
        at = grid.names.index(column.name)
        rng = np.random.default_rng(derive(seed, "lead"))
        codes = np.repeat(np.arange(grid.sizes[at]), grid.counts(at, n))
        cells = grid.bases[at].decode(codes, rng).to_pylist()
        return Counter(write_cell(column, cell) + "," for cell in cells)
