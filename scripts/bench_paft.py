#!/usr/bin/env python3
"""Figures of PAFT on real tables, step by step: what order, loss, locks, selection and alignment are each worth.

scripts/bench_paft.py --data FOLDER             adult.csv (400 train rows) and heart_cleveland.csv (200), splits 0-2, 1,000 rows
--variants default,bare --splits 0,1,2 --tables adult,heart --model smollm2-135m|uniform
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

from bench_llmsynthor import JUDGES, SHOWN, scored, show, spread
from bench_metrics import TABLES, _typed

from localsynth.core.columns import IdentifierColumn
from localsynth.core.events import Notice
from localsynth.core.recipe import Recipe
from localsynth.store.stages import read_stages
from localsynth.tables import arrow_schema
from localsynth.workspace import Workspace

VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "faithful": {"mode": "faithful"},
    # Each adds one step to the one before; all but the last use the rows as the model writes them.
    "order": {"open_loss": False, "lock": False, "align": False, "surplus": 1.0, "drop_near": False},
    "open loss": {"lock": False, "align": False, "surplus": 1.0, "drop_near": False},
    "locks": {"align": False, "surplus": 1.0, "drop_near": False},
    "guard": {"align": False, "surplus": 1.0},
    "aligned": {"surplus": 1.0},
    "surplus 6": {"surplus": 6.0},
    "in context": {"learn": "in-context", "batch_rows": 1000},
}
#: An adapter fitted by the first of these is used by the others, which differ in sampling alone.
SAME = ("default", "open loss", "locks", "guard", "aligned", "surplus 6")


def make(
    space: Workspace, model: str, params: Mapping[str, Any], rows: int, seed: int, threads: int | None
) -> tuple[Any, dict[str, float], list[str]]:
    """The rows of a run, its figures, and what it said."""
    recipe = Recipe.model_validate(
        {
            "rows": rows,
            "seed": seed,
            "dataset": {"name": "t", "policy": "rows"},
            "model": {"name": model, "threads": threads},
            "method": {"name": "paft", **params},
        }
    )
    said: list[str] = []
    began = time.perf_counter()
    run = space.run(
        recipe, on_event=lambda event: said.append(event.text) if isinstance(event, Notice) else None
    )
    seconds = time.perf_counter() - began
    refused = space.sql_arrow(f"select count(*) as n from meta.rejects where run_id = '{run.run_id}'")
    table = space.rows_arrow(run)
    figures = {
        "rows": float(table.num_rows),
        "refused": float(refused["n"][0].as_py()),
        "seconds": round(seconds, 1),
    }
    return run, figures, said


def real_tables(args: argparse.Namespace) -> dict[str, dict[str, list[dict[str, float]]]]:
    """Table -> variant -> figures of each split."""
    import pandas as pd
    from sklearn.model_selection import train_test_split

    found: dict[str, dict[str, list[dict[str, float]]]] = {}
    for name in args.tables.split(","):
        found[name] = defaultdict(list)
        file, target, size, most = TABLES[name]
        frame = pd.read_csv(Path(args.data) / file)
        for split in map(int, args.splits.split(",")):
            train, test = train_test_split(frame, train_size=size, random_state=split, stratify=frame[target])
            if most is not None:
                test = test.sample(most, random_state=split)
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
                fitted = ""
                for variant in args.variants.split(","):
                    params = dict(VARIANTS[variant])
                    if fitted and variant in SAME:
                        params["adapter"] = fitted
                    run, figures, said = make(space, args.model, params, args.rows, split, args.threads)
                    if variant in SAME and not fitted:
                        ids = space.sql_arrow(
                            "select adapter_id from meta.adapters order by created_at desc limit 1"
                        )
                        fitted = ids["adapter_id"][0].as_py() if ids.num_rows else ""
                    made = space.rows_arrow(run).select(keep)
                    figures |= scored(schema, real, _typed(test, types), made, split, JUDGES)
                    trained = [text for text in said if text.startswith("trained")]
                    if trained:
                        figures["train_seconds"] = float(trained[0].split(" rows in ")[1].split(" s")[0])
                    keys = ("seconds", "train_seconds", "rows", "refused", *SHOWN)
                    judged = {variant: figures}
                    if not params.get("align", True) or params.get("surplus") == 1.0:
                        stages = {}
                    else:
                        stages = read_stages(space.store, run.run_id)
                    for stage, rows in stages.items():
                        rows = rows.select(keep)
                        judged[f"{variant}, {stage}"] = scored(
                            schema, real, _typed(test, types), rows, split, JUDGES
                        )
                    for label, told in judged.items():
                        found[name][label].append({key: told[key] for key in keys if key in told})
                        print(
                            f"{name} split {split} {label}: {found[name][label][-1]}",
                            file=sys.stderr,
                            flush=True,
                        )
                    for text in said:
                        print("   ", text, file=sys.stderr, flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, help="folder of adult.csv and heart_cleveland.csv")
    parser.add_argument("--tables", default="heart,adult")
    parser.add_argument("--splits", default="0,1,2")
    parser.add_argument("--variants", default="default", help=f"of: {', '.join(VARIANTS)}")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    tables = {
        name: {variant: spread(runs) for variant, runs in variants.items()}
        for name, variants in real_tables(args).items()
    }
    print(json.dumps(tables))
    for name, variants in tables.items():
        show(name, variants)


if __name__ == "__main__":
    main()
