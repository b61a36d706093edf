"""How long a page of rows takes, and how much memory, in a table of millions: views beside plain pages.

Each way to read is tried in a process of its own. Memory is the most that was held above what the process held before its
first page, with its libraries loaded; of ways that filter or sort, ``open_s`` and ``open_mb`` are those of reading the order.
Pages lie anywhere in the table, or follow each other (scroll). The note is a free text, the dearest column to fetch.

    python scripts/bench_browse.py --rows 10000000 --json
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from localsynth.core.dataset import Dataset
from localsynth.core.run import Exposure
from localsynth.core.schema import Schema
from localsynth.store import catalogue, clock
from localsynth.store.session import Store
from localsynth.workspace import Workspace

SCHEMA = Schema.from_toml(
    """
columns = [
  { name = "id", kind = "integer", range = [0, 1000000000] },
  { name = "age", kind = "integer", range = [0, 120] },
  { name = "income", kind = "float", range = [0.0, 1000000.0], decimals = 2 },
  { name = "city", kind = "categorical", categories = ["Bern", "Kyiv", "Lund", "Oslo", "Pisa", "Rome", "Sofia", "Wien"] },
  { name = "member", kind = "boolean" },
  { name = "day", kind = "date", range = ["2000-01-01", "2030-01-01"] },
  { name = "note", kind = "text" },
]
"""
)
FILL = """
INSERT INTO real.big SELECT
  i + 1, i, (hash(i) % 121)::BIGINT, (hash(i * 7) % 100000000) / 100.0,
  ['Bern', 'Kyiv', 'Lund', 'Oslo', 'Pisa', 'Rome', 'Sofia', 'Wien'][(1 + hash(i * 3) % 8)::BIGINT],
  hash(i * 13) % 3 = 0, DATE '2000-01-01' + (hash(i * 5) % 10000)::INTEGER, 'note number ' || (hash(i * 11) % 1000000)
FROM range({rows}) t(i)
"""
NO_NOTE = tuple(name for name in SCHEMA.names if name != "note")
COLUMNS = ("way", "open_s", "open_mb", "p50_ms", "p95_ms", "max_ms", "cpu_ms", "peak_mb")
#: where, order, rows of a page, columns, pages that follow each other; None for a plain page.
WAYS: dict[str, tuple[str | None, tuple[tuple[str, bool], ...], int, tuple[str, ...] | None, bool] | None] = {
    "plain page, anywhere": None,
    "view, anywhere": (None, (), 200, None, False),
    "view, scroll": (None, (), 200, None, True),
    "filtered (3 of 4), anywhere": ("age > 30", (), 200, None, False),
    "filtered (1 of 1,000), anywhere": ("age = 3 AND city = 'Oslo'", (), 200, None, False),
    "sorted, 100 rows, no note, anywhere": (None, (("income", True),), 100, NO_NOTE, False),
    "sorted, 100 rows, anywhere": (None, (("income", True),), 100, None, False),
    "sorted, 1,000 rows, anywhere": (None, (("income", True),), 1_000, None, False),
}


def make(folder: Path, rows: int) -> None:
    """A workspace with one large dataset."""
    store = Store.create(folder)
    dataset = Dataset("big", SCHEMA, Exposure.ROWS, rows, rows, 0, "made", clock.aware(clock.now()), True)
    with store.write() as con:
        catalogue.put(con, dataset, 0)
        con.execute(FILL.format(rows=rows))


def held_mb(name: str) -> float:
    """A figure of this process, such as VmRSS or VmHWM, in millions of bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def forget_peak() -> None:
    """The most memory held is from now on counted anew."""
    Path("/proc/self/clear_refs").write_text("5")


def measure(folder: Path, way: str, pages: int) -> dict[str, Any]:
    """One way to read, in this process."""
    space = Workspace(folder)
    rows = space.count(("real", "big"))
    first = space.browse("big", kind="real")  # loads the libraries
    first.rows(0, 1)
    first.release()
    before, chance = held_mb("VmRSS"), random.Random(0)
    found: dict[str, Any] = {"way": way}
    wanted = WAYS[way]
    page: Callable[[int], Any]
    if wanted is None:
        size, total, scroll = 200, rows, False

        def page(at: int) -> Any:
            return space.page(("real", "big"), at, size)

    else:
        where, order, size, columns, scroll = wanted
        forget_peak()
        start = time.perf_counter()
        view = space.browse("big", kind="real", where=where, order=order)
        found |= {"open_s": time.perf_counter() - start, "open_mb": held_mb("VmHWM") - before}
        total = view.total

        def page(at: int) -> Any:
            return view.rows(at, size, columns=columns)

    forget_peak()
    times, cpu = [], []
    for number in range(pages):
        at = total // 2 + number * size if scroll else chance.randrange(max(1, total - size))
        start, used = time.perf_counter(), time.process_time()
        page(at)
        times.append((time.perf_counter() - start) * 1e3)
        cpu.append((time.process_time() - used) * 1e3)
    times.sort()
    return found | {
        "p50_ms": times[pages // 2],
        "p95_ms": times[int(pages * 0.95)],
        "max_ms": times[-1],
        "cpu_ms": sorted(cpu)[pages // 2],
        "peak_mb": held_mb("VmHWM") - before,
    }


def shown(found: dict[str, Any]) -> str:
    """A table for people."""
    lines = [f"{COLUMNS[0]:36}" + "".join(f"{name:>9}" for name in COLUMNS[1:])]
    for made in found["ways"]:
        cells = (f"{made[name]:9.1f}" if name in made else " " * 9 for name in COLUMNS[1:])
        lines.append(f"{made['way']:36}" + "".join(cells))
    return "\n".join([*lines, f"{found['rows']:,} rows, {found['file_mb']:.0f} MB, {found['cores']} cores"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--pages", type=int, default=60, help="to read in each way")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if min(options.rows, options.pages) < 1:
        parser.error("there must be at least 1 row and 1 page")
    if options.way is not None:
        print(json.dumps(measure(options.folder, options.way, options.pages)))
        return
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "ws"
        make(place, options.rows)
        ways = []
        for way in WAYS:
            own = ["--way", way, "--folder", str(place), "--pages", str(options.pages)]
            done = subprocess.run(
                [sys.executable, __file__, *own], stdout=subprocess.PIPE, text=True, check=True
            )
            ways.append(json.loads(done.stdout))
        size = Store(place).path.stat().st_size / 1e6
    cores = len(os.sched_getaffinity(0))
    found = {"rows": options.rows, "pages": options.pages, "file_mb": size, "cores": cores, "ways": ways}
    print(json.dumps(found) if options.json else shown(found))


if __name__ == "__main__":
    main()
