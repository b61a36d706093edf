"""What the SQL place asks of the workspace; all of it in threads."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from localsynth.core.errors import SqlError
from localsynth.workspace.auditing import left_query

if TYPE_CHECKING:
    from localsynth.workspace import Workspace

    from .table import Cells

__all__ = ["MOST_ROWS", "Answer", "answered", "cell_left", "exported", "planned"]

MOST_ROWS = 100_000


@dataclass(frozen=True)
class Answer:
    """cells : the rows that are shown. more : whether there are others. seconds : how long DuckDB took."""

    sql: str
    cells: Cells
    more: bool
    seconds: float

    @property
    def about(self) -> str:
        """How many rows and how long, in words."""
        rows, took = self.cells.row_count, f"{self.seconds:,.2f} s"
        if self.more:
            return f"{rows:,} rows shown, there are more; {took}"
        return f"{rows:,} {'row' if rows == 1 else 'rows'}, {took}"


def answered(space: Workspace, sql: str, stop: threading.Event) -> Answer:
    """The first rows of a query's result. Raises ``SqlError``, ``Cancelled`` and what the store raises."""
    began = time.monotonic()
    table = space.sql_arrow(sql, limit=MOST_ROWS + 1, stop=stop)
    took = time.monotonic() - began
    if table.num_columns == 0:
        raise SqlError("the result has no columns", "name some after SELECT")
    from .table import Cells

    more = table.num_rows > MOST_ROWS
    return Answer(sql, Cells(table.slice(0, MOST_ROWS)), more, took)


def planned(space: Workspace, sql: str, stop: threading.Event) -> str:
    """How DuckDB would do it, drawn with characters."""
    word = sql.lstrip()[:7].lower()
    query = sql if word == "explain" else f"EXPLAIN {sql}"
    table = space.sql_arrow(query, stop=stop)
    return "\n".join(str(one) for one in table.column(table.num_columns - 1).to_pylist())


def exported(space: Workspace, sql: str, path: Path, stop: threading.Event) -> Path:
    """The whole result in a file. Raises ``DatasetError`` where the format cannot hold it."""
    return space.export_sql(sql, path, overwrite=True, stop=stop)


def cell_left(space: Workspace, path: Path, sql: str) -> None:
    """Tell the audit log that one cell of a result was saved to a file; its column's name may be a text of the query."""
    left_query(space, "query exported", sql, path, rows=1, columns=1, format="txt")
