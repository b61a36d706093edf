"""Figures of the metrics: what REAL and the reference methods score on two real tables, and how long a large table takes.

scripts/bench_metrics.py --data FOLDER      adult.csv (400 train rows) and heart_cleveland.csv (200), splits 0-2
scripts/bench_metrics.py --scale            100,000 x 30 synthetic against 10,000 real rows
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.model_selection import train_test_split

from localsynth.core.columns import IdentifierColumn
from localsynth.core.dataset import Dataset
from localsynth.core.evaluation import REAL, REFERENCES
from localsynth.core.judging import Case
from localsynth.metrics.judge import judge
from localsynth.metrics.registry import create_all
from localsynth.tables import arrow_schema
from localsynth.workspace import Workspace
from localsynth.workspace.evaluate import reference_rows

TABLES = {
    "adult": ("adult.csv", "income", 400, 4_000),
    "heart": ("heart_cleveland.csv", "disease", 200, None),
}
SHOWN = (
    "tstr_rf_auc", "tstr_lr_accuracy", "tstr_lr_auc", "tstr_gb_auc", "c2st_rf_auc", "c2st_gb_auc", "c2st_lr_auc",
    "column_shapes", "pair_trends", "dcr_share", "nndr", "exact_copies", "near_copies", "membership_auc",
    "singling_out_risk_univariate", "singling_out_risk_multivariate", "attribute_inference_risk",
)  # fmt: skip


def nothing_broken(table: pa.Table) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return np.zeros((table.num_rows, 0), bool)


def split_scores(
    file: Path, target: str, size: int, most: int | None, split: int, draws: int
) -> dict[str, dict[str, float]]:
    """One split: subject -> metric -> value, of reference methods the mean of so many draws.

    A forest trained on rows without structure orders real ones at random, but all alike: one draw's AUC is far from 0.5.
    """
    frame = pd.read_csv(file)
    train, test = train_test_split(frame, train_size=size, random_state=split, stratify=frame[target])
    if most is not None:
        test = test.sample(most, random_state=split)
    with tempfile.TemporaryDirectory() as folder:
        space = Workspace(folder)
        dataset = space.import_frame(train.reset_index(drop=True), "t", target=target, holdout=0.0)
        schema = dataset.schema
        rows = space.store and space.sql_arrow('select * exclude (row_id) from real."t" order by row_id')
        # the test rows in the train rows' types, whatever their range
        target_types = arrow_schema(schema)
        train_table = rows.select(target_types.names).cast(target_types)
        test_table = _typed(test, target_types)
    kinds = Dataset("t", schema, dataset.policy, size, size, 0, None, dataset.imported_at)
    subjects = {
        f"{name} {draw}": reference_rows(name, kinds, train_table, size, 100 * split + draw, nothing_broken)
        for name in REFERENCES
        for draw in range(draws)
    }
    keep = [c.name for c in schema.columns if not isinstance(c, IdentifierColumn)]
    case = Case(
        schema=schema,
        rows=train_table.select(keep).slice(0, 0),
        train=train_table.select(keep),
        holdout=test_table.select(keep),
        seed=split,
        violations=nothing_broken,
        threads=len(os.sched_getaffinity(0)),
    )
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    subjects = {name: table.select(keep) for name, table in subjects.items()}
    for judged in judge(case, subjects, create_all()):
        score = judged.score
        if score.value is not None and score.column_a is None and score.item is None:
            found[judged.subject.split(" ")[0]][score.metric].append(score.value)
    return {
        subject: {metric: statistics.mean(values) for metric, values in metrics.items()}
        for subject, metrics in found.items()
    }


def _typed(frame: pd.DataFrame, types: pa.Schema) -> pa.Table:
    arrays = []
    for field in types:
        column = frame[field.name]
        if pa.types.is_string(field.type):
            arrays.append(pa.array([None if pd.isna(v) else str(v) for v in column], field.type))
        elif pa.types.is_boolean(field.type):
            words = {"yes": True, "true": True, "no": False, "false": False}
            arrays.append(pa.array([words.get(str(v).lower()) for v in column], field.type))
        else:
            arrays.append(
                pa.array([None if pd.isna(v) else v for v in column.astype(float)]).cast(field.type)
            )
    return pa.Table.from_arrays(arrays, schema=types)


def tables(data: Path, draws: int) -> dict[str, Any]:
    """Mean and spread over splits 0-2."""
    result: dict[str, Any] = {}
    for name, (file, target, size, most) in TABLES.items():
        splits = [split_scores(data / file, target, size, most, split, draws) for split in range(3)]
        result[name] = {
            subject: {
                metric: [
                    round(statistics.mean(values), 3),
                    round(statistics.stdev(values), 3),
                ]
                for metric in SHOWN
                if len(values := [s[subject][metric] for s in splits if metric in s[subject]]) == 3
            }
            for subject in (REAL, *REFERENCES)
        }
        _print(name, result[name])
    return result


def _print(name: str, found: dict[str, Any]) -> None:
    print(f"{name:<32}" + "".join(f"{subject:>20}" for subject in found), file=sys.stderr)
    for metric in SHOWN:
        cells = [
            f"{found[s][metric][0]:.3f} ±{found[s][metric][1]:.3f}" if metric in found[s] else "-"
            for s in found
        ]
        print(f"  {metric:<30}" + "".join(f"{cell:>20}" for cell in cells), file=sys.stderr)


def scale(rows: int, real: int, columns: int) -> dict[str, Any]:
    """Time and memory of one whole evaluation, through the workspace as a person would."""
    rng = np.random.default_rng(0)

    def frame(n: int) -> pd.DataFrame:
        hidden = rng.normal(size=(n, 5))
        made: dict[str, Any] = {}
        for index in range(columns):
            value = hidden @ np.random.default_rng(index).normal(size=5) + rng.normal(size=n)
            if index % 3 == 0:
                made[f"c{index}"] = np.array(list("abcdef"))[
                    np.clip(np.digitize(value, [-2, -1, 0, 1, 2]), 0, 5)
                ]
            else:
                made[f"c{index}"] = np.where(
                    rng.random(n) < 0.02, np.nan, value.round(2 if index % 3 == 1 else 0)
                )
        made["y"] = np.where(hidden[:, 0] + 0.3 * rng.normal(size=n) > 0, "yes", "no")
        return pd.DataFrame(made)

    with tempfile.TemporaryDirectory() as folder:
        space = Workspace(folder)
        space.import_frame(frame(real), "t", target="y")
        recipe = Path(folder) / "r.toml"
        recipe.write_text(
            f'rows = {rows}\n[dataset]\nname = "t"\n[method]\nname = "gaussian-copula"\n', encoding="utf-8"
        )
        space.run(recipe)
        began = time.perf_counter()
        first: list[float] = []
        times: dict[str, float] = defaultdict(float)
        last = [began, "", ""]

        def step(*told: Any) -> None:
            now, (subject, metric) = time.perf_counter(), told[2:]
            first.append(now - began)
            times[f"{last[1]}/{last[2]}"] += now - last[0]
            last[:] = [now, subject, metric]

        space.evaluate("last", on_step=step)
        seconds = time.perf_counter() - began
        times[f"{last[1]}/{last[2]}"] += time.perf_counter() - last[0]
        for what, took in sorted(times.items(), key=lambda item: -item[1])[:15]:
            print(f"  {took:6.2f} s  {what}", file=sys.stderr)
        return {
            "rows": rows,
            "columns": columns + 1,
            "real": real,
            "seconds": round(seconds, 1),
            "first_sign_s": round(first[0], 3),
            "longest_silence_s": round(max(np.diff(first)), 2),
            "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of adult.csv and heart_cleveland.csv")
    parser.add_argument("--draws", type=int, default=5, help="of each reference method in each split")
    parser.add_argument("--scale", action="store_true")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--real", type=int, default=10_000)
    parser.add_argument("--columns", type=int, default=29, help="beside the target")
    given = parser.parse_args()
    found: dict[str, Any] = {}
    if given.data:
        found["tables"] = tables(given.data, given.draws)
    if given.scale or not given.data:
        found["scale"] = scale(given.rows, given.real, given.columns)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
