"""From a recipe to rows, SQL and files, through the command line."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

Cli = Callable[..., Any]


@pytest.fixture
def made(cli: Cli, recipe: Path) -> str:
    """The id of a run of 40 rows."""
    said = cli("run", recipe, "--seed", 3)
    assert said.code == 0, said.err
    return str(said.out.strip())


def test_a_recipe_runs_in_a_workspace_that_is_not_there_yet(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    said = cli("run", recipe, "--rows", 30, "--seed", 3, "--workspace", tmp_path / "x" / "ws")
    assert said.code == 0
    query = "select count(*) n, count(distinct patient_id) ids from tiny_synth"
    said = cli("sql", query, "--workspace", tmp_path / "x" / "ws", "--format", "csv")
    assert (said.code, said.out, said.err) == (0, "n,ids\n30,30\n", "")
    assert (tmp_path / "x" / "ws").stat().st_mode & 0o777 == 0o700
    assert not (tmp_path / "ws").exists()


def test_standard_output_of_a_run_is_its_id_and_talk_is_elsewhere(cli: Cli, made: str) -> None:
    assert cli("runs", "show", made).out.startswith(f"run       {made}\n")
    assert json.loads(cli("runs", "list", "--format", "json").out)[0]["run"] == made
    assert made in cli("runs").out


def test_the_same_seed_gives_the_same_rows(cli: Cli, recipe: Path, made: str) -> None:
    again = cli("run", recipe, "--seed", 3).out.strip()
    other = cli("run", recipe, "--seed", 4).out.strip()
    texts = []
    for run in (made, again, other):
        path = recipe.parent / f"{run}.csv"
        assert cli("export", run, "-o", path).code == 0
        texts.append(path.read_text())
    assert texts[0] == texts[1] != texts[2]


def test_export_opens_in_pandas_with_the_right_types(cli: Cli, made: str, tmp_path: Path) -> None:
    import pandas as pd

    path = tmp_path / "rows.parquet"
    assert cli("export", made[:-2], "-o", path).code == 0
    frame = pd.read_parquet(path)
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "patient_id": "str",
        "age": "int64",
        "sex": "category",
        "hba1c": "float64",
        "seen": "datetime64[ms]",
        "score": "Int64",
    }
    assert list(frame["sex"].cat.categories) == ["f", "[red]m[/red]"]
    assert (frame["seen"] >= pd.Timestamp("2020-01-01")).all()
    assert path.stat().st_mode & 0o777 == 0o600


def test_who_waits_for_a_long_export_hears_how_far_it_is(
    cli: Cli, made: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localsynth.cli.data._TELL_EVERY_S", 0.0)
    monkeypatch.setattr("localsynth.workspace.files._PIECE", 10)
    said = cli("export", made, "-o", tmp_path / "rows.csv")
    assert " 25%  10 of 40 rows written" in said.err
    assert said.out == ""


def test_every_format_of_export_holds_the_same_rows(cli: Cli, made: str, tmp_path: Path) -> None:
    paths = {kind: tmp_path / f"rows.{kind}" for kind in ("csv", "tsv", "jsonl", "parquet")}
    for path in paths.values():
        assert cli("export", "tiny", "-o", path).code == 0
    rows = pq.read_table(paths["parquet"]).to_pylist()
    lines = [json.loads(line) for line in paths["jsonl"].read_text().splitlines()]
    assert [line["score"] for line in lines] == [row["score"] for row in rows]
    assert [line["seen"] for line in lines] == [row["seen"].date().isoformat() for row in rows]
    commas, tabs = paths["csv"].read_text(), paths["tsv"].read_text()
    assert commas.count("\n") == 41
    assert commas.replace(",", "\t") == tabs


def test_export_replaces_nothing_and_knows_its_formats(cli: Cli, made: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("mine")
    said = cli("export", made, "-o", path)
    assert (said.code, path.read_text()) == (2, "mine")
    assert "exists already" in said.err
    assert cli("export", made, "-o", path, "--overwrite").code == 0
    said = cli("export", made, "-o", tmp_path / "rows.parket")
    assert said.code == 2
    assert "did you mean 'parquet'" in said.err
    assert cli("export", made, "-o", tmp_path / "rows").code == 2
    assert cli("export", made, "-o", tmp_path / "rows", "--format", "csv").code == 0
    said = cli("export", made, "-o", tmp_path / "no" / "rows.csv")
    assert said.code == 2
    assert not list(tmp_path.glob("**/*.part"))


def test_tables_show_data_as_it_is(cli: Cli, made: str) -> None:
    out = cli("sql", "select distinct sex from tiny_synth order by 1").out
    assert "[red]m[/red]" in out
    out = cli("sql", "select 'a' || chr(27) || '[31m' || chr(10) as x, null as y").out
    assert "a\\x1b[31m\\n" in out
    assert "NULL" in out


def test_sql_formats_are_exact(cli: Cli, made: str) -> None:
    query = "select 1 as a, null as b, true as c, 'x,\"y\"' as d, date '2024-01-02' as e, 2.50 as f, 1.5::double as f"
    assert (
        cli("sql", query, "--format", "csv").out == 'a,b,c,d,e,f,f\n1,,true,"x,""y""",2024-01-02,2.50,1.5\n'
    )
    assert json.loads(cli("sql", query, "--format", "json").out) == [
        {"a": 1, "b": None, "c": True, "d": 'x,"y"', "e": "2024-01-02", "f": 2.5, "f_1": 1.5}
    ]
    assert cli("sql", "select 1 as a where false", "--format", "csv").out == "a\n"
    assert json.loads(cli("sql", "select 1 as a where false", "--format", "json").out) == []


def test_a_long_table_says_that_there_is_more(cli: Cli, made: str) -> None:
    said = cli("sql", "from range(1000)")
    assert said.out.count("\n") == 52
    assert "there are more" in said.err
    assert cli("sql", "from range(1000)", "--limit", 0).out.count("\n") == 1002
    assert cli("sql", "from range(1000)", "--limit", 5, "--format", "csv").out.count("\n") == 6


def test_watching_a_finished_run_tells_it_and_ends(cli: Cli, made: str) -> None:
    said = cli("runs", "watch", made)
    assert said.code == 0
    assert "finished: 40 of 40 rows" in said.err


def test_resuming_a_finished_run_changes_nothing(cli: Cli, made: str) -> None:
    said = cli("runs", "resume", made)
    assert (said.code, said.out.strip()) == (0, made)
    assert "finished already" in said.err


def test_deleting_a_run_asks_unless_told(
    cli: Cli, made: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    said = cli("runs", "delete", made)
    assert said.code == 2
    assert "say --yes" in said.err
    assert cli("runs", "delete", made, "--yes").code == 0
    assert cli("runs", "show", made).code == 2
    assert not (tmp_path / "ws" / "runs" / made).exists()


def test_import_prints_a_schema_that_can_be_edited_and_put_back(cli: Cli, tmp_path: Path) -> None:
    from localsynth.core.schema import Schema

    data = tmp_path / "people.csv"
    data.write_text("age,sex,a b\n" + "".join(f"{20 + i % 50},{'fm'[i % 2]},{i}\n" for i in range(90)))
    said = cli("import", data, "--target", "sex", "--holdout", 0)
    assert said.code == 0, said.err
    schema = Schema.from_toml(said.out)
    assert schema.names == ("age", "sex", "a b")
    assert schema.target == "sex"
    assert "90 rows (90 train, 0 held out)" in said.err
    file = tmp_path / "people.schema.toml"
    assert cli("schema", "export", "people", "-o", file).code == 0
    file.write_text(file.read_text().replace('name = "age"', 'name = "age"\ndescription = "in years"'))
    assert cli("schema", "check", file).code == 0
    assert cli("schema", "set", "people", file, "--policy", "schema").code == 0
    assert "in years" in cli("schema", "show", "people").out
    assert json.loads(cli("schema", "show", "--format", "json").out)[0]["policy"] == "schema"


def test_a_sample_is_the_source_of_a_recipe_and_independent_needs_no_model(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "iris.toml"
    path.write_text(
        'rows = 60\n[dataset]\nname = "iris"\nsource = "sample:iris"\n[method]\nname = "independent"\n'
    )
    said = cli("run", path)
    assert said.code == 0, said.err
    assert cli("sql", "select count(*) as n from iris_synth", "--format", "csv").out == "n\n60\n"
    assert cli("sql", "select count(*) as n from iris_real", "--format", "csv").out == "n\n150\n"


def test_a_changed_schema_file_takes_the_place_of_the_old_one_and_says_so(
    cli: Cli, recipe: Path, made: str
) -> None:
    file = recipe.parent / "tiny.schema.toml"
    file.write_text(
        file.read_text().replace("[18, 90]", "[30, 90]").replace('name = "score"', 'name = "points"')
    )
    said = cli("run", recipe)
    assert said.code == 0, said.err
    assert "had another schema" in said.err
    assert "new columns: points; gone: score; changed: age" in said.err
    assert cli("export", made, "-o", recipe.parent / "old.csv").code == 0  # the old run is as it was
    assert "score" in (recipe.parent / "old.csv").read_text()


def test_columns_may_have_any_name(cli: Cli, tmp_path: Path) -> None:
    names = ["select", "a b", 'x"y', "at", "🙂", "from.where"]
    columns = "".join(
        f"[[columns]]\nname = {json.dumps(n, ensure_ascii=False)}\nkind = 'integer'\nrange = [0, 9]\n"
        for n in names
    )
    (tmp_path / "odd.schema.toml").write_text(columns + '[[rules]]\ncheck = """ "x""y" <= "a b" """\n')
    (tmp_path / "odd.toml").write_text(
        'rows = 30\n[dataset]\nname = "odd one"\nschema = "odd.schema.toml"\n[model]\nname = "uniform"\n'
    )
    assert cli("run", tmp_path / "odd.toml").code == 0
    said = cli("sql", 'select count(*) as n from "odd one_synth" where "x""y" <= "a b"', "--format", "csv")
    assert said.out == "n\n30\n"
    assert cli("export", "odd one", "-o", tmp_path / "odd.csv").code == 0
    assert (tmp_path / "odd.csv").read_text().splitlines()[0] == 'select,a b,"x""y",at,🙂,from.where'


def test_methods_and_models_are_listed(cli: Cli) -> None:
    found = {
        row["method"]: row["exposure"] for row in json.loads(cli("methods", "list", "--format", "json").out)
    }
    assert found["text-to-tabular"] == "schema"
    assert found["independent"] == "statistics"
    assert "text-to-tabular" in cli("methods").out
    assert 'name = "text-to-tabular"' in cli("methods", "show", "text-to-tabular").out
    assert any(
        row["model"] == "smollm2-135m" for row in json.loads(cli("models", "list", "--format", "json").out)
    )


def test_what_methods_show_prints_is_a_recipe_s_method(cli: Cli, recipe: Path) -> None:
    import tomllib

    text = cli("methods", "show", "text-to-tabular").out
    head = recipe.read_text().split("[method]")[0]
    recipe.write_text(head + text)
    assert tomllib.loads(text)["method"]["name"] == "text-to-tabular"
    assert cli("recipe", "check", recipe).code == 0


def test_recipes_are_listed_shown_copied_and_checked(cli: Cli, tmp_path: Path) -> None:
    assert "clinic" in [row["recipe"] for row in json.loads(cli("recipe", "list", "--format", "json").out)]
    assert cli("recipe", "show", "clinic").out.count("[dataset]") == 1
    said = cli("recipe", "copy", "clinic", tmp_path / "mine")
    assert said.code == 0
    assert [Path(line).name for line in said.out.splitlines()] == ["clinic.toml", "clinic.schema.toml"]
    assert cli("recipe", "copy", "clinic", tmp_path / "mine").code == 2
    assert cli("recipe", "check", tmp_path / "mine" / "clinic.toml").code == 0


def test_init_makes_an_empty_workspace_once(cli: Cli, tmp_path: Path) -> None:
    assert cli("init").out.strip() == str(tmp_path / "ws")
    assert "there is a workspace" in cli("init").err
    assert cli("runs", "list").code == 0


def test_the_demo_checks_itself(cli: Cli) -> None:
    said = cli("demo", "--model", "uniform", "--rows", 60)
    assert "rows             60 of 60" in said.err
    assert "invalid          0 of" in said.err
    assert "rule violations  0 (" in said.err
    assert "What to type next" in said.err
    assert "diagnosis" in said.out


def test_doctor_finds_no_socket_and_says_what_is_missing(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LOCALSYNTH_MODELS", str(tmp_path / "none"))
    said = cli("doctor", "--format", "json")
    found = {row["what"]: row for row in json.loads(said.out)}
    assert found["model"]["state"] == "bad"
    assert said.code == 3
    assert "sockets" in found
    assert found["workspace"]["state"] == "note"
