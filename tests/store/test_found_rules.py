"""Rules found in rows: inequalities, sums, products, missing values; each taken by the rule checker as it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.core.finding import FoundRule, Limits
from localsynth.core.schema import Schema
from localsynth.store.finding import find
from localsynth.store.finding.coding import Coded
from localsynth.store.finding.numbers import numbers_of
from localsynth.store.finding.sums import find_products, find_sums
from localsynth.store.rules import RuleChecker
from localsynth.tables import arrow_schema

WHOLE = {"kind": "integer", "range": [-(10**12), 10**12]}
MONEY = {"kind": "float", "range": [-1e9, 1e9], "decimals": 2}
DAY = {"kind": "date", "range": ["1990-01-01", "2040-01-01"]}


def table_of(columns: Mapping[str, tuple[dict[str, Any], Sequence[Any]]]) -> tuple[pa.Table, Schema]:
    plain = {
        name: [v.item() if isinstance(v, np.generic) else v for v in values]
        for name, (_, values) in columns.items()
    }
    schema = Schema.model_validate(
        {
            "columns": [
                {"name": name, **kind, **({"nullable": True} if None in plain[name] else {})}
                for name, (kind, _) in columns.items()
            ]
        }
    )
    return pa.table(plain).cast(arrow_schema(schema)), schema


def rules_in(**columns: tuple[dict[str, Any], Sequence[Any]]) -> dict[str, FoundRule]:
    """Rules by their SQL; each is kept by every row, by the judgement of the project's own checker."""
    table, schema = table_of(columns)
    found = {one.check: one for one in find(table, schema).rules}
    asked = schema.model_copy(update={"rules": tuple(one.declared() for one in found.values())})
    with RuleChecker(asked) as checker:
        assert not checker.violations(table).any()
    return found


def names(values: Sequence[str]) -> dict[str, Any]:
    return {"kind": "categorical", "categories": sorted(set(values))}


def test_inequalities_without_what_others_imply() -> None:
    rng = np.random.default_rng(0)
    low = rng.integers(0, 50, 500)
    middle = low + rng.integers(0, 20, 500)
    high = middle + rng.integers(0, 20, 500)
    born = [date(2000, 1, 1) + timedelta(int(x)) for x in rng.integers(0, 900, 500)]
    died = [day + timedelta(int(x)) for day, x in zip(born, rng.integers(1, 900, 500), strict=True)]
    found = rules_in(
        low=(WHOLE, low),
        high=(WHOLE, high),
        middle=(WHOLE, middle),
        far=(WHOLE, rng.integers(1000, 2000, 500)),  # above all: their ranges say so
        weight=({**WHOLE, "unit": "kg"}, high + 1),  # of another unit
        born=(DAY, born),
        died=(DAY, died),
    )
    assert set(found) == {'"low" <= "middle"', '"middle" <= "high"', '"born" <= "died"'}
    one = found['"low" <= "middle"']
    assert (one.kind, one.rows, one.name) == ("inequality", 500, "low at most middle")
    above = np.mean([(low[at] > middle).mean() for at in range(500)])
    assert f"holds in all 500 rows with both; by chance {above:.0%} would break it" == one.evidence


def test_strict_where_ties_would_be_common_and_missing_values_do_not_count() -> None:
    rng = np.random.default_rng(1)
    first = rng.integers(0, 8, 600)
    second = [int(x) if rng.random() < 0.8 else None for x in first + 1 + rng.integers(0, 5, 600)]
    found = rules_in(first=(WHOLE, first), second=(WHOLE, second))
    assert set(found) == {'"first" < "second"'}
    assert found['"first" < "second"'].rows == sum(x is not None for x in second)


def test_equal_columns_stand_for_each_other() -> None:
    rng = np.random.default_rng(2)
    a = rng.integers(0, 90, 300)
    found = rules_in(a=(WHOLE, a), b=(WHOLE, a), c=(WHOLE, a + rng.integers(0, 9, 300)), d=(WHOLE, a))
    assert set(found) == {'"a" = "b"', '"a" = "d"', '"a" <= "c"'}
    assert found['"a" = "b"'].kind == "equal"


def test_sums_are_exact_and_their_parts_need_no_inequality() -> None:
    rng = np.random.default_rng(3)
    net = rng.integers(1, 100_000, 800) / 100
    tax = rng.integers(1, 20_000, 800) / 100
    tip = np.where(rng.random(800) < 0.5, 0.0, rng.integers(1, 2_000, 800) / 100)
    men, women = rng.integers(0, 40, (2, 800))
    found = rules_in(
        net=(MONEY, net),
        tax=(MONEY, tax),
        tip=(MONEY, tip),
        total=(MONEY, np.round(net + tax + tip, 2)),
        men=({**WHOLE, "unit": "persons"}, men),
        women=({**WHOLE, "unit": "persons"}, women),
        people=({**WHOLE, "unit": "persons"}, men + women),
    )
    assert set(found) == {'abs("net" + "tax" + "tip" - "total") < 0.005', '"men" + "women" = "people"'}
    assert {one.kind for one in found.values()} == {"sum"}


def test_a_sum_that_one_row_breaks_by_a_cent_is_none() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.integers(1, 100_000, (2, 500)) / 100
    total = np.round(a + b, 2)
    total[17] = round(total[17] + 0.01, 2)
    assert not any(
        one.kind == "sum" for one in rules_in(a=(MONEY, a), b=(MONEY, b), c=(MONEY, total)).values()
    )


def test_a_rounded_sum_holds_up_to_half_a_step() -> None:
    rng = np.random.default_rng(5)
    a, b = rng.integers(1, 100_000, (2, 500)) / 100
    whole = np.floor(a + b + 0.5).astype(int)  # ties upwards
    found = rules_in(a=(MONEY, a), b=(MONEY, b), c=(WHOLE, whole))
    assert 'abs("a" + "b" - "c") <= 0.505' in found


def test_sums_that_follow_or_say_nothing_are_left_out() -> None:
    rng = np.random.default_rng(6)
    a, b, c = rng.integers(1, 500, (3, 400))
    found = rules_in(
        a=(WHOLE, a),
        b=(WHOLE, b),
        c=(WHOLE, c),
        ab=(WHOLE, a + b),
        abc=(WHOLE, a + b + c),  # of ab and c; of a, b and c as well
        nought=(WHOLE, np.zeros(400, int)),
        rare=(WHOLE, np.where(np.arange(400) < 5, 7, 0)),
        copy=(WHOLE, a + np.where(np.arange(400) < 5, 7, 0)),  # a + rare, which five rows alone tell
    )
    assert {check for check, one in found.items() if one.kind == "sum"} == {
        '"a" + "b" = "ab"',
        '"c" + "ab" = "abc"',
    }


def test_products_of_any_units_but_not_by_nought_and_one() -> None:
    rng = np.random.default_rng(7)
    count = rng.integers(1, 12, 700)
    price = rng.integers(50, 9000, 700) / 100
    flag = rng.integers(0, 2, 700)
    found = rules_in(
        count=({**WHOLE, "unit": "pieces"}, count),
        price=({**MONEY, "unit": "EUR"}, price),
        amount=({**MONEY, "unit": "EUR"}, np.round(count * price, 2)),
        flag=(WHOLE, flag),
        flagged=({**MONEY, "unit": "USD"}, price * flag),
    )
    products = {check for check, one in found.items() if one.kind == "product"}
    assert products == {'abs("count" * "price" - "amount") <= 0.00505'}


def test_missing_for_a_reason() -> None:
    rng = np.random.default_rng(8)
    smoker = [["no", "former", "yes"][x] for x in rng.integers(0, 3, 600)]
    packs = [None if one == "no" else int(rng.integers(1, 30)) for one in smoker]
    since = [None if one is None else int(rng.integers(1, 40)) for one in packs]
    brand = [None if s != "yes" or rng.random() < 0.3 else "xyz"[int(rng.integers(0, 3))] for s in smoker]
    noise = [None if rng.random() < 0.2 else int(rng.integers(0, 9)) for _ in smoker]
    found = rules_in(
        smoker=(names(smoker), smoker),
        packs=(WHOLE, packs),
        since=(WHOLE, since),
        brand=(names(["x", "y", "z"]), brand),
        noise=(WHOLE, noise),
    )
    missing = {check for check, one in found.items() if one.kind == "missing"}
    assert missing == {
        '("packs" IS NULL) = ("since" IS NULL)',
        '("smoker" = \'no\') = ("packs" IS NULL)',
        '"packs" IS NOT NULL OR "brand" IS NULL',
        "NOT (\"smoker\" IN ('former', 'no')) OR \"brand\" IS NULL",
    }
    one = found['("smoker" = \'no\') = ("packs" IS NULL)']
    assert one.name == "packs missing exactly where smoker is no"
    assert one.rows == smoker.count("no")


def test_truth_values_and_small_numbers_give_reasons_and_names_are_quoted() -> None:
    rng = np.random.default_rng(9)
    ward = rng.integers(1, 5, 500)
    pregnant = rng.random(500) < 0.4
    found = rules_in(
        **{
            'is "it"': ({"kind": "boolean"}, pregnant),
            "week": (
                WHOLE,
                [int(w) if p else None for w, p in zip(rng.integers(1, 40, 500), pregnant, strict=True)],
            ),
            "ward": (WHOLE, ward),
            "bed": (WHOLE, [None if w == 3 else int(rng.integers(0, 90)) for w in ward]),
        }
    )
    assert '(NOT "is ""it""") = ("week" IS NULL)' in found
    assert '("ward" = 3) = ("bed" IS NULL)' in found


def test_what_few_rows_tell_is_not_offered() -> None:
    rng = np.random.default_rng(10)
    kind = ["rare" if at < 4 else "usual" for at in range(500)]
    dose = [None if one == "rare" else int(rng.integers(0, 9)) for one in kind]
    assert rules_in(kind=(names(kind), kind), dose=(WHOLE, dose)) == {}


def test_rules_of_the_schema_are_not_offered_again() -> None:
    rng = np.random.default_rng(11)
    low = rng.integers(0, 50, 300)
    table, schema = table_of({"low": (WHOLE, low), "high": (WHOLE, low + rng.integers(0, 20, 300))})
    (one,) = find(table, schema).rules
    known = schema.model_copy(update={"rules": (one.declared(),)})
    assert find(table, known).rules == ()


def test_wide_tables_say_what_was_not_added_up() -> None:
    rng = np.random.default_rng(12)
    table, schema = table_of({f"c{at}": (WHOLE, rng.integers(0, 99, 60)) for at in range(90)})
    found, notes = find_sums(numbers_of(table, schema), Limits())
    assert found == []
    assert notes == ["sums of 3 columns were not sought among 90 columns of like unit"]


@given(
    st.integers(0, 2**32),
    st.integers(2, 3),
    st.lists(st.integers(0, 3), min_size=4, max_size=4),
    st.booleans(),
)
@settings(max_examples=40)
def test_planted_sums_are_found_whatever_their_decimals(
    seed: int, size: int, decimals: list[int], gaps: bool
) -> None:
    rng = np.random.default_rng(seed)
    digits = [*decimals[:size], max(decimals[:size])]
    parts = rng.integers(-10_000, 10_000, (size, 200))
    finest = digits[-1]
    total = sum(part * 10 ** (finest - d) for part, d in zip(parts, digits, strict=False))
    columns: dict[str, Any] = {}
    for at, (values, places) in enumerate(zip([*parts, total], digits, strict=True)):
        kind = {"kind": "float", "range": [-1e9, 1e9], "decimals": places}
        cells = [float(value) / 10**places for value in values.tolist()]
        if gaps and at == 0:
            cells = [None if rng.random() < 0.2 else cell for cell in cells]
        columns[f"c{at}"] = (kind, cells)
    table, schema = table_of(columns)
    found, _ = find_sums(numbers_of(table, schema), Limits())
    assert (tuple(f"c{at}" for at in range(size)), f"c{size}") in {
        (one.names, one.whole.name) for one in found
    }
    checked = rules_in(**columns)
    assert any(one.kind == "sum" and one.name.startswith(f"c{size} is") for one in checked.values())


def test_too_few_columns_multiply_to_nothing() -> None:
    table, schema = table_of({"a": (WHOLE, list(range(50))), "b": (WHOLE, list(range(50)))})
    assert find_products(numbers_of(table, schema), Limits()) == ([], [])


def test_codes_are_one_for_each_value() -> None:
    table, schema = table_of({"a": (WHOLE, [5, None, 5, 7, 9]), "b": (WHOLE, [1, 1, 2, 2, 2])})
    with Coded(table, schema) as coded:
        assert coded.codes[0].tolist() == [0, -1, 0, 1, 2]
        assert (coded.distinct, coded.missing) == ([3, 2], [1, 0])
        assert coded.common[1].tolist()[:3] == [0.0, 0.6, 1.0]
        groups = coded.groups([0, 1]).tolist()
        assert groups[1] == -1
        assert len({groups[0], groups[2], groups[3], groups[4]}) == 4
        found = coded.con.execute(
            f"SELECT {coded.key([0, 1])} FROM coded WHERE {coded.present([0, 1])}"
        ).fetchall()
        assert len(set(found)) == 4
