"""Rules: checked before they are used, and told apart row by row.

Predicates run in a database of their own in memory that holds nothing but the rows being judged, and can reach no
files.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

from localsynth.core.errors import RuleError
from localsynth.core.nearest import nearest
from localsynth.core.schema import Rule, Schema

from .guard import lock_down
from .names import columns_sql, identifier, shape
from .trouble import first_line, with_cells

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import pyarrow as pa

__all__ = ["RuleChecker", "check_satisfiable"]

_EMPTY, _ROWS = "localsynth empty", "localsynth rows"
_HINT = "a rule is one condition over the columns of a row, such as: diastolic_bp < systolic_bp"


class RuleChecker:
    """Judges rows by a schema's rules. Close it after use, or use it in a ``with`` block; threads may share it.

    Raises ``RuleError`` at construction, naming the first rule that does not parse, names no column, is no truth value, or
    holds what a rule must not: a subquery, an aggregate, a window, or a function whose value changes from call to call.
    """

    def __init__(self, schema: Schema) -> None:
        import duckdb

        self.schema = schema
        self._lock = threading.Lock()
        config: dict[str, Any] = {
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "enable_external_access": "false",
            "threads": "2",
        }
        self._con = duckdb.connect(":memory:", config=config)
        try:
            lock_down(self._con)
            columns = ", ".join(f"{identifier(name)} {kind}" for name, kind in shape(schema))
            self._con.execute(f"CREATE TABLE {identifier(_EMPTY)} ({columns})")
            self._unsteady = self._unsteady_functions()
            self.parts = tuple(self._check(rule) for rule in schema.rules)
        except BaseException:
            self._con.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the database; the checker cannot be used any more."""
        self._con.close()

    def violations(self, table: pa.Table) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which rule each row breaks: booleans, rows x rules. NULL counts as met. Raises ``RuleError``."""
        broken: np.ndarray[Any, np.dtype[np.bool_]] = self.truth(table) == 0
        return broken

    def truth(self, table: pa.Table) -> np.ndarray[Any, np.dtype[np.int8]]:
        """Each rule's value in each row: 1 true, 0 false, -1 NULL (rows x rules). Raises ``RuleError``.

        A predicate can fail on a value, such as a cast of a text that is no number; the error names the rule.
        """
        import duckdb
        import numpy as np

        rules = self.schema.rules
        out = np.full((table.num_rows, len(rules)), -1, dtype=np.int8)
        if not rules or table.num_rows == 0:
            return out
        with self._lock:
            self._con.register(_ROWS, table.select(list(self.schema.names)))
            try:
                self._evaluate(range(len(rules)), out)
            except duckdb.Error:
                for index, rule in enumerate(rules):
                    try:
                        self._evaluate([index], out)
                    except duckdb.Error as error:
                        words = first_line(error)
                        failed = RuleError(
                            f"the rule '{rule.label}' fails on a row: {words}",
                            "TRY(...) turns failures into NULL",
                        )
                        raise with_cells(failed, words) from None
            finally:
                self._con.unregister(_ROWS)
        return out

    def _evaluate(self, which: Any, out: np.ndarray[Any, np.dtype[np.int8]]) -> None:
        tests = ", ".join(
            f"coalesce((\n{self.schema.rules[index].check}\n)::BOOLEAN::TINYINT, -1::TINYINT) AS t{index}"
            for index in which
        )
        table = self._con.sql(f"SELECT {tests} FROM {self._source(_ROWS)}").to_arrow_table()
        for position, index in enumerate(which):
            out[:, index] = table.column(position).to_numpy()

    def _source(self, table: str) -> str:
        # A derived table has no rowid, and its alias is no name a rule would use.
        return f'(SELECT {columns_sql(self.schema.names)} FROM {identifier(table)}) AS "localsynth row"'

    def _check(self, rule: Rule) -> Parts:
        import duckdb

        def wrong(reason: str, hint: str = _HINT) -> RuleError:
            return RuleError(f"the rule '{rule.label}' {reason}", hint)

        tree = self._tree(rule, wrong)
        parts = Parts(self.schema)
        for node in nodes(tree):
            parts.take(node)
        if parts.has_subquery:
            raise wrong("holds a subquery; a rule sees one row at a time")
        if parts.has_window:
            raise wrong("holds a window function; a rule sees one row at a time")
        unsteady = sorted(parts.functions & self._unsteady)
        if unsteady:
            raise wrong(
                f"uses {unsteady[0]}(), whose value changes from call to call",
                "write the value itself, such as DATE '2026-01-31'",
            )
        try:
            relation = self._con.sql(self._probe(rule))
            kinds = [str(kind) for kind in relation.types]
            relation.fetchall()
        except duckdb.Error as error:
            raise self._refused(error, wrong) from None
        if kinds != ["BOOLEAN"]:
            raise wrong(f"gives {kinds[0] if len(kinds) == 1 else 'several values'}, not true or false")
        return parts

    def _probe(self, rule: Rule) -> str:
        """A query over no rows that DuckDB refuses where the rule cannot be used."""
        # In a WHERE clause DuckDB itself refuses aggregates.
        return f"SELECT (\n{rule.check}\n) AS met FROM {self._source(_EMPTY)} WHERE (\n{rule.check}\n)"

    def aggregates(self, rule: Rule) -> bool:
        """Whether a predicate holds an aggregate. Raises ``RuleError`` where it does not parse."""
        parts = Parts(self.schema)
        for node in nodes(
            self._tree(rule, lambda reason: RuleError(f"the rule '{rule.label}' {reason}", _HINT))
        ):
            parts.take(node)
        found = self._con.execute(
            "SELECT count(*) FROM duckdb_functions() WHERE function_type = 'aggregate' AND list_contains(?, function_name)",
            [sorted(parts.functions)],
        ).fetchall()
        return bool(found[0][0])

    def _tree(self, rule: Rule, wrong: Any) -> Any:
        """The syntax tree of a predicate that is one expression, with or without parentheses round it."""
        parsed: dict[str, Any] = {}
        for text in (f"SELECT {rule.check}\n", f"SELECT (\n{rule.check}\n)"):
            parsed = json.loads(self._con.execute("SELECT json_serialize_sql(?)", [text]).fetchall()[0][0])
            if parsed["error"]:
                raise wrong(f"does not parse: {parsed['error_message']}")
        statements = parsed["statements"]
        node = statements[0]["node"]
        single = len(statements) == 1 and len(node.get("select_list", [])) == 1
        if not single or node.get("from_table", {}).get("type") != "EMPTY" or node.get("where_clause"):
            raise wrong("is not one condition")
        return node["select_list"][0]

    def _refused(self, error: duckdb.Error, wrong: Any) -> RuleError:
        text = first_line(error)
        column = re.search(r'Referenced column "(.+?)" not found', text)
        if column:
            near = nearest(column[1], self.schema.names)
            error_: RuleError = wrong(
                f"names '{column[1]}', which is no column{near}", f"columns: {', '.join(self.schema.names)}"
            )
            return error_
        if "aggregate" in text.lower():
            found: RuleError = wrong("holds an aggregate; a rule sees one row at a time")
            return found
        other: RuleError = wrong(f"cannot be used: {text}")
        return other

    def _unsteady_functions(self) -> frozenset[str]:
        found = self._con.execute(
            "SELECT DISTINCT function_name FROM duckdb_functions()"
            " WHERE stability IN ('VOLATILE', 'CONSISTENT_WITHIN_QUERY')"
        ).fetchall()
        return frozenset(name for (name,) in found) | {
            "getvariable",
            "current_setting",
            "get_current_timestamp",
        }


class Parts:
    """What a predicate is made of: the columns and functions it names, and the constants it compares with."""

    def __init__(self, schema: Schema) -> None:
        self._by_fold = {name.lower(): name for name in schema.names}
        self.columns: set[str] = set()
        self.functions: set[str] = set()
        self.constants: list[Any] = []
        self.has_subquery = False
        self.has_window = False

    def take(self, node: dict[str, Any]) -> None:
        """Note one node of the syntax tree."""
        kind = node["class"]
        if kind == "COLUMN_REF":
            word = str(node["column_names"][-1]).lower()
            if word in self._by_fold:
                self.columns.add(self._by_fold[word])
            else:
                self.functions.add(word)  # CURRENT_DATE and the like are functions written as names
        elif kind == "FUNCTION":
            self.functions.add(str(node["function_name"]).lower())
        elif kind == "CONSTANT":
            self.constants.append(_constant(node))
        self.has_subquery |= kind == "SUBQUERY"
        self.has_window |= kind == "WINDOW"


def _constant(node: dict[str, Any]) -> Any:
    """A literal's value: DuckDB 2 gives it as text, 1.5 as a typed value."""
    if "literal" in node:
        return node["literal"].get("text")
    value = node["value"]
    kind, plain = value["type"], value.get("value")
    if kind.get("id") == "DECIMAL" and isinstance(plain, int):
        return plain / 10 ** int((kind.get("type_info") or {}).get("scale", 0))
    return plain


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        if isinstance(tree.get("class"), str):
            yield tree
        for child in tree.values():
            yield from nodes(child)
    elif isinstance(tree, list):
        for child in tree:
            yield from nodes(child)


def check_satisfiable(schema: Schema, seed: int = 0, tries: int = 200_000) -> None:
    """Raise ``RuleError`` where a rule, or the rules together, are kept by none of the rows drawn and improved.

    A bounded search: it may miss a row that exists, so the message says how many were tried. Rules over texts or
    identifiers are given the benefit of the doubt.
    """
    if not schema.rules:
        return
    from .satisfy import search

    with RuleChecker(schema) as checker:
        search(checker, seed, tries)
