"""``localsynth bench``: data on standard output, talk beside it, a clean end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from localsynth.cli.bench import _table
from localsynth.core.errors import ExitCode
from localsynth.workspace.benchmark import Benchmark

Cli = Callable[..., Any]
ROOT = Path(__file__).resolve().parents[2]


def test_json_is_one_object(cli: Cli, recipe: Path) -> None:
    said = cli("bench", recipe, "--rows", 20, "--json")
    assert said.code == ExitCode.OK
    made = json.loads(said.out)
    assert (made["rows"], made["table"], made["model"]) == (20, "tiny", "uniform")
    assert made["rows_per_s"] > 0
    assert made["ratio_json_loop"] is None
    assert "rows" in said.err


def test_a_table_for_people(cli: Cli, recipe: Path) -> None:
    said = cli("bench", recipe, "--rows", 20)
    assert said.code == ExitCode.OK
    lines = said.out.splitlines()
    assert lines[0].split() == ["localsynth"]
    assert lines[1].startswith("rows/s")
    assert any(line.startswith("time to first row") for line in lines)
    assert "None" not in said.out
    assert "nothing to compare with" in said.err


def test_nothing_is_written_to_the_workspace(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    assert cli("bench", recipe, "--rows", 5, "--json").code == ExitCode.OK
    assert not (tmp_path / "ws").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.toml"], "no recipe"),
        (["--rows", 0, "--model", "uniform"], "cannot time 0 rows"),
        (["--seconds", -1, "--model", "uniform"], "cannot time a loop for -1 seconds"),
        (["--model", "gpt"], "no model named"),
    ],
)
def test_mistakes_are_told(cli: Cli, arguments: list[object], message: str) -> None:
    said = cli("bench", *arguments)
    assert said.code == ExitCode.USAGE
    assert said.out == ""
    assert message in said.err


def test_the_table_of_a_full_measurement() -> None:
    made = Benchmark(
        "six columns",
        2000,
        10.0,
        200.0,
        first_row_seconds=0.25,
        load_seconds=1.0,
        model="m\x1b[31m",
        file="m.gguf",
        setup="4 contexts of 1 thread",
        threads=4,
        written_tokens_per_s=1234.5,
        decode_tokens_per_s=1300.0,
        prefill_tokens_per_s=1600.0,
        prefill_share=0.8125,
        python_share=0.08,
        peak_rss_mb=900,
        memory_bound_mb=942,
        json_loop_rows_per_s=2.5,
        json_loop_valid_share=0.5,
        ratio_json_loop=80.0,
    )
    lines = list(_table(made))
    assert lines[0].split() == ["localsynth", "JSON", "loop", "plain", "loop"]
    assert lines[1].split() == ["rows/s", "200", "2.50", "-"]
    assert lines[2].split() == ["localsynth", "against", "it", "80.00", "x", "-"]
    assert len({line.rindex("-") for line in lines[1:4]}) == 1  # a loop that was not timed keeps its column
    facts = dict(line.split("  ", 1) for line in lines[5:])
    told = {name: value.strip() for name, value in facts.items()}
    assert told["share of the roof"] == "81%"
    assert told["Python's share"] == "8%"
    assert told["memory at its peak"] == "900 MB (model, cache and 300 MB: 942 MB)"
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_is_clean(recipe: Path, tmp_path: Path, number: signal.Signals) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    # One batch far larger than anybody waits for.
    recipe.write_text(recipe.read_text().replace("batch_rows = 10", 'mode = "faithful"\nbatch_rows = 10000'))
    command = [
        sys.executable,
        "-m",
        "localsynth",
        "bench",
        str(recipe),
        "--rows",
        "90000",
        "--seconds",
        "600",
    ]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(scratch)},
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("rows"):
            break
    assert list(scratch.iterdir())
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == ExitCode.INTERRUPTED
    assert out == ""
    assert err.splitlines()[-1] == "interrupted; nothing was kept"
    assert "Traceback" not in err
    assert not list(scratch.iterdir())
