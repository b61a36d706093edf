"""Rules over all members of a parent."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from localsynth.core.errors import RuleError
from localsynth.core.schema import Rule, Schema
from localsynth.store.grouprules import GroupChecker, split_rules

WIDE = Schema.model_validate(
    {
        "columns": [
            {"name": "family", "kind": "categorical", "categories": ["couple", "single"]},
            {"name": "age", "kind": "integer", "range": [0, 100], "nullable": True},
        ]
    }
)


def rules(*checks: str) -> tuple[Rule, ...]:
    return tuple(Rule(check=check) for check in checks)


def test_rules_with_aggregates_are_those_over_members() -> None:
    single = rules("age > 3", "greatest(age, 3) < 200", "family = 'couple' or age in (1, 2)")
    together = rules(
        "count_if(age >= 18) >= 2", "count(*) filter (age > 3) > 0", "family = 'single' or max(age) > 5"
    )
    assert split_rules(WIDE, (*single, *together)) == (single, together)
    with pytest.raises(RuleError, match="does not parse"):
        split_rules(WIDE, rules("age >"))


def test_each_group_is_judged_by_all_its_rows() -> None:
    schema = WIDE.model_copy(
        update={"rules": rules("family <> 'couple' or count_if(age >= 18) >= 2", "max(age) > 3")}
    )
    table = pa.table(
        {
            "family": ["couple", "couple", "single", "couple", "single"],
            "age": pa.array([20, 30, 2, 50, None], pa.int64()),
        }
    )
    with GroupChecker(schema, ["family"]) as checker:
        found = checker.groups(table, np.array([0, 0, 1, 2, 3]))
        none = checker.groups(table.slice(0, 0), np.zeros(0, np.int64))
    # Nothing is known of the last one's age, and what is not known breaks no rule.
    assert found.tolist() == [[False, False], [False, True], [True, False], [False, False]]
    assert none.shape == (0, 2)


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ("age > count(*)", "which member is meant"),
        ("count(*)", "gives BIGINT"),
        ("sum(random()) > 1", "value changes from call to call"),
        ("count(*) > (select 1)", "subquery"),
        ("count_if(agee > 1) > 1", "did you mean 'age'"),
        ("count(*) over () > 1", "window"),
    ],
)
def test_rules_that_cannot_be_used_are_refused(check: str, said: str) -> None:
    with pytest.raises(RuleError, match=said):
        GroupChecker(WIDE.model_copy(update={"rules": rules(check)}), ["family"])


def test_a_rule_that_fails_on_a_value_says_so() -> None:
    schema = WIDE.model_copy(update={"rules": rules("max(family::INTEGER) > 1")})
    table = pa.table({"family": ["couple"], "age": [3]})
    with GroupChecker(schema, []) as checker, pytest.raises(RuleError, match="fails on a value"):
        checker.groups(table, np.array([0]))
