"""Everything the README tells people to type works, in the order it tells it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from localsynth.cli.main import run
from localsynth.core.errors import ExitCode

README = Path(__file__).parents[2] / "README.md"
TEXT = README.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def shell_lines() -> list[str]:
    return [line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()]


def without_model(line: str) -> list[str]:
    """The words after ``localsynth``; runs are small and use the engine that needs no model."""
    words = shlex.split(line)
    assert words.pop(0) == "localsynth"
    return [*words, "--rows", "20", "--model", "uniform"] if words[0] == "run" else words


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOCALSYNTH_WORKSPACE", raising=False)
    return tmp_path


def test_the_shell_examples(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (recipe,) = [block for kind, block in BLOCKS if kind == "toml"]
    (folder / "diabetes.toml").write_text(recipe, encoding="utf-8")
    lines = shell_lines()
    assert len(lines) >= 8
    for line in lines:
        code = run(without_model(line))
        assert code == ExitCode.OK, f"{line}\n{capfd.readouterr().err}"
    assert (folder / "rows.parquet").stat().st_size > 0
    assert len((folder / "diabetes.csv").read_text(encoding="utf-8").splitlines()) == 21


def test_the_python_example(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (code,) = [block for kind, block in BLOCKS if kind == "python"]
    small = code.replace("rows=50)", 'rows=50, model="uniform")')
    assert small != code
    names: dict[str, object] = {}
    exec(compile(small, str(README), "exec"), names)
    assert len(names["frame"]) == 50  # type: ignore[arg-type]
    assert "sex" in capfd.readouterr().out


def test_the_tables_are_those_of_a_workspace(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["import", "sample:iris"]) == ExitCode.OK
    assert run(["run", "clinic", "--rows", "20", "--model", "uniform"]) == ExitCode.OK
    capfd.readouterr()
    query = """
        SELECT DISTINCT table_schema || '.' || CASE table_schema WHEN 'meta' THEN table_name ELSE 'NAME' END AS t
        FROM information_schema.tables WHERE table_schema <> 'main' ORDER BY t"""
    assert run(["sql", query, "--format", "csv"]) == ExitCode.OK
    found = capfd.readouterr().out.split()[1:]
    told = re.findall(r"^\| `((?:real|synth|meta)\.\w+)` \|", TEXT, re.MULTILINE)
    assert sorted(told) == sorted(found)


def test_the_exit_codes() -> None:
    told = [int(code) for code in re.findall(r"^\| (\d+) \|", TEXT, re.MULTILINE)]
    assert told == sorted(ExitCode)


def test_the_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", TEXT):
        assert (README.parent / target).exists(), target
