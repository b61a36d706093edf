"""The script that measures the search: its tables hold what they are said to hold, and shuffled ones nothing."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from localsynth.core.schema import Schema
from localsynth.store import datasets
from localsynth.store.session import Store

PATH = Path(__file__).resolve().parents[2] / "scripts" / "bench_finding.py"


def test_what_it_times_and_counts(store: Store) -> None:
    spec = importlib.util.spec_from_file_location("bench_finding", PATH)
    assert spec is not None
    assert spec.loader is not None
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)

    def look(name: str, rows: object) -> tuple[dict[str, object], object, Schema]:
        schema = datasets.import_table(store, rows, name, holdout=0.0).schema
        result, found = bench.timed(name, datasets.train_table(store, name), schema)
        return result, found, schema

    wide = bench.wide(2000, 14)
    result, found, _ = look("wide", wide)
    assert (result["rows"], result["columns"]) == (2000, 14)
    assert "zone -> town" in {one.name for one in found.dependencies}
    assert "total is net + tax" in {rule.name for rule in found.rules}
    assert bench.accidents(found) >= 3
    assert bench.accidents(look("shuffled", bench.shuffled(wide, 1))[1]) == 0
    assert "zone -> town" in {one.name for one in look("long", bench.long(4000))[1].dependencies}
