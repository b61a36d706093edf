"""Tables into files, whole or not at all, readable by their owner only."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from localsynth.core.celltext import json_of, line_writer
from localsynth.core.errors import DatasetError, StoreError
from localsynth.core.nearest import nearest

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "FORMATS",
    "check_place",
    "format_of",
    "python_values",
    "save",
    "save_copy",
    "save_pieces",
    "save_text",
    "write",
]

FORMATS = ("csv", "tsv", "parquet", "jsonl")
_CHUNK = 10_000
_PIECE = 100_000


def format_of(path: Path, given: str | None = None) -> str:
    """The format of a file to write: as given, else from its suffix. Raises ``DatasetError``."""
    name = given or path.suffix.lower().removeprefix(".")
    if name not in FORMATS:
        what = (
            f"format '{given}'"
            if given
            else f"suffix '{path.suffix}'"
            if path.suffix
            else f"no suffix in '{path}'"
        )
        raise DatasetError(
            f"do not know how to write {what}{nearest(name, FORMATS) if name else ''}",
            f"formats: {', '.join(FORMATS)}; the file's suffix or --format says which",
        )
    return name


def save(
    table: pa.Table,
    path: Path,
    format: str,  # noqa: A002
    *,
    overwrite: bool = False,
    heard: Callable[[int], None] = lambda _: None,
) -> Path:
    """Write the table. An existing file is kept unless ``overwrite``; a half-written one is never seen.

    heard : told now and then how many rows are written.

    Raises ``DatasetError`` where the file exists, or its format cannot hold a value; ``StoreError`` where it cannot be written.
    """

    def pieces() -> Iterator[pa.Table]:
        for at in range(0, table.num_rows, _PIECE):
            heard(at)
            yield table.slice(at, _PIECE)

    if format == "parquet" or table.num_rows <= _PIECE:  # Parquet takes a second for millions of rows
        return _place(path, lambda file: write(table, file, format), overwrite=overwrite)
    return save_pieces(pieces(), path, format, overwrite=overwrite)


def save_pieces(
    pieces: Iterator[pa.Table],
    path: Path,
    format: str,  # noqa: A002
    *,
    overwrite: bool = False,
) -> Path:
    """Write one table that comes in pieces of one shape, at least one; as :func:`save`, without holding all of it."""
    return _place(path, lambda file: _write_pieces(pieces, file, format), overwrite=overwrite)


def save_text(text: str, path: Path, *, overwrite: bool = False) -> Path:
    """Write a text; as :func:`save`."""
    return _place(path, lambda file: file.write(text.encode()), overwrite=overwrite)


def save_copy(source: Path, path: Path, *, overwrite: bool = False) -> Path:
    """Copy a file; as :func:`save`."""

    def fill(file: IO[bytes]) -> None:
        with source.open("rb") as whole:
            shutil.copyfileobj(whole, file)

    return _place(path, fill, overwrite=overwrite)


def check_place(path: Path, *, overwrite: bool = False) -> Path:
    """The path, if a file may be written there. Raises ``DatasetError`` where one exists or there is no such folder."""
    path = path.expanduser()
    if path.is_dir():
        raise DatasetError(f"{path} is a folder", "name a file in it")
    if path.exists() and not overwrite:
        raise DatasetError(f"{path} exists already", "choose another name, or say --overwrite")
    if not path.parent.is_dir():
        raise DatasetError(f"there is no folder {path.parent}", "make it first, or choose another")
    return path


def _place(path: Path, fill: Callable[[IO[bytes]], object], *, overwrite: bool) -> Path:
    path = check_place(path, overwrite=overwrite)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}-", suffix=".part", dir=path.parent)  # 0600
    except OSError as error:
        raise StoreError(
            f"{path.parent} cannot be written: {error.strerror}", "check the folder and its rights"
        ) from error
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror or error}", "check rights and free space"
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return path


def write(table: pa.Table, file: IO[bytes], format: str) -> None:  # noqa: A002
    """Write the table to an open file in one of :data:`FORMATS`, or as ``json`` (one array).

    Raises ``DatasetError`` for values that the format cannot hold.
    """
    if format == "parquet":
        import pyarrow.parquet as pq

        from .frames import with_pandas_types

        table = table.rename_columns(_distinct(table.column_names))
        try:
            pq.write_table(with_pandas_types(table), file, compression="zstd")
        except (NotImplementedError, ValueError) as error:
            raise _no_place("parquet cannot hold a value of the result", error) from error
        return
    lines: dict[str, Callable[[pa.Table], Iterator[str]]] = {
        "csv": lambda t: _separated(t, ",", format),
        "tsv": lambda t: _separated(t, "\t", format),
        "jsonl": _json_lines,
        "json": _json_array,
    }
    for text in lines[format](table):
        file.write(text.encode())


def _write_pieces(pieces: Iterator[pa.Table], file: IO[bytes], format: str) -> None:  # noqa: A002
    if format == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        from .frames import with_pandas_types

        first = next(pieces)
        # No piece knows of gaps in the next ones, so the note is of a row that has nothing but gaps.
        gaps = [pa.nulls(1, field.type) for field in first.schema]
        schema = with_pandas_types(pa.table(gaps, first.column_names)).schema
        with pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for piece in chain([first], pieces):
                writer.write_table(piece.cast(schema))
        return
    write(next(pieces), file, format)
    for piece in pieces:
        if format == "jsonl":
            write(piece, file, format)
        else:
            lines = _separated(piece, "," if format == "csv" else "\t", format)
            next(lines)  # the names
            for text in lines:
                file.write(text.encode())


def _separated(table: pa.Table, delimiter: str, format: str) -> Iterator[str]:  # noqa: A002
    line = line_writer(delimiter, table.num_columns)
    yield line(table.column_names)
    for rows in _rows(table, format):
        yield "".join(map(line, rows))


def _json_lines(table: pa.Table) -> Iterator[str]:
    names = _distinct(table.column_names)
    for rows in _rows(table, "jsonl"):
        yield "".join(f"{json_of(dict(zip(names, row, strict=True)))}\n" for row in rows)


def _json_array(table: pa.Table) -> Iterator[str]:
    names = _distinct(table.column_names)
    before = "[\n"
    for rows in _rows(table, "json"):
        for row in rows:
            yield f"{before}{json_of(dict(zip(names, row, strict=True)))}"
            before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _rows(table: pa.Table, format: str) -> Iterator[Iterator[tuple[Any, ...]]]:  # noqa: A002
    for batch in table.to_batches(max_chunksize=_CHUNK):
        columns = zip(table.column_names, batch.columns, strict=True)
        yield zip(*(python_values(name, column, format) for name, column in columns), strict=True)


def python_values(name: str, column: pa.Array | pa.ChunkedArray, place: str) -> list[Any]:
    """The values of a column as Python has them. place : where they are to be written, in a word.

    Raises ``DatasetError`` for what Python does not have, such as infinite days.
    """
    from .dayends import holds_times, value_of

    try:
        values: list[Any] = list(map(value_of, column)) if holds_times(column.type) else column.to_pylist()
    except (OverflowError, ValueError) as error:
        raise _no_place(f"{place} cannot hold a value of the column '{name}'", error) from error
    return values


def _no_place(sentence: str, error: Exception) -> DatasetError:
    return DatasetError(f"{sentence}: {str(error).strip()}", "cast the column to VARCHAR")


def _distinct(names: list[str]) -> list[str]:
    """Names made different, for formats that cannot hold two alike: ``id, id`` becomes ``id, id_1``."""
    taken: set[str] = set()
    result = []
    for name in names:
        free, count = name, 0
        while free in taken:
            count += 1
            free = f"{name}_{count}"
        taken.add(free)
        result.append(free)
    return result
