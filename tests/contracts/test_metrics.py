"""What every registered metric keeps, ours and strangers'."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from localsynth.core.errors import Cancelled
from localsynth.core.judging import Case, Family, Kept, Metric, StandIn
from localsynth.core.schema import Schema
from localsynth.metrics import registry
from tests.metrics.support import (
    MIXED,
    assert_kept,
    case_of,
    cases,
    mixed_case,
    mixed_rows,
    numbers_schema,
    words_schema,
)

NAMES = registry.METRICS.names()


def emptied(rows: list[list[Any]], *places: int) -> list[list[Any]]:
    return [[None if place in places else cell for place, cell in enumerate(row)] for row in rows]


def with_ill(rows: list[list[Any]], ill: bool) -> list[list[Any]]:
    return [[*row[:3], ill, *row[4:]] for row in rows]


def tables(seeds: tuple[int, int, int] = (1, 2, 3), n: int = 40) -> list[list[list[Any]]]:
    return [mixed_rows(n, seed) for seed in seeds]


def without_target(schema: Schema) -> Schema:
    return schema.model_copy(update={"target": None})


def dates() -> Case:
    schema = Schema.model_validate(
        {
            "columns": [
                {"name": "born", "kind": "date", "range": ["1900-01-01", "2024-12-31"], "nullable": True},
                {"name": "seen", "kind": "datetime", "range": ["0001-01-01T00:00", "9999-12-31T23:59"]},
            ]
        }
    )
    rng = np.random.default_rng(4)

    def some() -> list[list[Any]]:
        born = [date(1900, 1, 1) + timedelta(days=int(d)) for d in rng.integers(0, 40_000, 30)]
        seen = [datetime(1, 1, 1) + timedelta(minutes=int(m)) for m in rng.integers(0, 5_000_000_000, 30)]
        return [[None if i % 9 == 0 else b, s] for i, (b, s) in enumerate(zip(born, seen, strict=True))]

    return case_of(schema, some(), some(), some())


def wide() -> Case:
    """100 columns of three kinds, 60 rows."""
    columns: list[dict[str, Any]] = []
    for number in range(100):
        kind: dict[str, Any] = [
            {"kind": "integer", "range": [0, 1000]},
            {"kind": "float", "range": [-10, 10], "decimals": 3, "nullable": True},
            {"kind": "categorical", "categories": [f"k{i}" for i in range(8)], "nullable": True},
        ][number % 3]
        columns.append({"name": f"c{number}", **kind})
    schema = Schema.model_validate({"columns": columns, "target": "c2"})
    rng = np.random.default_rng(5)

    def cell(number: int) -> Any:
        if number % 3 and rng.random() < 0.1:
            return None
        draws = (
            lambda: int(rng.integers(0, 1000)),
            lambda: round(float(rng.uniform(-10, 10)), 3),
            lambda: f"k{rng.integers(0, 8)}",
        )
        return draws[number % 3]()

    return case_of(schema, *([[cell(i) for i in range(100)] for _ in range(60)] for _ in range(3)))


def many_categories() -> Case:
    names = [f"word {i}" for i in range(400)]
    schema = words_schema("a", "b", categories=names, target="a")
    rng = np.random.default_rng(6)
    made, train, holdout = (
        [[names[i], names[j]] for i, j in zip(*rng.integers(0, 400, (2, n)), strict=True)]
        for n in (500, 300, 200)
    )
    return case_of(schema, made, train, holdout)


def forbidden() -> Case:
    """Cells that the schema does not allow, on the side that is judged."""
    made, train, holdout = tables()
    odd = [
        [10**15, 1e12, "unheard of", True, date(1, 1, 1), datetime(1, 1, 1), "x" * 500],
        [-(10**15), float("inf"), "", None, date(9999, 12, 31), datetime(9999, 12, 31, 1, 1, 1, 7), ""],
        [None, float("nan"), None, None, None, None, None],
    ]
    return case_of(MIXED, [*made, *odd * 5], train, holdout)


def decimals() -> Case:
    """Equal decimals whose computed standard deviation is not 0, and values far apart."""
    schema = numbers_schema("a", "b", "c", target="a", low=-1e12, high=1e12)
    made, train, holdout = (
        [[0.1, 1e12 if i % 10 == 0 else i * 1e-6, (i - 3) * step] for i in range(30)]
        for step in (1.0, 0.1, 0.1)
    )
    return case_of(schema, made, train, holdout)


def notes() -> Case:
    """A small table of texts of which no two agree, but for those of one column."""
    schema = Schema.model_validate(
        {
            "columns": [
                {"name": "age", "kind": "integer", "range": [0, 99]},
                {"name": "story", "kind": "text"},
                {"name": "answer", "kind": "text"},
                {"name": "said twice", "kind": "text"},
            ]
        }
    )

    def people(who: str, unlike: int) -> list[list[Any]]:
        stories = [f"{who} {'very ' * (i % 7)}well, says the {i}th" for i in range(30)]
        return [[i, text, "yes" if i % 2 else "no", f"{who} {i % unlike}"] for i, text in enumerate(stories)]

    return case_of(schema, people("she", 30), people("he", 15), people("it", 30))


def identical(n: int = 30) -> Case:
    row = mixed_rows(1)
    return case_of(MIXED, row * n, row * n, row * n)


def copied() -> Case:
    _, train, holdout = tables()
    return case_of(MIXED, train, train, holdout)


def of(
    change: Callable[[list[list[list[Any]]]], list[list[list[Any]]]], schema: Schema = MIXED
) -> Callable[[], Case]:
    return lambda: case_of(schema, *change(tables()))


CASES: dict[str, Callable[[], Case]] = {
    "mixed kinds": mixed_case,
    "no target": lambda: replace(mixed_case(), schema=without_target(MIXED), kept=Kept()),
    "a column missing everywhere": of(lambda t: [emptied(rows, 0, 2) for rows in t]),
    "a column missing in the rows": of(lambda t: [emptied(t[0], 0, 1, 2, 3, 4, 5, 6), t[1], t[2]]),
    "a column missing in train": of(lambda t: [t[0], emptied(t[1], 0, 1, 2, 3, 4, 5, 6), t[2]]),
    "a column missing in the holdout": of(lambda t: [t[0], t[1], emptied(t[2], 0, 1, 2, 3, 4, 5, 6)]),
    "every row the same": identical,
    "constant in the rows": of(lambda t: [[t[0][0]] * 40, t[1], t[2]]),
    "constant in train": of(lambda t: [t[0], [t[1][0]] * 40, t[2]]),
    "ten rows": of(lambda t: [t[0][:10], t[1][:7], t[2][:3]]),
    "one row each": of(lambda t: [rows[:1] for rows in t]),
    "one row": of(lambda t: [t[0][:1], t[1], t[2]]),
    "no rows": of(lambda t: [[], t[1], t[2]]),
    "one class in the rows": of(lambda t: [with_ill(t[0], True), t[1], t[2]]),
    "one class in the holdout": of(lambda t: [t[0], t[1], with_ill(t[2], False)]),
    "one class": of(lambda t: [with_ill(rows, True) for rows in t]),
    "dates": dates,
    "wide": wide,
    "many categories": many_categories,
    "forbidden cells": forbidden,
    "decimals": decimals,
    "nine rows": of(lambda t: [t[0][:9], t[1], t[2]]),
    "few rows of each": of(lambda t: [t[0][:12], t[1][:12], t[2][:10]]),
    "one row copied": of(lambda t: [t[1][:1] * 12, t[1][:12], t[2][:12]]),
    "few copies": of(lambda t: [t[1][:12], t[1][:12], t[2][:12]]),
    "few notes": notes,
    "copies": copied,
    "no train": of(lambda t: [t[0], [], t[2]]),
    "no holdout": of(lambda t: [t[0], t[1], []]),
    "no real rows": of(lambda t: [t[0], [], []]),
    "nothing at all": of(lambda t: [[], [], []]),
    "no target and no holdout": of(lambda t: [t[0], t[1], []], without_target(MIXED)),
    "a target that is a number": of(lambda t: t, MIXED.model_copy(update={"target": "dose"})),
    "a target that is a text": of(lambda t: t, MIXED.model_copy(update={"target": "note"})),
    "a target that is an identifier": of(lambda t: t, MIXED.model_copy(update={"target": "id"})),
    "one column": lambda: case_of(words_schema("a", target="a"), *([["a"], ["b"], ["b"], [None]] * 6,) * 3),
}  # fmt: skip


@cache
def case(name: str) -> Case:
    return CASES[name]()


def metric_of(name: str) -> Metric:
    found = registry.create_all((name,))[0]
    assert isinstance(found, Metric)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_is(name: str) -> None:
    metric = metric_of(name)
    assert metric.name == name
    assert metric.family in get_args(Family)
    assert metric.real in get_args(StandIn)
    assert isinstance(metric.needs_train, bool)
    assert isinstance(metric.needs_holdout, bool)
    assert (type(metric).__doc__ or "").strip()


@pytest.mark.parametrize("name", NAMES)
def test_its_measures_explain_themselves(name: str) -> None:
    for measure in metric_of(name).measures:
        assert measure.name.replace("_", "").isalnum()
        assert measure.name == measure.name.lower()
        assert measure.title
        assert measure.definition.endswith(".")
        assert measure.source
        assert (measure.ideal is not None) == (measure.better == "ideal")
        assert measure.low is None or measure.high is None or measure.low < measure.high


def test_no_two_metrics_share_a_measure() -> None:
    names = [measure.name for metric in registry.create_all() for measure in metric.measures]
    assert len(set(names)) == len(names)
    assert set(registry.measures()) == set(names)


@pytest.mark.parametrize("situation", CASES)
@pytest.mark.parametrize("name", NAMES)
def test_scores_keep_to_what_the_measures_say_and_notes_are_true(name: str, situation: str) -> None:
    """Reality's own stand-in is judged as well: its rows are not synthetic."""
    for score in assert_kept(metric_of(name), case(situation)):
        assert "synthetic" not in score.note
        assert not re.search(
            r"(?<![\d.,])(?<!of )1 ([\w-]+ )?(rows|columns|pairs|rules|dependencies)\b", score.note
        ), score


@pytest.mark.parametrize(
    "situation", ["one row", "nine rows", "few rows of each", "one row copied", "few copies"]
)
@pytest.mark.parametrize("name", [name for name in NAMES if metric_of(name).family == "privacy"])
def test_few_rows_are_no_certainty(name: str, situation: str) -> None:
    for score in metric_of(name).scores(case(situation)):
        if score.low is not None and score.high is not None:
            assert score.high - score.low > 0.005, score


def test_texts_are_compared_by_their_lengths_and_with_no_other_column() -> None:
    made = case("few notes")
    by_name = {name: list(metric_of(name).scores(made)) for name in ("columns", "pairs", "histograms")}
    shapes = {s.column_a: s.value for s in by_name["columns"] if s.metric == "column_shapes"}
    assert shapes["story"] == pytest.approx(1, abs=0.25)  # she, he and it are of unlike length
    assert {s.note for s in by_name["histograms"] if s.column_a in {"story", "said twice"}} == {
        "of the lengths of the texts, in characters"
    }
    assert not [s for s in by_name["histograms"] if s.item == "other"]
    paired = {name for s in by_name["pairs"] for name in (s.column_a, s.column_b)}
    assert paired == {None, "age", "answer"}


@pytest.mark.parametrize("rows", [14, 27, 60])
def test_no_model_answers_one_half_because_rows_are_few(rows: int) -> None:
    schema = numbers_schema("x", "y")
    rng = np.random.default_rng(rows)
    made, real = (rng.normal(at, 1, (rows, 2)).tolist() for at in (2, 0))
    for name in ("detection", "utility"):
        scores = metric_of(name).scores(case_of(schema, made, real, real))
        assert not [s for s in scores if s.metric.endswith("_auc") and s.value == 0.5]


@pytest.mark.parametrize("name", NAMES)
def test_something_is_measured_where_everything_is_there(name: str) -> None:
    scores = assert_kept(metric_of(name), case("mixed kinds"))
    assert any(score.value is not None for score in scores)


@pytest.mark.parametrize("name", NAMES)
def test_no_rows_mean_no_values(name: str) -> None:
    assert {score.value for score in metric_of(name).scores(case("no rows"))} == {None}


@pytest.mark.parametrize("name", NAMES)
def test_the_same_case_gives_the_same_scores(name: str) -> None:
    one, other = (list(metric_of(name).scores(mixed_case(50, 60, 50))) for _ in range(2))
    assert one == other


@pytest.mark.parametrize("name", NAMES)
def test_threads_change_nothing(name: str) -> None:
    one, other = (list(metric_of(name).scores(replace(mixed_case(), threads=n))) for n in (1, 3))
    assert one == other


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_cancelled(name: str) -> None:
    def stop() -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        list(metric_of(name).scores(replace(mixed_case(), check=stop)))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(cases())
def test_it_never_fails_on_small_tables(name: str, made: Case) -> None:
    assert_kept(metric_of(name), made)
