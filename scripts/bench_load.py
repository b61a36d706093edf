"""Load: a CSV larger than the memory it may take, a workspace of many millions of rows, fifty runs queued at once.

    python scripts/bench_load.py --size 0.02 --json        # 100 MB, 1 million rows, 50 runs of few rows
    python scripts/bench_load.py                           # 5 GB within 2 GB, 50 million rows; needs about 40 GB of disk

The import's memory is limited by the operating system, too: by a control group where one can be made, else by RLIMIT_DATA,
which also counts what is reserved and never touched. ``peak_mb`` is the most the process held (VmHWM).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb

from localsynth.core.dataset import Dataset
from localsynth.core.limits import memory_text, parse_size
from localsynth.core.run import Exposure, Run, Status
from localsynth.core.schema import Schema
from localsynth.runs.queue import waiting
from localsynth.sealed.limit import resident
from localsynth.store import catalogue, clock
from localsynth.store import runs as records
from localsynth.store.session import Store
from localsynth.workspace import Job, Phase, Workspace

CSV = 5_000_000_000  # bytes
ROWS = 50_000_000
RUNS = 10  # that the rows are of
QUEUED = 50
BYTES_PER_ROW = 157  # of the table below
WORDS = "['Bern', 'Kyiv', 'Lund', 'Oslo', 'Pisa', 'Rome', 'Sofia', 'Wien']"
#: Twenty columns of every kind, some with gaps.
TABLE = f"""
SELECT i + 1 AS id, 'P' || lpad((hash(i) % 100000000)::VARCHAR, 8, '0') AS code, (hash(i * 3) % 91 + 18)::INTEGER AS age,
  CASE WHEN hash(i * 5) % 10 > 0 THEN (hash(i * 7) % 10000000) / 100.0 END AS income,
  {WORDS}[(1 + hash(i * 11) % 8)::BIGINT] AS city, hash(i * 13) % 3 = 0 AS member,
  DATE '2000-01-01' + (hash(i * 17) % 9000)::INTEGER AS born,
  TIMESTAMP '2020-01-01' + to_minutes((hash(i * 19) % 2000000)::BIGINT) AS seen,
  'note ' || hash(i * 23) % 1000000 || ' of a person, with words' AS note,
  (hash(i * 29) % 1000) / 10.0 AS m1, (hash(i * 31) % 1000) / 10.0 AS m2, (hash(i * 37) % 100000) / 1000.0 AS m3,
  CASE WHEN hash(i * 41) % 4 > 0 THEN hash(i * 43) % 12 END AS level, (hash(i * 47) % 5)::INTEGER AS grade,
  ['a', 'b', 'c'][(1 + hash(i * 53) % 3)::BIGINT] AS arm, hash(i * 59) % 2 = 0 AS alive,
  (hash(i * 61) % 2000000)::BIGINT - 1000000 AS balance, (hash(i * 67) % 366)::INTEGER AS days,
  {WORDS}[(1 + hash(i * 71) % 8)::BIGINT] AS ward, 'x' || hash(i * 73) % 500 AS unit
FROM range({{rows}}) t(i)
"""
SCHEMA = """
columns = [
  { name = "id", kind = "integer", range = [0, 1000000000] },
  { name = "age", kind = "integer", range = [0, 120] },
  { name = "income", kind = "float", range = [0.0, 1000000.0], decimals = 2 },
  { name = "city", kind = "categorical", categories = ["Bern", "Kyiv", "Lund", "Oslo", "Pisa", "Rome", "Sofia", "Wien"] },
  { name = "member", kind = "boolean" },
  { name = "day", kind = "date", range = ["2000-01-01", "2030-01-01"] },
]
"""
FILL = f"""
INSERT INTO synth.big SELECT ?, (i // 1000 + 1)::INTEGER, i + 1, hash(i) % 1000000000, hash(i * 3) % 121,
  (hash(i * 7) % 100000000) / 100.0, {WORDS}[(1 + hash(i * 11) % 8)::BIGINT], hash(i * 13) % 3 = 0,
  DATE '2000-01-01' + (hash(i * 5) % 10000)::INTEGER FROM range(?) t(i)
"""
BATCHES = """
INSERT INTO meta.batches SELECT ?, (i + 1)::INTEGER, i * 1000 + 1, 1000, i, 1, 1000, 0, 0, 0, 0.1, ?, NULL FROM range(?) t(i)
"""
RECIPE = """
rows = {rows}
[dataset]
name = "big"
schema = "big.schema.toml"
[model]
name = "uniform"
[method]
name = "text-to-tabular"
batch_rows = 10
"""


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=float, default=1.0, help="everything so many times as large")
    parser.add_argument("--memory", default="2GB", help="of the import")
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--folder", type=Path, help="where to work; by default the system's place for such")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    chosen = parser.parse_args()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="bench-load-", dir=chosen.folder) as folder:
        for part in chosen.parts:
            found[part] = PARTS[part](Path(folder), chosen.size, chosen)
            if not chosen.json:
                print(part, *(f"  {key}: {shown(value)}" for key, value in found[part].items()), sep="\n")
    if chosen.json:
        print(json.dumps(found))


def shown(value: Any) -> str:
    """A figure as people read it."""
    return (
        f"{value:,.3f}"
        if isinstance(value, float)
        else f"{value:,}"
        if isinstance(value, int)
        else str(value)
    )


# --- a large file -----------------------------------------------------------------------------------------------------


def load_file(folder: Path, size: float, chosen: argparse.Namespace) -> dict[str, Any]:
    """A CSV brought in by the command, within its memory."""
    path, rows = folder / "load.csv", int(CSV * size / BYTES_PER_ROW)
    with duckdb.connect() as con:
        con.execute("SET memory_limit = '1GB'; SET preserve_insertion_order = false")
        con.execute(f"COPY ({TABLE.format(rows=rows)}) TO '{path}' (HEADER)")
    memory = parse_size(chosen.memory)
    command = [sys.executable, "-m", "localsynth", "import", str(path), "--max-memory", memory_text(memory)]
    command += ["--workspace", str(folder / "imported")]
    found: dict[str, Any] = {
        "csv_bytes": path.stat().st_size,
        "rows": rows,
        "max_memory": memory_text(memory),
    }
    with limited(memory) as (limit, enter):
        started = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=enter
        )
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        found |= {
            "seconds": time.perf_counter() - started,
            "exit_code": process.returncode,
            "limited_by": limit,
        }
    found |= {"peak_mb": usage.ru_maxrss * 1024 / 1e6, "within": usage.ru_maxrss * 1024 <= memory}
    if process.returncode:
        return {**found, "said": said.strip()}
    space = Workspace(folder / "imported")
    found["imported_rows"] = space.count("load_real")
    found["workspace_bytes"] = space.store.path.stat().st_size
    path.unlink()
    return found


#: Where control groups that limit memory are made, and the file that says how much: of version 2, and of version 1.
GROUPS = (("/sys/fs/cgroup", "memory.max"), ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"))


@contextmanager
def limited(memory: int) -> Iterator[tuple[str, Callable[[], None]]]:
    """The system's own limit for a child, in words, and what the child does to come under it."""
    group = control_group(memory)
    if group is None:
        most = memory + 1_000_000_000  # what is reserved and not touched: arenas, stacks of threads
        yield (
            f"RLIMIT_DATA {memory_text(most)}",
            lambda: resource.setrlimit(resource.RLIMIT_DATA, (most, most)),
        )
        return
    procs = group / "cgroup.procs"
    try:
        yield f"the control group {group}", lambda: write(procs, str(os.getpid()))
    finally:
        with suppress(OSError):
            group.rmdir()


def control_group(memory: int) -> Path | None:
    """A new one with so many bytes; ``None`` where none can be made."""
    for root, file in GROUPS:
        group = Path(root) / f"localsynth-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            write(group / file, str(memory))  # the kernel made it: a folder that is no control group lacks it
        except OSError:
            group.rmdir()
        else:
            return group
    return None


def write(path: Path, text: str) -> None:
    """Into a file that is there."""
    with path.open("r+") as file:
        file.write(text)


# --- many rows --------------------------------------------------------------------------------------------------------


def load_rows(folder: Path, size: float, _: argparse.Namespace) -> dict[str, Any]:
    """How long people wait in a workspace of many rows."""
    place, each = folder / "many", max(1000, int(ROWS * size / RUNS) // 1000 * 1000)
    made = fill(place, each)
    found: dict[str, Any] = {"rows": each * RUNS, "runs": RUNS, "fill_s": made, "bytes": size_of(place)}
    space, first, last = Workspace(place), "bench-0", f"bench-{RUNS - 1}"
    found["open_s"] = timed(lambda: space.store)
    found["runs_list_s"] = timed(space.runs)
    found["datasets_list_s"] = timed(space.datasets)
    view = space.browse(last)
    found["browse_first_s"] = timed(lambda: view.rows(0, 200))
    found["browse_last_s"] = timed(lambda: view.rows(view.total - 200, 200))
    found["browse_jump_s"] = timed(lambda: view.rows(view.total // 3, 200))
    view.release()
    found["page_last_s"] = timed(lambda: space.page(("synth", "big"), each * RUNS - 200, 200))
    found["count_s"] = timed(lambda: space.count(("synth", "big")))
    group = "SELECT city, count(*), avg(income) FROM synth.big GROUP BY city"
    found["group_by_s"] = timed(lambda: space.sql_arrow(group))
    found |= run_on(space, folder)
    found["export_s"] = timed(lambda: space.export(first, folder / "export.parquet"))
    found["export_csv_s"] = timed(lambda: space.export(first, folder / "export.csv"))
    found["delete_s"] = timed(lambda: space.delete_run(first))
    found["count_after_s"] = timed(lambda: space.count(("synth", "big")))
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return found


def run_on(space: Workspace, folder: Path) -> dict[str, Any]:
    """A run of 100 rows, ten at a time; how long each commit of ten holds the file."""
    (folder / "big.schema.toml").write_text(SCHEMA)
    recipe = folder / "big.toml"
    recipe.write_text(RECIPE.format(rows=100))
    plain, commits = records.commit_batch, list[float]()

    def heard(*arguments: Any, **more: Any) -> None:
        started = time.perf_counter()
        plain(*arguments, **more)
        commits.append(time.perf_counter() - started)

    records.commit_batch = heard  # type: ignore[assignment]
    try:
        seconds = timed(lambda: space.run(recipe))
    finally:
        records.commit_batch = plain
    commits.sort()
    return {"run_100_s": seconds, "commit_p50_s": commits[len(commits) // 2], "commit_max_s": commits[-1]}


def fill(place: Path, each: int) -> float:
    """A workspace with so many rows of each run; the seconds it took."""
    started, schema = time.perf_counter(), Schema.from_toml(SCHEMA)
    store = Store.create(place)
    dataset = Dataset("big", schema, Exposure.SCHEMA, 0, 0, 0, None, clock.aware(clock.now()), True)
    with store.write() as con:
        catalogue.put(con, dataset, 0)
    for number in range(RUNS):
        run = Run(
            run_id=f"bench-{number}",
            dataset="big",
            method="text-to-tabular",
            method_version=1,
            exposure=Exposure.SCHEMA,
            model="uniform",
            model_sha256=None,
            rows_wanted=each,
            rows_done=0,
            seed=number,
            status=Status.RUNNING,
            recipe_json='{"dataset": {"name": "big"}, "method": {"name": "text-to-tabular"}}',
            recipe_path=None,
            fingerprint="",
            schema_json=schema.to_json(),
            started_at=datetime.now(UTC),
        )
        records.create(store, run)
        with store.write() as con:
            con.execute(FILL, [run.run_id, each])
            con.execute(BATCHES, [run.run_id, clock.now(), each // 1000])
            con.execute("UPDATE meta.runs SET rows_done = ? WHERE run_id = ?", [each, run.run_id])
        records.end(store, run.run_id, Status.FINISHED, "")
    return time.perf_counter() - started


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def size_of(folder: Path) -> int:
    """Bytes of all files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


# --- many runs --------------------------------------------------------------------------------------------------------


def load_queue(folder: Path, size: float, _: argparse.Namespace) -> dict[str, Any]:
    """Fifty runs asked for at once, a third of them killed wherever they are; the others all end, in order, one at a time."""
    (folder / "big.schema.toml").write_text(SCHEMA)
    recipe = folder / "queued.toml"
    recipe.write_text(RECIPE.format(rows=max(20, int(500 * size))))
    space, rng = Workspace(folder / "queued"), random.Random(0)
    started = time.perf_counter()
    jobs = [space.start_job("run", path=str(recipe)) for _ in range(QUEUED)]
    asked = time.perf_counter() - started
    sample = rng.sample(list(enumerate(jobs)), QUEUED // 3)
    doomed = {job.id: rng.randrange(at + 1) for at, job in sample}  # when so many are over
    peak = working = 0
    while any(job.alive() for job in jobs):
        over = sum(not job.alive() for job in jobs)
        for job in jobs:
            if doomed.get(job.id, QUEUED) <= over and (pid := job.pid):
                os.kill(pid, signal.SIGKILL)
        peak = max(peak, sum(resident(pid) or 0 for job in jobs if (pid := job.pid)))
        waits = waiting(space.folder)
        working = max(working, sum(job.id not in waits and _works(job) for job in jobs))
        time.sleep(0.05)
    seconds = time.perf_counter() - started
    states = {job.id: job.state().phase for job in jobs}
    done = [job for job in jobs if states[job.id] is Phase.DONE]
    spans = [_span(job) for job in done]
    return {
        "asked_s": asked,
        "seconds": seconds,
        "peak_mb": peak / 1e6,
        "done": len(done),
        "killed": sum(phase is Phase.DIED for phase in states.values()),
        "all_others_done": all(job.id in doomed for job in jobs if job not in done),
        "in_order": spans == sorted(spans),
        "one_at_a_time": all(end <= begin for (_, end), (begin, _) in pairwise(spans)),
        "most_seen_working": working,
    }


def _works(job: Job) -> bool:
    return job.alive() and job.state().phase is Phase.RUNNING


def _span(job: Job) -> tuple[float, float]:
    """When its work began and ended."""
    said = [json.loads(line) for line in (job.folder / "status.jsonl").read_text().splitlines() if line]
    return next(one["at"] for one in said if one.get("phase") == "running"), said[-1]["at"]


PARTS: dict[str, Callable[[Path, float, argparse.Namespace], dict[str, Any]]] = {
    "file": load_file,
    "rows": load_rows,
    "queue": load_queue,
}

if __name__ == "__main__":
    main()
