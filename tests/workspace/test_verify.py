"""The check at the end of the demo finds what is wrong."""

from __future__ import annotations

from typing import Any

from localsynth.core.schema import Schema
from localsynth.tables import table_of
from localsynth.workspace.verify import verify_table

SCHEMA = Schema.model_validate(
    {
        "columns": [
            {"name": "id", "kind": "identifier"},
            {
                "name": "x",
                "kind": "float",
                "decimals": 1,
                "range": [0, 10],
                "distribution": {"mean": 5, "sd": 1},
            },
            {
                "name": "word",
                "kind": "categorical",
                "categories": ["a", "b"],
                "null_rate": 0.5,
                "distribution": {"shares": {"a": 0.5, "b": 0.5}},
            },
            {
                "name": "q",
                "kind": "integer",
                "range": [0, 9],
                "distribution": {"quantiles": {"0.5": 4, "1": 9}},
            },
        ],
        "rules": [{"check": "x > q", "name": "above"}],
    }
)
GOOD: list[tuple[Any, ...]] = [
    ("1", 5.0, "a", 2),
    ("2", 5.0, "b", 4),
    ("3", 5.0, None, 4),
    ("4", 5.5, None, 5),
]


def test_good_rows_are_good() -> None:
    found = verify_table(SCHEMA, table_of(SCHEMA, [(i, 5.0, w, q) for i, _, w, q in GOOD]))
    assert found.invalid == 0
    assert found.broken == {"above": 1}
    assert {(target.column, target.what): target.met for target in found.targets} == {
        ("x", "mean"): True,
        ("word", "missing"): True,
        ("word", "share of a"): True,
        ("word", "share of b"): True,
        ("q", "share up to 4"): True,
    }


def test_bad_cells_are_found_and_named() -> None:
    rows = [("1", 5.05, "c", 11), ("1", None, "a", 4)]
    found = verify_table(SCHEMA, table_of(SCHEMA, rows))
    assert found.invalid == 5
    text = "\n".join(found.problems)
    assert "row 1, x: 5.05 has more than 1 decimals" in text
    assert "'c' is no category" in text
    assert "row 2, x: empty" in text
    assert "identifiers occur twice" in text
    assert not found.ok


def test_a_mean_off_by_more_than_three_percent_of_its_sd_is_missed() -> None:
    found = verify_table(SCHEMA, table_of(SCHEMA, [("1", 5.1, "a", 4), ("2", 5.0, None, 4)]))
    assert [target.met for target in found.targets if target.what == "mean"] == [False]
