"""A search for values through everything a workspace holds: the bytes of every file, and the cells of every table.

Both are needed: DuckDB packs what it stores, so that a value which is there need not stand in the bytes.
"""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from . import catalogue, guard, names
from .generations import exact_name

if TYPE_CHECKING:
    import duckdb

    from .session import Store

__all__ = ["looks", "search_files", "search_tables", "telling"]

_SHORTEST = 8  # characters; shorter ones stand in other files by chance
_MOST = 24


def telling(store: Store, name: str) -> list[str]:
    """Values of a dataset's real rows that tell it from all others, as texts: the longest, some of each column.

    None where it has no text, and no number, of 8 characters or more that only it holds.
    """
    with store.read() as con:
        dataset = catalogue.read(con, exact_name(con, name))
        table = names.real_table(dataset.name)
        found: list[list[str]] = []
        for column in dataset.schema.names:
            cell = f"{names.identifier(column)}::VARCHAR"
            query = (
                f"SELECT DISTINCT {cell} AS text FROM {table} WHERE length({cell}) >= ?"
                " ORDER BY length(text) DESC, text LIMIT ?"
            )
            found.append(
                [text for (text,) in con.execute(query, [_SHORTEST, _MOST]).fetchall() if _odd(text)]
            )
        own = {("real", dataset.name), ("synth", dataset.name)}
        elsewhere = {
            text
            for schema, other in _tables(con)
            if (schema, other) not in own and schema in {"real", "synth"}
            for text in _present(con, schema, other, list(chain(*found)))
        }
    # From each column in turn, so that one of long texts does not crowd the others out.
    turns = [text for texts in zip_longest(*found) for text in texts if text is not None]
    return list(dict.fromkeys(text for text in turns if text not in elsewhere))[:_MOST]


def _odd(text: str) -> bool:
    """Whether a text is unlikely to stand anywhere else: no round number, no day at midnight."""
    return len(set(text)) >= _SHORTEST // 2 and re.search(r"00:00$|0000", text) is None


def looks(value: str) -> tuple[bytes, ...]:
    """How a text may lie in a file."""
    return value.encode("utf-8", "surrogatepass"), value.encode("utf-16-le", "surrogatepass")


def search_files(store: Store, needles: Iterable[bytes]) -> Iterator[Path]:
    """Every file of the workspace, the database's included, in whose bytes one of them stands. Raises ``StoreLocked``."""
    wanted = list(needles)
    # Closing a file that DuckDB has open in this process would drop its lock on it.
    with guard.writing(store.path, store.timeout):
        if _within(store.path, wanted):
            yield store.path
    for place, _, files in os.walk(store.folder):
        for name in sorted(files):
            path = Path(place) / name
            with suppress(FileNotFoundError):
                if path != store.path and not path.is_symlink() and path.is_file() and _within(path, wanted):
                    yield path


def _within(path: Path, needles: Sequence[bytes]) -> bool:
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return any(data.find(one) >= 0 for one in needles)


def search_tables(store: Store, needles: Sequence[str]) -> list[str]:
    """Every table, as ``schema.name``, with a cell in whose text one of them stands."""
    with store.read() as con:
        return [f"{schema}.{name}" for schema, name in _tables(con) if _present(con, schema, name, needles)]


def _tables(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    return con.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal ORDER BY ALL"
    ).fetchall()


def _present(con: duckdb.DuckDBPyConnection, schema: str, name: str, needles: Sequence[str]) -> list[str]:
    """Those of the texts that stand in a cell of a table."""
    if not needles:
        return []
    table = f"{names.identifier(schema)}.{names.identifier(name)}"
    columns = [column for column, *_ in con.execute(f"DESCRIBE {table}").fetchall()]
    whole = ", ".join(f"{names.identifier(column)}::VARCHAR" for column in columns)
    query = (
        f"SELECT DISTINCT unnest(list_filter($needles, lambda n: contains(whole, n)))"
        f" FROM (SELECT concat_ws(chr(10), {whole}) AS whole FROM {table})"
    )
    return [text for (text,) in con.execute(query, {"needles": list(needles)}).fetchall()]
