"""Noisy statistics: within budget, from declared cells only, through mechanisms only, and near the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count as numbers
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("opendp", reason="the extra dp is not installed")

from localsynth.align.privacy import NoiseAlone, epsilon_of, noisy_margins, noisy_tables, rho_of
from localsynth.align.privacy import curator as curator_module
from localsynth.align.privacy.curator import Array, Curator
from localsynth.align.privacy.noisy import _notes
from localsynth.align.privacy.ordered import Found
from localsynth.core.errors import DatasetError, PolicyError
from localsynth.core.schema import Schema
from localsynth.core.targets import Axis, Statistics
from tests.align.privacy_kit import Counted, nominal, number, schema_of, shop


def statistics_of(schema: Schema, counted: Counted, epsilon: float = 1.0, **more: Any) -> Statistics:
    margins = noisy_margins(schema, counted, epsilon=epsilon, delta=1e-6, declared=True)
    return noisy_tables(schema, margins, counted, declared=True, **more)


def distance(shares: Sequence[float], counts: Array) -> float:
    """Total variation distance."""
    return float(np.abs(np.array(shares) - counts.ravel() / counts.sum()).sum() / 2)


def test_the_shop_at_epsilon_1() -> None:
    schema, counted = shop(2_000, 3)
    repeats = [statistics_of(schema, counted) for _ in range(4)]
    for column in schema.names:
        far = [distance(one.margin(column).shares, counted([one.margin(column).axis])) for one in repeats]
        assert np.mean(far) <= 0.03
    for statistics in repeats:
        assert statistics.origin == "noisy"
        assert 1_700 < statistics.margins[0].total < 2_300
    found = [table for statistics in repeats for table in statistics.tables]
    far = [distance(table.shares, counted(table.axes)) for table in found]
    alone = [
        distance(np.outer(exact.sum(1), exact.sum(0)).ravel() / exact.sum() ** 2, exact)
        for exact in (counted(table.axes) for table in found)
    ]
    assert np.mean(far) < np.mean(alone) / 2  # tables tell much of what independence leaves out


def test_all_of_the_budget_is_spent_and_no_more() -> None:
    schema, counted = shop(2_000, 3)
    margins = noisy_margins(schema, counted, epsilon=1, delta=1e-6, declared=True)
    margins = Statistics.from_json(margins.to_json())  # as a resumed run reads them
    statistics = noisy_tables(schema, margins, counted, [("age", "category", "gender")], declared=True)
    assert statistics.margins == margins.margins
    assert margins.budget is not None
    assert statistics.budget is not None
    total = rho_of(1.0, 1e-6)
    assert margins.budget.rho == pytest.approx(0.6 * total, rel=1e-6)
    assert 0.999999 * total < statistics.budget.rho <= total
    assert epsilon_of(statistics.budget.rho, 1e-6) <= 1.0
    assert Statistics.from_json(statistics.to_json()) == statistics
    # nothing is left for a second answer
    again = noisy_tables(schema, statistics, counted, [("age", "tier")], declared=True)
    assert again.tables == ()


def test_fewer_cells_where_noise_would_drown_them() -> None:
    schema, counted = shop(2_000, 3)
    statistics = noisy_margins(schema, counted, epsilon=1, delta=1e-3, bins=30, declared=True)
    assert 4 <= statistics.margin("price").axis.present < 26
    assert any("not 30" in note for note in statistics.notes)
    assert any("delta = 0.001 promises little" in note for note in statistics.notes)
    clear = noisy_margins(schema, counted, epsilon=60, delta=1e-6, bins=30, declared=True)
    assert clear.margin("price").axis.present >= 25
    assert clear.notes == ()
    price = clear.margin("price")
    assert np.array(price.shares) == pytest.approx(counted([price.axis]) / 2_000, abs=0.003)


def test_tables_keep_the_margins() -> None:
    schema, counted = shop(2_000, 5)
    statistics = statistics_of(schema, counted, groups=[("age", "gender", "category")])
    for table in statistics.tables:
        shares = np.array(table.shares).reshape(table.shape)
        for at, axis in enumerate(table.axes):
            margin = statistics.margin(axis.column)
            own = shares.sum(tuple(other for other in range(shares.ndim) if other != at))
            if axis.edges:
                starts = np.searchsorted(axis.edges, margin.axis.edges[:-1], side="right") - 1
            else:
                starts = [
                    next(c for c, cell in enumerate(axis.labels) if labels[0] in cell)
                    for labels in margin.axis.labels
                ]
            assert np.bincount(starts, margin.shares) == pytest.approx(own, abs=1e-6)
    assert {table.why for table in statistics.tables} <= {"target", "model", "strongest"}
    assert any(table.why == "model" and len(table.axes) == 3 for table in statistics.tables)


def test_the_strongest_pairs_are_found() -> None:
    rng = np.random.default_rng(4)
    columns = {f"c{at}": rng.choice(["a", "b", "c"], 5_000).tolist() for at in range(6)}
    columns["c4"] = columns["c1"]
    columns["c5"] = [value if rng.random() < 0.7 else "a" for value in columns["c0"]]
    schema = schema_of(*(nominal(name, "a", "b", "c") for name in columns))
    statistics = statistics_of(schema, Counted(columns), pairs=2)
    assert {table.columns for table in statistics.tables} == {("c1", "c4"), ("c0", "c5")}
    parts = [part.what for part in statistics.budget.spent] if statistics.budget else []
    assert parts.count("choice of pairs") == 1


def test_cells_lie_where_the_rows_are_in_a_wide_range() -> None:
    rng = np.random.default_rng(5)
    income = np.minimum(np.exp(rng.normal(7, 0.5, 20_000)), 10_000_000).astype(int)
    schema = schema_of(number("income", 0, 10_000_000))
    statistics = noisy_margins(schema, Counted({"income": income}), epsilon=1, delta=1e-6, declared=True)
    (margin,) = statistics.margins
    assert max(margin.shares) < 0.5
    assert margin.axis.edges[0] == 0
    assert margin.axis.edges[-1] == 10_000_001
    assert margin.axis.edges[-2] < 100_000
    for low, high, cell in zip(margin.axis.edges[:-1], margin.axis.edges[1:], margin.inner, strict=True):
        assert list(cell) == sorted(cell)
        assert low <= cell[0] <= cell[-1] < high


def test_noise_makes_no_structure_of_empty_categories() -> None:
    rng = np.random.default_rng(6)
    names = [f"k{at}" for at in range(2_000)]
    values = rng.choice(names[:3], 3_000).tolist()
    schema = schema_of(nominal("code", *names), nominal("sex", "F", "M"))
    counted = Counted({"code": values, "sex": rng.choice(["F", "M"], 3_000).tolist()})
    statistics = statistics_of(schema, counted)
    shares = np.array(statistics.margin("code").shares)
    assert shares[:3].sum() > 0.9
    assert np.ptp(np.sort(shares)[:1_990]) < 1e-9
    assert any("of 2000 categories cannot be told from noise" in note for note in statistics.notes)


def test_only_mechanisms_see_the_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the mechanisms' answers held fixed, quite different tables give the same statistics."""
    results = []
    for seed in (1, 2):
        draw = numbers()

        def invented(values: list[int], draw: Iterator[int] = draw) -> Any:
            return np.random.default_rng([7, next(draw)]).integers(0, 900, len(values))

        monkeypatch.setattr(curator_module, "gaussian", lambda scale: (invented, 1 / (2 * scale**2)))
        monkeypatch.setattr(
            curator_module, "noisy_max", lambda scale: (lambda values: len(values) // 2, 1 / (2 * scale**2))
        )
        schema, counted = shop(300 * seed, seed)
        results.append(statistics_of(schema, counted, groups=[("age", "tier")], pairs=3))
    assert results[0].tables
    assert results[0] == results[1]


def test_counts_are_asked_for_by_the_curator_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    schema, counted = shop(2_000, 1)
    inside: list[bool] = []
    exact = Curator._exact

    def watched(self: Curator, axes: Sequence[Axis]) -> Array:
        inside.append(True)
        try:
            return exact(self, axes)
        finally:
            inside.pop()

    def count(axes: Sequence[Axis]) -> Array:
        assert inside, "counted outside a mechanism"
        return counted(axes)

    monkeypatch.setattr(Curator, "_exact", watched)
    margins = noisy_margins(schema, count, epsilon=1, delta=1e-6, declared=True)
    assert noisy_tables(schema, margins, count, declared=True).tables


def test_a_schema_read_from_the_rows_is_refused_before_anything_is_counted() -> None:
    schema, counted = shop(100, 1)
    with pytest.raises(PolicyError, match="declared") as caught:
        noisy_margins(schema, counted, epsilon=1, delta=1e-6, declared=False)
    assert caught.value.hint
    assert counted.asked == []


@pytest.mark.parametrize("epsilon", [1e-6, 1e-3])
def test_an_epsilon_that_leaves_only_noise_is_told(epsilon: float) -> None:
    schema, counted = shop(2_000, 1)
    with pytest.raises(DatasetError, match="nothing but noise") as caught:
        noisy_margins(schema, counted, epsilon=epsilon, delta=1e-6, declared=True)
    assert "larger epsilon" in caught.value.hint


def test_a_refusal_tells_no_number_that_noise_or_rows_decide() -> None:
    told = set()
    for rows in (3, 50, 2_000):
        schema, counted = shop(rows, rows)
        with pytest.raises(NoiseAlone) as caught:
            noisy_margins(schema, counted, epsilon=1e-4, delta=1e-9, declared=True)
        told.add((caught.value.message, caught.value.hint))
    assert len(told) == 1


def test_tables_that_the_budget_does_not_hold_are_told() -> None:
    schema, counted = shop(600, 1)
    statistics = statistics_of(schema, counted, epsilon=0.6)
    assert len(statistics.tables) < 7
    assert any("joint table" in note for note in statistics.notes)
    with pytest.raises(ValueError, match="margins with noise"):
        noisy_tables(schema, Statistics(statistics.margins), counted, declared=True)


def test_missing_values_and_every_kind() -> None:
    schema = schema_of(
        {"name": "id", "kind": "identifier"},
        {"name": "note", "kind": "text", "nullable": True},
        {"name": "word", "kind": "text"},
        {"name": "day", "kind": "date", "range": ["2024-01-01", "2024-12-31"], "nullable": True},
        {"name": "at", "kind": "datetime", "range": ["2024-01-01T00:00:00", "2024-12-31T23:59:00"]},
        {"name": "ill", "kind": "boolean", "nullable": True},
        number("stage", 1, 4),
        number("weight", 30, 200, distribution={"quantiles": {"0.05": 50, "0.5": 70, "0.95": 110}}),
        {"name": "height", "kind": "float", "distribution": {"mean": 170, "sd": 10}, "decimals": 1},
    )
    rng = np.random.default_rng(8)
    n = 4_000

    def gone(values: list[Any], share: float) -> list[Any]:
        return [None if rng.random() < share else value for value in values]

    counted = Counted(
        {
            "note": gone(["x"] * n, 0.25),
            "word": ["y"] * n,
            "day": gone((738_886 + rng.integers(0, 366, n)).tolist(), 0.1),
            "at": (28_401_120 + rng.integers(0, 366 * 1440, n)).tolist(),
            "ill": gone(rng.choice(["true", "false"], n, p=[0.3, 0.7]).tolist(), 0.5),
            "stage": rng.integers(1, 5, n).tolist(),
            "weight": np.clip(rng.normal(75, 15, n), 30, 200).astype(int).tolist(),
            "height": np.rint(np.clip(rng.normal(1700, 100, n), 1200, 2200)).astype(int).tolist(),
        }
    )
    statistics = statistics_of(schema, counted, epsilon=4.0)
    assert statistics.columns == tuple(schema.names[1:])
    for margin in statistics.margins:
        exact = counted([margin.axis])
        assert exact.sum() == n  # cells cover all that is declared
        assert distance(margin.shares, exact) < 0.02
    assert statistics.margin("note").shares[1] == pytest.approx(0.25, abs=0.03)
    assert statistics.margin("word").shares == (1.0,)
    assert statistics.margin("stage").axis.edges == (1, 2, 3, 4, 5)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_small_table_gives_statistics_within_budget_or_a_clear_word(data: st.DataObject) -> None:
    rows = data.draw(st.integers(0, 60))
    columns: list[dict[str, Any]] = []
    values: dict[str, list[Any]] = {}
    for at in range(data.draw(st.integers(1, 4))):
        name, nullable = f"c{at}", data.draw(st.booleans())
        if data.draw(st.booleans()):
            low = data.draw(st.integers(-(2**63) + 1, 2**63 - 1))
            high = data.draw(st.integers(low, min(2**63 - 1, low + 10 ** data.draw(st.integers(0, 19)))))
            columns.append(number(name, low, high, nullable=nullable))
            cell: Any = st.integers(low, high)
        else:
            names = [f"v{k}" for k in range(data.draw(st.integers(1, 9)))]
            columns.append(nominal(name, *names, nullable=nullable))
            cell = st.sampled_from(names)
        some = st.one_of(st.none(), cell) if nullable else cell
        values[name] = data.draw(st.lists(some, min_size=rows, max_size=rows))
    epsilon = data.draw(st.sampled_from([0.5, 5.0, 80.0]))
    schema, counted = schema_of(*columns), Counted(values)
    try:
        statistics = statistics_of(schema, counted, epsilon)
    except DatasetError:
        return
    assert statistics.budget is not None
    assert statistics.budget.rho <= rho_of(epsilon, 1e-6)
    assert statistics.columns == schema.names


def test_columns_as_rough_as_each_other_are_told_in_one_sentence() -> None:
    def one(name: str, deviation: float) -> Found:
        axis = Axis(name, labels=(("x",), ("y",)))
        return Found(axis, np.array([500.0, 500.0]), np.full(2, deviation**2))

    found = [one("a", 70), one("b", 90), one("c", 70), one("d", 50)]
    assert _notes(found, 1000) == [
        "'a', 'c': the noise is about 7% of the rows on each cell; these shares are rough.",
        "'b': the noise is about 9% of the rows on each cell; these shares are rough.",
    ]
    (told,) = _notes([one(f"c{at}", 70) for at in range(25)], 1000)
    assert "'c19', 5 more: the noise" in told
