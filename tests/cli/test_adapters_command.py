"""``adapters`` and ``datasets remove`` as a person meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from localsynth import Workspace
from localsynth.core.adapter import LearntAdapter
from localsynth.core.errors import ExitCode
from localsynth.store import adapters, datasets, runs
from localsynth.store.session import Store
from tests.cli.conftest import Cli
from tests.store.adapter_kit import described, trained
from tests.store.store_kit import SCHEMA, make_rows, make_run


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.create(tmp_path / "ws")
    datasets.import_table(store, make_rows(30), "clinic", schema=SCHEMA)
    runs.create(store, make_run("20260101-a"))
    return store


@pytest.fixture
def made(store: Store, tmp_path: Path) -> LearntAdapter:
    path = trained(tmp_path)
    return adapters.put(
        store,
        path,
        described(store, path, settings={"rank": 4, "note": "\x1b[31mred", "kinds": {"age": "integer"}}),
    )


def test_none_yet(cli: Cli, store: Store) -> None:
    said = cli("adapters", "list", "--format", "json")
    assert (said.code, json.loads(said.out)) == (0, [])
    said = cli("adapters", "show", "x")
    assert said.code == ExitCode.USAGE
    assert "there is no adapter called 'x', nor any other" in said.err


def test_list_and_show(cli: Cli, store: Store, made: LearntAdapter) -> None:
    said = cli("adapters")
    assert said.code == 0
    assert made.adapter_id in said.out
    assert made.adapter_id in cli("adapters", "--workspace", store.folder).out
    assert made.adapter_id in cli("adapters", "--workspace", store.folder, "show", made.adapter_id).out
    (listed,) = json.loads(cli("adapters", "list", "--format", "json").out)
    assert (listed["adapter"], listed["dataset"], listed["stale"]) == (made.adapter_id, "clinic", False)
    assert json.loads(cli("adapters", "list", "--dataset", "other", "--format", "json").out) == []
    said = cli("adapters", "show", made.adapter_id[:12])
    assert said.code == 0
    lines = dict(line.split(maxsplit=1) for line in said.out.splitlines()[:9])
    assert lines["model"] == f"smollm2-135m (llama, {made.model_sha256[:12]})"
    assert lines["order"] == 'a "b".c, select, age'
    assert "rank 4" in lines["settings"]
    assert "kinds" not in lines["settings"]
    assert "epoch 1, held 3.5" in said.out
    shown = json.loads(cli("adapters", "show", made.adapter_id, "--format", "json").out)
    assert shown["curve"] == [{"epoch": 1, "held": 3.5}, {"epoch": 2, "held": None}]
    assert shown["settings"]["note"] == "\x1b[31mred"
    assert shown["settings"]["kinds"] == {"age": "integer"}
    assert (shown["sha256"], shown["rows_sha256"]) == (made.sha256, made.rows_sha256)
    assert shown["recipe"] == {"rows": 10}
    assert made.adapter_id in cli("adapters", "show", made.adapter_id, "--format", "csv").out


def test_stale_is_told(cli: Cli, store: Store, made: LearntAdapter) -> None:
    datasets.import_table(store, make_rows(40), "clinic", schema=SCHEMA, replace=True)
    said = cli("adapters", "list", "--format", "csv")
    assert ",true," in said.out
    assert "1 adapter learnt from rows that were changed" in said.err
    assert "the dataset has other rows now" in cli("adapters", "show", made.adapter_id).out


def test_rename(cli: Cli, store: Store, made: LearntAdapter) -> None:
    assert cli("adapters", "rename", made.adapter_id, "wards").code == 0
    assert json.loads(cli("adapters", "show", "wards", "--format", "json").out)["name"] == "wards"
    said = cli("adapters", "rename", "wards", "no good")
    assert said.code == ExitCode.USAGE
    assert "cannot name an adapter" in said.err
    assert cli("adapters", "rename", "wards", "").code == 0
    said = cli("adapters", "show", "wards")
    assert said.code == ExitCode.USAGE


def test_export(cli: Cli, store: Store, made: LearntAdapter, tmp_path: Path) -> None:
    out = tmp_path / "out.gguf"
    said = cli("adapters", "export", made.adapter_id, "-o", out)
    assert (said.code, said.out) == (0, "")
    assert "can give rows away" in said.err
    assert out.read_bytes() == (store.folder / made.file).read_bytes()
    said = cli("adapters", "export", made.adapter_id, "-o", out)
    assert said.code == ExitCode.USAGE
    assert "--overwrite" in said.err
    assert cli("schema", "set", "clinic", "--policy", "statistics").code == 0
    said = cli("adapters", "export", made.adapter_id, "-o", out, "--overwrite")
    assert said.code == ExitCode.USAGE
    assert "--yes" in said.err
    assert cli("adapters", "export", made.adapter_id, "-o", out, "--overwrite", "--yes").code == 0
    (store.folder / made.file).write_bytes(b"GGUF")
    said = cli("adapters", "export", made.adapter_id, "-o", tmp_path / "b.gguf", "--yes")
    assert said.code == ExitCode.ENGINE
    assert "has changed" in said.err
    assert not (tmp_path / "b.gguf").exists()


def test_delete(cli: Cli, store: Store, made: LearntAdapter) -> None:
    said = cli("adapters", "delete", made.adapter_id)
    assert said.code == ExitCode.USAGE  # nobody is there to answer
    assert (store.folder / made.file).exists()
    said = cli("adapters", "delete", made.adapter_id, "--yes")
    assert said.code == 0
    assert "runs show 20260101-a" in said.err
    assert not (store.folder / made.file).exists()
    assert cli("adapters", "show", made.adapter_id).code == ExitCode.USAGE


def test_a_deleted_run_tells_of_its_adapter(cli: Cli, store: Store, made: LearntAdapter) -> None:
    said = cli("runs", "delete", "20260101-a", "--yes")
    assert said.code == 0
    assert f"localsynth adapters delete {made.adapter_id}" in said.err
    assert cli("adapters", "show", made.adapter_id).code == 0


def test_datasets(cli: Cli, store: Store, made: LearntAdapter) -> None:
    (store.folder / "workspace.duckdb.bak-6").write_bytes(b"")
    assert "clinic" in cli("datasets").out
    assert "clinic" in cli("datasets", "--workspace", store.folder, "list", "--format", "json").out
    said = cli("datasets", "remove", "clinic")
    assert said.code == ExitCode.USAGE
    assert "Remove the dataset clinic with 30 real rows, 1 run and 1 adapter?" in said.err
    assert len(Workspace(store.folder).datasets()) == 1
    said = cli("datasets", "remove", "Clinic", "--yes")
    assert said.code == 0
    assert f"1 adapter ({made.adapter_id})" in said.err
    assert "30 real rows, 1 run with 0 rows" in said.err
    assert "workspace.duckdb.bak-6 is a copy" in said.err
    assert not (store.folder / made.file).exists()
    said = cli("datasets", "remove", "clinic", "--yes")
    assert said.code == ExitCode.USAGE
    assert "there is no dataset called 'clinic'" in said.err
