#!/usr/bin/env python3
"""What the discriminator of MALLM-GAN can be trusted with, by simulation.

scripts/bench_judge.py                    generated tables
scripts/bench_judge.py --data FOLDER      adult.csv and heart_cleveland.csv as well
--times 200 --sizes 100,200,400 --repeats 1

real      two random halves of one table: how often the interval of the score holds 0 (that should be 95 % or more), the mean
          of the signed score (0), its spread over the halves beside the spread that the interval takes it to have
apart     rows whose columns are independent of each other: score, and how often its interval leaves out 0
copier    the rows shown, again: score and loss
perfect   two generators of real rows: the mean of the share of draws in which the second is better (0.5), and how often it
          exceeds 0.95 (0.05 at most: where both scores are near 0 their absolute values hide most of the difference)
same      the same of two that both shuffle a quarter of the cells
better    a generator that shuffles a tenth of the cells, against one that shuffles half of them: how often above 0.9
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from localsynth.core.columns import IdentifierColumn
from localsynth.core.schema import Schema
from localsynth.core.seeds import derive
from localsynth.methods.mallm_gan.features import Features
from localsynth.methods.mallm_gan.judge import Judged, compared, judged
from localsynth.methods.mallm_gan.nearness import Nearness
from localsynth.tables import arrow_schema

FILES = {"adult": ("adult.csv", "income"), "heart": ("heart_cleveland.csv", "disease")}
MOST = 6_000  # rows of a table that simulations draw from
GENERATED = Schema.from_toml(
    """
columns = [
  { name = "age", kind = "integer", range = [18, 95] },
  { name = "dose", kind = "float", range = [0.0, 99.9], decimals = 1, nullable = true },
  { name = "pressure", kind = "integer", range = [60, 260] },
  { name = "visits", kind = "integer", range = [0, 50] },
  { name = "ward", kind = "categorical", categories = ["A", "B", "C", "D", "E", "F"] },
  { name = "sex", kind = "categorical", categories = ["f", "m"] },
  { name = "smoker", kind = "boolean" },
  { name = "ill", kind = "boolean" },
]
"""
)


def generated(rows: int, seed: int) -> pa.Table:
    """Rows whose columns hang together: a person's frailty and the ward decide most of them."""
    rng = np.random.default_rng(seed)
    frail = rng.normal(size=rows)
    ward = np.clip(np.round(frail + rng.normal(0, 1.2, rows) + 2.5), 0, 5).astype(int)
    smoker = rng.random(rows) < 1 / (1 + np.exp(-(frail + ward - 3)))
    ill = rng.random(rows) < 1 / (1 + np.exp(-(2 * frail + smoker - 0.5)))
    dose = np.clip(np.round(rng.gamma(2, 4, rows) * (1 + 1.5 * ill), 1), 0, 99.9)
    columns = {
        "age": np.clip(np.round(55 + 15 * frail + rng.normal(0, 7, rows)), 18, 95).astype(int),
        "dose": pa.array(dose, pa.float64(), mask=rng.random(rows) < np.where(ill, 0.02, 0.2)),
        "pressure": np.clip(np.round(130 + 12 * frail + rng.normal(0, 12, rows)), 60, 260).astype(int),
        "visits": np.minimum(rng.poisson(np.exp(0.5 + 0.6 * frail)), 50),
        "ward": np.array(list("ABCDEF"))[ward],
        "sex": np.where(rng.random(rows) < 0.5 - 0.3 * np.tanh(ward - 2.5), "m", "f"),
        "smoker": smoker,
        "ill": ill,
    }
    return pa.table(columns, schema=arrow_schema(GENERATED))


def tables(data: Path | None) -> Iterator[tuple[str, Schema, pa.Table]]:
    """Name, schema and rows of what is simulated with."""
    yield "generated", GENERATED, generated(MOST, 1)
    if data is None:
        return
    import pandas as pd

    from localsynth.workspace import Workspace

    for name, (file, target) in FILES.items():
        frame = pd.read_csv(data / file)
        frame = frame.sample(min(MOST, len(frame)), random_state=0).reset_index(drop=True)
        with tempfile.TemporaryDirectory() as folder:
            space = Workspace(folder)
            schema = space.import_frame(frame, "t", target=target, holdout=0.0).schema
            rows = space.sql_arrow('select * exclude (row_id) from real."t" order by row_id')
        kept = [column.name for column in schema.columns if not isinstance(column, IdentifierColumn)]
        types = arrow_schema(schema, kept)
        yield name, schema, rows.select(types.names).cast(types)


def shuffled(table: pa.Table, share: float, rng: np.random.Generator) -> pa.Table:
    """In this share of the rows, drawn for each column anew, its cells are dealt to each other."""
    columns = []
    for column in table.columns:
        order = np.arange(table.num_rows)
        some = np.flatnonzero(rng.random(table.num_rows) < share)
        order[some] = some[rng.permutation(len(some))]
        columns.append(column.take(pa.array(order)))
    return pa.Table.from_arrays(columns, schema=table.schema)


class Simulation:
    """One table, so many rows a side."""

    def __init__(self, schema: Schema, table: pa.Table, rows: int, repeats: int) -> None:
        self.schema, self.table, self.rows, self.repeats = schema, table, rows, repeats
        self.features = Features(schema)

    def parts(self, seed: int, many: int) -> list[pa.Table]:
        """So many disjoint tables; where the table is too small for that, only the first is apart from the others."""
        order = np.random.default_rng(derive(seed, "parts")).permutation(self.table.num_rows)
        if len(order) < many * self.rows:
            rest = order[self.rows :]
            rng = np.random.default_rng(derive(seed, "rest"))
            order = np.concatenate(
                [order[: self.rows], *(rng.choice(rest, self.rows) for _ in range(many - 1))]
            )
        cut = [order[at * self.rows : (at + 1) * self.rows] for at in range(many)]
        return [self.table.take(pa.array(own)) for own in cut]

    def told(self, real: pa.Table, made: pa.Table, seed: int, near: Any = None, usual: float = 0.0) -> Judged:
        """A judgement; no row is a near copy unless said."""
        near = np.zeros(made.num_rows, np.bool_) if near is None else near
        found = judged(self.features, real, made, near=near, usual=usual, seed=seed, repeats=self.repeats)
        assert found is not None
        return found

    def real(self, seed: int) -> Judged:
        """Real rows against real rows."""
        real, made = self.parts(seed, 2)
        return self.told(real, made, seed)

    def apart(self, seed: int) -> Judged:
        """Independent columns against real rows."""
        real, made = self.parts(seed, 2)
        return self.told(real, shuffled(made, 1.0, np.random.default_rng(derive(seed, "apart"))), seed)

    def copier(self, seed: int) -> Judged:
        """The rows shown, again."""
        real, shown = self.parts(seed, 2)
        nearness = Nearness(self.schema, shown, real)
        return self.told(real, shown, seed, nearness.near(shown), nearness.usual)

    def better(self, seed: int, shares: tuple[float, float]) -> float:
        """The share of draws in which the second of two generators is better, by how many cells each shuffles."""
        real, *made = self.parts(seed, 3)
        rng = np.random.default_rng(derive(seed, "pair"))
        a, b = (
            self.told(real, shuffled(rows, share, rng), seed)
            for rows, share in zip(made, shares, strict=True)
        )
        return compared(a, b, seed=seed).better


def figures(simulation: Simulation, times: int) -> dict[str, float]:
    """Every figure, each of so many simulations."""
    seeds = range(times)
    null = [simulation.real(seed) for seed in seeds]
    signed = np.array([one.signed for one in null])
    half = np.array([one.pairs.interval(1.0) for one in null])
    apart = [simulation.apart(seed) for seed in seeds]
    copier = [simulation.copier(seed) for seed in range(min(times, 20))]
    good = np.array([simulation.better(seed, (0.0, 0.0)) for seed in seeds])
    same = np.array([simulation.better(seed, (0.25, 0.25)) for seed in seeds])
    better = np.array([simulation.better(seed, (0.5, 0.1)) for seed in seeds])
    return {
        "real: 0 held": np.mean([one.low == 0 for one in null]),
        "signed": signed.mean(),
        "spread": signed.std(ddof=1),
        "plain": np.mean(half[:, 1] - half[:, 0]) / 1.96,
        "apart: score": np.mean([one.score for one in apart]),
        "told": np.mean([one.low > 0 for one in apart]),
        "copier: score": np.mean([one.score for one in copier]),
        "loss": np.mean([one.loss for one in copier]),
        "perfect: better": good.mean(),
        "> .95": (good > 0.95).mean(),
        "same: better": same.mean(),
        " > .95": (same > 0.95).mean(),
        "better > .9": (better > 0.9).mean(),
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder with adult.csv and heart_cleveland.csv")
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--sizes", default="100,200,400")
    parser.add_argument("--repeats", type=int, default=1)
    args = parser.parse_args()
    head = False
    for name, schema, table in tables(args.data):
        for rows in map(int, args.sizes.split(",")):
            if 2 * rows > table.num_rows:
                continue
            began = time.perf_counter()
            found = figures(Simulation(schema, table, rows, args.repeats), args.times)
            if not head:
                print(f"{'table':>10} {'rows':>5}", *(f"{key:>15}" for key in found))
                head = True
            print(f"{name:>10} {rows:>5}", *(f"{value:>15.3f}" for value in found.values()), flush=True)
            print(f"  {time.perf_counter() - began:.0f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
