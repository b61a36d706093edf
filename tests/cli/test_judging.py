"""``evaluate``, ``report``, ``compare`` and ``metrics`` through the command line, on a real table."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]

CHEAP = "validity,columns,pairs,copies,distances"


@pytest.fixture
def runs(cli: Cli, tmp_path: Path) -> tuple[str, str]:
    """Two runs of one recipe over a real table, with other seeds."""
    assert cli("import", "sample:iris", "--name", "iris").code == 0
    path = tmp_path / "iris.toml"
    path.write_text('rows = 60\n[dataset]\nname = "iris"\n[method]\nname = "independent"\n')
    made = [cli("run", path, "--seed", seed) for seed in (1, 2)]
    assert [said.code for said in made] == [0, 0], made[0].err
    return made[0].out.strip(), made[1].out.strip()


def test_scores_as_json_are_those_in_the_store(cli: Cli, runs: tuple[str, str]) -> None:
    said = cli("evaluate", runs[0], "--json", "--metrics", CHEAP)
    assert said.code == 0, said.err
    scores = json.loads(said.out)["scores"]
    keys = {"subject", "metric", "column_a", "column_b", "value", "low", "high", "note"}
    assert all(keys <= set(score) for score in scores)
    assert {score["subject"] for score in scores} == {
        "REAL",
        "independent",
        "gaussian-copula",
        "bootstrap",
        runs[0],
    }
    query = f"select metric, value from meta.metrics where run_id = '{runs[0]}' order by position"
    stored = json.loads(cli("sql", query, "--format", "json").out)
    assert [(row["metric"], row["value"]) for row in stored] == [(s["metric"], s["value"]) for s in scores]
    again = cli("report", runs[0], "--json")
    assert json.loads(again.out)["scores"] == scores


def test_the_whole_way_to_a_page_a_clinician_can_read(
    cli: Cli, runs: tuple[str, str], tmp_path: Path
) -> None:
    said = cli("compare", *runs, "--json")
    assert said.code == 0, said.err
    assert json.loads(said.out)
    assert "not both are evaluated yet" in said.err
    shown = cli("compare", *runs)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out

    page = tmp_path / "report.html"
    said = cli("report", *runs, "--html", page)
    assert said.code == 0, said.err
    assert said.out.strip() == str(page)
    assert page.stat().st_mode & 0o777 == 0o600
    text = page.read_text()
    assert all(run in text for run in runs)
    assert "bootstrap" in text
    shown = cli("report", *runs)
    assert shown.code == 0
    assert max(map(len, shown.out.splitlines())) <= 100
    assert "membership" in shown.out.lower()


def test_a_page_that_is_there_is_not_written_over(cli: Cli, runs: tuple[str, str], tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text("mine")
    refused = cli("evaluate", *runs, "--html", page)
    assert (refused.code, refused.out) == (2, "")
    assert "exists already" in refused.err
    assert page.read_text() == "mine"
    assert cli("evaluate", runs[0], "--html", page, "--overwrite", "--metrics", CHEAP).code == 0
    assert page.read_text().startswith("<!")


def test_the_same_seed_gives_the_same_scores(cli: Cli, runs: tuple[str, str]) -> None:
    wanted = ("--metrics", "membership,singling-out,distances,copies")
    first, again = (cli("evaluate", runs[0], "--json", "--seed", 5, *wanted).out for _ in range(2))
    assert first == again != ""


def test_judging_again_in_part_keeps_the_rest(cli: Cli, runs: tuple[str, str]) -> None:
    assert cli("evaluate", runs[0], "--metrics", "validity,pairs").code == 0
    before = scores_of(cli("report", runs[0], "--json"))
    assert cli("evaluate", runs[0], "--metrics", "exact_copies, ").code == 0
    after = scores_of(cli("report", runs[0], "--json"))
    assert before.items() <= after.items()
    assert {metric for _, metric in set(after) - set(before)} >= {"exact_copies", "near_copies"}
    count = json.loads(cli("sql", "select count(*) n from meta.metrics", "--format", "json").out)[0]["n"]
    assert cli("evaluate", runs[0], "--metrics", "copies").code == 0  # replaced, not added
    assert (
        json.loads(cli("sql", "select count(*) n from meta.metrics", "--format", "json").out)[0]["n"] == count
    )


def scores_of(said: Any) -> dict[tuple[str, str], float | None]:
    scores = json.loads(said.out)["scores"]
    return {(s["subject"], s["metric"]): s["value"] for s in scores if not (s["column_a"] or s["item"])}


def test_a_holdout_the_run_has_learned_from_is_told(cli: Cli, runs: tuple[str, str]) -> None:
    """Otherwise copies of the rows held out now would count as proof of safety."""
    cautions = f"select note from meta.metrics where metric = 'caution' and run_id = '{runs[0]}'"
    assert cli("evaluate", runs[0], "--metrics", "copies").code == 0
    assert json.loads(cli("sql", cautions, "--format", "json").out) == []
    assert cli("import", "sample:iris", "--name", "other", "--seed", 8).code == 0
    said = cli("evaluate", runs[0], "--against", "other", "--metrics", "copies")
    assert said.code == 0
    (note,) = json.loads(cli("sql", cautions, "--format", "json").out)
    assert "rows held out of 'other' are train rows of 'iris'" in note["note"]
    assert "train rows of 'iris'" in " ".join(said.out.split())
    assert cli("import", "sample:iris", "--name", "iris", "--replace", "--seed", 9).code == 0
    assert cli("evaluate", runs[0], "--metrics", "copies").code == 0
    notes = [row["note"] for row in json.loads(cli("sql", cautions, "--format", "json").out)]
    assert any("imported anew after this run was made" in note for note in notes)


def test_another_dataset_to_hold_them_against(cli: Cli, runs: tuple[str, str]) -> None:
    assert cli("import", "sample:iris", "--name", "later", "--seed", 9).code == 0
    assert cli("evaluate", runs[0], "--against", "later", "--metrics", CHEAP).code == 0
    assert cli("report", runs[0]).code != 0  # nothing is kept against its own
    assert cli("report", runs[0], "--against", "later").code == 0
    assert cli("import", "sample:wine").code == 0
    said = cli("evaluate", runs[0], "--against", "wine")
    assert said.code != 0
    assert "cannot be held against the dataset 'wine'" in said.err


@pytest.mark.parametrize(
    ("arguments", "sentence", "hint"),
    [
        (["evaluate", "nosuch"], "there is no run called 'nosuch'", "localsynth runs"),
        (["evaluate", "--metrics", "privcy"], "no metric 'privcy'", "metrics:"),
        (["evaluate", "--json", "--html", "x.html"], "choose one", "--help"),
        (["evaluate", "--metrics", " , "], "no metric is named", "metrics:"),
        (["evaluate", ""], "there is no run called ''", "localsynth runs"),
        (["evaluate", "--metrics", "membership_acu"], "did you mean 'membership_auc'", "localsynth metrics"),
        (["evaluate", "--html", "/nowhere/x.html"], "no folder /nowhere", "make it"),
        (["report"], "no scores are kept", "localsynth evaluate"),
        (["compare", "last", "nosuch"], "there is no run called 'nosuch'", "localsynth runs"),
    ],
)
def test_mistakes_get_a_sentence(
    cli: Cli, runs: tuple[str, str], arguments: list[str], sentence: str, hint: str
) -> None:
    said = cli(*arguments)
    assert said.code != 0
    assert said.out == ""
    assert sentence in said.err
    assert hint in said.err


def test_rows_of_a_table_that_is_only_described(cli: Cli, recipe: Path) -> None:
    assert cli("run", recipe).code == 0
    said = cli("evaluate", "--json")
    assert said.code == 0, said.err
    scores = json.loads(said.out)["scores"]
    assert {score["subject"] for score in scores} == {
        cli("runs", "list", "--format", "json").out and scores[0]["subject"]
    }
    values = {score["metric"]: score["value"] for score in scores if not (score["column_a"] or score["item"])}
    assert values["invalid_rows"] == 0
    assert values["rule_violations"] == 0
    assert values["membership_auc"] is None
    shown = cli("report")
    assert shown.code == 0, shown.err
    assert "no real rows" in shown.out


def test_every_measure_is_explained(cli: Cli) -> None:
    rows = json.loads(cli("metrics", "--format", "json").out)
    named = {row["metric"] for row in rows}
    assert {
        "tstr_rf_auc", "tstr_lr_accuracy", "c2st_rf_auc", "column_shapes", "pair_trends", "dcr_share", "exact_copies",
        "near_copies", "membership_auc", "invalid_rows", "rule_violations",
    } <= named  # fmt: skip
    assert all(row["definition"] and row["source"] and row["better"] for row in rows)


def test_a_workspace_that_is_taken_is_told_before_anything_is_computed(
    cli: Cli, runs: tuple[str, str], tmp_path: Path
) -> None:
    code = "import duckdb, sys\ncon = duckdb.connect(sys.argv[1])\nprint('ready', flush=True)\nsys.stdin.readline()"
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "ws" / "workspace.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    child.stdout.readline()
    try:
        began = time.monotonic()
        said = cli("evaluate", runs[0])
        assert time.monotonic() - began < 3
    finally:
        child.communicate("\n")
    assert (said.code, said.out) == (4, "")
    assert f"pid {child.pid}" in said.err


@pytest.mark.parametrize("how", ["", "--json", "--html"])
def test_scores_that_cannot_be_kept_are_shown(
    cli: Cli, runs: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    from localsynth.core.errors import StoreLocked
    from localsynth.metrics import registry
    from localsynth.workspace import evaluate

    def busy(*_: object, **__: object) -> None:
        raise StoreLocked("the workspace is in use by another process (shell, pid 7)", "end it")

    ours = registry.METRICS.built_in
    monkeypatch.setattr(registry.METRICS, "built_in", {"copies": ours["copies"]})
    monkeypatch.setattr(registry.METRICS, "_points", lambda group: [])
    monkeypatch.setattr(evaluate, "PATIENCE", 0.0)
    monkeypatch.setattr(evaluate.kept, "put", busy)
    page = tmp_path / "page.html"
    extra = ["--html", page] if how == "--html" else [how] if how else []
    said = cli("evaluate", runs[0], "--metrics", "copies", *extra)
    assert said.code == 4
    assert "the scores were not kept: the workspace is in use by another process (shell, pid 7)" in said.err
    sentence = "These scores are shown without being kept in the workspace."
    if how == "--json":
        whole = json.loads(said.out)
        assert whole["cautions"] == [sentence]
        assert any(score["metric"] == "exact_copies" for score in whole["scores"])
    else:
        assert sentence in (page.read_text() if how == "--html" else said.out)
    if not how:
        compared = cli("compare", *runs)
        assert compared.code == 4
        assert "Exact copies" in compared.out
    assert cli("report", runs[0]).code != 0


def test_runs_of_several_datasets_are_not_mixed(cli: Cli, runs: tuple[str, str], tmp_path: Path) -> None:
    assert cli("import", "sample:iris", "--name", "later").code == 0
    path = tmp_path / "later.toml"
    path.write_text('rows = 30\n[dataset]\nname = "later"\n[method]\nname = "independent"\n')
    assert cli("run", path).code == 0
    said = cli("evaluate", "iris", "later")
    assert (said.code, said.out) == (2, "")
    assert "different datasets" in said.err
    assert "--against" in said.err
    assert cli("evaluate", "iris", "later", "--against", "iris", "--metrics", "copies").code == 0
    assert "Runs of several datasets are refused without it" in " ".join(
        cli("evaluate", "--help").out.split()
    )
