"""Rules across levels: conditions over a member's row, and conditions over all members of one parent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from localsynth.core.errors import RuleError
from localsynth.core.schema import Rule, Schema
from localsynth.core.widening import Wide, widen

from .names import columns_sql, identifier
from .rules import _EMPTY, _ROWS, RuleChecker
from .trouble import first_line, with_cells

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import pyarrow as pa

__all__ = ["GroupChecker", "split_rules", "wide_rules"]

_GROUP = "localsynth group"
_HINT = "a rule over members is one condition of aggregates, such as: count_if(age >= 18) >= 2"


def split_rules(schema: Schema, rules: Sequence[Rule]) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """Rules without aggregates, of one row each, and rules with aggregates. schema : of wide rows.

    Raises ``RuleError`` where one does not parse.
    """
    with RuleChecker(schema.model_copy(update={"rules": ()})) as checker:
        together = [checker.aggregates(rule) for rule in rules]
    return (
        tuple(rule for rule, all_ in zip(rules, together, strict=True) if not all_),
        tuple(rule for rule, all_ in zip(rules, together, strict=True) if all_),
    )


def wide_rules(
    parent_name: str, parent: Schema, members: Schema, size: str, rules: Sequence[Rule]
) -> tuple[Wide, Schema]:
    """The wide table of two schemas with the rules of its rows, and its schema with the rules over all members of a parent.

    Raises ``RuleError`` where a rule cannot be used, ``SchemaError`` where the schemas clash.
    """
    bare = widen(parent_name, parent, members, size)
    single, together = split_rules(bare.schema, rules)
    wide = widen(parent_name, parent, members, size, single)
    grouped = wide.schema.model_copy(update={"rules": together})
    with RuleChecker(wide.schema), GroupChecker(grouped, tuple(wide.parent)):
        return wide, grouped


class GroupChecker(RuleChecker):
    """Judges the members of each parent together.

    schema : of wide rows; its rules are those over members. same : its columns that are alike in all members of a parent, and
    may stand outside aggregates.

    Raises ``RuleError`` as :class:`~localsynth.store.rules.RuleChecker` does; aggregates are what these rules are made of.
    """

    def __init__(self, schema: Schema, same: Sequence[str]) -> None:
        self._same = tuple(same)
        super().__init__(schema)

    def groups(self, table: pa.Table, group: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which rule the members of each group break (groups x rules); NULL counts as met.

        group : of each row, rising from 0 without gaps. Raises ``RuleError`` where a rule fails on a value.
        """
        import duckdb
        import numpy as np
        import pyarrow as pa

        size = int(group.max()) + 1 if len(group) else 0
        out = np.zeros((size, len(self.schema.rules)), np.bool_)
        if not size or not self.schema.rules:
            return out
        rows = table.select(list(self.schema.names)).append_column(_GROUP, pa.array(group, pa.int64()))
        tests = ", ".join(
            f"coalesce((\n{rule.check}\n)::BOOLEAN, TRUE) AS t{at}"
            for at, rule in enumerate(self.schema.rules)
        )
        with self._lock:
            self._con.register(_ROWS, rows)
            try:
                query = f"SELECT {tests} {self._grouped(_ROWS)} ORDER BY {identifier(_GROUP)}"
                found = self._con.sql(query).to_arrow_table()
            except duckdb.Error as error:
                words = first_line(error)
                failed = RuleError(
                    f"a rule over members fails on a value: {words}", "TRY(...) turns failures into NULL"
                )
                raise with_cells(failed, words) from None
            finally:
                self._con.unregister(_ROWS)
        for at in range(out.shape[1]):
            out[:, at] = ~np.asarray(found.column(at).to_numpy(), np.bool_)
        return out

    def _probe(self, rule: Rule) -> str:
        return f"SELECT (\n{rule.check}\n) AS met {self._grouped(_EMPTY)}"

    def _grouped(self, table: str) -> str:
        columns = columns_sql(self.schema.names)
        group = identifier(_GROUP) if table == _ROWS else f"0 AS {identifier(_GROUP)}"
        by = columns_sql([_GROUP, *self._same])
        return f'FROM (SELECT {columns}, {group} FROM {identifier(table)}) AS "localsynth row" GROUP BY {by}'

    def _refused(self, error: duckdb.Error, wrong: Any) -> RuleError:
        if "GROUP BY" in first_line(error):
            found: RuleError = wrong(
                "holds aggregates, and a member's column outside of them; which member is meant?", _HINT
            )
            return found
        return super()._refused(error, wrong)
