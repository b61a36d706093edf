"""Locked rows: no text breaks what is locked, every train row can be written, and what cannot be locked is said."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, timedelta
from itertools import permutations
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.core.cells import row_grammar, split_row, write_row
from localsynth.core.contracts import SampleRequest
from localsynth.core.grammar import Fixed, Number, OneOf, seq
from localsynth.core.schema import Dependency, Schema
from localsynth.engine.regex import to_regex
from localsynth.engine.uniform import UniformEngine
from localsynth.engine.uniform_text import draw_text, text_logprobs
from localsynth.methods.paft.locks import Locked, locked_row, read_locked
from localsynth.tables import arrow_schema, table_of


def on(left: str, right: str) -> Dependency:
    return Dependency(determinant=tuple(left.split()), dependent=right)


def columns_of(*columns: dict[str, Any]) -> Schema:
    return Schema.model_validate({"columns": columns})


def letters(name: str, values: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": "categorical", "categories": list(values), **more}


def whole(name: str, low: int, high: int, **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": "integer", "range": [low, high], **more}


def decimal(name: str, low: float, high: float, **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": "float", "range": [low, high], "decimals": 1, **more}


def lock(schema: Schema, rows: list[tuple[Any, ...]], *dependencies: Dependency, **more: Any) -> Locked:
    return locked_row(schema.columns, dependencies, table_of(schema, rows), **more)


def texts(locked: Locked, alphabet: list[list[str]]) -> set[str]:
    """All rows over an alphabet of cells that the grammar allows, by trying each."""
    pattern = re.compile(to_regex(locked.grammar))
    found = {""}
    for cells in alphabet:
        found = {f"{row},{cell}" for row in found for cell in cells}
    return {row[1:] for row in found if pattern.fullmatch(row[1:] + "\n")}


def drawn(locked: Locked, n: int, seed: int = 1) -> list[list[Any]]:
    sample = UniformEngine().sample([SampleRequest((), locked.grammar, n=n, seed=seed)])[0][0]
    return [read_locked(locked.columns, text.removesuffix("\n")) for text in sample.texts]


# --- one determinant ----------------------------------------------------------------------------------------------------


def test_dependent_follows_determinant() -> None:
    schema = columns_of(letters("x", "abc"), letters("y", "uvw"))
    locked = lock(schema, [("a", "u"), ("b", "v"), ("a", "u")], on("x", "y"))
    assert texts(locked, [list("abc"), list("uvw")]) == {"a,u", "b,v"}  # c has no image
    assert (locked.locked, locked.boxed, locked.open, locked.notes) == ((on("x", "y"),), (), (), ())


def test_dependent_first_leaves_the_values_with_this_image() -> None:
    schema = columns_of(letters("y", "uvw"), letters("x", "abc"))
    locked = lock(schema, [("u", "a"), ("u", "b"), ("v", "c")], on("x", "y"))
    assert texts(locked, [list("uvw"), list("abc")]) == {"u,a", "u,b", "v,c"}


def test_circle() -> None:
    schema = columns_of(letters("education", "abc"), whole("number", 1, 9))
    locked = lock(
        schema, [("a", 1), ("b", 2), ("c", 9)], on("education", "number"), on("number", "education")
    )
    assert texts(locked, [list("abc"), list("123456789")]) == {"a,1", "b,2", "c,9"}
    assert len(locked.locked) == 2


def test_free_columns_between_are_repeated() -> None:
    schema = columns_of(letters("x", "ab"), letters("free", "pq"), letters("y", "uv"), letters("last", "mn"))
    locked = lock(schema, [("a", "p", "u", "m"), ("b", "p", "v", "n")], on("x", "y"))
    found = texts(locked, [list("ab"), list("pq"), list("uv"), list("mn")])
    assert found == {f"{x},{f},{y},{z}" for x, y in ("au", "bv") for f in "pq" for z in "mn"}
    assert locked.values == (("x", "free", "y"), ("last",))


def test_chain_several_dependents_several_determinants() -> None:
    schema = columns_of(
        letters("state", "abc"),
        letters("bird", "uv"),
        letters("zone", "pq"),
        letters("region", "mn"),
        letters("code", "rst"),
    )
    rows = [("a", "u", "p", "m", "r"), ("b", "v", "p", "m", "s"), ("c", "v", "q", "n", "t")]
    chain = [
        on("state", "bird"),
        on("state", "zone"),
        on("zone", "region"),
        on("state", "region"),
        on("code", "region"),
    ]
    locked = lock(schema, rows, *chain)
    found = texts(locked, [list("abc"), list("uv"), list("pq"), list("mn"), list("rst")])
    # code is held by region alone
    assert found == {"a,u,p,m,r", "a,u,p,m,s", "b,v,p,m,r", "b,v,p,m,s", "c,v,q,n,t"}
    assert set(locked.locked) == set(chain)


def test_missing_values() -> None:
    schema = columns_of(letters("x", "abc", nullable=True), letters("y", "uv", nullable=True))
    agreeing = lock(schema, [("a", None), ("b", "v"), (None, "u")], on("x", "y"))
    assert texts(agreeing, [["a", "b", "c", ""], ["u", "v", ""]]) == {"a,", "b,v", ",u"}
    # rows without x that disagree say nothing of y
    open_ = lock(schema, [("a", None), ("b", "v"), (None, "u"), (None, "v")], on("x", "y"))
    assert texts(open_, [["a", "b", "c", ""], ["u", "v", ""]]) == {"a,", "b,v", ",u", ",v", ","}
    back = locked_row(schema.columns[::-1], [on("x", "y")], open_train(schema))
    assert texts(back, [["u", "v", ""], ["a", "b", "c", ""]]) == {",a", "v,b", "u,", "v,", ","}


def open_train(schema: Schema) -> pa.Table:
    return table_of(schema, [("a", None), ("b", "v"), (None, "u"), (None, "v")])


def test_most_rows_count_where_train_rows_disagree() -> None:
    schema = columns_of(letters("x", "ab"), letters("y", "uv"))
    rows = [("a", "u"), ("a", "v"), ("a", "v"), ("b", "u")]
    locked = lock(schema, rows, on("x", "y"))
    assert texts(locked, [list("ab"), list("uv")]) == {"a,v", "b,u"}
    assert "1 train row breaks it" in locked.notes[0]
    assert locked.keeps(table_of(schema, rows)).tolist() == [False, True, True, True]


def test_values_the_schema_forbids_are_left_out() -> None:
    schema = columns_of(letters("x", "ab"), whole("y", 0, 5))
    train = pa.table({"x": ["a", "b", "c"], "y": pa.array([1, 7, 2], pa.int64())})
    locked = locked_row(schema.columns, [on("x", "y")], train)
    assert texts(locked, [list("abc"), list("0123456789")]) == {"a,1"}
    assert "2 train rows" in locked.notes[0]


def test_decimal_determinant_is_held_to_ranges() -> None:
    schema = columns_of(decimal("lat", 0, 20), letters("zone", "ns"))
    rows = [(1.0, "s"), (4.5, "s"), (9.0, "n"), (12.0, "n")]
    locked = lock(schema, rows, on("lat", "zone"))
    cells = [f"{i / 10:.1f}" for i in range(201)]
    found = texts(locked, [cells, list("ns")])
    assert found == {f"{i / 10:.1f},s" for i in range(10, 46)} | {f"{i / 10:.1f},n" for i in range(90, 121)}
    assert locked.locked
    # ranges that overlap: the values seen
    mixed = lock(schema, [*rows, (11.0, "s")], on("lat", "zone"))
    assert texts(mixed, [cells, list("ns")]) == {"1.0,s", "4.5,s", "9.0,n", "12.0,n", "11.0,s"}


def test_determinant_that_is_not_written() -> None:
    schema = columns_of(letters("x", "ab"), letters("y", "uv"))
    locked = locked_row(schema.columns[:1], [on("x", "y")], table_of(schema, [("a", "u")]))
    assert locked.open == (on("x", "y"),)
    assert locked.notes == ("x -> y is left open: y is not written",)
    assert texts(locked, [list("ab")]) == {"a", "b"}


def test_no_dependencies_give_the_plain_row() -> None:
    schema = columns_of(letters("x", "ab"), whole("n", 0, 12, nullable=True), {"name": "t", "kind": "text"})
    locked = lock(schema, [("a", 1, "some")])
    assert locked.grammar == row_grammar(schema.columns)
    assert locked.values == (("x",), ("n",), ("t",))


def test_the_rest_behind_a_first_cell() -> None:
    schema = columns_of(letters("x", "abc"), letters("y", "uv"), whole("n", 3, 3))
    locked = lock(schema, [("a", "u", 3), ("b", "v", 3)], on("x", "y"))
    assert locked.after("a") == seq("u", ",", Number(3, 3), "\n")
    assert locked.after("c") is None
    free = locked_row(schema.columns, [], table_of(schema, []))
    assert free.after("c") == seq(OneOf((Fixed("u"), Fixed("v"))), ",", Number(3, 3), "\n")
    assert free.after("d") is None


# --- bounds -------------------------------------------------------------------------------------------------------------


def test_what_goes_beyond_the_bound_is_left_open_and_said() -> None:
    schema = columns_of(whole("x", 0, 99), letters("free", "abcdefgh"), whole("y", 0, 99), whole("z", 0, 9))
    rows = [(i, "a", 99 - i, i % 10) for i in range(100)]
    every = lock(schema, rows, on("x", "y"), on("y", "z"))
    assert len(every.locked) == 2
    tight = lock(schema, rows, on("x", "y"), on("y", "z"), limit=300)
    assert (tight.locked, tight.open) == ((on("y", "z"),), (on("x", "y"),))
    assert "too many alternatives" in tight.notes[0]
    broken = [row for row in drawn(tight, 400) if row[3] != (99 - row[2]) % 10]
    assert broken == []
    none = lock(schema, rows, on("x", "y"), on("y", "z"), limit=50)
    assert none.locked == ()
    assert "100 different values determine it, more than 50" in none.notes[0]


def test_many_columns_determined_by_the_last() -> None:
    """Each column leaves few values of the last, and what these have in common is no alternative of its own."""
    rows = [(*((key * (at + 3) + at) % 7 for at in range(60)), key) for key in range(40)]
    schema = columns_of(*(whole(f"c{at}", 0, 6) for at in range(60)), whole("key", 0, 39))
    dependencies = [on("key", f"c{at}") for at in range(60)]
    locked = lock(schema, rows, *dependencies)
    assert set(locked.locked) == set(dependencies)
    assert {tuple(row) for row in drawn(locked, 600)} == set(rows)
    assert len(to_regex(locked.grammar)) < 20_000


def test_what_followed_from_an_open_dependency_stands_for_itself() -> None:
    schema = columns_of(
        whole("x", 0, 199), letters("free", "abcdefghij"), whole("y", 0, 199), letters("z", "uv")
    )
    rows = [(i, "a", 199 - i, "uv"[i % 2]) for i in range(200)]
    three = [on("x", "y"), on("y", "z"), on("x", "z")]
    locked = lock(schema, rows, *three, limit=1500)
    assert locked.open == (on("x", "y"),)
    assert set(locked.locked) == {on("y", "z"), on("x", "z")}
    assert all("uv"[row[0] % 2] == row[3] == "uv"[(199 - row[2]) % 2] for row in drawn(locked, 300))


def test_uniform_rows_by_the_thousand() -> None:
    """Planted: 50 states with bird, zone and region, a pair that determines a third, numbers in between."""
    random = Random(5)
    names = [f"s{i:02d}" for i in range(50)]
    bird = {name: f"bird {random.randrange(20)}" for name in names}
    zone = {name: random.choice("PMCE") for name in names}
    region = dict(zip("PMCE", ["west", "west", "mid", "east"], strict=True))
    pair = {(z, k): f"{z}{k % 2}" for z in "PMCE" for k in range(4)}
    rows = []
    for _ in range(2000):
        state, k = random.choice(names), random.randrange(4)
        rows.append(
            (
                state,
                bird[state],
                random.randint(17, 90),
                zone[state],
                region[zone[state]],
                pair[zone[state], k],
                k,
            )
        )
    schema = columns_of(
        {"name": "state", "kind": "categorical", "categories": names},
        {"name": "bird", "kind": "categorical", "categories": sorted(set(bird.values()))},
        whole("age", 17, 90),
        letters("zone", "PMCE"),
        {"name": "region", "kind": "categorical", "categories": ["west", "mid", "east"]},
        {"name": "code", "kind": "categorical", "categories": sorted(set(pair.values()))},
        whole("k", 0, 3),
    )
    dependencies = [
        on("state", "bird"),
        on("state", "zone"),
        on("zone", "region"),
        on("state", "region"),
        on("zone k", "code"),
    ]
    locked = lock(schema, rows, *dependencies)
    assert set(locked.locked) == set(dependencies)
    for state, its, _, z, r, code, k in drawn(locked, 10_000):
        assert (bird[state], zone[state], region[z], pair[z, k]) == (its, z, r, code)


def test_a_block_is_one_value_of_the_likelihood() -> None:
    schema = columns_of(letters("free", "ab"), letters("x", "pq"), letters("y", "uv"))
    locked = lock(schema, [("a", "p", "u"), ("b", "q", "v")], on("x", "y"))
    assert locked.values == (("free",), ("x", "y"))
    engine = UniformEngine()
    sample = engine.sample([SampleRequest((), locked.grammar, n=20, seed=3, likelihood=True)])[0][0]
    assert sample.logprobs is not None
    assert all(values == pytest.approx((-math.log(2), -math.log(2))) for values in sample.logprobs)


# --- anything -----------------------------------------------------------------------------------------------------------

_NASTY = ["a,b", 'say "x"', " ", "plain", "é", "", "a\nb", "ab", "abc"]


@st.composite
def tables(draw: st.DrawFn) -> tuple[Schema, list[tuple[Any, ...]]]:
    """Small tables of every kind in which some columns are functions of one or two others."""
    count = draw(st.integers(2, 5))
    columns: list[dict[str, Any]] = []
    domains: list[list[Any]] = []
    for at in range(count):
        kind = draw(
            st.sampled_from(["categorical", "integer", "float", "boolean", "date", "datetime", "text"])
        )
        column: dict[str, Any] = {"name": f"c{at}", "kind": kind}
        domain: list[Any]
        if kind == "categorical":
            domain = draw(st.lists(st.sampled_from(_NASTY), min_size=1, max_size=5, unique=True))
            column["categories"] = domain
        elif kind == "integer":
            domain, column["range"] = draw(st.lists(st.integers(-12, 30), min_size=1, max_size=6)), [-12, 30]
        elif kind == "float":
            scaled = draw(st.lists(st.integers(-120, 300), min_size=1, max_size=8))
            domain, column["range"], column["decimals"] = [i / 10 for i in scaled], [-12.0, 30.0], 1
        elif kind == "boolean":
            domain = [True, False]
        elif kind == "text":
            domain = draw(st.lists(st.sampled_from(["some", "a, b", "é"]), min_size=1, max_size=3))
        else:
            days = draw(st.lists(st.integers(0, 40), min_size=1, max_size=6))
            first = datetime(2020, 2, 1, 8, 30)
            domain = [first + timedelta(days=day) for day in days]
            column["range"] = [first, first + timedelta(days=40)]
            if kind == "date":
                domain = [one.date() for one in domain]
                column["range"] = [date(2020, 2, 1), date(2020, 3, 12)]
        if draw(st.booleans()):
            column["nullable"] = True
            domain = [*domain, None]
        columns.append(column)
        domains.append(domain)
    size = draw(st.integers(1, 25))
    random = Random(draw(st.integers(0, 2**32)))
    rows = [[random.choice(domain) for domain in domains] for _ in range(size)]
    for at in range(1, count):
        chosen = random.sample(range(at), min(at, draw(st.integers(0, 2))))
        images: dict[tuple[Any, ...], Any] = {}
        for row in rows if chosen else []:
            row[at] = images.setdefault(tuple(row[one] for one in chosen), row[at])
    order = draw(st.permutations(range(count)))
    return columns_of(*(columns[at] for at in order)), [tuple(row[at] for at in order) for row in rows]


def images(dependency: Dependency, schema: Schema, rows: list[Any]) -> dict[tuple[str, ...], set[str]]:
    """Texts of the dependent for each determinant without a missing value."""
    at = [schema.names.index(name) for name in dependency.determinant]
    right = schema.names.index(dependency.dependent)
    found: dict[tuple[str, ...], set[str]] = {}
    for row in rows:
        if all(row[one] is not None for one in at):
            key = tuple(write_row([schema.columns[one]], [row[one]]) for one in at)
            found.setdefault(key, set()).add(write_row([schema.columns[right]], [row[right]]))
    return found


def exact_ones(schema: Schema, rows: list[Any]) -> list[Dependency]:
    names = schema.names
    left = [(one,) for one in names] + [pair for pair in permutations(names, 2) if pair[0] < pair[1]]
    every = [Dependency(determinant=one, dependent=name) for one in left for name in names if name not in one]
    return [one for one in every if all(len(own) == 1 for own in images(one, schema, rows).values())]


@settings(max_examples=150)
@given(tables(), st.integers(0, 2**32), st.sampled_from([20_000, 40, 12]), st.booleans())
def test_every_text_keeps_what_is_locked(
    drawn_table: tuple[Schema, list[tuple[Any, ...]]], seed: int, limit: int, boxes: bool
) -> None:
    schema, rows = drawn_table
    dependencies = exact_ones(schema, rows)
    train = table_of(schema, rows)
    locked = locked_row(schema.columns, dependencies, train, limit=limit, boxes=boxes)
    pattern = re.compile(to_regex(locked.grammar))
    for row in rows:
        assert pattern.fullmatch(write_row(schema.columns, row) + "\n"), row
    assert locked.keeps(train).all()
    if limit == 20_000:
        assert locked.open == ()
    random = Random(seed)
    written = [draw_text(locked.grammar, random) for _ in range(25)]
    read = [tuple(read_locked(schema.columns, text.removesuffix("\n"))) for text in written]
    for dependency in locked.locked:
        both = images(dependency, schema, [*rows, *read])
        assert all(len(own) == 1 for own in both.values()), dependency
    drawn_rows = table_of(schema, read).cast(arrow_schema(schema))
    assert locked.keeps(drawn_rows).all()
    for text in written:
        assert pattern.fullmatch(text)
        logprobs = text_logprobs(locked.grammar, text)
        assert len(logprobs) == len(locked.values)
        assert all(map(math.isfinite, logprobs))
        cells = split_row(text.removesuffix("\n"))
        first = write_row(schema.columns[:1], read_locked(schema.columns, text.removesuffix("\n"))[:1])
        rest = locked.after(first)
        assert len(cells) == len(schema.columns)
        assert rest is not None
        assert re.fullmatch(to_regex(rest), text.removeprefix(first + ","))
        begun = f"{first},{draw_text(rest, random)}"
        assert pattern.fullmatch(begun)
    assert {*locked.locked, *locked.boxed, *locked.open} == set(dependencies)
