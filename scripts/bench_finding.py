"""How long it takes to find dependencies, keys and rules, and how many are found where there are none.

Tables: the samples, generated ones (60 columns of 5,000 rows, 10 columns of a million), and files that are named. In a
shuffled table each column is permuted by itself: what is found there is an accident.

    python scripts/bench_finding.py --files adult.csv heart.csv --shuffles 5 --json
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from localsynth.core.finding import Found
from localsynth.core.schema import Schema
from localsynth.core.seeds import derive
from localsynth.store import datasets, samples
from localsynth.store.finding import find
from localsynth.store.session import Store


def wide(rows: int = 5_000, columns: int = 60) -> pa.Table:
    """Noise of many sizes, and: a code tells another, two together a third, two amounts their sum."""
    rng = np.random.default_rng(derive(0, "bench", "wide"))
    made: dict[str, Any] = {}
    for at in range(columns - 8):
        size = (2, 5, 16, 40, 100, 1000)[at % 6]
        values = rng.integers(0, size, rows)
        made[f"c{at}"] = [f"v{value}" for value in values] if size < 50 else values
    zone, kind = rng.integers(0, 200, rows), rng.integers(0, 6, rows)
    net, tax = rng.gamma(2, 10, rows).round(2), rng.gamma(2, 3, rows).round(2)
    return pa.table(
        made
        | {
            "zone": zone,
            "town": [f"t{value // 4}" for value in zone],
            "kind": [f"k{value}" for value in kind],
            "grade": [f"g{value}" for value in (zone * 7 + kind * 13) % 11],
            "net": net,
            "tax": tax,
            "total": (net + tax).round(2),
            "late": [None if value == 0 else int(value) for value in kind],
        }
    )


def long(rows: int = 1_000_000) -> pa.Table:
    """Ten columns; one code tells another."""
    rng = np.random.default_rng(derive(0, "bench", "long"))
    made = {f"c{at}": rng.integers(0, (5, 16, 40, 1000)[at % 4], rows) for at in range(8)}
    zone = rng.integers(0, 2000, rows)
    return pa.table(made | {"zone": zone, "town": zone // 4})


def tables(files: list[Path]) -> Iterator[tuple[str, pa.Table, Schema]]:
    """Name, train rows, and schema as it is inferred."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.create(Path(folder) / "ws")
        for path in files:
            dataset = datasets.import_file(store, path)
            yield path.stem, datasets.train_table(store, dataset.name), dataset.schema
        for name in samples.sample_names():
            dataset = datasets.import_sample(store, name)
            yield name, datasets.train_table(store, dataset.name), dataset.schema
        for name, table in (("wide", wide()), ("long", long())):
            dataset = datasets.import_table(store, table, name, holdout=0.0)
            yield name, datasets.train_table(store, name), dataset.schema


def shuffled(table: pa.Table, seed: int) -> pa.Table:
    """Each column permuted by itself."""
    rng = np.random.default_rng(derive(seed, "bench", "shuffled"))
    return pa.table(
        {name: table[name].take(pa.array(rng.permutation(table.num_rows))) for name in table.column_names}
    )


def timed(name: str, table: pa.Table, schema: Schema) -> tuple[dict[str, Any], Found]:
    """One search."""
    start = time.perf_counter()
    found = find(table, schema)
    return {
        "table": name,
        "rows": table.num_rows,
        "columns": table.num_columns,
        "seconds": round(time.perf_counter() - start, 2),
        "dependencies": len(found.dependencies),
        "keys": len(found.keys),
        "rules": len(found.rules),
        "left_out": len(found.left_out),
    }, found


def accidents(found: Found) -> int:
    """What was found of a shuffled table; an identifier stays a key however it is shuffled."""
    keys = [key for key in found.keys if len(key.columns) > 1]
    return len(found.dependencies) + len(found.rules) + len(keys)


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--files", nargs="*", type=Path, default=[], help="tables of your own")
    parser.add_argument(
        "--shuffles", type=int, default=3, help="how often each table is shuffled (but for the longest)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    results, wrong, tried = [], 0, 0
    for name, table, schema in tables(given.files):
        result, _ = timed(name, table, schema)
        again = given.shuffles if table.num_rows <= 100_000 else min(given.shuffles, 1)
        found = [accidents(timed(name, shuffled(table, seed), schema)[1]) for seed in range(again)]
        results.append({**result, "shuffled": again, "accidents": sum(found)})
        wrong, tried = wrong + sum(found), tried + again
        if not given.json:
            print("  ".join(f"{key} {value}" for key, value in results[-1].items()), flush=True)
    if given.json:
        print(json.dumps({"tables": results, "shuffled": tried, "accidents": wrong}, indent=2))
    else:
        print(f"{wrong} found in {tried} shuffled tables")
    return 0


if __name__ == "__main__":
    sys.exit(main())
