from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_curve
from sklearn.neighbors import NearestNeighbors

from localsynth.core.judging import Case
from localsynth.metrics import ranking
from localsynth.metrics.intervals import ranked, wilson
from localsynth.metrics.membership import Membership, _allowed, _share
from localsynth.metrics.pairwise import Scores, area
from localsynth.metrics.space import space

from .privacy_cases import again, leaking_case
from .support import MIXED, assert_kept, case_of, cases, find, mixed_rows, numbers_schema, value

NUMBER = numbers_schema("x")


def won_pair_by_pair(case: Case) -> list[list[float]]:
    """Members x non-members: 1 where the member looks more suspicious, all other held-out rows as reference; 1/2 for a tie."""
    points = space(case)
    assert points is not None
    synthetic, train, holdout = (points.matrix[part].astype(float) for part in ("rows", "train", "holdout"))
    won: list[list[float]] = [[] for _ in train]
    for own, other in enumerate(holdout):
        reference = np.delete(holdout, own, axis=0)
        real, made = (
            NearestNeighbors(n_neighbors=1).fit(x).kneighbors(np.vstack([train, [other]]))[0][:, 0]
            for x in (reference, synthetic)
        )
        ratio = np.round((real + 1e-9) / (made + 1e-9), 9)
        for row, member in zip(won, ratio[:-1], strict=True):
            row.append(float(np.sign(member - ratio[-1]) / 2 + 0.5))
    return won


@pytest.mark.parametrize("holdout", [12, 81])
def test_the_attack_pair_by_pair(holdout: int) -> None:
    case = case_of(MIXED, mixed_rows(120, 1), mixed_rows(100, 2), mixed_rows(holdout, 3), seed=5)
    score = find(Membership().scores(case), "membership_auc")
    assert score.value == pytest.approx(np.mean(won_pair_by_pair(case)))
    assert score.note == f"100 members against {holdout} others"


@given(
    st.lists(st.integers(0, 9), min_size=2, max_size=30), st.lists(st.integers(0, 9), min_size=2, max_size=30)
)
def test_without_neighbours_it_is_delongs_area(members: list[int], others: list[int]) -> None:
    high, low = (np.repeat(np.array(side, float)[:, None], 2, axis=1) for side in (members, others))
    nobody = len(others)  # the nearest reference row of all is none of the non-members
    found, left, right = area(Scores(high, np.full(len(high), nobody), low, np.full(len(low), nobody)))
    known = ranking.area(np.repeat([True, False], (len(high), len(low))), np.concatenate([high, low])[:, 0])
    assert found == pytest.approx(known.value)
    assert known.variance is not None
    if known.variance > 1e-12:
        # Student's t is wider than the normal distribution.
        reach = 1.95 * known.variance**0.5
        assert left <= max(0, found - reach)
        assert right >= min(1, found + reach)
    else:
        assert (left, right) == ranked(found, len(high), len(low))


def test_neighbours_in_each_others_reference_make_it_less_sure() -> None:
    rng = np.random.default_rng(0)
    member, other = (np.sort(rng.normal(size=(n, 2)), axis=1) for n in (80, 40))
    far, pairs = np.full(40, 99), np.arange(40) ^ 1
    near = np.full(80, 99)
    (_, low, high), (_, lower, higher) = (area(Scores(member, near, other, who)) for who in (far, pairs))
    assert lower < low
    assert higher > high


@pytest.mark.parametrize(("others", "allowed"), [(30, 0), (99, 0), (198, 0), (199, 1), (1_000, 9)])
def test_true_positives_at_few_false_ones(others: int, allowed: int) -> None:
    rng = np.random.default_rng(others)
    high, low = rng.integers(0, 300, 80), rng.integers(-100, 250, others)
    assert _allowed(others) == allowed
    found = _share(high, low, allowed)
    false, true, _ = roc_curve([1] * 80 + [0] * others, np.concatenate([high, low]), drop_intermediate=False)
    assert found == pytest.approx(
        max(t for f, t in zip(false, true, strict=True) if f <= allowed / others + 1e-12)
    )


@pytest.mark.parametrize(("train", "holdout", "columns"), [(60, 30, 3), (27, 13, 8)])
def test_where_nothing_leaked_the_interval_misses_one_half_about_as_often_as_it_says(
    train: int, holdout: int, columns: int
) -> None:
    schema = numbers_schema(*(f"x{i}" for i in range(columns)))
    missed = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        tables = (rng.normal(size=(n, columns)).round(6).tolist() for n in (40, train, holdout))
        score = find(Membership().scores(case_of(schema, *tables)), "membership_auc")
        assert score.low is not None
        assert score.high is not None
        missed.append(not score.low <= 0.5 <= score.high)
    assert 0.01 <= np.mean(missed) <= 0.1  # 5%; three standard deviations are 5% either way


def test_members_all_told_apart_are_no_certainty() -> None:
    # 12 members on the synthetic rows, 12 others far from them.
    case = case_of(NUMBER, *([[float(i + far)] for i in range(12)] for far in (0, 0, 1_000)))
    score = find(assert_kept(Membership(), case), "membership_auc")
    assert score.value == 1
    assert score.low is not None
    assert 0.7 < score.low < 0.9


def test_copies_are_found_out() -> None:
    scores = assert_kept(Membership(), leaking_case("copies", 200, 200, 200))
    # 1 - 1/e of the train rows are among as many draws with replacement, the rest is told by chance.
    assert value(scores, "membership_auc") == pytest.approx(0.63 + 0.37 / 2, abs=0.06)
    assert value(scores, "membership_tpr") == pytest.approx(0.63, abs=0.08)
    low = find(scores, "membership_auc").low
    assert low is not None
    assert low > 0.7


@pytest.mark.parametrize(("n", "holdout"), [(200, 200), (40, 300), (600, 60)])
def test_new_people_tell_nothing_whatever_the_sizes(n: int, holdout: int) -> None:
    found = [
        find(Membership().scores(leaking_case("fresh", n, 150, holdout, seed)), "membership_auc")
        for seed in range(6)
    ]
    assert np.mean([score.value for score in found]) == pytest.approx(0.5, abs=0.06)
    assert sum(score.low <= 0.5 <= score.high for score in found if score.low and score.high) >= 5


def test_a_few_copies_show_at_few_false_alarms() -> None:
    known = mixed_rows(150, 1)
    case = case_of(MIXED, [*known[:30], *mixed_rows(120, 2)], known, mixed_rows(300, 3))
    scores = list(Membership().scores(case))
    assert value(scores, "membership_auc") < 0.68
    assert value(scores, "membership_tpr") == pytest.approx(0.2, abs=0.03)
    assert find(scores, "membership_tpr").note.startswith("at 1.0% false alarms;")


def test_few_others_show_a_higher_rate_or_none() -> None:
    scores = list(Membership().scores(leaking_case("copies", 60, 60, 30)))
    assert find(scores, "membership_tpr").note.startswith(
        "at 3.2% false alarms, the lowest that so few can show;"
    )
    scores = list(Membership().scores(leaking_case("copies", 60, 60, 15)))
    assert find(scores, "membership_tpr").note.endswith(
        "only 15 non-members to tell the rate of false alarms by"
    )
    assert value(scores, "membership_auc") > 0.6


@pytest.mark.parametrize(
    ("sizes", "said"),
    [((0, 19, 19), "no rows to judge"), ((1, 19, 20), "1 row is too few: it takes at least 10"),
     ((19, 4, 20), "4 real train rows are"), ((19, 19, 9), "9 held-out rows are"),
     ((19, 0, 19), "no real train rows"), ((19, 19, 0), "held out")],
)  # fmt: skip
def test_too_few_rows(sizes: tuple[int, int, int], said: str) -> None:
    case = case_of(NUMBER, *([[float(i)] for i in range(size)] for size in sizes))
    scores = assert_kept(Membership(), case)
    assert all(score.value is None and said in score.note for score in scores)


def test_rows_all_alike_tell_nothing() -> None:
    case = case_of(NUMBER, [[1.0]] * 20, [[1.0]] * 30, [[1.0]] * 60)
    scores = assert_kept(Membership(), case)
    score = find(scores, "membership_auc")
    assert (score.value, score.low, score.high) == (0.5, *ranked(0.5, 30, 60))
    score = find(scores, "membership_tpr")
    assert (score.value, score.low, score.high) == (0, *wilson(0, 30))


@settings(max_examples=25)
@given(cases(24))
def test_the_contract(case: Case) -> None:
    assert assert_kept(Membership(), case) == again(Membership(), case)
