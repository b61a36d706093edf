"""Everything the README and the guide tell people to type works, in the order they tell it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from localsynth.cli.main import run
from localsynth.core.errors import ExitCode

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "recipes/README.md", "SECURITY.md", "models/README.md")
GUIDE = (ROOT / "recipes" / "README.md").read_text(encoding="utf-8")


def blocks(text: str, kind: str) -> list[str]:
    return [
        block
        for said, block in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        if said == kind
    ]


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


def type_in(lines: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    for line in lines:
        code = run(without_model(line))
        assert code == ExitCode.OK, f"{line}\n{capfd.readouterr().err}"


def test_the_readme_s_examples(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 100, "what is not needed for the first rows belongs into the guide"
    lines = [line for block in blocks(text, "sh") for line in block.splitlines()]
    assert len(lines) >= 4
    type_in(lines, capfd)
    assert (folder / "rows.parquet").stat().st_size > 0


def test_the_guide_s_examples(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (recipe,) = blocks(GUIDE, "toml")
    (folder / "diabetes.toml").write_text(recipe, encoding="utf-8")
    lines = [line for block in blocks(GUIDE, "sh") for line in block.splitlines()]
    assert len(lines) >= 20
    type_in(lines, capfd)
    assert len((folder / "diabetes.csv").read_text(encoding="utf-8").splitlines()) == 21
    # What the page on security tells about records and forgetting, in the workspace that has come of it.
    (records,) = blocks((ROOT / "SECURITY.md").read_text(encoding="utf-8"), "sh")
    type_in(records.splitlines(), capfd)


def test_the_python_example(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks(GUIDE, "python")
    small = code.replace("rows=50)", 'rows=50, model="uniform")')
    assert small != code
    names: dict[str, object] = {}
    exec(compile(small, "recipes/README.md", "exec"), names)
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
    told = re.findall(r"^\| `((?:real|synth|meta)\.\w+)` \|", GUIDE, re.MULTILINE)
    assert sorted(told) == sorted(found)


def test_the_exit_codes() -> None:
    told = [int(code) for code in re.findall(r"^\| (\d+) \|", GUIDE, re.MULTILINE)]
    assert told == sorted(ExitCode)


@pytest.mark.parametrize("page", PAGES)
def test_the_links_lead_somewhere(page: str) -> None:
    path = ROOT / page
    text = path.read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    }
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in headings, target
        else:
            assert (path.parent / target.split("#")[0]).exists(), target


def test_what_security_is_checked_by_is_there() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:tests|scripts|workspace/permission)[\w/.]*)", text)
    assert len(named) > 20
    for name in named:
        places = (ROOT / name, ROOT / "localsynth" / name)
        assert any(place.exists() for place in places), name
