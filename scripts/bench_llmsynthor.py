"""Figures of LLMSynthor beside the paper's: what alignment carries, and what the model's plans and groups add to it.

scripts/bench_llmsynthor.py                     e-commerce, 2,000 rows, 3 seeds, every variant
scripts/bench_llmsynthor.py --data FOLDER       adult.csv (400 train rows) and heart_cleveland.csv (200), splits 0-2, 1,000 rows
scripts/bench_llmsynthor.py --scale             1,000,000 rows: seconds and memory after the plan
--variants aligned,faithful --seeds 0,1,2 --threads 2 --model smollm2-135m|uniform
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
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from bench_metrics import TABLES, _typed, nothing_broken
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

from localsynth.core.columns import IdentifierColumn
from localsynth.core.events import BatchStarted, Notice
from localsynth.core.judging import Case
from localsynth.core.recipe import Recipe
from localsynth.core.schema import Schema
from localsynth.metrics.judge import judge
from localsynth.metrics.registry import METRICS
from localsynth.store.ecommerce import draw
from localsynth.store.rules import RuleChecker
from localsynth.tables import arrow_schema
from localsynth.workspace import Workspace

Array: TypeAlias = np.ndarray[Any, Any]
Figures: TypeAlias = dict[str, float]
RECIPES = Path(__file__).resolve().parents[1] / "recipes"
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "aligned": {},
    "faithful": {"mode": "faithful"},
    "random plans": {"plans": "random"},
    "shuffled plans": {"shuffle_plans": True},
    "no plans": {"plans": "none"},
    "no model groups": {"groups": "strongest"},
    "no plans or groups": {"plans": "none", "groups": "strongest"},
    "independent start": {"start": "independent"},
    "independent, no plans": {"start": "independent", "plans": "none"},
}
#: Published (arXiv 2505.14752v2, table 1; GPT-4.1-nano). Which columns [L, M] are is not said; most likely these.
PAPER: Figures = {
    "price_w1": 12.76, "age_w1": 1.13, "gender_tvd": 0.002, "tier_tvd": 0.002, "category_tvd": 0.010, "payment_tvd": 0.003,
    "jsd_age_gender_category": 0.071, "jsd_category_price": 0.134, "jsd_tier_payment": 0.007, "rule_rejects": 0.005,
}  # fmt: skip
JOINT = (("age", "gender", "category"), ("category", "price"), ("tier", "payment"))
JUDGES = ("columns", "copies", "detection", "distances", "pairs", "utility")
SHOWN = (
    "tstr_rf_auc", "tstr_lr_accuracy", "tstr_lr_auc", "tstr_gb_auc", "c2st_rf_auc", "column_shapes", "pair_trends",
    "exact_copies", "dcr_share",
)  # fmt: skip


class Maker:
    """Runs in throw-away workspaces."""

    def __init__(self, model: str, threads: int | None) -> None:
        self.model, self.threads = model, threads

    def make(
        self,
        space: Workspace,
        params: Mapping[str, Any],
        rows: int,
        seed: int,
        on_event: Callable[[Any], None] | None = None,
    ) -> tuple[pa.Table, Figures]:
        """The rows of a run, with how many were refused and how long it took."""
        recipe = Recipe.model_validate(
            {
                "rows": rows,
                "seed": seed,
                "dataset": {"name": "t"},
                "model": {"name": self.model, "threads": self.threads},
                "method": {"name": "llmsynthor", **params},
            }
        )
        began = time.perf_counter()
        run = space.run(recipe, on_event=on_event)
        seconds = time.perf_counter() - began
        refused = space.sql_arrow(f"select count(*) as n from meta.rejects where run_id = '{run.run_id}'")
        table = space.rows_arrow(run)
        return table, {
            "rows": float(table.num_rows),
            "refused": float(refused["n"][0].as_py()),
            "seconds": round(seconds, 1),
        }


# --- e-commerce -----------------------------------------------------------------------------------------------------


def ecommerce(maker: Maker, seed: int, variants: Sequence[str], rows: int) -> dict[str, Figures]:
    """Every variant with one seed: variant -> figure -> value."""
    schema = Schema.load(RECIPES / "ecommerce.schema.toml")
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        space = Workspace(folder)
        space.import_sample("ecommerce", name="t", holdout=0.0, policy="statistics", schema=schema)
        real = space.sql_arrow('select * exclude (row_id) from real."t" order by row_id')
        fresh = draw(2000, seed=1000 + seed)
        for variant in variants:
            made, figures = maker.make(space, VARIANTS[variant], rows, seed)
            made = made.select(real.column_names)
            found[variant] = figures | against(schema, real, made) | unseen(schema, real, fresh, made, seed)
            print(f"seed {seed} {variant}: {found[variant]}", file=sys.stderr, flush=True)
        found["real, fresh"] = against(schema, real, fresh)
    return found


def against(schema: Schema, real: pa.Table, made: pa.Table) -> Figures:
    """The paper's figures: distances of single columns, joint divergences, share of rows that break a rule."""
    checker = RuleChecker(schema)
    target = arrow_schema(schema)
    broken = checker.violations(made.select(target.names).cast(target))
    checker.close()
    found = {
        f"{name}_w1": float(wasserstein_distance(real[name].to_numpy(), made[name].to_numpy()))
        for name in ("price", "age")
    }
    for name in ("gender", "tier", "category", "payment", "discount", "value"):
        one, other = (_counts(_codes(real[name], table[name], 0)) for table in (real, made))
        size = max(len(one), len(other))
        shares = [np.pad(c, (0, size - len(c))) / c.sum() for c in (one, other)]
        found[f"{name}_tvd"] = float(np.abs(shares[0] - shares[1]).sum() / 2)
    for columns in JOINT:
        name = "_".join(columns)
        found[f"jsd_{name}"] = _jsd(real, made, columns, 6, quantiles=True)
        found[f"jsd20_{name}"] = _jsd(real, made, columns, 20, quantiles=False)
    found["rule_rejects"] = float(broken.any(axis=1).mean())
    return found


def _codes(real: pa.ChunkedArray, cells: pa.ChunkedArray, bins: int, *, quantiles: bool = True) -> Array:
    """Places in the list of the real values, or bins between quantiles of them or of equal width."""
    if pa.types.is_string(real.type):
        known = {word: at for at, word in enumerate(sorted(set(real.to_pylist())))}
        return np.array([known.setdefault(word, len(known)) for word in cells.to_pylist()])
    values = real.to_numpy()
    edges = (
        np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1])
        if quantiles
        else np.linspace(values.min(), values.max(), bins + 1)[1:-1]
    )
    return np.digitize(cells.to_numpy(), np.unique(edges))


def _counts(codes: Array) -> Array:
    return np.bincount(codes)


def _jsd(real: pa.Table, made: pa.Table, columns: Sequence[str], bins: int, *, quantiles: bool) -> float:
    """Jensen-Shannon distance, base 2: the root of the divergence, so no less than it."""
    flat = []
    for table in (real, made):
        code = np.zeros(table.num_rows, np.int64)
        for name in columns:
            code = code * 64 + _codes(real[name], table[name], bins, quantiles=quantiles)
        flat.append(code)
    cells = np.unique(np.concatenate(flat), return_inverse=True)[1]
    one, other = cells[: len(flat[0])], cells[len(flat[0]) :]
    return float(
        jensenshannon(*(np.bincount(part, minlength=cells.max() + 1) for part in (one, other)), base=2)
    )


def unseen(schema: Schema, real: pa.Table, fresh: pa.Table, made: pa.Table, seed: int) -> Figures:
    """Against rows of the generator that the targets never saw."""
    scores = scored(schema, real, fresh, made, seed, ("detection", "pairs", "columns"))
    return {f"fresh_{name}": scores[name] for name in ("c2st_rf_auc", "pair_trends", "column_shapes")}


def scored(
    schema: Schema, train: pa.Table, holdout: pa.Table, made: pa.Table, seed: int, metrics: Sequence[str]
) -> Figures:
    """The project's own metrics, those of the whole table."""
    keep = [column.name for column in schema.columns if not isinstance(column, IdentifierColumn)]
    types = arrow_schema(schema, keep)
    train, holdout, made = (table.select(keep).cast(types) for table in (train, holdout, made))
    case = Case(
        schema=schema,
        rows=train.slice(0, 0),
        train=train,
        holdout=holdout,
        seed=seed,
        violations=nothing_broken,
        threads=len(os.sched_getaffinity(0)),
    )
    found = {}
    for judged in judge(case, {"made": made}, [METRICS.make(name) for name in metrics]):
        score = judged.score
        whole = score.column_a is None and score.item is None
        if judged.subject == "made" and whole and score.value is not None:
            found[score.metric] = score.value
    return found


# --- real tables ----------------------------------------------------------------------------------------------------


def real_tables(
    maker: Maker, data: Path, splits: Sequence[int], variants: Sequence[str], names: Sequence[str]
) -> dict[str, dict[str, list[Figures]]]:
    """Table -> variant -> figures of each split."""
    import pandas as pd
    from sklearn.model_selection import train_test_split

    found: dict[str, dict[str, list[Figures]]] = {name: defaultdict(list) for name in names}
    for name in names:
        file, target, size, most = TABLES[name]
        frame = pd.read_csv(data / file)
        for split in splits:
            train, test = train_test_split(frame, train_size=size, random_state=split, stratify=frame[target])
            if most is not None:
                test = test.sample(most, random_state=split)
            with tempfile.TemporaryDirectory() as folder:
                space = Workspace(folder)
                dataset = space.import_frame(train.reset_index(drop=True), "t", target=target, holdout=0.0)
                types = arrow_schema(dataset.schema)
                real = space.sql_arrow('select * exclude (row_id) from real."t" order by row_id')
                real = real.select(types.names).cast(types)
                for variant in variants:
                    made, figures = maker.make(space, VARIANTS[variant], 1000, split)
                    figures |= scored(dataset.schema, real, _typed(test, types), made, split, JUDGES)
                    found[name][variant].append(
                        {key: figures[key] for key in ("seconds", *SHOWN) if key in figures}
                    )
                    print(
                        f"{name} split {split} {variant}: {found[name][variant][-1]}",
                        file=sys.stderr,
                        flush=True,
                    )
    return found


# --- scale ----------------------------------------------------------------------------------------------------------


def scale(maker: Maker, rows: int) -> dict[str, Any]:
    """A long run of the e-commerce table: time and memory after the plan."""
    with tempfile.TemporaryDirectory() as folder:
        space = Workspace(folder)
        schema = Schema.load(RECIPES / "ecommerce.schema.toml")
        space.import_sample("ecommerce", name="t", holdout=0.0, policy="statistics", schema=schema)
        real = space.sql_arrow('select * exclude (row_id) from real."t" order by row_id')
        first: list[float] = []
        told: list[str] = []

        def listen(event: Any) -> None:
            if isinstance(event, BatchStarted):
                first.append(time.perf_counter())
            elif isinstance(event, Notice):
                told.append(event.text)

        made, figures = maker.make(space, {}, rows, 0, listen)
        after = time.perf_counter() - first[0]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        return {
            "rows": made.num_rows,
            "batches": len(first),
            "seconds_after_plan": round(after, 1),
            "seconds": figures["seconds"],
            "refused": figures["refused"],
            "peak_mb": peak,
            "told": told,
            **against(schema, real, made.select(real.column_names)),
        }


# --- printing -------------------------------------------------------------------------------------------------------


def spread(runs: Sequence[Figures]) -> dict[str, list[float]]:
    """Mean and standard deviation of every figure."""
    return {
        name: [statistics.mean(values), statistics.stdev(values) if len(values) > 1 else 0.0]
        for name in runs[0]
        if len(values := [run[name] for run in runs if name in run]) == len(runs)
    }


def show(
    title: str, found: Mapping[str, Mapping[str, Sequence[float]]], beside: Figures | None = None
) -> None:
    """A table on stderr, one column per variant."""
    names = list(dict.fromkeys(name for figures in found.values() for name in figures))
    print(
        f"\n{title:<28}" + "".join(f"{v[:18]:>20}" for v in found) + (f"{'paper':>10}" if beside else ""),
        file=sys.stderr,
    )
    for name in names:
        cells = [f"{f[name][0]:.4f} ±{f[name][1]:.4f}" if name in f else "-" for f in found.values()]
        last = f"{beside[name]:>10}" if beside and name in beside else ""
        print(f"  {name:<26}" + "".join(f"{cell:>20}" for cell in cells) + last, file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of adult.csv and heart_cleveland.csv")
    parser.add_argument("--tables", default="adult,heart", help="which of them")
    parser.add_argument("--scale", action="store_true")
    parser.add_argument("--rows", type=int, help="2,000 of e-commerce, 1,000,000 with --scale")
    parser.add_argument("--variants", default="", help=f"of: {', '.join(VARIANTS)}; all by default")
    parser.add_argument("--seeds", default="0,1,2", help="or splits")
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--threads", type=int)
    given = parser.parse_args()
    maker = Maker(given.model, given.threads)
    seeds = [int(seed) for seed in given.seeds.split(",")]
    variants = [v.strip() for v in given.variants.split(",") if v.strip()] or list(VARIANTS)
    found: dict[str, Any] = {}
    if given.scale:
        found["scale"] = scale(maker, given.rows or 1_000_000)
    elif given.data:
        runs = real_tables(maker, given.data, seeds, variants, given.tables.split(","))
        found = {name: {v: spread(r) for v, r in own.items()} for name, own in runs.items()}
        for name, own in found.items():
            show(name, own)
    else:
        every = [ecommerce(maker, seed, variants, given.rows or 2000) for seed in seeds]
        found["ecommerce"] = {v: spread([one[v] for one in every]) for v in every[0]}
        show("e-commerce", found["ecommerce"], PAPER)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
