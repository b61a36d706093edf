"""Canaries: values planted in held-out rows, a workspace in which everything is done with them, the search for them."""

from __future__ import annotations

import csv
import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from localsynth import Workspace
from localsynth.core.recipe import Recipe
from localsynth.core.run import Run

NAME, SEED, ROWS, MADE = "clinic", 11, 120, 60
HEADER = ("age", "lab", "ward", "admitted", "seen", "note", "ill")
DAY, MOMENT = date(1871, 3, 7), datetime(1888, 8, 8, 8, 8)
#: What is planted, column by column.
CANARIES: Mapping[str, Any] = {
    "age": 987654,
    "lab": -43219.7,
    "ward": "quetzalcoatl",
    "admitted": DAY,
    "seen": MOMENT,
    "note": "the canary sang in c sharp minor",
}
_EPOCH = datetime(1970, 1, 1)
#: How each may look: as text, and as the bytes of a number, a day, a moment.
LOOKS: Mapping[str, tuple[bytes, ...]] = {
    "age": (
        b"987654",
        b"987,654",
        b"987 654",
        b"9.87654e",
        struct.pack("<q", 987654),
        struct.pack("<d", 987654),
    ),
    "lab": (b"43219", b"43,219", b"4.32197e", struct.pack("<d", -43219.7)),
    "ward": (b"quetzalcoatl",),
    "admitted": (b"1871-03", b"-36094", struct.pack("<i", (DAY - date(1970, 1, 1)).days)),
    "seen": (b"1888-08", struct.pack("<q", (MOMENT - _EPOCH) // timedelta(microseconds=1))),
    "note": (b"canary sang", b"c sharp minor"),
}
#: The tables that may hold real rows, or say which they are.
ALLOWED = {f"real.{NAME}", "meta.splits"}


def seen_in(text: str | bytes) -> set[str]:
    """The columns whose canary is in there."""
    data = text.encode() if isinstance(text, str) else text
    return {column for column, looks in LOOKS.items() if any(look in data for look in looks)}


# --- a workspace in which everything is done --------------------------------------------------------------------------


def rows() -> list[list[Any]]:
    return [
        [
            20 + i % 60,
            round(3 + (i * 7 % 50) / 10, 1),
            ("north", "south", "east")[i % 3],
            date(2020, 1, 1) + timedelta(days=i * 3),
            datetime(2021, 1, 1, 8, 0) + timedelta(minutes=i * 37),
            f"patient number {i} is doing well",
            ("yes", "no")[i % 60 > 30],
        ]
        for i in range(ROWS)
    ]


def write(path: Path, cells: Iterable[Iterable[Any]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, *cells])
    return path


def held_out(folder: Path) -> list[int]:
    """Which rows (from 0) the split of this seed holds out; drawn from the number of rows alone."""
    space = Workspace(folder / "split")
    space.import_file(write(folder / "plain.csv", rows()), name=NAME, seed=SEED)
    found = space.sql_arrow("select row_id from meta.splits where part = 'holdout' order by 1")
    return [row - 1 for row in found["row_id"].to_pylist()]


def planted(held: list[int]) -> list[list[Any]]:
    """The rows with a canary in one held-out row each, a whole row of them, and a gap where train rows have none."""
    cells = rows()
    for row, (column, value) in zip(held, CANARIES.items(), strict=False):
        cells[row][HEADER.index(column)] = value
    cells[held[10]] = [*CANARIES.values(), "yes"]
    cells[held[11]][HEADER.index("ward")] = ""
    return cells


@dataclass
class Done:
    """What was done in one workspace. said : everything told while it was done, by what told it."""

    space: Workspace
    runs: dict[str, Run] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)

    def make(self, method: str, params: Mapping[str, Any]) -> Run:
        recipe = Recipe.model_validate(
            {
                "rows": MADE,
                "seed": 5,
                "dataset": {"name": NAME},
                "model": {"name": "uniform"},
                "method": {"name": method, **params},
                "privacy": {"drop_copies": method == "independent"},
            }
        )
        events: list[str] = []
        key = f"{method} {json.dumps(params)}"
        self.runs[key] = self.space.run(recipe, on_event=lambda event: events.append(repr(event)))
        self.said[key] = "\n".join(events)
        for form in ("csv", "tsv", "parquet", "jsonl"):
            path = self.space.folder.parent / f"{self.runs[key].run_id}.{form}"
            self.files.append(self.space.export(self.runs[key], path))
        return self.runs[key]


def do(folder: Path, cells: Iterable[Iterable[Any]], variants: Iterable[tuple[str, dict[str, Any]]]) -> Done:
    folder.mkdir(exist_ok=True)
    done = Done(Workspace(folder / "ws"))
    done.space.import_file(write(folder / "clinic.csv", cells), name=NAME, seed=SEED, target="ill")
    done.said["schema"] = done.space.schema(NAME).to_toml()
    for method, params in variants:
        done.make(method, params)
    return done


# --- the search -------------------------------------------------------------------------------------------------------


def tables(space: Workspace) -> list[str]:
    found = space.sql_arrow("select schema_name, table_name from duckdb_tables() order by 1, 2")
    return [f"{schema}.{table}" for schema, table in zip(*found.to_pydict().values(), strict=True)]


def as_text(table: pa.Table) -> str:
    return "\n".join(str(value) for column in table.columns for value in column.to_pylist())


def places(done: Done) -> Iterator[tuple[str, str | bytes]]:
    """Everything there is but the real rows: name of the place, and what it holds."""
    for table in tables(done.space):
        if table not in ALLOWED:
            schema, name = table.split(".", 1)
            yield table, as_text(done.space.sql_arrow(f'select * from {schema}."{name}"'))
    for what in ("tables", "views", "types", "constraints", "indexes"):
        yield f"the list of {what}", as_text(done.space.sql_arrow(f"select * from duckdb_{what}()"))
    for path in (*done.space.folder.rglob("*"), *done.files):
        if path.is_file() and path != done.space.store.path:
            yield str(path.name), path.read_bytes()
        if path.suffix == ".parquet":
            yield f"the cells of {path.name}", as_text(pq.read_table(path))
    yield from done.said.items()


def leaks(done: Done) -> dict[str, set[str]]:
    """Where canaries are, and which."""
    return {place: found for place, text in places(done) if (found := seen_in(text))}


def raw_copy(space: Workspace, path: Path, names: Iterable[str]) -> bytes:
    """The bytes of a database made of these tables, nothing in it compressed."""
    with duckdb.connect(str(path)) as con:
        con.execute("SET force_compression = 'uncompressed'")
        con.execute(f"ATTACH '{space.store.path}' AS old (READ_ONLY)")
        for name in names:
            schema, table = name.split(".", 1)
            con.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
            con.execute(f'CREATE TABLE "{schema}"."{table}" AS SELECT * FROM old."{schema}"."{table}"')
        con.execute("DETACH old; CHECKPOINT")
    return path.read_bytes()
