"""What is learnt from rows: where a method keeps it, who may use it, and what goes with what."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import localsynth.engine
from localsynth import Workspace
from localsynth.core.contracts import Engine
from localsynth.core.errors import DatasetError, ModelError, NotFound, PolicyError, RunError
from localsynth.core.recipe import Recipe
from localsynth.core.run import Exposure, Run, Status
from localsynth.engine.catalog import Model
from localsynth.engine.layout import Layout
from localsynth.engine.uniform import UniformEngine
from localsynth.methods import registry
from localsynth.runs.control import Control
from localsynth.runs.lock import RunLock
from localsynth.store import datasets
from localsynth.store.budgets import spent_on
from localsynth.store.rowhash import rows_sha256
from localsynth.workspace.checking import check_recipe
from localsynth.workspace.permission import reads_targets, sees_targets_alone
from tests.engine.tuning_kit import install
from tests.workspace.learning_kit import SCHEMA, Learner, people, recipe

STATISTICS = """\
[[margins]]
column = "ward"
shares = { n = 0.5, s = 0.5 }

[[margins]]
column = "age"
mean = 40
sd = 10
"""


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Model, Model]:
    """Two models, and engines that only pretend to open them."""

    def open_engine(model: Model | None, *, log_folder: Path, layout: Layout | None) -> Engine:
        return UniformEngine()

    monkeypatch.setenv("LOCALSYNTH_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(localsynth.engine, "open_engine", open_engine)
    monkeypatch.setattr(Learner, "tasks", [])
    monkeypatch.setattr(Learner, "used", [])
    monkeypatch.setattr(Learner, "broken", "")
    point = EntryPoint("learner", "tests.workspace.learning_kit:Learner", registry.METHODS.group)
    monkeypatch.setattr(registry.METHODS, "_points", lambda group: [point])
    return install(tmp_path / "models"), install(tmp_path / "models", "second", "Q8_0")


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    space = Workspace(tmp_path / "ws")
    space.import_frame(people(), "people", schema=SCHEMA)
    return space


def training(space: Workspace, run: Run) -> Path:
    return space.folder / "runs" / run.run_id / "training"


# --- learnt and kept --------------------------------------------------------------------------------------------------


def test_a_run_keeps_what_it_learnt(space: Workspace, models: tuple[Model, Model]) -> None:
    run = space.run(recipe())
    assert run.status is Status.FINISHED
    (task,) = Learner.tasks
    assert task.model is not None
    assert (task.model.name, task.model.path, task.model.sha256) == ("own", models[0].path, models[0].sha256)
    assert task.folder == training(space, run)
    assert not task.folder.exists()  # nothing goes on from there
    (made,) = space.adapters()
    assert (made.run_id, made.dataset, made.method, made.model) == (run.run_id, "people", "learner", "own")
    assert (made.model_sha256, made.architecture, made.exposure) == (models[0].sha256, "llama", Exposure.ROWS)
    assert made.recipe_json == run.recipe_json
    assert made.rows_sha256 == rows_sha256(datasets.train_table(space.store, "people"))
    assert (made.settings, made.curve, made.order) == (
        {"rank": 4},
        ({"epoch": 1, "held": 2.5},),
        ("age", "ward"),
    )
    assert Learner.used == [(made, space.folder / made.file)]
    assert space.check_adapter(made) == space.folder / made.file


def test_the_folder_is_private_while_the_run_is_open(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Learner, "broken", "batch")
    with pytest.raises(OSError, match="burns"):
        space.run(recipe())
    (task,) = Learner.tasks
    assert task.folder is not None
    assert task.folder.stat().st_mode & 0o777 == 0o700


def test_taken_up_again_after_it_was_kept(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken off between the adapter and the commit of what was learnt: learnt again, it is the same."""
    monkeypatch.setattr(Learner, "broken", "learn")
    with pytest.raises(OSError, match="burns"):
        space.run(recipe())
    (first,) = space.adapters()
    run = space.get_run("last")
    assert run.status is Status.FAILED
    assert (training(space, run) / "checkpoint").read_bytes() == b"half"
    monkeypatch.setattr(Learner, "broken", "")
    assert space.resume(run).status is Status.FINISHED
    assert space.adapters() == [first]
    assert not training(space, run).exists()


def test_what_training_kept_stays_until_the_end(space: Workspace) -> None:
    control = Control()
    run = space.run(recipe(), on_event=lambda event: control.stop() if event.type == "batch_committed" else None,
                    control=control)  # fmt: skip
    assert run.status is Status.CANCELLED
    assert training(space, run).is_dir()
    assert space.resume(run).status is Status.FINISHED
    assert not training(space, run).exists()
    training(space, run).mkdir()  # a process that died between the two
    assert space.resume(run).status is Status.FINISHED
    assert not training(space, run).exists()


def test_methods_that_see_less_have_neither(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Learner, "exposure", Exposure.STATISTICS)
    with pytest.raises(AssertionError):  # there are no rows for it to learn from
        space.run(recipe())
    (task,) = Learner.tasks
    assert (task.train, task.folder, task.adapters) == (None, None, None)
    assert task.targets is not None
    assert task.model is not None


@pytest.mark.parametrize(
    ("keeps", "why"), [("adapter of nothing", "is not a GGUF file"), ("model", "is no adapter of a model")]
)
def test_only_adapters_of_the_model_are_kept(space: Workspace, keeps: str, why: str) -> None:
    with pytest.raises(ModelError, match=why):
        space.run(recipe(method={"name": "learner", "keeps": keeps}))
    assert space.adapters() == []


def test_the_engine_without_a_model_learns_nothing(space: Workspace) -> None:
    with pytest.raises(RunError, match="no model that an adapter could be for"):
        space.run(recipe(model={"name": "uniform"}))
    assert Learner.tasks[0].model is None


# --- used again -------------------------------------------------------------------------------------------------------


def reuse(word: str, **parts: object) -> Recipe:
    return recipe(method={"name": "learner", "adapter": word}, **parts)


def test_reused_by_name(space: Workspace) -> None:
    space.run(recipe())
    (made,) = space.adapters()
    named = space.rename_adapter(made, "wards")
    run = space.run(reuse("wards"))
    assert run.status is Status.FINISHED
    assert Learner.used[-1] == (named, space.folder / made.file)
    assert space.adapters() == [named]
    with pytest.raises(NotFound, match="did you mean 'wards'"):
        space.run(reuse("ward"))
    assert len(space.runs()) == 2  # a run that is refused leaves nothing behind
    assert len(list((space.folder / "runs").iterdir())) == 2


def test_of_another_model(space: Workspace) -> None:
    space.run(recipe())
    (made,) = space.adapters()
    with pytest.raises(
        ModelError, match="learnt on the model own, and this run uses the model second"
    ) as told:
        space.run(reuse(made.adapter_id, model={"name": "second"}))
    assert 'name = "own"' in told.value.hint
    with pytest.raises(ModelError, match="uses uniform"):
        space.run(reuse(made.adapter_id, model={"name": "uniform"}))


def test_a_changed_file_is_used_by_nobody(space: Workspace) -> None:
    space.run(recipe())
    (made,) = space.adapters()
    file = space.folder / made.file
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelError, match="has changed"):
        space.run(reuse(made.adapter_id))
    with pytest.raises(ModelError, match="has changed"):
        space.export_adapter(made, space.folder.parent / "out.gguf")


def stopped(space: Workspace, wanted: Recipe) -> Run:
    control = Control()
    return space.run(
        wanted,
        on_event=lambda event: control.stop() if event.type == "batch_committed" else None,
        control=control,
    )


def test_resumed_it_is_checked_again(space: Workspace) -> None:
    run = stopped(space, recipe())
    (made,) = space.adapters()
    file = space.folder / made.file
    data = file.read_bytes()
    file.write_bytes(data[:-1] + b"x")
    with pytest.raises(ModelError, match="has changed"):
        space.resume(run)
    file.write_bytes(data)
    assert space.resume(run).status is Status.FINISHED


def test_resumed_it_is_the_one_it_was(space: Workspace) -> None:
    """A name that has gone to another adapter meanwhile changes nothing; one that is deleted is missed."""
    space.run(recipe())
    space.run(recipe(seed=1))
    second, first = space.adapters()
    space.rename_adapter(first, "wards")
    run = stopped(space, reuse("wards"))
    found = space.folder / "runs" / run.run_id / "adapters.json"
    assert found.stat().st_mode & 0o777 == 0o600
    assert json.loads(found.read_text())["wards"] == first.adapter_id
    space.rename_adapter(first, None)
    space.rename_adapter(second, "wards")
    space.resume(run)
    assert {found.adapter_id for found, _ in Learner.used[-2:]} == {first.adapter_id}
    again = stopped(space, reuse("wards"))
    space.delete_adapter(second)
    with pytest.raises(NotFound):
        space.resume(again)


def test_the_owner_of_the_rows_it_is_from_is_asked(space: Workspace) -> None:
    space.run(recipe())
    (made,) = space.adapters()
    space.import_frame(people(), "others", schema=SCHEMA)
    other = reuse(made.adapter_id, dataset={"name": "others"})
    assert space.run(other).status is Status.FINISHED
    space.set_policy("people", "statistics")
    with pytest.raises(PolicyError, match="learnt from rows of 'people'"):
        space.run(other)


# --- what a method that sees rows and reads targets may -----------------------------------------------------------------


def test_it_gets_both_and_no_budget(space: Workspace, tmp_path: Path) -> None:
    learner = Learner(Learner.Params())  # type: ignore[arg-type]
    assert reads_targets(learner)
    assert not sees_targets_alone(learner)
    private = recipe(privacy={"epsilon": 1.0})
    with pytest.raises(PolicyError, match="reads the real rows as they are"):
        space.run(private)
    path = tmp_path / "private.toml"
    path.write_text(private.to_toml())
    with pytest.raises(PolicyError, match="reads the real rows as they are"):
        check_recipe(path)
    space.run(recipe())
    (task,) = Learner.tasks
    assert task.train is not None
    assert task.targets is not None
    assert space.statistics() is not None


def test_published_statistics_alone_are_not_enough(space: Workspace, tmp_path: Path) -> None:
    space.declare("described", SCHEMA, policy="rows")
    (tmp_path / "s.toml").write_text(STATISTICS)
    published = {"name": "described", "statistics": str(tmp_path / "s.toml")}
    with pytest.raises(DatasetError, match=r"needs real rows.*published statistics alone"):
        space.run(recipe(dataset=published))
    with pytest.raises(DatasetError, match=r"needs real rows.*has none"):
        space.run(recipe(dataset={"name": "described"}))
    space.set_policy("people", "statistics")
    with pytest.raises(PolicyError, match="shows the model real rows"):
        space.run(recipe(dataset={**published, "name": "people"}))


def test_beside_published_statistics_its_rows_count_as_seen(space: Workspace, tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(STATISTICS)
    dataset = {"name": "people", "statistics": str(tmp_path / "s.toml")}
    run = stopped(space, recipe(dataset=dataset))
    assert Learner.tasks[0].train is not None
    assert spent_on(space.store, "people").unbounded == 1
    space.import_frame(people(40), "people", schema=SCHEMA, replace=True)
    with pytest.raises(RunError, match="imported anew"):
        space.resume(run, as_recorded=True)
    assert [one.stale for one in space.adapters()] == [True]


# --- removed ----------------------------------------------------------------------------------------------------------


def test_not_while_its_run_is_made(space: Workspace) -> None:
    run = stopped(space, recipe())
    (made,) = space.adapters()
    with RunLock(space.folder / "runs" / run.run_id, run.run_id):
        with pytest.raises(RunError, match="is being made"):
            space.delete_adapter(made)
        with pytest.raises(RunError, match="is being made"):
            space.remove_dataset("people")
    space.delete_adapter(made)
    with pytest.raises(NotFound):
        space.adapter(made)


@pytest.mark.parametrize("word", ["id", "beginning", "name"])
def test_not_while_a_run_uses_it(space: Workspace, word: str) -> None:
    stopped(space, recipe())
    (made,) = space.adapters()
    space.rename_adapter(made, "mine")
    words = {"id": made.adapter_id, "beginning": made.adapter_id[:-2], "name": "mine"}
    space.import_frame(people(), "others", schema=SCHEMA)
    using = space.run(reuse(words[word], dataset={"name": "others" if word == "id" else "people"}))
    with (
        RunLock(space.folder / "runs" / using.run_id, using.run_id),
        pytest.raises(RunError, match=f"{using.run_id}, which uses the adapter"),
    ):
        space.delete_adapter(made)
    space.delete_adapter(made)


def test_a_run_leaves_its_adapter_and_a_dataset_takes_it(space: Workspace) -> None:
    run = stopped(space, recipe())
    (made,) = space.adapters()
    space.delete_run(run)
    assert not training(space, run).exists()
    assert space.adapters() == [made]
    gone = space.remove_dataset("PEOPLE")
    assert (gone.dataset, gone.rows, gone.runs, gone.adapters) == ("people", 60, (), (made.adapter_id,))
    assert space.adapters() == []
    assert list((space.folder / "adapters").iterdir()) == []
    assert space.datasets() == []
    with pytest.raises(NotFound):
        space.remove_dataset("people")
    space.import_frame(people(), "people", schema=SCHEMA)
    assert space.run(recipe()).status is Status.FINISHED


def test_exported_only_as_the_policy_allows(space: Workspace, tmp_path: Path) -> None:
    space.run(recipe())
    (made,) = space.adapters()
    out = space.export_adapter(made, tmp_path / "a.gguf")
    assert out.read_bytes() == (space.folder / made.file).read_bytes()
    assert out.stat().st_mode & 0o777 == 0o600
    with pytest.raises(DatasetError, match="exists already"):
        space.export_adapter(made, out)
    space.set_policy("people", "schema")
    with pytest.raises(PolicyError, match="no more than: schema"):
        space.export_adapter(made, tmp_path / "b.gguf")
    assert space.export_adapter(made, tmp_path / "b.gguf", anyway=True).exists()
