"""Conditions that people write for a run, read by DuckDB's own parser.

What limits one column alone becomes a :class:`~localsynth.core.where.Limit`; everything else is written out again from its
syntax tree, to be tried row by row. No text of a person's is put into a statement before it was parsed as one condition.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias

from localsynth.core.columns import (
    BooleanColumn,
    CategoricalColumn,
    Column,
    DateColumn,
    DatetimeColumn,
    FloatColumn,
    IdentifierColumn,
    IntegerColumn,
    TextColumn,
)
from localsynth.core.errors import RecipeError, RuleError
from localsynth.core.nearest import nearest
from localsynth.core.schema import Rule, Schema
from localsynth.core.steps import OrderedColumn, bounds, levels
from localsynth.core.where import Limit, Where, both, is_empty
from localsynth.core.words import plain

from .guard import lock_down
from .rules import RuleChecker, nodes

__all__ = ["read_where"]

Node: TypeAlias = dict[str, Any]
_CONFIG: dict[str, Any] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_access": "false",
    "threads": "1",
}
_HINT = "a condition is SQL over the columns of a row, such as: disease = 'yes' AND age > 60"
_COMPARED = {
    "COMPARE_EQUAL": "=",
    "COMPARE_NOT_DISTINCT_FROM": "=",
    "COMPARE_NOTEQUAL": "<>",
    "COMPARE_LESSTHAN": "<",
    "COMPARE_GREATERTHAN": ">",
    "COMPARE_LESSTHANOREQUALTO": "<=",
    "COMPARE_GREATERTHANOREQUALTO": ">=",
}
_TURNED = {"=": "=", "<>": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
_DENIED = {"=": "<>", "<>": "=", "<": ">=", ">": "<=", "<=": ">", ">=": "<"}
_FIXED = frozenset({"CONSTANT", "CAST", "TYPE"})
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - columns of moments have no time zone


def read_where(text: str, schema: Schema) -> Where:
    """A condition over a schema's columns, taken apart.

    Raises ``RecipeError``: it does not parse, names no column (with the nearest), compares a column with what it cannot hold,
    holds a subquery or an aggregate, or can be met by no row.
    """
    _check(text, schema)
    with closing(_Reader(schema)) as reader:
        return reader.read(text)


def _check(text: str, schema: Schema) -> None:
    """What a condition must not do, a rule must not either."""
    if not text.strip():
        raise RecipeError("the condition is empty", _HINT)
    rule = Rule(check=text)
    try:
        RuleChecker(schema.model_copy(update={"rules": (rule,)})).close()
    except RuleError as error:
        hint = _HINT if "such as:" in error.hint else error.hint
        words = error.message.replace("the rule", "the condition", 1).replace("; a rule sees", "; it sees")
        raise RecipeError(words, hint) from None


class _Reader:
    """One condition at a time, in a database that holds nothing."""

    def __init__(self, schema: Schema) -> None:
        import duckdb

        self.schema = schema
        self._columns = {column.name.lower(): column for column in schema.columns}
        self._con = duckdb.connect(":memory:", config=_CONFIG)
        lock_down(self._con)
        self._frame = self._parsed("SELECT 1")

    def close(self) -> None:
        self._con.close()

    def read(self, text: str) -> Where:
        statement = self._parsed(f"SELECT (\n{text}\n)")
        limits: dict[str, Limit] = {}
        rest: list[str] = []
        for node in _conjuncts(statement["statements"][0]["node"]["select_list"][0]):
            self._refuse_identifiers(node, text)
            found = self._limit(node)
            if found is None:
                rest.append(self._sql(node))
                continue
            column, limit = found
            before = limits.get(column.name)
            made = limit if before is None else both(column, before, limit)
            if made is None or is_empty(column, made):
                raise RecipeError(
                    f"no row can meet the condition '{text}': it leaves {column.name} no value",
                    _holds(column),
                )
            limits[column.name] = made
        return Where(text, limits, " AND ".join(rest))

    def _refuse_identifiers(self, node: Node, text: str) -> None:
        for one in nodes(node):
            column = self._column(one)
            if isinstance(column, IdentifierColumn):
                raise RecipeError(
                    f"the condition '{text}' is about '{column.name}', an identifier, which code makes row by row",
                    "leave it out",
                )

    # --- the tree ----------------------------------------------------------------------------------------------------

    def _limit(self, node: Node, denied: bool = False) -> tuple[Column, Limit] | None:
        """The column that a condition limits and how; ``None`` where it is of another form."""
        kind, children = str(node.get("type")), node.get("children") or []
        if kind == "OPERATOR_NOT":
            return self._limit(children[0], not denied)
        if kind in {"OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL"}:
            column = self._column(children[0])
            null = (kind == "OPERATOR_IS_NULL") != denied
            return None if column is None else (column, Limit(null=null))
        if kind in {"COMPARE_IN", "COMPARE_NOT_IN"}:
            return self._listed(children[0], children[1:], (kind == "COMPARE_NOT_IN") != denied)
        if kind == "COMPARE_BETWEEN" and not denied:
            return self._between(node)
        if kind in _COMPARED and not (kind == "COMPARE_NOT_DISTINCT_FROM" and denied):
            return self._compared(node, _COMPARED[kind], denied)
        column = self._column(node)
        if isinstance(column, BooleanColumn):
            return column, Limit(values=("false",) if denied else ("true",))
        return None

    def _compared(self, node: Node, sign: str, denied: bool) -> tuple[Column, Limit] | None:
        left, right = node["left"], node["right"]
        if self._column(_bare(left)) is None:
            left, right, sign = right, left, _TURNED[sign]
        column = self._column(_bare(left))
        if column is None or (left.get("class") == "CAST" and not isinstance(column, BooleanColumn)):
            return None
        return self._one(column, _DENIED[sign] if denied else sign, right)

    def _between(self, node: Node) -> tuple[Column, Limit] | None:
        column = self._column(node["input"])
        if column is None:
            return None
        low, high = self._one(column, ">=", node["lower"]), self._one(column, "<=", node["upper"])
        if low is None or high is None:
            return None
        return column, both(column, low[1], high[1]) or _nothing(column)

    def _listed(self, first: Node, others: list[Node], denied: bool) -> tuple[Column, Limit] | None:
        column = self._column(first)
        if column is None:
            return None
        found = [self._one(column, "<>" if denied else "=", other) for other in others]
        limits = [one[1] for one in found if one is not None]
        if len(limits) < len(others):
            return None
        if denied:
            whole: Limit | None = Limit()
            for limit in limits:
                whole = whole and both(column, whole, limit)
            return column, whole or _nothing(column)
        if isinstance(column, OrderedColumn):
            return column, Limit(only=frozenset().union(*(limit.only or () for limit in limits)))
        named = {value for limit in limits for value in limit.values or ()}
        return column, Limit(values=tuple(value for value in levels(column) if value in named))

    def _one(self, column: Column, sign: str, node: Node) -> tuple[Column, Limit] | None:
        """A column compared with a constant; ``None`` where it is none, or the column's values are not told apart."""
        if isinstance(column, TextColumn | IdentifierColumn) or not self._is_constant(node):
            return None
        value = self._constant(node)
        if value is None:  # never true
            return column, _nothing(column)
        if isinstance(column, CategoricalColumn):
            return _named(column, sign, value)
        if isinstance(column, BooleanColumn):
            return column, _truth(column, sign, value)
        return column, _ordered(sign, _steps(column, value))

    def _column(self, node: Node) -> Column | None:
        if node.get("class") != "COLUMN_REF" or len(node["column_names"]) != 1:
            return None
        return self._columns.get(str(node["column_names"][0]).lower())

    # --- SQL made of trees -------------------------------------------------------------------------------------------

    def _parsed(self, text: str) -> Any:
        return json.loads(self._con.execute("SELECT json_serialize_sql(?)", [text]).fetchall()[0][0])

    def _select(self, node: Node) -> str:
        statement = copy.deepcopy(self._frame)
        statement["statements"][0]["node"]["select_list"] = [{**node, "alias": ""}]
        found = self._con.execute("SELECT json_deserialize_sql(?)", [json.dumps(statement)]).fetchall()
        return str(found[0][0])

    def _sql(self, node: Node) -> str:
        return f"({self._select(node).removeprefix('SELECT ')})"

    def _is_constant(self, node: Node) -> bool:
        return all(str(one["class"]) in _FIXED for one in nodes(node))

    def _constant(self, node: Node) -> Any:
        """The value of a literal, or of a literal given a type (``DATE '2024-01-31'``)."""
        import duckdb

        try:
            return self._con.execute(self._select(node)).fetchall()[0][0]
        except duckdb.Error as error:
            raise RecipeError(f"{self._sql(node)} in the condition is no value: {error}", _HINT) from None


def _conjuncts(node: Node) -> Iterator[Node]:
    if node.get("type") == "CONJUNCTION_AND":
        for child in node["children"]:
            yield from _conjuncts(child)
    else:
        yield node


def _bare(node: Node) -> Node:
    """``x`` of the cast that ``x IS TRUE`` is read as."""
    child = node.get("child") if node.get("class") == "CAST" else None
    return child if isinstance(child, dict) else node


# --- values -----------------------------------------------------------------------------------------------------------


def _nothing(column: Column) -> Limit:
    """A limit that leaves no value."""
    return Limit(only=frozenset()) if isinstance(column, OrderedColumn) else Limit(values=())


def _named(column: CategoricalColumn, sign: str, value: Any) -> tuple[Column, Limit]:
    categories = tuple(column.categories)
    if not isinstance(value, str):
        raise RecipeError(
            f"the categories of {column.name} are texts, and {value} in the condition is none",
            f"write it in quotes: '{value}'",
        )
    if sign in {"=", "<>"} and value not in categories:
        raise RecipeError(
            f"'{value}' in the condition is no category of {column.name}{nearest(value, categories)}",
            _holds(column),
        )
    return column, Limit(values=tuple(one for one in categories if _compares(one, sign, value)))


def _compares(one: str, sign: str, other: str) -> bool:
    """As DuckDB compares texts: byte by byte."""
    a, b = one.encode(), other.encode()
    return {"=": a == b, "<>": a != b, "<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b}[sign]


def _truth(column: BooleanColumn, sign: str, value: Any) -> Limit:
    word = ("false", "true")[value] if value in (0, 1) and isinstance(value, int) else str(value).lower()
    if word not in levels(column):
        raise RecipeError(f"{column.name} is true or false, and cannot be compared with '{value}'", _HINT)
    return Limit(values=tuple(one for one in levels(column) if _compares(one, sign, word)))  # false < true


def _ordered(sign: str, at: Fraction) -> Limit:
    whole = at.denominator == 1
    step = math.floor(at)
    match sign:
        case "=":
            return Limit(only=frozenset({step}) if whole else frozenset())
        case "<>":
            return Limit(but=frozenset({step}) if whole else frozenset())
        case "<":
            return Limit(high=math.ceil(at) - 1)
        case "<=":
            return Limit(high=step)
        case ">":
            return Limit(low=step + 1)
        case _:
            return Limit(low=math.ceil(at))


def _steps(column: OrderedColumn, value: Any) -> Fraction:
    """A constant in the column's steps, exactly. Raises ``RecipeError`` where the column holds nothing of the sort."""
    try:
        if isinstance(column, IntegerColumn | FloatColumn):
            if isinstance(value, bool | date):
                raise ValueError
            scale = 10**column.decimals if isinstance(column, FloatColumn) else 1
            return Fraction(Decimal(str(value))) * scale
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        if not isinstance(moment, date):
            raise ValueError
        if not isinstance(moment, datetime):
            moment = datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001 - as above
        minutes = Fraction((moment - _EPOCH).days * 1440) + Fraction((moment - _EPOCH).seconds, 60)
        if isinstance(column, DatetimeColumn):
            return minutes
        return minutes / 1440 + _EPOCH.toordinal()
    except (ValueError, ArithmeticError, TypeError):
        kind = {"date": "days", "datetime": "moments"}.get(column.kind, "numbers")
        raise RecipeError(
            f"{column.name} holds {kind}, and cannot be compared with '{value}'", _holds(column)
        ) from None


def _holds(column: Column) -> str:
    """What a column holds, as a hint."""
    may = ", or is missing" if column.nullable else ""
    match column:
        case CategoricalColumn() | BooleanColumn():
            names = levels(column)
            shown = ", ".join(names[:12]) + (f", and {len(names) - 12} more" if len(names) > 12 else "")
            return f"{column.name} is one of: {shown}{may}"
        case DateColumn(range=(low, high)) | DatetimeColumn(range=(low, high)):
            return f"{column.name} lies between {low} and {high}{may}"
        case IntegerColumn() | FloatColumn():
            scale = 10**column.decimals if isinstance(column, FloatColumn) else 1
            first, last = (plain(end / scale if scale > 1 else end) for end in bounds(column))
            return f"{column.name} lies between {first} and {last}{may}"
    return f"{column.name} is text{may}"
