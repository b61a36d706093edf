"""``--max-minutes`` and ``--max-memory``: what is refused, what is stopped, what is kept."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from localsynth import Workspace
from tests.cli.conftest import Cli
from tests.cli.test_process import localsynth

FEW = 100_000  # rows that take longer than any limit here


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    lines = (f"{i},{i % 90},{'abcdefghij' * 3}{i * 7919 % 100_000}" for i in range(60_000))
    path.write_text("nr,age,note\n" + "\n".join(lines) + "\n")
    return path


def test_a_run_stops_when_its_time_is_over_and_goes_on(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    assert cli("run", recipe).code == 0  # how fast it is here
    said = cli("run", recipe, "--rows", FEW, "--max-minutes", 0.02)
    assert said.code == 1
    assert re.search(rf"at the usual .* rows/s {FEW:,} rows take .*; --max-minutes 0.02 ends it at", said.err)
    assert "the 0.02 minutes of --max-minutes are over; stopped after a finished batch" in said.err
    assert f"localsynth runs resume {said.out.strip()}" in said.err
    space = Workspace(tmp_path / "ws")
    run = space.get_run("last")
    assert (run.run_id, run.status.value) == (said.out.strip(), "cancelled")
    kept = run.rows_done
    again = cli("runs", "resume", "--max-minutes", 0.02)
    assert again.code == 1
    assert space.get_run("last").rows_done >= kept


def test_a_recipe_says_its_limits_and_the_command_others(cli: Cli, recipe: Path) -> None:
    recipe.write_text(recipe.read_text() + "\n[limits]\nmax_minutes = 0.01\n")
    assert cli("run", recipe, "--rows", FEW).code == 1
    recipe.write_text(recipe.read_text().replace("max_minutes = 0.01", "max_minutes = 0.02"))
    assert "the 0.02 minutes" in cli("runs", "resume").err
    assert "the 0.015 minutes" in cli("runs", "resume", "--max-minutes", 0.015).err
    assert cli("run", recipe, "--max-minutes", 5).code == 0


def test_limits_of_a_detached_run_are_its_own(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    assert cli("run", recipe, "--rows", FEW, "--max-minutes", 0.02, "--detach").code == 0
    assert cli("runs", "watch").code == 0
    assert "--max-minutes are over" in Workspace(tmp_path / "ws").get_run("last").message


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--max-memory", "4X"), "'4X' is no size of memory"),
        (("--max-memory", "4"), "did you mean 4GB?"),
        (("--max-minutes", 0), "0 minutes are no time to work in"),
        (("--max-minutes", "nan"), "nan minutes are no time"),
    ],
)
def test_wrong_limits_are_refused_before_anything_is_made(
    cli: Cli, recipe: Path, tmp_path: Path, option: tuple[object, ...], said: str
) -> None:
    for command in (("run", recipe), ("import", "sample:iris"), ("evaluate",), ("runs", "resume")):
        refused = cli(*command, *option)
        assert (refused.code, refused.out) == (2, "")
        assert said in refused.err
    assert not (tmp_path / "ws").exists()


def test_too_little_memory_to_begin_with_is_refused(
    cli: Cli, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = cli("run", recipe, "--max-memory", "30MB")
    assert refused.code == 3
    assert "--max-memory 30MB is too little: the run holds" in refused.err
    assert "hint: allow " in refused.err
    monkeypatch.setenv("LOCALSYNTH_MAX_MEMORY", "30MB")
    assert cli("run", recipe).code == 3
    assert cli("import", "sample:iris").code == 3
    assert cli("run", recipe, "--max-memory", "64GB").code == 0
    monkeypatch.setenv("LOCALSYNTH_MAX_MEMORY", "much")
    assert "$LOCALSYNTH_MAX_MEMORY: 'much' is no size of memory" in cli("run", recipe).err


def test_a_run_that_grows_too_large_is_stopped_and_keeps_its_rows(
    recipe: Path, tmp_path: Path, cli: Cli
) -> None:
    """Its own process has about 130 MB when it begins, and 220 MB when it makes rows."""
    process = localsynth(
        "run",
        recipe,
        "--rows",
        FEW,
        "--workspace",
        tmp_path / "ws",
        "--max-memory",
        "195MB",
        "--max-minutes",
        1,
    )
    _, err = process.communicate(timeout=120)
    assert process.returncode == 3
    assert "--max-memory 195MB" in err
    assert "Traceback" not in err
    assert cli("sql", "from meta.runs").code in {0, 1}  # the database is whole, if it was begun


def test_an_import_out_of_time_leaves_nothing(cli: Cli, table: Path, tmp_path: Path) -> None:
    said = cli("import", table, "--max-minutes", 0.001)
    assert said.code == 1
    assert "error: the 0.001 minutes of --max-minutes are over" in said.err
    assert Workspace(tmp_path / "ws").datasets() == []
    assert not list((tmp_path / "ws").glob("tmp-*"))


def test_a_limited_import_is_the_import_it_would_be(cli: Cli, table: Path, tmp_path: Path) -> None:
    assert cli("import", table, "--max-memory", "1GB", "--max-minutes", 10).code == 0
    first = Workspace(tmp_path / "ws").sql("from people_real order by nr")
    other = Workspace(tmp_path / "other")
    other.import_file(table)
    assert first.equals(other.sql("from people_real order by nr"))


def test_an_evaluation_out_of_time_keeps_nothing(cli: Cli, recipe: Path, table: Path) -> None:
    assert cli("import", "sample:iris").code == 0
    text = 'rows = 200\n[dataset]\nname = "iris"\n[method]\nname = "independent"\n'
    recipe.write_text(text)
    assert cli("run", recipe).code == 0
    said = cli("evaluate", "--max-minutes", 0.001)
    assert said.code == 1
    assert "error: the 0.001 minutes of --max-minutes are over" in said.err
    assert cli("report").code == 2


def test_help_says_it(cli: Cli) -> None:
    os.environ.pop("COLUMNS", None)
    for command in (("run",), ("runs", "resume"), ("import",), ("evaluate",), ("fill",)):
        said = cli(*command, "--help")
        assert "--max-minutes" in said.out
        assert "--max-memory" in said.out
