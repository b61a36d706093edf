#!/usr/bin/env python3
"""Figures of MALLM-GAN: does the game move, and what are rows worth beside few-shot, the faithful mode, a control, references.

scripts/bench_mallm.py --data FOLDER --tables adult:200,adult:400,heart:200,asia:400 --splits 0,1,2 --variants default,few-shot
Weighted F1 is the mean of logistic regression, a random forest of depth 3, a support vector classifier and boosted trees.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from bench_llmsynthor import JUDGES, SHOWN, scored
from bench_metrics import TABLES, _typed, nothing_broken

from localsynth.core.columns import IdentifierColumn
from localsynth.core.dataset import Dataset
from localsynth.core.events import Notice
from localsynth.core.recipe import Recipe
from localsynth.methods.mallm_gan.graph import Graph, distance
from localsynth.store import runs as records
from localsynth.store.asia import ASIA_EDGES, draw
from localsynth.tables import arrow_schema
from localsynth.workspace import Workspace
from localsynth.workspace.evaluate import reference_rows

VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "few-shot": {"rounds": 0, "align": False, "drop_near": False, "surplus": 1.0},
    "no game": {"rounds": 0},
    "control": {"shuffled": True},
    "faithful": {"mode": "faithful"},
    "faithful, free": {"mode": "faithful", "grammar": False},
}
REFERENCES = ("independent", "gaussian-copula", "bootstrap")


def weighted_f1(train: pd.DataFrame, test: pd.DataFrame, target: str) -> float:
    """Trained on the one, tried on the other; the mean over four classifiers."""
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    from sklearn.svm import SVC

    if train[target].nunique() < 2:
        return float("nan")
    numbers = [name for name in train.columns if name != target and train[name].dtype.kind in "if"]
    words = [name for name in train.columns if name != target and name not in numbers]
    fill = train[numbers].median()
    x, y = [frame.fillna(fill).astype(dict.fromkeys(words, str)) for frame in (train, test)]
    found = []
    for model in (
        LogisticRegression(max_iter=3000),
        RandomForestClassifier(max_depth=3, random_state=0),
        SVC(),
        GradientBoostingClassifier(n_estimators=100, learning_rate=0.1, max_depth=3, random_state=0),
    ):
        encode = make_column_transformer(
            (StandardScaler(), numbers), (OneHotEncoder(handle_unknown="ignore"), words)
        )
        learnt = make_pipeline(encode, model).fit(x.drop(columns=target), x[target].astype(str))
        said = learnt.predict(y.drop(columns=target))
        found.append(f1_score(y[target].astype(str), said, average="weighted"))
    return float(np.mean(found))


def parted(name: str, size: int, split: int, data: str) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Train rows, test rows, target."""
    from sklearn.model_selection import train_test_split

    if name == "asia":
        frame = draw(size + 1_000, split).to_pandas()
        return frame.iloc[:size], frame.iloc[size:], "dysp"
    file, target, _, most = TABLES[name]
    frame = pd.read_csv(Path(data) / file)
    train, test = train_test_split(frame, train_size=size, random_state=split, stratify=frame[target])
    return train, test if most is None else test.sample(most, random_state=split), target


def one(
    space: Workspace, args: argparse.Namespace, params: Mapping[str, Any], size: int, split: int
) -> tuple[Any, float]:
    recipe = Recipe.model_validate(
        {
            "rows": args.rows or size,
            "seed": split,
            "dataset": {"name": "t", "policy": "rows"},
            "model": {"name": args.model, "threads": args.threads},
            "method": {"name": "mallm-gan", **params},
        }
    )

    def tell(event: object) -> None:
        if isinstance(event, Notice):
            print("   ", event.text, file=sys.stderr, flush=True)

    began = time.perf_counter()
    run = space.run(recipe, on_event=tell)
    return run, time.perf_counter() - began


def game_of(space: Workspace, run: Any) -> dict[str, Any]:
    """What the stored state tells of the game."""
    found = records.checkpoint(space.store, run.run_id)
    state = found[1]["method"] if found is not None else {}
    game = state.get("game")
    if not game:
        return {}
    told = {f"worth_{key}": value for key, value in (game["worth"] or {}).items()}
    names = game["names"]
    if set(names) == {name for edge in ASIA_EDGES for name in edge}:
        truth = Graph.of(names, ASIA_EDGES)
        first, last = (Graph.load(names, game[key]["graph"]) for key in ("start", "theta"))
        told |= {"shd_first": float(distance(first, truth)), "shd_last": float(distance(last, truth))}
        told |= {"edges_first": float(len(first.edges)), "edges_last": float(len(last.edges))}
    told |= {
        "calls": game["spent"]["calls"],
        "tokens": game["spent"]["tokens"],
        "game_seconds": game["spent"]["seconds"],
    }
    return told


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="", help="folder of adult.csv and heart_cleveland.csv")
    parser.add_argument("--tables", default="adult:200,adult:400,heart:200,asia:400")
    parser.add_argument("--splits", default="0,1,2")
    parser.add_argument("--variants", default="default", help=f"of: {', '.join(VARIANTS)}")
    parser.add_argument(
        "--references", action="store_true", help=f"also {', '.join(REFERENCES)} and the real train rows"
    )
    parser.add_argument(
        "--rows", type=int, default=0, help="synthetic rows; as many as train rows by default"
    )
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    found: dict[str, dict[str, list[dict[str, float]]]] = defaultdict(lambda: defaultdict(list))
    for table in args.tables.split(","):
        name, size = table.split(":")[0], int(table.split(":")[1])
        for split in map(int, args.splits.split(",")):
            train, test, target = parted(name, size, split, args.data)
            with tempfile.TemporaryDirectory() as folder:
                space = Workspace(folder)
                dataset = space.import_frame(
                    train.reset_index(drop=True), "t", target=target, holdout=0.0, policy="rows"
                )
                schema = dataset.schema
                keep = [c.name for c in schema.columns if not isinstance(c, IdentifierColumn)]
                types = arrow_schema(schema, keep)
                real = space.sql_arrow('select * exclude (row_id) from real."t" order by row_id')
                real = real.select(keep).cast(types)
                held = _typed(test, types)
                made: dict[str, tuple[Any, dict[str, float]]] = {}
                for variant in filter(None, args.variants.split(",")):
                    run, seconds = one(space, args, VARIANTS[variant], size, split)
                    rows = space.rows_arrow(run).select(keep)
                    made[variant] = (
                        rows,
                        {"seconds": seconds, "rows": float(rows.num_rows), **game_of(space, run)},
                    )
                if args.references:
                    kinds = Dataset("t", schema, dataset.policy, size, size, 0, None, dataset.imported_at)
                    for reference in REFERENCES:
                        rows = reference_rows(
                            reference, kinds, real, args.rows or size, split, nothing_broken
                        )
                        made[reference] = rows.select(keep), {"rows": float(rows.num_rows)}
                    made["real"] = real, {"rows": float(real.num_rows)}
                for variant, (rows, figures) in made.items():
                    if rows.num_rows >= 10:
                        judged = scored(schema, real, held, rows, split, JUDGES)
                        keys = (*SHOWN, "near_copies", "near_copies_holdout")
                        figures |= {key: judged[key] for key in keys if key in judged}
                        figures["f1"] = weighted_f1(rows.to_pandas(), held.to_pandas(), target)
                    found[table][variant].append(figures)
                    shown = {key: round(value, 3) for key, value in figures.items()}
                    print(f"{table} split {split} {variant}: {shown}", file=sys.stderr, flush=True)
    print(json.dumps(found))
    for table, variants in found.items():
        for variant, runs in variants.items():
            keys = list(dict.fromkeys(key for run in runs for key in run))
            told = {}
            for key in keys:
                values = [run[key] for run in runs if key in run]
                told[key] = f"{np.mean(values):.3f}+-{np.std(values):.3f}"
            print(f"{table} {variant}: {told}")


if __name__ == "__main__":
    main()
