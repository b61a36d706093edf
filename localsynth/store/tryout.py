"""What the real rows say to a schema before it is set: which columns they do not fit, which rules they break."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from localsynth.core.columns import Column
from localsynth.core.errors import DatasetError, RuleError
from localsynth.core.schema import Dependency, Schema

from . import catalogue, names
from .fit import check_fit
from .generations import exact_name
from .profiles import train_rows
from .rules import RuleChecker

if TYPE_CHECKING:
    from .session import Store

__all__ = ["dependency_breaks", "misfits", "rule_breaks"]

_MOST = 500_000  # train rows that a rule is tried on: they are all taken into memory


def misfits(store: Store, name: str, columns: Iterable[Column]) -> dict[str, str]:
    """Of these columns, why the real rows do not fit, in a sentence for each that they do not fit. Raises ``NotFound``."""
    found: dict[str, str] = {}
    with store.read() as con:
        dataset = catalogue.read(con, exact_name(con, name))
        if not dataset.rows:
            return found
        everything = f"SELECT * FROM {names.real_table(dataset.name)}"
        for column in columns:
            alone = dataset.schema.model_copy(update={"columns": (column,)})
            try:
                check_fit(con, everything, train_rows(dataset.name), alone)
            except DatasetError as error:
                found[column.name] = error.message
    return found


def rule_breaks(store: Store, name: str, schema: Schema) -> tuple[int, tuple[int | str, ...]]:
    """How many train rows were tried, and for each rule of ``schema`` how many of them break it, or why it cannot be used.

    No rows are tried where there are none, too many, or not all of the schema's columns in them. Raises ``NotFound``.
    """
    with store.read() as con:
        dataset = catalogue.read(con, exact_name(con, name))
        there = set(schema.names) <= set(dataset.schema.names)
        tried = bool(schema.rules) and there and dataset.train_rows <= _MOST
        rows = catalogue.read_part(con, dataset, "train") if tried else None
    found: list[int | str] = []
    for rule in schema.rules:
        try:
            with RuleChecker(schema.model_copy(update={"rules": (rule,)})) as checker:
                found.append(0 if rows is None else int(checker.violations(rows).sum()))
        except RuleError as error:
            found.append(f"{error.message}; {error.hint}" if error.hint else error.message)
    return 0 if rows is None else rows.num_rows, tuple(found)


def dependency_breaks(store: Store, name: str, dependency: Dependency) -> tuple[int, int] | None:
    """How many train rows must go for a dependency to hold, and how many have a value in all columns it starts from.

    A missing dependent is a value like any other. ``None`` where there are no train rows. Raises ``NotFound``.
    """
    with store.read() as con:
        dataset = catalogue.read(con, exact_name(con, name))
        if not dataset.train_rows or not {*dependency.determinant, dependency.dependent} <= set(
            dataset.schema.names
        ):
            return None
        left = names.columns_sql(dependency.determinant)
        there = " AND ".join(f"{names.identifier(one)} IS NOT NULL" for one in dependency.determinant)
        query = (
            f"SELECT coalesce(sum(rows - most), 0)::BIGINT, coalesce(sum(rows), 0)::BIGINT FROM (SELECT sum(n) AS rows,"
            f" max(n) AS most FROM (SELECT {left}, count(*) AS n FROM ({train_rows(dataset.name)}) WHERE {there}"
            f" GROUP BY {left}, {names.identifier(dependency.dependent)}) GROUP BY {left})"
        )
        ((broken, rows),) = con.execute(query).fetchall()
    return int(broken), int(rows)
