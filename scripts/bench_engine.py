"""Rows per second of the engine beside what people would write themselves, in one run, on the same file and threads.

engine      prefix-tree sampling under a grammar (this project)
json loop   ``Llama.create_completion`` once per row with llama.cpp's JSON-schema grammar
plain loop  ``Llama.create_completion`` once per row, no grammar, stopped at the line's end

Each is timed several times, in turns, so that whatever else the machine does meets all of them; medians are told. The
loops run in a process of their own with llama.cpp's default environment. Memory is in millions of bytes.

    python scripts/bench_engine.py --rows 2000 --json
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from localsynth.core.errors import LocalsynthError
from localsynth.engine import open_engine
from localsynth.engine.catalog import Catalog, Model
from localsynth.engine.layout import Layout, layout_for
from localsynth.engine.plainloop import LoopResult
from localsynth.engine.process import available_cores
from localsynth.engine.setup import default_setup
from localsynth.workspace.benchtables import BenchTable, clinic_table, six_columns
from localsynth.workspace.benchturns import (
    LOOPS,
    Turn,
    engine_turn,
    loop_turn,
    memory_bound_mb,
    open_loop,
    peak_mb,
    prefill_rate,
    weights_of,
)

TABLES = {"six": six_columns, "clinic": clinic_table}


def measure(model: Model, layout: Layout, table: BenchTable, options: argparse.Namespace) -> dict[str, Any]:
    """Engine and loops in turns, then the engine beside busy neighbours."""
    weights = weights_of(model, layout)
    results: dict[str, list[LoopResult]] = {name: [] for name in LOOPS}
    turns: list[Turn] = []
    roofs: list[float] = []
    engine = open_engine(model, layout=layout)
    try:
        with open_loop(weights, table.tasks().values()) as loop:
            engine_turn(engine, table, 8, 1)  # the prompt is read, the grammar compiled
            work = OtherWork([os.getpid(), getattr(engine, "pid", 0), loop.pid])
            for repeat in range(options.repeats):
                tell(f"repeat {repeat + 1} of {options.repeats}")
                turns.append(engine_turn(engine, table, options.rows, 100 + repeat))
                roofs.append(prefill_rate(engine) or 0.0)
                for name in LOOPS:
                    results[name].append(
                        loop_turn(loop, table, name, options.loop_seconds, seed=10_000 * repeat)
                    )
            peak, others = peak_mb(engine), work.share()
        rates = {name: [result.rows_per_s for result in made] for name, made in results.items()}
        found = figures(
            turns, statistics.median(roofs), {name: statistics.median(rate) for name, rate in rates.items()}
        )
        for name, made in results.items():
            texts = [text for result in made for text in result.texts]
            found[f"{name}_loop_valid_share"] = sum(table.holds(name, text) for text in texts) / len(texts)
        rates["engine"] = [turn.rows_per_s for turn in turns]
        found["rows_per_s_of_repeats"] = {
            name: [round(one, 2) for one in rate] for name, rate in rates.items()
        }
        found |= {"others_share": others, "peak_rss_mb": peak, "memory_bound_mb": memory_bound_mb(weights)}
        found |= {"setup": engine.info().setup, "threads": engine.info().threads, "file": weights.path.name}
        if options.busy:
            tell(f"beside {options.busy} busy processes")
            with busy(options.busy):
                beside = [
                    engine_turn(engine, table, options.rows, 200 + repeat).rows_per_s
                    for repeat in range(options.repeats)
                ]
            found["busy_rows_per_s"] = statistics.median(beside)
            found["busy_share"] = found["busy_rows_per_s"] / found["rows_per_s"]
        found["notes"] = list(engine.info().notes)
    finally:
        engine.close()
    return found


def figures(turns: list[Turn], roof: float, loops: dict[str, float]) -> dict[str, Any]:
    """Medians, and what follows from them."""
    rate = statistics.median(turn.rows_per_s for turn in turns)
    decoded = statistics.median(turn.tokens / turn.seconds for turn in turns)
    return {
        "seconds": statistics.median(turn.seconds for turn in turns),
        "rows_per_s": rate,
        "ratio_json_loop": rate / loops["json"],
        "ratio_plain_loop": rate / loops["plain"],
        "json_loop_rows_per_s": loops["json"],
        "plain_loop_rows_per_s": loops["plain"],
        "decode_tokens_per_s": decoded,
        "prefill_tokens_per_s": roof,
        "prefill_share": decoded / roof,
        "python_share": statistics.median(turn.python_share or 0.0 for turn in turns),
        "tokens_per_row": statistics.median(turn.written / turn.rows for turn in turns),
    }


class OtherWork:
    """What else the machine does from now on: a measurement it disturbs is no measurement. Ours are the processes given."""

    def __init__(self, ours: list[int]) -> None:
        self._ours, self._before, self._since = ours, self._seconds(ours), time.perf_counter()

    def share(self) -> float | None:
        """Of the cores' time so far, what others took; ``None`` where the system does not tell."""
        now = self._seconds(self._ours)
        if now is None or self._before is None:
            return None
        room = (time.perf_counter() - self._since) * (os.cpu_count() or 1)
        return max(0.0, (now - self._before) / room)

    @staticmethod
    def _seconds(ours: list[int]) -> float | None:
        """Processor seconds all others have used since the system started."""
        try:
            # user, nice, system, idle, iowait, irq, softirq, steal
            every = [
                int(word) for word in Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()[1:9]
            ]
            lines = [Path(f"/proc/{pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split() for pid in ours]
        except OSError:
            return None
        mine = sum(int(fields[11]) + int(fields[12]) for fields in lines)
        return (sum(every) - every[3] - every[4] - mine) / os.sysconf("SC_CLK_TCK")


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Processes that keep a core busy each."""
    neighbours = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for neighbour in neighbours:
            neighbour.kill()
            neighbour.wait()


def chosen_layout(model: Model, file: str, threads: int | None) -> Layout:
    """The model's own file in its default setup, or what tuning found for this machine, if it found anything."""
    if file == "tuned":
        return layout_for(model, threads)
    return Layout(None, model.sha256, model.size, default_setup(model.size, threads or available_cores()))


def tell(text: str) -> None:
    """Talk, on standard error."""
    print(text, file=sys.stderr, flush=True)


def rounded(found: dict[str, Any]) -> dict[str, Any]:
    """Four digits are more than a measurement can tell."""
    return {key: float(f"{value:.4g}") if isinstance(value, float) else value for key, value in found.items()}


def show(found: dict[str, Any], *, as_json: bool) -> None:
    """One JSON object, or a line for each figure."""
    if as_json:
        print(json.dumps(found))
        return
    for key, value in found.items():
        print(f"{key:24} {value}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=2000, help="of each of the engine's turns")
    parser.add_argument("--columns", choices=sorted(TABLES), default="six", help="which table")
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument(
        "--file", choices=("original", "tuned"), default="tuned", help="which weights, if tuned"
    )
    parser.add_argument("--threads", type=int, help="default: as tuned, else all cores")
    parser.add_argument("--repeats", type=int, default=3, help="medians are taken over these")
    parser.add_argument("--loop-seconds", type=float, default=10, help="how long each turn of a loop takes")
    parser.add_argument(
        "--busy", type=int, default=0, metavar="N", help="extra repeats beside N busy processes"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    if min(options.rows, options.repeats) < 1:
        parser.error("rows and repeats must be at least 1")
    try:
        model = Catalog().get(options.model)
        layout = chosen_layout(model, options.file, options.threads)
        table = TABLES[options.columns]()
        head = {
            "date": datetime.now(UTC).date().isoformat(),
            "model": model.name,
            "table": table.name,
            "columns": len(table.columns),
            "rows": options.rows,
            "load_before": round(os.getloadavg()[0], 2),
        }
        show(head | rounded(measure(model, layout, table, options)), as_json=options.json)
    except LocalsynthError as error:
        sys.exit(f"error: {error.message}. {error.hint}")


if __name__ == "__main__":
    main()
