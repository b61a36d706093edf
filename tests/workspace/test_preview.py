"""A look at a table before it is imported, and glances at a workspace: right, cheap, and leaving nothing behind."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth import Workspace
from localsynth.core.errors import DatasetError, NotFound
from localsynth.core.events import BatchStarted, Progress, encode
from localsynth.core.recipe import Recipe
from localsynth.workspace import preview
from localsynth.workspace.preview import _end_of

ROWS = 5_000
CSV = "age,note\n" + "".join(f'{i % 90},"a ""b""\nc {i}"\n' for i in range(ROWS))


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """No workspace yet. What is left behind for a while is in a folder that the tests look into."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return Workspace(tmp_path / "ws")


def nothing_left(space: Workspace) -> bool:
    return not space.folder.exists() and not list((space.folder.parent / "temporary").iterdir())


@pytest.mark.parametrize(
    ("name", "encoding"), [("t.csv", None), ("t.csv", "utf-8-sig"), ("t.csv", "utf-16"), ("t.csv", "latin-1")]
)
def test_first_rows_of_a_text_file(space: Workspace, tmp_path: Path, name: str, encoding: str | None) -> None:
    (tmp_path / name).write_bytes(CSV.encode(encoding or "utf-8"))
    found = space.preview(tmp_path / name, encoding=encoding, rows=100)
    assert (found.source, found.rows, found.total) == (name, 100, None)
    assert found.size == (tmp_path / name).stat().st_size
    assert [(one.name, one.kind) for one in found.schema.columns] == [("age", "integer"), ("note", "text")]
    assert nothing_left(space)


def test_a_short_file_is_read_whole(space: Workspace, tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("a\tb\n1\tx\n2\ty")
    found = space.preview(tmp_path / "t.tsv", target="b")
    assert (found.rows, found.total, found.schema.target) == (2, 2, "b")


def test_first_rows_of_json_lines_and_parquet(space: Workspace, tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text(
        "".join(f'{{"a": {i}, "b": "say \\"{i % 3}\\""}}\n' for i in range(ROWS))
    )
    found = space.preview(tmp_path / "t.jsonl", rows=10)
    assert (found.rows, found.total, found.schema.names) == (10, None, ("a", "b"))
    pq.write_table(pa.table({"a": range(ROWS)}), tmp_path / "t.parquet")
    found = space.preview(tmp_path / "t.parquet", rows=10)
    assert (found.rows, found.total) == (10, ROWS)
    assert nothing_left(space)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize(("holdout", "seed"), [(1 / 3, 0), (0.0, 3), (0.2, 4)])
def test_a_file_that_is_not_large_looks_as_its_import_will(
    space: Workspace, tmp_path: Path, kind: str, holdout: float, seed: int
) -> None:
    """Its last row makes texts of numbers, and of its 3,000 rows some say what the first 2,000 do not."""
    rows = [{"code": str(i), "ward": f"w{i // 100}", "half": i / 2 if i > 2_500 else i} for i in range(3_000)]
    rows[-1]["code"] = "none"
    path = tmp_path / f"t.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif kind == "jsonl":
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    else:
        path.write_text("code,ward,half\n" + "".join(f"{','.join(map(str, row.values()))}\n" for row in rows))
    found = space.preview(path, holdout=holdout, seed=seed)
    assert nothing_left(space)
    assert found.whole
    assert (found.rows, found.total) == (3_000, 3_000)
    made = space.import_file(path, holdout=holdout, seed=seed).schema
    assert found.schema == made.model_copy(update={"inferred": found.schema.inferred})
    assert found.schema.column("code").kind in {"text", "identifier"}
    head = space.preview(path, rows=2_000)
    assert not head.whole
    assert head.schema != found.schema


def test_of_a_large_file_the_first_rows_are_looked_at(
    space: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "_WHOLE_BYTES", 10_000)
    monkeypatch.setattr(preview, "_WHOLE_ROWS", 2_000)
    (tmp_path / "t.csv").write_text("a\n" + "1\n" * ROWS)
    pq.write_table(pa.table({"a": range(ROWS)}), tmp_path / "t.parquet")
    for name, total in (("t.csv", None), ("t.parquet", ROWS)):
        found = space.preview(tmp_path / name)
        assert (found.rows, found.total, found.whole) == (2_000, total, False)


def test_what_an_import_refuses_is_refused(space: Workspace, tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes("a,b\nMüller,1\n".encode("latin-1"))
    (tmp_path / "ragged.csv").write_text("a,b\n1,2\n1,2,3\n")
    (tmp_path / "t.parquet").write_text("no parquet")
    (tmp_path / "t.xlsx").write_text("x")
    for name, encoding, said in (
        ("latin.csv", None, "line 2: not UTF-8"),
        ("ragged.csv", None, "line 3"),
        ("ragged.csv", "klingon", "no encoding called 'klingon'"),
        ("t.parquet", None, "cannot be read as Parquet"),
        ("t.parquet", "latin-1", "does not apply"),
        ("t.xlsx", None, "its format is not known"),
        ("none.csv", None, "there is no file"),
    ):
        with pytest.raises(DatasetError, match=said):
            space.preview(tmp_path / name, encoding=encoding)
    with pytest.raises(DatasetError, match="is a folder"):
        space.preview(tmp_path)
    assert nothing_left(space)


def test_samples(space: Workspace) -> None:
    assert {"iris", "asia"} <= {one.name for one in space.samples()}
    found = space.preview("sample:asia")
    assert (found.rows, found.total, found.size, found.schema.target) == (1000, 1000, None, "dysp")
    assert all(one.description for one in found.schema.columns)
    with pytest.raises(NotFound, match="no sample"):
        space.preview("sample:asai")
    assert nothing_left(space)


@given(st.lists(st.text(alphabet='ab,"\n', max_size=8), max_size=12), st.integers(1, 8))
def test_records_end_where_a_line_does_outside_quotes(cells: list[str], records: int) -> None:
    lines = ['"' + cell.replace('"', '""') + '"\n' for cell in cells]
    whole = lines[:records]
    assert _end_of("".join(lines), records, quotes=True) == (sum(map(len, whole)), len(whole))


def test_a_glance_tells_of_changes_and_of_the_last_progress(space: Workspace) -> None:
    before = space.stamp()
    assert before == space.stamp()
    space.import_sample("asia")
    text = 'rows = 5\n[dataset]\nname = "asia"\n[method]\nname = "independent"\n'
    made = space.stamp()
    assert made != before
    run = space.run(Recipe.from_toml(text, None))
    assert space.stamp() != made
    events = space.folder / "runs" / run.run_id / "events.jsonl"
    told = Progress(run.run_id, 1.0, 3.0, 5, 1.0, 2.0, None)
    with events.open("a") as file:
        file.write(
            encode(told) + "\n" + encode(BatchStarted(run.run_id, 1.0, 1, 2)) + '\n{"type": "progress", "ru'
        )
    stamp = space.stamp()
    assert space.progress(run) == told
    events.unlink()
    assert space.progress(run) is None
    assert space.stamp() == stamp  # looking changes nothing
    assert (space.free_memory() or 1) > 0
