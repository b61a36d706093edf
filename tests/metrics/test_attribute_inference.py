from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.spatial.distance import cdist

from localsynth.core.judging import Case
from localsynth.core.schema import Schema
from localsynth.metrics import attribute_inference as module
from localsynth.metrics.attribute_inference import AttributeInference, _right
from localsynth.metrics.encode import views
from localsynth.metrics.intervals import Rate, residual_risk
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
    assert _right(guess, truth, None).tolist() == [True, False, True, True, False, True, False, False]


def test_days_within_a_span() -> None:
    assert _right(np.array([18_000.0, 18_000.0, NAN]), np.array([18_010.0, 18_011.0, NAN]), 10).tolist() == [
        True,
        False,
        True,
    ]


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
            tolerance = None
            if view.name in {"day", "seen"}:
                low, high = np.nanquantile(view.parts["train"], (0.05, 0.95))
                tolerance = 0.05 * (high - low)
            right = _right(view.parts["rows"][found], view.parts[part], tolerance)
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


def test_targets_and_rows_searched_are_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TARGETS", 30)
    monkeypatch.setattr(module, "_CELLS", 0)
    case = case_of(MIXED, mixed_rows(1_100, 1), mixed_rows(70, 2), mixed_rows(40, 3))
    note = find(AttributeInference().scores(case), NAME).note
    assert "30 people of each sort, 1,000 of 1,100 rows searched" in note


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
