"""Data files into the staging table: ``staged`` has ``row_id`` (1, 2, ... as in the file) and typed columns, in that order.

Staging is a database of its own, so that the workspace is not locked while a large file is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from localsynth.core.errors import DatasetError
from localsynth.core.nearest import nearest_name

from . import celltypes, guard, trouble
from .memory import limit_memory
from .names import identifier
from .scratch import scratch
from .textfile import check_header, read_text_file, rename_sql, utf8
from .trouble import first_line, with_cells

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from .session import Store

__all__ = ["FORMATS", "stage_file", "stage_table", "staging"]

_JSON_TYPES = {
    "ARRAY": "a list",
    "VARCHAR": "a text",
    "BOOLEAN": "true or false",
    "NULL": "null",
} | dict.fromkeys(("UBIGINT", "BIGINT", "DOUBLE"), "a number")
_CHUNK = 1 << 20
FORMATS = ("csv", "tsv", "parquet", "jsonl", "ndjson", "json")


@contextmanager
def staging(store: Store) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database to read a file into, in a file of its own in the workspace folder: what is not needed in memory is there."""
    import duckdb

    config = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    with (
        guard.private_files(),
        trouble.translated(store.path, "import into"),
        scratch(store.folder, "import") as folder,
    ):
        spill = {"temp_directory": str(folder / "spill"), "storage_compatibility_version": "v1.5.0"}
        con = duckdb.connect(str(folder / "staging.duckdb"), config={**config, **spill})
        try:
            con.execute("SET python_enable_replacements = false")
            limit_memory(con, store.memory, staging=True)
            with store.interruptible(con):
                yield con
        finally:
            con.close()


def stage_file(store: Store, con: duckdb.DuckDBPyConnection, path: Path, encoding: str | None) -> None:
    """Read a file into ``staged``. Raises ``DatasetError`` with the line or column that cannot be used."""
    kind = _format(path)
    if kind in {"csv", "tsv"}:
        with scratch(store.folder, "import") as folder:
            text, longest = utf8(path, encoding, folder)
            header = read_text_file(con, text, path, longest, tabs=kind == "tsv")
        check_header(header, path.name)
        con.execute(f"CREATE VIEW named AS SELECT row_id, {rename_sql(header)} FROM raw")
        celltypes.from_text(con, header)
        con.execute("DROP VIEW named; DROP TABLE raw")
    elif encoding is not None:
        raise DatasetError(f"--encoding does not apply to {path.name}", "it is for CSV and TSV files")
    elif kind == "parquet":
        _parquet(con, path)
    else:
        _json(con, path, kind)
    if not con.execute("SELECT 1 FROM staged LIMIT 1").fetchall():
        raise DatasetError(f"{path.name} has column names but no rows", "at least one row is needed")
    celltypes.refuse_not_finite(con, path.name)


def stage_table(con: duckdb.DuckDBPyConnection, table: pa.Table, source: str) -> None:
    """Take an Arrow table into ``staged``. Raises ``DatasetError``."""
    check_header(list(table.column_names), source)
    con.register("localsynth incoming", table)
    celltypes.from_relation(con, 'SELECT * FROM "localsynth incoming"', source)
    con.unregister("localsynth incoming")
    if table.num_rows == 0:
        raise DatasetError(f"{source} has column names but no rows", "at least one row is needed")
    celltypes.refuse_not_finite(con, source)


def _format(path: Path) -> str:
    kind = path.suffix.lower().removeprefix(".")
    try:
        if path.is_dir():
            raise DatasetError(f"{path} is a folder, not a file", "name one file in it")
        if not path.exists():
            near = (
                nearest_name(path.name, [p.name for p in path.parent.iterdir()])
                if path.parent.is_dir()
                else None
            )
            raise DatasetError(
                f"there is no file {path}", f"did you mean '{near}'?" if near else "check the path"
            )
        if kind not in FORMATS:
            what = f"'.{kind}'" if kind else "no ending"
            raise DatasetError(
                f"{path.name} has {what}: its format is not known by it",
                f"known endings: .{', .'.join(FORMATS)}",
            )
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}", "check its permissions") from None
    if empty:
        raise DatasetError(f"{path.name} is empty", "a header line and at least one row are needed")
    return kind


def _parquet(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    import duckdb

    try:
        con.execute("CREATE TABLE source AS SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
        # DuckDB renames columns that differ only by case; the file's own names are in its schema.
        own = con.execute("SELECT name, num_children FROM parquet_schema(?)", [str(path)]).fetchall()[1:]
    except duckdb.Error as error:
        words = first_line(error)
        failed = DatasetError(
            f"{path.name} cannot be read as Parquet: {words}", "is it whole, and a Parquet file?"
        )
        raise with_cells(failed, words) from None
    celltypes.refuse_nested(con, "source", path.name)
    check_header([name for name, _ in own], path.name)
    celltypes.from_relation(con, "SELECT * FROM source", path.name)
    con.execute("DROP TABLE source")


def _longest_line(path: Path) -> int:
    longest = current = 0
    with path.open("rb") as file:
        while data := file.read(_CHUNK):
            first, *lines = data.split(b"\n")
            current += len(first)
            if lines:
                longest, current = max(longest, current, *map(len, lines[:-1])), len(lines[-1])
    return max(longest, current)


def _json(con: duckdb.DuckDBPyConnection, path: Path, kind: str) -> None:
    import duckdb

    form = "auto" if kind == "json" else "newline_delimited"
    # DuckDB takes buffers of the largest object there could be; in lines that is the longest.
    size = max(path.stat().st_size if kind == "json" else _longest_line(path) + 1024, 1 << 24)
    try:
        other = con.execute(
            "SELECT n, json_type(json) FROM (SELECT json, row_number() OVER () AS n FROM"
            " read_json_objects(?, format = ?, maximum_object_size = ?)) WHERE json_type(json) <> 'OBJECT' LIMIT 1",
            [str(path), form, size],
        ).fetchall()
        if other:
            raise DatasetError(
                f"{path.name}, row {other[0][0]} is no object, but {_JSON_TYPES.get(other[0][1], 'something else')}",
                'each row is one object: {"age": 41, "sex": "F"}',
            )
        header = con.execute(
            "SELECT key FROM (SELECT n, unnest(keys) AS key, generate_subscripts(keys, 1) AS i FROM"
            " (SELECT json_keys(json) AS keys, row_number() OVER () AS n FROM"
            " read_json_objects(?, format = ?, maximum_object_size = ?))) GROUP BY key ORDER BY min((n, i))",
            [str(path), form, size],
        ).fetchall()
        if not header:
            raise DatasetError(f"{path.name} has no rows", "at least one object with one key is needed")
        check_header([key for (key,) in header], path.name)
        con.execute(
            "CREATE TABLE source AS SELECT * FROM read_json(?, format = ?, sample_size = -1,"
            " maximum_object_size = ?, map_inference_threshold = -1)",
            [str(path), form, size],
        ).fetchall()
    except duckdb.Error as error:
        found = first_line(error).replace(str(path), path.name)
        failed = DatasetError(f"{path.name} cannot be read as JSON: {found}", "one object per line, in UTF-8")
        raise with_cells(failed, found) from None
    celltypes.refuse_nested(con, "source", path.name)
    columns = ", ".join(identifier(key) for (key,) in header)
    celltypes.from_relation(con, f"SELECT {columns} FROM source", path.name)
    con.execute("DROP TABLE source")
