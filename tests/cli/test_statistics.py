"""``statistics``, and judging runs with a privacy budget, through the command line."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from localsynth.core.schema import Schema
from localsynth.core.targets import Axis, Budget, Margin, Spending, Statistics, Table
from localsynth.store.given import Given, put
from localsynth.store.session import Store
from tests.cli.conftest import SCHEMA, Cli

AGE = Axis("age", edges=(18, 50, 91))
SEX = Axis("sex", labels=(("f",), ("[red]m[/red]",)))
GIVEN = Statistics(
    (Margin(AGE, (0.4, 0.6), 50.0), Margin(SEX, (0.5, 0.5))),
    (Table((AGE, SEX), (0.2, 0.2, 0.3, 0.3), 50.0, "model"),),
    "noisy",
    budget=Budget(2.0, 1e-6, (Spending("margin of sex", 0.1),)),
    notes=("a \x1b[2J note",),
)


@pytest.fixture
def run(cli: Cli, recipe: Path, tmp_path: Path) -> str:
    recipe.write_text(recipe.read_text() + "\n[privacy]\nepsilon = 2\n")
    run_id: str = cli("run", recipe).out.strip()
    put(Store(tmp_path / "ws"), run_id, Schema.from_toml(SCHEMA), Given("tables", "", GIVEN))
    return run_id


def test_margins_and_tables_in_every_format(cli: Cli, run: str) -> None:
    said = cli("statistics", run, "--format", "json")
    assert said.code == 0
    rows = json.loads(said.out)
    assert rows[0] == {"column": "age", "cell": "18 to 49", "share": 0.4, "rows": 50}
    assert rows[3] == {"column": "sex", "cell": "[red]m[/red]", "share": 0.5, "rows": None}
    assert "epsilon = 2, delta = 1e-06" in said.err
    assert "\\x1b[2J" in said.err
    tables = list(csv.DictReader(io.StringIO(cli("statistics", run, "--tables", "--format", "csv").out)))
    assert len(tables) == 4
    assert tables[1] == {
        "table": "1",
        "why": "model",
        "columns": "age × sex",
        "cells": "18 to 49 × [red]m[/red]",
        "share": "0.2",
        "rows": "50",
    }
    table = cli("statistics", run)
    assert "[red]m[/red]" in table.out
    assert cli("statistics").out == table.out


def test_a_run_without_targets_says_so(cli: Cli, recipe: Path) -> None:
    run_id = cli("run", recipe).out.strip()
    said = cli("statistics", run_id)
    assert (said.code, said.out) == (2, "")
    assert "was given no target statistics" in said.err


def test_exact_counts_are_told_from_others(cli: Cli, run: str, tmp_path: Path) -> None:
    exact = Statistics(GIVEN.margins, (), "rows")
    put(Store(tmp_path / "ws"), run, Schema.from_toml(SCHEMA), Given("tables", "again", exact))
    assert "handle them as you handle the rows" in cli("statistics", run).err


def test_a_budget_in_json_and_in_words(cli: Cli, run: str) -> None:
    plain: Any = json.loads(cli("evaluate", run, "--json", "--metrics", "validity,targets").out)
    assert plain["covered_by_budget"] is True
    assert plain["budgets"][run]["epsilon"] == 2.0
    assert plain["spent_on_dataset"] == {"epsilon": 2.0, "delta": 1e-06, "releases": 1, "unbounded": 0}
    assert plain["cautions"] == []
    said = cli("report", run)
    assert "not outside_budget" in said.err
    assert "Privacy budget: text-to-tabular" in said.out
    refused = cli("report", run, "--outside-budget")
    assert refused.code == 2
    assert "outside its privacy budget" in refused.err


def test_help_tells_of_it(cli: Cli) -> None:
    assert "--outside-budget" in cli("evaluate", "--help").out


def test_what_to_type_next_is_about_the_same_workspace(cli: Cli, run: str, tmp_path: Path) -> None:
    there = tmp_path / "a place"
    (tmp_path / "ws").rename(there)
    named = f"--workspace '{there}'"
    assert f"statistics {run} --tables {named}" in cli("statistics", run, "--workspace", there).err
    judged = cli("evaluate", run, "--metrics", "validity", "--workspace", there).err
    assert judged.count(named) == 2
    assert f"--html report.html {named}, or localsynth sql " in judged
    assert cli("report", run, "--workspace", there).err.count(named) == 2


def test_shares_are_rounded_for_reading_and_whole_as_data(cli: Cli, run: str, tmp_path: Path) -> None:
    third = Statistics((Margin(SEX, (1 / 3, 2 / 3)),), (), "rows")
    put(Store(tmp_path / "ws"), run, Schema.from_toml(SCHEMA), Given("tables", "again", third))
    table = cli("statistics", run).out
    assert "0.3333 " in table
    assert "0.33333" not in table
    assert json.loads(cli("statistics", run, "--format", "json").out)[0]["share"] == 1 / 3
