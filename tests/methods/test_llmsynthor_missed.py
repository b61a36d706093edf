"""Margins that rules and dependencies leave no room for are told, once, by name; those that are met are not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from localsynth.core.contracts import Task
from localsynth.core.schema import Schema
from localsynth.core.targets import Axis, Margin, Statistics
from localsynth.methods import registry
from tests.methods.support import FakeAsk, make, task_of
from tests.methods.targets_kit import FixedTargets

CITIES = ("Berlin", "Hamburg", "Muenchen", "Koeln")


def task(plz: Mapping[str, float], city: Mapping[str, float], rows: int = 1000, **more: Any) -> Task:
    told = {"plz": plz, "city": city}
    schema = Schema.model_validate(
        {
            "columns": [
                {"name": name, "kind": "categorical", "categories": list(shares)}
                for name, shares in told.items()
            ]
        }
        | more
    )
    margins = tuple(
        Margin(Axis(name, labels=tuple((word,) for word in shares)), tuple(shares.values()))
        for name, shares in told.items()
    )
    return replace(task_of(schema, rows), targets=FixedTargets(Statistics(margins, (), "file")))


FOUR = dict(zip(("80331", "50667", "20095", "10115"), (0.4, 0.3, 0.2, 0.1), strict=True))
WANTED = dict(zip(CITIES, (0.35, 0.35, 0.2, 0.1), strict=True))
DEPENDS: dict[str, Any] = {"dependencies": [{"determinant": ["plz"], "dependent": "city"}]}


def told(ask: FakeAsk) -> list[str]:
    return [note for note in ask.notices if note.startswith("the margin of")]


def test_a_dependency_without_a_table_meets_the_margin_as_far_as_it_can_and_says_the_rest() -> None:
    ask = FakeAsk()
    made, rejects = make(registry.create("llmsynthor"), task(FOUR, WANTED, **DEPENDS), 1000, ask)
    assert not rejects
    assert sorted(Counter(made["city"].to_pylist()).values()) == [100, 200, 300, 400]
    assert len(set(zip(made["plz"].to_pylist(), made["city"].to_pylist(), strict=True))) == 4
    (said,) = told(ask)
    assert said == (
        "the margin of city is missed by 0.050 (total variation distance): the dependency plz -> city does not leave room"
        " for it"
    )


def test_more_cities_than_postcodes_are_told_once_in_many_batches() -> None:
    ask = FakeAsk()
    method = registry.create("llmsynthor", {"batch_rows": 100})
    make(method, task({"a": 0.7, "b": 0.3}, WANTED, **DEPENDS), 600, ask)
    assert len(told(ask)) == 1
    assert "missed by 0.350" in told(ask)[0]
    assert method.state()["missed"] == ["city"]
    again = registry.create("llmsynthor", {"batch_rows": 100})
    again.prepare(task({"a": 0.7, "b": 0.3}, WANTED, **DEPENDS), ask.info)
    again.restore(method.state())
    again.batch(100, 5, ask)
    assert len(told(ask)) == 1


def test_a_rule_that_forbids_a_value_is_named() -> None:
    ask = FakeAsk()
    rules: dict[str, Any] = {"rules": [{"check": "city <> 'Berlin'", "name": "no Berlin"}]}
    made, _ = make(registry.create("llmsynthor"), task(FOUR, WANTED, **rules), 1000, ask)
    assert made.num_rows == 650  # for the others no row can be made
    assert [
        note
        for note in told(ask)
        if "of city is missed by 0.350" in note and "the rule 'no Berlin' does" in note
    ]


@pytest.mark.parametrize("rows", [20, 150, 1000])
def test_what_rounding_explains_is_not_told(rows: int) -> None:
    ask = FakeAsk()
    make(
        registry.create("llmsynthor"),
        task(FOUR, dict(zip(CITIES, FOUR.values(), strict=True)), rows, **DEPENDS),
        rows,
        ask,
    )
    rules: dict[str, Any] = {"rules": [{"check": "plz <> '80331' or city <> 'Koeln'"}]}
    made, _ = make(registry.create("llmsynthor"), task(FOUR, WANTED, rows, **rules), rows, ask)
    assert made.num_rows == rows
    assert not told(ask)
