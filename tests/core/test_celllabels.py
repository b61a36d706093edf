"""Cells in words."""

from __future__ import annotations

from datetime import date

import pytest

from localsynth.core.celllabels import cell_labels, value_label
from localsynth.core.schema import Schema
from localsynth.core.targets import Axis

SCHEMA = Schema.model_validate(
    {
        "columns": [
            {"name": "age", "kind": "integer", "range": [-5, 120]},
            {"name": "dose", "kind": "float", "range": [-2, 10], "decimals": 2},
            {"name": "whole", "kind": "float", "range": [0, 10], "decimals": 0},
            {"name": "ward", "kind": "categorical", "categories": ["n", "s", "e"]},
            {"name": "day", "kind": "date", "range": ["2020-01-01", "2020-12-31"]},
            {"name": "at", "kind": "datetime", "range": ["1969-01-01T00:00", "2020-12-31T00:00"]},
            {"name": "note", "kind": "text"},
        ]
    }
)
DAY = date(2020, 1, 1).toordinal()


@pytest.mark.parametrize(
    ("axis", "labels"),
    [
        (Axis("age", edges=(-5, 0, 1, 18), missing=True), ("-5 to -1", "0", "1 to 17", "missing")),
        (Axis("dose", edges=(-200, -5, 5, 1001)), ("-2.00 to -0.06", "-0.05 to 0.04", "0.05 to 10.00")),
        (Axis("whole", edges=(0, 1, 11)), ("0", "1 to 10")),
        (Axis("ward", labels=(("n",), ("s", "e"))), ("n", "s | e")),
        (Axis("day", edges=(DAY, DAY + 1, DAY + 31)), ("2020-01-01", "2020-01-02 to 2020-01-31")),
        (Axis("at", edges=(-60, 0, 1440)), ("1969-12-31 23:00 to 1969-12-31 23:59", "1970-01-01 00:00 to 1970-01-01 23:59")),
        (Axis("note", missing=True), ("any value", "missing")),
    ],
)  # fmt: skip
def test_labels_name_the_lowest_and_highest_value_of_a_cell(axis: Axis, labels: tuple[str, ...]) -> None:
    assert cell_labels(SCHEMA.column(axis.column), axis) == labels
    assert len(labels) == axis.size


def test_a_value_is_written_with_all_its_decimals() -> None:
    assert value_label(SCHEMA.column("dose"), 7) == "0.07"
    assert value_label(SCHEMA.column("dose"), -7) == "-0.07"
