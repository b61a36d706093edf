"""MALLM-GAN, the faithful mode: answers, theta as text, the discriminator and the memory, each by itself."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import SGDClassifier

from localsynth.core.contracts import SampleRequest
from localsynth.core.judging import writable
from localsynth.core.schema import Schema
from localsynth.engine.uniform import UniformEngine
from localsynth.methods.mallm_gan.faithful.answers import first_list, read_answer, rows_grammar
from localsynth.methods.mallm_gan.faithful.discriminator import Discriminator, Encoder, split
from localsynth.methods.mallm_gan.faithful.memory import Entry, Memory, wilson
from localsynth.methods.mallm_gan.faithful.prompts import initial_theta, written
from localsynth.methods.mallm_gan.faithful.reading import read_theta, told
from localsynth.methods.page import table_of
from tests.methods.support import assert_valid, schemas

SCHEMA = Schema.model_validate(
    {
        "columns": [
            {"name": "id", "kind": "identifier"},
            {"name": "n", "kind": "integer", "range": [0, 10]},
            {"name": "x", "kind": "float", "range": [0, 1], "decimals": 2, "nullable": True},
            {
                "name": "c",
                "kind": "categorical",
                "categories": ["1", "True", "[o]", "none"],
                "nullable": True,
            },
            {"name": "t", "kind": "boolean"},
            {"name": "d", "kind": "date", "range": ["2024-01-01", "2024-12-31"]},
            {"name": "w", "kind": "text", "min_length": 2, "max_length": 8},
        ]
    }
)
COLUMNS = written(SCHEMA)


def row(**changes: Any) -> dict[str, Any]:
    return {"n": 3, "x": 0.5, "c": "1", "t": True, "d": "2024-02-29", "w": "well", **changes}


# --- answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Sure: [1, 2] and [3]", [1, 2]),
        ("[{'a': None, 'b': True}] ok", [{"a": None, "b": True}]),
        ('[{"a": null, "b": "]"}', None),
        ('[{"a": "[o]"}]', [{"a": "[o]"}]),
        ("[(1, 2)]", [(1, 2)]),
        ("no list", None),
        ("[1, 2", None),
        ("[f(x)]", None),
        ("[" * 100_000, None),
        ("[" * 5_000 + "]" * 5_000, None),
        (r"['\d']", ["\\d"]),
        ("[" + "9" * 5_000 + "]", None),
        ("[1]]", [1]),
    ],
)
def test_the_first_balanced_list(text: str, found: Any) -> None:
    assert first_list(text) == found


@pytest.mark.parametrize(
    ("item", "reason", "detail"),
    [
        (row(), None, ""),
        (row(n="4"), None, ""),
        (row(n=4.0), None, ""),
        (row(c=1), None, ""),
        (row(c=True), None, ""),
        (row(c=None, x=None), None, ""),
        (row(t=0), None, ""),
        (row(t="False"), None, ""),
        (row(c="[o]"), None, ""),
        (row(n=11), "value", "n"),
        (row(n=None), "value", "n"),
        (row(n="many"), "value", "n"),
        (row(x=0.123), "value", "x"),
        (row(c="other"), "value", "c"),
        (row(t="perhaps"), "value", "t"),
        (row(d="29 February"), "value", "d"),
        (row(w="x"), "value", "w"),
        (row(w=" well"), "value", "w"),
        (row(w="a\nb"), "value", "w"),
        (row(w=12), "value", "w"),
        (row(n=[3]), "value", "n"),
        (row(w="\ud800a"), "value", "w"),
        (row(id="1"), "parse", "a key that is no column"),
        ({k: v for k, v in row().items() if k != "d"}, "parse", "no 'd'"),
        (7, "parse", "not a row"),
    ],
)
def test_a_row_is_read_or_told_why_not(item: Any, reason: str | None, detail: str) -> None:
    rows, rejects = read_answer(COLUMNS, json.dumps([item, row(n=9)]))
    assert rows[-1] == row(n=9) | {"d": date(2024, 2, 29)}
    if reason is None:
        assert (len(rows), rejects) == (2, [])
    else:
        assert [(reject.reason, reject.detail) for reject in rejects] == [(reason, detail)]
        assert writable(rejects[0].text)


def test_values_keep_their_types() -> None:
    ((found,), _) = read_answer(COLUMNS, json.dumps([row(n=4.0, t=0, c=True, x=float("nan"))]))
    assert found == {"n": 4, "x": None, "c": "True", "t": False, "d": date(2024, 2, 29), "w": "well"}
    assert isinstance(found["n"], int)
    assert found["t"] is False


_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.binary(max_size=3),
    lambda some: (
        st.lists(some, max_size=3)
        | st.dictionaries(st.text(max_size=3) | st.sampled_from("nxctdw"), some, max_size=6)
    ),
    max_leaves=8,
)
_BITS = st.sampled_from(
    ["[", "]", "{", "}", '"', "'", ",", ":", '"n"', "1", "nan", "\\", "\x00", "[{'n': 1}]"]
)


@given(
    st.lists(_BITS | st.text(max_size=4), max_size=20).map("".join)
    | st.lists(st.fixed_dictionaries(dict.fromkeys("nxctdw", _VALUES)) | _VALUES, max_size=3).map(repr)
)
def test_whatever_is_written_becomes_rows_or_rejects(text: str) -> None:
    rows, rejects = read_answer(COLUMNS, text)
    assert_valid(SCHEMA, table_of(SCHEMA, rows))
    assert all(reject.reason in ("parse", "value") and writable(reject.detail) for reject in rejects)
    assert all(writable(reject.text) for reject in rejects if reject.text != text)


@given(schemas(), st.integers(1, 3), st.integers(0, 99))
def test_under_the_grammar_every_answer_is_read(schema: Schema, n: int, seed: int) -> None:
    columns = written(schema)
    request = SampleRequest((), rows_grammar(columns, n, {}), 2, seed=seed)
    (sample,), _ = UniformEngine(1_000_000).sample([request])
    for text in sample.texts:
        rows, rejects = read_answer(columns, text)
        assert (len(rows), rejects) == (n, [])
        assert_valid(schema, table_of(schema, rows))


# --- theta ------------------------------------------------------------------------------------------------------------

NAMES = ("age", "income", "a, b", 'x"y', "Größe", "x -> y")


@pytest.mark.parametrize(
    ("text", "edges"),
    [
        ('[("age", "income"), ("Größe", "age")]', [("age", "income"), ("Größe", "age")]),
        ("[('age', 'income'), ('a, b', 'age')]", [("age", "income"), ("a, b", "age")]),
        ("(age, income) and (age, of course)", [("age", "income")]),
        (
            '{"income": {"parents": ["age", "a, b"]}, "age": {"parents": []}}',
            [("age", "income"), ("a, b", "income")],
        ),
        ('{"income": ["age"]}', [("age", "income")]),
        ('[["age", "income"], ["age", "a, b"]]', [("age", "income"), ("age", "a, b")]),
        ('The columns ["age", "income"] matter.', []),
        ("- age -> income\n- income → Größe.", [("age", "income"), ("income", "Größe")]),
        ("1. Age => Income, as it should", [("age", "income")]),
        ("age -> income -> Größe", [("age", "income"), ("income", "Größe")]),
        ("We think that age -> income because of pay", [("age", "income")]),
        ('("x -> y", "age")', [("x -> y", "age")]),
        ("package -> income", []),
        ('("age", "income"), ("age", "income")', [("age", "income")]),
        ("nothing", []),
    ],
)
def test_edges_are_read_in_the_forms_models_write(text: str, edges: list[tuple[str, str]]) -> None:
    assert list(read_theta(text, NAMES).edges) == edges


def test_the_first_theta_reads_back() -> None:
    edges = [("age", "income"), ("a, b", 'x"y'), ('x"y', "Größe"), ("x -> y", "age")]
    read = read_theta(initial_theta(edges), NAMES)
    assert list(read.edges) == edges
    assert (read.flaw, read.unknown) == ("", ())
    for cause, effect in edges:
        assert read.order.index(cause) < read.order.index(effect)


def test_circles_and_unknown_columns_are_told() -> None:
    read = read_theta('("age", "income"), ("income", "age"), ("wealth\u0007", "age"), ghost -> income', NAMES)
    assert read.edges == (("age", "income"), ("income", "age"))
    assert read.order == NAMES
    said = told(read, read_theta("", NAMES))
    assert said == (
        "2 edges, 2 added and 0 taken away; not a causal graph, columns stay in the table's order: the graph has a cycle: "
        "age -> income -> age; named and no columns: 'wealth', 'ghost'"
    )
    assert "its own parent" in told(read_theta('("age", "age")', NAMES), None)


@given(
    st.lists(
        st.sampled_from(
            ["(", ")", "[", "]", "{", "}", '"', "'", ",", ":", "->", "→", "\n", " ", "age", "income", '"age"', "\\",
             '"parents"', '("age", "income")', "\ud800"]
        )
        | st.text(max_size=4),
        max_size=25,
    ).map("".join)
)  # fmt: skip
def test_any_text_can_be_read_as_theta(text: str) -> None:
    read = read_theta(text, NAMES)
    assert {name for edge in read.edges for name in edge} <= set(NAMES)
    assert sorted(read.order) == sorted(NAMES)
    assert len(set(read.edges)) == len(read.edges)
    assert told(read, None).isprintable()
    if not read.flaw:
        assert all(read.order.index(cause) < read.order.index(effect) for cause, effect in read.edges)


# --- discriminator ----------------------------------------------------------------------------------------------------


def rows_of(n: int, seed: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    return [
        {
            "n": int(rng.integers(0, 11)),
            "x": None if rng.random() < 0.2 else float(rng.integers(0, 101)) / 100,
            "c": ["1", "True", None][int(rng.integers(3))],
            "t": bool(rng.integers(2)),
            "d": date(2024, int(rng.integers(1, 13)), 1),
            "w": "word"[: int(rng.integers(2, 5))],
        }
        for _ in range(n)
    ]


def test_one_hot_by_hand() -> None:
    train = [row(d=date(2024, 1, 2)), row(n=5, x=None, c="True", t=False, d=date(2024, 1, 1), w="ab")]
    encoder = Encoder(COLUMNS, train)
    odd = row(n=9, x=0.25, c="none", d=date(2024, 1, 3))  # a category that no train row has
    features = encoder.onehot(encoder.codes([*train, odd]))
    day = date(2024, 1, 1).toordinal()
    assert features.tolist() == [
        # n, x, x missing, c = "1", c = "True", t, d, characters of w
        [3, 0.5, 0, 1, 0, 1, day + 1, 4],
        [5, 0.5, 1, 0, 1, 0, day, 2],
        [9, 0.25, 0, 0, 0, 1, day + 2, 4],
    ]
    assert encoder.onehot(encoder.codes([])).shape == (0, 8)


def test_it_learns_as_scikit_learn_does_and_goes_on_after_a_round_trip() -> None:
    encoder = Encoder(COLUMNS, rows_of(50, 1))
    one, other = Discriminator(5), Discriminator(5)
    plain = SGDClassifier(loss="log_loss", random_state=one._random_state)
    assert one.accuracy(np.zeros((2, 3)), np.array([0, 1])) is None
    for at in range(4):
        features = encoder.onehot(encoder.codes([*rows_of(20, 10 + at), *rows_of(20, 20 + at)]))
        real = np.arange(40) >= 20
        for discriminator in (one, other):
            discriminator.learn(features, real)
        plain.partial_fit(features, real.astype(int), classes=[0, 1])
        kept = json.loads(json.dumps(other.dump()))
        other = Discriminator(5)
        other.load(kept)
        assert one.dump() == other.dump() == kept
        assert kept["coef"] == plain.coef_[0].tolist()
        assert one.accuracy(features, real) == plain.score(features, real)


def test_unscaled_numbers_of_any_size_let_no_warning_out() -> None:
    schema = Schema.model_validate(
        {
            "columns": [
                {"name": "n", "kind": "integer", "range": [-(2**62), 2**62]},
                {"name": "t", "kind": "boolean"},
            ]
        }
    )
    rng = np.random.default_rng(1)
    rows = [{"n": int(rng.integers(-(2**62), 2**62)), "t": bool(i % 2)} for i in range(100)]
    encoder = Encoder(written(schema), rows)
    discriminator = Discriminator(1)
    for _ in range(50):
        discriminator.learn(encoder.onehot(encoder.codes(rows)), np.arange(100) >= 50)
    score = discriminator.accuracy(encoder.onehot(encoder.codes(rows)), np.arange(100) >= 50)
    assert score is not None
    assert 0 <= score <= 1
    assert np.isfinite(json.loads(json.dumps(discriminator.dump()))["coef"]).all()


def test_a_fifth_is_held_out() -> None:
    for rows, held in ((101, 21), (100, 20), (5, 1), (1, 1)):
        learn, out = split(rows, 3)
        assert sorted([*learn, *out]) == list(range(rows))
        assert len(out) == held
    assert split(50, 3)[1].tolist() != split(50, 4)[1].tolist()


# --- memory -----------------------------------------------------------------------------------------------------------


def entry(step: int, score: float, epoch: int = 0) -> Entry:
    return Entry(epoch, step, f"theta {step}", np.array([[1.0, np.nan]]), np.array([True]), score)


def test_the_three_lowest_of_the_whole_run_the_earlier_of_equals() -> None:
    memory = Memory([entry(0, 0.4), entry(1, 0.6), entry(2, 0.4, 1), entry(3, 0.2, 1), entry(4, 0.9, 2)])
    assert [one.step for one in memory.best()] == [3, 0, 2]
    assert [one.step for one in memory.best(since=2, most=1)] == [4]
    assert memory.best(since=3) == []
    assert memory.at(2) is memory.entries[2]
    assert memory.at(9) is None
    back = Memory.load(json.loads(json.dumps(memory.dump())))
    assert back.dump() == memory.dump()
    assert np.isnan(back.entries[0].codes[0, 1])


def test_old_scores_are_told_anew() -> None:
    encoder = Encoder(COLUMNS, rows_of(40, 1))
    memory, discriminator = Memory(), Discriminator(1)
    rows, real = rows_of(40, 2), np.arange(40) >= 20
    codes = encoder.codes(rows)
    memory.entries.append(Entry(0, 0, "theta", codes, real, score=0.123))
    discriminator.learn(encoder.onehot(codes), real)
    memory.refresh(discriminator, encoder)
    assert memory.entries[0].score == discriminator.accuracy(encoder.onehot(codes), real) != 0.123


def test_wilson_by_hand() -> None:
    # 12 of 20: (0.6 + 3.8415/40) / (1 + 3.8415/20) = 0.5839; half: 1.96 * sqrt(0.24/20 + 3.8415/1600) / 1.1921 = 0.1973
    assert wilson(0.6, 20) == pytest.approx((0.3866, 0.7812), abs=2e-4)
    assert wilson(0.0, 10)[0] == 0
    assert wilson(1.0, 10)[1] == pytest.approx(1)
