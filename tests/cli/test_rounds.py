"""``runs rounds``: what a method tried, in every format, whatever its words are."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from localsynth.cli.main import run
from localsynth.methods import registry
from tests.runs.steps_kit import HOSTILE, SCHEMA

Cli = Callable[..., Any]


@pytest.fixture
def made(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a run whose method learnt in three steps."""
    point = EntryPoint("stepwise", "tests.runs.steps_kit:Stepwise", registry.METHODS.group)
    monkeypatch.setattr(registry.METHODS, "_points", lambda group: [point])
    (tmp_path / "tiny.schema.toml").write_text(SCHEMA.to_toml())
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(
        'rows = 20\n[dataset]\nname = "tiny"\nschema = "tiny.schema.toml"\n[method]\nname = "stepwise"\n'
    )
    said = cli("run", recipe)
    assert said.code == 0, said.err
    return str(said.out.strip())


def test_json_holds_every_candidate_as_it_was(cli: Cli, made: str) -> None:
    said = cli("runs", "rounds", made, "--format", "json")
    assert (said.code, said.err) == (0, "")
    rows = json.loads(said.out)
    assert [(row["round"], row["candidate"], row["author"]) for row in rows] == [
        (1, 1, "start"), (2, 1, "model"), (2, 2, "search"), (3, 1, "model"), (3, 2, "search"),
    ]  # fmt: skip
    assert rows[0]["move"] == HOSTILE
    assert (rows[1]["score"], rows[1]["low"], rows[1]["high"], rows[2]["score"]) == (0.25, 0.1, 0.75, None)
    assert json.loads(rows[0]["gaps"]) == [{"column": "x", "real": 0.25, "made": 0.5}]
    assert json.loads(rows[2]["theta"])["parents"] == {"x": ["run no"]}


def test_csv_holds_the_same(cli: Cli, made: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(cli("runs", "rounds", made, "--format", "json").out)
    assert run(["runs", "rounds", made, "--format", "csv"]) == 0
    read = list(csv.DictReader(io.StringIO(capsys.readouterr().out, newline="")))
    assert [row["move"] for row in read] == [row["move"] for row in rows]
    assert [row["theta"] for row in read] == [row["theta"] for row in rows]
    assert read[0]["accepted"] == "true"


def test_a_table_shows_words_and_no_control_characters(cli: Cli, made: str) -> None:
    said = cli("runs", "rounds")
    assert said.code == 0
    assert "[red]remove[/red]" in said.out
    assert "\\x1b[31m" in said.out
    assert said.out.count("\n") == 7
    assert "(5 rows)" in said.err


def test_a_run_that_tried_nothing_says_so(cli: Cli, recipe: Path) -> None:
    made = cli("run", recipe).out.strip()
    said = cli("runs", "rounds", made)
    assert said.code == 0
    assert "nothing was tried in rounds" in said.err
    assert json.loads(cli("runs", "rounds", made, "--format", "json").out) == []


def test_a_run_that_is_not_there(cli: Cli, made: str) -> None:
    said = cli("runs", "rounds", "nosuch")
    assert (said.code, said.out) == (2, "")
    assert "there is no run called 'nosuch'" in said.err
