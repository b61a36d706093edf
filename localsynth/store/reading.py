"""Reading: people's own SQL, and pages of tables.

A query runs in a read-only transaction that can reach nothing but the workspace, in a thread of its own: Ctrl+C, or
``stop``, interrupts it at once.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from localsynth.core.errors import Cancelled, SqlError

from .names import identifier
from .trouble import message

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from .session import Store

__all__ = ["Relation", "Stop", "count", "interruptible", "one_condition", "page", "sql"]

Relation: TypeAlias = str | tuple[str, str]
Stop: TypeAlias = threading.Event
_T = TypeVar("_T")
# Arrow has no such values: they would come out as other numbers, as DuckDB's own bytes, as times without their zone.
_AS_TEXT = frozenset({"UHUGEINT", "BIGNUM", "BIT", "TIME WITH TIME ZONE"})
_READ_ONLY = "queries only read: begin with SELECT, FROM, WITH, DESCRIBE, SUMMARIZE, SHOW or EXPLAIN"


def sql(
    store: Store, query: str, *, limit: int | None = None, offset: int = 0, stop: Stop | None = None
) -> pa.Table:
    """The result of one statement; columns of types that Arrow does not have come as text.

    Parameters
    ----------
    limit, offset : which of the result's rows to give; all by default.
    stop : set it, from any thread, to interrupt the query.

    Raises ``SqlError`` (with DuckDB's message, caret included) for what does not parse, does not run, or would write;
    ``Cancelled`` when interrupted by Ctrl+C or ``stop``.
    """
    return _run(store, lambda con: _result(con, query, limit, offset), stop)


def count(store: Store, relation: Relation, *, stop: Stop | None = None) -> int:
    """How many rows a table or view has."""

    def rows(con: duckdb.DuckDBPyConnection) -> int:
        return int(con.execute(f"SELECT count(*) FROM {_name(relation)}").fetchall()[0][0])

    return _run(store, rows, stop)


def page(
    store: Store,
    relation: Relation,
    offset: int,
    limit: int,
    order: Sequence[tuple[str, bool]] | None = None,
    *,
    where: str | None = None,
    stop: Stop | None = None,
) -> pa.Table:
    """Rows ``offset`` to ``offset + limit`` of a table or view.

    relation : a name in ``main``, or a pair (schema, name). order : pairs of column and whether descending. where : a
    person's own condition, under the rules of :func:`sql`.
    """
    keys = ", ".join(
        f"{identifier(name)} {'DESC' if down else 'ASC'} NULLS LAST" for name, down in order or ()
    )
    query = f"SELECT * FROM {_name(relation)}"
    if where is not None and where.strip():
        one_condition(where)
        query += f" WHERE (\n{where}\n)"
    if keys:
        query += f" ORDER BY {keys}"
    return _run(store, lambda con: _result(con, query, limit, offset), stop)


def one_condition(where: str) -> None:
    """A condition must stand by itself, or it could close the parenthesis it is put in. Raises ``SqlError``."""
    import duckdb

    with _translated():
        statements = duckdb.extract_statements(f"SELECT {where}\n")
    if len(statements) != 1:
        raise SqlError("a condition is one expression", "leave out the semicolon")


def _name(relation: Relation) -> str:
    return (
        identifier(relation) if isinstance(relation, str) else ".".join(identifier(part) for part in relation)
    )


def _result(con: duckdb.DuckDBPyConnection, query: str, limit: int | None, offset: int) -> pa.Table:
    import duckdb

    _one_reading_statement(con, query)
    try:
        relation = con.sql(query)
    except duckdb.Error as error:
        if "\nLINE " not in str(error):
            con.execute(query)  # fails in the same way, and says where: DuckDB's relations leave that out
        raise
    if relation is None:
        raise SqlError("the statement gives no rows", _READ_ONLY)
    columns = relation.columns
    texts = [str(kind) in _AS_TEXT for kind in relation.types]
    if any(texts):
        relation = relation.project(
            ", ".join(f"#{at}::VARCHAR" if text else f"#{at}" for at, text in enumerate(texts, 1))
        )
    if limit is not None or offset:
        # -1 is no limit in words DuckDB's relations do not know; so many rows no table has.
        relation = relation.limit(2**62 if limit is None else limit, offset)
    return relation.to_arrow_table().rename_columns(list(columns))


def _one_reading_statement(con: duckdb.DuckDBPyConnection, query: str) -> None:
    import duckdb

    statements = con.extract_statements(query)
    if not statements:
        raise SqlError("there is no SQL statement", "for example: SELECT count(*) FROM clinic_synth")
    kinds = [statement.type for statement in statements]
    # PIVOT is one statement to people, and several to DuckDB, all but the last without a text of their own.
    pivot = len(kinds) > 1 and not _texts(statements)
    multi = getattr(duckdb.StatementType, "MULTI", None)
    if len(kinds) > 1 and not pivot:
        raise SqlError(f"{len(kinds)} statements at once", "run one at a time")
    allowed = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN, multi}
    if kinds[-1] not in allowed:
        word = re.sub(r"_.*", "", kinds[-1].name)
        raise SqlError(f"{word} is not allowed here", _READ_ONLY)


def _texts(statements: Sequence[duckdb.Statement]) -> str:
    try:
        return "".join(statement.query for statement in statements).strip()
    except IndexError:  # DuckDB 1.5 cannot tell the text of statements it has rewritten
        return "rewritten"


def _run(store: Store, work: Callable[[duckdb.DuckDBPyConnection], _T], stop: Stop | None) -> _T:
    with store.read() as con:
        return interruptible(con, work, stop)


def interruptible(
    con: duckdb.DuckDBPyConnection, work: Callable[[duckdb.DuckDBPyConnection], _T], stop: Stop | None = None
) -> _T:
    """Do ``work`` on a reading connection in a thread, and interrupt it when Ctrl+C comes or ``stop`` is set.

    DuckDB's errors come out as ``SqlError``. Raises ``Cancelled`` when interrupted; the connection is of no more use then.
    """
    results: list[_T] = []
    errors: list[BaseException] = []
    done = threading.Event()

    def target() -> None:
        try:
            with _translated():
                results.append(work(con))
        except BaseException as error:  # noqa: BLE001 - carried to the thread that asked
            errors.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=target, name="localsynth-sql", daemon=True)
    thread.start()
    interrupted = False
    try:
        while not done.wait(0.05):
            if stop is not None and stop.is_set():
                interrupted = True
                con.interrupt()
    except KeyboardInterrupt:
        interrupted = True
    while not done.is_set():
        # An interrupt between two steps of a query is forgotten by DuckDB, so it is repeated until the query ends.
        con.interrupt()
        done.wait(0.02)
    thread.join()
    if interrupted and not results:
        raise Cancelled("the query was interrupted")
    if errors:
        raise errors[0]
    return results[0]


class _translated(AbstractContextManager[None]):  # noqa: N801 - reads as a word where it is used
    """DuckDB's errors about a query come out as ``SqlError``."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        import duckdb

        if isinstance(error, duckdb.Error | UnicodeDecodeError):
            text = message(error).strip()
            raise SqlError(text, _hint(text)) from None


def _hint(text: str) -> str:
    if re.search(r"disabled (by|through) configuration|configuration has been locked", text):
        return "queries can reach nothing outside the workspace"
    if "read-only" in text:
        return _READ_ONLY
    if "does not exist" in text or "not found" in text:
        return (
            "SHOW ALL TABLES lists what can be queried; names with spaces or capitals stand in double quotes"
        )
    return ""
