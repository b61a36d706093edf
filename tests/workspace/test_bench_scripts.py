"""The scripts that keep the development figures: what they print is one JSON object with the promised keys."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from localsynth.workspace.benchturns import Turn

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
PROMISED = """
rows_per_s ratio_json_loop ratio_plain_loop decode_tokens_per_s prefill_tokens_per_s prefill_share python_share peak_rss_mb
memory_bound_mb json_loop_rows_per_s plain_loop_rows_per_s setup threads model rows seconds
"""


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(name: str, *arguments: object) -> Any:
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / f"{name}.py"), *map(str, arguments), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_medians_and_what_follows_from_them() -> None:
    turns = [Turn(100, seconds, 1000, 900, native=0.9 * seconds) for seconds in (1.0, 5.0, 2.0)]
    made = load("bench_engine").figures(turns, 1000.0, {"json": 2.0, "plain": 10.0})
    assert made["rows_per_s"] == 50.0
    assert (made["ratio_json_loop"], made["ratio_plain_loop"]) == (25.0, 5.0)
    assert made["prefill_share"] == 0.5
    assert made["python_share"] == pytest.approx(0.1)
    assert made["seconds"] == 2.0


def test_other_work_is_noticed() -> None:
    script = load("bench_engine")
    share = script.OtherWork([]).share()
    assert share is None or share >= 0


def test_busy_processes_end() -> None:
    script = load("bench_engine")
    with script.busy(2):
        pass


def test_tokens_one_by_one_count_every_text() -> None:
    class Counting:
        def count_tokens(self, texts: list[str]) -> list[int]:
            assert len(set(texts)) == len(texts)
            return [len(text) for text in texts]

    assert load("bench_scale").one_by_one(Counting(), ("ab\n", "ab\n", "c\n")) == 5


@pytest.mark.model
def test_the_engine_s_figures(embedded_model: Path) -> None:
    made = run(
        "bench_engine", "--rows", 8, "--repeats", 1, "--loop-seconds", 0.1, "--busy", 1, "--threads", 1
    )
    assert set(PROMISED.split()) <= set(made)
    assert (made["rows"], made["threads"]) == (8, 1)
    assert made["busy_share"] == pytest.approx(made["busy_rows_per_s"] / made["rows_per_s"], rel=1e-3)


@pytest.mark.model
def test_the_cost_of_a_row(embedded_model: Path) -> None:
    made = run("bench_scale", "--rows", 8, 64)
    few, many = made["steps"]
    assert (few["rows"], many["rows"]) == (8, 64)
    assert many["ratio_tokens_one_by_one"] > few["ratio_tokens_one_by_one"] > 1
    assert made["memory_bound_mb"] > 0


def test_a_file_is_imported_within_its_memory_and_rows_are_browsed() -> None:
    found = run("bench_load", "--size", 0.0002, "--memory", "600MB", "--parts", "file", "rows")
    file, rows = found["file"], found["rows"]
    assert (file["exit_code"], file["within"]) == (0, True)
    assert file["imported_rows"] == file["rows"] > 1000
    assert rows["rows"] == 10_000
    assert {"open_s", "browse_jump_s", "commit_p50_s", "delete_s", "export_s"} <= rows.keys()
