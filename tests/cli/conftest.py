"""The command line in this process: what it returns, and what it says on either stream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from localsynth.cli.main import run

SCHEMA = """\
description = "patients of a small clinic"

[[columns]]
name = "patient_id"
kind = "identifier"
prefix = "P"

[[columns]]
name = "age"
kind = "integer"
range = [18, 90]
distribution = { mean = 50, sd = 12 }

[[columns]]
name = "sex"
kind = "categorical"
categories = ["f", "[red]m[/red]"]

[[columns]]
name = "hba1c"
kind = "float"
decimals = 1
range = [4.0, 12.0]
null_rate = 0.2

[[columns]]
name = "seen"
kind = "date"
range = [2020-01-01, 2021-12-31]

[[columns]]
name = "score"
kind = "integer"
range = [0, 10]
null_rate = 0.3

[[rules]]
name = "old enough"
check = "age >= 20"
"""
RECIPE = """\
title = "a small clinic"
rows = 40

[dataset]
name = "tiny"
schema = "tiny.schema.toml"

[model]
name = "uniform"

[method]
name = "text-to-tabular"
batch_rows = 10
"""


@dataclass(frozen=True)
class Said:
    """How a command ended. ``out`` and ``err`` are the two streams."""

    code: int
    out: str
    err: str


Cli = Callable[..., Said]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    """Run ``localsynth ARGUMENTS`` on the workspace ``ws`` of the test's folder."""
    monkeypatch.setenv("LOCALSYNTH_WORKSPACE", str(tmp_path / "ws"))
    monkeypatch.delenv("LOCALSYNTH_DEBUG", raising=False)

    def call(*arguments: object) -> Said:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        assert "\x1b" not in said.out + said.err  # nobody watches: no colours
        return Said(int(code), said.out, said.err)

    return call


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A recipe with its schema, for the engine without a model."""
    (tmp_path / "tiny.schema.toml").write_text(SCHEMA)
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE)
    return path
