"""No cell of a table in what is kept to be read later: logs, events, status files, the audit log, tracebacks.

A message that names a wrong cell is for the person at the terminal, who has the file; what is kept of it says "a value".
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import pyarrow as pa
import pytest

from localsynth import Workspace
from localsynth.cli.main import run as run_command
from localsynth.core.contracts import Ask, Draft, EngineInfo, MethodParams, Task
from localsynth.core.errors import DatasetError, RuleError
from localsynth.core.run import Exposure, Status
from localsynth.core.schema import Rule
from localsynth.core.tracing import named, trace
from localsynth.methods import registry
from localsynth.store.searching import search_files
from tests.forget_kit import NAME, full, needles, recipe, table, texts
from tests.workspace.jobs_kit import ended

_KEPT = ("logs", "jobs", "runs", "audit.jsonl")


def kept(space: Workspace) -> set[str]:
    """Files to be read later in which a cell stands."""
    found = (path.relative_to(space.folder) for path in search_files(space.store, needles()))
    return {str(path) for path in found if path.parts[0] in _KEPT}


@pytest.fixture(autouse=True)
def no_debugging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALSYNTH_DEBUG", "")


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path / "ws")
    made.import_frame(table(), NAME, policy="rows")
    return made


def test_everything_that_goes_well(tmp_path: Path) -> None:
    space = full(tmp_path / "ws")
    assert (space.folder / "runs").is_dir()
    assert kept(space) == set()
    (space.folder / "runs" / "x").write_text(texts()[0])
    assert kept(space) == {"runs/x"}


def test_a_cell_that_does_not_fit(
    space: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Told at the terminal, once; kept by no job."""
    path = tmp_path / "new.csv"
    table().to_csv(path, index=False)
    schema = space.schema(NAME).to_toml().replace("unit-", "UNIT-")
    (tmp_path / "s.toml").write_text(schema)
    wrong = f"'{table()['unit'][0]}'"
    with pytest.raises(DatasetError, match=wrong):
        space.import_file(path, schema=space.schema(NAME).from_toml(schema))
    for debug in ([], ["--debug"]):
        command = [
            "import",
            str(path),
            "--schema",
            str(tmp_path / "s.toml"),
            "--workspace",
            str(space.folder),
        ]
        assert run_command([*command, *debug]) == 2
        assert "".join(capsys.readouterr().err.split()).count(wrong) == 1
    job = space.start_job("import", source=path, schema_file=tmp_path / "s.toml")
    error = ended(job).error
    assert error is not None
    assert "a value in row 1 is no category of the schema" in error.message
    assert kept(space) == set()


def test_a_rule_that_fails_on_a_cell(space: Workspace) -> None:
    """As a run of copies meets it: the cell is a real one."""
    schema = space.schema(NAME)
    check = "CASE WHEN contains(note, 'kanarie') THEN note::INTEGER > 3 ELSE true END"
    space.set_schema(NAME, schema.model_copy(update={"rules": (Rule(check=check, name="odd"),)}))
    with pytest.raises(RuleError, match="kanarie"):
        space.run(recipe("bootstrap"))
    job = space.start_job("run", recipe=recipe("bootstrap").to_toml())
    assert ended(job).error is not None
    assert all(run.status is Status.FAILED and "a value" in run.message for run in space.runs())
    assert not any(text in run.message for run in space.runs() for text in texts())
    assert kept(space) == set()


class NoParams(MethodParams):
    """None."""


class Quoting:
    """A plug-in whose errors quote what it was reading."""

    name: ClassVar[str] = "quoting"
    version: ClassVar[int] = 1
    exposure: ClassVar[Exposure] = Exposure.ROWS
    needs_model: ClassVar[bool] = False
    summary: ClassVar[str] = "It breaks."
    Params: ClassVar[type[MethodParams]] = NoParams
    how: ClassVar[str] = "value"

    def __init__(self, params: NoParams) -> None:
        """Nothing."""

    def prepare(self, task: Task, info: EngineInfo | None) -> None:
        assert task.train is not None
        self.rows = task.train()

    def batch_rows(self) -> int:
        return 10

    def learn(self, ask: Ask | None, seed: int) -> None:
        """Nothing."""

    def batch(self, n: int, seed: int, ask: Ask | None) -> Draft:
        cell = self.rows["note"][0].as_py()
        match Quoting.how:
            case "value":
                int(cell)
            case "key":
                {}[cell]
            case "arrow":
                pa.array([cell]).cast(pa.int64())
            case "frame":
                pd.Series([cell]).astype(float)
            case "chained":
                try:
                    int(cell)
                except ValueError as error:
                    raise KeyError(cell) from error
        raise AssertionError(cell)

    def state(self) -> Mapping[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing."""


@pytest.mark.parametrize("how", ["value", "key", "arrow", "frame", "chained", "assert"])
@pytest.mark.parametrize("debug", [False, True])
def test_errors_that_quote_a_cell(
    space: Workspace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    how: str,
    debug: bool,
) -> None:
    points = [EntryPoint("quoting", f"{__name__}:Quoting", registry.METHODS.group)]
    monkeypatch.setattr(registry.METHODS, "_points", lambda group: points)
    monkeypatch.setattr(Quoting, "how", how)
    path = tmp_path / "r.toml"
    path.write_text(recipe("quoting").to_toml())
    command = ["run", str(path), "--workspace", str(space.folder), *(["--debug"] if debug else [])]
    assert run_command(command) == 1
    said = capsys.readouterr()
    assert "something went wrong inside localsynth" in said.err
    assert debug == ("in batch" in said.err)  # where it happened
    assert not any(needle in (said.out + said.err).encode() for needle in needles())
    assert kept(space) == set()
    (run,) = space.runs()
    assert run.status is Status.FAILED
    assert not any(text in run.message for text in texts())


def test_a_traceback_says_where_and_what_kind() -> None:
    def fail() -> None:
        try:
            int("a cell")
        except ValueError:
            os.stat("/no/such/path")  # noqa: PTH116

    with pytest.raises(OSError) as caught:  # noqa: PT011
        fail()
    text = trace(caught.value)
    assert "a cell" not in text.replace('int("a cell")', "")
    assert "\nValueError\n" in text
    assert "which led to" in text
    assert "FileNotFoundError: [Errno 2] No such file or directory: '/no/such/path'" in text
    assert named(pa.ArrowTypeError("a cell")) == "ArrowTypeError"
    assert named(DatasetError("a cell")) == "DatasetError"
    assert named(TypeError("no int")) == "TypeError: no int"
