"""Measuring: the recipe runs for real, leaves nothing behind, and stands beside the loops."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from localsynth import Workspace
from localsynth.core.errors import EngineDied, LocalsynthError, NotFound, PolicyError, RecipeError, RunError
from localsynth.core.schema import Schema
from localsynth.engine.plainloop import LoopResult
from localsynth.engine.setup import Setup
from localsynth.workspace import benchmark as module
from localsynth.workspace import benchrun
from localsynth.workspace.benchmark import Benchmark, benchmark
from localsynth.workspace.benchtables import six_columns
from localsynth.workspace.benchturns import Turn, Weights, memory_bound_mb

SCHEMA = Schema.model_validate(
    {
        "columns": [
            {"name": "id", "kind": "identifier"},
            {"name": "age", "kind": "integer", "range": [18, 90], "null_rate": 0.2},
            {"name": "word", "kind": "categorical", "categories": ["a", "b,c"]},
        ],
        "rules": [{"check": "age > 20"}],
    }
)


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary workspaces are made."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def write_recipe(tmp_path: Path) -> Callable[..., Path]:
    def write(dataset: str, method: str = 'name = "text-to-tabular"', rest: str = "", rows: int = 30) -> Path:
        path = tmp_path / "bench.toml"
        path.write_text(
            f'rows = {rows}\n[dataset]\n{dataset}\n[model]\nname = "uniform"\n[method]\n{method}\n{rest}'
        )
        return path

    return write


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_packaged_recipe(scratch: Path, tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    made = benchmark(
        "clinic",
        workspace=tmp_path / "none",
        model="uniform",
        rows=25,
        on_step=lambda what, share: told.append((what, share)),
    )
    assert (made.table, made.method, made.model, made.rows) == ("clinic", "text-to-tabular", "uniform", 25)
    assert made.valid_share == 1.0
    assert made.rows_per_s == pytest.approx(made.rows / made.seconds)
    assert made.first_row_seconds is not None
    assert made.first_row_seconds > 0
    assert made.load_seconds is not None
    assert made.learn_seconds is not None
    # No model, so nothing of llama.cpp can be told, and no loop stands beside it.
    assert made.prefill_tokens_per_s is made.python_share is made.ratio_json_loop is made.file is None
    assert list(dict.fromkeys(what for what, _ in told)) == [
        "loading the model",
        "learning",
        "rows",
    ]
    assert not list(scratch.iterdir())
    assert not (tmp_path / "none").exists()


def test_a_dataset_of_the_person_s_workspace(
    scratch: Path, tmp_path: Path, write_recipe: Callable[..., Path]
) -> None:
    workspace = Workspace(tmp_path / "mine")
    workspace.declare("mine", SCHEMA)
    before = contents(workspace.folder)
    made = benchmark(write_recipe('name = "mine"'), workspace=workspace.folder)
    assert (made.rows, made.valid_share) == (30, 1.0)
    assert contents(workspace.folder) == before
    assert not list(scratch.iterdir())


def test_a_privacy_budget_is_not_spent_on_measuring(
    scratch: Path, tmp_path: Path, write_recipe: Callable[..., Path]
) -> None:
    workspace = Workspace(tmp_path / "mine")
    workspace.declare("mine", SCHEMA)
    recipe = write_recipe('name = "mine"', rest="[privacy]\nepsilon = 1.0\n")
    with pytest.raises(PolicyError, match="privacy budget") as caught:
        benchmark(recipe, workspace=workspace.folder)
    assert "without epsilon" in caught.value.hint
    assert not list(scratch.iterdir())


@pytest.mark.parametrize("guard", [False, True])
def test_real_rows_come_along_only_where_they_are_read(
    scratch: Path,
    tmp_path: Path,
    write_recipe: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    guard: bool,
) -> None:
    from localsynth.store import datasets

    workspace = Workspace(tmp_path / "mine")
    imported = workspace.import_sample("iris")
    before = contents(workspace.folder)
    taken: list[int] = []

    def watched(store: Any, table: Any, *args: Any, **options: Any) -> Any:
        taken.append(table.num_rows)
        return original(store, table, *args, **options)

    original = datasets.import_table
    monkeypatch.setattr(datasets, "import_table", watched)
    rest = "[privacy]\ndrop_copies = true" if guard else ""
    benchmark(write_recipe('name = "iris"', rest=rest, rows=5), workspace=workspace.folder)
    assert taken == ([imported.train_rows] if guard else [])
    made = benchmark(write_recipe('name = "iris"', 'name = "independent"'), workspace=workspace.folder)
    assert taken[-1] == imported.train_rows  # never the holdout
    assert (made.method, made.model, made.rows, made.valid_share) == ("independent", None, 30, 1.0)
    assert contents(workspace.folder) == before


def test_what_a_run_refuses_is_refused(
    scratch: Path, tmp_path: Path, write_recipe: Callable[..., Path]
) -> None:
    workspace = Workspace(tmp_path / "mine")
    workspace.import_sample("iris", policy="schema")
    refused: list[tuple[type[LocalsynthError], Path]] = [
        (PolicyError, write_recipe('name = "iris"', 'name = "independent"')),
    ]
    for error, recipe in refused:
        with pytest.raises(error):
            benchmark(recipe, workspace=workspace.folder)
    with pytest.raises(NotFound, match="no dataset 'irish'"):
        benchmark(write_recipe('name = "irish"'), workspace=workspace.folder)
    with pytest.raises(NotFound, match="no recipe"):
        benchmark("clinc")
    assert not list(scratch.iterdir())


@pytest.mark.parametrize(
    "wrong",
    [
        {"threads": 0},
        {"rows": 0},
        {"rows": -1},
        {"seconds": 0},
        {"seconds": float("nan")},
        {"seconds": float("inf")},
    ],
)
def test_arguments_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match=r"cannot (time|work)"):
        benchmark("clinic", model="uniform", **wrong)


def test_an_interruption_leaves_nothing(
    scratch: Path, tmp_path: Path, write_recipe: Callable[..., Path]
) -> None:
    def stop(what: str, share: float) -> None:
        if what == "rows" and share > 0:
            raise KeyboardInterrupt

    workspace = Workspace(tmp_path / "mine")
    workspace.declare("mine", SCHEMA)
    with pytest.raises(KeyboardInterrupt):
        benchmark(write_recipe('name = "mine"', rows=5000), workspace=workspace.folder, on_step=stop)
    assert not list(scratch.iterdir())


def test_a_long_recipe_stops_after_the_time_given(
    scratch: Path, tmp_path: Path, write_recipe: Callable[..., Path]
) -> None:
    workspace = Workspace(tmp_path / "mine")
    workspace.declare("mine", SCHEMA)
    recipe = write_recipe('name = "mine"', 'name = "text-to-tabular"\nbatch_rows = 10', rows=100_000)
    made = benchmark(recipe, workspace=workspace.folder, rows=100_000, seconds=0.001)
    assert made.rows == 10


def test_a_recipe_that_makes_nothing(
    scratch: Path, tmp_path: Path, write_recipe: Callable[..., Path]
) -> None:
    workspace = Workspace(tmp_path / "mine")
    rules = {"rules": [{"check": "age is null and word = 'a' and age is not null or 1 = 0"}]}
    workspace.declare("mine", Schema.model_validate({**SCHEMA.model_dump(), **rules}))
    with pytest.raises((RunError, LocalsynthError)):
        benchmark(write_recipe('name = "mine"'), workspace=workspace.folder)
    assert not list(scratch.iterdir())


def test_the_log_of_an_engine_that_died_is_told_before_it_is_deleted(
    scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(place: Any, *_: object) -> None:
        (place.store.log_folder / "engine.log").write_text("starting\nout of memory\n\n")
        raise EngineDied("the engine process was ended by SIGABRT", "its log is somewhere")

    monkeypatch.setattr(benchrun, "start", die)
    with pytest.raises(EngineDied) as caught:
        benchmark("clinic", model="uniform", workspace=tmp_path / "none")
    assert caught.value.hint == "its log ends with: out of memory"
    assert not list(scratch.iterdir())


def test_the_built_in_table_without_a_model() -> None:
    made = benchmark(model="uniform", rows=12)
    assert (made.table, made.rows, made.method, made.model) == ("six columns", 12, None, "uniform")
    assert made.ratio_plain_loop is None
    assert benchmark(model="uniform").rows == 500
    assert benchmark(model="uniform", seconds=1e-9).rows == 16


# --- the loops ------------------------------------------------------------------------------------------------------


class FakeLoop:
    def __init__(self, weights: Weights, tasks: Any) -> None:
        (self.task,) = tasks

    def __enter__(self) -> FakeLoop:
        return self

    def __exit__(self, *_: object) -> None: ...

    def run(self, task: Any, **options: Any) -> LoopResult:
        assert task == self.task
        if task.json_schema is not None:
            raise EngineDied("the process of the plain loop was ended by SIGILL")
        options["progress"](1, 0.5)
        return LoopResult(("female,false,healthy,31,117,5.1", "nonsense"), 4.0)


def test_a_loop_that_cannot_be_timed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "open_loop", FakeLoop)
    told: list[tuple[str, float]] = []
    weights = Weights(Path("m.gguf"), Setup(2), 2048)
    made = Benchmark("six columns", 100, 10.0, 10.0, notes=("known",))
    beside = module._beside_loops(made, six_columns(), weights, 1.0, lambda *step: told.append(step))
    assert beside.plain_loop_rows_per_s == 0.5
    assert beside.ratio_plain_loop == 20.0
    assert beside.plain_loop_valid_share == 0.5
    assert beside.json_loop_rows_per_s is None
    assert beside.notes == (
        "known",
        "a loop with a JSON grammar: the process of the plain loop was ended by SIGILL",
    )
    assert told[-1] == ("a loop without a grammar", 0.5)


# --- figures --------------------------------------------------------------------------------------------------------


def test_python_s_share() -> None:
    assert Turn(10, 2.0, 100, 90).python_share is None
    assert Turn(10, 2.0, 100, 90, native=1.5).python_share == 0.25
    assert Turn(10, 2.0, 100, 90, native=2.1).python_share == 0.0


@pytest.mark.model
def test_the_memory_bound(embedded_model: Path) -> None:
    # 30 layers, 3 key-value heads of 64, two bytes, keys and values: 46,080 bytes for each of the tokens.
    weights = Weights(embedded_model, Setup(4, contexts=4, cells=8192, side_cells=1024), 8192)
    cache = (8192 + 3 * 1024) * 30 * 3 * 64 * 2 * 2
    assert memory_bound_mb(weights) == -(-(embedded_model.stat().st_size + cache + 300_000_000) // 1_000_000)


@pytest.mark.model
def test_with_the_model(embedded_model: Path) -> None:
    made = benchmark(model="smollm2-135m", rows=16, seconds=0.2, threads=1)
    assert made.threads == 1
    assert made.file is not None
    assert made.valid_share == 1.0
    for name in ("rows_per_s", "prefill_tokens_per_s", "json_loop_rows_per_s", "plain_loop_rows_per_s"):
        assert getattr(made, name) > 0
    assert made.ratio_json_loop == pytest.approx(made.rows_per_s / (made.json_loop_rows_per_s or 1))
    assert 0 <= (made.python_share or 0) < 1
    assert not made.notes


@pytest.mark.model
def test_a_recipe_with_the_model(
    embedded_model: Path, scratch: Path, tmp_path: Path, write_recipe: Callable[..., Path]
) -> None:
    workspace = Workspace(tmp_path / "mine")
    workspace.declare("mine", SCHEMA)
    recipe = write_recipe('name = "mine"', rows=8)
    made = benchmark(recipe, workspace=workspace.folder, model="smollm2-135m", threads=1, seconds=0.2)
    assert (made.rows, made.threads, made.valid_share) == (8, 1, 1.0)
    assert 0 < (made.written_tokens_per_s or 0) <= (made.decode_tokens_per_s or 0)
    assert 0 < (made.python_share or 0) < 1
    assert (made.peak_rss_mb or 0) > 90  # the weights alone are more
    assert made.ratio_plain_loop is not None
    assert not list(scratch.iterdir())
