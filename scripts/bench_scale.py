"""What a row costs as a table grows: seconds, decoded tokens and memory for ever more rows of one table.

The table's leading columns have few values, so rows share their beginnings; sampled one by one, every row would cost all
of its tokens. ``ratio_tokens_one_by_one`` says how many times fewer the engine decodes.

    python scripts/bench_scale.py --rows 1000 10000 100000 --json
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from localsynth.core.contracts import Engine
from localsynth.core.errors import LocalsynthError
from localsynth.engine import open_engine
from localsynth.engine.catalog import Catalog
from localsynth.engine.layout import layout_for
from localsynth.workspace.benchtables import BenchTable, six_columns
from localsynth.workspace.benchturns import memory_bound_mb, peak_mb, weights_of

COLUMNS: tuple[str, ...] = (
    "rows",
    "seconds",
    "seconds_per_row",
    "tokens_per_row",
    "tokens_one_by_one_per_row",
)
COLUMNS += ("ratio_tokens_one_by_one", "peak_rss_mb")
_AT_ONCE = 5_000  # texts whose tokens are counted in one question


def step(engine: Engine, table: BenchTable, rows: int) -> dict[str, Any]:
    """One call for ``rows`` rows."""
    (sample,), usage = engine.sample([table.request(rows, 1)], progress_of(rows))
    alone = one_by_one(engine, sample.texts)
    return {
        "rows": rows,
        "seconds": usage.seconds,
        "seconds_per_row": usage.seconds / rows,
        "tokens_per_row": usage.decoded_tokens / rows,
        "tokens_one_by_one_per_row": alone / rows,
        "ratio_tokens_one_by_one": alone / usage.decoded_tokens,
        "peak_rss_mb": peak_mb(engine),
    }


def one_by_one(engine: Engine, texts: tuple[str, ...]) -> int:
    """Tokens of all texts together, their line ends left out: those are never decoded, whichever way rows are made."""
    counts = Counter(text.rstrip("\n") for text in texts)
    different, total = list(counts), 0
    for at in range(0, len(different), _AT_ONCE):
        some = different[at : at + _AT_ONCE]
        total += sum(
            counts[text] * tokens for text, tokens in zip(some, engine.count_tokens(some), strict=True)
        )
    return total


def progress_of(rows: int) -> Any:
    """Says on a terminal how far it is."""
    if not sys.stderr.isatty():
        return None
    return lambda done, _wanted: print(f"\r{done:,} of {rows:,} rows", end="", file=sys.stderr, flush=True)


def shown(found: dict[str, Any]) -> str:
    """A table for people."""
    lines = ["  ".join(COLUMNS)]
    for made in found["steps"]:
        cells = (f"{made[name]:.4g}" if isinstance(made[name], float) else made[name] for name in COLUMNS)
        lines.append("  ".join(f"{cell!s:>{len(name)}}" for cell, name in zip(cells, COLUMNS, strict=True)))
    lines += [f"{key:26} {value}" for key, value in found.items() if key != "steps"]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--threads", type=int, help="default: as tuned, else all cores")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    if min(options.rows) < 1:
        parser.error("every number of rows must be at least 1")
    try:
        model = Catalog().get(options.model)
        layout, table = layout_for(model, options.threads), six_columns()
        with closing(open_engine(model, layout=layout)) as engine:
            engine.sample([table.request(8, 0)])  # the prompt is read, the grammar compiled
            steps = [step(engine, table, rows) for rows in options.rows]
            info = engine.info()
        weights = weights_of(model, layout)
    except LocalsynthError as error:
        sys.exit(f"error: {error.message}. {error.hint}")
    costs = [made["seconds_per_row"] for made in steps]
    found = {
        "date": datetime.now(UTC).date().isoformat(),
        "model": model.name,
        "file": weights.path.name,
        "setup": info.setup,
        "threads": info.threads,
        "columns": [column.name for column in table.columns],
        "steps": steps,
        "cost_growth": costs[-1] / costs[0],  # of a row, from the first number of rows to the last
        "memory_bound_mb": memory_bound_mb(weights),
        "notes": list(info.notes),
    }
    print(json.dumps(found) if options.json else shown(found))


if __name__ == "__main__":
    main()
