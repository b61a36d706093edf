"""Gaussian copula: margins, pairwise structure, missing cells, and nothing a schema forbids."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp, multivariate_normal, norm
from threadpoolctl import threadpool_limits

from localsynth.core.columns import (
    BooleanColumn,
    CategoricalColumn,
    Column,
    DateColumn,
    DatetimeColumn,
    FloatColumn,
    IntegerColumn,
)
from localsynth.core.errors import DatasetError
from localsynth.core.schema import Schema
from localsynth.methods import registry
from localsynth.methods.copula.latent import Latent, correlations, root
from localsynth.methods.copula.levels import Levels, levels_of
from localsynth.methods.copula.scaling import in_order
from localsynth.tables import arrow_schema, table_of
from tests.methods.support import assert_valid, schemas, task_of

Values = list[Any]


def schema_of(*columns: dict[str, Any], target: str | None = None) -> Schema:
    return Schema.model_validate({"columns": list(columns), "target": target})


def rows_of(schema: Schema, train: pa.Table, n: int, seed: int = 1, **params: Any) -> pa.Table:
    method = registry.create("gaussian-copula", params)
    method.prepare(task_of(schema, train=train), None)
    method.learn(None, 1)
    rows = method.batch(n, seed, None).rows
    assert rows.num_rows == n
    assert_valid(schema, rows)
    return rows


def table(schema: Schema, **columns: Any) -> pa.Table:
    target = arrow_schema(schema)
    return pa.Table.from_arrays([pa.array(columns[f.name], f.type) for f in target], schema=target)


def number(name: str, low: float = -1000, high: float = 1000, decimals: int = 3) -> dict[str, Any]:
    return {"name": name, "kind": "float", "range": [low, high], "decimals": decimals, "nullable": True}


def words(name: str, *categories: str) -> dict[str, Any]:
    return {"name": name, "kind": "categorical", "categories": list(categories), "nullable": True}


# --- margins ----------------------------------------------------------------------------------------------------------


def test_a_number_with_many_values_is_drawn_between_them() -> None:
    rng = np.random.default_rng(3)
    schema = schema_of(number("x"))
    real = rng.gamma(2, 10, 500).round(3)
    made = rows_of(schema, table(schema, x=real), 5000)["x"].to_numpy()
    assert np.isin(made, real).mean() < 0.15
    assert real.min() <= made.min() < made.max() <= real.max()
    assert ks_2samp(made, real).statistic < 0.03


def test_values_that_many_share_stay_and_keep_their_share() -> None:
    rng = np.random.default_rng(3)
    real = np.where(rng.random(400) < 0.6, 0.0, rng.uniform(500, 900, 400).round(3))
    schema = schema_of(number("gain"))
    made = rows_of(schema, table(schema, gain=real), 10_000)["gain"].to_numpy()
    assert abs((made == 0).mean() - (real == 0).mean()) < 0.02
    assert not ((made > 0) & (made < 490)).any()  # nothing between the heap and the others


def test_few_values_are_codes_and_only_they_are_drawn() -> None:
    schema = schema_of({"name": "vessels", "kind": "integer", "range": [0, 9]})
    real = [0] * 60 + [1] * 30 + [2] * 8 + [7] * 2
    made = rows_of(schema, table(schema, vessels=real), 10_000)["vessels"].to_numpy()
    values, counts = np.unique(made, return_counts=True)
    assert values.tolist() == [0, 1, 2, 7]
    assert np.abs(counts / 10_000 - [0.6, 0.3, 0.08, 0.02]).max() < 0.02


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        (IntegerColumn(name="x", range=(0, 9)), [3, None, 1, 3], [1, 3]),
        (FloatColumn(name="x", range=(0, 1), decimals=1), [0.1, 0.30000000000000004, 0.14, None], [1, 3]),
        (DateColumn(name="x", range=(date(1960, 1, 1), date(2000, 1, 1))), [date(1969, 12, 31)], [-1]),
        (
            DatetimeColumn(name="x", range=(datetime(1960, 1, 1), datetime(2000, 1, 1))),
            [datetime(1970, 1, 1, 1, 2, 33)],
            [62],
        ),
        (BooleanColumn(name="x"), [True, False, None], [False, True]),
        (CategoricalColumn(name="x", categories=["b", "a", "c"]), ["b", "a", "b"], ["a", "b"]),
    ],
)
def test_levels_of_every_kind(column: Column, values: Values, expected: Values) -> None:
    schema = Schema(columns=(column,))
    levels = levels_of(column, table(schema, x=values)["x"].combine_chunks())
    assert levels.values.tolist() == expected
    assert levels.missing.tolist() == [value is None for value in values]


def test_made_moments_are_whole_minutes_between_the_first_and_the_last() -> None:
    column = DatetimeColumn(name="x", range=(datetime(1960, 1, 1), datetime(2000, 1, 1)))
    given = pa.array(
        [datetime(1999, 5, 6, 7, 8, 59), None, datetime(1969, 12, 31, 23, 59)], pa.timestamp("us")
    )
    levels = levels_of(column, given)
    ends = np.array(
        [1.0, 0.5, 0.0]
    )  # the last value's upper end and the first one's lower are the values themselves
    assert levels.cells(levels.codes, ends).to_pylist() == [
        datetime(1999, 5, 6, 7, 8),
        None,
        datetime(1969, 12, 31, 23, 59),
    ]


def test_categories_keep_their_shares_and_one_seen_nowhere_is_not_drawn() -> None:
    schema = schema_of(words("c", "never", "b", "a"), {"name": "flag", "kind": "boolean"})
    real = table(schema, c=["a"] * 70 + ["b"] * 20 + [None] * 10, flag=[True] * 25 + [False] * 75)
    made = rows_of(schema, real, 10_000)
    counts = {v["values"]: v["counts"] for v in made["c"].value_counts().to_pylist()}
    assert set(counts) == {"a", "b", None}
    assert abs(counts["a"] - 7000) < 250
    assert abs(counts[None] - 1000) < 200
    assert abs(sum(made["flag"].to_pylist()) - 2500) < 250


def test_texts_are_resampled_and_identifiers_left_empty() -> None:
    schema = schema_of(
        {"name": "id", "kind": "identifier"}, {"name": "note", "kind": "text", "nullable": True}
    )
    real = table(schema, id=["1", "2", "3"], note=["one", "two", None])
    made = rows_of(schema, real, 300)
    assert made["id"].null_count == 300
    assert set(made["note"].to_pylist()) == {"one", "two", None}


# --- latent correlations ----------------------------------------------------------------------------------------------


def cut(z: np.ndarray[Any, Any], *at: float) -> Latent:
    """A standard normal sample cut at quantiles; with none, at each of 500 values."""
    edges = norm.ppf(at) if at else norm.ppf(np.linspace(0, 1, 501)[1:-1])
    codes = np.searchsorted(edges, z)
    shares = np.bincount(codes, minlength=len(edges) + 1) / len(z)
    return Latent(codes, shares[None, :])


@pytest.mark.parametrize("rho", [-0.8, -0.3, 0.5, 0.9])
@pytest.mark.parametrize(
    ("one", "other"),
    [((), ()), ((), (0.5,)), ((), (0.9,)), ((0.5,), (0.5,)), ((0.3,), (0.8,)), ((0.2, 0.4, 0.7), (0.85,))],
)
def test_cutting_a_variable_into_levels_does_not_weaken_its_correlation(
    rho: float, one: tuple[float, ...], other: tuple[float, ...]
) -> None:
    rng = np.random.default_rng(8)
    z = rng.standard_normal((40_000, 2)) @ np.linalg.cholesky([[1, rho], [rho, 1]]).T
    found = correlations([cut(z[:, 0], *one), cut(z[:, 1], *other)], np.zeros(40_000, np.int64))
    assert found[0, 1] == found[1, 0]
    assert found[0, 1] == pytest.approx(rho, abs=0.03)


def test_two_halves_agree_with_sheppards_formula() -> None:
    """P(both above their medians) = 1/4 + arcsin(r) / 2 pi, so that a table of counts gives r back exactly."""
    rho, n = 0.6, 1_000_000
    both = round(n * (0.25 + math.asin(rho) / (2 * math.pi)))
    codes = np.repeat([[1, 1], [0, 0], [1, 0], [0, 1]], [both, both, n // 2 - both, n // 2 - both], axis=0)
    latents = [Latent(codes[:, k], np.array([[0.5, 0.5]])) for k in range(2)]
    assert correlations(latents, np.zeros(len(codes), np.int64))[0, 1] == pytest.approx(rho, abs=1e-3)


def test_hermite_terms_give_the_covariance_of_scores() -> None:
    """Against the exact probabilities of a bivariate normal's cells."""
    shares, rho = np.array([[0.2, 0.5, 0.3]]), 0.45
    score, terms = Latent(np.zeros(1, np.int64), shares).scores()
    edges = norm.ppf([1e-12, 0.2, 0.7, 1 - 1e-12])
    joint = multivariate_normal([0, 0], [[1, rho], [rho, 1]])
    below = np.array([[joint.cdf([a, b]) for b in edges] for a in edges])
    cells = np.diff(np.diff(below, axis=0), axis=1)
    exact = float(score[0] @ cells @ score[0])
    series = float(sum(rho ** (k + 1) * terms[k, 0] ** 2 for k in range(len(terms))))
    assert series == pytest.approx(exact, abs=1e-4)


def test_chance_is_drawn_to_nothing_and_the_matrix_can_be_used() -> None:
    rng = np.random.default_rng(1)
    noise = [cut(z) for z in rng.standard_normal((60, 30))]
    found = correlations(noise, np.zeros(30, np.int64))
    assert (np.abs(found[np.triu_indices(60, 1)]) < 1e-9).mean() > 0.6
    impossible = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])
    for matrix in (found, impossible):
        made = root(matrix) @ root(matrix).T
        assert np.diagonal(made) == pytest.approx(1)
        assert np.linalg.eigvalsh(made)[0] > 0


# --- structure --------------------------------------------------------------------------------------------------------


def share_by(rows: pa.Table, condition: str, value: str) -> dict[Any, float]:
    pairs = list(zip(rows[condition].to_pylist(), rows[value].to_pylist(), strict=True))
    return {
        c: float(np.mean([v for given, v in pairs if given == c and v is not None]))
        for c in {given for given, _ in pairs}
    }


def test_numbers_keep_their_rank_correlation() -> None:
    rng = np.random.default_rng(2)
    z = rng.standard_normal((800, 2)) @ np.linalg.cholesky([[1, 0.8], [0.8, 1]]).T
    schema = schema_of(number("x"), number("y", 0, 1e6))
    made = rows_of(schema, table(schema, x=z[:, 0].round(3), y=np.exp(z[:, 1]).round(3)), 5000)
    x, y = made["x"].to_numpy(), np.log(made["y"].to_numpy() + 1e-3)
    assert np.corrcoef(x, y)[0, 1] == pytest.approx(0.8, abs=0.05)


def test_categories_in_no_order_carry_a_relation() -> None:
    """Their names tell nothing; where they lie on the hidden scale does."""
    rng = np.random.default_rng(5)
    hidden = rng.standard_normal(600)
    place = np.searchsorted([-1, -0.3, 0.3, 1], hidden)
    names = np.array(["m", "z", "a", "q", "b"])[place]
    schema = schema_of(words("c", "a", "b", "m", "q", "z"), number("x"))
    real = table(schema, c=names.tolist(), x=(hidden + 0.5 * rng.standard_normal(600)).round(3))
    levels = [levels_of(c, real[c.name].combine_chunks()) for c in schema.columns]
    order = in_order(levels)[0].values.tolist()
    assert order in (["m", "z", "a", "q", "b"], ["b", "q", "a", "z", "m"])
    means, wanted = share_by(rows_of(schema, real, 10_000), "c", "x"), share_by(real, "c", "x")
    assert all(abs(means[c] - wanted[c]) < 0.3 for c in wanted)
    assert max(means.values()) - min(means.values()) > 2


def test_a_relation_that_turns_back_is_kept_with_the_target_alone() -> None:
    rng = np.random.default_rng(6)
    age = rng.uniform(20, 80, 1000).round(1)
    ill = np.abs(age - 50) > 20  # the young and the old
    schema = schema_of(number("age", 0, 100, 1), {"name": "ill", "kind": "boolean"}, target="ill")
    real = table(schema, age=age, ill=ill)

    def middle(rows: pa.Table) -> float:
        ages, found = rows["age"].to_numpy(), np.array(rows["ill"].to_pylist())
        return float(found[np.abs(ages - 50) < 10].mean())

    assert middle(real) == 0
    assert middle(rows_of(schema, real, 5000)) < 0.02
    assert middle(rows_of(schema, real, 5000, by_target=False)) > 0.1


def test_rare_classes_of_the_target_share_a_stratum() -> None:
    schema = schema_of(words("y", "often", "once", "twice"), number("x"), target="y")
    real = table(
        schema,
        y=["often"] * 97 + ["once", "twice", "twice"],
        x=[float(i) for i in range(97)] + [900.0, 901.0, 902.0],
    )
    made = rows_of(schema, real, 20_000)
    counts = {v["values"]: v["counts"] for v in made["y"].value_counts().to_pylist()}
    assert abs(counts["often"] / 20_000 - 0.97) < 0.01
    # The one person who is "once" has x = 900: that does not come out as a fact about the class.
    once = made["x"].to_numpy()[np.array(made["y"].to_pylist()) == "once"]
    assert (np.abs(once - 900) > 1).any()


def test_what_is_missing_together_and_where_is_kept() -> None:
    rng = np.random.default_rng(7)
    n = 2000
    sick = rng.standard_normal(n)
    untested = sick + 0.3 * rng.standard_normal(n) < -0.5  # the healthy are not tested
    schema = schema_of(number("sick"), number("lab"), words("grade", "low", "high"))
    lab = (sick + 0.5 * rng.standard_normal(n)).round(3)
    grade = np.where(lab > 0.5, "high", "low")
    real = table(
        schema,
        sick=sick.round(3),
        lab=[None if u else v for u, v in zip(untested, lab, strict=True)],
        grade=[None if u else v for u, v in zip(untested, grade.tolist(), strict=True)],
    )
    made = rows_of(schema, real, 10_000)
    no_lab, no_grade = (np.asarray(made[c].combine_chunks().is_null()) for c in ("lab", "grade"))
    assert abs(no_lab.mean() - untested.mean()) < 0.03
    assert (no_lab == no_grade).mean() > 0.93
    assert made["sick"].to_numpy()[no_lab].mean() < sick[untested].mean() + 0.2
    high = np.array(made["grade"].to_pylist())[~no_grade & ~no_lab] == "high"
    labs = made["lab"].combine_chunks().to_numpy(zero_copy_only=False)[~no_grade & ~no_lab]
    assert labs[high].mean() > labs[~high].mean() + 0.7


def test_a_classifier_learns_from_made_rows_what_it_learns_from_real_ones() -> None:
    from sklearn.datasets import load_breast_cancer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, y = load_breast_cancer(return_X_y=True)
    names = [f"x{i}" for i in range(10)]
    schema = schema_of(*(number(name, 0, 1e4, 5) for name in names), words("y", "0", "1"), target="y")
    order = np.random.default_rng(0).permutation(len(y))
    train, test = order[:200], order[200:]
    columns = {name: x[train, i].round(5) for i, name in enumerate(names)}
    real = table(schema, **columns, y=[str(v) for v in y[train]])

    def auc(method: str, **params: Any) -> float:
        made = registry.create(method, params)
        made.prepare(task_of(schema, train=real), None)
        made.learn(None, 1)
        rows = made.batch(200, 3, None).rows
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
        model.fit(np.column_stack([rows[name].to_numpy() for name in names]), rows["y"].to_pylist())
        return float(roc_auc_score(y[test], model.predict_proba(x[test][:, :10])[:, 1]))

    assert auc("gaussian-copula") > 0.95
    assert auc("gaussian-copula", by_target=False) > 0.95
    assert auc("independent") < 0.8


# --- whatever the rows hold -------------------------------------------------------------------------------------------


def some_cell(column: Column, rng: np.random.Generator) -> Any:
    match column:
        case IntegerColumn():
            return int(rng.integers(column.scaled_bounds[0], column.scaled_bounds[1], endpoint=True))
        case FloatColumn(decimals=decimals):
            steps = rng.integers(column.scaled_bounds[0], column.scaled_bounds[1], endpoint=True)
            return int(steps) / 10**decimals
        case BooleanColumn():
            return bool(rng.integers(2))
        case CategoricalColumn(categories=categories):
            return str(rng.choice(list(categories)))
        case DateColumn(range=(first, last)):
            return first + timedelta(days=int(rng.integers((last - first).days + 1)))
        case DatetimeColumn(range=(start, end)):
            return start + timedelta(minutes=int(rng.integers((end - start) // timedelta(minutes=1) + 1)))
        case _:
            return (
                "x" * int(rng.integers(column.min_length, column.max_length + 1))
                if column.kind == "text"
                else "1"
            )


@settings(max_examples=60)
@given(schemas(), st.integers(1, 40), st.integers(0, 2**32), st.booleans(), st.data())
def test_any_table_gives_rows_its_schema_allows(
    schema: Schema, rows: int, seed: int, by_target: bool, data: st.DataObject
) -> None:
    schema = schema.model_copy(update={"target": data.draw(st.none() | st.sampled_from(schema.names))})
    rng = np.random.default_rng(seed)
    gaps = {c.name: float(rng.choice([0, 0.3, 1])) if c.nullable else 0.0 for c in schema.columns}
    train = table_of(
        schema,
        [
            [None if rng.random() < gaps[c.name] else some_cell(c, rng) for c in schema.columns]
            for _ in range(rows)
        ],
    )
    made = rows_of(schema, train, 20, by_target=by_target)
    assert made.equals(rows_of(schema, train, 20, by_target=by_target))
    for c in schema.columns:
        if isinstance(c, BooleanColumn | CategoricalColumn):
            assert set(made[c.name].to_pylist()) <= set(train[c.name].to_pylist())
        if c.kind != "identifier" and not train[c.name].null_count:
            assert not made[c.name].null_count


def wide(rows: int, columns: int) -> tuple[Schema, pa.Table]:
    rng = np.random.default_rng(0)
    kinds: list[Callable[[str], dict[str, Any]]] = [number, lambda name: words(name, *"abcdefgh")]
    schema = schema_of(*(kinds[i % 2](f"x{i}") for i in range(columns)), target="x1")
    cells = {
        f"x{i}": rng.standard_normal(rows).round(3)
        if i % 2 == 0
        else rng.choice(list("abcdefgh"), rows).tolist()
        for i in range(columns)
    }
    return schema, table(schema, **cells)


@pytest.mark.parametrize(("rows", "columns"), [(1, 3), (10, 100), (300, 100)])
def test_small_and_wide_tables_work(rows: int, columns: int) -> None:
    schema, train = wide(rows, columns)
    rows_of(schema, train, 50)


def test_thousands_of_categories_keep_their_shares_and_what_the_frequent_ones_tell() -> None:
    rng = np.random.default_rng(4)
    hidden = rng.standard_normal(6000)
    rare = rng.integers(0, 4000, 6000)
    code = np.where(rng.random(6000) < 0.5, np.searchsorted([-1, 0, 1], hidden), 4 + rare)
    names = [f"w{i:04}" for i in range(4004)]
    schema = schema_of(words("c", *names), words("d", *names), number("x"))
    cells = [names[i] for i in code]
    real = table(schema, c=cells, d=cells[::-1], x=(hidden + 0.3 * rng.standard_normal(6000)).round(3))
    levels = [levels_of(column, real[column.name].combine_chunks()) for column in schema.columns]
    ordered = in_order(levels)[0]
    assert ordered.latent()[1] == 300
    assert ordered.values[ordered.codes].tolist() == cells
    made = rows_of(schema, real, 6000)
    drawn = made["c"].to_pylist()
    frequent = [sum(name == cell for cell in drawn) / 6000 for name in names[:4]]
    assert np.abs(np.array(frequent) - np.bincount(code, minlength=4)[:4] / 6000).max() < 0.03
    assert len(set(drawn)) > 1000
    assert set(drawn) <= set(cells)
    means = share_by(made, "c", "x")
    assert means["w0003"] - means["w0000"] > 1.5


def test_values_that_share_a_level_are_drawn_by_their_frequency() -> None:
    column = CategoricalColumn(name="c", categories=["a", "b", "c", "d"])
    levels = Levels(
        column,
        np.array([0, 1, 1, 1, 2, 3]),
        np.array(["a", "b", "c", "d"], object),
        np.zeros(4),
        np.zeros(4),
        places=np.array([0, 1, 1, 2]),
    )
    codes, count = levels.latent()
    assert codes.tolist() == [0, 1, 1, 1, 1, 2]
    assert count == 3
    drawn = levels.drawn(np.array([0, 0, 1, 1, 1, 2]), np.array([0.0, 0.99, 0.0, 0.74, 0.76, 0.99]))
    assert drawn.tolist() == [0, 0, 1, 1, 2, 3]


def test_rows_do_not_depend_on_threads() -> None:
    schema, train = wide(400, 60)
    with threadpool_limits(1):
        expected = rows_of(schema, train, 300)
    with threadpool_limits(3):
        assert rows_of(schema, train, 300).equals(expected)


def test_constant_missing_and_one_class_columns_work() -> None:
    schema = schema_of(
        number("empty"), words("none", "a"), words("one", "a", "b"), number("five"), number("x"), target="one"
    )
    real = table(
        schema,
        empty=[None] * 30,
        none=[None] * 30,
        one=["a"] * 30,
        five=[5.0] * 29 + [None],
        x=np.arange(30.0),
    )
    made = rows_of(schema, real, 200)
    assert made["empty"].null_count == made["none"].null_count == 200
    assert set(made["one"].to_pylist()) == {"a"}
    assert set(made["five"].to_pylist()) == {5.0, None}


def test_numbers_at_the_end_of_64_bits_work() -> None:
    ends = [1 - 2**63, 2**63 - 1]
    schema = schema_of({"name": "n", "kind": "integer", "range": ends})
    made = rows_of(schema, table(schema, n=[*ends, 0, 7]), 100)["n"].to_pylist()
    assert any(value not in (*ends, 0, 7) for value in made)


def test_long_tables_are_thinned_before_they_are_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    from localsynth.methods import gaussian_copula

    schema = schema_of(number("x"))
    monkeypatch.setattr(gaussian_copula, "_MOST", 100)
    made = rows_of(schema, table(schema, x=np.arange(1000.0) - 500), 500)["x"].to_numpy()
    assert -500 <= made.min() < -400
    assert 400 < made.max() <= 499


@pytest.mark.parametrize("train", [None, arrow_schema(schema_of(number("x"))).empty_table()])
def test_no_rows_is_an_error_with_a_way_out(train: pa.Table | None) -> None:
    method = registry.create("gaussian-copula")
    with pytest.raises(DatasetError, match="'it' has none") as caught:
        method.prepare(task_of(schema_of(number("x")), train=train), None)
    assert "text-to-tabular" in caught.value.hint


def test_calls_out_of_turn_are_a_programmers_mistake() -> None:
    method = registry.create("gaussian-copula")
    with pytest.raises(RuntimeError, match="learn before prepare"):
        method.learn(None, 1)
    method.prepare(task_of(schema_of(number("x")), train=table(schema_of(number("x")), x=[1.0])), None)
    with pytest.raises(RuntimeError, match="batch before learn"):
        method.batch(1, 1, None)
