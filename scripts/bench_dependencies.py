#!/usr/bin/env python3
"""How often planted dependencies are broken: columns in the order found and locked, in that order only, in a random order.

The table is generated: state -> region, zone (one column on the left), (tier, size) -> fee, (state, tier) -> desk (two). Each
variant's rows are the model's own: no alignment, no guard, no surplus. Two adapters are trained, one for each order; the two
variants of the order found share one.

    python scripts/bench_dependencies.py --rows 10000 --seeds 0,1,2
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from typing import Any

import numpy as np
import pandas as pd

from localsynth.core.events import Notice
from localsynth.core.recipe import Recipe
from localsynth.workspace import Workspace

PLANTED = {
    "state -> region": (["state"], "region"),
    "state -> zone": (["state"], "zone"),
    "tier, size -> fee": (["tier", "size"], "fee"),
    "state, tier -> desk": (["state", "tier"], "desk"),
}
BARE = {"align": False, "surplus": 1.0, "drop_near": False}


def planted(rows: int, seed: int) -> pd.DataFrame:
    """Rows that keep every dependency of ``PLANTED``."""
    rng = np.random.default_rng(seed)
    state, tier, size = rng.integers(0, 12, rows), rng.integers(0, 3, rows), rng.integers(0, 4, rows)
    region, zone = rng.integers(0, 4, 12), rng.integers(0, 3, 12)
    fee, desk = rng.permutation(12).reshape(3, 4), rng.integers(0, 8, (12, 3))
    return pd.DataFrame(
        {
            "desk": [f"desk {desk[a, b]}" for a, b in zip(state, tier, strict=True)],
            "fee": [100 + 25 * int(fee[b, c]) for b, c in zip(tier, size, strict=True)],
            "zone": np.array(["coast", "plain", "hills"])[zone[state]],
            "region": np.array(["north", "south", "east", "west"])[region[state]],
            "size": np.array(["small", "medium", "large", "huge"])[size],
            "tier": np.array(["basic", "plus", "gold"])[tier],
            "state": [f"state {chr(65 + a)}" for a in state],
            "age": rng.integers(18, 90, rows),
        }
    )


def broken(real: pd.DataFrame, made: pd.DataFrame) -> dict[str, float]:
    """Rows for which the real table, or else the made rows' own majority, has another value."""
    found = {}
    for name, (left, right) in PLANTED.items():
        known = real.drop_duplicates([*left, right])[[*left, right]].rename(columns={right: "right"})
        joined = made.merge(known, on=left, how="left")
        usual = made.groupby(left)[right].transform(lambda some: some.mode().iloc[0])
        wanted = joined["right"].where(joined["right"].notna(), usual.to_numpy())
        found[name] = float((joined[right].to_numpy() != wanted.to_numpy()).sum())
    return found


def variant(space: Workspace, args: argparse.Namespace, seed: int, params: dict[str, Any]) -> tuple[str, Any]:
    """The adapter that was used, and the rows."""
    recipe = Recipe.model_validate(
        {
            "rows": args.rows,
            "seed": seed,
            "dataset": {"name": "planted", "policy": "rows"},
            "model": {"name": args.model},
            "method": {"name": "paft", **BARE, **params},
        }
    )

    def tell(event: object) -> None:
        if isinstance(event, Notice):
            print("   ", event.text, file=sys.stderr, flush=True)

    run = space.run(recipe, on_event=tell)
    newest = space.sql_arrow("select adapter_id from meta.adapters order by created_at desc limit 1")
    return newest["adapter_id"][0].as_py() if newest.num_rows else "", space.rows_arrow(run).to_pandas()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--train", type=int, default=400)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--model", default="smollm2-135m")
    args = parser.parse_args()
    found: dict[str, list[dict[str, float]]] = {"locked": [], "order": [], "random order": []}
    for seed in map(int, args.seeds.split(",")):
        real = planted(args.train, seed)
        with tempfile.TemporaryDirectory() as folder:
            space = Workspace(folder)
            space.import_frame(real, "planted", holdout=0.0, policy="rows")
            adapter, rows = variant(space, args, seed, {})
            found["locked"].append(broken(real, rows))
            _, rows = variant(space, args, seed, {"lock": False, **({"adapter": adapter} if adapter else {})})
            found["order"].append(broken(real, rows))
            names = np.random.default_rng(seed).permutation(list(real.columns)).tolist()
            _, rows = variant(space, args, seed, {"lock": False, "discover": False, "order": names})
            found["random order"].append(broken(real, rows))
        for name, runs in found.items():
            print(f"seed {seed} {name}: {runs[-1]} of {args.rows:,} rows", file=sys.stderr, flush=True)
    print(json.dumps({"rows": args.rows, "train": args.train, "broken": found}))


if __name__ == "__main__":
    main()
