"""Dependencies and keys in DuckDB, against an independent count in plain Python, and against shuffled columns."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.core.finding import Found, Limits
from localsynth.core.ordering import order_columns
from localsynth.core.schema import Schema
from localsynth.store import datasets, samples
from localsynth.store.finding import cardinalities, find, strengths
from localsynth.store.location import STATES, draw
from localsynth.store.session import Store
from localsynth.tables import arrow_schema

KINDS: dict[type, dict[str, Any]] = {
    int: {"kind": "integer", "range": [-(10**9), 10**9]},
    float: {"kind": "float", "range": [-1e9, 1e9], "decimals": 2},
    bool: {"kind": "boolean"},
}


def described(columns: Mapping[str, Sequence[Any]], **special: dict[str, Any]) -> tuple[pa.Table, Schema]:
    """A table with a schema that fits it."""
    listed = {
        name: [v.item() if isinstance(v, np.generic) else v for v in values]
        for name, values in columns.items()
    }
    kinds = []
    for name, values in listed.items():
        present = [value for value in values if value is not None]
        kind = KINDS.get(type(present[0])) or {"kind": "categorical", "categories": sorted(set(present))}
        nullable = {} if len(present) == len(values) else {"nullable": True}
        kinds.append({"name": name, **special.get(name, kind), **nullable})
    schema = Schema.model_validate({"columns": kinds})
    return pa.table(listed).cast(arrow_schema(schema)), schema


def look(
    columns: Mapping[str, Sequence[Any]], limits: Limits | None = None, **special: dict[str, Any]
) -> Found:
    table, schema = described(columns, **special)
    return find(table, schema, limits or Limits())


def named(found: Found) -> set[str]:
    return {one.name for one in found.dependencies}


def words(numbers: Any, letter: str) -> list[str]:
    return [f"{letter}{number}" for number in numbers]


def g3_of(columns: Mapping[str, Sequence[Any]], left: Sequence[str], right: str) -> tuple[int, int, int]:
    """Rows out of line, rows counted, groups: by hand."""
    groups: dict[Any, Counter[Any]] = defaultdict(Counter)
    for *key, value in zip(*(columns[name] for name in left), columns[right], strict=True):
        if None not in key:
            groups[tuple(key)][value] += 1
    rows = sum(sum(counts.values()) for counts in groups.values())
    return rows - sum(max(counts.values()) for counts in groups.values()), rows, len(groups)


def test_counts_by_hand() -> None:
    # 30 rows of each of 4 letters; the word follows from the letter but for one row; 6 rows miss the letter.
    letter = [one for one in "abcd" for _ in range(30)]
    word = [one.upper() for one in letter]
    word[0] = "B"
    letter[114:] = [None] * 6  # type: ignore[list-item]
    (found,) = (
        one for one in look({"letter": letter, "word": word}).dependencies if one.determinant == ("letter",)
    )
    assert (found.dependent, found.rows, found.groups, found.support) == ("word", 114, 4, 28.5)
    assert found.g3 == 1 / 114
    assert not found.exact
    # By chance the largest of four words would have a quarter of a group and a little more.
    assert 0.55 < found.chance < 0.75


def test_a_missing_dependent_is_a_value() -> None:
    rng = np.random.default_rng(0)
    shop = rng.integers(0, 8, 400)
    manager = [None if code < 2 else f"m{code}" for code in shop]
    found = look({"shop": words(shop, "s"), "manager": manager})
    assert "shop -> manager" in named(found)
    manager[int(np.flatnonzero(shop == 5)[0])] = None
    (one,) = (
        d
        for d in look({"shop": words(shop, "s"), "manager": manager}).dependencies
        if d.dependent == "manager"
    )
    assert round(one.g3 * one.rows) == 1


def test_location_has_the_published_dependencies(store: Store) -> None:
    dataset = datasets.import_sample(store, "location")
    rows = datasets.train_table(store, "location")
    found = find(rows, dataset.schema)
    assert named(found) == {"lat -> lat_zone", "state -> bird", "lat, lon -> state", "lat, lon -> bird"}
    assert all(one.exact for one in found.dependencies)
    made = order_columns(
        dataset.schema.names,
        found.dependencies,
        strengths(rows, dataset.schema),
        cardinalities(rows, dataset.schema),
        "bird",
    )
    assert made.order == ("state", "bird", "lat", "lon", "lat_zone")


def test_places_of_two_states_never_meet() -> None:
    table = draw(20_000, 7)
    columns = {name: table[name].to_pylist() for name in table.column_names}
    assert g3_of(columns, ["lat", "lon"], "state")[0] == 0
    assert g3_of(columns, ["state"], "bird")[0] == 0
    assert g3_of(columns, ["lat"], "lat_zone")[0] == 0
    assert len(set(columns["state"])) == len(STATES)
    for state, (_, (south, north, west, east)) in STATES.items():
        own = [at for at, code in enumerate(columns["state"]) if code == state]
        assert all(south < columns["lat"][at] < north and west < columns["lon"][at] < east for at in own)
    assert samples.load("location").num_rows == 3000


def adult_like(rows: int = 1500) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    level = rng.integers(0, 16, rows)
    return {
        "age": rng.integers(17, 91, rows),
        "education": words(level, "e"),
        "education-num": level + 1,
        "sex": words(rng.integers(0, 2, rows), "s"),
        "income": words((level + rng.integers(0, 9, rows) > 12).astype(int), "i"),
    }


def test_a_circle_of_two() -> None:
    table, schema = described(adult_like())
    found = find(table, schema)
    assert named(found) == {"education -> education-num", "education-num -> education"}
    made = order_columns(
        schema.names, found.dependencies, strengths(table, schema), cardinalities(table, schema)
    )
    assert [set(part) for part in made.components] == [{"education", "education-num"}]
    assert made.order[2] == "income"  # most like the two
    assert any("stands for it" in note for note in found.left_out)


def test_a_pair_of_coordinates_determines_where_one_does_not() -> None:
    rng = np.random.default_rng(2)
    places = np.array([(x, y) for x in range(20) for y in range(20)])
    chosen = places[rng.integers(0, 400, 4000)]
    ocean = rng.integers(0, 4, (20, 20))
    found = look(
        {
            "longitude": chosen[:, 0] / 4 - 120,
            "latitude": chosen[:, 1] / 4 + 35,
            "rooms": rng.integers(1, 9, 4000),
            "ocean": words(ocean[chosen[:, 0], chosen[:, 1]], "o"),
        }
    )
    assert named(found) == {"longitude, latitude -> ocean"}


def test_three_together() -> None:
    rng = np.random.default_rng(3)
    a, b, c = rng.integers(0, 6, (3, 3000))
    table = rng.integers(0, 3, (6, 6, 6))
    found = look(
        {"a": words(a, "a"), "b": words(b, "b"), "c": words(c, "c"), "d": words(table[a, b, c], "d")}
    )
    assert named(found) == {"a, b, c -> d"}
    assert not named(look({"a": a, "b": b, "c": c, "d": table[a, b, c]}, Limits(left=2)))


def test_row_numbers_constants_and_near_keys_determine_nothing() -> None:
    columns = adult_like(1000)
    rng = np.random.default_rng(4)
    code = np.arange(1000)
    code[:30] = code[30:60]  # 970 of 1,000
    columns |= {
        "No": [f"{at:06d}" for at in range(1000)],
        "code": rng.permutation(code),
        "size_units": ["sqft"] * 1000,
        "rare": words((np.arange(1000) % 250 == 0).astype(int), "r"),  # 99.6% are alike
    }
    found = look(columns, No={"kind": "identifier"})
    assert named(found) == {"education -> education-num", "education-num -> education"}
    assert [key.columns for key in found.keys] == [("No",)]
    said = "\n".join(found.left_out)
    for name in (
        "No: an identifier",
        "code: 970 different values in 1,000 rows",
        "size_units: has one value only",
    ):
        assert name in said


def test_decimal_numbers_alone_need_many_rows_for_each_value() -> None:
    rng = np.random.default_rng(5)
    value = np.round(rng.integers(0, 300, 900) / 100, 2)  # 3 rows for each value
    columns = {
        "value": value,
        "band": words((value * 4).astype(int), "b"),
        "noise": words(rng.integers(0, 3, 900), "n"),
    }
    assert "value -> band" not in named(look(columns))
    assert "value -> band" in named(look({name: np.tile(list(v), 3) for name, v in columns.items()}))


def test_a_smaller_set_that_says_as_much_is_kept_alone_and_an_exact_one_beside_a_near_one() -> None:
    rng = np.random.default_rng(6)
    rows = 12_000
    shop, till = rng.integers(0, 20, rows), rng.integers(0, 12, rows)
    town = shop // 2
    odd = (shop == 3) & (till == 1)  # some 50 rows of 12,000
    town = np.where(odd, 11, town)
    found = look({"shop": words(shop, "s"), "till": words(till, "t"), "town": words(town, "w")})
    by_name = {one.name: one for one in found.dependencies}
    assert set(by_name) == {"shop -> town", "shop, till -> town"}
    assert round(by_name["shop -> town"].g3 * rows) == odd.sum()
    assert by_name["shop, till -> town"].exact


@pytest.mark.parametrize("seed", range(3))
def test_columns_shuffled_alone_hold_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    columns = adult_like(800) | {
        "few": words(rng.integers(0, 3, 800), "f"),
        "many": words(rng.integers(0, 150, 800), "m"),
        "lopsided": words((rng.random(800) < 0.03).astype(int), "l"),
        "money": np.round(rng.gamma(2, 30, 800), 2),
        "gap": [None if x < 0.3 else int(x * 10) for x in rng.random(800)],
    }
    shuffled = {name: [list(values)[at] for at in rng.permutation(800)] for name, values in columns.items()}
    found = look(shuffled)
    assert (found.dependencies, found.keys, found.rules) == ((), (), ())


@st.composite
def planted(draw: st.DrawFn) -> tuple[dict[str, list[Any]], tuple[str, ...], str]:
    """A table in which ``z`` follows from one or two columns, other columns being noise."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows = draw(st.integers(400, 1200))
    sizes = draw(st.lists(st.integers(3, 8), min_size=3, max_size=4))
    columns: dict[str, Any] = {
        name: words(rng.integers(0, size, rows), name) for name, size in zip("abcd", sizes, strict=False)
    }
    left = tuple(
        sorted(draw(st.lists(st.sampled_from(sorted(columns)), min_size=1, max_size=2, unique=True)))
    )
    seen: dict[Any, int] = {}
    keys = list(zip(*(columns[name] for name in left), strict=True))
    for key in sorted(set(keys)):
        # Neighbouring groups differ, so that no column of a pair is idle.
        seen[key] = sum(int(part[1:]) for part in key) % 5
    columns["z"] = words([seen[key] for key in keys], "z")
    if draw(st.booleans()):
        at = rng.integers(0, rows, max(1, rows // 250))
        columns["z"] = [
            "z9" if place in set(at.tolist()) else value for place, value in enumerate(columns["z"])
        ]
    if draw(st.booleans()):
        columns[left[0]] = [None if rng.random() < 0.05 else value for value in columns[left[0]]]
    return columns, left, "z"


@given(planted())
@settings(max_examples=25)
def test_what_is_planted_is_found_minimal_and_counted_right(
    case: tuple[dict[str, list[Any]], tuple[str, ...], str],
) -> None:
    columns, left, right = case
    found = look(columns)
    assert any(one.determinant == left and one.dependent == right for one in found.dependencies)
    for one in found.dependencies:
        broken, rows, groups = g3_of(columns, one.determinant, one.dependent)
        assert (one.rows, one.groups) == (rows, groups)
        assert one.g3 == broken / rows <= 0.01
        for other in found.dependencies:
            if other.dependent == one.dependent and set(other.determinant) < set(one.determinant):
                assert one.exact
                assert not other.exact
    made = order_columns(list(columns), found.dependencies)
    assert sorted(made.order) == sorted(columns)
    if not made.components:
        for one in found.dependencies:
            if len(one.determinant) == 1:
                assert made.order.index(one.determinant[0]) < made.order.index(one.dependent)


def test_large_tables_are_searched_in_some_rows_and_checked_in_all() -> None:
    rng = np.random.default_rng(8)
    shop = rng.integers(0, 30, 6000)
    town = shop // 3
    town[:40] = 10  # 0.6% of all rows
    columns = {
        "shop": words(shop, "s"),
        "town": words(town, "w"),
        "noise": words(rng.integers(0, 9, 6000), "n"),
    }
    found = look(columns, Limits(sample=1000))
    (one,) = found.dependencies
    assert (one.name, one.rows, one.groups) == ("shop -> town", 6000, 30)
    assert one.g3 == g3_of(columns, ["shop"], "town")[0] / 6000
    assert "sought in 1,000 of 6,000 rows" in found.left_out[0]


def test_the_budget_goes_to_what_promises_most_and_says_what_it_left() -> None:
    rng = np.random.default_rng(9)
    columns: dict[str, Any] = {f"c{at}": words(rng.integers(0, 4, 2000), "x") for at in range(12)}
    a, b = rng.integers(0, 9, (2, 2000))
    columns |= {"p": words(a, "p"), "q": words(b, "q"), "r": words(a + b, "r")}
    found = look(columns, Limits(groupings=40))
    assert "p, q -> r" in named(found)
    assert any("combinations of 2 columns" in note and "not looked at" in note for note in found.left_out)
    assert any("combinations of 3 columns" in note for note in found.left_out)


def test_keys_of_several_columns_that_are_no_accident() -> None:
    rng = np.random.default_rng(10)
    patient, visit = np.repeat(np.arange(200), 5), np.tile(np.arange(5), 200)
    found = look(
        {
            "patient": patient,
            "visit": visit,
            "score": rng.integers(0, 30, 1000),
            "measure": np.round(rng.normal(0, 100, 1000), 2),
        }
    )
    assert [key.columns for key in found.keys] == [("patient", "visit")]
    assert found.keys[0].evidence == "1,000 different values in 1,000 rows"


def test_few_rows_tell_nothing() -> None:
    found = look({"a": [1, 2] * 10, "b": ["x", "y"] * 10})
    assert (found.dependencies, found.rules) == ((), ())
    assert "20 rows are too few" in found.left_out[0]


def test_the_same_rows_give_the_same_answer_whatever_the_names() -> None:
    odd = {'a "b"': "age", "select": "education", "Größe, m": "education-num", "x.y": "sex", "'": "income"}
    columns = adult_like()
    found = look({new: columns[old] for new, old in odd.items()})
    assert named(found) == {"select -> Größe, m", "Größe, m -> select"}
    assert found == look({new: columns[old] for new, old in odd.items()})


ANY = {
    "integer": (
        {"kind": "integer", "range": [-(2**62), 2**62]},
        st.integers(-(2**62), 2**62) | st.integers(-2, 2),
    ),
    "float": (
        {"kind": "float", "range": [-1e9, 1e9], "decimals": 3},
        st.floats(-1e9, 1e9) | st.sampled_from([0.0, 0.5]),
    ),
    "boolean": ({"kind": "boolean"}, st.booleans()),
    "categorical": (
        {"kind": "categorical", "categories": ["a'", 'b"', ""]},
        st.sampled_from(["a'", 'b"', ""]),
    ),
    "date": (
        {"kind": "date", "range": ["1900-01-01", "2100-01-01"]},
        st.dates(date(1900, 1, 1), date(2100, 1, 1)),
    ),
    "datetime": (
        {"kind": "datetime", "range": ["1900-01-01T00:00", "2100-01-01T00:00"]},
        st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)),
    ),
    "text": ({"kind": "text"}, st.text(min_size=1, max_size=5)),
}
EAGER = Limits(broken=2, rule_broken=1, sample=8, support=1.0, float_support=1.0, repeated=0.0, chance=1.0)


@given(st.data(), st.lists(st.sampled_from(sorted(ANY)), min_size=1, max_size=6), st.integers(0, 30))
@settings(max_examples=60)
def test_any_table_can_be_looked_at(data: st.DataObject, kinds: list[str], rows: int) -> None:
    columns, described_as = {}, []
    for at, kind in enumerate(kinds):
        known, values = ANY[kind]
        columns[f"c{at}"] = data.draw(st.lists(st.none() | values, min_size=rows, max_size=rows))
        described_as.append({"name": f"c{at}", **known, "nullable": True})
    schema = Schema.model_validate({"columns": described_as})
    table = pa.table(
        {
            name: pa.array(values, kind.type)
            for (name, values), kind in zip(columns.items(), arrow_schema(schema), strict=True)
        }
    )
    for limits in (Limits(), EAGER):
        found = find(table, schema, limits)
        for one in found.dependencies:
            assert one.g3 * one.rows == pytest.approx(g3_of(columns, one.determinant, one.dependent)[0])
        assert Found.from_json(found.to_json()) == found
    alike = strengths(table, schema)
    assert all(0 <= value <= 1 for value in alike.values())
    made = order_columns(schema.names, found.dependencies, alike, cardinalities(table, schema))
    assert sorted(made.order) == sorted(schema.names)


def test_strength_of_what_is_the_same_and_of_strangers() -> None:
    rng = np.random.default_rng(11)
    a = rng.integers(0, 5, 3000)
    table, schema = described(
        {"a": words(a, "a"), "b": words(4 - a, "b"), "c": rng.integers(0, 1000, 3000), "one": ["x"] * 3000}
    )
    alike = strengths(table, schema)
    assert alike[frozenset("ab")] == pytest.approx(1, abs=0.01)
    assert alike[frozenset("ac")] < 0.01
    assert alike[frozenset(("a", "one"))] == 0
    assert cardinalities(table, schema) == {"a": 5, "b": 5, "c": len(set(table["c"].to_pylist())), "one": 1}
