"""Bad input gets one clear sentence, a hint, the right exit code, and loses nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]


def sentences(said: Any) -> list[str]:
    """The lines that say what is wrong."""
    return [line for line in said.err.splitlines() if line.startswith("error: ")]


def refused(said: Any, code: int, *words: str) -> None:
    """Exactly one sentence with these words, nothing on standard output, that exit code."""
    assert said.code == code, said.err
    assert said.out == ""
    assert len(sentences(said)) == 1
    for word in words:
        assert word in said.err


@pytest.mark.parametrize("rows", [0, -1])
def test_no_rows(cli: Cli, recipe: Path, rows: int, tmp_path: Path) -> None:
    refused(cli("run", recipe, "--rows", rows), 2, f"{rows} rows", "at least 1")
    recipe.write_text(recipe.read_text().replace("rows = 40", f"rows = {rows}"))
    refused(cli("run", recipe), 2, "tiny.toml, line 2", "rows")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("rows = 40", "rws = 40", ["line 2", "rws", "did you mean 'rows'"]),
        ("schema =", "shema =", ["shema", "did you mean 'schema'"]),
        ("batch_rows = 10", "batch_row = 10", ["batch_row", "did you mean 'batch_rows'"]),
        ("batch_rows = 10", 'batch_rows = "many"', ["batch_rows"]),
        ("text-to-tabular", "text-to-tabluar", ["did you mean 'text-to-tabular'"]),
        ("[dataset]", "[dataset", ["line 4", "brackets"]),
        ('"tiny.schema.toml"', '"tiny.shema.toml"', ["there is no schema file"]),
        ('[model]\nname = "uniform"', '[model]\nname = "smollm"', ["smollm"]),
        ('[model]\nname = "uniform"', "[model]\nthreads = 0", ["threads"]),
        ('name = "tiny"', 'name = "tiny"\ntarget = "sexx"', ["sexx", "did you mean 'sex'"]),
    ],
)
def test_a_wrong_recipe(cli: Cli, recipe: Path, tmp_path: Path, old: str, new: str, words: list[str]) -> None:
    assert old in recipe.read_text()
    recipe.write_text(recipe.read_text().replace(old, new))
    refused(cli("run", recipe), 2, *words, "hint: ")
    assert not list((tmp_path / "ws").glob("runs/*"))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('["f", "[red]m[/red]"]', '["f", "f"]', ["'f' is listed twice"]),
        ("[18, 90]", "[90, 18]", ["upside down"]),
        ('kind = "float"', 'kind = "flaot"', ["did you mean 'float'"]),
        ('name = "score"', 'name = "age"', ["two columns are called 'age'"]),
        ("age >= 20", "age >= ", ["old enough"]),
        ("age >= 20", "agee >= 20", ["agee", "age"]),
        ("age >= 20", "age + 1", ["old enough"]),
        ("age >= 20", "age >= 200", ["old enough"]),
        ("age >= 20", "age > (select max(age) from x)", ["old enough"]),
    ],
)
def test_a_wrong_schema(cli: Cli, recipe: Path, tmp_path: Path, old: str, new: str, words: list[str]) -> None:
    file = tmp_path / "tiny.schema.toml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    for said in (cli("schema", "check", file), cli("run", recipe), cli("recipe", "check", recipe)):
        refused(said, 2, *words)
    assert not list((tmp_path / "ws").glob("runs/*"))


def test_all_mistakes_of_a_schema_are_told_with_their_lines(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    file = tmp_path / "tiny.schema.toml"
    file.write_text(
        file.read_text().replace("[18, 90]", "[90, 18]").replace('["f", "[red]m[/red]"]', '["f", "f"]')
    )
    said = cli("schema", "check", file)
    assert "line 11" in said.err
    assert "also: line 17" in said.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", ["empty"]),
        (b"a,b\n1,2\n3,4,5\n", ["3"]),
        (b"a,b\n1,x\n2,caf\xe9\n3,\xc3\xa9\n", ["encoding"]),
    ],
)
def test_a_file_that_cannot_be_imported(cli: Cli, tmp_path: Path, text: bytes, words: list[str]) -> None:
    file = tmp_path / "data.csv"
    file.write_bytes(text)
    refused(cli("import", file), 2, *words)
    assert cli("schema", "show", "--format", "csv").out.count("\n") == 1


def test_a_file_of_one_column_and_a_very_long_cell(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "one.csv"
    file.write_text("a\n" + "".join(f"{i}\n" for i in range(30)))
    assert cli("import", file).code == 0
    long = tmp_path / "long.csv"
    long.write_text("a,b\n1," + "x" * 1_000_000 + "\n2,y\n")
    said = cli("import", long)
    assert said.code in {0, 2}
    assert len(said.err) < 2_000


def test_what_is_not_there_is_answered_with_the_nearest(cli: Cli, recipe: Path) -> None:
    assert cli("run", recipe).code == 0
    run = cli("runs", "list", "--format", "csv").out.splitlines()[1].split(",")[0]
    refused(cli("runs", "show", run[:-4] + "zzzz"), 2, f"did you mean '{run}'")
    refused(cli("run", "clinc"), 2, "did you mean 'clinic'")
    refused(cli("run", recipe.parent / "tyny.toml"), 2, "tiny.toml")
    refused(cli("schema", "show", "tinny"), 2, "'tiny'")
    refused(cli("methods", "show", "independant"), 2, "'independent'")
    refused(cli("models", "verify", "smolm2-135m"), 2, "smollm2-135m")
    refused(cli("import", "sample:diabets"), 2, "diabetes")
    refused(cli("import", "nowhere.csv"), 2, "nowhere.csv")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rnu"], ["'run'"]),
        (["run", "x", "--row", "3"], ["--rows"]),
        (["run"], ["RECIPE"]),
        (["run", "x", "--rows", "many"], ["--rows", "integer"]),
        (["runs", "lst"], ["'list'"]),
        (["sql", "select 1", "--format", "xml"], ["xml", "table"]),
        (["import", "x", "--policy", "none"], ["none", "statistics"]),
        (["import", "x", "--holdout", "1"], ["holdout"]),
    ],
)
def test_a_wrong_command(cli: Cli, arguments: list[str], words: list[str]) -> None:
    refused(cli(*arguments), 2, *words, "hint: ")


def test_sql_keeps_the_database_s_own_words_and_only_reads(cli: Cli, recipe: Path) -> None:
    assert cli("run", recipe).code == 0
    refused(cli("sql", "select agee from tiny_synth"), 1, "agee", '"age"')
    refused(cli("sql", "select 1 +"), 1, "syntax error", "^")
    refused(cli("sql", "delete from tiny_synth"), 1, "not allowed")
    refused(cli("sql", "select 1; select 2"), 1, "2 statements")
    refused(cli("sql", "from read_csv('/etc/passwd')"), 1)


@pytest.mark.parametrize(
    ("value", "formats"),
    [
        ("DATE 'infinity'", ["table", "csv", "json"]),
        ("TIMESTAMP '290000-01-01'", ["table", "csv", "json"]),
        ("[DATE '-infinity']", ["table", "csv", "json"]),
        ("INTERVAL 3 MONTH", ["parquet"]),
    ],
)
def test_sql_with_values_that_a_format_cannot_hold(
    cli: Cli, tmp_path: Path, value: str, formats: list[str]
) -> None:
    assert cli("init").code == 0
    for kind in formats:
        said = cli("sql", f"select {value} as odd", "--format", kind)
        refused(said, 2, "cannot hold a value", "hint: cast the column to VARCHAR")
    for kind in ("table", "csv", "json"):
        assert cli("sql", f"select ({value})::VARCHAR as odd", "--format", kind).code == 0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("INTERVAL '3 months 2 days 5.5 seconds'", "3 months 2 days 00:00:05.5"),
        ("170141183460469231731687303715884105727::HUGEINT", "170141183460469231731687303715884105727"),
        ("12345678901234567890123456789012345.678::DECIMAL(38,3)", "12345678901234567890123456789012345.678"),
        ("'abc'::BLOB", "616263"),
        ("'nan'::DOUBLE", "nan"),
    ],
)
def test_sql_with_odd_values_prints_them(cli: Cli, value: str, text: str) -> None:
    assert cli("init").code == 0
    assert cli("sql", f"select {value} as odd", "--format", "csv").out == f"odd\n{text}\n"
    assert cli("sql", f"select {value} as odd").out.splitlines()[-1].strip() == text
    assert cli("sql", f"select {value} as odd", "--format", "json").code == 0


def test_no_workspace(cli: Cli, tmp_path: Path) -> None:
    for arguments in (
        ["runs", "list"],
        ["sql", "select 1"],
        ["export", "last", "-o", "x.csv"],
        ["runs", "watch"],
    ):
        refused(cli(*arguments), 1, "there is no workspace", "localsynth init")
    assert not (tmp_path / "ws").exists()


def test_no_model_installed(cli: Cli, recipe: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOCALSYNTH_MODELS", str(tmp_path / "models"))
    recipe.write_text(recipe.read_text().replace('[model]\nname = "uniform"\n', ""))
    refused(cli("run", recipe), 3, "no model is installed", "localsynth models install smollm2-135m")
    refused(cli("run", recipe, "--model", "smollm2-135m"), 3, "not installed")
    refused(cli("models", "verify"), 3, "no model is installed")


def test_files_that_are_no_models(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOCALSYNTH_MODELS", str(tmp_path / "models"))
    file = tmp_path / "x.gguf"
    file.write_text("hello")
    refused(cli("models", "add", file), 3, "x.gguf")
    file.write_bytes(b"GGUF\x03\x00\x00\x00")
    refused(cli("models", "add", file), 3, "x.gguf")
    refused(cli("models", "add", tmp_path / "y.gguf"), 3, "y.gguf")


def test_a_model_whose_context_is_too_small_for_one_row(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    file = tmp_path / "tiny.schema.toml"
    text = '[[columns]]\nname = "story"\nkind = "text"\nmin_length = 50000\nmax_length = 60000\n\n[[rules]]'
    file.write_text(file.read_text().replace("[[rules]]", text))
    refused(cli("run", recipe), 3, "8192")
    assert cli("runs", "list", "--format", "csv").out.count("\n") == 1


def test_a_policy_that_forbids_the_method(cli: Cli, tmp_path: Path) -> None:
    assert cli("import", "sample:iris", "--policy", "schema").code == 0
    recipe = tmp_path / "r.toml"
    recipe.write_text('rows = 10\n[dataset]\nname = "iris"\n[method]\nname = "independent"\n')
    refused(cli("run", recipe), 2, "independent", "policy", "schema set iris --policy statistics")
    assert cli("runs", "list", "--format", "csv").out.count("\n") == 1
    assert cli("schema", "set", "iris", "--policy", "statistics").code == 0
    assert cli("run", recipe).code == 0


HOLD = """
import sys
from localsynth.store.session import Store
with Store.open(sys.argv[1]).write():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_another_writer(cli: Cli, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from localsynth.store.session import Store

    assert cli("run", recipe).code == 0
    monkeypatch.setattr(Store, "_limit", lambda self, timeout: 0.2)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "ws")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        refused(cli("sql", "from tiny_synth"), 4, "in use", str(holder.pid))
        refused(cli("run", recipe), 4, str(holder.pid))
        holder.communicate("")
    assert cli("sql", "select count(*) as n from tiny_synth", "--format", "csv").out == "n\n40\n"


def test_a_workspace_of_a_newer_version(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    import duckdb

    assert cli("run", recipe).code == 0
    con = duckdb.connect(str(tmp_path / "ws" / "workspace.duckdb"))
    columns = [row[0] for row in con.execute("DESCRIBE meta.migrations").fetchall()]
    con.execute(
        f"INSERT INTO meta.migrations SELECT 9999 AS {columns[0]}, * EXCLUDE ({columns[0]}) FROM meta.migrations LIMIT 1"
    )
    con.close()
    refused(cli("sql", "from tiny_synth"), 2, "newer")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_workspace(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    assert cli("run", recipe).code == 0
    (tmp_path / "ws" / "workspace.duckdb").chmod(0o400)
    (tmp_path / "ws").chmod(0o500)
    try:
        assert cli("sql", "from tiny_synth").code == 0
        refused(cli("run", recipe), 1, "read-only")
    finally:
        (tmp_path / "ws").chmod(0o700)


def test_a_run_that_falls_short_says_how_far_it_came(
    cli: Cli, recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from localsynth.core.contracts import Draft
    from localsynth.core.run import Reject
    from localsynth.methods.text_to_tabular import TextToTabular

    whole = TextToTabular.batch
    given: list[int] = []

    def batch(self: Any, n: int, seed: int, ask: Any) -> Draft:
        draft = whole(self, n, seed, ask)
        given.append(n)
        return (
            draft if len(given) == 1 else Draft(draft.rows.slice(0, 0), (Reject("rule", "old enough"),) * n)
        )

    monkeypatch.setattr(TextToTabular, "batch", batch)
    said = cli("run", recipe)
    assert said.code == 1
    assert "10 of 40 rows" in said.err
    assert "200 x rule (old enough)" in said.err
    run = said.out.strip()
    assert "short" in cli("runs", "show", run).out
    refused(cli("runs", "resume", run), 1, "ended short")
    monkeypatch.undo()


def test_an_unchanged_recipe_is_resumed_and_a_changed_one_refused_with_a_diff(
    cli: Cli, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from localsynth.core.errors import EngineDied
    from localsynth.methods.text_to_tabular import TextToTabular

    whole = TextToTabular.batch
    monkeypatch.setenv("LOCALSYNTH_WORKSPACE", str(tmp_path / "ws"))
    undisturbed = cli("run", recipe, "--seed", 5).out.strip()

    def batch(self: Any, n: int, seed: int, ask: Any) -> Any:
        draft = whole(self, n, seed, ask)
        if self.state() and sum(made) >= 20:
            raise EngineDied("the engine process was ended by SIGKILL", "its log is x")
        made.append(n)
        return draft

    made: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(TextToTabular, "batch", batch)
        said = cli("run", recipe, "--seed", 5)
    assert said.code == 3
    assert len(sentences(said)) == 1
    run = next(word for word in said.err.split() if word.startswith("20"))
    run = run.rstrip(":")
    assert f"runs resume {run}" in said.err

    text = recipe.read_text()
    recipe.write_text(text.replace("batch_rows = 10", "batch_rows = 20"))
    said = cli("runs", "resume", run)
    refused(said, 2, "-batch_rows = 10", "+batch_rows = 20", "--as-recorded")
    recipe.write_text(text.replace("a small clinic", "another title"))
    said = cli("runs", "resume", run)
    assert said.code == 0, said.err
    assert cli("export", run, "-o", tmp_path / "a.csv").code == 0
    assert cli("export", undisturbed, "-o", tmp_path / "b.csv").code == 0
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text()


def test_rows_of_two_tables_never_make_one_run(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from localsynth.core.errors import EngineDied
    from localsynth.methods.independent import Independent

    assert cli("import", "sample:iris").code == 0
    recipe = tmp_path / "iris.toml"
    recipe.write_text('rows = 20\n[dataset]\nname = "iris"\n[method]\nname = "independent"\n')
    whole = Independent.batch
    made: list[int] = []

    def batch(self: Any, n: int, seed: int, ask: Any) -> Any:
        if made:
            raise EngineDied("the engine process was ended by SIGKILL", "its log is x")
        made.append(n)
        return whole(self, n, seed, ask)

    monkeypatch.setattr(Independent, "batch_rows", lambda self: 10)
    with monkeypatch.context() as patch:
        patch.setattr(Independent, "batch", batch)
        run = cli("run", recipe).err.split("runs resume ")[1].split()[0]
    assert cli("import", "sample:iris", "--replace", "--seed", "7").code == 0
    refused(cli("runs", "resume", run), 2, "the schema of 'iris' has changed")
    refused(cli("runs", "resume", run, "--as-recorded"), 1, "imported anew", "start a new run")


def test_debug_shows_where(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from localsynth.cli.main import run

    monkeypatch.setenv("LOCALSYNTH_DEBUG", "")
    assert run(["run", "nothing.toml", "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err
