"""How much memory DuckDB may hold where a command's memory is limited; what does not fit goes to the disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

__all__ = ["limit_memory"]

_PYTHON = 250_000_000  # bytes of the interpreter, its libraries and what passes through
_LEAST = 32_000_000
_OF_THREAD = 96_000_000  # what sorts and joins want of it each
#: Of what Python leaves: two databases are open together while a table is brought in.
_WORKSPACE, _STAGING = 0.25, 0.45


def limit_memory(con: duckdb.DuckDBPyConnection, memory: int | None, *, staging: bool = False) -> None:
    """Hold a connection's database to its share. memory : bytes of the whole command; ``None`` leaves DuckDB's own limit."""
    if memory is None:
        return
    share = max(int((memory - _PYTHON) * (_STAGING if staging else _WORKSPACE)), _LEAST)
    threads = max(
        1, min(share // _OF_THREAD, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 4)
    )
    con.execute(f"SET memory_limit = '{share // 1000}KB'")
    con.execute(f"SET threads = {threads}")
