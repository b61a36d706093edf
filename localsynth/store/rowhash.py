"""A hash of rows that depends on their values, order and columns alone: not on how a table was read, cut or laid out."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["rows_sha256"]

_PIECE = (
    1 << 16
)  # rows hashed at a time; part of what the hash is, since texts' lengths stand before each piece


def rows_sha256(table: pa.Table) -> str:
    """64 hex digits of a table of a schema's types (:func:`localsynth.tables.arrow_type`). The order of columns counts for
    nothing, that of rows does.
    """
    names = sorted(table.column_names)
    digest = sha256()
    header = [table.num_rows, [[name, str(table.schema.field(name).type)] for name in names]]
    digest.update(json.dumps(header).encode())
    for name in names:
        column = table.column(name)
        for start in range(0, table.num_rows, _PIECE):
            for part in _bytes(column.slice(start, _PIECE)):
                digest.update(part)
    return digest.hexdigest()


def _bytes(column: pa.ChunkedArray) -> list[bytes]:
    """Which cells there are, and their values; what lies in memory under a missing one is nobody's."""
    import pyarrow as pa
    import pyarrow.compute as pc

    there = pc.is_valid(column).to_numpy().astype("u1").tobytes()
    if pa.types.is_string(column.type):
        raw = [text.encode() for text in pc.fill_null(column, "").to_pylist()]
        lengths = pa.array(map(len, raw), pa.int64()).to_numpy()
        return [there, lengths.astype("<i8").tobytes(), b"".join(raw)]
    if pa.types.is_floating(column.type):
        return [there, pc.fill_null(column, 0.0).to_numpy().astype("<f8").tobytes()]
    if pa.types.is_date32(column.type):
        column = column.cast(pa.int32())
    whole = column.cast(pa.int64())
    return [there, pc.fill_null(whole, 0).to_numpy().astype("<i8").tobytes()]
