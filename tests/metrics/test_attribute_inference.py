from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from localsynth.core.judging import Case
from localsynth.core.schema import Schema
from localsynth.metrics import attribute_inference as module
from localsynth.metrics import leaving_out
from localsynth.metrics.attribute_inference import AttributeInference, _right, _tolerance
from localsynth.metrics.encode import views
from localsynth.metrics.intervals import Rate, residual_risk
from localsynth.metrics.leaving_out import nearest_without, on_grid
from localsynth.metrics.space import space

from .privacy_cases import again, leaking_case
from .support import (
    MIXED,
    assert_kept,
    case_of,
    cases,
    find,
    mixed_case,
    mixed_rows,
    numbers_schema,
    value,
    words_schema,
)

NAME = "attribute_inference_risk"
NUMBERS, WORDS = numbers_schema("x", "y"), words_schema("a", "b")
NAN = float("nan")


def test_numbers_within_five_per_cent() -> None:
    guess = np.array([104.0, 106.0, -95.0, 0.0, 0.1, NAN, NAN, 1.0])
    truth = np.array([100.0, 100.0, -100.0, 0.0, 0.0, NAN, 1.0, NAN])
    assert _right(guess, truth, 9, 0.05).tolist() == [True, False, True, True, False, True, False, False]
    assert _right(guess, truth, 4, 0.05).tolist() == [True, False, False, True, False, True, False, False]


def test_days_within_a_span() -> None:
    guess, truth = np.array([18_000.0, 18_000.0, NAN]), np.array([18_010.0, 18_011.0, NAN])
    assert _right(guess, truth, 10, 0).tolist() == [True, False, True]


def years(*spans: tuple[int, int]) -> list[list[list[Any]]]:
    rng = np.random.default_rng(0)
    return [[["abc"[int(rng.integers(3))], int(rng.integers(*span))] for _ in range(100)] for span in spans]


YEARS = Schema.model_validate({
    "columns": [*words_schema("a").columns, {"name": "year", "kind": "integer", "range": [1900, 2100]}],
})  # fmt: skip


def test_years_are_not_all_alike() -> None:
    # Within 5% of one another are all years; within 5% of the middle 90% of 1990..2009 only equal ones.
    rows, train, holdout = years(*[(1990, 2010)] * 3)
    case = case_of(YEARS, rows, train, holdout)
    assert _tolerance(views(case)[1]) < 1
    told = find(AttributeInference().scores(case), NAME, "year").note
    assert float(told.split("%")[0]) < 15


def test_a_number_most_people_share_has_the_span_of_all() -> None:
    gains = [["a", 1900]] * 98 + [["a", 1920], ["b", 2000]]
    assert _tolerance(views(case_of(YEARS, gains, gains, gains))[1]) == pytest.approx(5)


def test_where_any_answer_is_right_there_is_no_secret() -> None:
    # b is the same but for one train row nobody asks about; it bears on the interval of the table in no way.
    rng = np.random.default_rng(1)

    def people(n: int) -> list[list[str]]:
        return [["abc"[int(rng.integers(3))], "abc"[int(rng.integers(3))], "a"] for _ in range(n)]

    schema = words_schema("x", "y", "b")
    rows, holdout = people(60), people(12)
    train = [*people(60), ["a", "a", "b"]]
    case = case_of(schema, rows, train, holdout)
    scores = assert_kept(AttributeInference(), case)
    asked = find(scores, NAME, "b")
    assert asked.note.startswith("100.0% of 12 guesses right for train rows, 100.0% for held-out rows")
    assert asked.value == 0
    shares = [
        [float(share.split("%")[0].split()[-1]) for share in find(scores, NAME, name).note.split(",")[:2]]
        for name in "xy"
    ]
    table = find(scores, NAME).note
    told = [float(share.split("%")[0].split()[-1]) for share in table.split(",")[:2]]
    assert told == pytest.approx(np.mean(shares, axis=0), abs=0.11)
    alike = [["a", "a"]] * 60
    rare = case_of(WORDS, alike, [*alike, ["a", "b"]], alike[:12])
    assert "there is no column where people differ" in find(AttributeInference().scores(rare), NAME).note


def test_words_by_hand() -> None:
    # Column b follows a in the rows: a -> x, b -> y. It does for 5 of 6 train rows, and for 2 of 6 held-out ones.
    schema = words_schema("a", "b", categories=("a", "b", "x", "y"))
    rows = [["a", "x"], ["b", "y"]]
    train = [["a", "x"]] * 3 + [["b", "y"]] * 2 + [["b", "x"]]
    holdout = [["a", "x"], ["b", "y"], *[["a", "y"]] * 2, *[["b", "x"]] * 2]
    scores = assert_kept(AttributeInference(), case_of(schema, rows * 5, train * 2, holdout * 2))
    for column in "ab":
        score = find(scores, NAME, column)
        assert (score.value, score.low, score.high) == residual_risk(Rate(10, 12), Rate(4, 12))
        assert score.note.startswith("83.3% of 12 guesses right for train rows, 33.3% for held-out rows")
    table = find(scores, NAME)
    assert table.value == pytest.approx((5 / 6 - 2 / 6) / (4 / 6))
    assert table.note.startswith(
        "83.3% of guesses right for train rows, 33.3% for held-out rows, 12 people of each sort; "
    )
    assert "highest for 'a'" in table.note


def test_against_the_same_attack_without_short_cuts() -> None:
    case = mixed_case(70, 40, 40)
    scores, points = list(AttributeInference().scores(case)), space(case)
    assert points is not None
    matrix = {part: made.astype(float) for part, made in points.matrix.items()}
    for view in views(case):  # extreme numbers are cut at five standard deviations
        if view.kind == "number":
            for made in matrix.values():
                place = points.blocks[view.name].start
                made[:, place] = made[:, place].clip(-5, 5)
    hits: list[Any] = []
    for view in views(case):
        block = points.blocks.get(view.name, slice(0, 0))
        rest = [i for i in range(points.width) if not block.start <= i < block.stop]
        rates = []
        for part in ("train", "holdout"):
            found = cdist(matrix[part][:, rest], matrix["rows"][:, rest]).argmin(axis=1)
            tolerance = 0.0
            if view.kind == "number":
                low, high = np.nanquantile(view.parts["train"], (0.05, 0.95))
                tolerance = 0.05 * (high - low)
            relative = 0.0 if view.name in {"day", "seen"} else 0.05
            right = _right(view.parts["rows"][found], view.parts[part], tolerance, relative)
            rates.append(right)
        hits.append(rates)
        score = find(scores, NAME, view.name)
        assert score.value == residual_risk(*(Rate(float(right.sum()), 40) for right in rates))[0]
    attack, control = np.mean(hits, axis=(0, 2))
    assert value(scores, NAME) == pytest.approx(max(0, (attack - control) / (1 - control)))


def test_copies_are_found_and_new_people_are_not() -> None:
    copies = find(AttributeInference().scores(leaking_case("copies")), NAME)
    fresh = find(AttributeInference().scores(leaking_case("fresh")), NAME)
    assert copies.low is not None
    assert copies.low > 0.4
    assert fresh.low == 0
    assert fresh.value is not None
    assert fresh.value < 0.08


def test_what_holds_for_everybody_is_no_risk() -> None:
    def people(seed: int) -> list[list[float]]:
        x = np.random.default_rng(seed).uniform(50, 100, 200)
        return [[float(v), float(2 * v)] for v in x]

    scores = list(AttributeInference().scores(case_of(NUMBERS, people(1), people(2), people(3))))
    note = find(scores, NAME, "y").note
    assert note == "100.0% of 200 guesses right for train rows, 100.0% for held-out rows"
    assert value(scores, NAME, "y") < 0.01


def test_a_constant_column_is_no_secret() -> None:
    train = [["a", word] for word in "abcab"] * 2
    scores = assert_kept(AttributeInference(), case_of(WORDS, train, train, train))
    assert "same value" in find(scores, NAME, "a").note
    assert value(scores, NAME, "b") == 0
    alike = [["a", None]] * 10
    scores = assert_kept(AttributeInference(), case_of(WORDS, alike, alike, alike))
    assert all(score.value is None for score in scores)


def test_a_text_can_be_the_secret() -> None:
    columns = (MIXED.column("age"), MIXED.column("note"))
    schema = MIXED.model_copy(update={"columns": columns, "rules": (), "dependencies": (), "target": None})
    train, holdout = ([[i, f"{word} {i}"] for i in range(60)] for word in ("mine", "yours"))
    scores = list(AttributeInference().scores(case_of(schema, train, train, holdout)))
    assert value(scores, NAME, "note") > 0.9


def test_a_weak_attack_says_so() -> None:
    rows = [["a", "a"], ["b", "b"]] * 10
    real = [["a", "b"], ["b", "a"]] * 10
    scores = list(AttributeInference().scores(case_of(WORDS, rows, real, real)))
    assert "too weak an attack" in find(scores, NAME, "a").note


@pytest.mark.parametrize(
    ("sizes", "said"),
    [((0, 19, 19), "no rows to judge"), ((1, 19, 19), "1 row is too few"), ((19, 4, 19), "4 real train rows are"),
     ((19, 19, 4), "4 held-out rows are")],
)  # fmt: skip
def test_too_few_rows(sizes: tuple[int, int, int], said: str) -> None:
    case = case_of(NUMBERS, *([[float(i), 1.0] for i in range(size)] for size in sizes))
    assert all(said in score.note for score in assert_kept(AttributeInference(), case))


def test_one_column_cannot_be_inferred() -> None:
    case = case_of(numbers_schema("x"), *([[float(i)] for i in range(10)] for _ in range(3)))
    assert all("nothing to infer it from" in score.note for score in assert_kept(AttributeInference(), case))


def test_guesses_that_are_never_right_are_no_certainty() -> None:
    rows, real = [["a", "a"], ["b", "b"]] * 10, [["a", "b"], ["b", "a"]] * 10
    score = find(AttributeInference().scores(case_of(WORDS, rows, real, real)), NAME)
    assert score.value == score.low == 0
    assert score.high == pytest.approx(residual_risk(Rate(0, 20), Rate(0, 20))[2])
    assert score.high > 0.1


def test_targets_are_cut_and_all_rows_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LEAST", 30)
    monkeypatch.setattr(module, "_CELLS", 0)
    people = mixed_rows(70, 2)
    case = case_of(MIXED, [*mixed_rows(1_100, 1), *people], people, mixed_rows(40, 3))
    score = find(AttributeInference().scores(case), NAME)
    assert "30 people of each sort; " in score.note
    assert score.value is not None
    assert score.value > 0.9  # each copy stands at the very end


def test_copies_in_a_large_table_are_all_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaving_out, "_PIECE", 256)
    monkeypatch.setattr(leaving_out, "_POINTS", 100)
    whole, pieces = (
        value(AttributeInference().scores(leaking_case("copies", 900, 150, 80)), NAME) for _ in "ab"
    )
    assert whole == pieces
    assert whole > 0.9


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 90), st.integers(1, 9))
def test_nearest_without_a_block_as_if_it_were_not_there(seed: int, points: int, most: int) -> None:
    rng = np.random.default_rng(seed)
    matrix, asked = (on_grid(rng.integers(0, most, (n, 6)) / most, 3, 1) for n in (points, 12))
    blocks = [slice(0, 1), slice(1, 4), None, slice(4, 6)]
    order = rng.permutation(points)
    found = nearest_without(asked, lambda rows: matrix[rows], order, blocks, lambda: None, 1)
    for block, rows in zip(blocks, found, strict=True):
        kept = [i for i in range(6) if block is None or not block.start <= i < block.stop]
        apart = np.square(asked[:, None, kept] - matrix[None][:, order][:, :, kept]).sum(axis=2)
        assert rows.tolist() == order[apart.argmin(axis=1)].tolist()


def test_ties_are_broken_without_the_secret() -> None:
    # The known column has three values, so that hundreds of rows are equally near; the secret has nothing to do with it.
    schema = Schema.model_validate(
        {
            "columns": [
                *(words_schema("a").columns),
                {"name": "secret", "kind": "integer", "range": [0, 10**6]},
            ]
        }
    )
    rng = np.random.default_rng(0)

    def people(secrets: Any) -> list[list[Any]]:
        return [["abc"[int(rng.integers(3))], int(secret)] for secret in secrets]

    train, holdout, rows = (people(rng.integers(0, 1_000, n)) for n in (400, 400, 900))
    case = case_of(schema, rows, train, holdout)
    points = space(case)
    assert points is not None
    found = module._Attack.on(case, points).nearest["secret"]
    other = case_of(
        schema, rows, *([[word, 1_000 - secret] for word, secret in side] for side in (train, holdout))
    )
    points = space(other)
    assert points is not None
    assert module._Attack.on(other, points).nearest["secret"].tolist() == found.tolist()


def test_wide_tables() -> None:
    number, word = {"kind": "float", "range": [-9, 9]}, {"kind": "categorical", "categories": list("abc")}
    kinds = [{"name": f"c{i}", **(number if i % 2 else word)} for i in range(100)]
    rng = np.random.default_rng(0)

    def people(n: int) -> list[list[Any]]:
        return [
            [float(rng.normal()) if i % 2 else "abc"[int(rng.integers(3))] for i in range(100)]
            for _ in range(n)
        ]

    train = people(60)
    scores = assert_kept(
        AttributeInference(),
        case_of(Schema.model_validate({"columns": kinds}), train, train, people(40), threads=2),
    )
    assert len(scores) == 101
    assert value(scores, NAME) > 0.95


@settings(max_examples=25)
@given(cases())
def test_the_contract(case: Case) -> None:
    assert assert_kept(AttributeInference(), case) == again(AttributeInference(), case)
