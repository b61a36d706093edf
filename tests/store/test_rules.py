"""Rules: refused with a reason, judged row by row, and tried before they are trusted."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from localsynth.core.errors import RuleError
from localsynth.core.schema import Rule, Schema
from localsynth.store.rules import RuleChecker, check_satisfiable
from localsynth.tables import table_of

COLUMNS = """
[[columns]]
name = "age"
kind = "integer"
range = [0, 110]
[[columns]]
name = "a b"
kind = "float"
range = [0.0, 1000.0]
[[columns]]
name = "x\\"y"
kind = "float"
range = [0.0, 1000.0]
[[columns]]
name = "total"
kind = "float"
range = [0.0, 2000.0]
[[columns]]
name = "sex"
kind = "categorical"
categories = ["M", "F"]
[[columns]]
name = "at"
kind = "date"
range = [2020-01-01, 2022-01-01]
[[columns]]
name = "until"
kind = "datetime"
range = [2020-01-01 00:00:00, 2022-01-01 00:00:00]
[[columns]]
name = "note"
kind = "text"
[[columns]]
name = "select"
kind = "integer"
range = [0, 1000000]
null_rate = 0.2
[[columns]]
name = "gone"
kind = "integer"
range = [1, 9]
null_rate = 1.0
[[columns]]
name = "id"
kind = "identifier"
"""
BASE = Schema.from_toml(COLUMNS)


def with_rules(*checks: str) -> Schema:
    return BASE.model_copy(update={"rules": tuple(Rule(check=check) for check in checks)})


@pytest.mark.parametrize(
    ("check", "sentence"),
    [
        ("age >", "does not parse"),
        ("agee > 3", "names 'agee', which is no column; did you mean 'age'"),
        ("rowid = 1", "'rowid', which is no column"),
        ("age", "gives BIGINT, not true or false"),
        ("NULL", "not true or false"),
        ("sum(age) > 3", "aggregate"),
        ("row_number() OVER () = 1", "window"),
        ("EXISTS (SELECT 1)", "subquery"),
        ("age = (SELECT 3)", "subquery"),
        ("age IN (SELECT 3)", "subquery"),
        ("age > random() * 3", "random()"),
        ('current_date > "at"', "current_date()"),
        ("now() > until", "now()"),
        ("age > 3) OR (1 = 1", "does not parse"),
        ("age > 3; DROP TABLE x", "does not parse"),
        ("age > 3 FROM x", "does not parse"),
        ("age > 1, age > 2", "not true or false"),
        ("age > $1", "cannot be used"),
        ("age > ?", "cannot be used"),
        ("sex > 3", "cannot be used"),
    ],
)
def test_refused(check: str, sentence: str) -> None:
    schema = with_rules("age < 200", check)
    with pytest.raises(RuleError) as caught:
        RuleChecker(schema)
    assert check in caught.value.message
    assert sentence in caught.value.message
    assert caught.value.hint


def test_violations() -> None:
    schema = with_rules(
        '"a b" < "x""y"', "sex = 'M' OR age > 50 -- women over fifty", '"select" > 10', '"at" < until::DATE'
    )
    rows = [
        (60, 1.0, 2.0, 0.0, "F", date(2020, 1, 1), None, "n", None, None, "1"),
        (40, 2.0, 1.0, 0.0, "F", date(2020, 1, 1), None, "n", 5, None, "2"),
        (40, None, 1.0, 0.0, "M", date(2020, 1, 1), None, "n", 11, None, "3"),
    ]
    with RuleChecker(schema) as checker:
        broken = checker.violations(table_of(schema, rows))
        assert broken.dtype == np.bool_
        assert broken.tolist() == [[False] * 4, [True, True, True, False], [False] * 4]
        assert checker.violations(table_of(schema, [])).shape == (0, 4)
        shuffled = table_of(schema, rows).select(list(reversed(schema.names)))
        assert checker.violations(shuffled).tolist() == broken.tolist()
    with RuleChecker(BASE) as checker:
        assert checker.violations(table_of(BASE, rows)).shape == (3, 0)


def test_a_rule_that_fails_on_a_value_is_named() -> None:
    schema = with_rules("age < 200", "sex::INTEGER > 3")
    row = (3, 1.0, 1.0, 1.0, "M", None, None, "n", 1, None, "1")
    with RuleChecker(schema) as checker, pytest.raises(RuleError, match="'sex::INTEGER > 3' fails on a row"):
        checker.violations(table_of(schema, [row]))


def test_many_rows_quickly() -> None:
    schema = with_rules("age > 50", "sex = 'M'")
    n = 100_000
    columns = {
        name: pa.nulls(n, kind)
        for name, kind in zip(schema.names, table_of(schema, []).schema.types, strict=True)
    }
    columns["age"] = pa.array(np.arange(n) % 111)
    with RuleChecker(schema) as checker:
        assert checker.violations(pa.table(columns))[:, 0].sum() == (np.arange(n) % 111 <= 50).sum()


@pytest.mark.parametrize(
    "checks",
    [
        ('total = "a b" + "x""y"',),
        ("age > 18", '"a b" < "x""y"', 'total = "a b" + "x""y"', '"select" = 77777'),
        ("\"at\" = DATE '2021-03-04'", 'until::DATE = "at"', 'until > "at"'),
        ('"select" IS NULL',),
        ("note LIKE '%zebra%'",),
        ("id <> 'x'", "gone > 5"),
        ("age BETWEEN 17 AND 17", 'round(total, 2) = round("a b" * 2, 2)'),
        ("age > 100 OR sex = 'M'", "sex = 'F'"),
        (),
    ],
)
def test_can_be_met(checks: tuple[str, ...]) -> None:
    check_satisfiable(with_rules(*checks))


@pytest.mark.parametrize(
    ("checks", "sentence"),
    [
        (("age < 200", "age > 120"), "the rule 'age > 120' is met by no row"),
        (("age = 0.5",), "the rule 'age = 0.5' is met by no row"),
        (("1 = 0",), "'1 = 0'"),
        (('"select" < 0',), "is met by no row"),
        (("age > 60", "sex = 'M'", "age < 50"), "the rules 'age > 60' and 'age < 50'"),
        (("sex = 'M'", "sex = 'F'"), "the rules"),
        (("sex = 'X'",), "is met by no row"),
        (
            ('total > "a b"', "age > 3", '"a b" > "x""y"', '"x""y" > total'),
            '\'total > "a b"\' and \'"a b" > "x""y"\' and \'"x""y" > total\'',
        ),
    ],
)
def test_cannot_be_met(checks: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(RuleError) as caught:
        check_satisfiable(with_rules(*checks))
    assert sentence in caught.value.message
    assert "age > 3'" not in caught.value.message
