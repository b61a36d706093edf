"""A dataset is forgotten: of every cell of it, no byte is left in any file of the workspace, wherever it was cut off."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from localsynth import Workspace
from localsynth.cli.main import run as run_command
from localsynth.core.errors import NotFound, RunError, StoreError
from localsynth.core.targets import Budget
from localsynth.runs.lock import RunLock
from localsynth.store import budgets, compacting
from localsynth.store.scratch import scratch
from localsynth.tui.memory import Memory
from localsynth.workspace import Phase
from localsynth.workspace.forgetting import Forgotten
from tests.forget_kit import NAME, OTHER, bare, full, left_by_crashes, needles, places, recipe, texts
from tests.waiting_kit import until

ROOT = Path(__file__).resolve().parents[1]


def _rows(space: Workspace, run_id: str | None) -> int:
    return space.get_run(run_id).rows_done if run_id is not None else 0


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Everything done, and a job that was killed in mid-work."""
    space = full(tmp_path_factory.mktemp("forget") / "ws")
    made = recipe("text-to-tabular", batch_rows=2).model_copy(update={"rows": 100_000})
    job = space.start_job("run", recipe=made.to_toml())
    until(lambda: job.state().over or _rows(space, job.state().run_id) > 0)
    assert job.pid
    os.kill(job.pid, signal.SIGKILL)
    until(lambda: not job.alive())
    assert job.state().phase is Phase.DIED
    left_by_crashes(space)
    return space


@pytest.fixture(scope="module")
def before(done: Workspace) -> set[str]:
    return places(done)


@pytest.fixture(scope="module")
def gone(done: Workspace, before: set[str]) -> Forgotten:
    with done.store.write() as con:
        run = con.execute("SELECT run_id FROM meta.runs WHERE dataset = ?", [NAME]).fetchall()[0][0]
        budgets.book_in(con, run, Budget(0.5, 1e-6))
    return done.forget(NAME)


def test_the_search_finds_what_is_there(before: set[str]) -> None:
    """Without this, finding nothing afterwards proves nothing."""
    assert {
        f"real.{NAME}",
        f"synth.{NAME}",
        "meta.calls",
        "meta.datasets",
        "meta.columns",
        "meta.stages",
    } <= before
    assert {"meta.adapters", "meta.metrics", "meta.statistics"} <= before
    assert {
        "workspace.duckdb",
        "workspace.duckdb.bak-9",
        "adapters",
        "logs",
        "ui",
        "queries",
        "tmp-import-abcd_123",
    } <= before
    assert {"tmp-fill-abcd_123", "workspace.duckdb.tmp"} <= before


def test_nothing_is_left(done: Workspace, gone: Forgotten) -> None:
    assert places(done) == set()
    assert gone.searched > 0
    assert gone.found == ()
    assert gone.kept == ()
    assert len(gone.what.runs) == 8
    for table in (
        "calls",
        "batches",
        "rejects",
        "checkpoints",
        "stages",
        "rounds",
        "events",
        "statistics",
        "metrics",
    ):
        left = done.sql_arrow(f"SELECT DISTINCT run_id FROM meta.{table}")["run_id"].to_pylist()
        assert not set(left) & set(gone.what.runs), table
    assert sorted(path.name for path in (done.folder / "runs").iterdir()) == [done.runs(OTHER)[0].run_id]
    assert list((done.folder / "jobs").iterdir()) == []
    assert not list(done.folder.glob("workspace.duckdb?*"))
    assert not list(done.folder.glob("tmp-*"))


def test_everything_else_stays(done: Workspace, gone: Forgotten) -> None:
    assert [one.name for one in done.datasets()] == [OTHER]
    assert done.rows_arrow(OTHER).num_rows == 12
    assert done.sql_arrow(f"FROM {OTHER}_real").num_rows == 60
    assert done.run(recipe("independent", OTHER)).rows_done == 12
    kept = json.loads((done.folder / "ui" / "state.json").read_text())
    assert kept["schema.drafts"] == {OTHER: {"draft": "a garden"}}
    assert kept["sql"]["texts"] == [f"FROM {OTHER}_real"]
    assert kept["place"] == "sql"
    assert f"FROM {OTHER}_real" in (done.folder / "ui" / "history.jsonl").read_text()
    assert [path.name for path in (done.folder / "queries").iterdir()] == ["other.sql"]
    assert done.store.path.stat().st_mode & 0o777 == 0o600


def test_what_was_spent_stays_spent_and_the_log_tells(done: Workspace, gone: Forgotten) -> None:
    assert budgets.spent_on(done.store, NAME).epsilon == 0.5
    assert done.verify_audit().whole
    what = [entry.what for entry in done.audit(NAME)]
    assert what[-3:] == ["forgetting begun", "dataset removed", "dataset forgotten"]
    assert {path.name for path in gone.what.outside} == {"report.html", "rows.csv"}


def test_a_second_time(done: Workspace, gone: Forgotten) -> None:
    again = done.forget(NAME.upper())
    assert again.what.dataset == NAME
    assert again.what.rows == 0
    with pytest.raises(NotFound, match="nor does the audit log"):
        done.forget("never there")


# --- cut off ----------------------------------------------------------------------------------------------------------

#: Where it is killed: a function of a module, and which call of it.
CUTS = {
    "before the rows go": ("localsynth.workspace.forgetting", "drop", 1),
    "rows gone, files there": ("localsynth.store.runs", "remove_folder", 1),
    "files gone": ("localsynth.workspace.forgetting", "forget_kept", 1),
    "before the new file": ("localsynth.workspace.forgetting", "compact", 1),
    "the new file written": ("localsynth.store.compacting", "settle", 1),
    "the new file in its place": ("localsynth.store.compacting", "settle", 2),
    "before it is told": ("localsynth.workspace.forgetting", "search_tables", 1),
}
_SCRIPT = """
import importlib, os, signal, sys
from localsynth import Workspace
module, name, count = importlib.import_module(sys.argv[2]), sys.argv[3], int(sys.argv[4])
work, calls = getattr(module, name), []
def cut(*args, **kwargs):
    calls.append(1)
    if len(calls) == count:
        os.kill(os.getpid(), signal.SIGKILL)
    return work(*args, **kwargs)
setattr(module, name, cut)
Workspace(sys.argv[1]).forget(sys.argv[5])
"""


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bare(tmp_path_factory.mktemp("cut") / "ws").folder


@pytest.mark.parametrize("cut", CUTS)
def test_cut_off_anywhere_it_is_finished_by_asking_again(begun: Path, tmp_path: Path, cut: str) -> None:
    folder = tmp_path / "ws"
    shutil.copytree(begun, folder)
    module, name, count = CUTS[cut]
    process = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(folder), module, name, str(count), NAME], cwd=ROOT, check=False
    )
    assert process.returncode == -signal.SIGKILL
    space = Workspace(folder)
    assert space.forget(NAME).found == ()
    assert places(space) == set()
    assert not list(folder.glob("workspace.duckdb?*"))
    assert space.verify_audit().whole
    assert space.rows_arrow(OTHER).num_rows == 12


def test_a_log_of_changes_that_a_killed_writer_left(begun: Path, tmp_path: Path) -> None:
    folder = tmp_path / "ws"
    shutil.copytree(begun, folder)
    script = (
        "import os, signal, sys; import duckdb; con = duckdb.connect(sys.argv[1]);"
        "con.execute('SET checkpoint_threshold = ' + chr(39) + '1GB' + chr(39));"
        "con.execute(sys.argv[2]); os.kill(os.getpid(), signal.SIGKILL)"
    )
    insert = f"CREATE TABLE real.stray AS FROM real.{OTHER}; UPDATE real.{NAME} SET note = note || ''"
    subprocess.run([sys.executable, "-c", script, str(folder / "workspace.duckdb"), insert], check=False)
    assert (folder / "workspace.duckdb.wal").exists()
    space = Workspace(folder)
    assert space.forget(NAME).found == ()
    assert places(space) == set()
    assert space.sql_arrow("FROM real.stray").num_rows == 60


# --- what stands against it -------------------------------------------------------------------------------------------


@pytest.fixture
def space(begun: Path, tmp_path: Path) -> Workspace:
    shutil.copytree(begun, tmp_path / "ws")
    return Workspace(tmp_path / "ws")


def test_not_while_a_run_of_it_is_made(space: Workspace) -> None:
    run = space.runs(NAME)[0]
    with (
        RunLock(space.folder / "runs" / run.run_id, run.run_id),
        pytest.raises(RunError, match="is being made"),
    ):
        space.forget(NAME)
    assert space.dataset(NAME).rows == 60


def test_a_disk_that_is_full_leaves_the_old_file(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(compacting, "settle", full_disk)
        with pytest.raises(StoreError, match="disk is full"):
            space.forget(NAME)
    assert not compacting.half_done(space.store).exists()
    assert space.rows_arrow(OTHER).num_rows == 12
    space.forget(NAME)
    assert places(space) == set()


def test_copies_stay_where_that_is_asked_for(space: Workspace) -> None:
    copy = space.folder / "workspace.duckdb.bak-9"
    shutil.copyfile(space.store.path, copy)
    gone = space.forget(NAME, keep_copies=True)
    assert gone.kept == (copy,)
    assert gone.found == (str(copy),)


def test_a_place_that_was_overlooked_is_found(space: Workspace) -> None:
    longest = min(texts(), key=lambda text: (-len(text), text))
    (space.folder / "somewhere.txt").write_text(longest, encoding="utf-16")
    (space.folder / "nothing.txt").write_text("")
    assert space.forget(NAME).found == (str(space.folder / "somewhere.txt"),)


def test_folders_in_use_are_left_alone(space: Workspace) -> None:
    with scratch(space.folder, "import") as folder:
        (folder / "spilt").write_text("of another table")
        space.forget(NAME)
        assert (folder / "spilt").exists()
    assert not folder.exists()


def test_a_ui_that_is_open_brings_nothing_back(space: Workspace) -> None:
    memory = Memory.read(str(space.folder))
    memory.put("schema.drafts", {NAME: {"draft": texts()[0]}, OTHER: {"draft": "a garden"}})
    memory.put("place", "schema")
    Memory.read(str(space.folder)).write()
    space.forget(NAME)
    memory.write()
    assert places(space) == set()
    assert json.loads((space.folder / "ui" / "state.json").read_text())["schema.drafts"] == {
        OTHER: {"draft": "a garden"}
    }
    later = Memory.read(str(space.folder))  # a dataset of that name may come back
    later.put("schema.drafts", {NAME: {"draft": "anew"}})
    later.write()
    assert "anew" in (space.folder / "ui" / "state.json").read_text()


def test_the_command(space: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--workspace", str(space.folder)]
    export = space.folder.parent / "x.csv"
    assert run_command(["export", NAME, "-o", str(export), *place]) == 0
    assert run_command(["forget", NAME, *place]) == 2  # nobody is there to answer
    assert "60 real rows, 1 run with 12 rows" in capsys.readouterr().err
    assert run_command(["forget", NAME, "--yes", *place]) == 0
    said = capsys.readouterr().err
    assert f"{export} was exported from it" in " ".join(said.split())
    assert "none found" in said
    assert run_command(["audit", "verify", *place]) == 0
    assert run_command(["audit", "--format", "csv", "--dataset", NAME, *place]) == 0
    shown = capsys.readouterr().out
    assert "dataset forgotten" in shown
    assert not any(needle in shown.encode() for needle in needles())
    assert run_command(["forget", "nobody", "--yes", *place]) == 2
