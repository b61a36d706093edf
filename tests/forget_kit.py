"""A workspace in which everything was done with a table whose every cell can be told from all others, and a search for them."""

from __future__ import annotations

import json
import random
import shutil
import struct
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from localsynth import Workspace
from localsynth.core.adapter import LearntAdapter
from localsynth.core.events import BatchCommitted, Event
from localsynth.core.recipe import Recipe
from localsynth.core.run import Run
from localsynth.store import adapters
from localsynth.store.searching import search_files, search_tables
from localsynth.tui.memory import Memory
from localsynth.tui.sql.history import Entry, History
from localsynth.workspace import Control

NAME, OTHER, ROWS = "ward", "garden", 60
_EPOCH = date(1970, 1, 1)


def table() -> pd.DataFrame:
    """Texts, categories, numbers as text, integers, floats and days that stand nowhere else."""
    draw = random.Random(7)
    word = [f"{draw.getrandbits(48):012x}" for _ in range(ROWS)]
    return pd.DataFrame(
        {
            "note": [f"kanarie {one} sings" for one in word],
            "unit": [f"unit-{word[i % 3]}" for i in range(ROWS)],
            "code": [f"K{draw.randrange(10**11, 10**12)}" for _ in range(ROWS)],
            "count": [draw.randrange(10**8, 10**9) for _ in range(ROWS)],
            "level": [round(draw.uniform(1e5, 1e6), 4) for _ in range(ROWS)],
            "day": [date(1702, 1, 1) + timedelta(days=draw.randrange(9000)) for _ in range(ROWS)],
        }
    )


def texts() -> list[str]:
    """Every cell, as text."""
    cells = table()
    return sorted({str(cell) for name in cells.columns for cell in cells[name].tolist()})


def needles() -> list[bytes]:
    """Every cell as it may lie in a file: text in two encodings, and numbers as a processor has them."""
    cells = table()
    found = [text.encode(how) for text in texts() for how in ("utf-8", "utf-16-le")]
    found += [struct.pack("<q", value) for value in cells["count"].tolist()]
    found += [struct.pack("<d", value) for value in cells["level"].tolist()]
    return found


def places(space: Workspace) -> set[str]:
    """Files and tables in which a cell stands."""
    files = search_files(space.store, needles())
    return {path.relative_to(space.folder).parts[0] for path in files} | set(
        search_tables(space.store, texts())
    )


def garden() -> pd.DataFrame:
    return pd.DataFrame({"plant": ["rose", "oak", "elm"] * 20, "height": [i % 37 for i in range(60)]})


def recipe(method: str, name: str = NAME, **params: Any) -> Recipe:
    return Recipe.model_validate(
        {
            "rows": 12,
            "seed": 5,
            "dataset": {"name": name},
            "model": {"name": "uniform"},
            "method": {"name": method, **params},
        }
    )


def bare(folder: Path) -> Workspace:
    """Both tables and a run of each."""
    space = Workspace(folder)
    space.import_frame(table(), NAME, target="unit", policy="rows")
    space.import_frame(garden(), OTHER)
    space.run(recipe("bootstrap"))
    space.run(recipe("independent", OTHER))
    return space


def stopped(space: Workspace, made: Recipe) -> Run:
    """A run that was stopped at once in mid-work: batches, checkpoint and prompts are there."""
    control = Control()

    def heard(event: Event) -> None:
        if isinstance(event, BatchCommitted):
            control.kill()

    return space.run(made, on_event=heard, control=control)


def full(folder: Path) -> Workspace:
    """Everything there is to do."""
    space = bare(folder)
    for method, params in (
        ("gaussian-copula", {}),
        ("llmsynthor", {}),
        ("text-to-tabular", {}),
        ("mallm-gan", {"rounds": 1, "proposals": 0, "searched": 0, "game_rows": 20}),
    ):
        space.run(recipe(method, **params))
    stopped(space, recipe("text-to-tabular", batch_rows=4))
    run = space.run(recipe("bootstrap"))
    judged = space.evaluate(run, metrics=("histograms", "copies"), threads=1)
    space.report(judged, folder.parent / "report.html", overwrite=True)
    space.nearest(run, 1)
    space.export(run, folder.parent / "rows.csv", overwrite=True)
    _adapter(space, run)
    _left_in_ui(space, run)
    return space


def _adapter(space: Workspace, run: Run) -> None:
    path = space.folder / "learnt.gguf"
    path.write_text(" ".join(texts()))
    sha256, size = adapters.measured(path)
    adapter_id = adapters.new_id(NAME)
    adapters.put(
        space.store,
        path,
        LearntAdapter(
            adapter_id=adapter_id,
            name=None,
            run_id=run.run_id,
            dataset=NAME,
            rows_sha256="0" * 64,
            method="bootstrap",
            recipe_json=run.recipe_json,
            model="m",
            model_sha256="ab",
            architecture="llama",
            file=f"adapters/{adapter_id}.gguf",
            sha256=sha256,
            size=size,
            created_at=datetime.now(UTC),
            settings={"seen": texts()[0]},
            curve=(),
            order=("note",),
        ),
    )


def _left_in_ui(space: Workspace, run: Run) -> None:
    memory = Memory.read(str(space.folder))
    memory.put("schema.drafts", {NAME: {"draft": texts()[0]}, OTHER: {"draft": "a garden"}})
    memory.put("recipes", {"": {"of": NAME, "where": texts()[1]}})
    memory.put(
        "sql", {"texts": [f"FROM {NAME}_real WHERE note = '{texts()[-1]}'", f"FROM {OTHER}_real"], "at": 1}
    )
    memory.put("rows", {"of": [NAME, run.run_id], "where": f"note = '{texts()[-1]}'"})
    memory.put(f"run.column.{NAME}", "note")
    memory.put("place", "sql")
    memory.write()
    history = History(space.folder / "ui" / "history.jsonl")
    for query in (
        f"SELECT * FROM real.{NAME} WHERE note = '{texts()[-1]}'",
        f"FROM meta.calls WHERE contains(prompt, '{texts()[-1]}')",
        f"FROM {OTHER}_real",
    ):
        history.add(Entry("2026-11-22 10:00:00", query))
    (space.folder / "queries").mkdir(mode=0o700)
    (space.folder / "queries" / "mine.sql").write_text(f"FROM {NAME}_real WHERE code = '{texts()[0]}'")
    (space.folder / "queries" / "other.sql").write_text(f"FROM {OTHER}_real")


def left_by_crashes(space: Workspace) -> None:
    """What processes that were killed, and older versions, leave."""
    text = json.dumps(texts())
    for folder in ("tmp-import-abcd_123", "tmp-fill-abcd_123", "workspace.duckdb.tmp"):
        (space.folder / folder).mkdir(mode=0o700)
        (space.folder / folder / "spilt").write_text(text)
    space.store.log_folder.joinpath("engine.log").write_text(text)
    shutil.copyfile(space.store.path, space.folder / "workspace.duckdb.bak-9")
